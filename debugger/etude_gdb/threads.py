"""Threads: !thread, and what is shown of a thread elsewhere."""
from . import modules, objects, target, unwind
from .command import Command, number, show
from .target import Unreadable, integer, safe, struct_at

STATES = ("INITIALIZED", "READY", "RUNNING", "STANDBY", "TERMINATED", "WAIT")
REASONS = ("Executive", "FreePage", "PageIn", "PoolAllocation", "DelayExecution", "Suspended", "UserRequest", "WrExecutive",
           "WrFreePage", "WrPageIn", "WrPoolAllocation", "WrDelayExecution", "WrSuspended", "WrUserRequest", "WrEventPair", "WrQueue",
           "WrLpcReceive", "WrLpcReply", "WrVirtualMemory", "WrPageOut", "WrRendezvous", "WrKeyedEvent", "WrTerminated",
           "WrProcessInSwap", "WrCpuRateControl", "WrCalloutStack", "WrKernel", "WrResource", "WrPushLock", "WrMutex", "WrQuantumEnd",
           "WrDispatchInt", "WrPreempted", "WrYieldExecution", "WrFastMutex", "WrGuardedMutex", "WrRundown")
WAITABLE = {0: "NotificationEvent", 1: "SynchronizationEvent", 2: "Mutant", 3: "ProcessObject", 4: "Queue", 5: "Semaphore",
            6: "Thread", 8: "NotificationTimer", 9: "SynchronizationTimer"}
TICK = 100000                       # of the clock, in units of 100 ns
SHARED_DATA, INTERRUPT_TIME, SYSTEM_TIME, TICK_COUNT = 0xFFFFF78000000000, 0x08, 0x14, 0x320
WAITS, STACK, ADDRESSES = 2, 4, 8


def owner_of(value):
    """The process of a thread; an idle thread, which is no ETHREAD, is attached to its own."""
    return integer(value["ThreadsProcess"]) or integer(value["Tcb"]["ApcState"]["Process"])


def interrupt_time():
    return target.read_integer(SHARED_DATA + INTERRUPT_TIME)


def system_time():
    return target.read_integer(SHARED_DATA + SYSTEM_TIME)


def tick_count():
    return target.read_integer(SHARED_DATA + TICK_COUNT)


def clock(hundreds):
    """Hundreds of nanoseconds as 00:00:00.000."""
    milliseconds = hundreds // 10000
    return f"{milliseconds // 3600000:02d}:{milliseconds // 60000 % 60:02d}:{milliseconds // 1000 % 60:02d}.{milliseconds % 1000:03d}"


def clock_of_ticks(ticks):
    return clock(ticks * TICK)


def running_on(thread):
    """The number of the processor whose current thread it is, or None."""
    return next((number for number, prcb in target.processors() if integer(prcb["CurrentThread"]) == thread), None)


def process_of(thread):
    return integer(struct_at("KTHREAD", thread)["ApcState"]["Process"])


def cid_of(thread):
    cid = struct_at("ETHREAD", thread)["Cid"]
    return f"{integer(cid['UniqueProcess']):04x}.{integer(cid['UniqueThread']):04x}"


def checked(thread):
    value = struct_at("ETHREAD", thread)
    if int(value["Tcb"]["Header"]["Type"]) & 0x7F != 6:
        raise Unreadable(f"{thread:#x} is not a thread")
    return value


def state_text(thread, tcb):
    processor, state = running_on(thread), int(tcb["State"])
    if processor is not None:
        return f"RUNNING on processor {processor}"
    text = STATES[state] if state < len(STATES) else f"state {state}"
    if text == "READY":
        text += f" on processor {int(tcb['NextProcessor'])}"
    if text == "WAIT":
        reason = int(tcb["WaitReason"])
        text += (f": ({REASONS[reason] if reason < len(REASONS) else reason}) {'UserMode' if int(tcb['WaitMode']) else 'KernelMode'} "
                 f"{'Alertable' if int(tcb['Alertable']) else 'Non-Alertable'}")
    return text


