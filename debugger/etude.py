"""Etude's gdb extension: `gdb -x debugger/etude.py build/ntoskrnl.exe`, or just `make debug`.

It gives gdb whole backtraces through kernel, drivers, traps and programs (unwind.py), the symbols of each driver as it is loaded
(modules.py), and WinDbg's commands under their names: type `!help`. Nothing in it calls a function of the target or writes to it.
"""
import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
for name in [name for name in sys.modules if name == "etude_gdb" or name.startswith("etude_gdb.")]:
    del sys.modules[name]                               # so that `source debugger/etude.py` takes up changes

from etude_gdb import command, modules, target, unwind, printers          # noqa: E402,F401
from etude_gdb import objectcmd, handles, drivers, files, irps, processes, threads, poolcmd, traces, obwatch  # noqa: E402,F401
from etude_gdb import scheduler, queues, locks, analyze, system, dt, stack          # noqa: E402,F401

for setting in ("pagination off", "confirm off", "breakpoint pending on", "print pretty on", "disassembly-flavor intel",
                "print address on", "max-completions 50", "backtrace past-main on", "auto-solib-add off",
                "remotetimeout 60",                     # on a busy machine QEMU takes longer to answer than gdb's 2 seconds
                "style enabled off" if not sys.stdout.isatty() else "style enabled on"):
    gdb.execute(f"set {setting}")

system.follow_connections()
