"""!dbgprint and !analyze, and what happens when gdb connects."""
import gdb

from . import modules, target
from .command import Command
from .target import Unreadable, integer

RESET_VECTORS = (0xFFF0, 0xFFFFFFF0)


class DbgPrint(Command):
    """Shows what the kernel and drivers printed last, out of the ring in memory."""

    name, usage = "dbgprint", "!dbgprint"

    def run(self, arguments):
        ring = target.variable("KdPrintRing")
        size, written = ring["Text"].type.sizeof, int(ring["Written"]) & 0xFFFFFFFF
        text = target.read(target.address_of(ring["Text"]), size)
        text = text[:written] if written < size else text[written % size:] + text[:written % size]
        print(text.decode("latin-1").rstrip("\n"))


DbgPrint()


class Analyze(Command):
    """Says what stopped the machine: the bugcheck's code, name and parameters, out of the kernel's own table."""

    name, usage = "analyze", "!analyze"

    def run(self, arguments):
        code, *parameters = (int(target.variable("KiBugCheckData")[index]) & target.MASK for index in range(5))
        if code == 0:
            print("The system has not stopped with a bugcheck.")
            return
        table = target.variable("KiBugcheckTexts")
        first, last = table.type.range()
        text = next((table[index] for index in range(first, last + 1) if int(table[index]["Code"]) in (code, code & ~0x10000000)), None)
        print(f"{text['Name'].string() if text else 'bugcheck'} ({code:x})")
        if text is not None:
            print(text["Meaning"].string())
        print("Arguments:")
        for index, value in enumerate(parameters):
            meaning = text["Parameter"][index] if text is not None else None
            words = meaning.string() if meaning is not None and integer(meaning) else ""
            where = f": {modules.symbol(value)}" if words.startswith("@") else ""
            print(f"Arg{index + 1}: {value:016x}, {words.lstrip('@')}{where}".rstrip(", "))
        print("\nThe stack: type `bt`. (`info threads` shows which processor it was; the others are frozen.)")


Analyze()


class _Bugcheck(gdb.Breakpoint):
    """Stops when a bugcheck has made its report, on the processor that made it."""

    def __init__(self):
        super().__init__("*KiEndSystem", internal=True)

    def stop(self):
        print("\nThe system has stopped with a bugcheck. Type `!analyze` for what it means, `bt` for the stack.")
        return True


def connected():
    """After `target remote`: a machine that has not started yet runs to the kernel's first instruction, so that breakpoints can be set."""
    if gdb.selected_thread() is None or not modules.kernel_file():
        return
    try:
        if modules.watch_loading():
            _Bugcheck()
        pc = int(gdb.parse_and_eval("$pc")) & target.MASK
        if pc in RESET_VECTORS:
            gdb.Breakpoint("*KiSystemStartup", gdb.BP_BREAKPOINT, internal=True, temporary=True).silent = True
            gdb.execute("continue", to_string=True)
            print("The kernel is about to start. Set breakpoints (names of drivers' functions too), then type `continue`.")
        else:
            for line in modules.reload():
                print(line)
            print("Attached. The symbols of the kernel and of its drivers are loaded; type `!help` for Etude's commands.")
    except (gdb.error, Unreadable) as error:
        print(f"etude.py: {error}")


def follow_connections():
    gdb.execute("define target hookpost-remote\npython import etude_gdb.system; etude_gdb.system.connected()\nend")
    if gdb.selected_thread() is not None:
        connected()
