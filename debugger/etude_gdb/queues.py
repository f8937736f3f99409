"""!dpcs, !apc, !timer: what is queued to run later."""
import datetime

from . import modules, processes, target, threads
from .command import Command, number, show
from .target import Unreadable, integer, safe, struct_at

IMPORTANCE = {0: "Low", 1: "Normal", 2: "High"}
DPC_TYPES = {19: "Normal  ", 24: "Threaded"}
TIMER_NOTIFICATION, TIMER_SYNCHRONIZATION = 8, 9


class Dpcs(Command):
    """Shows the DPCs that wait to run, of one processor or of all."""

    name, usage = "dpcs", "!dpcs [PROCESSOR]"

    def run(self, arguments):
        if len(arguments) > 1:
            self.wrong()
        only = number(arguments[0]) if arguments else None
        print("CPU Type      KDPC       Function")
        for index, prcb in target.processors() if only is None else [(only, target.prcb_of(only))]:
            for dpc in target.walk_list(prcb.at("DpcListHead"), "KDPC", "DpcListEntry"):
                value = struct_at("KDPC", dpc)
                routine = integer(value["DeferredRoutine"])
                show(f"{index:2}: {DPC_TYPES.get(int(value['Type']), 'Normal  ')}: 0x{dpc:016x} 0x{routine:016x} {modules.symbol(routine)}",
                     "dt _KDPC")


Dpcs()


class Apc(Command):
    """Shows APCs that wait to be delivered: of all threads, of one process' (proc P), of one thread (thre T), or one KAPC."""

    name, usage = "apc", "!apc [proc PROCESS | thre THREAD | KAPC]"

    def run(self, arguments):
        if len(arguments) == 2 and arguments[0].lower() in ("proc", "thre"):
            value = number(arguments[1])
            if arguments[0].lower() == "thre":
                show(f"Thread {value:016x} ApcStateIndex {int(threads.checked(value)['Tcb']['ApcStateIndex'])} ApcListHead", "!thread")
                self.show_thread(value)
            else:
                self.show_process(processes.find(value))
        elif len(arguments) == 1:
            self.show_apc(number(arguments[0]))
        elif arguments:
            self.wrong()
        else:
            print("*** Enumerating APCs in all processes")
            for process in processes.all_processes():
                self.show_process(process)

    def show_process(self, process):
        show(f"Process {process:016x} {processes.image_name(process)}", "!process")
        for thread in processes.threads_of(process):
            self.show_thread(thread)

    def show_thread(self, thread):
        head, size = thread + target.offset_of("KTHREAD", "ApcState.ApcListHead"), target.c_type("LIST_ENTRY").sizeof
        for mode, title in enumerate(("KernelMode", "UserMode")):
            found = list(target.walk_list(head + mode * size, "KAPC", "ApcListEntry"))
            if found:
                show(f"    Thread {thread:016x} {title}", "!thread")
            for apc in found:
                self.show_apc(apc, "        ")

    @staticmethod
    def show_apc(apc, indent=""):
        value = struct_at("KAPC", apc)
        if int(value["Type"]) != 18:
            raise Unreadable(f"{apc:#x} is not a KAPC")
        show(f"{indent}KAPC @ {apc:016x}", "dt _KAPC")
        for field in ("KernelRoutine", "RundownRoutine", "NormalRoutine"):
            routine = integer(value[field])
            print(f"{indent}  {field:<15} {routine:016x} {modules.symbol(routine) if routine else ''}".rstrip())


Apc()


def date_of(hundreds):
    """A system time as a date."""
    moment = datetime.datetime(1601, 1, 1) + datetime.timedelta(microseconds=hundreds // 10)
    return f"{moment:%m/%d/%Y %H:%M:%S}.{moment.microsecond // 1000:03d}"


class Timer(Command):
    """Shows every armed timer: when it is due, whether periodic (P), whom it wakes or which DPC it queues."""

    name, usage = "timer", "!timer"

    def run(self, arguments):
        if arguments:
            self.wrong()
        now = safe(threads.interrupt_time, default=0)
        start = safe(threads.system_time, default=0) - now
        print("Dump system timers\n")
        print(f"Interrupt time: {now & 0xFFFFFFFF:08x} {now >> 32:08x} [{safe(date_of, start + now)}]\n")
        print("List Timer            Interrupt Low/High     Fire Time                  DPC/thread")
        table = target.variable("KiTimerTable")
        first, last = table.type.range()
        total, longest, size = 0, 0, target.c_type("LIST_ENTRY").sizeof
        for index in range(first, last + 1):
            found = safe(list, target.walk_list(target.address_of(table) + index * size, "KTIMER", "TimerListEntry"), default=None)
            if found is None:
                print(f"{index:3} {target.UNREADABLE}")
                continue
            total, longest = total + len(found), max(longest, len(found))
            for timer in found:
                self.show_timer(index, timer, start)
        print(f"\nTotal Timers: {total}, Maximum List: {longest}\nCurrent Hand: {now // threads.TICK % (last + 1)}, Maximum Search: 0\n")
        print("Wakeable timers:\n    none: nothing wakes a sleeping machine here")

    @staticmethod
    def show_timer(index, timer, start):
        value = struct_at("KTIMER", timer)
        due, period, dpc = int(value["DueTime"]["QuadPart"]), int(value["Period"]), integer(value["Dpc"])
        if dpc:
            what = safe(lambda: modules.symbol(integer(struct_at("KDPC", dpc)["DeferredRoutine"])))
            hint = "dt _KDPC"
        else:
            owner = Timer.waiter(timer)
            what, hint = (f"thread {owner:016x}", "!thread") if owner else ("(nobody waits)", "")
        show(f"{index:3}  {timer:016x} {'P' if period else ' '} {due & 0xFFFFFFFF:08x} {due >> 32:08x} [{safe(date_of, start + due)}]  {what}",
             "dt _KTIMER", hint)

    @staticmethod
    def waiter(timer):
        """The first thread that waits for it."""
        head = timer + target.offset_of("KTIMER", "Header.WaitListHead")
        block = next(iter(safe(list, target.walk_list(head, "KWAIT_BLOCK", "WaitListEntry"), default=[])), 0)
        return safe(lambda: integer(struct_at("KWAIT_BLOCK", block)["Thread"]), default=0) if block else 0


Timer()
