"""!dbgprint, and what happens when gdb connects to a machine or opens a dead one's memory."""
import gdb

from . import images, memory, modules, target
from .command import Command
from .target import Unreadable



class DbgPrint(Command):
    """Shows what the kernel and drivers printed last, out of the ring in memory."""

    name, usage = "dbgprint", "!dbgprint"

    def run(self, arguments):
        ring = target.variable("KdPrintRing")
        size, written = ring["Text"].type.sizeof, int(ring["Written"]) & 0xFFFFFFFF
        text = target.read(target.address_of(ring["Text"]), size)
        text = text[:written] if written < size else text[written % size:] + text[:written % size]
        print(text.decode("latin-1").rstrip("\n"))


DbgPrint()


class _Bugcheck(gdb.Breakpoint):
    """Stops when a bugcheck has made its report, on the processor that made it."""

    def __init__(self):
        super().__init__("*KiEndSystem", internal=True)

    def stop(self):
        print("\nThe system has stopped with a bugcheck. Type `!analyze` for what it means, `bt` for the stack.")
        return True


def is_stopped_by_bugcheck():
    return target.safe(lambda: int(target.variable("KiBugCheckData")[0]), default=0) != 0


def kernel_is_loaded():
    """Not before the loader has mapped it: the machine stands in its firmware, in GRUB or in the loader."""
    return target.safe(lambda: target.read(modules.kernel_base()[0], 2), default=b"") == b"MZ"


def connected():
    """After `target remote`: a machine that has not started yet runs to the kernel's first instruction, so that breakpoints can be set."""
    memory.forget()
    if gdb.selected_thread() is None or not modules.kernel_file():
        return
    try:
        if modules.watch_loading():
            _Bugcheck()
        if not kernel_is_loaded():
            gdb.Breakpoint("*KiSystemStartup", gdb.BP_BREAKPOINT, internal=True, temporary=True).silent = True
            gdb.execute("continue", to_string=True)
            print("The kernel is about to start. Set breakpoints (names of drivers' functions too), then type `continue`.")
        else:
            _report("Attached.")
    except (gdb.error, Unreadable) as error:
        print(f"etude.py: {error}")


def opened():
    """After `core-file`: the memory image of a dead machine."""
    memory.forget()
    if gdb.selected_thread() is None or not modules.kernel_file():
        return
    try:
        select_busy()
        _report("This is a dead machine's memory; commands that look work, nothing runs.")
    except (gdb.error, Unreadable) as error:
        print(f"etude.py: {error}")


def select_busy():
    """Turns to the first processor that was doing something, which a bugcheck's reporter was."""
    busy = {number for number, prcb in target.processors() if target.integer(prcb["CurrentThread"]) != target.integer(prcb["IdleThread"])}
    for thread in sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num):
        if thread.num - 1 in busy:
            thread.switch()
            return


def is_another_build():
    """Whether the kernel that runs is not the one whose symbols gdb has: the tree was built anew meanwhile."""
    file, base = modules.kernel_file(), modules.kernel_base()[0]
    return target.safe(lambda: images.identity(images.File(file).header) != images.identity(images.header(base)), default=False)


def _report(first):
    for line in modules.reload():
        print(line)
    if is_another_build():
        print(f"ntoskrnl.exe: the file {modules.kernel_file()} is another build than the kernel that runs: names and lines will be wrong.")
    print(f"{first} The symbols of the kernel and of its drivers are loaded; type `!help` for Etude's commands.")
    if is_stopped_by_bugcheck():
        print("The system has stopped with a bugcheck: type `!analyze`.")


_last = None                        # number of the connection that was seen last


def notice():
    """Acts on a new connection, once. gdb runs hooks for commands in scripts only, and the event only before a prompt: both call this."""
    global _last
    connection = gdb.selected_inferior().connection
    number = connection.num if connection is not None and connection.is_valid() else None
    if number == _last:
        return
    _last = number
    if number is None:
        memory.forget()
        modules.forget()
    else:
        (opened if connection.type == "core" else connected)()


def follow_connections():
    for event in ("target hookpost-remote", "target hookpost-core", "hookpost-core-file"):
        gdb.execute(f"define {event}\npython import etude_gdb.system; etude_gdb.system.notice()\nend")
    gdb.events.before_prompt.connect(notice)
    notice()
