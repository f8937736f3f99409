"""Unloading: what a driver leaves behind stops the machine if it would run code that is gone, and is named if not."""
import re

from etude import EXIT_BUGCHECK, test

TIMER, UNLOADED = "000000C7 TIMER_OR_DPC_INVALID", "000000CE DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS"
STOPS = {               # what is left: code, first parameter, what the report names, processors
    "timer": (TIMER, "0", r"badleft!LeftTimer\+", (1, 4)),
    "timerdpc": (TIMER, "1", r"badleft!LeftDpcRoutine\+", (1, 4)),
    "dpc": (TIMER, "1", r"badleft!LeftDpcRoutine\+", (4,)),
    "workitem": (UNLOADED, None, r"badleft!LeftWorker\+", (1, 4)),
    "thread": (UNLOADED, None, r"badleft", (1, 4)),
}
NAMES = {               # what is left: what the debug port says
    "rest": (r"left link \\DosDevices\\BadLeft behind", r"left 2 blocks of pool behind under the tag 'Left'", r"badleft-rest is unloaded"),
    "iowork": (r"left 1 work items behind", r"(?s)the work item has run.*badleft-iowork is unloaded"),
    "filter": (r"failed and left device \w+ behind", r"badleft-filter is unloaded"),
    "device": (r"left device \w+ behind",),
}


def stop(what):
    code, parameter, name, smp = STOPS[what]

    def body(context):
        guest = context.boot()
        guest.prompt()
        guest.command(f"sc start badleft-{what}")
        guest.send(f"sc stop badleft-{what}\r")
        status = guest.wait_exit()
        report = guest.debug_text()
        context.check(status == EXIT_BUGCHECK, f"QEMU ended with {status}, not with a bugcheck's {EXIT_BUGCHECK}")
        for pattern in (rf"\*\*\* STOP 0x{code}", name, rf"1: 0*{parameter}\b" if parameter else ""):
            context.check(re.search(pattern, report), f"the report does not have {pattern!r}")

    body.__name__, body.__module__ = what, __name__
    test(f"A driver that is unloaded with something queued ({what}) stops the machine and is named", smp=smp)(body)


for _what in STOPS:
    stop(_what)


@test("A link, pool, work items and devices that a driver leaves behind are named; its image stays as long as it must")
def named(context):
    guest = context.boot()
    guest.prompt()
    for what, sentences in NAMES.items():
        guest.command(f"sc start badleft-{what}")
        guest.command(f"sc stop badleft-{what}")
        for sentence in sentences:
            guest.expect_debug(sentence)
    guest.command("sc stop null")               # the filter is not in the way
    guest.expect_debug(r"\\Driver\\null is unloaded")
    context.check("badleft-device is unloaded" not in guest.debug_text(), "the image went though a device is left")
    started = guest.command("sc start badleft-device")
    context.check("FAILED" in started or "0xC" in started or "error" in started.lower(),
                  f"it was loaded a second time beside itself: {started!r}")
