"""Plays a chapter of docs/: what it says to type is typed, and what it shows must come.

In a chapter's indented blocks
    etude> COMMAND      is typed at the first console, once its prompt is there; `second> COMMAND` at the second console
    ^C (first console)  that key; <Enter> (second console) likewise
    (gdb) COMMAND       goes to a gdb that has attached to the running system; the block is one session, which detaches at its
                        end. After `(gdb) continue` lines for a console are typed when the system runs; their output is gdb's.
Other lines are output: each must appear, in this order. `...` in one stands for anything, 16 hexadecimal digits for any such number,
and blanks for blanks.
"""
import re
import subprocess
import threading
import time
from pathlib import Path

from etude import BUILD, PROMPT, Failure

EXTENSION = "debugger/etude.py"
MARK = "@@ end"
INPUT = re.compile(r"(etude|second)> (.*)|\(gdb\) (.*)|(\^C|<Enter>) \((first|second) console\)$")


def blocks(path):
    """The indented blocks that have something to type: lists of (kind, text, [lines of output])."""
    for block in re.findall(r"(?:^    .*\n|^ *\n(?=    ))+", path.read_text(), re.M):
        steps = []
        for line in (line[4:].rstrip() for line in block.splitlines()):
            match = INPUT.match(line)
            if match:
                kind = match[1] or ("gdb" if match[3] else match[5])
                steps.append((kind, match[2] or match[3] or match[4] or "", []))
            elif steps and line:
                steps[-1][2].append(line)
        if steps:
            yield steps


def pattern(line):
    words = [re.escape(word).replace(r"\.\.\.", ".*?") for word in line.split()]
    return r"\s+".join(re.sub(r"\b[0-9a-f]{16}\b", "[0-9a-f]{16}", word) for word in words)


class Player:
    def __init__(self, context, path, append=""):
        self.context, self.path, self.append = context, Path(path), append
        self.socket = context.scratch("gdb.socket", b"").with_name("gdb")
        self.guest = context.boot(append=append, extra=["-gdb", f"unix:{self.socket},server=on,wait=off"])
        self.guest.prompts()
        for console in self.guest.consoles:
            console.position -= len(PROMPT)                     # the first command waits for it

    def play(self):
        for steps in blocks(self.path):
            if any(kind == "gdb" for kind, _, _ in steps):
                self.debug(steps)
            else:
                for step in steps:
                    self.type(*step)

    def type(self, kind, text, output):
        console = 0 if kind in ("etude", "first") else 1
        if text in ("^C", "<Enter>"):
            self.guest.send("\x03" if text == "^C" else "\r", console)
        else:
            self.guest.prompt(console)
            self.guest.send(text + "\r", console)
        for line in output:
            self.guest.expect(pattern(line), console)

    def settle(self, steps):
        """Waits for the prompts that will be typed at: a breakpoint must not catch what an earlier command still prints."""
        seen = set()
        for kind, text, _ in steps:
            console = 0 if kind in ("etude", "first") else 1
            if kind == "gdb" or console in seen:
                continue
            seen.add(console)
            if text not in ("^C", "<Enter>"):
                self.guest.prompt(console)
                self.guest.consoles[console].position -= len(PROMPT)

    def debug(self, steps):
        while steps[0][0] != "gdb":
            self.type(*steps.pop(0))
        self.settle(steps)
        gdb = subprocess.Popen(["gdb", "-q", "-nx", "-x", EXTENSION, str(BUILD / "ntoskrnl.exe"), "-ex", "set width 0",
                                "-ex", f"target remote {self.socket}"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        said = Output(gdb, self.context.deadline)
        stopped = True
        try:
            for kind, text, output in steps:
                if kind != "gdb":
                    if stopped:
                        said.wait("Continuing.")
                    stopped = False
                    self.type(kind, text, [])
                    said.check(self.path, text, output)
                    continue
                gdb.stdin.write(f"echo \\n@@ {text.replace(chr(92), chr(92) * 2)}\\n\n{text}\n")
                gdb.stdin.flush()
                stopped = True
                if text not in ("continue", "c"):
                    gdb.stdin.write(f"echo {MARK}\\n\n")
                    gdb.stdin.flush()
                    said.wait(MARK)
                    said.check(self.path, text, output)
            gdb.stdin.write("delete\ndetach\nquit\n")
            gdb.stdin.close()
            gdb.wait(max(1, self.context.deadline - time.monotonic()))
        finally:
            gdb.kill()
            gdb.wait()


class Output:
    """What gdb has said so far, read as it comes."""

    def __init__(self, gdb, deadline):
        self.gdb, self.deadline, self.text, self.position, self.answer = gdb, deadline, "", 0, ""
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self):
        while character := self.gdb.stdout.read(1):
            self.text += character

    def wait(self, mark):
        while (found := self.text.find(mark, self.position)) < 0:
            if time.monotonic() > self.deadline or self.gdb.poll() is not None:
                raise Failure(f"gdb never said {mark!r}; it said last {self.text[-800:]!r}")
            time.sleep(0.02)
        self.answer, self.position = self.text[self.position:found], found + len(mark)

    def check(self, path, command, output):
        if "Traceback" in self.answer:
            raise Failure(f"{path}: `{command}`: Python showed through: {self.answer[-800:]}")
        rest = self.answer
        for line in output:
            match = re.search(pattern(line), rest)
            if not match:
                raise Failure(f"{path}: `{command}` does not show {line!r}; it shows {self.answer!r}")
            rest = rest[match.end():]
