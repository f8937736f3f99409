"""Pretty printers: counted strings, lists, status codes, 64-bit times and counts."""
import re
from pathlib import Path

import gdb
import gdb.printing

from . import target

STATUS_HEADERS = ("/usr/x86_64-w64-mingw32/include/ntstatus.h", "/usr/share/mingw-w64/include/ntstatus.h")
_statuses = {}


def status_name(code):
    """STATUS_... for a number, from the SDK's own header."""
    if not _statuses:
        _statuses[0] = "STATUS_SUCCESS"
        for header in map(Path, STATUS_HEADERS):
            if header.is_file():
                pattern = re.compile(r"#define\s+(STATUS_\w+)\s+\(\(NTSTATUS\)\s*(0x[0-9A-Fa-f]+)")
                for match in pattern.finditer(header.read_text(errors="replace")):
                    _statuses.setdefault(int(match[2], 16), match[1])
                break
    return _statuses.get(code & 0xFFFFFFFF, "")


class UnicodeString:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return '"' + target.counted(self.value) + '"'


class AnsiString:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        length, buffer = int(self.value["Length"]), target.integer(self.value["Buffer"])
        try:
            return '"' + (target.read(buffer, min(length, 1024)).decode("latin-1") if length else "") + '"'
        except target.Unreadable:
            return "<unreadable>"


class ListEntry:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        forward, backward = target.integer(self.value["Flink"]), target.integer(self.value["Blink"])
        if self.value.address is not None and forward == backward == target.address_of(self.value):
            return "empty list"
        return f"[ {forward:#x} - {backward:#x} ]"


class Status:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        code = int(self.value.cast(gdb.lookup_type("unsigned int")))
        return f"{code:#010x} {status_name(code)}".strip()


class LargeInteger:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return str(int(self.value["QuadPart"]))


def build():
    printers = gdb.printing.RegexpCollectionPrettyPrinter("etude")
    for name, pattern, printer in (
            ("UNICODE_STRING", r"^_?UNICODE_STRING$", UnicodeString),
            ("STRING", r"^(_?STRING|ANSI_STRING|OEM_STRING)$", AnsiString),
            ("LIST_ENTRY", r"^_?LIST_ENTRY$", ListEntry),
            ("LARGE_INTEGER", r"^_?U?LARGE_INTEGER$", LargeInteger)):
        printers.add_printer(name, pattern, printer)
    return printers


def _status_printer(value):
    """NTSTATUS is a typedef of a basic type, whose name is gone once gdb has stripped it: looked up by itself."""
    return Status(value) if value.type.name == "NTSTATUS" else None


gdb.printing.register_pretty_printer(None, build(), replace=True)
if not any(getattr(printer, "__name__", "") == "_status_printer" for printer in gdb.pretty_printers):
    gdb.pretty_printers.append(_status_printer)
