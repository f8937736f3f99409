"""dt: structures by type, as WinDbg prints them."""
import fnmatch
import re

import gdb

from . import target
from .command import number, words_of
from .target import Unreadable, integer, safe

INTEGERS = (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_ENUM, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_CHAR)


def type_text(kind):
    """A type as WinDbg writes it: Ptr64 _DEVICE_OBJECT, Uint4B, [2] Ptr64 Void."""
    plain = kind.strip_typedefs()
    if plain.code == gdb.TYPE_CODE_PTR:
        inner = plain.target().strip_typedefs()
        return "Ptr64     " + (type_text(inner).strip() if inner.code != gdb.TYPE_CODE_FUNC else kind.name or "function")
    if plain.code == gdb.TYPE_CODE_ARRAY:
        return f"[{plain.range()[1] + 1}] {type_text(plain.target())}"
    if plain.code == gdb.TYPE_CODE_VOID:
        return "Void"
    if plain.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return plain.tag or plain.name or "<unnamed-tag>"
    if plain.code == gdb.TYPE_CODE_ENUM:
        return plain.tag or "enum"
    return f"{'Uint' if not plain.is_signed else 'Int'}{plain.sizeof}B" if plain.sizeof > 1 or plain.is_signed is False else "Char"


def value_text(value):
    """Signed numbers decimal, unsigned hexadecimal, pointers with 0x."""
    kind = value.type.strip_typedefs()
    tag = kind.tag or ""
    if kind.code == gdb.TYPE_CODE_PTR:
        number_ = integer(value)
        inner = kind.target().strip_typedefs()
        name = type_text(inner) if inner.code != gdb.TYPE_CODE_FUNC else ""
        if inner.code == gdb.TYPE_CODE_FUNC and number_:
            from . import modules
            return f"0x{number_:016x}     {modules.symbol(number_)}"
        return f"0x{number_:016x} {name}" if number_ else "(null) "
    if tag in ("_UNICODE_STRING", "_LARGE_INTEGER", "_ULARGE_INTEGER"):
        return f"{tag} {value.format_string(raw=False)}"
    if tag == "_LIST_ENTRY":
        return f"_LIST_ENTRY [ 0x{integer(value['Flink']):016x} - 0x{integer(value['Blink']):016x} ]"
    if kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return tag or "<unnamed-tag>"
    if kind.code == gdb.TYPE_CODE_ARRAY:
        return array_text(value, kind)
    if kind.code == gdb.TYPE_CODE_ENUM:
        return f"{int(value)} ( {value.format_string()} )"
    plain = int(value)
    return f"{plain}" if kind.is_signed else f"0x{plain:x}"


def array_text(value, kind):
    inner = kind.target().strip_typedefs()
    if inner.code in INTEGERS and inner.sizeof == 1:
        data = bytes(int(value[index]) & 0xFF for index in range(min(kind.range()[1] + 1, 64)))
        return f'[{kind.range()[1] + 1}]  "{data.split(bytes(1))[0].decode("latin-1")}"'
    return f"[{kind.range()[1] + 1}] {type_text(inner)}"


class Printer:
    def __init__(self, depth, brief, offsets, pattern, exact):
        self.depth, self.brief, self.offsets, self.pattern, self.exact = depth, brief, offsets, pattern, exact

    def wanted(self, name):
        if not self.pattern:
            return True
        if "*" in self.pattern:
            return fnmatch.fnmatchcase(name, self.pattern)
        return name == self.pattern if self.exact else name.startswith(self.pattern)

    def fields(self, kind, value, indent=1, base=0, depth=None, top=True):
        depth = self.depth if depth is None else depth
        for field in kind.fields():
            if not hasattr(field, "bitpos"):
                continue
            offset = base + field.bitpos // 8
            inner = field.type.strip_typedefs()
            part = value[field] if value is not None else None
            if not field.name:
                self.fields(inner, part, indent, offset, depth, top)
                continue
            if top and not self.wanted(field.name):
                continue
            print(f"{'   ' * indent}+0x{offset:03x} {field.name:<16} : {self.text(field, part)}".rstrip())
            if depth > 0 and inner.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION) and inner.tag not in ("_LIST_ENTRY", "_UNICODE_STRING"):
                self.fields(inner, part, indent + 1, 0, depth - 1, False)

    @staticmethod
    def text(field, part):
        if part is None:
            bits = f"Pos {field.bitpos % 8}, {field.bitsize} Bits" if field.bitsize else ""
            return bits or type_text(field.type)
        if field.bitsize:
            return f"0y{int(part):0{field.bitsize}b}"
        return safe(value_text, part)


