#!/usr/bin/env python3
"""Finishes a PE image after the linker, or after its debug sections were stripped.

usage: seal.py FILE

  TimeDateStamp   becomes a sum of what the sections hold, debug sections left out: the same build gives the
                  same file, and a debugger can tell whether a file belongs to an image in memory
  INIT, .reloc    are marked as discardable
  CheckSum        is written; the loader verifies the kernel's
"""
import struct
import sys
import zlib
from array import array

DISCARDABLE = 0x02000000


def checksum(image, field):
    image[field:field + 4] = bytes(4)
    words = array("H", bytes(image) + b"\0" * (len(image) & 1))
    if sys.byteorder == "big":
        words.byteswap()
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total + len(image)


def main(path):
    with open(path, "rb") as file:
        image = bytearray(file.read())
    header = struct.unpack_from("<I", image, 0x3C)[0]
    count, optional_size = struct.unpack_from("<H12xH", image, header + 6)
    build = 0
    for index in range(count):
        section = header + 24 + optional_size + index * 40
        name = image[section:section + 8].rstrip(b"\0")
        used, _, size, start = struct.unpack_from("<4I", image, section + 8)
        if not name.startswith((b"/", b".debug")):
            build = zlib.crc32(image[start:start + min(size, used or size)], build)
        if name in (b"INIT", b".reloc"):
            flags = struct.unpack_from("<I", image, section + 36)[0]
            struct.pack_into("<I", image, section + 36, flags | DISCARDABLE)
    struct.pack_into("<I", image, header + 8, build)
    field = header + 24 + 64
    struct.pack_into("<I", image, field, checksum(image, field))
    with open(path, "wb") as file:
        file.write(image)


main(sys.argv[1])
