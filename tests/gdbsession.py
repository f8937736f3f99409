"""A real gdb with Etude's extension, driven through its standard input like a person would, on a guest or on a dead machine's memory.

type() gives a command and returns what it printed. A command that lets the guest run comes back only when it stops: send() gives such
a one, answer() waits for its end. interrupt() is Ctrl-C.
"""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

from etude import BUILD, Failure

EXTENSION = "debugger/etude.py"


class Gdb:
    def __init__(self, context, command=None):
        self.context, self.text, self.position, self.number, self.asked = context, "", 0, 0, ""
        command = command or ["gdb", "-q", "-nx", "-iex", "set prompt", "-iex", "set width 0", "-x", EXTENSION, str(BUILD / "ntoskrnl.exe")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace", bufsize=1, start_new_session=True)
        self.changed = threading.Condition()
        threading.Thread(target=self._collect, daemon=True).start()
        context.closers.append(self.end)

    def _collect(self):
        while data := self.process.stdout.readline():
            with self.changed:
                self.text += data
                self.changed.notify_all()
        with self.changed:
            self.text += "\n@@end\n"
            self.changed.notify_all()

    def send(self, command):
        self.number += 1
        self.asked = command
        self.process.stdin.write(f"{command}\necho @@{self.number}\\n\n")
        self.process.stdin.flush()

    def wait(self, pattern):
        """The match of a pattern in what was not taken yet, without taking it."""
        with self.changed:
            while not (match := re.search(pattern, self.text[self.position:], re.M)):
                left = self.context.deadline - time.monotonic()
                if left <= 0 or "\n@@end\n" in self.text[self.position:]:
                    raise Failure(f"gdb did not come to the end of `{self.asked}`; it said last: {self.text[-800:]}")
                self.changed.wait(min(left, 1))
        return match

    def answer(self):
        match = self.wait(rf"^(?:\(gdb\) )*@@{self.number}\n")
        text = re.sub(r"^(\(gdb\) )+", "", self.text[self.position:self.position + match.start()], flags=re.M)
        self.position += match.end()
        if "Traceback" in text or "internal error" in text:
            raise Failure(f"Python showed through in `{self.asked}`: {text[-1500:]}")
        return text

    def type(self, command):
        self.send(command)
        return self.answer()

    def shows(self, command, *patterns):
        """Types a command; each pattern must be found in the answer, in this order. Returns the answer."""
        return self.found(self.type(command), command, *patterns)

    def found(self, text, command, *patterns):
        rest = text
        for pattern in patterns:
            match = re.search(pattern, rest, re.M)
            self.context.check(match, f"`{command}` does not show {pattern!r}; it shows {text!r}")
            rest = rest[match.end():]
        return text

    def go(self):
        """continue, without waiting for the next stop; returns when the guest runs."""
        self.send("continue")
        self.wait(r"^(?:\(gdb\) )*Continuing\.")

    def interrupt(self):
        """Ctrl-C, once gdb is silent: one that meets a stop is lost. Typed again when nothing comes of it; what was printed is the answer."""
        with self.changed:
            while time.monotonic() < self.context.deadline \
                    and self.changed.wait_for(lambda said=len(self.text): len(self.text) != said, 0.5):
                pass
        ended = re.compile(rf"^(?:\(gdb\) )*@@{self.number}\n", re.M)
        while not ended.search(self.text, self.position) and time.monotonic() < self.context.deadline:
            os.killpg(self.process.pid, signal.SIGINT)
            with self.changed:
                self.changed.wait_for(lambda: ended.search(self.text, self.position), 20)
        return self.answer()

    def end(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process.stdin.close()
        except OSError:
            pass


class Debugged:
    """A guest and a gdb on it."""

    def __init__(self, context, stopped=False, append="", extra=(), prompt=True, **options):
        self.socket = context.scratch("gdb.socket", b"").with_name("gdb")
        arguments = ["-gdb", f"unix:{self.socket},server=on,wait=off"] + (["-S"] if stopped else []) + list(extra)
        self.guest = context.boot(append=append, extra=arguments, **options)
        if not stopped and prompt:
            self.guest.prompts()
        self.gdb = Gdb(context)
        while not self.socket.exists() and time.monotonic() < context.deadline:
            time.sleep(0.02)
        self.attached = self.gdb.type(f"target remote {self.socket}")


class Monitor:
    """QEMU's machine protocol."""

    def __init__(self, context):
        self.path = context.scratch("qmp.socket", b"").with_name("qmp")
        self.extra = ["-qmp", f"unix:{self.path},server=on,wait=off"]
        self.stream = None

    def command(self, name, **arguments):
        if self.stream is None:
            line = socket.socket(socket.AF_UNIX)
            line.connect(str(self.path))
            self.stream = line.makefile("rw")
            self.stream.readline()
            self.command("qmp_capabilities")
        self.stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.stream.flush()
        while "event" in (reply := json.loads(self.stream.readline())):
            pass
        if "error" in reply:
            raise Failure(f"the monitor refuses {name}: {reply['error']}")
        return reply

    def dump(self, path):
        self.command("dump-guest-memory", paging=True, protocol=f"file:{path}")
