"""The samples of the debugger's commands: which are taken, how what differs from one run to the next is told from what must not.

tests/golden/NAME.txt holds the samples of !NAME as gdb printed them once, addresses and all; they are also the samples of
docs/debugger.md. Compared is what normal() leaves of a line: addresses, times and the like become `#`, everything else stays, the
layout included. A line `…` in a sample stands for any number of lines. GOLDEN=update in the environment of the tests
writes those anew that no longer match.
"""
import re
from pathlib import Path

FOLDER = Path("tests/golden")
ANY = "…"
STACKS = r"^(?! *[0-9a-f]{16}  [0-9a-f]{16}  (nt!|ntdll|KERNEL32))"          # no frames of what changes often

# (file, command, which lines are kept: a pattern, or None for all, one processor only)
SAMPLES = (
    ("object", r"!object \Device\SampleLow", None),
    ("object", r"!object \SampleDirectory", None),
    ("object", r"!object \SampleDirectory\Link", None),
    ("object", r"!object \SampleDirectory\Event 0x31", None),
    ("object", r"!object SampleEvent 0", None),
    ("object", r"!object SampleFile", None),
    ("object", r"!object SampleFile 0x10", None),
    ("object", r"!object \BaseNamedObjects\SampleExclusive 0x11", None),
    ("object", r"!object 0 Driver", r"Scanning|sample"),
    ("handle", r"!handle SampleHandles[0]", None),
    ("handle", r"!handle SampleHandles[1] 1", r"^[0-9a-f]{4}:|Image|Rights"),
    ("handle", r"!handle SampleHandles[3] 7", r"^[0-9a-f]{4}:|Image"),
    ("handle", r"!handle 0 3 0 Mutant", r"Image: (System|tsample)|^[0-9a-f]{4}:|Rights|Type: .*Mutant|^    HandleCount|References|SampleMutex"),
    ("handle", r"!handle -u", r"^\d+ Handles|^Type|^(Event|File|Mutant|Key|Process) "),
    ("handle", r"!handle -u SampleHandles[1] 0xf", None),
    ("handle", r"!handle -u 0 0xf Mutant", None),
    ("obtrace", r"!obtrace SampleEvent", r"samplelow|Object|Sequence|^---|Tag: (Hndl|Smpl)|^References"),
    ("htrace", r"!htrace SampleHandles[3]", r"Process 0x|Table|^-|Handle|Object|Thread ID|tsample|Parsed|Dumped"),
    ("htrace", r"!htrace 0x7ffc", r"Process 0x|Table|^-|Handle|Thread ID|tsample|Parsed|Dumped"),
    ("drvobj", r"!drvobj samplelow", None),
    ("drvobj", r"!drvobj \Driver\sampletop 7", None),
    ("devobj", r"!devobj SampleLow", None),
    ("devstack", r"!devstack SampleLow", None),
    ("fileobj", r"!fileobj SampleFile", None),
    ("irp", r"!irp SampleIrp", None),
    ("irpfind", r"!irpfind 0 0 arg 0x10", None),
    ("process", r"!process", STACKS),
    ("process", r"!process 0 0", r"ACTIVE|Image: (System|smss|tsample)"),
    ("thread", r"!thread", STACKS),
    ("thread", r"!thread SampleThread", STACKS),
    ("pool", r"!pool SampleBlock 3", None),
    ("poolused", r"!poolused 0 Smpl", None),
    ("poolused", r"!poolused 1 Smp*", None),
    ("poolfind", r"!poolfind Smpl", None),
    ("poolval", r"!poolval SampleBlock 1", None),
    ("poolleak", r"!poolleak mark", None),
    ("poolleak", r"!poolleak", None),
    ("irql", r"!irql", None),
    ("dpcs", r"!dpcs", r"CPU|sample"),
    ("apc", r"!apc", r"Enumerating|System|KernelMode|KAPC|Sample"),
    ("apc", r"!apc thre SampleThread", None),
    ("timer", r"!timer", r"^(?!  ?\d| \d|\d{3})|sample"),
    ("ready", r"!ready", None),
    ("running", r"!running -t", STACKS),
    ("stacks", r"!stacks 0 sample", r"^(?! +\[)(?!.*SampleWoken)|System|tsample"),
    ("locks", r"!locks", None),
    ("locks", r"!locks &SampleResource", None),
    ("analyze", r"!analyze", None),
    ("analyze", r"!analyze -show 44 ffffc00000012340", None),
    ("dt", r"dt _DEVICE_OBJECT SampleDevice", r"^(?!.*SecurityDescriptor)"),
    ("dt", r"dt _DEVICE_OBJECT DriverObject SampleDevice", None),
    ("dt", r"dt -r1 _LIST_ENTRY", None),
    ("dt", r"dt -l NextDevice _DEVICE_OBJECT ReferenceCount SampleDevice", None),
    ("k", r"k", STACKS),
    ("k", r"kb 2", STACKS),
    ("dbgprint", r"!dbgprint", r"^samplelow"),
    ("reload", r"!reload", r"samplelow"),
)
AT_A_BUGCHECK = (                   # crash.sys has read unmapped memory at DISPATCH_LEVEL
    ("analyze-v", r"!analyze -v", r"^(?!.* : nt!)"),
)
ONE_PROCESSOR = ("!ready", "!running -t")

