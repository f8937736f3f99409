"""Which images are loaded, names for addresses, and gdb's symbols for each driver.

The kernel's own symbols come from build/ntoskrnl.exe, gdb's main file. A driver's file is build/drivers/NAME.sys (or
build/tests/drivers/NAME.sys): it is given to gdb at the driver's base when the driver is loaded, by breakpoints in the kernel
that never stop, and by !reload. A breakpoint set by name before its driver is loaded becomes real then.
"""
import os
import struct
from pathlib import Path

import gdb

from . import images, target
from .command import Command
from .target import Unreadable

FOLDERS = ("drivers", "tests/drivers", "", "tests/programs")


class Module:
    def __init__(self, base, size, name):
        self.base, self.size, self.name = base, size, name
        self.short = "nt" if name.lower() == "ntoskrnl.exe" else name.rsplit(".", 1)[0]

    def holds(self, address):
        return self.base <= address < self.base + self.size


_cache, _user_cache = None, {}     # the latter by process
_loaded = {}                        # base -> file given to gdb


def forget():
    """Called whenever the target has run: what was read of it may be stale."""
    global _cache
    _cache = None
    _user_cache.clear()
    images.names.clear()


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


def module_of(address, process=None):
    """The kernel module, or the image of a program (the current one, if no process is given), that holds the address, or None."""
    found = modules() if address >= target.KERNEL_START else user_modules(process)
    return next((module for module in found if module.holds(address)), None)


def user_modules(process=None):
    process = process or target.safe(target.current_process, default=0)
    if process not in _user_cache:
        found = target.safe(lambda: [Module(*image) for image in user_images(process)], default=[])
        _user_cache[process] = found
        images.names.update({module.base: module.name for module in found})
    return _user_cache[process]


def symbol(address, process=None):
    """module!Function+0x12 for an address of code or data, else the address."""
    module = module_of(address, process)
    try:
        text = gdb.execute(f"info symbol {address:#x}", to_string=True).split(" in section ")[0].strip()
    except gdb.error:
        text = "No symbol"
    if text.startswith("No symbol") or module is None and address < target.KERNEL_START:
        return f"{module.short}+{address - module.base:#x}" if module else f"{address:#x}"
    name, _, offset = text.partition(" + ")
    name = name.split(".sys!")[-1]
    return f"{module.short + '!' if module else ''}{name}" + (f"+{int(offset):#x}" if offset else "")


def source_line(address, returns=True):
    """File and line of code; of a return address, the call's. What was inlined counts as where it was inlined into."""
    address -= bool(returns)
    block = target.safe(gdb.block_for_pc, address, default=None)
    while block is not None and (block.function is None or block.function.type is None or block.superblock.function is not None):
        block = block.superblock
    home = block.function.symtab.filename if block is not None and block.function is not None else None
    line = gdb.find_pc_line(address)
    for _ in range(16):
        if not line.symtab or not line.line or line.pc is None or home is None or line.symtab.filename == home:
            break
        line = gdb.find_pc_line(line.pc - 1)
    return f"{Path(line.symtab.filename).name}:{line.line}" if line.symtab and line.line else ""


def driver_file(name):
    return next((path for folder in FOLDERS if (path := images.build_folder() / folder / name.lower()).is_file()), None)


def load_symbols(base, name):
    """Gives gdb the file of the image at base. Returns what there is to say about it, or None."""
    path = driver_file(name)
    if path is None:
        return f"{name}: no file of that name in build/: no symbols"
    if _loaded.get(base) == path:
        return None
    try:
        image = images.File(path)
        if images.identity(image.header) != images.identity(images.header(base)):
            return f"{name}: the file {path} is another build than the image that runs: no symbols"
        unload_symbols(base)
        gdb.execute(f'add-symbol-file "{path}" -o {(base - image.base) & target.MASK:#x}', to_string=True)
    except (gdb.error, Unreadable, struct.error) as error:
        return f"{name}: {error}"
    _loaded[base] = path
    return None


def unload_symbols(base):
    if _loaded.pop(base, None) is not None:
        gdb.execute(f"remove-symbol-file -a {base + 0x1000:#x}", to_string=True)


def reload():
    """Makes gdb's symbols agree with the list of loaded modules; returns lines of complaint."""
    forget()
    present = {module.base: module for module in modules() if module.short != "nt"}
    for base in [base for base in _loaded if base not in present]:          # a program's too: another may be there now
        unload_symbols(base)
    return [line for base, module in present.items() if (line := load_symbols(base, module.name))]


def user_images(process=None):
    """(base, size, name) of the images of a program, from its loader's list (PEB.Ldr, as published)."""
    process = process or target.current_process()
    root = int(target.struct_at("KPROCESS", process)["DirectoryTableBase"]) if process != target.current_process() else None
    peb = target.integer(target.struct_at("EPROCESS", process)["Peb"])
    loader = target.read_integer(peb + 0x18, 8, root) if peb else 0
    if loader == 0:
        raise Unreadable("the process runs no program, or its loader has not begun")
    head = loader + 0x10
    entry, seen = target.read_integer(head, 8, root), set()
    while entry != head and entry not in seen and len(seen) < 200:
        seen.add(entry)
        base = target.read_integer(entry + 0x30, 8, root)
        length, _, _, buffer = target.unpack("<HHIQ", entry + 0x58, root)
        yield base, target.read_integer(entry + 0x40, 4, root), target.characters(buffer, length, root)
        entry = target.read_integer(entry, 8, root)


class Reload(Command):
    """Loads the symbols of every driver in PsLoadedModuleList; with /user also those of the current program and its DLLs.

    Drivers' are loaded by themselves when the driver is, while gdb is attached."""

    name, usage = "reload", "!reload [/user]"

    def run(self, arguments):
        complaints = reload()
        if arguments == ["/user"]:
            for base, _, name in user_images():
                complaints.append(load_symbols(base, name) or f"{base:016x}   {name}")
        elif arguments:
            self.wrong()
        for line in complaints:
            print(line)
        for module in modules():
            path = kernel_file() if module.short == "nt" else _loaded.get(module.base)
            path = os.path.relpath(path) if path else None
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
        except KeyboardInterrupt:
            return True
        return False


_watching = []


def watch_loading():
    """Sets the two breakpoints when the kernel's symbols are known; True the first time."""
    if _watching or not kernel_file():
        return False
    for function, comes in (("MiInsertModule", True), ("MiRetireModule", False)):
        _watching.append(_ListChanged(function, comes))
    return True


gdb.events.cont.connect(lambda event: forget())
gdb.events.stop.connect(lambda event: forget())
