"""gdb with Etude's extension, on a guest that runs: backtraces, drivers' symbols, the ! commands by themselves."""
import re

from etude import test
from gdbsession import Debugged

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
