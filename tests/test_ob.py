"""The object manager, tested from inside by ktob.sys: counts, names, handles, directories, races."""
from etude import test


@test("The object manager's counts, names and handles are right after every step", timeout=120, smp=(1, 4))
def counts_names_handles(context):
    guest = context.boot()
    guest.prompt()
    guest.prompt(1)                     # what the second shell allocates while it starts is no leak
    guest.command("sc start ktob")
    context.marked(guest.debug_text(), "ktob")


@test("Drivers make object types, and may watch and restrict handles to processes and threads", smp=(1, 4))
def types_and_callbacks(context):
    guest = context.boot()
    guest.prompt()
    for driver in ("ktobtype", "ktobcall"):
        guest.command(f"sc start {driver}")
        context.marked(guest.debug_text(), driver)
