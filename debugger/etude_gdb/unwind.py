"""Unwinding PE code: gdb's own unwinders know nothing of .pdata, so without this a backtrace ends after a frame or two.

For a frame's pc the function's UNWIND_INFO is looked up in the image's exception directory, in the target's memory, and the
prologue's effects are undone as RtlVirtualUnwind does it (kernel/rtl/unwind.c). Three things are gdb's:
  - every general register is handed to the caller's frame, changed or not: gdb 13 stops at frame 1 otherwise;
  - across a machine frame (a trap handler's caller is the interrupted code) the volatile registers come out of the KTRAP_FRAME
    that the handler has filled;
  - a frame's identity contains its stack address, and gdb takes a caller with a lower one for a damaged stack. Kernel and
    user stacks, and the stacks inside the kernel's image, are therefore numbered so that a trap's caller is always higher.
"""
import struct

import gdb
from gdb.FrameDecorator import FrameDecorator
from gdb.unwinder import Unwinder

from . import images, modules, target
from .target import MASK, Unreadable, read, read_integer

REGISTERS = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
             "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")
VOLATILE = ("Rax", "Rcx", "Rdx", "R8", "R9", "R10", "R11")
PUSH, ALLOC_LARGE, ALLOC_SMALL, SET_FRAME, SAVE, SAVE_FAR = range(6)
SAVE_XMM, SAVE_XMM_FAR, MACHINE_FRAME = 8, 9, 10
SLOTS = {SAVE: 2, SAVE_FAR: 3, 7: 2, SAVE_XMM: 2, SAVE_XMM_FAR: 3}
CHAINED = 4

_tables = {}                        # image base -> its RUNTIME_FUNCTIONs, as read


