"""Files from programs: how requests travel and end, what is known about files, completion ports."""
import re

from etude import EXIT_BUGCHECK, test
from test_programs import run_program


def program(name, sentence, timeout=90, append=""):
    def run(context):
        run_program(context, name, append)
    run.__name__, run.__module__ = name, __name__
    test(sentence, timeout=timeout)(run)


program("tports", "Completion ports, APCs and status blocks tell the end of requests")
program("ttransfer", "Every way data travels, with every kind of buffer")
program("tfiles", "Every class of information about files and volumes, with every kind of buffer")
program("tobjinfo", "Every query about an object, with every kind of buffer")
program("topen", "Every argument of an open is checked; opens share a file as documented, whatever they ask for")
program("tsyncfile", "Synchronous, alertable and asynchronous files: offsets, waits, the file's lock and event")
program("tlocks", "Byte range locks on the RAM disk: which go together, waiting for one, losing them")
program("tfileapi", "kernel32's functions about files: what they say, refuse and leave alone")
program("tcleanup", "CLEANUP comes with the last handle, CLOSE with the last reference, wherever that goes",
        append="cancelwait=1")


@test("Pages that a driver leaves locked stop the system when their process ends, and the driver is named")
def pages_left_locked(context):
    guest = context.boot()
    guest.prompt()
    guest.send("tcleanup lock\r")
    status = guest.wait_exit()
    report = guest.debug_text()
    context.check(status == EXIT_BUGCHECK, f"QEMU ended with {status}, not with a bugcheck's {EXIT_BUGCHECK}")
    for pattern in (r"\*\*\* STOP 0x00000076 PROCESS_HAS_LOCKED_PAGES", r"3: 0*1\b", r"Driver at fault: keep\.sys",
                    r"Driver keep left pages of a process locked"):
        context.check(re.search(pattern, report), f"the report does not have {pattern!r}")
