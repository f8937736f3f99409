"""gdb with Etude's extension, on a guest that runs: backtraces, drivers' symbols, the ! commands by themselves."""
import re
import runpy
from pathlib import Path

from etude import test
from gdbsession import Debugged, Gdb, Monitor

RUBBISH = ("", "1234", "0xffffc00000000008", "ffff8000`00000000", "ffffffffffffffff", "nonsense(", "-1", "0x18 0x18 0x18 0x18 0x18",
           "fffff80000400000 7", "\\No\\Such", "\\Device 0x3f", "((((")
COMMANDS = ("object", "devobj", "drvobj", "fileobj", "irp", "process", "thread", "obtrace", "htrace", "devstack", "handle", "irpfind",
            "pool", "poolused", "poolfind", "poolval", "poolleak", "irql", "dpcs", "apc", "timer", "ready", "running", "stacks", "locks",
            "analyze", "obwatch", "dbgprint", "reload", "help")


@test("A breakpoint in pipe.sys stops with every frame named, from the driver through the kernel to the program", timeout=120, smp=(1, 4))
def backtrace(context):
    machine = Debugged(context)
    gdb, guest = machine.gdb, machine.guest
    text = gdb.shows("!drvobj pipe 2", r"Driver object \([0-9a-f]{16}\) is for:", r"^ \\Driver\\pipe", r"DriverUnload: +\w+ pipe!\w+")
    name = re.search(r"IRP_MJ_WRITE +[0-9a-f]{16} +pipe!(\w+)\n", text)[1]
    gdb.type(f"break {name}")
    gdb.go()
    guest.send("usedriver2 HELLO\r")
    guest.expect("Type lines")
    guest.send("one line\r")
    gdb.found(gdb.answer(), "continue", rf"Breakpoint \d+,.* {name} \(")
    gdb.shows("bt", rf"#0 .*{name} \(", r"#\d+ .* in IofCallDriver \(", r"#\d+ .*NtWriteFile \(", r"#\d+ .* in Ki\w+ \(\) at kernel/ke/syscall.S",
              r"#\d+ .* in ntdll\+0x", r"#\d+ .* in usedriver2\+0x")
    gdb.shows("!process", r"PROCESS [0-9a-f]{16}", r"Image: usedriver2", r"THREAD", r"RUNNING on processor \d")
    gdb.shows("!thread", r"THREAD [0-9a-f]{16}", r"RUNNING on processor", rf"pipe!{name}", r"nt!NtWriteFile", r"usedriver2\+0x")
    gdb.type("up")
    gdb.shows("info registers rip", r"rip +0x")


@test("A breakpoint set before its driver is loaded becomes real when it is", timeout=90, smp=(1, 4))
def pending_breakpoint(context):
    gdb = Debugged(context, stopped=True).gdb
    gdb.type("break pipe.c:DriverEntry")
    gdb.shows("continue", r"Breakpoint \d+.*DriverEntry")
    gdb.shows("bt", r"#0 .*DriverEntry \(DriverObject=0x", r"#1 .* in \w+")
    gdb.shows("!reload", r"ntoskrnl.exe", r"pipe.sys +\S*pipe.sys")
    gdb.shows("!object \\Driver", r"Driver +pipe")


@test("$object and $handle give objects by path and by handle, typed as what they are", timeout=90, smp=(1, 4))
def functions(context):
    gdb = Debugged(context).gdb
    gdb.shows('print *$object("\\\\Device\\\\Example")', r"DriverObject = 0xf", r"StackSize = ")
    gdb.shows('print $object("\\\\Device\\\\Example")->ReferenceCount', r"= 0")
    gdb.shows('print $object("\\\\No\\\\Such")', r"there is no object")
    gdb.shows("print $handle(0x7ffc)", r"0x7ffc is no open handle")
    gdb.shows("run", r"type `continue`")
    gdb.shows("!drvobj nosuch", r"there is no object \\Driver\\nosuch")
    gdb.shows("!devobj nosuch", r"there is no object \\Device\\nosuch")


