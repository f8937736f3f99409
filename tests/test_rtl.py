"""The runtime library, tested from inside: memory, strings, formats, time (ktrtl.sys) and exceptions (ktseh.sys)."""
from etude import test


def run(context, driver):
    guest = context.boot()
    guest.prompts()
    guest.command(f"sc start {driver}")
    context.marked(guest.debug_text(), driver)


@test("Memory, strings, formats, numbers and times come out right in a driver", timeout=90, smp=(1, 4))
def library(context):
    run(context, "ktrtl")


@test("Exceptions nest, collide, continue and unwind in a driver as they do on Windows", timeout=90, smp=(1, 4))
def exceptions(context):
    run(context, "ktseh")


@test("Generic tables, name prefixes, range lists and callback objects keep their order", timeout=90, smp=(1, 4))
def tables(context):
    run(context, "kttable")
