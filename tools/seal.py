#!/usr/bin/env python3
"""Finishes a PE image after the linker: marks INIT as discardable, writes the checksum that the loader verifies.

usage: seal.py FILE
"""
import struct
import sys
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
    for index in range(count):
        section = header + 24 + optional_size + index * 40
        if image[section:section + 8].rstrip(b"\0") in (b"INIT", b".reloc"):
            flags = struct.unpack_from("<I", image, section + 36)[0]
            struct.pack_into("<I", image, section + 36, flags | DISCARDABLE)
    field = header + 24 + 64
    struct.pack_into("<I", image, field, checksum(image, field))
    with open(path, "wb") as file:
        file.write(image)


main(sys.argv[1])
