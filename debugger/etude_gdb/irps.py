"""!irp and !irpfind: requests on their way through a device stack, and what has happened to them so far."""
import fnmatch

from . import drivers, modules, pool, printers, target
from .command import COMMANDS, Command, number, show
from .drivers import driver_of
from .target import Unreadable, integer, safe, struct_at
from .traces import Ring

PENDING, ON_CANCEL, ON_SUCCESS, ON_ERROR = 0x01, 0x20, 0x40, 0x80
WORDS = ((ON_SUCCESS, "Success"), (ON_ERROR, "Error"), (ON_CANCEL, "Cancel"))
IO_TYPE_IRP = 6
SENT, PENDED, CANCELLED, COMPLETED, KEPT, FREED = range(1, 7)
_ring = Ring("IopTraceRing", "IopTraceSequence", "IOP_TRACE_RECORD", "Irp")


def life(irp, count):
    """The records of this trip: from the last time it was sent at its topmost location, or the first after it was freed."""
    found = []
    for record in _ring.of(irp):
        event = int(record["Event"])
        if found and int(found[-1]["Event"]) == FREED or event == SENT and int(record["Location"]) == count:
            found = []
        if event != KEPT or any(int(earlier["Event"]) == COMPLETED for earlier in found):    # else of the trip before, just ended
            found.append(record)
    return found


def location_at(irp, index):
    """The stack location with this number; 1 is the lowest driver's."""
    size = target.c_type("IO_STACK_LOCATION").sizeof
    return struct_at("IO_STACK_LOCATION", irp + target.c_type("IRP").sizeof + (index - 1) * size)


def major_name(major):
    return f"IRP_MJ_{drivers.MAJORS[major]}" if major < len(drivers.MAJORS) else "N/A"


def last_words(control):
    """On which outcomes a completion routine runs."""
    return [word for bit, word in WORDS if control & bit]


def print_location(value, is_current):
    major, minor, control = int(value["MajorFunction"]), int(value["MinorFunction"]), int(value["Control"])
    device, file = integer(value["DeviceObject"]), integer(value["FileObject"])
    routine, context = integer(value["CompletionRoutine"]), integer(value["Context"])
    unused = not device and not routine and not is_current
    print(f"{'>' if is_current else ' '}[{'N/A' if unused else major_name(major)}({major:x}), N/A({minor:x})]")
    words = last_words(control) if routine else []
    line = f"{int(value['Flags']):13x} {control:2x} {device:016x} {file:016x} {routine:016x}-{context:016x} {' '.join(words)}"
    show(f"{line.rstrip()} {'pending' if control & PENDING else ''}", "!devobj" if device else "", "!fileobj" if file else "")
    name = driver_of(device) if device else ""
    if name or routine:
        print(f"           {name} {modules.symbol(routine) if routine else ''}".rstrip())
    print("            Args: " + " ".join(f"{word:016x}" for word in target.unpack("<4Q", value.at("Parameters"))))