NUMBERS = re.compile(r"Cid|VadRoot|Quota|VirtualSize|DirBase|^ *Ticks|TickCount|Context Switch|Threads Processed|entries in use|total locks|Total Timers|Current Hand|Interrupt time|"
                     r"ElapsedTime|UserTime|KernelTime|CommitCharge|^Marked|No leak|Parsed|Dumped|Thread ID|Handle 0x|BasePriority|TOTAL|Contention|"
                     r"IRQL  CPU|Next Entry|made by process|of process|^References:", re.I)
ROWS = re.compile(r"^ +[0-9a-f]+   [+-]1    |^ +-?\d+ +\d+ +\d+  \w+(:| )|^ *\d+  # [P ] ")


def normal(line):
    """What of a line is the same in every run."""
    line = re.sub(r"\b0x(?=[0-9a-f]{16}\b)", "", line.rstrip())
    line = re.sub(r"\b(?!0{16}\b)[0-9a-f]{16}\b", "#", line)
    line = re.sub(r" : ([0-9a-f]{16}|#)( ([0-9a-f]{16}|#)){3} +: ", " : # : ", line)
    line = re.sub(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d\.\d{3}|\d\d:\d\d:\d\d\.\d{3}", "#", line)
    line = re.sub(r"\+0x[0-9a-f]+(?=[\s(\[]|$)", "+#", line) if "!" in line or "sample" in line else line
    line = re.sub(r"\[([\w.]+):\d+\]", r"[\1:#]", line)
    line = re.sub(r"(processor|Processor|size:|!pool) +(0x)?[0-9a-f]+", r"\1 #", line)
    line = re.sub(r"^ \d(?=: (Normal|Threaded))|^[0-9a-f]{4}(?=: )", "#", line)
    line = re.sub(r"\S*(build|tests)/\S+", "#", line)
    line = re.sub(r"(Token ) .*", r"\1 #", line)
    line = re.sub(r"SecurityDescriptor # |dt _ISECURITY_DESCRIPTOR; |,? default security", "", line)
    if NUMBERS.search(line):
        line = re.sub(r"\b(0x)?[0-9a-f]*\d[0-9a-f]*\b", "#", line)
        line = re.sub(r" {2,}", "  ", line)
    if ROWS.search(line):
        line = line.lstrip()
        line = re.sub(r"(?<![\w!])(0x)?[0-9a-f]*\d[0-9a-f]*(?![\w!])", "#", line)
        line = re.sub(r" {2,}", "  ", line)
    return line


def kept(text, keep):
    """The lines that belong to a sample; others become one line `…`."""
    lines = []
    for line in text.rstrip("\n").split("\n"):
        if keep is None or re.search(keep, line):
            lines.append(line.rstrip())
        elif not lines or lines[-1] != ANY:
            lines.append(ANY)
    return lines


def matches(sample, actual):
    """None, or the first line of the sample that the output does not have."""
    position, skipping = 0, False
    wanted = [normal(line) for line in sample]
    lines = [normal(line) for line in actual]
    for number, line in enumerate(wanted):
        if line == ANY:
            skipping = True
            continue
        while skipping and position < len(lines) and lines[position] != line:
            position += 1
        if position >= len(lines) or lines[position] != line:
            found = lines[position] if position < len(lines) else "its end"
            return f"the sample has {sample[number]!r} ({line!r}), the output {found!r}"
        position, skipping = position + 1, False
    return None if skipping or position == len(lines) else f"the output goes on with {lines[position]!r}"


def path(name):
    return FOLDER / f"{name}.txt"


def read(name):
    """{command: lines} of a file of samples."""
    found, lines = {}, None
    for line in path(name).read_text().splitlines():
        if line.startswith("(gdb) "):
            lines = found.setdefault(line[6:], [])
        elif lines is not None:
            lines.append(line)
    for lines in found.values():
        while lines and not lines[-1]:
            lines.pop()
    return found


def update(samples):
    """{(name, command): lines} to the files, in the order of SAMPLES; a sample that still matches stays as it is."""
    FOLDER.mkdir(exist_ok=True)
    texts = {}
    for (name, command), lines in samples.items():
        old = read(name).get(command) if path(name).exists() else None
        if old and matches(old, lines) is None:
            lines = old
        texts.setdefault(name, []).append("\n".join([f"(gdb) {command}"] + lines))
    for name, parts in texts.items():
        path(name).write_text("\n\n".join(parts) + "\n")