class Dt(gdb.Command):
    """dt [-r[DEPTH]] [-l LINK] [-y] [-b] [-v] TYPE [FIELD[.]] [ADDRESS]

    Shows a structure: the layout of a type, or with an address its contents. TYPE with or without its underscore.
    FIELD: only that field (-y: all that begin so; * allowed); with a dot at its end, its own fields. -r also nested structures, to a
    depth. -l follows a list: dt -l NextDevice _DEVICE_OBJECT ADDRESS, dt -l Links.Flink TYPE ADDRESS. -b one level more."""

    def __init__(self):
        super().__init__("dt", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        try:
            self.run(words_of(argument))
        except (Unreadable, gdb.error, gdb.MemoryError, ValueError) as error:
            print(f"dt: {error}")
        except Exception as error:
            print(f"dt: internal error, {type(error).__name__}: {error}")

    def run(self, words):
        depth, link, begins, words = self.options(words)
        if not words:
            raise Unreadable("usage: dt [-r[DEPTH]] [-l LINK] [-y] [-b] [-v] TYPE [FIELD[.]] [ADDRESS]")
        kind = target.c_type(words[0].split("!")[-1].lstrip("_"))
        address = self.address(words)
        field = words[1] if len(words) > 1 and (len(words) > 2 or address is None) else ""
        if kind.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
            print(f"{type_text(kind)}" + ("" if address is None else f" {value_text(gdb.Value(target.read(address, kind.sizeof), kind))}"))
            return
        if link:
            self.follow(kind, words[0], link, address, field, depth, begins)
        else:
            self.one(kind, address, field, depth, begins)

    @staticmethod
    def options(words):
        depth, link, begins, rest = 0, "", False, []
        words = list(words)
        while words:
            word = words.pop(0)
            if re.fullmatch(r"-r\d*", word):
                depth = int(word[2:] or 1)
            elif word == "-b":
                depth = max(depth, 1)
            elif word == "-l" and words:
                link = words.pop(0)
            elif word == "-y":
                begins = True
            elif word != "-v":
                rest.append(word)
        return depth, link, begins, rest

    @staticmethod
    def address(words):
        if len(words) == 1:
            return None
        text = words[-1]
        if len(words) == 2 and re.fullmatch(r"[A-Za-z_][\w.*]*", text) and not re.fullmatch(r"[0-9a-fA-F`]{9,17}", text):
            try:
                return number(text)
            except Unreadable:
                return None
        return number(text)

    @staticmethod
    def one(kind, address, field, depth, begins):
        value = gdb.Value(target.read(address, kind.sizeof), kind) if address is not None else None
        base, name = 0, field
        while "." in name:
            first, name = name.split(".", 1)
            found = target._find_field(kind, first)
            if found is None:
                raise Unreadable(f"{kind.tag} has no field {first}")
            base, kind = base + found[0], found[1].strip_typedefs()
            value = value[first] if value is not None else None
        Printer(depth, False, True, name, not begins).fields(kind, value, base=base)

    def follow(self, kind, name, link, address, field, depth, begins):
        seen, path = set(), link.split(".")
        plain = name.split("!")[-1].lstrip("_")
        offset = target.offset_of(plain, ".".join(path[:-1])) if len(path) > 1 else 0
        while address and address not in seen:
            seen.add(address)
            print(f"{link} at 0x{address:016x}\n---------------------------------------------")
            self.one(kind, address, field, depth, begins)
            print()
            following = target.read_integer(address + target.offset_of(plain, link))
            address = following - offset if following else 0
        if address:
            print(f"(back at 0x{address:016x}: the list is a ring)")


Dt()