class Irp(Command):
    """Shows a request: its stack locations, who set which completion routine and when it runs, who holds it, its life so far.

    `>` marks the location of the driver that has it. Locations are listed from the lowest driver's up, as WinDbg does: the completion
    routine next to a driver's name was set by the driver in the line below. The section `Completion routines` says so in words, `Life`
    lists what happened: sent, pended (the dispatch routine returned STATUS_PENDING), cancelled, completed, kept (a completion routine
    returned STATUS_MORE_PROCESSING_REQUIRED), freed; with microseconds since it was sent, IRQL and processor. With DETAIL 1 all fields
    of the IRP follow."""

    name, usage = "irp", "!irp ADDRESS [DETAIL]"

    def run(self, arguments):
        if not 1 <= len(arguments) <= 2:
            self.wrong()
        address = number(arguments[0])
        irp = struct_at("IRP", address)
        if int(irp["Type"]) != IO_TYPE_IRP:
            records = life(address, -1)
            if not records:
                raise Unreadable(f"{address:#x} is not an IRP: its Type is {int(irp['Type'])}, not {IO_TYPE_IRP}")
            print(f"There is no IRP here any more: {address:016x} was freed.")
            self.print_life(records)
            return
        count, current = int(irp["StackCount"]), int(irp["CurrentLocation"])
        if not 0 < count < 128 or not 0 <= current <= count + 2:
            raise Unreadable(f"{address:#x} is not an IRP: {count} stacks, {current} is current")
        self.print_head(irp, count, current)
        print("     cmd  flg cl Device           File             Completion-Context")
        for index in range(1, count + 1):
            value = safe(location_at, address, index, default=None)
            print(f" {target.UNREADABLE}") if value is None else print_location(value, index == current)
        records = life(address, count)
        self.print_holder(address, irp, count, current, records)
        self.print_routines(address, count, current)
        self.print_life(records)
        if len(arguments) > 1 and number(arguments[1]):
            print(f"\n{irp.value}")

    @staticmethod
    def print_head(irp, count, current):
        state = "active" if current <= count else "completed" if current == count + 2 else "with its maker"
        if current <= count:
            show(f"Irp is {state} with {count} stacks {current} is current (= 0x{integer(irp['Tail']['Overlay']['CurrentStackLocation']):016x})",
                 "dt _IO_STACK_LOCATION")
        else:
            print(f"Irp is {state} with {count} stacks")
        mdl, system = integer(irp["MdlAddress"]), integer(irp["AssociatedIrp"]["SystemBuffer"])
        thread = integer(irp["Tail"]["Overlay"]["Thread"])
        show(f" {f'Mdl={mdl:016x}' if mdl else 'No Mdl'}: {f'System buffer={system:016x}' if system else 'No System Buffer'}: "
             f"Thread {thread:016x}:  Irp stack trace.", "dt _MDL" if mdl else "", "x/16gx" if system else "", "!thread" if thread else "")
        status, cancel = int(irp["IoStatus"]["Status"]) & 0xFFFFFFFF, integer(irp["CancelRoutine"])
        print(f" IoStatus {status:08x} {printers.status_name(status)}, Information {int(irp['IoStatus']['Information']):#x}; cancel "
              f"{'asked for' if int(irp['Cancel']) else 'not asked for'}, cancel routine {modules.symbol(cancel) if cancel else 'none'}")

    @staticmethod
    def print_holder(address, irp, count, current, records):
        """Who is to act next."""
        events = [int(record["Event"]) for record in records]
        kept = next((record for record in reversed(records) if int(record["Event"]) == KEPT), None)
        print()
        if current == count + 2:
            print("Held by: the one who made it; it is completed and not freed yet")
        elif current > count:
            print(f"Held by: the one who made it; {'it came back and was kept' if COMPLETED in events else 'it was not sent yet'}")
        else:
            device = safe(lambda: integer(location_at(address, current)["DeviceObject"]), default=0)
            how = ", pended" if PENDED in events else ", in its dispatch routine"
            if kept is not None and int(kept["Location"]) == current:
                how = f", whose completion routine {modules.symbol(integer(kept['Routine']))} kept it"
            show(f"Held by: {driver_of(device)} (device {device:016x} {drivers.device_name(device) if device else ''}){how}", "!devobj")

    @staticmethod
    def print_routines(address, count, current):
        """The one who set a location's routine is the driver one location up; the topmost's, whoever made the IRP."""
        print("Completion routines, in the order in which they run:")
        some = False
        for index in range(min(current, count + 1), count + 1):
            value = safe(location_at, address, index, default=None)
            if value is None or not (routine := integer(value["CompletionRoutine"])):
                continue
            control, some = int(value["Control"]), True
            setter = safe(lambda: driver_of(integer(location_at(address, index + 1)["DeviceObject"]))) if index < count else "the maker of the IRP"
            never = [word for bit, word in WORDS if not control & bit]
            print(f"    {modules.symbol(routine)}, set by {setter} when it passed the IRP to {driver_of(integer(value['DeviceObject']))}: "
                  f"runs on {', '.join(last_words(control)) or 'nothing'}{'; not on ' + ', '.join(never) if never else ''}")
        if not some:
            print("    none")

    @staticmethod
    def print_life(records):
        if not records:
            print("Life: no longer in the trace")
            return
        print("Life:\n    Time(us)  IRQL  CPU  Event")
        devices = {}
        for record in records:
            event, place, device = int(record["Event"]), int(record["Location"]), integer(record["Device"])
            routine, detail = modules.symbol(integer(record["Routine"])), int(record["Detail"]) & 0xFFFFFFFF
            if event == SENT:
                devices[place] = driver_of(device)
                text = f"sent to {driver_of(device)}: {routine}, {major_name(detail & 0xFF)}, location {place}"
            elif event == PENDED:
                text = f"pended by {driver_of(device)}: {routine} returned STATUS_PENDING"
            elif event == CANCELLED:
                text = f"cancelled: {'cancel routine ' + routine if integer(record['Routine']) else 'only marked, no cancel routine was set'}"
            elif event == COMPLETED:
                text = f"completed by {devices.get(place, 'its maker')} at {routine} with {detail:#010x} {printers.status_name(detail)}"
            elif event == KEPT:
                text = f"kept: {routine} returned STATUS_MORE_PROCESSING_REQUIRED"
            else:
                text = f"freed by {routine}"
            time = target.ticks_to_microseconds(int(record["Time"]) - int(records[0]["Time"]))
            print(f"    {time:8}  {int(record['Irql']):4}  {int(record['Processor']):3}  {text}".rstrip())


