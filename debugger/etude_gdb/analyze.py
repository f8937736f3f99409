"""!analyze: what stopped the machine, who is at fault, which rule was broken and how to mend it."""
import gdb

from . import modules, processes, rules, target, threads
from .command import Command, show
from .target import Unreadable, integer, safe, struct_at

STARS = "*" * 79
# What the code alone tells: the rule that was broken, the likely cause, the way to mend it.
ADVICE = {
    0x0A: ("memory that may be paged out, or is not mapped, must not be touched at DISPATCH_LEVEL or above",
           "a pointer into paged pool or to freed memory, used under a spin lock or in a DPC",
           "allocate it nonpaged, or do the work at PASSIVE_LEVEL (a work item); print Arg1's owner with !pool"),
    0x18: ("each reference is dropped once by the one who took it",
           "one ObDereferenceObject too many, or an object used after its last reference was dropped",
           "read !obtrace of Arg2: the tag with more dereferences than references is at fault"),
    0x19: ("a block of pool is written from its start to its length, no further",
           "the block before the damaged one was overrun", "!pool ARG 1 shows whose it is; look for the length of its copies"),
    0x1E: ("an exception in the kernel has a handler", "a bad pointer from a program used without __try, or a raised status",
           "probe user memory and touch it inside __try"),
    0x2A: ("an IRP that a driver made does not reach the top: its completion routine keeps and frees it",
           "the completion routine returned STATUS_SUCCESS", "return STATUS_MORE_PROCESSING_REQUIRED after IoFreeIrp"),
    0x35: ("an IRP has a stack location for each driver it is sent to", "IoAllocateIrp with too small a StackSize, or a device attached "
           "without its StackSize raised", "allocate with the target device's StackSize (+ 1 for a location of one's own)"),
    0x44: ("an IRP is completed once, by the one who owns it", "completed by the dispatch routine and again by a DPC, timer or cancel "
           "routine", "!irp Arg1 lists both completions under Life; whoever takes the cancel routine out completes it"),
    0x48: ("the cancel routine is taken out before the IRP is completed", "no IoSetCancelRoutine(Irp, NULL) before IoCompleteRequest",
           "take it out; if it was gone already, the cancel routine completes the IRP"),
    0x50: ("kernel memory is used while it is allocated", "a pointer to freed pool, to an unloaded driver, or never set",
           "!pool Arg1; look at what freed it"),
    0x8E: ("an exception in the kernel has a handler", "a bad pointer", "look at the faulting instruction"),
    0xB8: ("no thread waits in a DPC", "KeWaitForSingleObject or a fast mutex at DISPATCH_LEVEL", "use a spin lock, or a work item"),
    0xC2: ("pool is freed once, with its own tag, at an allowed IRQL", "freed twice, or with another's pointer", "!pool ARG; compare the tags"),
    0xC4: ("a rule that the verifier watches", "see Arg1", "see the sentence before the report (!dbgprint)"),
    0xC8: ("a routine returns at the IRQL it was called at", "a spin lock taken in a DPC and not released", "release on every way out"),
    0xC9: ("the I/O manager's rules for drivers", "see Arg1", "see the sentence before the report (!dbgprint)"),
    0xCE: ("nothing of a driver runs after its unload routine", "a timer, DPC, work item or IRP was left behind",
           "cancel and wait for them in DriverUnload"),
    0xD1: ("memory that may be paged out, or is not mapped, must not be touched at DISPATCH_LEVEL or above",
           "a driver used paged pool, pageable code, or freed memory under a spin lock or in a DPC",
           "allocate it nonpaged, or do the work at PASSIVE_LEVEL"),
    0xE2: ("none: somebody asked for it", "a crash on demand", "nothing to mend")}
IGNORABLE = ("nt", "hal")
EXPLAINED = {"irp": "!irp", "object": "!object", "thread": "!thread", "process": "!process", "block": "!pool", "memory": "!pool", "device": "!devobj"}


def text_for(code):
    table = target.variable("KiBugcheckTexts")
    first, last = table.type.range()
    return next((table[index] for index in range(first, last + 1) if int(table[index]["Code"]) in (code, code & ~0x10000000)), None)


def string(value):
    return safe(lambda: value.string(), default="") if integer(value) else ""


def frames():
    """(stack pointer, pc) of the stack that reported, without the reporting itself."""
    found = list(threads.live_frames(target.processor_number()))
    reported = [index for index, (_, _, pc) in enumerate(found)
                if modules.symbol(pc).split("+")[0] in ("nt!KeBugCheckEx", "nt!KeBugCheck", "nt!KiBugCheckFromTrap", "nt!KiIrqlViolation",
                                                        "nt!RtlpUnhandledException", "nt!IopStop", "nt!ObpBadReference", "nt!KiPageFault",
                                                        "nt!KiGeneralTrap", "nt!KiDispatchTrap", "nt!KiTrap")]
    return found[reported[-1] + 1:] if reported else found


