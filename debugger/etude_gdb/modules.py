"""Which images are loaded, names for addresses, and gdb's symbols for each driver.

The kernel's own symbols come from build/ntoskrnl.exe, gdb's main file. A driver's file is build/drivers/NAME.sys (or
build/tests/drivers/NAME.sys): it is given to gdb at the driver's base when the driver is loaded, by breakpoints in the kernel
that never stop, and by !reload. A breakpoint set by name before its driver is loaded becomes real then.
"""
import os
import struct
from pathlib import Path

import gdb

from . import target
from .command import Command
from .target import Unreadable

FOLDERS = ("drivers", "tests/drivers", "")


class Module:
    def __init__(self, base, size, name):
        self.base, self.size, self.name = base, size, name
        self.short = "nt" if name.lower() == "ntoskrnl.exe" else name.rsplit(".", 1)[0]

    def holds(self, address):
        return self.base <= address < self.base + self.size


_cache = None
_loaded = {}                        # base -> file given to gdb


def forget():
    """Called whenever the target has run: what was read of it may be stale."""
    global _cache
    _cache = None


def kernel_file():
    name = gdb.current_progspace().filename
    return Path(name) if name else None


def kernel_base():
    """Where the kernel is linked, which is where it is loaded."""
    with open(kernel_file(), "rb") as image:
        data = image.read(0x400)
    header = struct.unpack_from("<I", data, 0x3C)[0]
    base, = struct.unpack_from("<Q", data, header + 24 + 24)
    size, = struct.unpack_from("<I", data, header + 24 + 56)
    return base, size


def _read_list():
    found = []
    head = target.address_of(target.variable("PsLoadedModuleList"))
    if target.read_integer(head) != 0:
        for entry in target.walk_list(head, "KLDR_DATA_TABLE_ENTRY", "InLoadOrderLinks", 500):
            entry = target.struct_at("KLDR_DATA_TABLE_ENTRY", entry)
            found.append(Module(target.integer(entry["DllBase"]), int(entry["SizeOfImage"]), target.counted(entry["BaseDllName"])))
    return found


def modules():
    """The loaded modules, the kernel first; before there is a list, the kernel alone."""
    global _cache
    if _cache is None:
        try:
            found = _read_list()
        except Unreadable:
            found = []
        if not found and kernel_file():
            found = [Module(*kernel_base(), "ntoskrnl.exe")]
        _cache = found
    return _cache


def module_of(address):
    return next((module for module in modules() if module.holds(address)), None)


def symbol(address):
    """module!Function+0x12 for an address of code or data, else the address."""
    module = module_of(address)
    try:
        text = gdb.execute(f"info symbol {address:#x}", to_string=True).split(" in section ")[0].strip()
    except gdb.error:
        text = "No symbol"
    if text.startswith("No symbol"):
        return f"{module.short}+{address - module.base:#x}" if module else f"{address:#x}"
    name, _, offset = text.partition(" + ")
    name = name.split(".sys!")[-1]
    return f"{module.short + '!' if module else ''}{name}" + (f"+{int(offset):#x}" if offset else "")


def source_line(address):
    line = gdb.find_pc_line(address)
    return f"{Path(line.symtab.filename).name}:{line.line}" if line.symtab and line.line else ""


def driver_file(name):
    build = Path(os.environ.get("BUILD") or (kernel_file().parent if kernel_file() else "build"))
    return next((path for folder in FOLDERS if (path := build / folder / name).is_file()), None)


def _entry_points(path, base):
    data = path.read_bytes()[:0x400]
    header = struct.unpack_from("<I", data, 0x3C)[0]
    return data[header + 40:header + 44], target.read(base + target.read_integer(base + 0x3C, 4) + 40, 4)


def load_symbols(base, name):
    """Gives gdb the file of the module at base. Returns what there is to say about it, or None."""
    path = driver_file(name)
    if path is None:
        return f"{name}: no file of that name in build/drivers: no symbols"
    if _loaded.get(base) == path:
        return None
    try:
        ours, theirs = _entry_points(path, base)
        if ours != theirs:
            return f"{name}: the file {path} is another build than the driver that runs: no symbols"
        linked = _image_base(path)
        unload_symbols(base)
        gdb.execute(f'add-symbol-file "{path}" -o {(base - linked) & target.MASK:#x}', to_string=True)
    except (gdb.error, Unreadable, struct.error) as error:
        return f"{name}: {error}"
    _loaded[base] = path
    return None


def _image_base(path):
    data = path.read_bytes()[:0x400]
    return struct.unpack_from("<Q", data, struct.unpack_from("<I", data, 0x3C)[0] + 24 + 24)[0]


def unload_symbols(base):
    if _loaded.pop(base, None) is not None:
        gdb.execute(f"remove-symbol-file -a {base + 0x1000:#x}", to_string=True)


def reload():
    """Makes gdb's symbols agree with the list of loaded modules; returns lines of complaint."""
    forget()
    present = {module.base: module for module in modules() if module.short != "nt"}
    for base in [base for base in _loaded if base not in present]:
        unload_symbols(base)
    return [line for base, module in present.items() if (line := load_symbols(base, module.name))]


class Reload(Command):
    """Loads the symbols of every driver in PsLoadedModuleList.

    It happens by itself when a driver is loaded while gdb is attached."""

    name, usage = "reload", "!reload"

    def run(self, arguments):
        for line in reload():
            print(line)
        for module in modules():
            path = kernel_file() if module.short == "nt" else _loaded.get(module.base)
            print(f"{module.base:016x} {module.base + module.size:016x}   {module.name:<20} {path or '(no symbols)'}")


Reload()


class _ListChanged(gdb.Breakpoint):
    """Never stops: follows drivers as they come (the kernel has just linked the entry in rcx) and go."""

    def __init__(self, function, comes):
        self.comes = comes
        super().__init__(f"*{function}", internal=True)

    def stop(self):
        forget()
        try:
            entry = target.struct_at("KLDR_DATA_TABLE_ENTRY", int(gdb.parse_and_eval("$rcx")))
            base = target.integer(entry["DllBase"])
            if not self.comes:
                unload_symbols(base)
            elif (name := target.counted(entry["BaseDllName"])).lower() != "ntoskrnl.exe":
                load_symbols(base, name)
        except (Unreadable, gdb.error):
            pass
        return False


_watching = []


def watch_loading():
    """Sets the two breakpoints, once, when the kernel's symbols are known."""
    if _watching or not kernel_file():
        return
    for function, comes in (("MiInsertModule", True), ("MiRetireModule", False)):
        if gdb.lookup_static_symbol(function) or gdb.lookup_global_symbol(function):
            _watching.append(_ListChanged(function, comes))


gdb.events.cont.connect(lambda event: forget())
gdb.events.stop.connect(lambda event: forget())
