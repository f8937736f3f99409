"""The chapters of docs/ that are played in the debugger: their very commands, and the output they show."""
import re
from pathlib import Path

from etude import test
from gdbsession import Debugged


def steps(page):
    """(kind, command, lines shown) of a chapter: kind is gdb, etude or interrupt. Lines that follow no command of the same block belong to
    the command of the block before."""
    found, inside = [], False
    for line in Path(page).read_text().splitlines():
        if line.startswith("```"):
            inside = not inside
        elif inside and (match := re.match(r"(\(gdb\)|etude>) (.*)", line)):
            found.append([match[1].strip("()>"), match[2], []])
        elif inside and line == "^C":
            found.append(["interrupt", "", []])
        elif inside and line:
            found[-1][2].append(line)
    return found


def pattern(line):
    return "".join(".*" if part == "…" else r"\s+" if part.isspace() else re.escape(part) for part in re.split(r"(…|\s+)", line.rstrip())) \
        .replace(r"\s+.*", r"\s*.*")


class Player:
    """Types the steps. A `continue` is answered when the next stop comes, which what is typed at the guest's prompt may bring about."""

    def __init__(self, context):
        self.context, self.machine = context, Debugged(context)
        self.gdb, self.guest = self.machine.gdb, self.machine.guest
        self.gdb.type("detach")
        self.running, self.attached, self.busy = [], False, False

    def play(self, page):
        for kind, command, lines in steps(page):
            {"gdb": self.debug, "etude": self.etude, "interrupt": self.interrupt}[kind](command, lines)

    def etude(self, command, lines):
        if not self.attached:                                   # nobody stops the guest: the command comes to its end
            self.gdb.found(self.guest.command(command), command, *map(pattern, lines))
            return
        if self.busy:
            self.guest.prompt()
        self.guest.send(command + "\r")
        self.busy, self.running = True, self.running + lines

    def settle(self):
        """The stop that ends the last continue."""
        if self.running:
            self.gdb.found(self.gdb.answer(), "continue", *map(pattern, self.running))
            self.running = []

    def debug(self, command, lines):
        if not self.attached:
            self.gdb.type(f"target remote {self.machine.socket}")
            self.attached = True
        self.settle()
        if command == "continue":
            self.gdb.go()
            self.running = ["Continuing."] + [line for line in lines if line != "Continuing."]
        else:
            self.gdb.shows(command, *map(pattern, lines))

    def interrupt(self, command, lines):
        self.guest.prompt()
        self.gdb.interrupt()
        self.running = []


@test("The chapter on IoGetDeviceObjectPointer shows what gdb shows, command by command, counts and watchpoint at every step", timeout=90)
def device_pointer(context):
    Player(context).play("docs/what-iogetdeviceobjectpointer-counts.md")
