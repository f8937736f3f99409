"""!object: an object's header, true counts and what they are made of, name, contents."""
from . import objects, processes, target, traces
from .command import Command, number, show
from .objects import type_name
from .target import Unreadable, counted, integer, safe, struct_at

BASIC, CONTENTS, HEADERS, PATH = 1, 8, 0x10, 0x20
CREATE_INFO, CREATOR_INFO = 1, 4
HEADER_TYPES = (("NameInfo", "NameInfoOffset", "OBJECT_HEADER_NAME_INFO"), ("HandleInfo", "HandleInfoOffset", "OBJECT_HEADER_HANDLE_INFO"),
                ("QuotaInfo", "QuotaInfoOffset", "OBJECT_HEADER_QUOTA_INFO"))


def print_object(body, flags=BASIC | CONTENTS):
    header = objects.checked_header(body)
    kind, name = integer(header["Type"]), type_name(header)
    show(f"Object: {body:016x}  Type: ({kind:016x}) {name}", objects.explain(body), f"!object \\ObjectTypes\\{name}")
    if flags & BASIC:
        print_basic(body, header, name)
    if flags & BASIC and flags & PATH:
        print(f"    Path: {safe(objects.full_path, body) or '(no name)'}")
    if flags & HEADERS:
        print_optional_headers(header)
    if flags & BASIC and flags & CONTENTS:
        print_contents(body, name)


def print_basic(body, header, name):
    marks = [text for bit, text in objects.KIND_FLAGS.items() if int(header["Flags"]) & bit]
    show(f"    ObjectHeader: {header.address:016x} (new version){' ' * bool(marks)}{', '.join(marks)}", "dt _OBJECT_HEADER")
    print(f"    HandleCount: {int(header['HandleCount'])}  PointerCount: {int(header['PointerCount'])}")
    print_balance(body, header)
    print_name(body, header, name)


def print_balance(body, header):
    """Handles and the kernel's references by tag; together they are PointerCount, or the trace has missed something."""
    handles, count = int(header["HandleCount"]), int(header["PointerCount"])
    parts = traces.balance(body, header)
    total = handles + sum(parts.values())
    text = " + ".join([f"{handles} by handles"] + [f"{number} {tag}" for tag, number in parts.items() if number])
    show(f"    References: {text} = {total}" + ("" if total == count else f", but PointerCount is {count}"), "!obtrace")


def print_name(body, header, name):
    info = safe(objects.name_info, header, default=None)
    if name == "File":
        print(f"    Directory Object: {0:016x}  Name: {safe(objects.file_name, body)}")
    elif info is not None and (integer(info["Directory"]) or counted(info["Name"])):
        show(f"    Directory Object: {integer(info['Directory']):016x}  Name: {counted(info['Name'])}",
             "!object" if integer(info["Directory"]) else "")
    elif body == objects.root():
        print(f"    Directory Object: {0:016x}  Name: \\")


def print_optional_headers(header):
    print("    Optional Headers: ")
    for name, field, kind in HEADER_TYPES:
        if int(header[field]):
            address = header.address - int(header[field])
            show(f"        {name}({address:016x})", f"dt _{kind}")
            DETAILS[name](struct_at(kind, address))
    if int(header["Flags"]) & CREATOR_INFO:
        address = header.address - target.c_type("OBJECT_HEADER_CREATOR_INFO").sizeof
        show(f"        CreatorInfo({address:016x})", "dt _OBJECT_HEADER_CREATOR_INFO")
        print(f"            made by process {integer(struct_at('OBJECT_HEADER_CREATOR_INFO', address)['CreatorUniqueProcess']):04x}")
    print_charge(header)


def print_handle_info(info):
    entries = [info["First"]] + [info["More"][index] for index in range(int(info["MoreCount"]))]
    for entry in entries:
        if integer(entry["Process"]):
            show(f"            {int(entry['HandleCount'])} by process {integer(entry['Process']):016x} "
                 f"{safe(processes.image_name, integer(entry['Process']))}", "!process")


def print_quota_info(info):
    owner = integer(info["ExclusiveProcess"])
    show(f"            PagedPoolCharge {int(info['PagedPoolCharge'])} NonPagedPoolCharge {int(info['NonPagedPoolCharge'])}"
         + (f" exclusive to {owner:016x} {safe(processes.image_name, owner)}" if owner else ""), "!process" if owner else "")


DETAILS = {"NameInfo": lambda info: None, "HandleInfo": print_handle_info, "QuotaInfo": print_quota_info}


def print_charge(header):
    """Whom the object is charged to; the union holds something else until the object has its first handle."""
    block = integer(header["QuotaBlockCharged"])
    if not block or int(header["Flags"]) & CREATE_INFO:
        print("        not charged to a process")
        return
    maker = integer(struct_at("EPROCESS_QUOTA_BLOCK", block)["ProcessId"])
    show(f"        QuotaBlockCharged: {block:016x}  {f'of process {maker:04x}' if maker else 'of the system'}", "dt _EPROCESS_QUOTA_BLOCK")


def print_contents(body, kind):
    if kind == "SymbolicLink":
        print(f"    Target String is '{counted(struct_at('OBJECT_SYMBOLIC_LINK', body)['LinkTarget'])}'")
    if kind != "Directory":
        return
    print("\n    Hash Address          Type          Name\n    ---- -------          ----          ----")
    last = None
    for bucket, entry in objects.directory_entries(body):
        header = safe(objects.checked_header, entry, default=None)
        mark = f"{bucket:02d}" if bucket != last else "  "
        kind, name = (type_name(header), objects.own_name(header)) if header else (target.UNREADABLE, target.UNREADABLE)
        show(f"     {mark}  {entry:016x} {kind:<13} {name}", "!object")
        last = bucket


class Object(Command):
    """Shows an object: its type, true counts and what they are made of, its name, what a directory holds, where a link leads.

    OBJECT is an address, an expression or a \\Path. FLAGS: 1 counts and name, 8 contents (needs 1), 0x10 optional headers, 0x20 the
    full path (needs 1); 9 if not given, 0 for the type alone. `!object 0 TYPE` lists all objects of a type, `!object -p` private
    namespaces (there are none in Etude).
    The line `References` is the balance: handles and the kernel's own references by tag (Dflt: untagged; Name: a directory's, for the
    name, or a walk's; what is older than the trace is called so). Their sum is PointerCount, which is never biased here."""

    name, usage = "object", "!object ADDRESS|\\PATH [FLAGS] | 0 TYPE | -p"

    def run(self, arguments):
        if not arguments or len(arguments) > 2:
            self.wrong()
        if arguments[0] == "-p":
            print("There are no private namespaces.")
        elif arguments[0] in ("0", "0x0") and len(arguments) > 1:
            self.list_type(arguments[1])
        else:
            print_object(objects.parse(arguments[0]), number(arguments[1]) if len(arguments) > 1 else BASIC | CONTENTS)

    @staticmethod
    def list_type(name):
        print(f"Scanning the objects of type {name}")
        for body in objects.objects_of_type(name):
            try:
                print_object(body, BASIC)
            except Unreadable as error:
                print(f"Object: {body:016x}  {target.UNREADABLE}: {error}")


Object()
