"""Bugchecks: every sin of tests/drivers/crash stops the machine with its documented code, and the report says who and where."""
import re

from etude import EXIT_BUGCHECK, test

SINS = {                # the last part of the service's name: code (a pattern), what the report must contain besides
    "null": (r"(0000001E|0000007E|00000050|1000007E)", r"crash!CrashNull"),
    "nonpaged": (r"00000050 PAGE_FAULT_IN_NONPAGED_AREA", r"1: FFFFC0FFFFFF0000"),
    "irql": (r"000000D1 DRIVER_IRQL_NOT_LESS_OR_EQUAL", r"1: FFFFC0FFFFFF0000", r"2: 0000000000000002", r"crash!CrashIrql"),
    "wait": (r"000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION", r"Routine: Ke\w+", r"crash!CrashWait"),
    "stack": (r"0000007F UNEXPECTED_KERNEL_MODE_TRAP", r"1: 0000000000000008", r"crash!CrashRecurse"),
    "free": (r"000000C2 BAD_POOL_CALLER", r"crash!CrashDoubleFree"),
    "raise": (r"(0000001E|0000007E|1000007E)", r"1: [0F]{8}C000003E", r"crash!CrashRaise"),
    "reference": (r"00000018 REFERENCE_BY_POINTER", r"crash!CrashReference"),
    "complete": (r"00000044 MULTIPLE_IRP_COMPLETE_REQUESTS", r"crash!CrashCompleteTwice"),
    "call": (r"00000035 NO_MORE_IRP_STACK_LOCATIONS", r"crash!CrashCall"),
    "fastfail": (r"00000139 KERNEL_SECURITY_CHECK_FAILURE", r"1: 0000000000000003", r"crash!CrashFastFail"),
    "readonly": (r"000000BE ATTEMPTED_WRITE_TO_READONLY_MEMORY", r"crash!CrashReadOnly"),
    "execute": (r"000000FC ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY", r"crash!CrashExecute"),
    "break": (r"(0000001E|0000007E|1000007E)", r"1: [0F]{8}80000003", r"crash!CrashBreak"),
    "manual": (r"000000E2 MANUALLY_INITIATED_CRASH", r"4: 0000000000000004", r"crash!CrashManual"),
}


def commit(sin):
    """Makes the test for one sin."""
    code, *patterns = SINS[sin]

    def body(context):
        guest = context.boot()
        guest.prompt()
        guest.send(f"sc start crash-{sin}\r")
        status = guest.wait_exit()
        report = guest.debug_text()
        context.check(status == EXIT_BUGCHECK, f"QEMU ended with {status}, not with a bugcheck's {EXIT_BUGCHECK}")
        for pattern in (rf"\*\*\* STOP 0x{code}", r"Processor \d, IRQL \d+", r"Driver at fault: crash\.sys",
                        r"Stack:\n(?:  \d\d .*\n)*  \d\d .*crash!", *patterns):
            context.check(re.search(pattern, report), f"the report does not have {pattern!r}")
        for console in guest.consoles:
            context.check("*** STOP" in console.text, "the report is not on both consoles")

    body.__name__, body.__module__ = sin, __name__
    test(f"The sin `{sin}` stops the machine, and the report names crash.sys and its routine", timeout=60, smp=(1, 4))(body)


for _sin in SINS:
    commit(_sin)


@test("With `ignorebreak` on the command line a driver's breakpoint is reported and skipped", timeout=60, smp=(1, 4))
def ignorebreak(context):
    guest = context.boot(append="ignorebreak")
    guest.prompt()
    guest.command("sc start crash-break")
    context.check("*** STOP" not in guest.debug_text(), "the machine stopped")
    guest.expect_debug(r"[Bb]reakpoint.*")
