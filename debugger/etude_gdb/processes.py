"""!process and !thread."""
import gdb

from . import drivers, modules, objects, target, unwind
from .command import Command, number
from .target import Unreadable, integer, struct_at

STATES = ("INITIALIZED", "READY", "RUNNING", "STANDBY", "TERMINATED", "WAIT")
REASONS = ("Executive", "FreePage", "PageIn", "PoolAllocation", "DelayExecution", "Suspended", "UserRequest", "WrExecutive",
           "WrFreePage", "WrPageIn", "WrPoolAllocation", "WrDelayExecution", "WrSuspended", "WrUserRequest")
WAITABLE = {0: "NotificationEvent", 1: "SynchronizationEvent", 2: "Mutant", 3: "ProcessObject", 4: "Queue", 5: "Semaphore",
            6: "ThreadObject", 8: "NotificationTimer", 9: "SynchronizationTimer"}


def all_processes():
    head = target.address_of(target.variable("PsActiveProcessHead"))
    yield from target.walk_list(head, "EPROCESS", "ActiveProcessLinks")


def image_name(process):
    try:
        return struct_at("EPROCESS", process)["ImageFileName"].string("latin-1", "replace") or "System"
    except (gdb.error, gdb.MemoryError):
        return "<unreadable>"


def find(value):
    """A process by address or by id."""
    if value >= target.KERNEL_START:
        return value
    for process in all_processes():
        if integer(struct_at("EPROCESS", process)["UniqueProcessId"]) == value:
            return process
    raise Unreadable(f"there is no process with the id {value:x}")


def threads(process):
    head = process + target.offset_of("EPROCESS", "ThreadListHead")
    yield from target.walk_list(head, "ETHREAD", "ThreadListEntry")


def print_header(process):
    value = struct_at("EPROCESS", process)
    table = integer(value["ObjectTable"])
    count = int(struct_at("HANDLE_TABLE", table)["HandleCount"]) if table else 0
    print(f"PROCESS {process:016x}")
    print(f"    SessionId: 0  Cid: {integer(value['UniqueProcessId']):04x}    Peb: {integer(value['Peb']):016x}  "
          f"ParentCid: {integer(value['InheritedFromUniqueProcessId']):04x}")
    print(f"    DirBase: {int(value['Pcb']['DirectoryTableBase']):08x}  ObjectTable: {table:016x}  HandleCount: {count}.")
    print(f"    Image: {image_name(process)}")


def print_process_times(process):
    value = struct_at("EPROCESS", process)
    print(f"    BasePriority {int(value['Pcb']['BasePriority'])}  UserTime {int(value['Pcb']['UserTime'])} ticks  "
          f"KernelTime {int(value['Pcb']['KernelTime'])} ticks  Threads {int(value['ActiveThreads'])}  "
          f"CommitCharge {int(value['Mm']['CommitCharge'])}")


class Process(Command):
    """Shows a process, by address or id; without one the current process, with 0 all of them.

    FLAGS: 1 times and priority, 2 threads and what they wait for, 4 their stacks; 3 for one process, 0 for all."""

    name, usage = "process", "!process [ADDRESS|ID|0 [FLAGS]]"

    def run(self, arguments):
        chosen = number(arguments[0]) if arguments else target.current_process()
        everyone = bool(arguments) and chosen == 0
        flags = number(arguments[1]) if len(arguments) > 1 else (0 if everyone else 3)
        if everyone:
            print("**** NT ACTIVE PROCESS DUMP ****")
        for process in all_processes() if everyone else [find(chosen)]:
            print_header(process)
            if flags & 1:
                print_process_times(process)
            for thread in threads(process) if flags & 6 else ():
                print()
                print_thread(thread, flags)
            print()


Process()


def running_on(thread):
    """The number of the processor whose current thread it is, or None."""
    for index, candidate in enumerate(gdb.selected_inferior().threads()):
        prcb = integer(target.variable("KiProcessorBlock")[index])
        if prcb and integer(struct_at("KPRCB", prcb)["CurrentThread"]) == thread:
            return index
    return None


def print_wait(tcb):
    block, first, seen = integer(tcb["WaitBlockList"]), integer(tcb["WaitBlockList"]), set()
    while block and block not in seen:
        seen.add(block)
        value = struct_at("KWAIT_BLOCK", block)
        waited = integer(value["Object"])
        if waited:
            kind = int(struct_at("DISPATCHER_HEADER", waited)["Type"]) & 0x7F
            print(f"        {waited:016x}  {WAITABLE.get(kind, f'object of type {kind}')}  {name_of_waited(waited)}".rstrip())
        block = integer(value["NextWaitBlock"])
        if block == first:
            break


