"""gdb with Etude's extension, on a guest that runs: backtraces, drivers' symbols, the ! commands.

Each test is a session of the real gdb, driven by a script and attached to QEMU through a unix socket. `say` lines in the script cut the
output into named parts, so that a test can look at one command's answer.
"""
import re
import subprocess
import threading
import time

from etude import BUILD, Failure, test

EXTENSION = "debugger/etude.py"


class Session:
    """gdb on a guest: commands go in at once, the output of each is kept under its own text."""

    def __init__(self, context, commands, stopped=False, append=""):
        self.context = context
        folder = context.scratch("gdb.socket", b"")
        self.socket = folder.with_name("gdb")
        extra = ["-gdb", f"unix:{self.socket},server=on,wait=off"] + (["-S"] if stopped else [])
        self.guest = context.boot(append=append, extra=extra)
        if not stopped:
            self.guest.prompt()
        script = [f"target remote {self.socket}"]
        for command in commands:
            script += [f"echo \\n@@ {command.replace(chr(92), chr(92) * 2)}\\n", command]
        arguments = ["gdb", "-q", "-nx", "-x", EXTENSION, str(BUILD / "ntoskrnl.exe")]
        for line in ["set width 0"] + script + ["kill", "quit"]:
            arguments += ["-ex", line]
        while not self.socket.exists():
            time.sleep(0.05)
        self.gdb = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True, errors="replace")
        self.text = ""
        self.reader = threading.Thread(target=self._collect, daemon=True)
        self.reader.start()

    def _collect(self):
        for line in self.gdb.stdout:
            self.text += line

    def running(self):
        """Waits until gdb has attached, set its breakpoints, and let the guest go on."""
        while "\nContinuing." not in self.text:
            if time.monotonic() > self.context.deadline or not self.reader.is_alive():
                raise Failure("gdb did not get as far as `continue`: " + self.text[-600:])
            time.sleep(0.05)

    def finish(self):
        """Waits for gdb's end; returns {command: what it printed}."""
        self.reader.join(max(1, self.context.deadline - time.monotonic()))
        ended = not self.reader.is_alive()
        self.gdb.kill()
        self.gdb.wait()
        if not ended:
            raise Failure("gdb did not come to its end; it said last: " + self.text[-600:])
        if "Traceback" in self.text or "internal error" in self.text:
            raise Failure("Python showed through: " + self.text[-1500:])
        parts = re.split(r"^@@ (.*)\n", self.text, flags=re.M)
        return dict(zip(parts[1::2], parts[2::2]))


def expect(context, answers, command, *patterns):
    """Each pattern must be found in the answer to a command, in this order."""
    rest = answers.get(command, "")
    for pattern in patterns:
        match = re.search(pattern, rest)
        context.check(match, f"`{command}` does not show {pattern!r}; it shows {answers.get(command)!r}")
        rest = rest[match.end():]


def write_routine(context):
    """The name of the function in pipe.sys that takes IRP_MJ_WRITE."""
    answers = Session(context, ["!drvobj pipe 2"]).finish()
    expect(context, answers, "!drvobj pipe 2", r"Driver object \([0-9a-f]{16}\) is for:\n \\Driver\\pipe", r"DriverUnload: +\w+ pipe!\w+")
    match = re.search(r"IRP_MJ_WRITE +[0-9a-f]{16} pipe!(\w+)\n", answers["!drvobj pipe 2"])
    context.check(match, f"no name for IRP_MJ_WRITE's routine: {answers['!drvobj pipe 2']!r}")
    return match[1]


@test("A breakpoint in pipe.sys stops with every frame named, from the driver through the kernel to the program", timeout=120, smp=(1, 4))
def backtrace(context):
    name = write_routine(context)
    session = Session(context, [f"break {name}", "continue", "bt", "!process", "!thread", "info symbol $pc", "up", "info registers rip"])
    session.running()
    session.guest.send("usedriver2 HELLO\r")
    session.guest.expect("Type lines")
    session.guest.send("one line\r")
    answers = session.finish()
    expect(context, answers, "continue", rf"Breakpoint \d+,.* {name} \(")
    expect(context, answers, "bt", rf"#0 .*{name} \(", r"#\d+ .* in IofCallDriver \(", r"#\d+ .*NtWriteFile \(", r"#\d+ .* in Ki\w+ \(\) at kernel/ke/syscall.S",
           r"#\d+ .* in ntdll\+0x", r"#\d+ .* in usedriver2\+0x")
    expect(context, answers, "!process", r"PROCESS [0-9a-f]{16}", r"Image: usedriver2", r"THREAD", r"RUNNING on processor \d")
    expect(context, answers, "!thread", r"THREAD [0-9a-f]{16}", r"RUNNING on processor")


