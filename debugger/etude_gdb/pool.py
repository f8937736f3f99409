"""The pool's structures: its pages, the blocks in them, the counters of its tags."""
import struct

from . import target
from .target import Unreadable, safe, struct_at

NONPAGED, PAGED = "MiNonPagedPoolRange", "MiPagedPoolRange"
UNIT, PAGE = 16, 0x1000
RUN_FREE, RUN_USED, RUN_PAGES = 0x80000000, 0x40000000, 0x1FFFFFFF
IN_USE, CACHED = 0x04, 0x40
DESCRIPTIONS = {
    "Irp ": "I/O requests", "IoBf": "system buffers of I/O requests", "IoNm": "names of files", "DDrv": "drivers' own data in io/",
    "Io  ": "the I/O manager", "Devi": "Device objects", "Driv": "Driver objects", "File": "File objects", "Dire": "Directory objects",
    "Symb": "SymbolicLink objects", "Type": "Type objects", "Thre": "Thread objects", "Proc": "Process objects", "Even": "Event objects",
    "Muta": "Mutant objects", "Sema": "Semaphore objects", "Time": "Timer objects", "ObNm": "names of objects", "ObDi": "directories",
    "ObCr": "objects being created", "ObQu": "queries of objects", "PsSk": "kernel stacks", "PsNp": "names of images", "Pipe": "pipe.sys",
    "None": "allocated without a tag", "Ovfl": "tags that found no room in the table"}


class Block:
    """A block of pool: where it is, how long, in which state, whose."""

    def __init__(self, address, size, previous, state, tag, big=False):
        self.address, self.size, self.previous, self.state, self.tag, self.big = address, size, previous, state, tag, big
        self.body = address if big else address + UNIT

    def line(self, marked=False):
        return (f"{'*' if marked else ' '}{self.address:016x} size: {self.size:4x} previous size: {self.previous:4x}  "
                f"({self.state}) {'*' if marked else ' '}{self.tag if self.state == 'Allocated' or self.big else 'Free'}")


class Damage(Unreadable):
    """A header that does not fit."""


def bounds(name):
    value = target.variable(name)
    start = int(value["Base"])
    return start, start + (int(value["HighestUsed"]) + 1) * PAGE


def whole(name):
    value = target.variable(name)
    return int(value["Base"]), int(value["Base"]) + int(value["Pages"]) * PAGE


def range_of(address):
    for name in (NONPAGED, PAGED):
        start, end = whole(name)
        if start <= address < end:
            return name
    return None


def runs(name):
    """(address, pages, tag, bytes) of each allocated run; tag 0: a run of small blocks."""
    value = target.variable(name)
    base, count, table = int(value["Base"]), int(value["HighestUsed"]) + 1, target.integer(value["Runs"])
    count = min(count, int(value["Pages"]))
    data, index = target.read(table, count * 12), 0
    while index < count:
        state, tag, size = struct.unpack_from("<III", data, index * 12)
        if state & RUN_USED:
            yield base + index * PAGE, state & RUN_PAGES, tag, size
        index += max(1, state & RUN_PAGES) if state & (RUN_USED | RUN_FREE) else 1


def run_at(address):
    """The run that holds an address, or None."""
    name = range_of(address)
    return next((run for run in runs(name) if run[0] <= address < run[0] + run[1] * PAGE), None) if name else None


def spare_pages():
    """Whole pages that are kept for the next allocations: what stands in them means nothing."""
    start, kind = target.address_of(target.variable("ExpPoolDescriptors")), target.c_type("POOL_DESCRIPTOR")
    found = set()
    for index in range(2):
        place = start + index * kind.sizeof
        count = target.read_integer(place + target.offset_of("POOL_DESCRIPTOR", "SpareCount"), 4)
        found.update(target.unpack(f"<{min(count, 16)}Q", place + target.offset_of("POOL_DESCRIPTOR", "SparePages")))
    return found


def blocks_of_page(page):
    """The blocks of a page of small ones, in order. Damage ends it: the headers lead no further."""
    data, at, before = target.read(page, PAGE), 0, 0
    if page in spare_pages():
        return
    while at < PAGE:
        previous, _, units, state = data[at:at + 4]
        tag, = struct.unpack_from("<I", data, at + 4)
        if previous * UNIT != before and at:
            raise Damage(f"{page + at:016x}: previous size is {previous * UNIT:x}, but the block before has {before:x}")
        if units == 0 and at or at + units * UNIT > PAGE:
            raise Damage(f"{page + at:016x}: a block of {units * UNIT:x} bytes cannot be here")
        size = units * UNIT or PAGE
        words = "Allocated" if state & IN_USE else "Cached" if state & CACHED else "Free"
        yield Block(page + at, size, before, words, target.tag_text(tag))
        before, at = size, at + size


def blocks_with_tag(paged, wanted):
    """Every allocated block whose tag is wanted(tag), big ones first."""
    name = PAGED if paged else NONPAGED
    found = list(runs(name))
    for address, pages, tag, _ in found:
        if tag and wanted(target.tag_text(tag)):
            yield Block(address, pages * PAGE, 0, "Allocated", target.tag_text(tag), big=True)
    for address, pages, tag, _ in found:
        for page in range(address, address + pages * PAGE, PAGE) if not tag else ():
            try:
                yield from (block for block in blocks_of_page(page) if block.state == "Allocated" and wanted(block.tag))
            except Unreadable:
                continue                                    # !poolval says what is wrong with it


def trackers():
    """{tag: (nonpaged allocations, frees, bytes, paged allocations, frees, bytes)} of every tag ever used."""
    count = min(int(target.variable("ExpPoolTrackerCount")), 65536)
    start, size, found = target.address_of(target.variable("ExpPoolTrackers")), target.c_type("POOL_TRACKER").sizeof, {}
    for index in range(count):
        if target.read_integer(start + index * size, 4) == 0:
            continue
        value = struct_at("POOL_TRACKER", start + index * size)
        found[target.tag_text(value["Tag"])] = tuple(
            int(value[name]) for name in ("NonPagedAllocs", "NonPagedFrees", "NonPagedBytes", "PagedAllocs", "PagedFrees", "PagedBytes"))
    return found


def describe(tag):
    return safe(lambda: DESCRIPTIONS.get(tag, ""), default="")
