"""The consoles: line editing, history, breaks, end of file, and that no byte is lost."""
import re

from etude import test


@test("A line is edited with Backspace, the arrows, Home, End, Delete, Ctrl-W and Ctrl-U")
def editing(context):
    guest = context.boot()
    guest.prompt()
    for keys, shown in (
        ("echo onX\x7fe", "one"),
        ("echo wo\x1b[D\x1b[Dt\x1b[C\x1b[C!", "two!"),
        ("cho three\x1b[He\x1b[F.", "three."),
        ("echo xfour\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[3~", "four"),
        ("echo wrong words\x17\x17five", "five"),
        ("nothing of this\x15echo six", "six"),
    ):
        printed = guest.command(keys)
        context.check(printed.strip() == shown, f"{keys!r} printed {printed!r}, not {shown!r}")


@test("Up brings earlier lines back, on each console its own")
def history(context):
    guest = context.boot()
    guest.prompt(0)
    guest.prompt(1)
    guest.command("echo older", 0)
    guest.command("echo newer", 0)
    guest.command("echo elsewhere", 1)
    printed = guest.command("\x1b[A\x1b[A", 0)
    context.check(printed.strip() == "older", f"the line before the last printed {printed!r}")
    printed = guest.command("\x1b[A", 1)
    context.check(printed.strip() == "elsewhere", f"the other console's last line printed {printed!r}")


@test("Ctrl-C drops the line at the prompt and ends a program that runs, on its own console only")
def breaks(context):
    guest = context.boot()
    guest.prompt(0)
    guest.prompt(1)
    guest.send("usedriver2 other\r", 1)
    guest.expect(r"\n", 1)
    for _ in range(5):
        guest.send("echo never", 0)
        guest.expect("never", 0)
        guest.send("\x03", 0)
        guest.expect(r"\^C", 0)
        guest.prompt(0)
        guest.send("usedriver2 broken\r", 0)
        guest.expect(r"\n", 0)
        guest.send("kept\r", 0)
        guest.expect(r"kept\r\n", 0)
        guest.send("\x03", 0)
        guest.expect(r"\^C", 0)
        guest.prompt(0)
    printed = guest.command("echo alive", 0)
    context.check(printed.strip() == "alive", f"after the breaks `echo alive` printed {printed!r}")
    guest.send("\x04", 1)
    guest.prompt(1)


@test("Fifty commands typed ahead all at once run in order, none lost")
def typed_ahead(context):
    guest = context.boot()
    guest.prompt()
    for console in (0, 1):
        guest.send("".join(f"echo number {number} of many\r" for number in range(50)), console)
    for console in (0, 1):
        printed = ""
        while "number 49 of many\r\n" not in printed.replace("echo number 49 of many\r\n", ""):
            printed += guest.expect(r"\n", console)
        lines = re.findall(r"^number (\d+) of many\r$", printed, re.M)
        context.check(lines == [str(number) for number in range(50)], f"printed were {lines}")


@test("Both consoles show long output at the same time, whole and in order")
def output(context):
    guest = context.boot()
    guest.prompt(0)
    guest.prompt(1)
    alone = guest.command("dir", 0)
    for console in (0, 1):
        guest.send("dir\rdir\rdir\r", console)
    for console in (0, 1):
        for _ in range(3):
            text = guest.prompt(console).replace("\r", "")
            context.check(alone.strip() in text, f"console {console + 1} printed {text!r}")
