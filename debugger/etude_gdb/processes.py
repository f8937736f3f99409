"""Processes: finding them, and !process."""
from . import target, threads
from .command import Command, number, show
from .target import Unreadable, integer, safe, struct_at, text_of

TIMES, WAITS, STACKS, ADDRESSES, CONTEXT = 1, 2, 4, 8, 0x10


def all_processes():
    head = target.address_of(target.variable("PsActiveProcessHead"))
    yield from target.walk_list(head, "EPROCESS", "ActiveProcessLinks")


def image_name(process):
    return safe(lambda: text_of(struct_at("EPROCESS", process)["ImageFileName"]) or "System")


def find(value):
    """A process by address or by id."""
    if value >= target.KERNEL_START:
        return value
    for process in all_processes():
        if integer(struct_at("EPROCESS", process)["UniqueProcessId"]) == value:
            return process
    raise Unreadable(f"there is no process with the id {value:x}")


def checked(process):
    """Refuses what is no process: its dispatcher header says so."""
    value = struct_at("EPROCESS", process)
    if int(value["Pcb"]["Header"]["Type"]) & 0x7F != 3:
        raise Unreadable(f"{process:#x} is not a process")
    return value


def threads_of(process):
    head = process + target.offset_of("EPROCESS", "ThreadListHead")
    yield from target.walk_list(head, "ETHREAD", "ThreadListEntry")


def print_header(process):
    value = checked(process)
    table, peb = integer(value["ObjectTable"]), integer(value["Peb"])
    count = safe(lambda: int(struct_at("HANDLE_TABLE", table)["HandleCount"])) if table else 0
    show(f"PROCESS {process:016x}", "!process")
    show(f"    SessionId: 0  Cid: {integer(value['UniqueProcessId']):04x}    Peb: {peb:016x}  "
         f"ParentCid: {integer(value['InheritedFromUniqueProcessId']):04x}", "dt _PEB" if peb else "")
    show(f"    DirBase: {int(value['Pcb']['DirectoryTableBase']):08x}  ObjectTable: {table:016x}  HandleCount: {count}.",
         f"!handle 0 3 {integer(value['UniqueProcessId']):#x}" if table else "")
    print(f"    Image: {image_name(process)}")


def print_times(process):
    value = struct_at("EPROCESS", process)
    memory, token = value["Mm"], integer(value["Token"])
    show(f"    VadRoot {process + target.offset_of('EPROCESS', 'Mm.VadList'):016x} Vads {int(memory['VadCount'])} "
         f"Private {int(memory['CommitCharge'])}. Locked {int(memory['LockedPages'])}.", "dt _MM_PROCESS")
    print(f"    DeviceMap {0:016x}")
    show(f"    Token                             {token:016x}", "dt _TOKEN" if token else "")
    started = int(value["CreateTime"]["QuadPart"])              # 0: older than the clock, so as old as the system
    elapsed = safe(threads.system_time, default=started) - started if started else safe(threads.interrupt_time, default=0)
    print(f"    ElapsedTime                       {threads.clock(max(0, elapsed))}")
    print(f"    UserTime                          {threads.clock_of_ticks(int(value['Pcb']['UserTime']))}")
    print(f"    KernelTime                        {threads.clock_of_ticks(int(value['Pcb']['KernelTime']))}")
    print(f"    QuotaPoolUsage[PagedPool]         {int(value['QuotaBlock']['Quota'][1]['Usage'])}")
    print(f"    QuotaPoolUsage[NonPagedPool]      {int(value['QuotaBlock']['Quota'][0]['Usage'])}")
    print(f"    VirtualSize                       {int(memory['VirtualSize']) >> 10} Kb")
    print(f"    PeakVirtualSize                   {int(memory['PeakVirtualSize']) >> 10} Kb")
    print(f"    Threads                           {int(value['ActiveThreads'])}")
    print(f"    BasePriority                      {int(value['Pcb']['BasePriority'])}")
    print(f"    CommitCharge                      {int(memory['CommitCharge'])}")


class Process(Command):
    """Shows a process, by address or id; without one or with -1 the current process, with 0 all. There are no working sets to show.

    FLAGS: 1 times, priority, token, 2 threads and what they wait for, 4 their stacks, 8 return addresses in the stacks, 0x10 is
    accepted; 3 if not given for the current process and for all, 0xF for a named one. IMAGE: only processes whose image has that
    name, with or without .exe. /s and /m (session and module) are accepted: there is one session."""

    name, usage = "process", "!process [/s SESSION] [/m MODULE] [ADDRESS|ID|-1|0 [FLAGS]] [IMAGE]"

    def run(self, arguments):
        words, image = self.without_switches(arguments), ""
        if len(words) > 1 and not words[-1][0].isdigit() or len(words) > 2:
            image = words.pop()
        if len(words) > 2:
            self.wrong()
        current = not words or words[0] == "-1"
        chosen = target.current_process() if current else number(words[0])
        everyone = not current and chosen == 0
        named = not current and not everyone
        flags = number(words[1]) if len(words) > 1 else 0xF if named else TIMES | WAITS
        if everyone:
            print("**** NT ACTIVE PROCESS DUMP ****")
        found = False
        for process in all_processes() if everyone else [find(chosen)]:
            if image and image_name(process).lower() not in (image.lower(), f"{image.lower()}.exe"):
                continue
            found = True
            try:
                self.print_process(process, flags)
            except Unreadable as error:
                print(f"PROCESS {process:016x}  {target.UNREADABLE}: {error}")
            print()
        if not found:
            print(f"No process has the image {image}.")

    @staticmethod
    def without_switches(arguments):
        words = list(arguments)
        for switch in ("/s", "/m"):
            if switch in words:
                del words[words.index(switch):words.index(switch) + 2]
        return words

    @staticmethod
    def print_process(process, flags):
        print_header(process)
        if flags & TIMES:
            print_times(process)
        if flags & (WAITS | STACKS):
            for thread in threads_of(process):
                print()
                threads.print_thread(thread, flags, indent="        ")


Process()