@test("Every command has help under `help !NAME` and `!help NAME`, which says how it is used", timeout=60, smp=(1,))
def help_texts(context):
    gdb = Debugged(context).gdb
    for name in COMMANDS:
        usage = rf"^!{name}\b"
        gdb.shows(f"help !{name}", usage, r"\w+ \w+")
        gdb.shows(f"!help {name}", usage)
    gdb.shows("!help", *(rf"^!{name}\b" for name in sorted(COMMANDS)))
    gdb.shows("!help nonsense", "there is no command !nonsense")
    gdb.shows("!echo a shell still does this", "^a shell still does this")


@test("Wrong addresses and words get a line of text from every command, never a Python traceback", timeout=120, smp=(1, 4))
def wrong_arguments(context):
    gdb = Debugged(context).gdb
    for name in COMMANDS:
        for rubbish in RUBBISH:
            gdb.type(f"!{name} {rubbish}".rstrip())
    for rubbish in RUBBISH:
        gdb.type(f"dt {rubbish}")
        gdb.type(f"dt _DEVICE_OBJECT {rubbish}")
        gdb.type(f"!process {rubbish} 7")


@test("Circles in the target's lists end the command with a sentence, bad pointers show as <unreadable>", timeout=60, smp=(1, 4))
def damage(context):
    """The damage is done by hand: gdb itself never writes."""
    gdb = Debugged(context).gdb
    gdb.type('set $device = $object("\\\\Device\\\\Example")')
    gdb.type('set $driver = $device->DriverObject')
    gdb.type("set $device->NextDevice = $device")
    gdb.shows("!drvobj pipe", r"runs in a circle")
    gdb.type("set $device->NextDevice = 0")
    gdb.type("set $device->AttachedDevice = $device")
    gdb.shows("!devstack Example", r"runs in a circle")
    gdb.type("set $device->AttachedDevice = (struct _DEVICE_OBJECT *)0xffffc0ffffff0000")
    gdb.shows("!devobj Example", r"AttachedDevice \(Upper\) ffffc0ffffff0000 <unreadable>")
    gdb.type("set $device->AttachedDevice = 0")
    gdb.type("set $device->DriverObject = (struct _DRIVER_OBJECT *)0x123456")
    gdb.shows("!devobj Example", r"Example <unreadable> DriverObject 0000000000123456")
    gdb.shows("!devstack Example", r"> \w+  <unreadable>")
    gdb.type("set $device->DriverObject = $driver")
    gdb.type("set $head = &PsActiveProcessHead")
    gdb.type("set $first = PsActiveProcessHead.Flink")
    gdb.type("set $second = $first->Flink")
    gdb.type("set $second->Flink = $second")
    gdb.shows("!process 0 0", r"Image: System", r"runs in a circle")
    gdb.shows("!handle 0 0 0", r"runs in a circle")
    gdb.type("set $second->Flink = (struct _LIST_ENTRY *)0x5000000000000")
    gdb.shows("!process 0 0", r"Image: System", r"cannot be read")


@test("!obwatch logs every change of sixteen objects' counts with a stack and does not stop the machine", timeout=90, smp=(1, 4))
def obwatch(context):
    machine = Debugged(context)
    gdb, guest = machine.gdb, machine.guest
    watched = [f"\\Device\\{name}" for name in ("Null", "Example", "Serial0", "Serial1", "Console0", "Console1", "Ramdisk")]
    watched += [f"\\Driver\\{name}" for name in ("null", "pipe", "serial", "console", "ramdisk")]
    watched += ["\\Device", "\\Driver", "\\ObjectTypes", "\\ObjectTypes\\File"]
    context.check(len(watched) == 16, "sixteen objects are watched")
    for path in watched:
        gdb.shows(f"!obwatch {path}", r"PointerCount \d+ HandleCount \d+")
    gdb.go()
    guest.send("pipectl HELLO\r")
    guest.expect("pipe HELLO: size")
    guest.prompt()
    guest.command("sc stop null")
    guest.expect_debug(r"\\Driver\\null is unloaded")
    log = gdb.interrupt()
    gdb.found(log, "the log", r"^!obwatch \\Device\\Example: PointerCount 2 -> 3 ", r"^    nt!Obp?\w+", r"^!obwatch \\Device\\Example: PointerCount 3 -> 2 ")
    gdb.found(log, "the log", r"^!obwatch \\Device\\Null: PointerCount \d -> 0 ", r"\\Device\\Null: the object is deleted; the watch ends")
    gdb.found(log, "the log", r"^!obwatch \\Driver\\null: .*", r"\\Driver\\null: the object is deleted")
    remaining = gdb.type("!obwatch")
    context.check("Null" not in remaining and remaining.count("PointerCount") == 14, f"the list of watches is {remaining!r}")
    gdb.type("!obwatch -d")
    context.check("PointerCount" not in gdb.type("!obwatch"), "a watch is left")


