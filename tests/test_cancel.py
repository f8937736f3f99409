"""Cancellation: from programs, against completion, and of requests that nobody gives back."""
import re

from etude import EXIT_SUCCESS, test


@test("Requests are cancelled by thread, file and status block; one that is not given back is reported and given up")
def tcancel(context):
    guest = context.boot(append='run="tcancel" testexit cancelwait=1')
    status = guest.wait_exit()
    context.marked(guest.consoles[0].text, "tcancel")
    context.check(status == EXIT_SUCCESS, f"QEMU ended with {status}")
    held = re.findall(r"\\Driver\\hold holds IRP (\w+), which hold!Dispatch\+0x0 was given, 1 seconds after", guest.debug_text())
    context.check(len(held) == 2, f"{len(held)} held IRPs were reported, not 2")
    context.check(r"\Driver\hold is unloaded" in guest.debug_text(), "hold.sys was not unloaded")
