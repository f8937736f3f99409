"""Objects as the object manager knows them: headers, names, directories, types; and $object(), $handle()."""
import gdb

from . import target
from .target import Unreadable, counted, integer, safe, struct_at

KIND_FLAGS = {0x02: "kernel only", 0x08: "exclusive", 0x10: "permanent", 0x20: "default security", 0x40: "single process"}
EXPLAINED = {"Device": "!devobj", "Driver": "!drvobj", "File": "!fileobj", "Process": "!process", "Thread": "!thread"}
C_TYPES = {"Device": "DEVICE_OBJECT", "Driver": "DRIVER_OBJECT", "File": "FILE_OBJECT", "Directory": "OBJECT_DIRECTORY",
           "SymbolicLink": "OBJECT_SYMBOLIC_LINK", "Process": "EPROCESS", "Thread": "ETHREAD", "Event": "KEVENT",
           "Mutant": "KMUTANT", "Semaphore": "KSEMAPHORE", "Timer": "KTIMER", "Type": "OBJECT_TYPE"}


def root():
    return target.pointer("ObpRootDirectory")


def header_of(body):
    return struct_at("OBJECT_HEADER", body - target.offset_of("OBJECT_HEADER", "Body"))


def checked_header(body):
    """The header of an object; Unreadable if there is none, which the type's own header tells."""
    header = header_of(body)
    kind = integer(header["Type"])
    if kind < target.KERNEL_START or safe(lambda: integer(header_of(kind)["Type"]), default=0) != target.pointer("ObpTypeObjectType"):
        raise Unreadable(f"{body:#x} is not an object: its header names no type")
    return header


def type_name(header):
    return safe(lambda: counted(struct_at("OBJECT_TYPE", integer(header["Type"]))["Name"]))


def name_info(header):
    offset = int(header["NameInfoOffset"])
    return struct_at("OBJECT_HEADER_NAME_INFO", header.address - offset) if offset else None


def directory_of(body):
    """The directory that holds the object's name, or 0."""
    info = name_info(header_of(body))
    return integer(info["Directory"]) if info is not None else 0


def own_name(header):
    info = safe(name_info, header, default=None)
    return counted(info["Name"]) if info is not None else ""


def body_of(header):
    return header.at("Body")


def full_path(body, depth=32):
    """The path of a named object, `` for one without a name."""
    top, parts = root(), []
    while depth and body != top:
        info = name_info(header_of(body))
        if info is None or not integer(info["Directory"]):
            return "" if not parts else "...\\" + "\\".join(parts)
        parts.insert(0, counted(info["Name"]))
        body, depth = integer(info["Directory"]), depth - 1
    return "\\" + "\\".join(parts)


def file_name(body):
    """A file's own part of its name, and its device's."""
    value = struct_at("FILE_OBJECT", body)
    device = safe(lambda: own_name(checked_header(integer(value["DeviceObject"]))))
    return f"{counted(value['FileName'])} {{{device}}}".strip()


def describe(body):
    """What to call an object in a line: its path or file name, or nothing."""
    if type_name(header_of(body)) == "File":
        return safe(file_name, body)
    return safe(full_path, body)


def explain(body):
    """The command that shows more of an object than !object does."""
    return EXPLAINED.get(safe(lambda: type_name(checked_header(body)), default=""), "!object")


def directory_entries(directory):
    """(bucket, object) for each name in a directory."""
    value = struct_at("OBJECT_DIRECTORY", directory)
    buckets = integer(value["HashBuckets"])
    for bucket in range(min(int(value["BucketCount"]), 1 << 18)):
        entry, seen = target.read_integer(buckets + 8 * bucket), set()
        while entry:
            if entry in seen:
                raise Unreadable(f"the chain of bucket {bucket} of the directory {directory:#x} runs in a circle")
            seen.add(entry)
            current = struct_at("OBJECT_DIRECTORY_ENTRY", entry)
            yield bucket, integer(current["Object"])
            entry = integer(current["ChainLink"])


def find(path):
    """The object at a path, compared without case; symbolic links on the way are followed. \\?? at its beginning is \\GLOBAL??."""
    place, parts, links = root(), [part for part in path.split("\\") if part], 0
    while parts:
        if parts[0] == "??" and place == root():
            parts[0] = "GLOBAL??"
        part, parts = parts[0], parts[1:]
        header = header_of(place)
        if type_name(header) != "Directory":
            raise Unreadable(f"{full_path(place)} is no directory but a {type_name(header)}")
        place = next((body for _, body in directory_entries(place)
                      if own_name(header_of(body)).lower() == part.lower()), None)
        if place is None:
            raise Unreadable(f"there is no object {path} ({part} is not found)")
        if parts and type_name(header_of(place)) == "SymbolicLink" and links < 32:
            goal = counted(struct_at("OBJECT_SYMBOLIC_LINK", place)["LinkTarget"])
            place, parts, links = root(), goal.split("\\")[1:] + parts, links + 1
    return place


def parse(text, prefix=""):
    """An object named by address, expression, path, or, with a prefix, by its last part alone."""
    from .command import number
    if text.startswith("\\"):
        return find(text)
    if prefix:
        try:
            return find(prefix + text)
        except Unreadable as error:
            missing = error
        try:
            return number(text)
        except Unreadable:
            raise missing from None                     # a name, it seems, not an expression
    return number(text)


def named_objects(directory, depth=8, seen=None):
    """Every object that has a name, directory by directory."""
    seen = seen if seen is not None else set()
    for _, body in directory_entries(directory):
        if body in seen:
            continue
        seen.add(body)
        yield body
        if depth and safe(lambda: type_name(header_of(body)), default="") == "Directory":
            yield from named_objects(body, depth - 1, seen)


def objects_of_type(name):
    """All objects of a type, from the type's list; of a type that keeps none, those that have a name."""
    kind = find(f"\\ObjectTypes\\{name}")
    if not int(struct_at("OBJECT_TYPE", kind)["TypeInfo"]["MaintainTypeList"]):
        yield from (body for body in named_objects(root()) if safe(lambda: integer(header_of(body)["Type"]), default=0) == kind)
        return
    head = kind + target.offset_of("OBJECT_TYPE", "TypeList")
    size = target.c_type("OBJECT_HEADER_CREATOR_INFO").sizeof
    for creator in target.walk_list(head, "OBJECT_HEADER_CREATOR_INFO", "TypeList", 100000):
        yield creator + size + target.offset_of("OBJECT_HEADER", "Body")


def typed(body):
    name = C_TYPES.get(type_name(checked_header(body)))
    kind = target.c_type(name) if name else gdb.lookup_type("void")
    return gdb.Value(body).cast(kind.pointer())


class ObjectFunction(gdb.Function):
    """$object("\\\\Device\\\\X"): the address of the object at a path, typed by its object type."""

    def __init__(self):
        super().__init__("object")

    def invoke(self, path):
        try:
            return typed(find(path.string()))
        except Unreadable as error:
            raise gdb.GdbError(str(error)) from None


class HandleFunction(gdb.Function):
    """$handle(H): the address of the object behind a handle of the current process or of the kernel, typed by its object type."""

    def __init__(self):
        super().__init__("handle")

    def invoke(self, handle):
        from . import handles
        try:
            return typed(handles.object_behind(int(handle) & target.MASK))
        except Unreadable as error:
            raise gdb.GdbError(str(error)) from None


ObjectFunction()
HandleFunction()