@test("A bugcheck is analysed in gdb: code, name, parameters, stack, rule, cause and remedy", timeout=60, smp=(1, 4))
def analyze(context):
    machine = Debugged(context)
    gdb, guest = machine.gdb, machine.guest
    gdb.shows("!analyze", r"has not stopped")
    gdb.shows("!analyze -show 44 1234", r"MULTIPLE_IRP_COMPLETE_REQUESTS \(44\)", r"Arg1: 0{12}1234", r"RULE:", r"HOW_TO_MEND:")
    for line, words in (("c9 226", "completes the IRP, passes it on, or returns STATUS_PENDING"), ("c9 23d", "has marked the IRP pending"),
                        ("c9 23e", "go together"), ("c9 312", "the length of the output buffer"), ("c4 121", "no thread waits"),
                        ("c7 0", "a timer is cancelled"), ("c9 999", "the I/O manager's rules")):
        gdb.shows(f"!analyze -show {line}", rf"RULE:  .*{words}", r"LIKELY_CAUSE:", r"HOW_TO_MEND:")
    gdb.go()
    guest.send("sc start crash-irql\r")
    gdb.found(gdb.answer(), "continue", r"The system has stopped with a bugcheck")
    gdb.shows("!analyze", r"DRIVER_IRQL_NOT_LESS_OR_EQUAL \(d1\)", r"Arg1: ", r"Arg4: .*crash!")
    gdb.shows("!analyze -v", r"Bugcheck Analysis", r"Debugging Details:", r"CURRENT_IRQL:  2", r"FAULTING_IP:\ncrash!", r"PROCESS_NAME:",
              r"STACK_TEXT:", r"crash!", r"MODULE_NAME:  crash", r"IMAGE_NAME:  crash.sys", r"RULE:", r"LIKELY_CAUSE:", r"HOW_TO_MEND:")
    gdb.shows("!irql", r"-- 2 \(DISPATCH_LEVEL\)")
    gdb.shows("bt", r"KiEndSystem", r"KeBugCheckEx|KiBugCheckFromTrap")


@test("!poolleak says after a mark which tags have grown, and that none has when all was given back", timeout=60, smp=(1, 4))
def leak(context):
    machine = Debugged(context)
    gdb, guest = machine.gdb, machine.guest
    gdb.shows("!poolleak", r"type `!poolleak mark` first")
    gdb.go()
    guest.command("sc start getdev")
    guest.command("getdev peek \\Device\\Null")
    gdb.interrupt()
    gdb.shows("!poolleak mark", r"Marked: \d+ tags")
    gdb.go()
    guest.command("getdev take \\Device\\Null")
    guest.command("getdev forget")
    gdb.interrupt()
    gdb.shows("!poolleak", r"^File: \+1 blocks, \+\d+ bytes .*: LEAK .*\[!poolfind File\]")


