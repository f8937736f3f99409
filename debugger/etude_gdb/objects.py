"""!object and $object(): the object manager's headers, names and directories."""
import gdb

from . import target, traces
from .command import Command, number
from .target import Unreadable, counted, integer, struct_at

KIND_FLAGS = {0x02: "kernel only", 0x08: "exclusive", 0x10: "permanent"}


def header_of(body):
    return struct_at("OBJECT_HEADER", body - target.offset_of("OBJECT_HEADER", "Body"))


def checked_header(body):
    """The header of an object; Unreadable if there is none, which the type's own header tells."""
    header = header_of(body)
    kind = integer(header["Type"])
    if kind < target.KERNEL_START or integer(header_of(kind)["Type"]) != integer(target.variable("ObpTypeObjectType")):
        raise Unreadable(f"{body:#x} is not an object: its header names no type")
    return header


def type_name(header):
    try:
        return counted(struct_at("OBJECT_TYPE", integer(header["Type"]))["Name"])
    except Unreadable:
        return "<unreadable>"


def name_info(header):
    offset = int(header["NameInfoOffset"])
    return struct_at("OBJECT_HEADER_NAME_INFO", target.address_of(header) - offset) if offset else None


def own_name(header):
    info = name_info(header)
    return counted(info["Name"]) if info is not None else ""


def body_of(header):
    return target.address_of(header) + target.offset_of("OBJECT_HEADER", "Body")


def full_path(body, depth=32):
    """The path of a named object, `` for one without a name."""
    root = integer(target.variable("ObpRootDirectory"))
    parts = []
    while depth and body != root:
        info = name_info(header_of(body))
        if info is None or not integer(info["Directory"]):
            return "" if not parts else "...\\" + "\\".join(parts)
        parts.insert(0, counted(info["Name"]))
        body, depth = integer(info["Directory"]), depth - 1
    return "\\" + "\\".join(parts)


def describe(body):
    """What to call an object in a line: its path or file name, or nothing."""
    header = header_of(body)
    if type_name(header) == "File":
        return counted(struct_at("FILE_OBJECT", body)["FileName"])
    return full_path(body)


def directory_entries(directory):
    """(bucket, object) for each name in a directory."""
    value = struct_at("OBJECT_DIRECTORY", directory)
    buckets = integer(value["HashBuckets"])
    for bucket in range(min(int(value["BucketCount"]), 65536)):
        entry, seen = target.read_integer(buckets + 8 * bucket), set()
        while entry and entry not in seen:
            seen.add(entry)
            current = struct_at("OBJECT_DIRECTORY_ENTRY", entry)
            yield bucket, integer(current["Object"])
            entry = integer(current["ChainLink"])


def find(path):
    """The object at a path, compared without case; symbolic links on the way are followed."""
    place, parts, links = integer(target.variable("ObpRootDirectory")), [part for part in path.split("\\") if part], 0
    while parts:
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
            place, parts, links = integer(target.variable("ObpRootDirectory")), goal.split("\\")[1:] + parts, links + 1
    return place


def parse(text, prefix=""):
    """An object named by address, expression, path, or, with a prefix, by its last part alone."""
    if text.startswith("\\"):
        return find(text)
    if prefix:
        try:
            return find(prefix + text)
        except Unreadable:
            pass
    return number(text)


def named_objects(directory, depth=8):
    """Every object that has a name, directory by directory."""
    for _, body in directory_entries(directory):
        yield body
        if depth and type_name(header_of(body)) == "Directory":
            yield from named_objects(body, depth - 1)


def objects_of_type(name):
    """All objects of a type, from the type's list; of a type that keeps none, those that have a name."""
    kind = find(f"\\ObjectTypes\\{name}")
    if not int(struct_at("OBJECT_TYPE", kind)["TypeInfo"]["MaintainTypeList"]):
        root = integer(target.variable("ObpRootDirectory"))
        yield from (body for body in named_objects(root) if integer(header_of(body)["Type"]) == kind)
        return
    head = kind + target.offset_of("OBJECT_TYPE", "TypeList")
    size = target.c_type("OBJECT_HEADER_CREATOR_INFO").sizeof
    for creator in target.walk_list(head, "OBJECT_HEADER_CREATOR_INFO", "TypeList"):
        yield creator + size + target.offset_of("OBJECT_HEADER", "Body")


