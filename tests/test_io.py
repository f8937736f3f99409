"""The I/O manager: its promises to drivers, what becomes of a driver that breaks a rule, drivers that cannot be loaded."""
import io
import re
import tarfile

from etude import BUILD, EXIT_BUGCHECK, test

IRP_TWICE, IO_MANAGER = "00000044 MULTIPLE_IRP_COMPLETE_REQUESTS", "000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION"
VERIFIER = "000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION"
SINS = {                # the last part of the service's name: code, first parameter, what the sentence before the report says
    "double": (IRP_TWICE, None, "completed before"),
    "pending": (IO_MANAGER, "06", "with STATUS_PENDING"),
    "cancelroutine": ("00000048 CANCEL_STATE_IN_COMPLETED_IRP", None, "cancel routine still set"),
    "irql": (IO_MANAGER, "05", "at IRQL 2, was called at 0"),
    "region": (VERIFIER, "C5", "with APCs disabled"),
    "forgotten": (IO_MANAGER, "226", "the IRP is not completed"),
    "marked": (IO_MANAGER, "23E", "did not return STATUS_PENDING"),
    "unmarked": (IO_MANAGER, "23D", "did not mark the IRP pending"),
    "unmarkedlater": (IO_MANAGER, "23D", "did not mark the IRP pending"),
    "unmarkedthread": (IO_MANAGER, "23D", "did not mark the IRP pending"),
    "overrun": ("00000019 BAD_POOL_HEADER", "20", "past the end of a system buffer"),
    "information": (IO_MANAGER, "312", "more in IoStatus.Information than its output buffer"),
    "informationquery": (IO_MANAGER, "312", "more in IoStatus.Information than the information's buffer"),
    "informationlater": (IO_MANAGER, "312", "more in IoStatus.Information than its output buffer"),
    "freedtwice": (IO_MANAGER, "01", "was freed before"),
    "freeinuse": (IO_MANAGER, "02", "still on its thread's list"),
    "freebelow": (IO_MANAGER, "20B", "freed an IRP that a driver below still has"),
    "reuse": (IO_MANAGER, "20B", "reused an IRP that a driver below still has"),
    "reusefreed": (IO_MANAGER, "01", "reused an IRP that is none"),
    "locations": ("00000035 NO_MORE_IRP_STACK_LOCATIONS", None, "further down than it has stack locations"),
    "high": (IO_MANAGER, "0E", "above DISPATCH_LEVEL"),
    "freedcall": (IO_MANAGER, "03", "sent something that is not an IRP"),
    "top": ("0000002A INCONSISTENT_IRP", None, "STATUS_MORE_PROCESSING_REQUIRED"),
    "cancellock": (VERIFIER, "40009", "without releasing the cancel spin lock"),
    "removelock": (VERIFIER, "D5", "released a remove lock more often"),
    "deletetwice": (IO_MANAGER, "240", "deleted a device twice"),
    "deleteattached": (IO_MANAGER, "201", "deleted a device that is attached to another"),
}


def inside(name, sentence, timeout=180, extra=()):
    """A driver that tests from inside."""
    def body(context):
        guest = context.boot(extra=extra)
        guest.prompts()
        guest.command(f"sc start {name}")
        context.marked(guest.debug_text(), name)
        stopped = guest.command(f"sc stop {name}")
        guest.expect_debug(rf"\\Driver\\{name} is unloaded")
        context.check("0xC" not in stopped, f"`sc stop {name}` said {stopped!r}")

    body.__name__, body.__module__ = name, __name__
    test(sentence, timeout=timeout, smp=(1, 4))(body)


inside("ktio", "Transfers and control requests reach a driver as its device asks for them")
inside("ktirp", "IRPs that drivers make are sent, kept, finished and passed along a stack")
inside("ktcancel", "Pended IRPs are cancelled or completed, each exactly once")
inside("ktdev", "Devices and drivers come and go with every count where it was", timeout=300)
inside("ktshare", "Share access is checked and counted as documented, through all its routines", timeout=60)
inside("ktrename", "New names of files reach the driver, with the directory they lead to", timeout=60)
inside("ktintr", "Interrupts of two cards on one line", extra=("-device", "edu,addr=4", "-device", "edu,addr=8"))
inside("ktsmall", "Routines that no other test driver calls do what is documented")
inside("ktpath", "Fast I/O, associated IRPs, remove locks, boosts")
inside("ktopen", "An open relative to a file, and one that goes on elsewhere", timeout=60)
inside("ktfile", "The RAM disk, the pipe and the null device do what they say")


def commit(sin):
    code, parameter, sentence = SINS[sin]

    def body(context):
        guest = context.boot(append="cancelwait=1")
        guest.prompt()
        guest.send(f"sc start badio-{sin}\r")
        status = guest.wait_exit()
        report = guest.debug_text()
        context.check(status == EXIT_BUGCHECK, f"QEMU ended with {status}, not with a bugcheck's {EXIT_BUGCHECK}")
        patterns = [rf"\*\*\* STOP 0x{code}", r"Driver at fault: badio\.sys \(badio!\w+\+",
                    rf"Driver badio .*{re.escape(sentence)}.*\(badio!(Bad\w+|Dispatch|CancelHolding)\+"]
        if parameter:
            patterns.append(rf"1: 0*{parameter}\b")
        for pattern in patterns:
            context.check(re.search(pattern, report), f"the report does not have {pattern!r}")

    body.__name__, body.__module__ = sin, __name__
    test(f"The sin `{sin}` against the I/O manager stops the machine and names badio.sys")(body)