@test("Every flag and form of the commands that show processes, handles, pool, locks and queues is taken", timeout=60, smp=(1, 4))
def forms(context):
    gdb = Debugged(context).gdb
    text = gdb.shows("!process 0", r"ACTIVE PROCESS DUMP", r"Image: System", r"THREAD", r"Image: shell")
    number = re.search(r"Cid: (\w+) [^\n]*\n[^\n]*\n *Image: shell", text)[1]
    gdb.shows(f"!process 0x{number}", rf"Cid: {number}", r"Image: shell", r"THREAD", r"IRP List:", r"Child-SP", r"nt!")
    gdb.shows("!process 0 0 smss.exe", r"Image: smss.exe")
    gdb.shows("!process 0 0 smss", r"Image: smss.exe")
    gdb.shows("!process 0 f", r"No process has the image f\.")
    gdb.shows("!process -1 0", r"^PROCESS [0-9a-f]{16}", r"Image: ")
    context.check("shell" not in gdb.type("!process 0 0 smss.exe"), "an image's name does not choose")
    thread = re.search(rf"THREAD \w+  Cid {number}\.(\w+)", text)[1]
    gdb.shows(f"!thread -t 0x{thread}", rf"THREAD \w+  Cid {number}\.{thread}", r"Child-SP")
    gdb.shows(f"!thread -p -t 0x{thread} 2", r"PROCESS", r"Image: shell", rf"Cid {number}\.{thread}")
    gdb.shows("!handle 0 3 0 File", r"Handle table at [0-9a-f]{16} with \d+ entries", r"GrantedAccess: [0-9a-f]{8}", r"\) File")
    gdb.shows(f"!handle 0 7 0x{number}", r"Image: shell", r"free handle, Entry address")
    gdb.shows(f"!handle 0x{number} 0x20", rf"^{number}: Object: \w+", r"\) Process")
    gdb.shows("!handle 0 0x10", r"Image: System", r"Kernel handle table")
    gdb.shows("!htrace 0 0", r"Handle 0x\w+ - OPEN:", r"Parsed 0x\w+ stack traces")
    gdb.shows("!object -p", "no private namespaces")
    gdb.shows("!object 0 Device", r"Type: \(\w+\) Device", r"Name: Example")
    gdb.shows("!object \\?? 1", r"Name: GLOBAL\?\?")
    gdb.shows("!object \\DosDevices\\NUL 0x9", r"Name: NUL", r"Target String is '\\Device\\Null'")
    gdb.shows("!pool", r"NonPaged pool", r"pages in use", r"Paged pool")
    gdb.shows("!poolfind ObNm 1", r"Searching Paged pool", r"\(Allocated\)  ObNm", r"\d+ blocks")
    gdb.shows("!poolfind 0x20707249", r"\(Allocated\)  Irp ")
    gdb.shows("!poolused 2", r"Sorting by  NonPaged Pool Consumed", r"TOTAL")
    gdb.shows("!poolused 4 Ob*", r"Sorting by  Paged Pool Consumed", r"ObNm")
    gdb.shows('!poolval $object("\\\\Device\\\\Null") 3', r"is VALID", r"None found", r"size: ")
    gdb.shows("!locks -v", r"total locks")
    gdb.shows("!ready 6", r"Processor 0:")
    gdb.shows("!stacks 2", r"\[System\]", r"nt!KiSwap", r"Threads Processed: \d+")
    gdb.shows("!analyze -hang", r"!locks:", r"!dpcs:", r"!running:", r"!ready:")
    gdb.shows("!dpcs 0", r"KDPC")
    gdb.shows(f"!apc proc 0x{number}", r"shell")
    for processor in range(context.smp):
        gdb.shows(f"!irql {processor}", rf"processor 0x{processor} -- \d+ \(\w+_LEVEL\)")
    gdb.shows("!irql 63", r"has not been started|there is no processor")
    gdb.shows("dt -r2 _FILE_OBJECT Event", r"\+0x\w+ Event ", r"Header", r"SignalState")
    gdb.shows("dt -y _DEVICE_OBJECT Device", r"DeviceExtension", r"DeviceType", r"DeviceQueue")
    gdb.shows("dt _DEVICE_OBJECT DeviceQueue.", r"DeviceListHead", r"Busy")
    gdb.shows("dt _NO_SUCH_TYPE", r"is not known")


@test("The balance of every object that a handle or a name leads to comes to its PointerCount, with no tag below zero", timeout=60, smp=(1, 4))
def balance(context):
    machine = Debugged(context)
    machine.gdb.go()
    for line in ("pipectl HELLO", "ps", "objdir \\", "sc stop null", "sc start null"):
        machine.guest.command(line)
    machine.gdb.interrupt()
    text = "".join(machine.gdb.type(command) for command in (
        "!handle 0 3 0", "!object 0 Device", "!object 0 Driver", "!object 0 Directory", "!object 0 SymbolicLink", "!object 0 Type"))
    lines = re.findall(r"References: .*", text)
    context.check(len(lines) > 60, f"only {len(lines)} objects were shown")
    wrong = [line for line in lines if "but PointerCount" in line or "-" in line]
    context.check(not wrong, f"these do not add up: {wrong}")


