"""What a test is, and the guest it drives.

A test is a function with the decorator @test("sentence it proves"). It gets a Context, boots guests with context.boot(), talks to
their consoles, and fails by raising Failure (context.check does). It runs once for each number of processors in smp, which
is 1 and 4 unless it says otherwise; a test that boots nothing says smp=(None,).

A guest is a QEMU whose COM1 and COM2 are unix sockets this side listens on, so that no byte is lost, and whose debug port is a
file. It leaves through isa-debug-exit: a guest that writes n ends QEMU with status 2n + 1, which is 33 and more for every n
Etude uses, while 0 (powered off, or a triple fault) and 1 (QEMU's own failure) never mean that a test has passed.

Programs and drivers that test from inside print one line a promise, on their console or the debug port:
    [pass] sentence
    [fail] sentence: what was wrong
    [done] name
and Context.marked() turns them into this test's verdict.
"""
import codecs
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

BUILD = Path(os.environ.get("BUILD", "build"))
PROMPT = "etude> "
EXIT_SUCCESS, EXIT_FAILURE, EXIT_LOADER, EXIT_BUGCHECK = 33, 35, 37, 193
TESTS = []


class Failure(Exception):
    """The promise of a test does not hold."""


class Test:
    def __init__(self, function, sentence, timeout, smp):
        self.function, self.sentence, self.timeout, self.smp = function, sentence, timeout, smp
        module = function.__module__.removeprefix("test_")
        self.name = f"{module}.{function.__name__}" + (f" smp={smp}" if smp else "")


def test(sentence, timeout=60, smp=(1, 4)):
    def register(function):
        for count in smp:
            TESTS.append(Test(function, sentence, timeout, count))
        return function
    return register


