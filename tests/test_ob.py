"""The object manager, tested from inside by ktob.sys and its kin, and by drivers that miscount."""
import re

from etude import EXIT_BUGCHECK, test


@test("The object manager's counts, names and handles are right after every step", timeout=120, smp=(1, 4))
def counts_names_handles(context):
    guest = context.boot()
    guest.prompts()                     # what the second shell allocates while it starts is no leak
    guest.command("sc start ktob")
    context.marked(guest.debug_text(), "ktob")


@test("Drivers make object types, and may watch and restrict handles to processes and threads", smp=(1, 4))
def types_and_callbacks(context):
    guest = context.boot()
    guest.prompts()
    for driver in ("ktobtype", "ktobcall"):
        guest.command(f"sc start {driver}")
        context.marked(guest.debug_text(), driver)


SINS = {                # what badob.sys does: the third parameter of the bugcheck, the fourth
    "object": (0, r"0000000000000000"),
    "freed": (0, r"[0-9A-F]{16}"),
    "zero": (1, r"0000000000000001"),
    "below": (2, r"FFFFFFFFFFFFFFFF"),
    "open": (3, r"0000000000000001"),
}


def commit(sin):
    def body(context):
        guest = context.boot()
        guest.prompt()
        guest.send(f"sc start badob-{sin}\r")
        context.check(guest.wait_exit() == EXIT_BUGCHECK, "no bugcheck ended QEMU")
        report, (reason, count) = guest.debug_text(), SINS[sin]
        for pattern in (r"\*\*\* STOP 0x00000018 REFERENCE_BY_POINTER", rf"3: {reason:016X}", rf"4: {count}",
                        r"Driver at fault: badob\.sys", rf"badob!Bad{sin.capitalize()}"):
            context.check(re.search(pattern, report), f"the report does not have {pattern!r}")

    body.__name__, body.__module__ = f"miscount_{sin}", __name__
    test(f"The miscount `{sin}` stops the machine with 0x18 and names badob.sys", smp=(1, 4))(body)


for _sin in SINS:
    commit(_sin)


@test("Open against close, duplicate against close, lookup against delete, a million times; a million handles", timeout=900)
def races(context):
    rounds = 1000000 if context.smp > 1 else 50000
    guest = context.boot(append=f'run="tobrace {rounds}" testexit')
    guest.expect(r"\[done\] tobrace|smss: .*ended with")
    guest.wait_exit()
    context.marked(guest.consoles[0].text, "tobrace")