@test("!irp tells an IRP's life to its end: kept, cancelled, completed, freed, and by whom", timeout=60, smp=(1,))
def irp_life(context):
    machine = Debugged(context)
    gdb, guest = machine.gdb, machine.guest
    gdb.shows("!irpfind -v", r"Held by: \\Driver\\serial .*, pended",
              r"completed by \\Driver\\serial at serial!\w+\+0x\w+ with 0x00000000 STATUS_SUCCESS",
              r"kept: console!PumpCompleted returned STATUS_MORE_PROCESSING_REQUIRED")
    gdb.type("break SampleCancel")
    gdb.go()
    guest.command("sc start samplelow")
    guest.command("sc start sampletop")
    guest.send("tsample\r")
    gdb.found(gdb.answer(), "continue", r"SampleCancel \(")
    gdb.type("set $irp = (unsigned long long)Irp")
    gdb.shows("!irp $irp", r"cancel asked for", r"Held by: \\Driver\\samplelow", r"set by \\Driver\\sampletop.*: runs on Success, Error; not on Cancel",
              r"sent to \\Driver\\sampletop", r"sent to \\Driver\\samplelow", r"pended by \\Driver\\samplelow", r"pended by \\Driver\\sampletop",
              r"cancelled: cancel routine samplelow!SampleCancel$")
    gdb.type("break *IoFreeIrp if $rcx == $irp")
    gdb.shows("continue", r"^Breakpoint 2, ")
    gdb.shows("!irp $irp", r"Held by: the one who made it; it is completed and not freed yet", r"cancelled:",
              r"completed by \\Driver\\samplelow at samplelow!\w+.* with 0xc0000120 STATUS_CANCELLED")
    gdb.type("tbreak *(*(unsigned long long *)$rsp + 0)")                  # its return
    gdb.shows("continue", r"Temporary breakpoint 3, ")
    gdb.shows("!irp $irp", r"There is no IRP here any more: \w+ was freed", r"completed by \\Driver\\samplelow", r"freed by nt!\w+")


@test("A machine that a bugcheck stopped is analysed on its memory image in the same words", timeout=60)
def dead_bugcheck(context):
    monitor = Monitor(context)
    machine = Debugged(context, extra=monitor.extra, memory=128)
    machine.gdb.go()
    machine.guest.send("sc start crash-irql\r")
    machine.gdb.found(machine.gdb.answer(), "continue", r"stopped with a bugcheck")
    commands = ["!analyze", "!analyze -v", "!irql", "!thread", "!process", "!dbgprint", "!running -i -t", "!stacks 2"]
    live = [machine.gdb.type(command) for command in commands]
    image = context.scratch("memory.core", b"").with_suffix(".elf")
    monitor.dump(image)
    dead = Gdb(context)
    dead.found(dead.type(f"core-file {image}"), "core-file", r"type `!analyze`")
    dead.shows("!obwatch \\Device\\Null", r"nothing changes on a dead machine")
    for name in COMMANDS:
        dead.type(f"!{name} {RUBBISH[context.smp]}")
        dead.type(f"!{name} 0xffffc00000000008")
    for command, before in zip(commands, live):
        after = dead.type(command)
        context.check(after == before, f"`{command}` says on the dead machine {after!r}, and said {before!r}")


@test("Each rule that the kernel stops the machine for has its own text in !analyze", smp=(None,))
def rules(context):
    known = runpy.run_path("debugger/etude_gdb/rules.py")["RULES"]
    named = {"DRIVER_VERIFIER_DETECTED_VIOLATION": 0xC4, "VERIFIER": 0xC4, "DRIVER_VERIFIER_IOMANAGER_VIOLATION": 0xC9, "IO_MANAGER": 0xC9,
             "TIMER_OR_DPC": 0xC7}
    seen = 0
    for path in Path("kernel").glob("*/*.c"):
        text = path.read_text()
        numbers = {name: int(value, 0) for name, value in re.findall(r"#define (\w+)\s+(0x[0-9A-F]+|\d+)\b", text)}
        for code, first in re.findall(r"(?:IopStop|KiStopDriver|KeBugCheckEx|IopBadBuffer)\((?:Irp, )?(\w+),\s+(\w+),", text):
            number = named[code] if code in named else int(code, 0) if code[0] == "0" else 0
            rule = numbers.get(first, int(first, 0) if first[0].isdigit() else None)
            if number in known and rule is not None:
                seen += 1
                context.check(rule in known[number], f"{path}: rule {rule:#x} of bugcheck {number:#x} has no text")
    context.check(seen > 25, f"only {seen} stops were found")
