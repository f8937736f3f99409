"""Cancellation: from programs, against completion, and of requests that nobody gives back."""
import re

from etude import EXIT_SUCCESS, test
from test_programs import run_program

HELD = r"\\Driver\\hold holds IRP \w+ \(major function {}\), which hold!Dispatch\+0x0 was given, 1 seconds after it was"

@test("Requests are cancelled by thread, file and status block; one that is not given back is reported and given up")
def tcancel(context):
    guest = context.boot(append='run="tcancel" testexit cancelwait=1')
    status = guest.wait_exit()
    context.marked(guest.consoles[0].text, "tcancel")
    context.check(status == EXIT_SUCCESS, f"QEMU ended with {status}")
    held = re.findall(HELD.format("03") + " cancelled", guest.debug_text())
    context.check(len(held) == 5, f"{len(held)} held IRPs were reported, not 5")
    context.check(r"\Driver\hold is unloaded" in guest.debug_text(), "hold.sys was not unloaded")


@test("An open, a query, CLEANUP and CLOSE that a driver keeps are reported, and the system goes on, to its end")
def kept(context):
    for end in (False, True):
        guest = context.boot(append="cancelwait=1")
        guest.prompt(1)
        guest.prompt()
        guest.send("tcancel kernel\r")
        guest.expect("stuck")
        for major, since in (("00", "cancelled"), ("05", "cancelled"), ("12", "sent"), ("02", "sent")):
            guest.expect_debug(HELD.format(major) + " " + since)
        context.check("tcancel.exe" in guest.command("ps", 1), "the children are not there")
        context.check("running" in guest.command("sc query hold", 1), "the driver is not there")
        if end:
            guest.send("shutdown\r", 1)
            context.check(guest.wait_exit() == 0, "the system did not power off")
        else:
            guest.send("\r")
            guest.prompt()
            context.marked(guest.consoles[0].text, "kernel")
            context.check("tcancel.exe" not in guest.until("ps", lambda text: "tcancel.exe" not in text, 1), "a child is left")


@test("A CLOSE that the kernel waits for in a thread of its own, and is kept, is reported and holds up nothing")
def closes(context):
    guest = context.boot(append="cancelwait=1")
    guest.prompt(1)                         # nothing else may be starting while it counts
    guest.prompt()
    guest.send("tcancel closes\r")
    guest.expect("stuck")
    guest.expect_debug(r"(?s)" + r".*".join([HELD.format("02") + " sent"] * 7))
    guest.send("\r")
    guest.prompt()
    context.marked(guest.consoles[0].text, "closes")
    guest.expect_debug(r"\\Driver\\hold is unloaded")


@test("Who lists objects asks no driver for a name: one that keeps the question hangs nobody")
def listing(context):
    guest = context.boot()
    guest.prompt()
    guest.prompt(1)
    guest.send("tcancel relative\r")
    guest.expect("relative 0x00000000")
    for line, shows in ((r"clients \Device\Hold", r"2 clients(.|\n)*\\Device\\Hold\\xquery"), ("handle -a -p tcancel", r"\\Device\\Hold\\xquery")):
        printed = guest.command(line, 1)
        context.check(re.search(shows, printed), f"`{line}` printed {printed!r}")


@test("IRP_MJ_SHUTDOWN that a driver keeps is reported, and the machine goes off")
def shutdown(context):
    guest = context.boot(append="cancelwait=1")
    guest.prompt()
    context.check("tcancel" not in guest.command("tcancel shutdown"), "the driver does not keep it")
    guest.send("shutdown\r")
    guest.expect_debug(HELD.format("10") + " sent")
    context.check(guest.wait_exit() == 0, "the system did not power off")


@test("Cancel against complete, close and removal, attach against call, unload against open; ten thousand loads; all is counted",
      timeout=500)
def ktstorm(context):
    guest = context.boot()
    guest.prompt(1)                         # nothing else may be starting while it counts
    guest.prompt()
    guest.command("sc start ktstorm")
    grown = re.findall(r"ktstorm: (?:type|tag) .*", guest.debug_text())
    context.check(not grown, "; ".join(grown))
    context.marked(guest.debug_text(), "ktstorm")
    guest.command("sc stop ktstorm")
    guest.expect_debug(r"\\Driver\\ktstorm is unloaded")


@test("Power IRPs, fast I/O, StartIo by key, boosts, the error log, reinitialization and shutdown notification")
def ktmore(context):
    guest = context.boot()
    guest.prompt()
    guest.command("sc start ktmore")
    context.marked(guest.debug_text(), "ktmore")
    for sentence in (r"error logged by \\Driver\\ktmore: code \w+, status c00000b5", r"reinitialized 1\n(?:.*\n)*?ktmore: reinitialized 2"):
        guest.expect_debug(sentence)
    guest.send("shutdown\r")
    guest.expect_debug(r"ktmore: shutdown 1 of first\n(?:.*\n)*?ktmore: shutdown 2 of last")


@test("A hundred processes are killed in the middle of opens, reads, writes, waits and cancels, 200,000 outstanding: nothing is left",
      timeout=200)
def tstorm(context):
    run_program(context, "tstorm")
