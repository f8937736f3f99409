"""The debugger's commands give the samples of tests/golden, on a machine that stands still, and the same text on its dead memory."""
import os
import re
import subprocess
import sys
from pathlib import Path

import golden
from etude import test
from gdbsession import Debugged, Gdb, Monitor

UPDATE = os.environ.get("GOLDEN") == "update"
# What a memory image does not hold (CR8), or what it cannot have: breakpoints.
LIVE_ONLY = ("!irql",)


def stopped(context, **options):
    """The guest and gdb at samplelow.sys's SampleStop."""
    machine = Debugged(context, memory=128, **options)
    gdb, guest = machine.gdb, machine.guest
    gdb.type("break SampleStop")
    gdb.go()
    guest.command("sc start samplelow")
    guest.command("sc start sampletop")
    guest.send("tsample\r")
    gdb.found(gdb.answer(), "continue", r"SampleStop \(\)")
    return machine


@test("Every command gives its golden sample, and the same text to the letter on a memory image of the dead machine", timeout=120)
def samples(context):
    monitor = Monitor(context)
    machine = stopped(context, extra=monitor.extra)
    live = {command: machine.gdb.type(command) for _, command, _ in golden.SAMPLES}
    if UPDATE and context.smp == 1:
        golden.update({(name, command): golden.kept(live[command], keep) for name, command, keep in golden.SAMPLES})
    complaints = []
    for name, command, _ in golden.SAMPLES:
        if context.smp > 1 and command in golden.ONE_PROCESSOR:
            continue
        sample = golden.read(name).get(command)
        wrong = golden.matches(sample, golden.kept(live[command], None)) if sample is not None else "there is no sample"
        if wrong:
            complaints.append(f"`{command}`: {wrong}")
    context.check(not complaints, "\n".join(complaints))

    image = context.scratch("memory.core", b"")
    monitor.dump(image.with_suffix(".elf"))
    dead = Gdb(context)
    dead.found(dead.type(f"core-file {image.with_suffix('.elf')}"), "core-file", "a dead machine's memory")
    dead.type("!poolleak mark")
    dead.type("thread " + machine.gdb.type("print $_thread").split()[-1])
    for _, command, _ in golden.SAMPLES:
        if command not in LIVE_ONLY:
            text = dead.type(command)
            context.check(text == live[command], f"`{command}` says on the dead machine {text!r}, and said {live[command]!r}")


@test("!analyze -v names rule, cause and remedy of a bugcheck, as in its golden sample", timeout=60)
def bugcheck(context):
    machine = Debugged(context)
    machine.gdb.go()
    machine.guest.send("sc start crash-irql\r")
    machine.gdb.answer()
    for name, command, keep in golden.AT_A_BUGCHECK:
        lines = golden.kept(machine.gdb.type(command), None)
        if UPDATE and context.smp == 1:
            golden.update({(name, command): golden.kept("\n".join(lines), keep)})
        wrong = golden.matches(golden.read(name)[command], lines)
        context.check(wrong is None, f"`{command}`: {wrong}")


@test("!obwatch logs the change of a count with its stack, as in its golden sample", timeout=60)
def obwatch(context):
    machine = stopped(context)
    gdb, command = machine.gdb, r"!obwatch \SampleDirectory\Event"
    first = gdb.type(command)
    gdb.type("break SampleDone")
    log = gdb.type("continue")
    lines = golden.kept(first + "(gdb) continue\n" + log, r"^(?!.*(ffff\w+ in|\d+\t|nt!(Ki|Ps|Nt|Iof)|ntdll|^$|Thread \d|Breakpoint|SampleDone \(|Continuing))")
    lines = [line for line in lines if line != golden.ANY]
    if UPDATE and context.smp == 1:
        golden.path("obwatch").write_text("\n".join([f"(gdb) {command}"] + lines) + "\n")
    sample = golden.path("obwatch").read_text().splitlines()[1:]
    wrong = golden.matches(sample, lines)
    context.check(wrong is None, f"`{command}`: {wrong}")


@test("docs/debugger.md lists every command with its help and its samples, as they are now", smp=(None,))
def page(context):
    made = subprocess.run([sys.executable, "tools/debugger_page.py"], capture_output=True, text=True)
    context.check(made.returncode == 0, made.stderr[-600:])
    context.check(Path("docs/debugger.md").read_text() == made.stdout,
                  "docs/debugger.md is not what the commands' help and the samples make it: tools/debugger_page.py > docs/debugger.md")


@test("Every address in the samples stands beside the command that explains it, or beside the name of what it is", smp=(None,))
def explained(context):
    bare = []
    for path in sorted(golden.FOLDER.glob("*.txt")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            addresses = [word for word in re.findall(r"\b(?:0x)?(ffff[0-9a-f]{12})\b", line)]
            named = re.search(r"\[(!|dt |x/)|\w+!\w+|<\w+\+|\(gdb\)|\.sys|^Pool page|^Validating|Analyzing|Searching|Stack Init|Limit", line)
            if addresses and not named and path.stem not in ("dt", "pool", "devstack"):
                bare.append(f"{path.name}:{number}: {line.strip()}")
    context.check(not bare, "\n".join(bare))