class Console:
    """One serial line: a thread collects what the guest writes, expect() waits for it."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        self.line, self.text, self.position = None, "", 0
        self.changed = threading.Condition()
        self.ended = False

    def start(self, still=lambda: True):
        """Collects from when the guest connects; waits for that as long as still() holds."""
        self.collector = threading.Thread(target=self._collect, args=(still,), daemon=True)
        self.collector.start()

    def _accept(self, still):
        self.listener.settimeout(1)
        while True:
            try:
                return self.listener.accept()[0]
            except TimeoutError:
                if not still():
                    raise

    def _collect(self, still):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")      # a character may come in two parts
        try:
            self.line = self._accept(still)
            while data := self.line.recv(65536):
                with self.changed:
                    self.text += decoder.decode(data)
                    self.changed.notify_all()
        except OSError:
            pass
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def send(self, text):
        while self.line is None and not self.ended:
            time.sleep(0.01)
        try:
            self.line.sendall(text.encode())
        except (OSError, AttributeError):
            raise Failure(f"the guest was gone before {text!r} could be typed") from None

    def find(self, pattern):
        return re.search(pattern, self.text[self.position:])

    def expect(self, pattern, deadline):
        """Waits for a regular expression in what was not expected yet; returns the text up to and with it."""
        with self.changed:
            while not (match := self.find(pattern)):
                left = deadline - time.monotonic()
                if left <= 0 or self.ended:
                    why = "the guest ended" if self.ended else "time ran out"
                    raise Failure(f"{why} while waiting for {pattern!r}")
                self.changed.wait(min(left, 1))
            start, self.position = self.position, self.position + match.end()
            return self.text[start:self.position]

    def close(self):
        self.listener.close()
        if self.line:
            self.line.close()


class Guest:
    def __init__(self, context, smp, memory, arguments):
        self.context = context
        self.folder = Path(tempfile.mkdtemp(prefix="etude-test-"))
        self.debug_log = self.folder / "debug.log"
        self.consoles = [Console(self.folder / f"com{number}") for number in (1, 2)]
        command = ["qemu-system-x86_64", "-cpu", "max", "-m", str(memory), "-smp", str(smp), "-no-reboot",
                   "-display", "none", "-monitor", "none", "-debugcon", f"file:{self.debug_log}",
                   "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        for number in (1, 2):
            command += ["-serial", f"unix:{self.folder}/com{number},server=off"]
        self.started = time.monotonic()
        self.process = subprocess.Popen(command + arguments, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for console in self.consoles:
            console.start(lambda: self.process.poll() is None)

    def expect(self, pattern, console=0, timeout=None):
        deadline = self.context.deadline
        if timeout is not None:
            deadline = min(deadline, time.monotonic() + timeout)
        return self.consoles[console].expect(pattern, deadline)

    def send(self, text, console=0):
        self.consoles[console].send(text)

    def prompt(self, console=0):
        return self.expect(re.escape(PROMPT), console)

    def prompts(self):
        """The first prompts of both consoles: nothing is starting any more."""
        self.prompt(1)
        self.prompt(0)

    def command(self, line, console=0):
        """Types a command at a prompt and returns what it printed, up to the next prompt."""
        self.send(line + "\r", console)
        printed = self.expect(r"\n(?:.*\n)*?" + re.escape(PROMPT), console)
        return printed.split("\n", 1)[1][:-len(PROMPT)].replace("\r", "")

    def until(self, line, holds, console=0):
        """Types a command until holds(what it printed): an ended process stays an object for a moment. Returns the last answer."""
        while not holds(printed := self.command(line, console)) and time.monotonic() < self.context.deadline - 5:
            pass
        return printed

    def debug_text(self):
        return self.debug_log.read_text("utf-8", "replace") if self.debug_log.exists() else ""

    def expect_debug(self, pattern):
        ended = False
        while not (match := re.search(pattern, self.debug_text())):
            if time.monotonic() > self.context.deadline or ended:
                raise Failure(f"the debug port never said {pattern!r}")
            time.sleep(0.05)
            ended = self.process.poll() is not None             # what it said last is looked at once more
        return match

    def wait_exit(self):
        """Waits for QEMU's end, and until all it wrote is collected; returns its exit status."""
        try:
            status = self.process.wait(max(0.1, self.context.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Failure("time ran out while waiting for QEMU to end") from None
        for console in self.consoles:
            console.collector.join()
        return status

    def tails(self):
        if (status := self.process.poll()) is not None:
            yield f"--- QEMU ended with {status}"
            yield from self.process.stderr.read().splitlines()[-5:]
        sources = [(f"COM{index + 1}", console.text) for index, console in enumerate(self.consoles)]
        for title, text in sources + [("debug port", self.debug_text())]:
            lines = text.replace("\r", "").rstrip().splitlines()[-25:]
            if lines:
                yield f"--- {title}"
                yield from lines

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        for console in self.consoles:
            console.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Context:
    """What a running test works with."""

    def __init__(self, a_test):
        self.test, self.smp = a_test, a_test.smp or 1
        self.deadline = time.monotonic() + a_test.timeout
        self.guests, self.folders, self.closers = [], [], []

    def boot(self, kernel=None, ramdisk=None, append="", memory=256, iso=None, initrd=None, extra=()):
        if iso:
            arguments = ["-boot", "d", "-cdrom", str(iso)]
        else:
            modules = initrd if initrd is not None else \
                f"{kernel or BUILD / 'ntoskrnl.exe'},{ramdisk or BUILD / 'ramdisk-test.tar'}"
            arguments = ["-kernel", str(BUILD / "boot.elf")] + (["-initrd", modules] if modules else [])
            arguments += ["-append", f"{append} bugcheckexit".strip()]
        guest = Guest(self, self.smp, memory, arguments + list(extra))
        self.guests.append(guest)
        return guest

    def scratch(self, name, data):
        """Writes a file that lives as long as the test."""
        folder = Path(tempfile.mkdtemp(prefix="etude-test-"))
        self.folders.append(folder)
        (folder / name).write_bytes(data)
        return folder / name

    def check(self, condition, complaint):
        if not condition:
            raise Failure(complaint)

    def marked(self, text, name):
        """Judges the [pass] and [fail] lines of a program or driver that tests from inside."""
        self.check(f"[done] {name}" in text, f"{name} did not reach its end")
        failed = re.findall(r"\[fail\] (.*)", text)
        self.check(not failed, "; ".join(line.strip() for line in failed))
        self.check("[pass]" in text, f"{name} checked nothing")

    def end(self):
        for closer in self.closers:
            closer()
        for guest in self.guests:
            guest.end()
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)
