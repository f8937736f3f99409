#!/usr/bin/env python3
"""Checks that every import of Etude's programs and DLLs is exported by Etude's DLLs, before anything runs.

usage: check_imports.py BUILD     reads BUILD/*.dll, BUILD/*.exe and BUILD/tests/programs/*.exe; names each missing
routine and exits with 1 if there is one.
"""
import struct
import sys
from pathlib import Path


class Image:
    """The import and export tables of a PE32+ file."""

    def __init__(self, path):
        self.data = Path(path).read_bytes()
        pe = struct.unpack_from("<I", self.data, 0x3C)[0]
        count, optional = struct.unpack_from("<H12xH", self.data, pe + 6)
        self.directories = pe + 24 + 112
        self.sections = []
        for index in range(count):
            size, rva, raw_size, raw = struct.unpack_from("<4I", self.data, pe + 24 + optional + 40 * index + 8)
            self.sections.append((rva, max(size, raw_size), raw))

    def offset(self, rva):
        for start, size, raw in self.sections:
            if start <= rva < start + size:
                return raw + rva - start
        raise ValueError(f"RVA {rva:#x} lies in no section")

    def text(self, rva):
        start = self.offset(rva)
        return self.data[start:self.data.index(b"\0", start)].decode("ascii")

    def directory(self, index):
        return struct.unpack_from("<2I", self.data, self.directories + 8 * index)

    def exports(self):
        """Name -> forwarder or None."""
        rva, size = self.directory(0)
        if not rva:
            return {}
        table = self.offset(rva)
        count, functions, names, ordinals = struct.unpack_from("<4I", self.data, table + 24)
        result = {}
        for index in range(count):
            name = struct.unpack_from("<I", self.data, self.offset(names) + 4 * index)[0]
            ordinal = struct.unpack_from("<H", self.data, self.offset(ordinals) + 2 * index)[0]
            target = struct.unpack_from("<I", self.data, self.offset(functions) + 4 * ordinal)[0]
            result[self.text(name)] = self.text(target) if rva <= target < rva + size else None
        return result

    def imports(self):
        """(DLL, name) for each import by name."""
        rva, _ = self.directory(1)
        while rva:
            names, _, _, dll, table = struct.unpack_from("<5I", self.data, self.offset(rva))
            if not dll:
                return
            thunk = self.offset(names or table)
            while (value := struct.unpack_from("<Q", self.data, thunk)[0]):
                if not value >> 63:
                    yield self.text(dll).lower(), self.text(value + 2)
                thunk += 8
            rva += 20


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    exports = {path.name.lower(): Image(path).exports() for path in build.glob("*.dll")}
    missing, checked = [], 0
    for dll, names in exports.items():
        for name, forwarder in names.items():
            if forwarder:
                other, target = forwarder.rsplit(".", 1)
                if target not in exports.get(other.lower() + ".dll", {}):
                    missing.append(f"{dll}: {name} is forwarded to {forwarder}, which is not there")
    files = sorted([*build.glob("*.dll"), *build.glob("*.exe"), *build.glob("tests/programs/*.exe")])
    for path in files:
        if path.name == "ntoskrnl.exe":
            continue
        for dll, name in Image(path).imports():
            checked += 1
            if name not in exports.get(dll, {}):
                missing.append(f"{path.name}: {dll} has no {name}")
    print("\n".join(missing + [f"{len(files)} files, {checked} imports, {len(missing)} missing"]))
    sys.exit(1 if missing or not checked else 0)


main()