def wait_blocks(tcb):
    """The dispatcher objects a thread waits for."""
    block = first = integer(tcb["WaitBlockList"])
    seen = set()
    while block:
        if block in seen:
            raise Unreadable("the wait blocks run in a circle")
        seen.add(block)
        value = struct_at("KWAIT_BLOCK", block)
        if integer(value["Object"]):
            yield integer(value["Object"])
        block = integer(value["NextWaitBlock"])
        if block == first:
            return


def print_wait(tcb, indent):
    try:
        for waited in wait_blocks(tcb):
            kind = safe(lambda: int(struct_at("DISPATCHER_HEADER", waited)["Type"]) & 0x7F, default=-1)
            where = name_of_waited(waited)
            show(f"{indent}    {waited:016x}  {WAITABLE.get(kind, target.UNREADABLE if kind < 0 else f'object of type {kind}')}  {where}",
                 "!thread" if kind == 6 else "!process" if kind == 3 else "!object" if is_object(waited) else "dt _DISPATCHER_HEADER")
    except Unreadable as error:
        print(f"{indent}    {target.UNREADABLE}: {error}")


def is_object(address):
    return safe(objects.checked_header, address, default=None) is not None


def name_of_waited(waited):
    if is_object(waited):
        return objects.describe(waited)
    return modules.symbol(waited) if modules.module_of(waited) else ""


def print_irps(thread, indent):
    head = thread + target.offset_of("ETHREAD", "IrpList")
    try:
        irps = list(target.walk_list(head, "IRP", "ThreadListEntry", 100000))
    except Unreadable as error:
        irps = []
        print(f"{indent}IRP List: {target.UNREADABLE}: {error}")
    if irps:
        print(f"{indent}IRP List:")
    for irp in irps[:32]:
        value = safe(struct_at, "IRP", irp, default=None)
        text = f"(0006,{int(value['Size']):04x}) Flags: {int(value['Flags']):08x}  Mdl: {integer(value['MdlAddress']):016x}" if value else ""
        show(f"{indent}    {irp:016x}: {text or target.UNREADABLE}", "!irp")
    if len(irps) > 32:
        print(f"{indent}    and {len(irps) - 32} more")


def print_thread(thread, flags=WAITS | STACK, indent="    "):
    value = checked(thread)
    tcb, state = value["Tcb"], state_text(thread, value["Tcb"])
    teb = integer(tcb["Teb"])
    show(f"{indent[4:]}THREAD {thread:016x}  Cid {cid_of(thread)}  Teb: {teb:016x} Win32Thread: {0:016x} {state}",
         "!thread", "dt _TEB" if teb else "")
    if flags & WAITS and state.startswith("WAIT"):
        print_wait(tcb, indent)
    print_irps(thread, indent)
    print_owner(value, tcb, indent)
    print_numbers(value, tcb, indent)
    if flags & STACK:
        print_stack(thread, tcb, indent, flags & ADDRESSES)


def print_owner(value, tcb, indent):
    token = integer(value["ClientToken"])
    show(f"{indent}Impersonation token:  {token:016x}" if token else f"{indent}Not impersonating", "dt _TOKEN" if token else "")
    print(f"{indent}DeviceMap                 {0:016x}")
    now = integer(tcb["ApcState"]["Process"])
    owner = owner_of(value)
    from . import processes
    show(f"{indent}Owning Process            {owner:016x}       Image:         {processes.image_name(owner)}", "!process")
    other = now if now != owner else 0
    show(f"{indent}Attached Process          {f'{now:016x}       Image:         {processes.image_name(now)}' if other else 'N/A'}",
         "!process" if other else "")


