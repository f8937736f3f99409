"""Memory: pool, paging, MDLs from a driver's side, and what becomes of a driver that breaks a rule."""
import re

from etude import EXIT_BUGCHECK, test
from test_programs import run_program

CALLER, HEADER = "000000C2 BAD_POOL_CALLER", "00000019 BAD_POOL_HEADER"
SINS = {                # the last part of the service's name: code, first parameter, the routine
    "paged": (CALLER, "08", "BadPagedAllocation"),
    "pagedfree": (CALLER, "09", "BadPagedFree"),
    "irql": (CALLER, "08", "BadHighIrql"),
    "trimmed": ("000000D1 DRIVER_IRQL_NOT_LESS_OR_EQUAL", None, "BadTrimmed"),
    "overrun": (HEADER, "20", "BadOverrun"),
    "tag": (CALLER, "0A", "BadTag"),
    "zero": (CALLER, "00", "BadZero"),
    "double": (CALLER, "07", "BadDoubleFree"),
    "pages": (CALLER, "44", "BadDoubleFreeOfPages"),
    "user": (CALLER, "40", "BadUserAddress"),
    "foreign": (CALLER, "42", "BadForeignAddress"),
    "timer": ("000000C7 TIMER_OR_DPC_INVALID", "02", "BadTimerRoutine"),
    "partial": ("00000040 TARGET_MDL_TOO_SMALL", None, "BadPartial"),
    "unlock": ("000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION", "7C", "BadUnlock"),
}


@test("Pool, MDLs and user memory keep their promises to a driver; every tag counter comes back", timeout=180, smp=(1, 4))
def driver(context):
    guest = context.boot()
    guest.prompts()
    guest.command("sc start ktpool")
    context.marked(guest.debug_text(), "ktpool")


@test("A program's memory: rights, guard pages, the stack, other processes, and no more of it", timeout=120, smp=(1, 4))
def program(context):
    run_program(context, "tmemory")


@test("Sections made by a driver are mapped, named, refused, and outlived by their views", timeout=60, smp=(1, 4))
def sections_inside(context):
    guest = context.boot()
    guest.prompts()
    guest.command("sc start ktsection")
    context.marked(guest.debug_text(), "ktsection")


@test("Sections of a program: shared memory, files as memory, copies at the first write, images", timeout=60, smp=(1, 4))
def sections(context):
    run_program(context, "tsection")


def commit(sin):
    code, parameter, routine = SINS[sin]

    def body(context):
        guest = context.boot()
        guest.prompt()
        guest.send(f"sc start badpool-{sin}\r")
        status = guest.wait_exit()
        report = guest.debug_text()
        context.check(status == EXIT_BUGCHECK, f"QEMU ended with {status}, not with a bugcheck's {EXIT_BUGCHECK}")
        patterns = [rf"\*\*\* STOP 0x{code}", r"Driver at fault: badpool\.sys"] + ([rf"badpool!{routine}"] if routine else [])
        if parameter:
            patterns.append(rf"1: 0*{parameter}\b" if parameter != "00" else r"1: 0{16}")
        for pattern in patterns:
            context.check(re.search(pattern, report), f"the report does not have {pattern!r}")

    body.__name__, body.__module__ = sin, __name__
    test(f"The sin `{sin}` against memory stops the machine and names badpool.sys")(body)


for _sin in SINS:
    commit(_sin)