for _sin in SINS:
    commit(_sin)


def disk_with(context, drivers, services=None):
    """The test RAM disk, with these .sys files and a service on demand for each, or the services {name: (start, file)}."""
    services = services or {name: (3, name) for name in drivers}
    target = io.BytesIO()
    with tarfile.open(BUILD / "ramdisk-test.tar") as source, \
            tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as disk:
        for member in source:
            data = source.extractfile(member).read()
            if member.name.endswith("system.reg"):
                for name, (start, file) in services.items():
                    data += (f"\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\{name}]\n"
                             f"\"Type\"=dword:00000001\n\"Start\"=dword:{start:08}\n"
                             f"\"ImagePath\"=\"System32\\\\drivers\\\\{file}.sys\"\n").encode()
                member.size = len(data)
            disk.addfile(member, io.BytesIO(data))
        for name, data in drivers.items():
            member = tarfile.TarInfo(f"System32/drivers/{name}.sys")
            member.size = len(data)
            disk.addfile(member, io.BytesIO(data))
    return context.scratch("damaged.tar", target.getvalue())


@test("Reinitialisation routines run when the boot drivers, and when all drivers have started, in order, and are counted")
def reinitialization(context):
    services = {"ktboot-early": (0, "ktboot"), "ktboot-late": (1, "ktboot2")}
    guest = context.boot(ramdisk=disk_with(context, {"ktboot2": (BUILD / "stripped/tests/drivers/ktboot.sys").read_bytes()},
                                           services))
    guest.prompt()
    said = re.findall(r"ktboot: (.*)", guest.debug_text())
    wanted = ["early starts", "early is called after the boot drivers, context 11, count 1",
              "early is called after the boot drivers, context 12, count 2", "late starts",
              "early is called again, context 13, count 3", "late is called again, context 21, count 1"]
    context.check(said == wanted, f"it said {said}")


@test("A driver with a missing import fails to load, and the line names driver and routine")
def missing_import(context):
    guest = context.boot()
    guest.prompt()
    printed = guest.command("sc start noimport")
    context.check("STATUS_DRIVER_ENTRYPOINT_NOT_FOUND" in printed, f"sc printed {printed!r}")
    guest.expect_debug(r"noimport\.sys.*CcMdlReadComplete")


@test("Damaged drivers are refused with a status, every one, and the system goes on", timeout=120)
def damaged(context):
    whole = (BUILD / "stripped" / "drivers" / "null.sys").read_bytes()
    pe = int.from_bytes(whole[0x3C:0x40], "little")

    def patched(offset, data):
        return whole[:offset] + data + whole[offset + len(data):]

    variants = {
        "d-empty": b"\0", "d-text": b"This is not a driver at all.\n" * 40,
        "d-header": whole[:0x40], "d-cut": whole[:len(whole) // 2], "d-tail": whole[:-1],
        "d-magic": patched(0, b"ZM"), "d-signature": patched(pe, b"NE\0\0"),
        "d-machine": patched(pe + 4, b"\x4c\x01"), "d-far": patched(0x3C, b"\xff\xff\xff\x7f"),
        "d-sections": patched(pe + 6, b"\xff\xff"), "d-optional": patched(pe + 20, b"\0\0"),
        "d-entry": patched(pe + 24 + 16, b"\xff\xff\xff\x7f"), "d-size": patched(pe + 24 + 56, b"\xff\xff\xff\x7f"),
        "d-imports": patched(pe + 24 + 112 + 8, b"\xf0\xff\xff\x7f"),
        "d-relocations": patched(pe + 24 + 112 + 40, b"\xf0\xff\xff\x7f"),
    }
    guest = context.boot(ramdisk=disk_with(context, variants))
    guest.prompt()
    for name in variants:
        printed = guest.command(f"sc start {name}")
        context.check(re.search(r"STATUS_\w+", printed) and "STATUS_SUCCESS" not in printed, f"{name}: {printed!r}")
    printed = guest.command("sc query null")
    context.check("RUNNING" in printed.upper(), f"the system does not go on: {printed!r}")


@test("A driver whose devices are open stops when the last file is closed, and says so until then")
def stop_pending(context):
    guest = context.boot()
    guest.prompt(1)
    guest.send("usedriver3 KEEP\r", 1)
    guest.expect("Press Enter", 1)
    guest.prompt(0)
    first = guest.command("sc stop pipe")
    refused = guest.command("usedriver3 OTHER")
    context.check("STATUS_" in refused, f"a new open while the unload is pending: {refused!r}")
    guest.send("\x04", 1)
    guest.prompt(1)
    guest.expect_debug(r"\\Driver\\pipe is unloaded")
    context.check("PENDING" in first.upper(), f"`sc stop pipe` said {first!r}")
    guest.command("sc start pipe")
    context.check("RUNNING" in guest.command("sc query pipe").upper(), "pipe did not start again")
