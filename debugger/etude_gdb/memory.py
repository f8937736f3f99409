"""The target's memory, of a machine that runs, of one that is stopped, and of one that is dead.

gdb reads what the page tables of the selected processor map. Two things it cannot: pages that were trimmed (not present, but the
frame still has the contents; paged pool's are so for much of the time), and, in a memory image that QEMU's dump-guest-memory left,
everything but the first processor's address space. For both the page tables are walked here, and the frame is read through the map
of all physical memory or out of the image file itself.
"""
import re
import struct

import gdb

MASK = (1 << 64) - 1
KERNEL_START = 0xFFFF800000000000               # and of the map of all physical memory
PHYSICAL_MAP_END = 0xFFFFA00000000000
PRESENT, LARGE, TRANSITION = 1, 0x80, 0x800     # of a page table entry (kernel/mm/mmp.h)
FRAME = 0x000FFFFFFFFFF000
VIDEO_START, VIDEO_END = 0xA0000, 0xC0000


class Unreadable(Exception):
    """Memory or a name that is not there; the text is fit for the user."""


class Image:
    """The ELF file of a dead machine: where in it each physical page lies."""

    def __init__(self, path):
        self.file = open(path, "rb")
        header = self.file.read(64)
        offset, = struct.unpack_from("<Q", header, 0x20)
        size, count = struct.unpack_from("<HH", header, 0x36)
        self.file.seek(offset)
        table, self.parts = self.file.read(size * count), []
        for index in range(count):
            kind, _, start, _, physical, length, _, _ = struct.unpack_from("<IIQQQQQQ", table, index * size)
            if kind == 1 and length:
                self.parts.append((physical, length, start))
        self.parts.sort()

    def read(self, physical, size):
        """All of RAM is in the file, in two pieces: what lies below the hole of the video memory, and what lies above it."""
        high = physical >= VIDEO_END
        shift = next((offset - start for start, _, offset in self.parts if (start >= VIDEO_END) == high), None)
        data = b""
        if shift is not None and (high or physical + size <= VIDEO_START):
            self.file.seek(physical + shift)
            data = self.file.read(size)
        if len(data) != size:
            raise Unreadable(f"physical memory at {physical:#x} is not in the image")
        return data


_image = None                       # of the dead machine gdb looks at; False: it is not dead


def image():
    global _image
    if _image is None:
        match = re.search(r"core dump file:\s*`(.*)',", gdb.execute("info files", to_string=True))
        _image = Image(match[1]) if match else False
    return _image or None


def forget():
    """gdb has turned to another target."""
    global _image
    _image = None


def _read(address, size):
    try:
        return bytes(gdb.selected_inferior().read_memory(address & MASK, size))
    except (gdb.error, gdb.MemoryError, OverflowError):
        raise Unreadable(f"memory at {address & MASK:#x} cannot be read") from None


def _read_physical(address, size):
    return image().read(address, size) if image() else _read(KERNEL_START + address, size)


_walking = False


def _root(address):
    """The top page table: the kernel's part is the same in all of them. What must be read for it needs no walk itself."""
    global _walking
    from . import target
    if _walking:
        raise Unreadable(f"memory at {address:#x} cannot be read")
    _walking = True
    try:
        process = target.pointer("KiInitialProcess") if address >= KERNEL_START else target.current_process()
        return int(target.struct_at("KPROCESS", process)["DirectoryTableBase"])
    finally:
        _walking = False


def translate(address, root=None):
    """The physical address, also of a page that was trimmed."""
    entry = _root(address) if root is None else root
    for shift in (39, 30, 21, 12):
        table = entry & FRAME
        entry = int.from_bytes(_read_physical(table + (address >> shift & 511) * 8, 8), "little")
        if not entry & PRESENT:
            break
        if shift != 12 and entry & LARGE:
            return (entry & FRAME & -(1 << shift)) + (address & (1 << shift) - 1)
    if shift != 12 or not entry & (PRESENT | TRANSITION):
        raise Unreadable(f"memory at {address:#x} cannot be read")
    return (entry & FRAME) + (address & 0xFFF)


def _read_page(address, size, root):
    """Within one page, by the page tables."""
    if KERNEL_START <= address < PHYSICAL_MAP_END:
        return _read_physical(address - KERNEL_START, size)
    return _read_physical(translate(address, root), size)


def _is_mapped_here(address):
    """Whether gdb can be asked. An image's part for the map of physical memory ends at a hole, and gdb reads zeros behind it; user
    addresses in it are the first processor's."""
    return not image() or address >= PHYSICAL_MAP_END


def read(address, size, root=None):
    """Raises Unreadable if any of it is not there. With root, a process' page table, user memory is that process'."""
    address &= MASK
    if size < 0 or size > 1 << 24 or address + size > MASK or 1 << 47 <= address < KERNEL_START:
        raise Unreadable(f"memory at {address:#x} cannot be read")
    if root is None and _is_mapped_here(address):
        try:
            return _read(address, size)
        except Unreadable:
            if size > 1 << 20 or not image() and KERNEL_START <= address < PHYSICAL_MAP_END:
                raise
    data = b""
    while len(data) < size:
        part = min(size - len(data), 0x1000 - (address & 0xFFF))
        try:
            if root is not None or not _is_mapped_here(address):
                raise Unreadable("")
            data += _read(address, part)
        except Unreadable:
            data += _read_page(address, part, root)
        address += part
    return data
