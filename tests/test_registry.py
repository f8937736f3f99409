"""The registry: read at boot, asked and changed by drivers and programs; services are what it says."""
import io
import re
import tarfile

from etude import BUILD, test

SERVICES = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services"
HEADER = "Windows Registry Editor Version 5.00\n"


def disk(context, change):
    """The test RAM disk, with what `change` makes of the text of its registry file."""
    target = io.BytesIO()
    with tarfile.open(BUILD / "ramdisk-test.tar") as source, \
            tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for member in source:
            data = source.extractfile(member).read()
            if member.name.endswith("system.reg"):
                data = change(data)
                member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return context.scratch("disk.tar", target.getvalue())


@test("Drivers find, change and ask the registry as documented", timeout=120, smp=(1, 4))
def inside(context):
    guest = context.boot()
    guest.prompts()
    guest.command("sc start ktreg")
    context.marked(guest.debug_text(), "ktreg")
    guest.command("sc stop ktreg")
    guest.expect_debug(r"\\Driver\\ktreg is unloaded")


MISTAKES = {
    "neither a key nor a value": "neither a key in brackets nor a value",
    "[HKEY_LOCAL_MACHINE\\SYSTEM": "the key has no closing bracket",
    "[HKEY_NOWHERE\\SYSTEM]": "the key does not begin with HKEY_LOCAL_MACHINE",
    "[HKEY_LOCAL_MACHINE\\SYSTEM\\" + "x" * 256 + "]": "the key cannot be made",
    "[HKEY_LOCAL_MACHINE\\SYSTEM\\Fine] but more": "the line goes on where it should end",
    f"[{SERVICES}\\wrong]\n\"Open": "the text in quotes does not end",
    f"[{SERVICES}\\wrong]\n\"Name\" dword:1": "an equals sign is missing",
    f"[{SERVICES}\\wrong]\n\"Name\"=word:1": "the value is neither text in quotes",
    f"[{SERVICES}\\wrong]\n\"Name\"=dword:xyz": "a number of up to eight hexadecimal digits is missing",
    f"[{SERVICES}\\wrong]\n\"Name\"=dword:123456789": "the line goes on where it should end",
    f"[{SERVICES}\\wrong]\n\"Name\"=hex:01,zz": "a byte of two hexadecimal digits is missing",
    f"[{SERVICES}\\wrong]\n\"Name\"=hex:01,\\ more": "the line goes on where it should end",
    f"[{SERVICES}\\wrong]\n\"Name\"=hex(zz):01": "the type in parentheses is not a hexadecimal number",
    f"[{SERVICES}\\wrong]\n\"Name\"=hex 01": "a colon is missing after hex",
    f"[{SERVICES}\\wrong]\n\"Name\"=\"text\" more": "the line goes on where it should end",
}


@test("A malformed line gets a sentence with its number, and everything else is read", timeout=60, smp=(1,))
def malformed(context):
    added = "".join(f"{mistake}\n" for mistake in MISTAKES).encode()
    lines = []

    def change(data):
        number = data.count(b"\n") + 1
        for mistake in MISTAKES:
            number += mistake.count("\n")
            lines.append(number)
            number += 1
        return data + added + f"[{SERVICES}\\late]\n\"Type\"=dword:1\n\"ImagePath\"=\"System32\\\\drivers\\\\null.sys\"\n".encode()

    guest = context.boot(ramdisk=disk(context, change))
    guest.prompt()
    said = guest.debug_text()
    for number, sentence in zip(lines, MISTAKES.values()):
        context.check(f"system.reg, line {number}: {sentence}" in said, f"line {number}: {sentence!r} was not said")
    context.check(len(re.findall(r"system\.reg, line", said)) == len(MISTAKES), "there are other complaints")
    context.check("late" in guest.command("sc query late"), "what follows the mistakes was not read")


@test("Files of noise are no harm: cut, binary, in UTF-16, with a hundred thousand mistakes", timeout=120, smp=(1,))
def noise(context):
    whole = []
    disk(context, lambda data: whole.append(data) or data)
    text = whole[0].decode()
    variants = {
        "cut": text.encode() + b"[HKEY_LOCAL",
        "hex": text.encode() + f"[{SERVICES}\\x]\n\"a\"=hex:01,\\".encode(),
        "bytes": text.encode() + bytes(range(256)) * 100,
        "many": text.encode() + b"?\n" * 100000,
        "wide": b"\xff\xfe" + text.encode("utf-16-le"),
        "dos": text.replace("\n", "\r\n").encode(),
        "bom": b"\xef\xbb\xbf" + text.encode(),
    }
    for name, data in variants.items():
        guest = context.boot(ramdisk=disk(context, lambda _, data=data: data))
        guest.prompt()
        complaints = guest.debug_text().count("system.reg, line")
        if name in ("wide", "dos", "bom"):
            context.check(complaints == 0, f"{name}: {complaints} complaints")
        else:
            context.check(1 <= complaints <= 20, f"{name}: {complaints} complaints")
        guest.end()