@test("A breakpoint set before its driver is loaded becomes real when it is", timeout=90, smp=(1, 4))
def pending_breakpoint(context):
    answers = Session(context, ["break pipe.c:DriverEntry", "continue", "bt", "!reload", "!object \\Driver"], stopped=True).finish()
    expect(context, answers, "continue", r"Breakpoint \d+.*DriverEntry")
    expect(context, answers, "bt", r"#0 .*DriverEntry \(DriverObject=0x", r"#1 .* in \w+")
    expect(context, answers, "!reload", r"ntoskrnl.exe", r"pipe.sys +\S*pipe.sys")


@test("!object, !devobj, !obtrace and $object find objects by path and show true counts", timeout=90, smp=(1, 4))
def object_commands(context):
    answers = Session(context, [
        "!object \\", "!object \\Device\\Example", "!object \\DosDevices\\Example", "!devobj Example", "!devstack Console0",
        "!obtrace \\Device\\Example", 'print *$object("\\\\Device\\\\Example")', "!object 0 Driver", "!object \\No\\Such",
    ]).finish()
    expect(context, answers, "!object \\", r"Type: \([0-9a-f]{16}\) Directory", r"Hash Address +Type +Name", r"Directory +Device")
    expect(context, answers, "!object \\Device\\Example", r"Type: \(\w+\) Device", r"HandleCount: \d+  PointerCount: \d+", r"Name: Example")
    expect(context, answers, "!object \\DosDevices\\Example", r"Type: \(\w+\) SymbolicLink", r"Target String is '\\Device\\Example'")
    expect(context, answers, "!devobj Example", r"\\Device\\Example \\Driver\\pipe DriverObject", r"Device queue is not busy")
    expect(context, answers, "!devstack Console0", r"> [0-9a-f]{16}  \\Driver\\console")
    expect(context, answers, 'print *$object("\\\\Device\\\\Example")', r"DriverObject = 0xf", r"StackSize = ")
    expect(context, answers, "!object 0 Driver", r"Name: pipe")
    expect(context, answers, "!object \\No\\Such", r"there is no object \\No\\Such")


@test("!process, !handle, !poolused and !dbgprint show the system's processes, handles, pool and output", timeout=90, smp=(1, 4))
def system_commands(context):
    answers = Session(context, ["!process 0", "!handle 0 3 0 File", "!handle 0 11", "!poolused", "!poolused 2", "!dbgprint", "!analyze",
                                "!help", "run"]).finish()
    expect(context, answers, "!process 0", r"ACTIVE PROCESS DUMP", r"Image: System", r"Image: shell")
    expect(context, answers, "!handle 0 3 0 File", r"Handle table at [0-9a-f]{16} with \d+ entries", r"GrantedAccess: [0-9a-f]{8}", r"\) File")
    expect(context, answers, "!poolused", r"Pool Used:", r"TOTAL +\d+ +\d+ +\d+ +\d+")
    expect(context, answers, "!analyze", r"has not stopped")
    expect(context, answers, "!help", r"!object ADDRESS")
    expect(context, answers, "run", r"type `continue`")


@test("Wrong addresses and words get a line of text, never a Python traceback", timeout=90, smp=(1, 4))
def wrong_arguments(context):
    commands = [f"!{name} {argument}".rstrip() for name in ("object", "devobj", "drvobj", "fileobj", "irp", "process", "thread", "obtrace",
                                                            "devstack", "handle 4 3") for argument in ("", "1234", "0xffffc00000000008",
                                                                                                     "ffff8000`00000000", "nonsense(", "-1")]
    answers = Session(context, commands).finish()
    for command in commands:
        context.check(command in answers, f"gdb did not get as far as `{command}`")


@test("A bugcheck is analysed in gdb: code, name, parameters, stack", timeout=60, smp=(1, 4))
def analyze(context):
    session = Session(context, ["continue", "!analyze", "bt"])
    session.running()
    session.guest.send("sc start crash-manual\r")
    answers = session.finish()
    expect(context, answers, "continue", r"The system has stopped with a bugcheck")
    expect(context, answers, "!analyze", r"MANUALLY_INITIATED_CRASH \(e2\)", r"Arg1: 0{15}1", r"Arg4: 0{15}4")
    expect(context, answers, "bt", r"KiEndSystem", r"KeBugCheckEx|KiBugCheckFromTrap")
