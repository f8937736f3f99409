"""What operations cost in guest instructions, counted by QEMU, against tests/bench.limits."""
import bench
from etude import Failure, test


@test("No operation takes more instructions than tests/bench.limits allows", timeout=300, smp=(None,))
def limits(context):
    try:
        figures = bench.run(timeout=280)
    except bench.BenchFailure as failure:
        raise Failure(str(failure)) from None
    table = bench.limits()
    wrong = [f"{name} takes {figures[name]}, {most} are allowed" for name, (most, _) in table.items()
             if name in figures and figures[name] > most]
    wrong += [f"{name} was not measured" for name in table if name not in figures]
    for one, many in (("pairs-1", "pairs-1000"), ("cancel-1-of-1", "cancel-1-of-10000")):
        if figures.get(many, 0) > 1.2 * figures.get(one, 0):
            wrong.append(f"{many} takes {figures[many]}, more than 1.2 times the {figures[one]} of {one}")
    context.check(not wrong, "; ".join(wrong))
