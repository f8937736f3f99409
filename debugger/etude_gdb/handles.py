"""!handle: the handles of a process, from its table."""
from . import objects, processes, target
from .command import Command, number
from .target import Unreadable, integer, read_integer, struct_at

SLOTS_PER_LEAF = 256
FILLED, INHERIT, PROTECT, FLAGS = 1, 2, 8, 15


def slot_address(table, index):
    """Where the slot of a handle lies: Leaves is an array of blocks of SLOTS_PER_LEAF slots."""
    if index >= int(table["SlotCount"]):
        return None
    block = read_integer((int(table["Leaves"]) & target.MASK) + 8 * (index // SLOTS_PER_LEAF))
    return block + index % SLOTS_PER_LEAF * target.c_type("HANDLE_TABLE_ENTRY").sizeof


def header_in(value):
    """The object header that a slot's value stands for: holds are counted in its upper bits, flags stand in its lower ones."""
    return (value | 0xFFFF000000000000) & ~FLAGS & target.MASK


def print_slot(index, address, flags, wanted, free):
    entry = struct_at("HANDLE_TABLE_ENTRY", address)
    value = int(entry["Value"]) & target.MASK
    if not value & FILLED:
        if free:
            print(f"{4 * index:04x}: free handle, Entry address {address:016x}, Next Entry {4 * int(entry['NextFree']):08x}")
        return
    header = struct_at("OBJECT_HEADER", header_in(value))
    if wanted and objects.type_name(header) != wanted:
        return
    body = objects.body_of(header)
    marks = " (Inherit)" * bool(value & INHERIT) + " (Protected)" * bool(value & PROTECT)
    print(f"{4 * index:04x}: Object: {body:016x}  GrantedAccess: {int(entry['GrantedAccess']):08x}{marks} Entry: {address:016x}")
    if flags & 2:
        objects.print_object(body, 1)
        print()


def print_table(address, handle, flags, wanted):
    table = struct_at("HANDLE_TABLE", address)
    print(f"Handle table at {address:016x} with {int(table['HandleCount'])} entries in use\n")
    indexes = range(1, int(table["SlotCount"])) if handle in (0, target.MASK) else [(handle & 0x7FFFFFFF) // 4]
    for index in indexes:
        slot = slot_address(table, index)
        if slot is None:
            print(f"{4 * index:04x}: this table has no such handle")
        else:
            print_slot(index, slot, flags, wanted, flags & 4 or len(indexes) == 1)


class Handle(Command):
    """Shows handles: 0 or nothing for all of them. FLAGS: 1 basic, 2 objects, 4 free ones too, 0x10 the kernel's.

    PROCESS is an address or an id; 0 for all processes. TYPE shows handles to that type only."""

    name, usage = "handle", "!handle [HANDLE [FLAGS [PROCESS [TYPE]]]]"

    def run(self, arguments):
        values = [number(text) for text in arguments[:3]]
        handle = values[0] if values else 0
        flags = values[1] if len(values) > 1 else 3
        if flags & 0x10 or handle & 0xFFFFFFFF80000000 == 0xFFFFFFFF80000000 and handle < target.MASK - 2:
            print("Kernel handle table")
            print_table(integer(target.variable("ObpKernelHandleTable")), handle, flags, "".join(arguments[3:4]))
            return
        if len(values) > 2:
            chosen = list(processes.all_processes()) if values[2] == 0 else [processes.find(values[2])]
        else:
            chosen = [target.current_process()]
        for process in chosen:
            processes.print_header(process)
            table = integer(struct_at("EPROCESS", process)["ObjectTable"])
            if table == 0:
                print("    (no handle table: it has ended, or is the idle process)")
                continue
            print_table(table, handle, flags, "".join(arguments[3:4]))


Handle()
