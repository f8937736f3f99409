"""Reading the target: memory, structures by the names of their C types, lists, strings.

Nothing here calls a function of the target or writes to it, so every command works on a hung or half-dead machine, and on a dead
one (memory.py). What cannot be read raises Unreadable, which commands turn into `<unreadable>` or a line of text; lists are
followed with a bound and end at a cycle.

A Struct is a structure's bytes, read once, with its address: value["Field"] is the field, value.at("Field.Inner") where it lies.
"""
import struct

import gdb

from . import memory
from .memory import KERNEL_START, MASK, Unreadable      # noqa: F401

UNREADABLE = "<unreadable>"
_types, _offsets = {}, {}


def read(address, size, root=None):
    return memory.read(address, size, root)


def read_integer(address, size=8, root=None):
    return int.from_bytes(read(address, size, root), "little")


def unpack(layout, address, root=None):
    return struct.unpack(layout, read(address, struct.calcsize(layout), root))


def integer(value):
    """A gdb.Value as an unsigned integer if it is a pointer, as it is otherwise."""
    number = int(value)
    return number & MASK if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR else number


def safe(function, *arguments, default=UNREADABLE):
    """What the function returns, or `<unreadable>` where memory is not there or a list is broken."""
    try:
        return function(*arguments)
    except (Unreadable, gdb.error, gdb.MemoryError, UnicodeError, OverflowError):
        return default


def c_type(name):
    """The C type NAME or struct _NAME, whichever is complete."""
    found = _types.get(name)
    if found is not None:
        return found
    for candidate in (f"struct _{name}", f"union _{name}", name):
        try:
            found = gdb.lookup_type(candidate)
        except gdb.error:
            continue
        if found.strip_typedefs().sizeof:
            _types[name] = found.strip_typedefs()
            return _types[name]
    raise Unreadable(f"the type {name} is not known: are the kernel's symbols loaded?")


def forget_types():
    _types.clear()
    _offsets.clear()


class Struct:
    """The bytes of a structure and where they lie."""

    __slots__ = ("kind", "name", "address", "value")

    def __init__(self, name, address):
        self.kind, self.name, self.address = c_type(name), name, address & MASK
        self.value = gdb.Value(read(self.address, self.kind.sizeof), self.kind)

    def __getitem__(self, field):
        return self.value[field]

    def at(self, path):
        return self.address + offset_of(self.name, path)


def struct_at(name, address):
    return Struct(name, address)


def variable(name):
    """The value of a variable of the kernel, static ones included."""
    symbol = gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)
    try:
        return symbol.value() if symbol else gdb.parse_and_eval(f"'{name}'")
    except gdb.error:
        raise Unreadable(f"there is no variable {name}") from None


def pointer(name):
    """A variable of the kernel that is a pointer or a number."""
    return integer(variable(name))


def address_of(value):
    return value.address if isinstance(value, Struct) else int(value.address) & MASK


def offset_of(type_name, path):
    """The offset of a field, a.b.c for nested ones; fields of unnamed members are found too."""
    key = type_name, path
    if key not in _offsets:
        current, offset = c_type(type_name), 0
        for part in path.split("."):
            where = _find_field(current, part)
            if where is None:
                raise Unreadable(f"{type_name} has no field {path}")
            offset, current = offset + where[0], where[1].strip_typedefs()
        _offsets[key] = offset
    return _offsets[key]


def has_field(type_name, path):
    try:
        offset_of(type_name, path)
        return True
    except Unreadable:
        return False


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
    offset = offset_of(type_name, link) if type_name else 0
    entry, seen = read_integer(head), set()
    while entry != head:
        if entry in seen or len(seen) > limit:
            raise Unreadable(f"the list at {head:#x} runs in a circle")
        if entry == 0:
            return
        seen.add(entry)
        yield entry - offset
        entry = read_integer(entry)


def characters(address, size, root=None):
    return read(address, size, root).decode("utf-16-le", "replace") if size else ""


def counted(value):
    """The text of a UNICODE_STRING value."""
    length, buffer = int(value["Length"]), integer(value["Buffer"])
    if length == 0 or buffer == 0:
        return ""
    return safe(characters, buffer, min(length, 1024))


def text_of(value):
    """The characters of a CHAR array, up to its zero."""
    first, last = value.type.strip_typedefs().range()
    data = bytes(int(value[index]) & 0xFF for index in range(first, last + 1))
    return data.split(b"\0")[0].decode("latin-1")


def tag_text(tag):
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in (int(tag) & 0xFFFFFFFF).to_bytes(4, "little"))


def processor_number():
    thread = gdb.selected_thread()
    if thread is None:
        raise Unreadable("there is no target: type `make debug`, or `target remote`")
    return thread.num - 1


def processor_count():
    return len(gdb.selected_inferior().threads())


def prcb_of(number):
    """The KPRCB of a processor."""
    block = variable("KiProcessorBlock")
    first, last = block.type.range()
    if not first <= number <= last:
        raise Unreadable(f"there is no processor {number}")
    prcb = integer(block[number])
    if prcb == 0:
        raise Unreadable(f"processor {number} has not been started yet")
    return struct_at("KPRCB", prcb)


def processors():
    """(number, KPRCB) of every processor that has been started."""
    for number in range(processor_count()):
        try:
            yield number, prcb_of(number)
        except Unreadable:
            continue


def current_thread():
    return integer(prcb_of(processor_number())["CurrentThread"])


def current_process():
    return integer(struct_at("KTHREAD", current_thread())["ApcState"]["Process"])


def ticks_to_microseconds(ticks):
    """Of the time stamp counter, as the kernel has measured it."""
    per_second = safe(pointer, "HalpTscPerSecond", default=0)
    return ticks * 1000000 // per_second if per_second else ticks
