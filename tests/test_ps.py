"""Processes from a driver's side: pool quota."""
import re

from etude import EXIT_BUGCHECK, test


@test("Pool quota is charged, limited and given back, by call and by block", smp=(1, 4))
def quota(context):
    guest = context.boot()
    guest.prompts()
    guest.command("sc start ktquota")
    context.marked(guest.debug_text(), "ktquota")
    guest.command("sc stop ktquota")
    guest.expect_debug(r"\\Driver\\ktquota is unloaded")


@test("A driver that gives back more quota than it charged stops the machine, and is named")
def underflow(context):
    guest = context.boot()
    guest.prompt()
    guest.send("sc start ktquota-underflow\r")
    status = guest.wait_exit()
    report = guest.debug_text()
    context.check(status == EXIT_BUGCHECK, f"QEMU ended with {status}, not with a bugcheck's {EXIT_BUGCHECK}")
    for pattern in (r"\*\*\* STOP 0x00000021 QUOTA_UNDERFLOW", r"Driver at fault: ktquota\.sys", r"3: 0*10000000\b"):
        context.check(re.search(pattern, report), f"the report does not have {pattern!r}")


@test("Drivers are told of processes, threads and images as documented, and of nothing more once they have removed their routines", smp=(1, 4))
def notify(context):
    guest = context.boot()
    guest.prompt()
    guest.command("sc start ktps")
    context.marked(guest.debug_text(), "ktps")
    guest.command("reg query HKLM\\System")
    guest.expect_debug(r"ktps: process created[^$]*ktps: image \S*\\reg\.exe of a process, system mode 0[^$]*ktps: process ended")
    guest.command("sc stop null")
    guest.command("sc start null")
    guest.expect_debug(r"ktps: image \S*\\null\.sys of the system, system mode 1")
    guest.command("sc stop ktps")
    guest.expect_debug(r"ktps: removed with 00000000 and 00000000, called well")
    guest.expect_debug(r"\\Driver\\ktps is unloaded")
