"""!poolused: who holds how much pool, by tag."""
import fnmatch

from . import target
from .command import Command, number

DESCRIPTIONS = {"Pipe": "pipe.sys: its pipes and their buffers", "Irp ": "I/O requests", "Devi": "Device objects", "Driv": "Driver objects",
                "File": "File objects", "Dire": "Directory objects", "ObNm": "object names", "Thre": "Thread objects",
                "Proc": "Process objects", "Even": "Event objects", "Symb": "SymbolicLink objects", "Type": "Type objects"}


def trackers():
    """(tag, nonpaged allocations and bytes, paged allocations and bytes) of every tag in use; allocations are those not yet freed."""
    table, count = target.variable("ExpPoolTrackers"), int(target.variable("ExpPoolTrackerCount"))
    kind = target.c_type("POOL_TRACKER")
    start = target.address_of(table) if table.type.strip_typedefs().code != target.gdb.TYPE_CODE_PTR else target.integer(table)
    for index in range(min(count, 65536)):
        value = target.struct_at("POOL_TRACKER", start + index * kind.sizeof)
        if int(value["Tag"]):
            yield (target.tag_text(value["Tag"]), int(value["NonPagedAllocs"]) - int(value["NonPagedFrees"]), int(value["NonPagedBytes"]),
                   int(value["PagedAllocs"]) - int(value["PagedFrees"]), int(value["PagedBytes"]))


class PoolUsed(Command):
    """Shows pool in use by tag. FLAGS: 2 sorts by nonpaged bytes, 4 by paged bytes. TAG may contain * and ?."""

    name, usage = "poolused", "!poolused [FLAGS [TAG]]"

    def run(self, arguments):
        flags = number(arguments[0]) if arguments else 0
        pattern = arguments[1] if len(arguments) > 1 else "*"
        rows = [row for row in trackers() if fnmatch.fnmatchcase(row[0], pattern.ljust(4) if "*" not in pattern else pattern)]
        if flags & 2:
            rows.sort(key=lambda row: -row[2])
        elif flags & 4:
            rows.sort(key=lambda row: -row[4])
        else:
            rows.sort()
        print(f"   Sorting by  {'NonPaged Pool Consumed' if flags & 2 else 'Paged Pool Consumed' if flags & 4 else 'Tag'}\n")
        print("  Pool Used:\n            NonPaged            Paged\n Tag    Allocs     Used    Allocs     Used")
        for row in rows:
            print(f" {row[0]} {row[1]:9} {row[2]:8} {row[3]:9} {row[4]:8}   {DESCRIPTIONS.get(row[0], '')}".rstrip())
        totals = [sum(row[column] for row in rows) for column in range(1, 5)]
        print(f"TOTAL {totals[0]:8} {totals[1]:8} {totals[2]:9} {totals[3]:8}")


PoolUsed()
