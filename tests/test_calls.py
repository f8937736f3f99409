"""Calls out of the kernel: a driver's routine that comes back with IRQL, APCs or spin locks changed stops the machine."""
import re

from etude import EXIT_BUGCHECK, test

VERIFIER, IO_MANAGER = "000000C4", "000000C9"
SPIN_LOCK, REGIONS, IRQL = (VERIFIER, "40009"), (VERIFIER, "40003"), (VERIFIER, "2001D")
ROUTINES = {            # who, with what the report calls it; per change: code and first parameter
    "dispatch": ("BadDispatch", {"irql": (IO_MANAGER, "5"), "apcs": (VERIFIER, "C5"), "lock": SPIN_LOCK}),
    "completion": ("BadCompletion", {"irql": (VERIFIER, "FA"), "apcs": (VERIFIER, "FB"), "lock": SPIN_LOCK}),
    "cancel": ("BadCancel", {"irql": IRQL, "apcs": REGIONS, "lock": SPIN_LOCK}),
    "startio": ("BadStartIo", {"irql": IRQL, "apcs": REGIONS, "lock": SPIN_LOCK}),
    "dpc": ("BadDpc", {"irql": ("000000C8", "30202"), "apcs": ("000000C7", "4"), "lock": SPIN_LOCK}),
    "timer": ("BadTimer", {"irql": IRQL, "apcs": REGIONS, "lock": SPIN_LOCK}),
    "work": ("BadWorker", {"irql": ("000000E1", None), "apcs": REGIONS, "lock": SPIN_LOCK}),
    "fastio": ("BadFastControl", {"irql": IRQL, "apcs": (VERIFIER, "C6"), "lock": SPIN_LOCK}),
    "fastread": ("BadFastRead", {"irql": IRQL, "apcs": (VERIFIER, "C6"), "lock": SPIN_LOCK}),
    "interrupt": ("BadInterrupt", {"irql": (VERIFIER, "111"), "apcs": REGIONS, "lock": SPIN_LOCK}),
    "synchronized": ("BadSynchronized", {"irql": IRQL, "apcs": REGIONS, "lock": SPIN_LOCK}),
    "entry": ("DriverEntry", {"irql": IRQL, "apcs": REGIONS, "lock": SPIN_LOCK}),
}
CHANGES = {"irql": r"at IRQL \d+, was called at \d+", "apcs": r"with APCs disabled that were enabled", "lock": r"with 1 spin locks held, not 0"}


def change(who, what):
    routine, codes = ROUTINES[who]
    code, parameter = codes[what]

    def body(context):
        guest = context.boot()
        guest.prompt()
        guest.send(f"sc start badcall-{who}-{what}\r")
        status = guest.wait_exit()
        report = guest.debug_text()
        context.check(status == EXIT_BUGCHECK, f"QEMU ended with {status}, not with a bugcheck's {EXIT_BUGCHECK}")
        patterns = [rf"\*\*\* STOP 0x{code}", rf"Driver at fault: badcall\.sys \(badcall!{routine}\+",
                    rf"Driver badcall returned from its .*{CHANGES[what]}"]
        if parameter:
            patterns.append(rf"1: 0*{parameter}\b")
        for pattern in patterns:
            context.check(re.search(pattern, report), f"the report does not have {pattern!r}")

    body.__name__, body.__module__ = f"{who}_{what}", __name__
    test(f"A driver's routine ({who}) that changes something ({what}) stops the machine and is named")(body)


for _who in ROUTINES:
    for _what in CHANGES:
        change(_who, _what)
