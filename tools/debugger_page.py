#!/usr/bin/env python3
"""Writes docs/debugger.md: what each command of the debugger does, from its own help text, with the samples of tests/golden.

A test compares the page with what this prints; after a change type: tools/debugger_page.py > docs/debugger.md
"""
import ast
import sys
from pathlib import Path

sys.path.insert(0, "tests")
import golden  # noqa: E402

INTRODUCTION = """\
# The debugger's commands

`make debug` starts the machine under gdb, stopped before its first instruction; `make attach` joins one that `make run` started, at any
moment, and `detach` leaves it running. Etude's extension (`debugger/etude.py`) gives gdb whole backtraces through programs, traps, kernel
and drivers, the symbols of each driver as it is loaded, and the commands of WinDbg under their names, with its flags and the order of
its fields, so that what is known from there works here and what is learned here holds there.

- `help !NAME` explains a command, `!help` lists them. Tab completes names, and a name may be cut short.
- An address may be written as WinDbg prints it, as an expression (`$rcx`, `Irp->Tail.Overlay.Thread`), or, where a command takes
  objects, as a path; devices and drivers also by their last name. `$object("\\\\Device\\\\Null")` and `$handle(0x14)` are the object at a path
  and behind a handle, typed: `print $object("\\\\Device\\\\Null")->ReferenceCount`.
- A line that shows addresses ends with the commands that explain them, in brackets, in the order of the addresses.
- Nothing calls a function of the target or writes to it. Bad pointers are shown as `<unreadable>`, lists that run in a circle end with a
  sentence that says so.
- Everything but `!obwatch` works on a dead machine, too, and prints the same text: in QEMU's monitor (Ctrl-A C under `make run`) type
  `dump-guest-memory -p memory.elf`, later `gdb -x debugger/etude.py build/ntoskrnl.exe -ex "core-file memory.elf"`. What such an image
  does not hold is the IRQL of a processor that no bugcheck stopped.

What WinDbg does not do: counts are true and their parts are listed (`!object`, line References); the traces of references, handles and
IRPs are always on and outlive what they are about (`!obtrace`, `!htrace`, the section Life of `!irp`); `!irp` says who set each completion
routine and on which outcomes it runs; any number of objects' counts can be watched while the machine runs (`!obwatch`); a leak gets a
verdict (`!poolleak`); `!analyze -v` names the rule that was broken and the way to mend it.

The samples below were taken by `tests/test_golden.py` on a machine that stands still in `tests/drivers/samplelow`, and are compared with what
the commands print whenever the tests run; `…` stands for lines left out.
"""
GROUPS = (
    ("Objects and handles", "object handle obtrace htrace obwatch"),
    ("Drivers, devices, files, requests", "drvobj devobj devstack fileobj irp irpfind"),
    ("Processes, threads, processors", "process thread ready running stacks irql dpcs apc timer locks"),
    ("Pool", "pool poolused poolfind poolval poolleak"),
    ("The system", "analyze k dt dbgprint reload help"),
)


def commands():
    """{name: (usage, help text)}, from the classes that define them."""
    found = {}
    for path in sorted(Path("debugger/etude_gdb").glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.ClassDef) or not (text := ast.get_docstring(node)):
                continue
            for line in node.body:
                if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Tuple) and line.value.elts[0].value \
                        and [target.id for target in line.targets[0].elts[:2]] == ["name", "usage"]:
                    found[line.value.elts[0].value] = line.value.elts[1].value, text
            if node.name in ("Dt", "Stack"):
                usage, _, text = text.partition("\n\n")
                found["dt" if node.name == "Dt" else "k"] = usage, text
    return found


def section(name, usage, text):
    mark = "" if name in ("dt", "k") else "!"
    lines = [f"### {mark}{name}", "", f"    {usage}", "", text]
    for path in sorted(golden.FOLDER.glob(f"{name}.txt")) + sorted(golden.FOLDER.glob(f"{name}-*.txt")):
        lines += ["", "```", path.read_text().rstrip("\n"), "```"]
    return lines + [""]


def page():
    known, lines = commands(), [INTRODUCTION]
    for title, names in GROUPS:
        lines += [f"## {title}", ""]
        for name in names.split():
            lines += section(name, *known.pop(name))
    if known:
        raise SystemExit(f"tools/debugger_page.py: no group has {', '.join(known)}")
    return "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
