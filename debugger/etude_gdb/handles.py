"""!handle: the handles of a process, of all, or of the kernel, from their tables."""
from . import objectcmd, objects, processes, rights, target, userhandles
from .command import Command, number, show
from .target import Unreadable, integer, read_integer, safe, struct_at

SLOTS_PER_LEAF = 256
FILLED, INHERIT, AUDIT, PROTECT, FLAGS = 1, 2, 4, 8, 15
BASIC, OBJECTS, FREE, KERNEL, CIDS = 1, 2, 4, 0x10, 0x20
KERNEL_BITS = 0xFFFFFFFF80000000


def slot_address(table, index):
    """Where the slot of a handle lies: Leaves is an array of blocks of SLOTS_PER_LEAF slots."""
    if index >= int(table["SlotCount"]):
        return None
    block = read_integer((int(table["Leaves"]) & target.MASK) + 8 * (index // SLOTS_PER_LEAF))
    return block + index % SLOTS_PER_LEAF * target.c_type("HANDLE_TABLE_ENTRY").sizeof


def header_in(value):
    """The object header that a slot's value stands for: holds are counted in its upper bits, flags stand in its lower ones."""
    return (value | 0xFFFF000000000000) & ~FLAGS & target.MASK


def is_kernel_handle(handle):
    return handle & KERNEL_BITS == KERNEL_BITS and handle < target.MASK - 2


def kernel_table():
    return target.pointer("ObpKernelHandleTable")


def object_behind(handle):
    """The body of the object a handle of the current process, or a kernel handle, stands for."""
    address = kernel_table() if is_kernel_handle(handle) else integer(struct_at("EPROCESS", target.current_process())["ObjectTable"])
    slot = slot_address(struct_at("HANDLE_TABLE", address), (handle & ~KERNEL_BITS) // 4) if address else None
    value = int(struct_at("HANDLE_TABLE_ENTRY", slot)["Value"]) & target.MASK if slot else 0
    if not value & FILLED:
        raise Unreadable(f"{handle:#x} is no open handle")
    return header_in(value) + target.offset_of("OBJECT_HEADER", "Body")


def print_slot(handle, address, flags, wanted):
    entry = struct_at("HANDLE_TABLE_ENTRY", address)
    value = int(entry["Value"]) & target.MASK
    if not value & FILLED:
        if flags & FREE and not wanted:
            show(f"{handle:04x}: free handle, Entry address {address:016x}, Next Entry {4 * int(entry['NextFree']):08x}",
                 "dt _HANDLE_TABLE_ENTRY")
        return
    body = header_in(value) + target.offset_of("OBJECT_HEADER", "Body")
    header = safe(objects.checked_header, body, default=None)
    if wanted and (header is None or objects.type_name(header) != wanted):
        return
    marks = "".join(f" ({name})" for bit, name in ((PROTECT, "Protected"), (INHERIT, "Inherit"), (AUDIT, "Audit")) if value & bit)
    show(f"{handle:04x}: Object: {body:016x}  GrantedAccess: {int(entry['GrantedAccess']):08x}{marks} Entry: {address:016x}",
         objects.explain(body), "dt _HANDLE_TABLE_ENTRY")
    if header is not None:
        print(f"    Rights: {rights.names(int(entry['GrantedAccess']), objects.type_name(header))}")
    if flags & OBJECTS:
        if header is None:
            print(f"Object: {body:016x}  {target.UNREADABLE}")
        else:
            objectcmd.print_object(body, objectcmd.BASIC)
        print()


def print_table(address, handle, flags, wanted, kernel=False):
    table = struct_at("HANDLE_TABLE", address)
    count = int(table["HandleCount"])
    show(f"{'Kernel handle' if kernel else 'Handle'} table at {address:016x} with {count} entries in use", "dt _HANDLE_TABLE")
    print()
    base = 0x80000000 if kernel else 0
    if handle:
        index = (handle & ~KERNEL_BITS) // 4
        slot = slot_address(table, index) if index else None
        if slot is None:
            print(f"{base + 4 * index:04x}: this table has no such handle")
        else:
            print_slot(base + 4 * index, slot, flags | FREE, wanted)
        return
    for leaf in range(0, int(table["SlotCount"]), SLOTS_PER_LEAF):
        for index in range(max(leaf, 1), min(leaf + SLOTS_PER_LEAF, int(table["SlotCount"]))):
            slot = safe(slot_address, table, index, default=None)
            if slot is None:
                print(f"{base + 4 * index:04x}: {target.UNREADABLE}")
                break
            print_slot(base + 4 * index, slot, flags, wanted)


def filled(table):
    """(handle, address of its slot, body) of each handle that is open."""
    for index in range(1, int(table["SlotCount"])):
        slot = safe(slot_address, table, index, default=None)
        value = safe(lambda at=slot: int(struct_at("HANDLE_TABLE_ENTRY", at)["Value"]) & target.MASK, default=0) if slot else 0
        if value & FILLED:
            yield 4 * index, slot, header_in(value) + target.offset_of("OBJECT_HEADER", "Body")


class Handle(Command):
    """Shows handles: what each leads to, what it grants, its attributes and slot.

    HANDLE: one of them; -1 or nothing for all of the current process, 0 for all. FLAGS: 1 basic, 2 the objects, 4 free slots too, 0x10
    the kernel's table, 0x20 HANDLE is a process' or thread's id; 3 if not given. PROCESS is an address or an id; 0 is every process,
    nothing the current one. TYPE, case-sensitive, shows handles to that type only. A kernel handle (ffffffff80000004) is looked up in
    the kernel's table. `Rights` names what GrantedAccess grants: the standard rights, then those of the type.

    With -u the current process' handles as a debugger of programs lists them. UMFLAGS: 1 the type, 2 attributes, rights and counts, 4 the
    name, 8 the object's state; 1 if not given."""

    name, usage = "handle", "!handle [HANDLE [FLAGS [PROCESS [TYPE]]]] | -u [HANDLE [UMFLAGS [TYPE]]]"

    def run(self, arguments):
        if arguments[:1] == ["-u"] and len(arguments) <= 4:
            self.print_user(*arguments[1:])
            return
        if len(arguments) > 4:
            self.wrong()
        values = [number(text) for text in arguments[:3]]
        handle = values[0] if values and values[0] != target.MASK else 0
        flags = values[1] if len(values) > 1 else BASIC | OBJECTS
        wanted = "".join(arguments[3:4])
        if flags & CIDS:
            self.print_cid(handle)
        elif flags & KERNEL or is_kernel_handle(handle):
            processes.print_header(target.pointer("PsInitialSystemProcess"))
            print_table(kernel_table(), handle, flags, wanted, kernel=True)
        else:
            for process in self.chosen(values):
                self.print_process(process, handle, flags, wanted)

    @staticmethod
    def print_user(handle="0", flags="1", wanted=""):
        table = integer(struct_at("EPROCESS", target.current_process())["ObjectTable"])
        if table == 0:
            raise Unreadable("the processor runs no program now: set a breakpoint a program comes to, or use !handle 0 3 PROCESS")
        one = number(handle) if number(handle) != target.MASK else 0
        entries = (entry for entry in filled(struct_at("HANDLE_TABLE", table)) if not one or entry[0] == one)
        userhandles.print_handles(entries, number(flags), wanted, one)

    @staticmethod
    def print_cid(cid):
        """The table of ids leads to the bodies of processes and threads."""
        address = target.pointer("ExpCidTable")
        slot = slot_address(struct_at("HANDLE_TABLE", address), cid // 4)
        value = int(struct_at("HANDLE_TABLE_ENTRY", slot)["Value"]) & target.MASK if slot else 0
        if not value & FILLED:
            raise Unreadable(f"there is no process or thread with the id {cid:x}")
        body = header_in(value)
        show(f"{cid:04x}: Object: {body:016x}  Entry: {slot:016x}", objects.explain(body), "dt _HANDLE_TABLE_ENTRY")
        objectcmd.print_object(body, objectcmd.BASIC)

    @staticmethod
    def chosen(values):
        if len(values) < 3:
            return [target.current_process()]
        return list(processes.all_processes()) if values[2] == 0 else [processes.find(values[2])]

    @staticmethod
    def print_process(process, handle, flags, wanted):
        processes.print_header(process)
        table = integer(struct_at("EPROCESS", process)["ObjectTable"])
        if table == 0:
            print("    (no handle table: it has ended, or is the idle process)")
        else:
            print_table(table, handle, flags, wanted, kernel=table == kernel_table())


Handle()