def print_numbers(value, tcb, indent):
    ticks = safe(tick_count, default=0)
    print(f"{indent}Wait Start TickCount      {int(tcb['WaitTime'])}            Ticks: {max(0, ticks - int(tcb['WaitTime']))} "
          f"({clock_of_ticks(max(0, ticks - int(tcb['WaitTime'])))})")
    print(f"{indent}Context Switch Count      {int(tcb['ContextSwitches'])}            IdealProcessor: {int(tcb['NextProcessor'])}")
    print(f"{indent}UserTime                  {clock_of_ticks(int(tcb['UserTime']))}")
    print(f"{indent}KernelTime                {clock_of_ticks(int(tcb['KernelTime']))}")
    for title, field in (("Start Address", "StartAddress"), ("Win32 Start Address", "Win32StartAddress")):
        start = integer(value[field])
        if start:
            print(f"{indent}{title} {modules.symbol(start, integer(value['ThreadsProcess']))} (0x{start:016x})")
    print(f"{indent}Stack Init {integer(tcb['InitialStack']):016x} Current {integer(tcb['KernelStack']):016x}")
    print(f"{indent}Base {integer(tcb['StackBase']):016x} Limit {integer(tcb['StackLimit']):016x} Call {0:016x}")
    print(f"{indent}Priority {int(tcb['Priority'])} BasePriority {int(tcb['BasePriority'])} "
          f"PriorityDecrement {int(tcb['PriorityDecrement'])} IoPriority 2 PagePriority 5")


def print_stack(thread, tcb, indent, addresses=False):
    print(f"{indent}Child-SP          RetAddr           Call Site")
    process = integer(tcb["ApcState"]["Process"])
    for sp, returns, pc in frames_of(thread, tcb):
        where = modules.source_line(pc) if pc >= target.KERNEL_START else ""
        print(f"{indent}{sp:016x}  {returns:016x}  {modules.symbol(pc, process)}{f' [{where}]' if where else ''}")


def frames_of(thread, tcb):
    """(stack pointer, return address, pc) of each frame: of a running thread from its processor's registers, else from the switch."""
    processor = running_on(thread)
    try:
        yield from live_frames(processor) if processor is not None else saved_frames(integer(tcb["KernelStack"]))
    except Unreadable:
        return


def live_frames(processor, limit=40):
    """The frames of the thread that a processor runs."""
    import gdb
    before = gdb.selected_thread()
    try:
        next(thread for thread in gdb.selected_inferior().threads() if thread.num == processor + 1).switch()
        frame, found = gdb.newest_frame(), []
        while frame is not None and frame.pc() and len(found) < limit:
            if frame.type() != gdb.INLINE_FRAME:
                found.append((int(frame.read_register("rsp")) & target.MASK, frame.pc()))
            frame = frame.older()
    finally:
        before.switch()
    for index, (sp, pc) in enumerate(found):
        yield sp, found[index + 1][1] if index + 1 < len(found) else 0, pc


def saved_frames(sp, limit=40):
    """The frames of a thread that does not run, from where the switch left it: the first return address into the kernel's code is
    looked for."""
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
    """Shows a thread, by address or id (-t); without one the current thread.

    FLAGS: 2 what it waits for, 4 its stack, 8 return addresses in the stack, 0x10 is accepted; 6 if not given. -p shows its process
    too. The IRPs listed are those it has issued and not got back yet."""

    name, usage = "thread", "!thread [-p] [-t] [ADDRESS|ID [FLAGS]]"

    def run(self, arguments):
        words = [word for word in arguments if word not in ("-p", "-t")]
        if len(words) > 2:
            self.wrong()
        thread = number(words[0]) if words else target.current_thread()
        if "-t" in arguments:
            thread = self.by_id(thread)
        if "-p" in arguments:
            from . import processes
            processes.print_header(owner_of(checked(thread)))
            print()
        print_thread(thread, number(words[1]) if len(words) > 1 else WAITS | STACK)

    @staticmethod
    def by_id(value):
        from . import processes
        for process in processes.all_processes():
            for thread in processes.threads_of(process):
                if integer(struct_at("ETHREAD", thread)["Cid"]["UniqueThread"]) == value:
                    return thread
        raise Unreadable(f"there is no thread with the id {value:x}")


Thread()
