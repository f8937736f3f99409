"""Threads, waits, DPCs, APCs, locks from a driver's side, and what becomes of a driver that breaks their rules."""
import re

from etude import EXIT_BUGCHECK, test

PROMISES = {            # a driver, and what its tests are about
    "ktwait": "Waits, time-outs, events, semaphores, mutexes and mutants",
    "ktdpc": "DPCs, timers and device queues",
    "ktapc": "Kernel APCs",
    "ktsync": "Locks, resources, interlocked lists and work items",
    "ktsched": "Priorities, quantum, affinity and preemption",
}
VERIFIER = "000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION"
SINS = {                # the last part of the service's name: code, first parameter, a routine on the stack or at fault
    "wait": (VERIFIER, "121", "BadWait"),
    "waittimed": (VERIFIER, "122", "BadWaitTimed"),
    "waithigh": (VERIFIER, "120", "BadWaitHigh"),
    "mutex": ("0000001E|0000007E", "C0000046", "BadMutex"),
    "twice": ("0000000F SPIN_LOCK_ALREADY_OWNED", None, "BadTwice"),
    "release": ("00000010 SPIN_LOCK_NOT_OWNED", None, "BadRelease"),
    "dpcirql": ("000000C8 IRQL_UNEXPECTED_VALUE", "50202", "BadIrqlDpc"),
    "dpclock": (VERIFIER, "40009", "BadLockDpc"),
    "fastmutex": (VERIFIER, "1000", "BadFastMutex"),
    "resource": ("000000E3 RESOURCE_NOT_OWNED", None, "BadResource"),
    "region": ("00000001 APC_INDEX_MISMATCH", None, "BadRegion"),
    "workitem": ("000000E1 WORKER_THREAD_RETURNED_AT_BAD_IRQL", None, "BadWorker"),
    "exit": ("4000008A", None, "BadThread"),
}


def keep(driver, subject):
    def body(context):
        guest = context.boot()
        guest.prompts()
        guest.command(f"sc start {driver}")
        context.marked(guest.debug_text(), driver)

    body.__name__, body.__module__ = driver, __name__
    test(f"{subject} keep their promises to a driver", timeout=240, smp=(1, 4))(body)


def commit(sin):
    code, parameter, routine = SINS[sin]

    def body(context):
        guest = context.boot()
        guest.prompt()
        guest.send(f"sc start badke-{sin}\r")
        status = guest.wait_exit()
        report = guest.debug_text()
        context.check(status == EXIT_BUGCHECK, f"QEMU ended with {status}, not with a bugcheck's {EXIT_BUGCHECK}")
        patterns = [rf"\*\*\* STOP 0x({code})", rf"badke(\.sys)?!{routine}"]
        if parameter:
            patterns.append(rf"1: [0F]*{parameter}\b")
        for pattern in patterns:
            context.check(re.search(pattern, report), f"the report does not have {pattern!r}")

    body.__name__, body.__module__ = sin, __name__
    test(f"The sin `{sin}` against the dispatcher stops the machine and names badke.sys")(body)


for _driver, _subject in PROMISES.items():
    keep(_driver, _subject)
for _sin in SINS:
    commit(_sin)


@test("A thread that is displaced while another one moves between processors is not lost", timeout=120)
def displaced(context):
    # The end of an unload visits every processor, with more rank than the program that waits for it.
    guest = context.boot()
    guest.prompt()
    for _ in range(100):
        context.check("stopped" in guest.command("sc stop null"), "null.sys does not stop")
        context.check("running" in guest.command("sc start null"), "null.sys does not start")
