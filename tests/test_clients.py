"""How many clients has a driver? The investigation of docs/how-many-clients.md, typed at the consoles as a reader would."""
import re
import time

from etude import Failure, test

HELD = "Enter closes it"


def count(context, guest, wanted, when):
    printed = guest.command("clients NUL")
    said = re.search(r"(?m)^\\Device\\Null: (\d+) clients?, (\d+) handles?", printed)
    context.check(said, f"{when}, `clients NUL` printed {printed!r}")
    context.check((int(said[1]), int(said[2])) == (wanted, wanted),
                  f"{when} there are {said[1]} clients and {said[2]} handles, not {wanted}")
    files = re.findall(r"(?m)^  file (\w+) +\\Device\\Null +HandleCount 1 +PointerCount 1$", printed)
    context.check(len(set(files)) == wanted, f"{when} the list shows {len(files)} files with one handle: {printed!r}")


def background(context, guest, opened):
    """Starts a client in the background, waits until its file is open, returns its process."""
    started = re.search(r"started as process (\d+)", guest.command("start clients -o NUL"))
    context.check(started, "no client was started")
    while guest.consoles[0].text.count(HELD) < opened:
        if time.monotonic() > context.deadline:
            raise Failure(f"client {opened} never opened its file")
        time.sleep(0.02)
    return int(started[1])


@test("Four programs open and close a device, and `clients` counts them right at every step")
def counting(context):
    guest = context.boot()
    guest.prompt(0)
    guest.prompt(1)
    count(context, guest, 0, "at first")
    guest.send("clients -o NUL\r", 1)
    guest.expect(HELD, 1)
    count(context, guest, 1, "with one program")
    # one in the background has NUL as its standard input too
    processes = []
    for number in range(3):
        processes.append(background(context, guest, number + 1))
        count(context, guest, 3 + 2 * number, f"with {number + 2} programs")
    for number, process in enumerate(processes):
        guest.command(f"kill {process}")
        count(context, guest, 5 - 2 * number, f"after {number + 1} ended")
    guest.send("\r", 1)
    guest.prompt(1)
    count(context, guest, 0, "after the last has closed")


@test("A stopped driver stays, visible as a type mismatch and closed to new clients, until its last file closes")
def stopping(context):
    guest = context.boot()
    guest.prompt(0)
    guest.prompt(1)
    guest.send("clients -o NUL\r", 1)
    guest.expect(HELD, 1)

    stopped = guest.command("sc stop null")
    context.check(re.search("stop.pending", stopped, re.I), f"`sc stop null` printed {stopped!r}")
    for _ in range(3):
        printed = guest.command(r"clients \Driver\Null")
        context.check("STATUS_OBJECT_TYPE_MISMATCH" in printed, f"the driver in memory: {printed!r}")
        printed = guest.command(r"clients -o \Device\Null")
        context.check("STATUS_NO_SUCH_DEVICE" in printed, f"a new open: {printed!r}")
        count(context, guest, 1, "while the stop is pending")
        queried = guest.command("sc query null")
        context.check(re.search("stop.pending", queried, re.I), f"`sc query null` printed {queried!r}")
    context.check(not re.search(r"\\Driver\\null is unloaded", guest.debug_text(), re.I), "it left before its file was closed")

    guest.send("\r", 1)
    guest.prompt(1)
    printed = guest.command(r"clients -w \Driver\Null")
    context.check("STATUS_OBJECT_NAME_NOT_FOUND" in printed, f"the driver after the last close: {printed!r}")
    guest.expect_debug(r"(?i)\\Driver\\null is unloaded")
    printed = guest.command(r"clients \Device\Null")
    context.check("STATUS_OBJECT_NAME_NOT_FOUND" in printed, f"its device: {printed!r}")
    context.check(re.search("stopped", guest.command("sc query null"), re.I), "the service is not stopped")

    guest.command("sc start null")
    count(context, guest, 0, "after a new start")


@test("A file whose owner waits in a synchronous read is named and counted, and nobody waits for it")
def busy(context):
    guest = context.boot()
    guest.prompt(0)
    guest.prompt(1)
    guest.send("clients -o NUL\r", 1)
    guest.expect(HELD, 1)
    printed = guest.command(r"clients \Device\Console1")
    context.check(re.search(r"\d+ handles? in 3 processes", printed), f"`clients` printed {printed!r}")
    for program in ("smss", "shell", "clients"):
        context.check(re.search(rf"of {program}\.exe \(\d+\), access", printed), f"{program} is not among {printed!r}")


@test("A client without a handle is counted: a file that another driver keeps")
def kernel_client(context):
    guest = context.boot()
    guest.prompt()
    guest.command("sc start getdev")
    guest.command(r"getdev take \Device\Null")
    printed = guest.command("clients NUL")
    context.check(re.search(r"Null: 1 client, 0 handles in 0 processes(.|\n)*HandleCount 0 +PointerCount 1\n"
                            r" +no handle: the system or a driver keeps it", printed), f"a kept file: {printed!r}")
    guest.command("getdev drop")
    count(context, guest, 0, "after it was let go")


@test("A program ended by Ctrl-C gives back all it had open")
def broken_off(context):
    guest = context.boot()
    guest.prompt(0)
    guest.prompt(1)
    for _ in range(3):
        guest.send("clients -o NUL 50\r", 1)
        guest.expect(HELD, 1)
        count(context, guest, 50, "with the program")
        guest.send("\x03", 1)
        guest.prompt(1)
        count(context, guest, 0, "after its end")
