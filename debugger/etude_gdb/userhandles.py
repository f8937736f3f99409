"""!handle -u: handles as WinDbg lists them to who debugs a program: type, rights, counts, name, and what state the object is in."""
from collections import Counter

from . import objects, rights, target
from .target import integer, struct_at

TYPE, BASIC, NAME, SPECIFIC = 1, 2, 4, 8


def event(body):
    header = struct_at("KEVENT", body)["Header"]
    return [f"Event Type {'Auto Reset' if int(header['Type']) else 'Manual Reset'}",
            "Event is Set" if int(header["SignalState"]) else "Event is Waiting"]


def mutant(body):
    owner = integer(struct_at("KMUTANT", body)["OwnerThread"])
    if not owner:
        return ["Mutex is Free"]
    cid = struct_at("ETHREAD", owner)["Cid"]
    return ["Mutex is Owned", f"Mutant Owner {integer(cid['UniqueProcess']):x}.{integer(cid['UniqueThread']):x}"]


def semaphore(body):
    value = struct_at("KSEMAPHORE", body)
    return [f"Semaphore Count {int(value['Header']['SignalState'])}", f"Semaphore Limit {int(value['Limit'])}"]


def process(body):
    value = struct_at("EPROCESS", body)
    return [f"Process Id  {integer(value['UniqueProcessId']):#x}", f"Parent Process  {integer(value['InheritedFromUniqueProcessId']):#x}",
            f"Base Priority {int(value['Pcb']['BasePriority'])}"]


def thread(body):
    value = struct_at("ETHREAD", body)
    return [f"Thread Id   {integer(value['Cid']['UniqueProcess']):x}.{integer(value['Cid']['UniqueThread']):x}",
            f"Priority    {int(value['Tcb']['Priority'])}", f"Base Priority {int(value['Tcb']['BasePriority'])}"]


STATES = {"Event": event, "Mutant": mutant, "Semaphore": semaphore, "Process": process, "Thread": thread}


def print_handle(handle, entry, body, header, flags):
    kind, granted = objects.type_name(header), int(entry["GrantedAccess"])
    attributes = (1 if int(entry["Value"]) & 8 else 0) | (2 if int(entry["Value"]) & 2 else 0)
    print(f"Handle {handle:x}")
    if flags & TYPE:
        print(f"  Type          {kind}")
    if flags & BASIC:
        standard, own = (rights.names(part, kind) for part in (granted & 0xFFFF0000, granted & 0xFFFF))
        print(f"  Attributes    {attributes:#x}\n  GrantedAccess {granted:#x}:\n         {standard}\n         {own}")
        print(f"  HandleCount   {int(header['HandleCount'])}\n  PointerCount  {int(header['PointerCount'])}")
    if flags & NAME:
        print(f"  Name          {objects.describe(body) or '<none>'}")
    if flags & SPECIFIC:
        lines = STATES[kind](body) if kind in STATES else []
        print("\n    ".join(["  Object Specific Information", *lines]) if lines else "  No object specific information available")


def print_handles(entries, flags, wanted, one):
    """Entries are (handle, address of the slot, body); with the numbers of each type at the end unless it is one that was asked for."""
    types = Counter()
    for handle, slot, body in entries:
        header = target.safe(objects.checked_header, body, default=None)
        if header is None:
            print(f"Handle {handle:x}\n  {target.UNREADABLE}")
        elif not wanted or objects.type_name(header) == wanted:
            types[objects.type_name(header)] += 1
            print_handle(handle, struct_at("HANDLE_TABLE_ENTRY", slot), body, header, flags)
    if one and not types:
        print("there is no such handle")
    elif not one:
        print(f"{sum(types.values())} Handles\n{'Type':15} Count")
        for kind, count in sorted(types.items()):
            print(f"{kind:15} {count}")