def print_object(body, flags=0x9):
    header = checked_header(body)
    kind = integer(header["Type"])
    print(f"Object: {body:016x}  Type: ({kind:016x}) {type_name(header)}")
    if not flags & 1:
        return
    marks = [text for bit, text in KIND_FLAGS.items() if int(header["Flags"]) & bit]
    print(f"    ObjectHeader: {target.address_of(header):016x}" + (f" ({', '.join(marks)})" if marks else ""))
    print(f"    HandleCount: {int(header['HandleCount'])}  PointerCount: {int(header['PointerCount'])}")
    print_balance(body, int(header["PointerCount"]))
    info = name_info(header)
    if info is not None:
        print(f"    Directory Object: {integer(info['Directory']):016x}  Name: {counted(info['Name'])}")
    elif type_name(header) == "File":
        print(f"    Name: {counted(struct_at('FILE_OBJECT', body)['FileName'])}   (!fileobj {body:x})")
    if flags & 0x20:
        print(f"    Path: {full_path(body)}")
    if flags & 0x10:
        print_optional_headers(header)
    if flags & 8:
        print_contents(body, type_name(header))


def print_balance(body, count):
    sums = traces.balance(body)
    if sums:
        parts = ", ".join(f"{tag} {number:+d}" for tag, number in sums.items() if number)
        total = sum(sums.values())
        print(f"    References: {parts} = {total}" + ("" if total == count else f", but PointerCount is {count}"))


def print_optional_headers(header):
    print("    Optional Headers:")
    for name, field in (("NameInfo", "NameInfoOffset"), ("HandleInfo", "HandleInfoOffset"), ("QuotaInfo", "QuotaInfoOffset")):
        if int(header[field]):
            print(f"        {name}({target.address_of(header) - int(header[field]):016x})")
    if int(header["Flags"]) & 4:
        print(f"        CreatorInfo({target.address_of(header) - target.c_type('OBJECT_HEADER_CREATOR_INFO').sizeof:016x})")


def print_contents(body, kind):
    if kind == "SymbolicLink":
        print(f"    Target String is '{counted(struct_at('OBJECT_SYMBOLIC_LINK', body)['LinkTarget'])}'")
    if kind != "Directory":
        return
    print("\n    Hash Address          Type          Name\n    ---- -------          ----          ----")
    last = None
    for bucket, entry in directory_entries(body):
        header = header_of(entry)
        mark = f"{bucket:02d}" if bucket != last else "  "
        print(f"     {mark}  {entry:016x} {type_name(header):<13} {own_name(header)}")
        last = bucket


class Object(Command):
    """Shows an object: header, true counts, name, contents of a directory, target of a link.

    FLAGS: 1 counts and name, 8 contents, 0x10 optional headers, 0x20 full path; 9 if not given.
    `!object 0 TYPE` lists all objects of a type, `!object \\Path` finds one by name."""

    name, usage = "object", "!object ADDRESS|\\PATH|0 TYPE [FLAGS]"

    def run(self, arguments):
        if not arguments:
            raise Unreadable(f"usage: {self.usage}")
        if arguments[0] in ("0", "0x0") and len(arguments) > 1:
            for body in objects_of_type(arguments[1]):
                print_object(body, 1)
            return
        print_object(parse(arguments[0]), number(arguments[1]) if len(arguments) > 1 else 0x9)


Object()


class ObjectFunction(gdb.Function):
    """$object("\\\\Device\\\\X"): the address of the object at a path, typed by its object type."""

    TYPES = {"Device": "DEVICE_OBJECT", "Driver": "DRIVER_OBJECT", "File": "FILE_OBJECT", "Directory": "OBJECT_DIRECTORY",
             "SymbolicLink": "OBJECT_SYMBOLIC_LINK", "Process": "EPROCESS", "Thread": "ETHREAD", "Event": "KEVENT",
             "Mutant": "KMUTANT", "Semaphore": "KSEMAPHORE", "Timer": "KTIMER", "Type": "OBJECT_TYPE"}

    def __init__(self):
        super().__init__("object")

    def invoke(self, path):
        try:
            body = find(path.string())
            name = self.TYPES.get(type_name(header_of(body)))
            kind = target.c_type(name) if name else gdb.lookup_type("void")
            return gdb.Value(body).cast(kind.pointer())
        except Unreadable as error:
            raise gdb.GdbError(str(error)) from None


ObjectFunction()
