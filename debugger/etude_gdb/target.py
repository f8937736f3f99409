"""Reading the target: memory, structures by the names of their C types, lists, strings.

Nothing here calls a function of the target or writes to it, so every command works on a hung or half-dead machine. What cannot
be read raises Unreadable, which commands turn into a line of text; lists are followed with a bound and end at a cycle.
"""
import struct

import gdb

MASK = (1 << 64) - 1
KERNEL_START = 0xFFFF800000000000               # and of the map of all physical memory
PAGED_POOL, PAGED_POOL_END = 0xFFFFA00000000000, 0xFFFFC00000000000
FRAME, TRANSITION = 0x000FFFFFFFFFF000, 0x800   # of a page table entry (kernel/mm/mmp.h)


class Unreadable(Exception):
    """Memory or a name that is not there; the text is fit for the user."""


def _read(address, size):
    try:
        return bytes(gdb.selected_inferior().read_memory(address & MASK, size))
    except (gdb.error, gdb.MemoryError, OverflowError):
        raise Unreadable(f"memory at {address & MASK:#x} cannot be read") from None


def _in_transition(address):
    """Where the page that holds address lies in the map of physical memory, if its page table entry says that it was trimmed:
    not present, but its frame still has the contents. Paged pool's pages are so for much of the time. Else Unreadable."""
    entry = int(gdb.parse_and_eval("$cr3"))
    for shift in (39, 30, 21, 12):
        table = KERNEL_START + (entry & FRAME)
        entry = int.from_bytes(_read(table + (address >> shift & 511) * 8, 8), "little")
        if not entry & 1:
            break
    if shift != 12 or entry & 1 or not entry & TRANSITION:
        raise Unreadable(f"memory at {address:#x} cannot be read")
    return KERNEL_START + (entry & FRAME) + (address & 0xFFF)


def _may_be_trimmed(address):
    return address < KERNEL_START or PAGED_POOL <= address < PAGED_POOL_END


def read(address, size):
    address &= MASK
    try:
        return _read(address, size)
    except Unreadable:
        if not _may_be_trimmed(address) or size > 1 << 20:
            raise
    data = b""
    while len(data) < size:
        part = min(size - len(data), 0x1000 - (address & 0xFFF))
        try:
            data += _read(address, part)
        except Unreadable:
            data += _read(_in_transition(address), part)
        address += part
    return data


def read_integer(address, size=8):
    return int.from_bytes(read(address, size), "little")


def unpack(layout, address):
    return struct.unpack(layout, read(address, struct.calcsize(layout)))


def integer(value):
    """A gdb.Value as an unsigned integer if it is a pointer, as it is otherwise."""
    number = int(value)
    return number & MASK if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR else number


def c_type(name):
    """The C type NAME or struct _NAME, whichever is complete."""
    for candidate in (f"struct _{name}", name):
        try:
            found = gdb.lookup_type(candidate)
        except gdb.error:
            continue
        if found.sizeof:
            return found
    raise Unreadable(f"the type {name} is not known: are the kernel's symbols loaded?")


def struct_at(name, address):
    """The structure at an address; one in a page that was trimmed is taken from the map of physical memory."""
    kind, address = c_type(name), address & MASK
    if _may_be_trimmed(address):
        try:
            _read(address, kind.sizeof)
        except Unreadable:
            data = read(address, kind.sizeof)
            if (address & 0xFFF) + kind.sizeof > 0x1000:
                return gdb.Value(data, kind)
            address = _in_transition(address)
    return gdb.Value(address).cast(kind.pointer()).dereference()


def variable(name):
    """The value of a variable of the kernel, static ones included."""
    symbol = gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)
    try:
        return symbol.value() if symbol else gdb.parse_and_eval(f"'{name}'")
    except gdb.error:
        raise Unreadable(f"there is no variable {name}") from None


def address_of(value):
    return int(value.address) & MASK


def offset_of(type_name, path):
    """The offset of a field, a.b.c for nested ones; fields of unnamed members are found too."""
    current, offset = c_type(type_name), 0
    for part in path.split("."):
        where = _find_field(current, part)
        if where is None:
            raise Unreadable(f"{type_name} has no field {path}")
        offset, current = offset + where[0], where[1].strip_typedefs()
    return offset


def _find_field(structure, name):
    for field in structure.strip_typedefs().fields():
        if field.name == name:
            return field.bitpos // 8, field.type
        if not field.name and field.type.strip_typedefs().code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
            inner = _find_field(field.type, name)
            if inner:
                return field.bitpos // 8 + inner[0], inner[1]
    return None


def walk_list(head, type_name, link, limit=10000):
    """The structures of a LIST_ENTRY list: addresses of type_name whose field `link` is in the list at `head`."""
    offset = offset_of(type_name, link)
    entry, seen = read_integer(head), set()
    while entry != head:
        if entry in seen or len(seen) > limit:
            raise Unreadable(f"the list at {head:#x} runs in a circle")
        if entry == 0:
            return
        seen.add(entry)
        yield entry - offset
        entry = read_integer(entry)


def characters(address, size):
    return read(address, size).decode("utf-16-le", "replace") if size else ""


def counted(value):
    """The text of a UNICODE_STRING value."""
    length, buffer = int(value["Length"]), integer(value["Buffer"])
    if length == 0 or buffer == 0:
        return ""
    try:
        return characters(buffer, min(length, 1024))
    except Unreadable:
        return "<unreadable>"


def tag_text(tag):
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in (int(tag) & 0xFFFFFFFF).to_bytes(4, "little"))


def processor():
    """The KPRCB of the processor that gdb has selected."""
    thread = gdb.selected_thread()
    if thread is None:
        raise Unreadable("there is no target: type `make debug`, or `target remote`")
    prcb = integer(variable("KiProcessorBlock")[thread.num - 1])
    if prcb == 0:
        raise Unreadable(f"processor {thread.num - 1} has not been started yet")
    return struct_at("KPRCB", prcb)


def current_thread():
    return integer(processor()["CurrentThread"])


def current_process():
    thread = struct_at("KTHREAD", current_thread())
    return integer(thread["ApcState"]["Process"])