class Table:
    """An image's exception directory. A program's pages may not be in memory yet: then its file is read instead."""

    def __init__(self, base):
        self.base, self.stamp = base, images.header(base)
        rva, size = struct.unpack_from("<II", self.stamp, 24 + 112 + 3 * 8)
        raw = self.read(rva, min(size, 1 << 20)) if rva else b""
        self.entries = list(struct.iter_unpack("<III", raw[:len(raw) // 12 * 12]))

    def read(self, rva, size):
        try:
            return read(self.base + rva, size)
        except Unreadable:
            return images.file_bytes(self.stamp, rva, size)

    def find(self, rva):
        low, high = 0, len(self.entries)
        while low < high:
            middle = (low + high) // 2
            begin, end, info = self.entries[middle]
            if rva < begin:
                high = middle
            elif rva >= end:
                low = middle + 1
            else:
                return begin, end, info
        return None


def image_base(pc):
    """The base of the image that holds pc: the lists say, and where there is none, for programs, the nearest header below."""
    module = modules.module_of(pc)
    if module or pc >= target.KERNEL_START:
        return module.base if module else None
    for base in range(pc & ~0xFFFF, max(0, (pc & ~0xFFFF) - (64 << 20)), -0x10000):
        try:
            if read(base, 2) == b"MZ":
                return base
        except Unreadable:
            continue
    return None


def function_table(base):
    """Cached as long as the image's header stays the same: another image may be loaded at the base later."""
    table = _tables.get(base)
    if table is None or images.header(base) != table.stamp:
        table = _tables[base] = Table(base)
    return table


class Frame:
    """The registers of one frame; undo() turns them into the caller's."""

    def __init__(self, registers, pc):
        self.registers, self.pc = registers, pc
        self.function = pc
        self.machine_frame = None           # address of the Rip the processor pushed

    @property
    def sp(self):
        return self.registers["rsp"]

    @sp.setter
    def sp(self, value):
        self.registers["rsp"] = value & MASK

    def pop(self):
        value = read_integer(self.sp)
        self.sp += 8
        return value

    def undo(self):
        base = image_base(self.pc)
        table = function_table(base) if base else None
        entry = table.find(self.pc - base) if table else None
        if entry is None:
            self.pc = self.pop()            # a leaf function, or a jump to nowhere
            return
        begin, _, info = entry
        self.function = base + begin
        if not self.finish_epilogue(table, entry):
            self.undo_prologue(table, info, self.pc - base - begin)
        if self.machine_frame is None:
            self.pc = self.pop()

    def undo_prologue(self, table, info, offset):
        frame_base = None
        for _ in range(32):
            version_flags, prologue, count, frame = table.read(info, 4)
            codes = table.read(info + 4, (count + 1 & ~1) * 2)
            if frame_base is None:
                frame_base = self.establisher(codes, count, frame, offset, prologue)
            self.undo_codes(codes, count, frame, offset, frame_base)
            if not version_flags >> 3 & CHAINED:
                return
            info, offset = int.from_bytes(table.read(info + 4 + len(codes) + 8, 4), "little"), 1 << 32

    def establisher(self, codes, count, frame, offset, prologue):
        if not frame & 15:
            return self.sp
        if offset < prologue:
            index = 0
            while index < count and codes[2 * index + 1] & 15 != SET_FRAME:
                index += self.slots(codes, index)
            if index >= count or codes[2 * index] > offset:
                return self.sp
        return self.registers[REGISTERS[frame & 15]] - (frame >> 4) * 16

    @staticmethod
    def slots(codes, index):
        operation, info = codes[2 * index + 1] & 15, codes[2 * index + 1] >> 4
        return (3 if info else 2) if operation == ALLOC_LARGE else SLOTS.get(operation, 1)

    def undo_codes(self, codes, count, frame, offset, frame_base):
        index = 0
        while index < count:
            at, operation, info = codes[2 * index], codes[2 * index + 1] & 15, codes[2 * index + 1] >> 4
            near = int.from_bytes(codes[2 * index + 2:2 * index + 4], "little")
            far = int.from_bytes(codes[2 * index + 2:2 * index + 6], "little")
            index += self.slots(codes, index)
            if offset < at:
                continue
            if operation == PUSH:
                self.registers[REGISTERS[info]] = self.pop()
            elif operation == ALLOC_LARGE:
                self.sp += far if info else near * 8
            elif operation == ALLOC_SMALL:
                self.sp += info * 8 + 8
            elif operation == SET_FRAME:
                self.sp = self.registers[REGISTERS[frame & 15]] - (frame >> 4) * 16
            elif operation in (SAVE, SAVE_FAR):
                place = frame_base + (near * 8 if operation == SAVE else far)
                self.registers[REGISTERS[info]] = read_integer(place)
            elif operation == MACHINE_FRAME:
                self.cross(self.sp + (8 if info else 0))

    def cross(self, machine_frame):
        self.machine_frame = machine_frame
        self.pc, _, self.eflags, self.sp, _ = target.unpack("<5Q", machine_frame)
        try:
            trap_frame = target.struct_at("KTRAP_FRAME", machine_frame - target.offset_of("KTRAP_FRAME", "Rip"))
            for name in VOLATILE:
                self.registers[name.lower()] = int(trap_frame[name]) & MASK
        except (Unreadable, gdb.error):
            pass

    def finish_epilogue(self, table, entry):
        """If pc is in the epilogue, carries out the rest of it up to the return address."""
        code, at, pops, sp = read(self.pc, 16) + bytes(16), 0, [], self.sp
        if code[:3] == b"\x48\x83\xc4":
            sp, at = sp + int.from_bytes(code[3:4], "little", signed=True), 4
        elif code[:3] == b"\x48\x81\xc4":
            sp, at = sp + int.from_bytes(code[3:7], "little", signed=True), 7
        elif code[0] in (0x48, 0x49) and code[1] == 0x8D and code[2] & 0x38 == 0x20 and code[2] & 0xC0 in (0x40, 0x80):
            register, wide = code[2] & 7 | (code[0] & 1) << 3, code[2] & 0xC0 == 0x80
            if register != table.read(entry[2] + 3, 1)[0] & 15 or register & 7 == 4:
                return False
            sp = self.registers[REGISTERS[register]] + int.from_bytes(code[3:7 if wide else 4], "little", signed=True)
            at = 7 if wide else 4
        while len(pops) < 9:
            if code[at] & 0xF8 == 0x58:
                pops.append(code[at] & 7)
                at += 1
            elif code[at] & 0xF0 == 0x40 and code[at + 1] & 0xF8 == 0x58:
                pops.append(code[at + 1] & 7 | (code[at] & 1) << 3)
                at += 2
            else:
                break
        if not self.ends_here(table.base, entry, code[at:at + 6], self.pc + at, bool(at)):
            return False
        self.sp = sp
        for register in pops:
            self.registers[REGISTERS[register]] = self.pop()
        return True

    @staticmethod
    def ends_here(base, entry, code, address, released):
        if code[0] in (0xC3, 0xC2) or code[:2] == b"\xf3\xc3":
            return True
        if code[0] in (0xEB, 0xE9):
            size = 1 if code[0] == 0xEB else 4
            goal = address + 1 + size + int.from_bytes(code[1:1 + size], "little", signed=True) - base
            return released and not entry[0] <= goal < entry[1]
        return released and code[0] == 0xFF and code[1] == 0x25


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = gdb.Value(sp), gdb.Value(pc)


def _rank(sp):
    """Stack addresses as gdb is to compare them: stacks in images, then kernel stacks, then user stacks."""
    if sp >= 0xFFFFF80000000000:
        return sp - 0x0000700000000000
    return sp if sp >= target.KERNEL_START else sp | 0xFFFFF00000000000


class PeUnwinder(Unwinder):
    def __init__(self):
        super().__init__("etude-pe")

    def __call__(self, pending):
        try:
            return self.unwind(pending)
        except (Unreadable, gdb.error):
            return None

    @staticmethod
    def unwind(pending):
        before = {name: int(pending.read_register(name)) & MASK for name in REGISTERS}
        pc = int(pending.read_register("rip")) & MASK
        if pc == 0 or image_base(pc) is None:
            return None
        frame = Frame(dict(before), pc)
        frame.undo()
        if frame.pc == pc and frame.sp == before["rsp"]:
            return None
        unwound = pending.create_unwind_info(FrameId(_rank(frame.sp - (8 if frame.machine_frame is None else 0)), frame.function))
        values = dict(frame.registers, rip=frame.pc)
        for name, value in values.items():
            kind = pending.read_register(name).type
            unwound.add_saved_register(name, gdb.Value(struct.pack("<Q", value & MASK), kind))
        if frame.machine_frame is not None:
            kind = pending.read_register("eflags").type
            unwound.add_saved_register("eflags", gdb.Value(struct.pack("<I", frame.eflags & 0xFFFFFFFF), kind))
        return unwound


class Named(FrameDecorator):
    """A frame without symbols is called after its image: ntdll+0xac4a."""

    def function(self):
        if self.inferior_frame().name() is not None:
            return self.inferior_frame().name()
        pc = self.inferior_frame().pc()
        try:
            base = image_base(pc)
            module, found = modules.module_of(pc), images.file_of(images.header(base)) if base else None
        except Unreadable:
            return "??"
        name = module.short if module else found.path.stem if found else None
        return f"{name}+{pc - base:#x}" if name else "??"


class Frames:
    """The frame filter: the caller of a thread's first function has the address 0 and is no frame."""

    name, priority, enabled = "etude", 100, True

    def filter(self, frames):
        return (Named(frame) for frame in frames if frame.inferior_frame().pc() != 0)


gdb.unwinder.register_unwinder(None, PeUnwinder(), replace=True)
gdb.frame_filters["etude"] = Frames()