def culprit(found):
    """The first frame whose module may be blamed; the first of all if there is none."""
    for _, _, pc in found:
        module = modules.module_of(pc)
        if module and pc >= target.KERNEL_START and module.short not in IGNORABLE:
            return pc
    return found[0][2] if found else 0


class Analyze(Command):
    """Says what stopped the machine: the bugcheck's code, name and parameters, and with -v who is at fault, which rule was broken, the
    likely cause and the way to mend it.

    -show CODE [P1 P2 P3 P4] explains a code without a machine that stopped with it. -hang looks at locks and DPCs of one that hangs."""

    name, usage = "analyze", "!analyze [-v] | -show CODE [P1 [P2 [P3 [P4]]]] | -hang"

    def run(self, arguments):
        if arguments[:1] == ["-show"] and 2 <= len(arguments) <= 6:
            code, *parameters = (int(word.replace("`", ""), 16) for word in arguments[1:])
            self.explain(code, parameters + [0] * (4 - len(parameters)))
            self.advise(code, parameters)
        elif arguments == ["-hang"]:
            for line in ("!locks", "!dpcs", "!running", "!ready"):
                print(f"\n{line}:")
                gdb.execute(line)
        elif arguments in ([], ["-v"]):
            self.analyze(bool(arguments))
        else:
            self.wrong()

    def analyze(self, verbose):
        code, *parameters = (int(target.variable("KiBugCheckData")[index]) & target.MASK for index in range(5))
        if code == 0:
            print("The system has not stopped with a bugcheck. (!analyze -hang looks for what it waits for.)")
            return
        print(f"{STARS}\n*{'':77}*\n*{'Bugcheck Analysis':^77}*\n*{'':77}*\n{STARS}\n")
        self.explain(code, parameters)
        if verbose:
            self.details(code, parameters)
            self.advise(code, parameters)
        else:
            print("\nUse !analyze -v to get detailed debugging information. The stack: type `bt`.")

    @staticmethod
    def explain(code, parameters):
        text = text_for(code)
        print(f"{text['Name'].string() if text else 'BUGCHECK'} ({code:x})")
        if text is not None:
            print(text["Meaning"].string())
        print("Arguments:")
        for index, value in enumerate(parameters):
            words = string(text["Parameter"][index]) if text is not None else ""
            where = f": {modules.symbol(value)}" if words.startswith("@") else ""
            hint = next((command for word, command in EXPLAINED.items() if word in words.lower()), "") if value >= target.KERNEL_START else ""
            show(f"Arg{index + 1}: {value:016x}, {words.lstrip('@')}{where}".rstrip(", "), hint)

    @staticmethod
    def advise(code, parameters):
        rule = rules.rule_for(code, parameters[0] if parameters else None) or ADVICE.get(code & ~0x10000000)
        if rule:
            for title, words in zip(("RULE", "LIKELY_CAUSE", "HOW_TO_MEND"), rule):
                print(f"\n{title}:  {words}")

    @staticmethod
    def details(code, parameters):
        print("\nDebugging Details:\n------------------\n")
        found = frames()
        pc = culprit(found)
        module = modules.module_of(pc)
        name, image = (module.short, module.name) if module else ("unknown", "unknown")
        if code in (0x0A, 0xD1):
            show(f"{'WRITE' if parameters[2] == 1 else 'READ'}_ADDRESS:  {parameters[0]:016x}", "!pool")
            print()
        level = safe(lambda: int(target.prcb_of(target.processor_number())["DebuggerSavedIRQL"]), default="?")
        print(f"CURRENT_IRQL:  {level}\n")
        instruction = safe(lambda: gdb.execute(f"x/i {pc:#x}", to_string=True).strip().lstrip("=> "), default="")
        print(f"FAULTING_IP:\n{modules.symbol(pc)}\n{instruction}\n")
        print(f"DEFAULT_BUCKET_ID:  ETUDE_DRIVER_FAULT\n\nBUGCHECK_STR:  0x{code:X}\n")
        print(f"PROCESS_NAME:  {processes.image_name(target.current_process())}\n")
        if len(found) > 1:
            show(f"LAST_CONTROL_TRANSFER:  from {found[1][2]:016x} to {found[0][2]:016x}", "x/i", "x/i")
            print()
        print("STACK_TEXT:")
        for sp, returns, at in found:
            where = modules.source_line(at) if at >= target.KERNEL_START else ""
            print(f"{sp:016x} {returns:016x} : {modules.symbol(at)}{f' [{where}]' if where else ''}")
        print(f"\nFOLLOWUP_IP:\n{modules.symbol(pc)}\n\nFOLLOWUP_NAME:  MachineOwner\n\nSYMBOL_NAME:  {modules.symbol(pc)}\n")
        print(f"MODULE_NAME:  {name}\n\nIMAGE_NAME:  {image}\n\nSTACK_COMMAND:  bt\n")
        print(f"BUCKET_ID:  0x{code:X}_{modules.symbol(pc)}\n\nFollowup: MachineOwner\n---------")


Analyze()
