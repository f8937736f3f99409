"""Images as files: what is not in the target's memory is read from the file in build/ that the image came from.

Programs are mapped page by page as they are touched, so their tables may be absent. An image is matched with its file by the PE
header: the sizes of code and data and the entry point, which neither a loader nor taking out the debugging sections changes.
"""
import os
import struct
from pathlib import Path

import gdb

from .target import Unreadable, read, read_integer

HEADER = 0xB0                       # signature, file header, and the optional header up to the exception directory
FOLDERS = ("stripped", "stripped/drivers", "stripped/tests/drivers", "stripped/tests/programs")


names = {}                          # base -> file name of a program's image, from its loader's list


def header(base):
    try:
        return read(base + read_integer(base + 0x3C, 4), HEADER)
    except Unreadable:
        if base not in names:
            raise
    for folder in FOLDERS:
        path = build_folder() / folder / names[base].lower()
        if path.is_file():
            return File(path).header
    raise Unreadable(f"{names[base]} is neither in memory nor in build/")


def identity(header_bytes):
    """The build: tools/seal.py puts a sum of what the sections hold into TimeDateStamp."""
    return header_bytes[8:12]


def build_folder():
    name = gdb.current_progspace().filename
    return Path(os.environ.get("BUILD") or (Path(name).parent if name else "build"))


class File:
    """A PE file on disk."""

    def __init__(self, path):
        self.path, self.data = path, path.read_bytes()
        self.start = struct.unpack_from("<I", self.data, 0x3C)[0]
        self.header = self.data[self.start:self.start + HEADER]
        self.base = struct.unpack_from("<Q", self.data, self.start + 24 + 24)[0]

    def read(self, rva, size):
        count, = struct.unpack_from("<H", self.data, self.start + 6)
        section = self.start + 24 + struct.unpack_from("<H", self.data, self.start + 20)[0]
        for index in range(count):
            _, virtual, raw_size, raw = struct.unpack_from("<IIII", self.data, section + 40 * index + 8)
            if virtual <= rva and rva + size <= virtual + raw_size:
                return self.data[raw + rva - virtual:raw + rva - virtual + size]
        raise Unreadable(f"{self.path} has nothing at {rva:#x}")


_files = {}                         # path -> (time of change, File)


def file_of(header_bytes):
    """The file an image with this header was loaded from, or None."""
    for folder in FOLDERS:
        for path in sorted((build_folder() / folder).glob("*.*")):
            changed = path.stat().st_mtime
            if path not in _files or _files[path][0] != changed:
                try:
                    _files[path] = changed, File(path)
                except (OSError, struct.error):
                    continue
            if identity(_files[path][1].header) == identity(header_bytes):
                return _files[path][1]
    return None


def file_bytes(header_bytes, rva, size):
    found = file_of(header_bytes)
    if found is None:
        raise Unreadable("the image's tables are not in memory, and no file in build/ is the one it was loaded from")
    return found.read(rva, size)
