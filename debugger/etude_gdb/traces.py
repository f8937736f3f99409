"""!obtrace: the life of an object, out of the ring in which ob/ records every change of every PointerCount."""
from . import modules, target
from .command import Command
from .target import Unreadable

UNTAGGED = "Dflt"


class Record:
    def __init__(self, value):
        self.object = target.integer(value["Object"])
        self.caller = target.integer(value["Caller"])
        self.sequence, self.count, self.delta = int(value["Sequence"]), int(value["Count"]), int(value["Delta"])
        self.processor, self.irql = int(value["Processor"]), int(value["Irql"])
        self.tag = target.tag_text(value["Tag"])


_cache = (None, {})


def _by_object():
    """All records, grouped by object, oldest first. Read in one piece; kept until another record is written."""
    global _cache
    last = int(target.variable("ObpTraceSequence")) & 0xFFFFFFFF
    if _cache[0] == last:
        return _cache[1]
    ring = target.variable("ObpTraceRing")
    kind, start = target.c_type("OB_TRACE_RECORD"), target.address_of(ring)
    data = target.read(start, ring.type.sizeof)
    at = {field.name: (field.bitpos // 8, field.type.sizeof) for field in kind.fields()}
    groups = {}
    for offset in range(0, len(data), kind.sizeof):
        def field(name):
            place, size = at[name]
            return int.from_bytes(data[offset + place:offset + place + size], "little")
        if field("Sequence"):
            groups.setdefault(field("Object"), []).append((field("Sequence"), start + offset))
    for records in groups.values():
        records.sort()
    _cache = (last, groups)
    return groups


def records(body):
    """The records since the newest creation at this address that is still in the ring; and whether that is in it."""
    found, complete = [], False
    for _, address in _by_object().get(body, []):
        record = Record(target.struct_at("OB_TRACE_RECORD", address))
        if record.delta > 0 and record.count == 1:
            found, complete = [], True
        found.append(record)
    return found, complete


def balance(body):
    """References by tag, if every one since the object's creation is known; else nothing."""
    try:
        found, complete = records(body)
    except (Unreadable, KeyError):
        return {}
    if not complete:
        return {}
    sums = {}
    for record in found:
        tag = "Made" if record is found[0] else record.tag
        sums[tag] = sums.get(tag, 0) + record.delta
    return sums


class ObTrace(Command):
    """Shows every reference and dereference of an object: by whom, under which tag, where.

    The trace is always on and outlives the object, until 16384 later changes have pushed it out."""

    name, usage = "obtrace", "!obtrace ADDRESS|\\PATH"

    def run(self, arguments):
        from . import objects
        if len(arguments) != 1:
            self.wrong()
        body = objects.parse(arguments[0])
        found, complete = records(body)
        print(f"Object: {body:016x}")
        if not complete:
            print("    (its creation is no longer in the trace)")
        print("Sequence  (+/-)  Tag   Count  CPU  IRQL  Caller")
        for record in found:
            where = modules.source_line(record.caller)
            print(f"{record.sequence:8x}    {record.delta:+d}   {record.tag}  {record.count:5}  {record.processor:3}  {record.irql:4}"
                  f"  {modules.symbol(record.caller)}{f'  [{where}]' if where else ''}")
        plus, minus = sum(r.delta > 0 for r in found), sum(r.delta < 0 for r in found)
        print(f"References: {plus}, Dereferences {minus}")


ObTrace()