@test("Start, group and tag say which drivers load, and in which order", smp=(1, 4))
def order(context):
    def service(name, start, more=""):
        return (f"[{SERVICES}\\{name}]\n\"Type\"=dword:1\n\"Start\"=dword:{start}\n"
                f"\"ImagePath\"=\"System32\\\\drivers\\\\null.sys\"\n{more}")

    def group(name, tag):
        return f"\"Group\"=\"{name}\"\n\"Tag\"=dword:{tag}\n"

    added = (
        "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\ServiceGroupOrder]\n"
        "\"List\"=hex(7):46,00,00,00,53,00,00,00,00,00\n"           # F, S
        + service("o-auto", 2) + service("o-z", 1) + service("o-a", 1) + service("o-s1", 1, group("S", 1))
        + service("o-f0", 1, group("F", 0)) + service("o-f2", 1, group("F", 2)) + service("o-f1", 1, group("F", 1))
        + service("o-demand", 3) + service("o-disabled", 4) + service("o-other", 1, group("None", 1)))
    guest = context.boot(ramdisk=disk(context, lambda data: data + added.encode()))
    guest.prompt()
    tried = re.findall(r"\\Driver\\(o-\w+)|driver (o-\w+) did not load", guest.debug_text())
    seen = list(dict.fromkeys(a or b for a, b in tried))
    wanted = ["o-f1", "o-f2", "o-f0", "o-s1", "o-z", "o-a", "o-other", "o-auto"]
    context.check(seen == wanted, f"{seen} instead of {wanted}")


@test("sc makes, describes, changes and deletes services; reg reads and writes keys", smp=(1, 4))
def commands(context):
    guest = context.boot()
    guest.prompt()
    for line, pattern in (
            ("sc stop null", r"null +stopped"),
            ("sc create mine binPath= C:\\System32\\drivers\\null.sys start= disabled DisplayName= Mine", r"mine +stopped"),
            ("sc create mine binPath= x.sys", r"ERROR_SERVICE_EXISTS"),
            ("sc qc mine", r"start +disabled(.|\n)*path +\\SystemRoot\\System32\\drivers\\null\.sys(.|\n)*name +Mine"),
            ("sc start mine", r"ERROR_SERVICE_DISABLED"),
            ("sc config mine start= demand depend= pipe", r"^$"),
            ("sc start mine", r"mine +running"),
            ("sc qc mine", r"start +demand(.|\n)*depends on +pipe"),
            ("sc delete mine", r"mine +running"),
            ("sc query mine", r"mine +running"),
            ("sc stop mine", r"mine +stopped"),
            ("sc query mine", r"ERROR_SERVICE_DOES_NOT_EXIST"),
            ("sc create mine type= pony binPath= x", r"`pony` is not known"),
            ("reg add HKLM\\Software\\Mine /v Number /t REG_DWORD /d 0x10", r"^$"),
            ("reg add HKLM\\Software\\Mine\\Below /ve /d text", r"^$"),
            ("reg add HKLM\\Software\\Mine /v List /t REG_MULTI_SZ /d a\\0bc", r"^$"),
            ("reg query HKLM\\Software\\Mine /s", r"Number +REG_DWORD +0x10(.|\n)*a\\0bc(.|\n)*Below\n +\(Default\) +REG_SZ +text"),
            ("reg query hklm\\software\\mine /v number", r"0x10"),
            ("reg add HKLM\\Software\\Mine /v N /t REG_DWORD /d ten", r"a parameter is wrong"),
            ("reg delete HKLM\\Software\\Mine /v Number", r"^$"),
            ("reg query HKLM\\Software\\Mine /v Number", r"it is not there"),
            ("reg delete HKLM\\Software\\Mine", r"^$"),
            ("reg query HKLM\\Software\\Mine", r"it is not there"),
            ("reg delete HKLM\\System", r"that is not allowed"),
            ("reg query HKNO", r"usage")):
        printed = guest.command(line)
        context.check(re.search(pattern, printed.strip()), f"`{line}` printed {printed!r}")
