"""Reads as much of a PE file as the tests want: what it imports and what it exports."""
import struct
from pathlib import Path


class Image:
    def __init__(self, path):
        self.data = Path(path).read_bytes()
        header = struct.unpack_from("<I", self.data, 0x3C)[0]
        count, optional = struct.unpack_from("<H12xH", self.data, header + 6)
        self.directories = header + 24 + 112
        self.sections = [struct.unpack_from("<4I", self.data, header + 24 + optional + 40 * index + 8)
                         for index in range(count)]

    def offset(self, rva):
        for size, base, raw_size, raw in self.sections:
            if base <= rva < base + max(size, raw_size):
                return raw + rva - base
        raise ValueError(f"no section holds {rva:#x}")

    def text(self, rva):
        start = self.offset(rva)
        return self.data[start:self.data.index(b"\0", start)].decode()

    def directory(self, index):
        return struct.unpack_from("<2I", self.data, self.directories + 8 * index)

    def exports(self):
        rva, size = self.directory(0)
        if not size:
            return set()
        count, _, names = struct.unpack_from("<3I", self.data, self.offset(rva) + 24)
        return {self.text(struct.unpack_from("<I", self.data, self.offset(names) + 4 * index)[0])
                for index in range(count)}

    def imports(self):
        """Yields (module, name)."""
        rva, size = self.directory(1)
        descriptor = self.offset(rva) if size else None
        while descriptor is not None:
            lookup, _, _, module, first = struct.unpack_from("<5I", self.data, descriptor)
            if not module:
                return
            thunk = self.offset(lookup or first)
            while entry := struct.unpack_from("<Q", self.data, thunk)[0]:
                yield self.text(module).lower(), self.text((entry & 0x7FFFFFFF) + 2)
                thunk += 8
            descriptor += 20
