"""!locks: resources (ERESOURCE), who owns them and who waits."""
from . import modules, target
from .command import Command, number, show
from .target import Unreadable, integer, safe, struct_at

EXCLUSIVE = 0x80


class Locks(Command):
    """Shows the resources that are held or waited for, with their owners (`<*>`) and waiters.

    -v all of them, -p counts of contention too, -d all. ADDRESS: that one alone."""

    name, usage = "locks", "!locks [-v|-p|-d] [ADDRESS]"

    def run(self, arguments):
        switches = [word for word in arguments if word.startswith("-")]
        words = [word for word in arguments if not word.startswith("-")]
        if len(words) > 1 or set(switches) - {"-v", "-p", "-d"}:
            self.wrong()
        head = target.address_of(target.variable("ExpSystemResourcesList"))
        found = [number(words[0])] if words else list(target.walk_list(head, "ERESOURCE", "SystemResourcesList", 100000))
        print("**** DUMP OF ALL RESOURCE OBJECTS ****" if not words else "")
        held = 0
        for resource in found:
            value = safe(struct_at, "ERESOURCE", resource, default=None)
            if value is None:
                print(f"Resource @ 0x{resource:016x}    {target.UNREADABLE}")
                continue
            held += bool(int(value["ActiveCount"]))
            if words or switches or int(value["ActiveCount"]) or self.waiters(value) != (0, 0):
                self.show_resource(value, bool(switches))
        if not words:
            print(f"{len(found)} total locks, {held} locks currently held")

    @staticmethod
    def waiters(value):
        return int(value["NumberOfExclusiveWaiters"]), int(value["NumberOfSharedWaiters"])

    def show_resource(self, value, verbose):
        active, exclusive = int(value["ActiveCount"]), int(value["Flag"]) & EXCLUSIVE
        owned = "Exclusively owned" if active and exclusive else f"Shared {active} owning threads" if active else "Available"
        symbol = modules.symbol(value.address) if modules.module_of(value.address) else ""
        show(f"\nResource @ {symbol + ' ' if symbol else ''}(0x{value.address:016x})    {owned}", "dt _ERESOURCE")
        first, second = self.waiters(value)
        if verbose or int(value["ContentionCount"]):
            print(f"    Contention Count = {int(value['ContentionCount'])}")
        if second:
            print(f"    NumberOfSharedWaiters = {second}")
        if first:
            print(f"    NumberOfExclusiveWaiters = {first}")
        for owner, count in self.owners(value):
            thread = owner & ~3
            note = f"    *** Actual Thread {thread:016x}" if owner & 3 and owner > 3 else ""
            show(f"     Threads: {owner:016x}-{count:02x}<*>{note}", "!thread" if thread else "")
        for title, field, kind in (("Exclusive", "ExclusiveWaiters", "KEVENT"), ("Shared", "SharedWaiters", "KSEMAPHORE")):
            self.show_waiting(title, integer(value[field]), kind)

    @staticmethod
    def owners(value):
        entry = value["OwnerEntry"]
        if integer(entry["OwnerThread"]):
            yield integer(entry["OwnerThread"]), max(1, int(entry["OwnerCount"]))
        table = integer(value["OwnerTable"])
        if not table:
            return
        size, kind = int(struct_at("OWNER_ENTRY", table)["TableSize"]), target.c_type("OWNER_ENTRY")
        for index in range(1, min(size, 4096)):
            entry = struct_at("OWNER_ENTRY", table + index * kind.sizeof)
            if integer(entry["OwnerThread"]):
                yield integer(entry["OwnerThread"]), int(entry["OwnerCount"])

    @staticmethod
    def show_waiting(title, waited, kind):
        if not waited:
            return
        head = waited + target.offset_of(kind, "Header.WaitListHead")
        blocks = safe(list, target.walk_list(head, "KWAIT_BLOCK", "WaitListEntry"), default=[])
        if blocks:
            print(f"     Threads Waiting On {title} Access:")
        for block in blocks:
            show(f"              {integer(struct_at('KWAIT_BLOCK', block)['Thread']):016x}", "!thread")


Locks()
