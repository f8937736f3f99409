"""Two programs on two consoles that talk through pipe.sys."""
import re
import time

from etude import Failure, test


def pull(guest, wanted, console):
    """Presses Enter in usedriver3 until it prints what is wanted: the write may still be on its way."""
    while time.monotonic() < guest.context.deadline:
        guest.send("\r", console)
        try:
            return guest.expect(re.escape(wanted), console, timeout=2)
        except Failure:
            if guest.process.poll() is not None:
                raise
    raise Failure(f"console {console + 1} never printed {wanted!r}")


def start_pair(guest, name, writer=0, reader=1):
    for console, program in ((writer, "usedriver2"), (reader, "usedriver3")):
        guest.prompt(console)
        guest.send(f"{program} {name}\r", console)
        guest.expect(r"\n", console)


@test("A line typed into usedriver2 on one console comes out of usedriver3 on the other")
def exchange(context):
    guest = context.boot()
    start_pair(guest, "HELLO")
    for line in ("the first line", "and a second one", "3"):
        guest.send(line + "\r", 0)
        guest.expect(re.escape(line) + r"\r\n", 0)
        pull(guest, line, 1)
    guest.send("\x04", 0)
    guest.prompt(0)
    guest.send("\x04", 1)
    guest.prompt(1)


@test("The two directions swap: what is typed on the second console arrives on the first")
def swapped(context):
    guest = context.boot()
    start_pair(guest, "hello", writer=1, reader=0)
    guest.send("from the other side\r", 1)
    guest.expect(r"from the other side\r\n", 1)
    pull(guest, "from the other side", 0)


@test("Names are told apart, and one name in two spellings is one pipe")
def names(context):
    guest = context.boot()
    start_pair(guest, "ONE", 0, 1)
    guest.send("for one\r", 0)
    guest.expect(r"for one\r\n", 0)
    guest.send("\x04", 1)
    guest.prompt(1)
    guest.send("usedriver3 two\r", 1)
    guest.expect(r"\n", 1)
    guest.send("\r\x04", 1)
    printed = guest.prompt(1)
    context.check("for one" not in printed, "the pipe `two` gave what was written to `ONE`")
    guest.send("usedriver3 one\r", 1)
    guest.expect(r"\n", 1)
    pull(guest, "for one", 1)
