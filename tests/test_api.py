"""What drivers import: tests/api.txt lists it, counted over many of them; the kernel's export table must have it."""
from pathlib import Path

from etude import BUILD, test
from pe import Image

# Not there yet, for want of what they belong to: security.
MISSING = """
    ObDereferenceSecurityDescriptor ObLogSecurityDescriptor SeAppendPrivileges SeCreateClientSecurity SeImpersonateClientEx
    SeOpenObjectAuditAlarm SeQuerySecurityDescriptorInfo SeSetSecurityDescriptorInfo SeTokenType
""".split()


def listed(kind):
    return [line.split()[1] for line in Path("tests/api.txt").read_text().splitlines() if line.startswith(kind + " ")]


@test("Every routine that ordinary drivers import is exported", smp=(None,))
def drivers(context):
    missing = set(listed("drivers")) - set(Image(BUILD / "ntoskrnl.exe").exports()) - set(MISSING)
    context.check(not missing, f"not exported: {', '.join(sorted(missing))}")
