"""!ready, !running, !stacks, !irql: what the processors run and what waits for them."""
import gdb

from . import modules, processes, target, threads
from .command import Command, number, show
from .target import Unreadable, integer, safe, struct_at
from .threads import cid_of, frames_of

IRQLS = {0: ("LOW_LEVEL", "Passive"), 1: ("APC_LEVEL", "Asynchronous procedure calls"), 2: ("DISPATCH_LEVEL", "Dispatcher"),
         13: ("CLOCK_LEVEL", "Clock"), 14: ("IPI_LEVEL", "Interprocessor interrupt"), 15: ("HIGH_LEVEL", "Everything masked")}


class Ready(Command):
    """Shows the threads that wait for a processor, the best first. FLAGS: as in !thread; 2 a line each, 4 their stacks; 0 if not given."""

    name, usage = "ready", "!ready [FLAGS]"

    def run(self, arguments):
        if len(arguments) > 1:
            self.wrong()
        flags = number(arguments[0]) if arguments else 0
        for index, prcb in target.processors():
            found = list(self.ready_on(prcb))
            print(f"Processor {index}: " + ("Ready Threads" if found else "No threads in READY state"))
            for priority, thread in found:
                if flags & 6:
                    threads.print_thread(thread, flags)
                else:
                    show(f"    THREAD {thread:016x}  Cid {cid_of(thread)}  Priority {priority}  "
                         f"{processes.image_name(threads.process_of(thread))}", "!thread")

    @staticmethod
    def ready_on(prcb):
        heads, size = prcb.at("DispatcherReadyListHead"), target.c_type("LIST_ENTRY").sizeof
        for priority in range(31, -1, -1):
            for thread in target.walk_list(heads + priority * size, "KTHREAD", "ReadyListEntry"):
                yield priority, thread


Ready()


class Running(Command):
    """Shows what each processor runs. -i idle processors too, -t the stacks.

    The last column has sixteen places for the state of queued locks (. free, O owned, W waiting); Etude's locks are not queued."""

    name, usage = "running", "!running [-i] [-t]"

    def run(self, arguments):
        if set(arguments) - {"-i", "-t", "-it", "-ti"}:
            self.wrong()
        idle, stacks = any("i" in word for word in arguments), any("t" in word for word in arguments)
        rows = list(target.processors())
        busy = [index for index, prcb in rows if integer(prcb["CurrentThread"]) != integer(prcb["IdleThread"])]
        print(f"System Processors:  ({sum(1 << index for index, _ in rows):016x})")
        print(f"  Idle Processors:  ({sum(1 << index for index, _ in rows if index not in busy):016x})\n")
        print("       Prcb              Current           Next")
        for index, prcb in rows:
            if index not in busy and not idle:
                continue
            current, later = integer(prcb["CurrentThread"]), integer(prcb["NextThread"])
            show(f"{index:3}    {prcb.address:016x}  {current:016x}  {later:016x}  {'.' * 16}", "dt _KPRCB", "!thread", "!thread" if later else "")
            if stacks:
                print()
                threads.print_stack(current, struct_at("KTHREAD", current), "")
                print()


Running()


class Stacks(Command):
    """Shows every thread's state and where it waits. DETAIL: 0 only threads that wait in a driver or program, 1 all, 2 with whole stacks.

    FILTER: only threads with a frame whose name contains it."""

    name, usage = "stacks", "!stacks [DETAIL [FILTER]]"
    PLUMBING = ("nt!Ki", "nt!KeWait", "nt!KeDelay", "nt!KeRemoveQueue", "nt!NtWait", "nt!NtDelay", "nt!Psp", "nt!Exp", "nt!Kei")

    def run(self, arguments):
        if len(arguments) > 2:
            self.wrong()
        detail = int(arguments[0], 0) if arguments and arguments[0].isdigit() else 0
        text = arguments[1] if len(arguments) > 1 else "" if not arguments or arguments[0].isdigit() else arguments[0]
        print("Proc.Thread  .Thread            ThreadState  Blocker")
        for process in processes.all_processes():
            print(f"                                     [{safe(processes.image_name, process)}]")
            for thread in processes.threads_of(process):
                self.show_thread(thread, detail, text)
        print("\nThreads Processed: " + str(sum(1 for process in processes.all_processes() for _ in processes.threads_of(process))))

    def show_thread(self, thread, detail, text):
        tcb = struct_at("KTHREAD", thread)
        names = [modules.symbol(pc) for _, _, pc in frames_of(thread, tcb)]
        if text and not any(text.lower() in name.lower() for name in names):
            return
        blocker = next((name for name in names if not name.startswith(self.PLUMBING)), "")
        if detail == 0 and not blocker and not text:
            return
        state, processor = int(tcb["State"]), threads.running_on(thread)
        word = "RUNNING" if processor is not None else threads.STATES[state] if state < len(threads.STATES) else "?"
        word = "Blocked" if word == "WAIT" else word
        shown = names if detail == 2 else [blocker or (names[0] if names else "")]
        show(f"{cid_of(thread):<13}{thread:016x}  {word:<11}  {shown[0] if shown else ''}", "!thread")
        for name in shown[1:]:
            print(f"{'':44}{name}")


Stacks()


class Irql(Command):
    """Shows the IRQL of a processor before the machine was stopped; without a number of the processor gdb has selected.

    On a dead machine it is what the bugcheck found: the memory image does not hold the register."""

    name, usage = "irql", "!irql [PROCESSOR]"

    def run(self, arguments):
        if len(arguments) > 1:
            self.wrong()
        index = number(arguments[0]) if arguments else target.processor_number()
        prcb = target.prcb_of(index)
        level = self.level(index, prcb)
        name, meaning = IRQLS.get(level, (f"DIRQL {level}", "Device"))
        print(f"Debugger saved IRQL for processor 0x{index:x} -- {level} ({name}) [{meaning} level]")

    @staticmethod
    def level(index, prcb):
        if target.has_field("KPRCB", "DebuggerSavedIRQL") and int(target.variable("KiBugCheckData")[0]):
            return int(prcb["DebuggerSavedIRQL"])
        before = gdb.selected_thread()
        try:
            next(thread for thread in gdb.selected_inferior().threads() if thread.num == index + 1).switch()
            return int(gdb.selected_frame().read_register("cr8"))
        except (gdb.error, ValueError):
            raise Unreadable("the memory image does not hold the IRQL (CR8); it is kept when a bugcheck stops the machine") from None
        finally:
            before.switch()


Irql()
