"""What drivers import: tests/api.txt lists it, counted over many of them; the kernel's export table must have it."""
from pathlib import Path

from etude import BUILD, test
from pe import Image


def check(context, kind):
    listed = [line.split()[1] for line in Path("tests/api.txt").read_text().splitlines() if line.startswith(kind + " ")]
    missing = sorted(set(listed) - set(Image(BUILD / "ntoskrnl.exe").exports()))
    context.check(listed and not missing, f"not exported: {', '.join(missing)}")


@test("Every routine that ordinary drivers import is exported", smp=(None,))
def drivers(context):
    check(context, "drivers")


@test("Every routine that careful tests of documented behaviour import is exported", smp=(None,))
def careful(context):
    check(context, "tests")
