"""Traps, interrupts and clocks, tested from inside by kttrap.sys; on eight processors and on one without SMAP too."""
from etude import test


def run_kttrap(context, **options):
    guest = context.boot(**options)
    guest.prompts()
    guest.command("sc start kttrap")
    context.marked(guest.debug_text(), "kttrap")


@test("Exceptions, IRQL, device interrupts, vector registers and clocks hold in kernel mode", timeout=90, smp=(1, 4, 8))
def kernel_side(context):
    run_kttrap(context)


@test("The same on a processor without SMEP and SMAP", timeout=90)
def plain_processor(context):
    run_kttrap(context, extra=("-cpu", "qemu64"))
