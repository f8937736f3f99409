"""The boot chain: the loader's refusals, the banner, the command line, GRUB."""
import re

from etude import BUILD, EXIT_LOADER, test

KERNEL, RAMDISK = BUILD / "ntoskrnl.exe", BUILD / "ramdisk.tar"


def refused(context, sentence, **modules):
    """Boots and expects the loader's sentence on both ports and its exit status."""
    guest = context.boot(**modules)
    status = guest.wait_exit()
    context.check(status == EXIT_LOADER, f"QEMU ended with {status}, not {EXIT_LOADER}")
    guest.expect(sentence)
    context.check(re.search(sentence, guest.debug_text()), "the debug port does not have the sentence")


def damaged(path, offset, data):
    contents = bytearray(path.read_bytes())
    contents[offset:offset + len(data)] = data
    return bytes(contents)


@test("A missing module is named, not a triple fault", timeout=20, smp=(1,))
def modules_missing(context):
    refused(context, "two modules are wanted", initrd="")
    refused(context, "two modules are wanted", initrd=str(KERNEL))


@test("Modules in the wrong order are told apart", timeout=20, smp=(1,))
def modules_swapped(context):
    refused(context, "first module is not a program image", initrd=f"{RAMDISK},{KERNEL}")
    refused(context, "second module is not a ustar archive", initrd=f"{KERNEL},{KERNEL}")


@test("A kernel image cut short or with one byte changed anywhere is refused", timeout=40, smp=(1,))
def kernel_damaged(context):
    whole = KERNEL.read_bytes()
    pe = int.from_bytes(whole[0x3C:0x40], "little")
    cut = context.scratch("cut.exe", whole[:len(whole) // 2])
    flipped = context.scratch("flipped.exe", damaged(KERNEL, len(whole) // 3, bytes([whole[len(whole) // 3] ^ 1])))
    header = context.scratch("header.exe", damaged(KERNEL, 0x3C, b"\xf0\xff\xff\xff"))
    machine = context.scratch("machine.exe", damaged(KERNEL, pe + 4, b"\x4c\x01"))
    tiny = context.scratch("tiny.exe", b"MZ")
    refused(context, "checksum", kernel=cut)
    refused(context, "checksum", kernel=flipped)
    refused(context, "PE header lies outside", kernel=header)
    refused(context, "not a 64-bit x86 image", kernel=machine)
    refused(context, "no MZ", kernel=tiny)


@test("A driver or a program in the kernel's place is refused", timeout=30, smp=(1,))
def kernel_foreign(context):
    for path in sorted((BUILD / "stripped").glob("*.exe")):
        if path.name != "ntoskrnl.exe":
            refused(context, "is a program for users|is damaged", kernel=path)
            break
    for path in sorted((BUILD / "drivers").glob("*.sys"))[:1]:
        refused(context, "linked for the address", kernel=path)


@test("A RAM disk with a broken header, cut short, or without its end is refused", timeout=30, smp=(1,))
def ramdisk_damaged(context):
    whole = RAMDISK.read_bytes()
    refused(context, "is not one of ustar's", ramdisk=context.scratch("a.tar", damaged(RAMDISK, 0, b"X")))
    refused(context, "cut short", ramdisk=context.scratch("b.tar", whole[:700]))
    refused(context, "not a ustar archive", ramdisk=context.scratch("c.tar", damaged(RAMDISK, 257, b"nostar")))


@test("The banner stands within seconds and the command line is printed")
def banner(context):
    guest = context.boot(append="hello=world twice")
    guest.expect("Etude")
    guest.expect("hello=world twice")
    guest.prompt()


@test("Any number of processors up to eight boots to a prompt on both consoles", smp=(2, 3, 8))
def processors(context):
    guest = context.boot()
    guest.prompt(0)
    guest.prompt(1)
    printed = guest.command("echo up")
    context.check(printed.strip() == "up", f"`echo up` printed {printed!r}")


@test("GRUB boots the CD to a prompt on both consoles", timeout=90, smp=(4,))
def grub(context):
    guest = context.boot(iso=BUILD / "etude.iso")
    guest.expect("Etude")
    guest.prompt()
    guest.send("\r", console=1)
    guest.prompt(console=1)


@test("`shutdown` powers the machine off: QEMU ends by itself with status 0")
def shutdown(context):
    guest = context.boot()
    guest.prompt()
    guest.send("shutdown\r")
    status = guest.wait_exit()
    context.check(status == 0, f"QEMU ended with {status}")
