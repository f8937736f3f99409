"""Damaged images: drivers and programs with bytes changed anywhere but in their code never harm the kernel that loads them."""
import random
import struct
import subprocess
import sys

from etude import BUILD, test

VARIANTS = 48
SERVICE = ('\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\{0}]\n"Type"=dword:00000001\n"Start"=dword:00000003\n'
           '"ImagePath"="System32\\\\drivers\\\\{0}.sys"\n')


class Victim:
    """A PE file whose code is all `ret`, so that running it is harmless whatever else is wrong."""

    def __init__(self, path):
        self.data = bytearray(path.read_bytes())
        self.header = struct.unpack_from("<I", self.data, 0x3C)[0]
        count, optional = struct.unpack_from("<H12xH", self.data, self.header + 6)
        self.table = self.header + 24 + optional
        self.tables = [(0, self.table + 40 * count)]
        for section in range(self.table, self.table + 40 * count, 40):
            name = self.data[section:section + 8].rstrip(b"\0")
            size, offset, flags = *struct.unpack_from("<II", self.data, section + 16), \
                struct.unpack_from("<I", self.data, section + 36)[0]
            if flags & 0x20000000:
                self.data[offset:offset + size] = b"\xC3" * size
            elif name in (b".idata", b".edata", b".reloc", b".pdata", b".xdata"):
                self.tables.append((offset, offset + size))
        struct.pack_into("<I", self.data, self.header + 24 + 64, 0)         # no checksum: let the damage through

    def damaged(self, seed):
        choose, data = random.Random(seed), bytearray(self.data)
        if seed % 8 == 0:
            return bytes(data[:choose.randrange(len(data))])
        low, high = choose.choice(self.tables + [(self.header, self.table + 80)] * 2)
        for _ in range(choose.choice((1, 1, 2, 4, 16))):
            if low < high:
                data[choose.randrange(low, min(high, len(data)))] = choose.choice((0, 1, 0x7F, 0x80, 0xFF, choose.randrange(256)))
        return bytes(data)


def disk(context, files, registry=""):
    extra = context.scratch("extra.reg", registry.encode())
    output = extra.parent / "disk.tar"
    paths = [context.scratch(name, data) for name, data in files.items()]
    stripped = BUILD / "stripped"
    good = [str(path) for pattern in ("drivers/*.sys", "*.dll", "*.exe") for path in sorted(stripped.glob(pattern))
            if path.name != "ntoskrnl.exe"]
    subprocess.run([sys.executable, "tools/mkramdisk.py", str(output), "--registry", "boot/system.reg", "--registry", str(extra)]
                   + good + [str(path) for path in paths], check=True)
    return output


@test("Forty-eight damaged drivers are refused or do nothing; the system goes on", timeout=180)
def drivers(context):
    victim = Victim(BUILD / "stripped/drivers/null.sys")
    files = {f"bad{seed}.sys": victim.damaged(seed) for seed in range(VARIANTS)}
    guest = context.boot(ramdisk=disk(context, files, "".join(SERVICE.format(f"bad{seed}") for seed in range(VARIANTS))))
    guest.prompt()
    for seed in range(VARIANTS):
        guest.command(f"sc start bad{seed}")
    context.check("STOP" not in guest.debug_text(), "the machine stopped")


@test("Forty-eight damaged programs end or are refused; the system goes on", timeout=180)
def programs(context):
    victim = Victim(BUILD / "stripped/ps.exe")
    guest = context.boot(ramdisk=disk(context, {f"bad{seed}.exe": victim.damaged(seed) for seed in range(VARIANTS)}))
    guest.prompt()
    for seed in range(VARIANTS):
        guest.command(f"bad{seed}")
    context.check("STOP" not in guest.debug_text(), "the machine stopped")


@test("A driver with a missing import is refused, and the debug port names the import", timeout=60)
def missing_import(context):
    data = (BUILD / "stripped/drivers/null.sys").read_bytes()
    broken = data.replace(b"IoCreateDevice\0", b"IoCreateDevicX\0")
    context.check(broken != data, "null.sys does not import IoCreateDevice")
    header = struct.unpack_from("<I", broken, 0x3C)[0]
    broken = broken[:header + 88] + bytes(4) + broken[header + 92:]
    damaged = data[:-1] + bytes([data[-1] ^ 1])
    guest = context.boot(ramdisk=disk(context, {"broken.sys": broken, "flipped.sys": damaged},
                                      SERVICE.format("broken") + SERVICE.format("flipped")))
    guest.prompt()
    printed = guest.command("sc start broken")
    context.check("ENTRYPOINT_NOT_FOUND" in printed or "C0000263" in printed.upper(), f"sc printed {printed!r}")
    guest.expect_debug(r"broken\.sys: ntoskrnl\.exe does not export IoCreateDevicX")
    printed = guest.command("sc start flipped")
    context.check("CHECKSUM" in printed.upper() or "C0000221" in printed.upper(), f"sc printed {printed!r}")