def name_of_waited(waited):
    try:
        objects.checked_header(waited)
        return objects.describe(waited)
    except Unreadable:
        return modules.symbol(waited) if modules.module_of(waited) else ""


def print_thread(thread, flags=6):
    value = struct_at("ETHREAD", thread)
    tcb, cid = value["Tcb"], value["Cid"]
    state, processor = int(tcb["State"]), running_on(thread)
    text = STATES[state] if state < len(STATES) else f"state {state}"
    if processor is not None:
        text = f"RUNNING on processor {processor}"
    elif text == "WAIT":
        reason = int(tcb["WaitReason"])
        text += (f": ({REASONS[reason] if reason < len(REASONS) else reason}) {'UserMode' if int(tcb['WaitMode']) else 'KernelMode'} "
                 f"{'Alertable' if int(tcb['Alertable']) else 'Non-Alertable'}")
    print(f"    THREAD {thread:016x}  Cid {integer(cid['UniqueProcess']):04x}.{integer(cid['UniqueThread']):04x}  "
          f"Teb: {integer(tcb['Teb']):016x} {text}")
    if flags & 2 and processor is None and state == STATES.index("WAIT"):
        print_wait(tcb)
    print_irps(thread)
    process = integer(tcb["ApcState"]["Process"])
    print(f"        Owning Process {process:016x}  Image: {image_name(process)}")
    print(f"        Context Switch Count {int(tcb['ContextSwitches'])}  UserTime {int(tcb['UserTime'])}  KernelTime {int(tcb['KernelTime'])} ticks")
    start = integer(value["StartAddress"])
    print(f"        Start Address {modules.symbol(start)}  Win32 Start Address {modules.symbol(integer(value['Win32StartAddress']))}")
    print(f"        Stack Init {integer(tcb['InitialStack']):016x} Current {integer(tcb['KernelStack']):016x} "
          f"Base {integer(tcb['StackBase']):016x} Limit {integer(tcb['StackLimit']):016x}")
    print(f"        Priority {int(tcb['Priority'])} BasePriority {int(tcb['BasePriority'])} PriorityDecrement {int(tcb['PriorityDecrement'])}")
    if flags & 4:
        print_stack(tcb, processor)


def print_irps(thread):
    head = thread + target.offset_of("ETHREAD", "IrpList")
    irps = list(target.walk_list(head, "IRP", "ThreadListEntry", 1000))
    if irps:
        print("        IRP List:")
        for irp in irps:
            print(f"            {irp:016x}   (!irp {irp:x})")


def print_stack(tcb, processor):
    print("        Child-SP          RetAddr           Call Site")
    if processor is not None:
        print(f"        (it runs: `thread {processor + 1}`, then `bt`)")
        return
    for sp, returns, pc in saved_frames(integer(tcb["KernelStack"])):
        print(f"        {sp:016x}  {returns:016x}  {modules.symbol(pc)}")


def saved_frames(sp, limit=40):
    """The frames of a thread that does not run, from where the switch left it: the first return address into the kernel's code is looked for."""
    for _ in range(64):
        pc = target.read_integer(sp)
        module = modules.module_of(pc)
        if module and unwind.function_table(module.base).find(pc - module.base):
            break
        sp += 8
    else:
        return
    frame = unwind.Frame(dict.fromkeys(unwind.REGISTERS, 0), pc)
    frame.sp = sp + 8
    for _ in range(limit):
        before, pc = frame.sp, frame.pc
        frame.machine_frame = None
        try:
            frame.undo()
        except Unreadable:
            yield before, 0, pc
            return
        yield before, frame.pc, pc
        if frame.pc < target.KERNEL_START or frame.sp <= before:
            return


class Thread(Command):
    """Shows a thread, by address; without one the current thread. FLAGS: 2 what it waits for, 4 its stack; 6 if not given."""

    name, usage = "thread", "!thread [ADDRESS [FLAGS]]"

    def run(self, arguments):
        thread = number(arguments[0]) if arguments else target.current_thread()
        print_thread(thread, number(arguments[1]) if len(arguments) > 1 else 6)


Thread()
