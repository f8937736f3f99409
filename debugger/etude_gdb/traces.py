"""!obtrace and !htrace: the lives of objects and of handles, out of the rings in which ob/ records every change."""
from . import modules, target
from .command import Command, number, show
from .target import Unreadable, integer, safe, struct_at

UNTAGGED, HANDLE, NAME, OLDER = "Dflt", "Hndl", "Name", "older than the trace"


class Record:
    def __init__(self, value):
        self.object, self.caller = integer(value["Object"]), integer(value["Caller"])
        self.sequence, self.count, self.delta = int(value["Sequence"]), int(value["Count"]), int(value["Delta"])
        self.processor, self.irql, self.time = int(value["Processor"]), int(value["Irql"]), int(value["Time"])
        self.tag = target.tag_text(value["Tag"])


class Ring:
    """A ring of records with an ascending Sequence (0: never written), grouped by one field. Read in one piece, and kept until another
    record is written."""

    def __init__(self, ring, last, kind, key):
        self.ring, self.last, self.kind, self.key = ring, last, kind, key
        self.seen, self.groups = None, {}

    def by_key(self):
        last = int(target.variable(self.last)) & 0xFFFFFFFF
        if self.seen != last:
            self.groups, self.seen = self.load(), last
        return self.groups

    def load(self):
        ring, kind = target.variable(self.ring), target.c_type(self.kind)
        start, data = target.address_of(ring), target.read(target.address_of(ring), ring.type.sizeof)
        at, key_at = target.offset_of(self.kind, "Sequence"), target.offset_of(self.kind, self.key)
        groups = {}
        for offset in range(0, len(data), kind.sizeof):
            sequence = int.from_bytes(data[offset + at:offset + at + 4], "little")
            if sequence:
                key = int.from_bytes(data[offset + key_at:offset + key_at + 8], "little")
                groups.setdefault(key, []).append((sequence, start + offset))
        return groups

    def of(self, key):
        """The records of a key, oldest first."""
        return [struct_at(self.kind, address) for _, address in sorted(self.by_key().get(key, []))]


_ring = Ring("ObpTraceRing", "ObpTraceSequence", "OB_TRACE_RECORD", "Object")


def records(body):
    """The records since the newest creation at this address that is still in the ring; and whether that is in it."""
    found, complete = [], False
    for value in _ring.of(body):
        record = Record(value)
        if record.delta > 0 and record.count == 1:
            found, complete = [], True
        found.append(record)
    if complete:
        found[0].tag = creators_tag(found)
    return found, complete


def creators_tag(found):
    """The creator's own reference may be handed on, to a name walk for one: it belongs to the tag under which it is given back."""
    sums = {}
    for record in found[1:]:
        sums[record.tag] = sums.get(record.tag, 0) + record.delta
    return next((tag for tag, left in sums.items() if left < 0), UNTAGGED)


def balance(body, header):
    """The references that are not handles', by tag. What the trace does not know any more is called older."""
    found, complete = safe(records, body, default=([], False))
    sums = {}
    if complete:
        for record in found:
            sums[record.tag] = sums.get(record.tag, 0) + record.delta
        sums.pop(HANDLE, None)
        for tag in [tag for tag, left in sums.items() if left < 0]:
            sums[NAME] = sums.get(NAME, 0) + sums.pop(tag)      # a walk's reference, handed to its caller and given back as the caller's
        return dict(sorted(sums.items()))
    from . import objects
    if safe(objects.directory_of, body, default=0):
        sums[NAME] = 1
    rest = int(header["PointerCount"]) - int(header["HandleCount"]) - sum(sums.values())
    return {**sums, OLDER: rest} if rest else sums


def creator_image(body):
    """The image of the process that created the object, if its header says so and the process is there."""
    from . import objects, processes
    header = objects.checked_header(body)
    if not int(header["Flags"]) & 4:
        return ""
    info = struct_at("OBJECT_HEADER_CREATOR_INFO", header.address - target.c_type("OBJECT_HEADER_CREATOR_INFO").sizeof)
    return processes.image_name(processes.find(integer(info["CreatorUniqueProcess"])))


def verdicts(found):
    """A line for each tag: how often it was taken and given back, and what is left over."""
    for tag in sorted({record.tag for record in found}):
        plus = sum(record.delta > 0 for record in found if record.tag == tag)
        minus = sum(record.delta < 0 for record in found if record.tag == tag)
        word = f" Over reference by: {plus - minus}" if plus > minus else f" Under reference by: {minus - plus}" if minus > plus else ""
        yield f"Tag: {tag} References: {plus} Dereferences: {minus}{word}"