Irp()


class IrpFind(Command):
    """Lists the IRPs in use, from pool. -v shows each as !irp does.

    POOLTYPE: 0 nonpaged (IRPs are nowhere else). RESTART: an address to begin at. CRITERIA DATA: arg, device, fileobject, mdlprocess,
    thread, userevent: only IRPs one of whose arguments, devices, files, its MDL's process, its thread, its event is DATA."""

    name, usage = "irpfind", "!irpfind [-v] [POOLTYPE [RESTART [CRITERIA DATA]]]"
    CRITERIA = ("arg", "device", "fileobject", "mdlprocess", "thread", "userevent")

    def run(self, arguments):
        verbose = "-v" in arguments
        arguments = [word for word in arguments if word != "-v"]
        if len(arguments) == 3 or len(arguments) > 4 or len(arguments) == 4 and arguments[2].lower() not in self.CRITERIA:
            self.wrong()
        restart = number(arguments[1]) if len(arguments) > 1 else 0
        criterion, data = (arguments[2].lower(), number(arguments[3])) if len(arguments) == 4 else ("", 0)
        start, end = pool.bounds(pool.PAGED if arguments and number(arguments[0]) == 1 else pool.NONPAGED)
        kind = "Paged" if arguments and number(arguments[0]) == 1 else "NonPaged"
        print(f"\nSearching {kind} pool ({max(start, restart):016x} : {end:016x}) for Tag: Irp\n")
        print("  Irp               [ Thread           ] irp stack: (major,minor) driver")
        for block in pool.blocks_with_tag(kind == "Paged", lambda tag: fnmatch.fnmatchcase(tag, "Irp ")):
            self.show_irp(block.body, restart, criterion, data, verbose)

    def show_irp(self, address, restart, criterion, data, verbose):
        irp = safe(struct_at, "IRP", address, default=None)
        if irp is None or int(irp["Type"]) != IO_TYPE_IRP or address < restart:
            return
        count, current = int(irp["StackCount"]), int(irp["CurrentLocation"])
        places = [place for index in range(1, min(count, 100) + 1) if (place := safe(location_at, address, index, default=None))]
        if criterion and data not in self.values(irp, places, criterion):
            return
        thread = integer(irp["Tail"]["Overlay"]["Thread"])
        if 1 <= current <= len(places):
            place = places[current - 1]
            where = (f"current stack belongs to  {driver_of(integer(place['DeviceObject']))} "
                     f"({major_name(int(place['MajorFunction']))}, {int(place['MinorFunction']):x})")
        else:
            where = "is completed" if current == count + 2 else "is with its maker"
        show(f"{address:016x} Thread {thread:016x} {where}", "!irp", "!thread")
        if verbose:
            COMMAND.run([f"{address:#x}"])
            print()

    @staticmethod
    def values(irp, places, criterion):
        if criterion == "arg":
            return {word for place in places for word in target.unpack("<4Q", place.at("Parameters"))}
        if criterion in ("device", "fileobject"):
            field = "DeviceObject" if criterion == "device" else "FileObject"
            return {integer(place[field]) for place in places}
        if criterion == "thread":
            return {integer(irp["Tail"]["Overlay"]["Thread"])}
        if criterion == "userevent":
            return {integer(irp["UserEvent"])}
        return {safe(lambda: integer(struct_at("MDL", integer(irp["MdlAddress"]))["Process"]), default=0)}


COMMAND = COMMANDS["irp"]
IrpFind()
