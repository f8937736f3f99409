"""`make attach` joins a machine that tools/run.sh (what `make run` ends in) started, at any moment, and leaves it running."""
import os
import re
import subprocess
import threading
import time

from etude import BUILD, Failure, test
from gdbsession import Gdb

PROMPT = "etude> "
MONITOR = "\x01c"                   # Ctrl-A C: between the console and QEMU's monitor


class Run:
    """What `make run` shows in its terminal; BUILD is a folder of its own with links to what was built, so that its sockets are too."""

    def __init__(self, context):
        self.context, self.text, self.position = context, "", 0
        self.folder = context.scratch("mark", b"").parent
        for path in BUILD.iterdir():
            if not path.name.endswith((".sock", ".log")):
                (self.folder / path.name).symlink_to(path.resolve())
        environment = dict(os.environ, BUILD=str(self.folder), SMP=str(context.smp), MEM="128")
        self.process = subprocess.Popen(["tools/run.sh"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0)
        context.closers.append(self.end)
        self.changed = threading.Condition()
        threading.Thread(target=self._collect, daemon=True).start()
        while not (self.folder / "gdb.sock").exists() and time.monotonic() < context.deadline:
            time.sleep(0.02)

    def _collect(self):
        while data := self.process.stdout.read(65536):
            with self.changed:
                self.text += data.decode("utf-8", "replace")
                self.changed.notify_all()

    def send(self, text):
        self.process.stdin.write(text.encode())

    def expect(self, pattern):
        with self.changed:
            while not (match := re.search(pattern, self.text[self.position:])):
                if time.monotonic() > self.context.deadline:
                    raise Failure(f"the console never said {pattern!r}; it said last {self.text[-400:]!r}")
                self.changed.wait(1)
        self.position += match.end()

    def attach(self):
        """make attach; returns gdb when it has attached."""
        gdb = Gdb(self.context, ["make", "--no-print-directory", "attach", f"BUILD={self.folder}"])
        gdb.type("set width 0")
        return gdb

    def rebuild(self):
        """The kernel's file becomes another's, by its stamp, while the machine runs; called again, its own."""
        path = self.folder / "ntoskrnl.exe"
        image = bytearray(path.read_bytes())
        image[int.from_bytes(image[0x3C:0x40], "little") + 8] ^= 1
        path.unlink()
        path.write_bytes(image)

    def works(self):
        """The machine runs: a program gives its output."""
        self.send("objdir \\Device\r")
        self.expect(r"Example[\s\S]*?" + PROMPT)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


def leave(gdb, how):
    gdb.process.stdin.write(how + "\n" + ("quit\n" if how != "quit" else ""))
    gdb.process.stdin.flush()
    gdb.process.wait(max(1, gdb.context.deadline - time.monotonic()))


@test("make attach joins a machine that starts, is busy or idle, again and again; detach and quit leave it running", timeout=120)
def moments(context):
    run = Run(context)
    gdb = run.attach()                                          # before the prompt: in the firmware, in GRUB, in the loader, or starting
    gdb.shows("info threads", r"CPU#0")
    gdb.shows("!object", r"usage")
    leave(gdb, "detach")
    run.expect(PROMPT)
    run.works()

    for how in ("detach", "quit", "detach"):                    # idle, three times in a row
        gdb = run.attach()
        gdb.shows("!object \\Device\\Example", r"HandleCount: 0  PointerCount: 2")
        gdb.shows("bt", r"#0 ")
        gdb.shows("!thread -p", r"PROCESS [0-9a-f]{16}", r"Image: ", r"THREAD [0-9a-f]{16}")
        gdb.shows("!process 4 1", r"Image: System", r"ElapsedTime +00:0\d:")
        context.check("another build" not in gdb.text, "the kernel of this build is taken for another's")
        leave(gdb, how)
        run.works()

    run.rebuild()
    gdb = run.attach()
    context.check("ntoskrnl.exe is another build" in gdb.text, f"nothing says that the kernel's symbols are of another build: {gdb.text!r}")
    leave(gdb, "detach")
    run.rebuild()

    run.send("ps\r" * 20)                                       # busy
    run.expect("shell")
    gdb = run.attach()
    gdb.shows("!process 0 0", r"Image: System", r"Image: smss.exe", r"Image: shell.exe")
    gdb.shows("!running -i -t", r"Prcb", r"Call Site", r"(nt!|ntdll\+|\w+\+0x)")
    gdb.go()
    gdb.interrupt()
    leave(gdb, "detach")
    for _ in range(19):
        run.expect(r"System[\s\S]*?" + PROMPT)
    run.works()
    run.send("shutdown\r")
    context.check(run.process.wait(max(1, context.deadline - time.monotonic())) == 0, "the machine did not power off after all that")


@test("make attach joins a machine that a bugcheck has stopped, and says what stopped it", timeout=60)
def after_bugcheck(context):
    run = Run(context)
    run.expect(PROMPT)
    run.send(MONITOR)
    run.expect(r"\(qemu\)")
    run.send("nmi\n" + MONITOR)
    run.expect(r"\*\*\* STOP 0x00000080")
    run.expect(r"Stack:[\s\S]*\n\s*\n")
    for _ in range(2):
        gdb = run.attach()
        gdb.shows("!analyze", r"NMI_HARDWARE_FAILURE \(80\)", r"Arg1: 00000000004f4454")
        gdb.shows("!analyze -v", r"STACK_TEXT:", r"nt!")
        gdb.shows("!process 0 0", r"Image: shell.exe")
        for processor in range(context.smp):
            gdb.shows(f"!irql {processor}", rf"processor 0x{processor} -- \d+ \(")
        leave(gdb, "detach")