class ObTrace(Command):
    """Shows every reference and dereference of an object: under which tag, from where, at which IRQL, on which processor, when.

    The trace is always on for every object. It stays readable when the object is gone, until 16384 later changes have pushed it out
    (then the address is needed: the name is gone). Time is in microseconds since the first record shown. A tag left over names who
    has not let go: Hndl are handles, Name the name in a directory, Dflt whoever gave no tag. What a name walk found may be given back by
    its caller under the caller's tag: then Name is over and that tag under by as much."""

    name, usage = "obtrace", "!obtrace ADDRESS|\\PATH"

    def run(self, arguments):
        from . import objects
        if len(arguments) != 1:
            self.wrong()
        body = objects.parse(arguments[0])
        found, complete = records(body)
        image = safe(creator_image, body, default="")
        show(f"Object: {body:016x}" + (f"        Image: {image}" if image else ""), "!object")
        if not found:
            raise Unreadable("the trace has nothing of an object at this address")
        if not complete:
            print("    (its creation is no longer in the trace)")
        elif found[-1].count == 0:
            print("    (the object has been deleted)")
        print("Sequence  (+/-)  Tag   Count  CPU IRQL    Time  Stack\n--------  -----  ----  -----  --- ----  ------  -----")
        for record in found:
            where = modules.source_line(record.caller)
            time = target.ticks_to_microseconds(record.time - found[0].time)
            print(f"{record.sequence:8x}   {record.delta:+d}    {record.tag}  {record.count:5}  {record.processor:3} {record.irql:4}  "
                  f"{time:6}  {modules.symbol(record.caller)}{f' [{where}]' if where else ''}")
        plus, minus = sum(r.delta > 0 for r in found), sum(r.delta < 0 for r in found)
        print(f"\nReferences: {plus}, Dereferences {minus}")
        for line in verdicts(found):
            print(line)


ObTrace()


class HTrace(Command):
    """Shows where handles were opened, closed, or used without being handles, newest first.

    HANDLE 0 or nothing: all. PROCESS is an address or an id, 0 for every process; without it the current one. A leak is an OPEN
    without a CLOSE, a handle closed twice a BAD REFERENCE after its CLOSE. The trace is always on."""

    name, usage = "htrace", "!htrace [HANDLE [PROCESS]]"
    KINDS = {1: "OPEN", 2: "CLOSE", 3: "BAD REFERENCE"}
    RULE = "--------------------------------------"
    ring = Ring("ObpHandleTraceRing", "ObpHandleTraceSequence", "OB_HANDLE_TRACE_RECORD", "Process")

    def run(self, arguments):
        from . import processes
        if len(arguments) > 2:
            self.wrong()
        handle = number(arguments[0]) if arguments else 0
        chosen = number(arguments[1]) if len(arguments) > 1 else target.current_process()
        kernel = handle & 0xFFFFFFFF80000000 == 0xFFFFFFFF80000000
        process = processes.find(4 if kernel else chosen) if chosen or kernel else 0
        if process:
            table = integer(struct_at("EPROCESS", process)["ObjectTable"])
            show(f"Process 0x{process:016x}", "!process")
            show(f"ObjectTable 0x{table:016x}", f"!handle 0 3 {process:#x}")
        found = [record for key, group in self.ring.by_key().items() if not process or key in (process, 0) for record in group]
        alive = {integer(struct_at("EPROCESS", other)["UniqueProcessId"]) for other in processes.all_processes()} if process else ()
        parsed = dumped = 0
        for _, address in sorted(found, reverse=True):
            record = struct_at("OB_HANDLE_TRACE_RECORD", address)
            if process and not integer(record["Process"]) and not self.is_by(record, process):
                continue
            if process and integer(record["ClientId"]["UniqueProcess"]) not in alive:
                continue                                        # of a process that had this address before
            parsed += 1
            if not handle or integer(record["Handle"]) & ~3 == handle & ~3:
                dumped += 1
                self.show_record(record)
        print(f"{self.RULE}\nParsed 0x{parsed:X} stack traces.\nDumped 0x{dumped:X} stack traces.")

    @staticmethod
    def is_by(record, process):
        return integer(record["ClientId"]["UniqueProcess"]) == integer(struct_at("EPROCESS", process)["UniqueProcessId"])

    def show_record(self, record):
        print(f"{self.RULE}\nHandle 0x{integer(record['Handle']):X} - {self.KINDS.get(int(record['Kind']), '?')}:")
        if integer(record["Object"]):
            show(f"Object 0x{integer(record['Object']):016x}", "!object")
        client = record["ClientId"]
        print(f"Thread ID = 0x{integer(client['UniqueThread']):X}, Process ID = 0x{integer(client['UniqueProcess']):X}, "
              f"processor {int(record['Processor'])}")
        for index in range(min(int(record["Frames"]), 4)):
            address = integer(record["Stack"][index])
            where = modules.source_line(address) if address >= target.KERNEL_START else ""
            print(f"0x{address:016x}: {modules.symbol(address, integer(record['Process']))}{f' [{where}]' if where else ''}")


HTrace()
