"""Security: access checks from inside (ktse.sys), runas and access at the shell."""
import re

from etude import EXIT_SUCCESS, test


@test("Access checks, descriptors and impersonation are right from inside", timeout=90, smp=(1, 4))
def checks(context):
    guest = context.boot()
    guest.prompt()
    guest.command("sc start ktse")
    context.marked(guest.debug_text(), "ktse")


@test("At the shell the student is refused what runas and access say he is", timeout=60, smp=(1,))
def shell(context):
    guest = context.boot()
    guest.prompt()
    for line, wanted in (
            ("access \\Device\\Null", r"File(.|\n)*owner BUILTIN\\Administrators(.|\n)*allow Everyone(.|\n)*"
                                      r"administrator may: .*write-dac"),
            ("access -u student \\Device\\Null", r"student may: .* read write(?!.*write-dac)"),
            ("access -u student \\Driver", r"student may: 0x000000 nothing \(STATUS_ACCESS_DENIED\)"),
            ("access \\BaseNamedObjects", r"SDDL  O:BAG:SYD:P"),
            ("runas student objdir \\Driver", r"STATUS_ACCESS_DENIED"),
            ("runas student objdir \\Device", r"Null"),
            ("runas student sc stop pipe", r"STATUS_(PRIVILEGE_NOT_HELD|ACCESS_DENIED)|denied|privilege"),
            ("runas student runas administrator ps", r"STATUS_LOGON_FAILURE"),
            ("runas student runas student access 4", r"student may: 0x000000 nothing"),
            ("runas nobody ps", r"STATUS_NO_SUCH_USER"),
            ("runas administrator access 4", r"administrator may: 0x")):
        printed = guest.command(line)
        context.check(re.search(wanted, printed), f"`{line}` printed {printed!r}")


@test("Handles, waits, pipes and processes work for the student as they do for the administrator", timeout=120,
      smp=(4,))
def student(context):
    for name in ("thandles", "tsync", "tpipe", "tprocess"):
        guest = context.boot(append=f'run="runas student {name}" testexit')
        status = guest.wait_exit()
        context.marked(guest.consoles[0].text, name)
        context.check(status == EXIT_SUCCESS, f"QEMU ended with {status} after {name}")
        guest.end()
