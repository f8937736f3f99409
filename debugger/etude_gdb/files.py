"""!fileobj and !irp: open files, and requests on their way through a device stack."""
from . import drivers, modules, objects, printers, target
from .command import Command, number
from .target import Unreadable, counted, integer, struct_at

FILE_FLAGS = {1 << bit: f"FO_{name}" for bit, name in enumerate(
    ("FILE_OPEN SYNCHRONOUS_IO ALERTABLE_IO NO_INTERMEDIATE_BUFFERING WRITE_THROUGH SEQUENTIAL_ONLY CACHE_SUPPORTED NAMED_PIPE "
     "STREAM_FILE MAILSLOT QUEUE_IRP_TO_THREAD DIRECT_DEVICE_OPEN FILE_MODIFIED FILE_SIZE_CHANGED CLEANUP_COMPLETE "
     "TEMPORARY_FILE DELETE_ON_CLOSE OPENED_CASE_SENSITIVE HANDLE_CREATED FILE_FAST_IO_READ RANDOM_ACCESS "
     "FILE_OPEN_CANCELLED VOLUME_OPEN").split())}
PENDING, ON_CANCEL, ON_SUCCESS, ON_ERROR = 0x01, 0x20, 0x40, 0x80
IO_TYPE_IRP, IO_TYPE_FILE = 6, 5


class FileObj(Command):
    """Shows a file: name, device, access, flags, the driver's contexts, position."""

    name, usage = "fileobj", "!fileobj ADDRESS"

    def run(self, arguments):
        if len(arguments) != 1:
            self.wrong()
        address = number(arguments[0])
        value = struct_at("FILE_OBJECT", address)
        if int(value["Type"]) != IO_TYPE_FILE:
            raise Unreadable(f"{address:#x} is not a FILE_OBJECT: its Type is {int(value['Type'])}, not {IO_TYPE_FILE}")
        device, related = integer(value["DeviceObject"]), integer(value["RelatedFileObject"])
        print(f"{counted(value['FileName']) or '(no name: the device itself)'}\n")
        if related:
            print(f"Related File Object: {related:016x}")
        driver = integer(struct_at("DEVICE_OBJECT", device)["DriverObject"])
        print(f"Device Object: {device:016x}  {drivers.driver_name(driver)}   (!devobj {device:x})")
        print(f"Vpb: {integer(value['Vpb']):016x}" if integer(value["Vpb"]) else "Vpb is NULL")
        print("Event signalled" if int(value["Event"]["Header"]["SignalState"]) else "Event not signalled")
        modes = [name for name, field in (("Read", "ReadAccess"), ("Write", "WriteAccess"), ("Delete", "DeleteAccess"),
                 ("SharedRead", "SharedRead"), ("SharedWrite", "SharedWrite"), ("SharedDelete", "SharedDelete")) if int(value[field])]
        print(f"Access: {' '.join(modes)}")
        flags = int(value["Flags"])
        print(f"\nFlags: {flags:#x}")
        for bit, name in FILE_FLAGS.items():
            if flags & bit:
                print(f"    {name}")
        print(f"\nFsContext: {integer(value['FsContext']):016x} FsContext2: {integer(value['FsContext2']):016x}")
        print(f"CurrentByteOffset: {int(value['CurrentByteOffset']['QuadPart'])}")
        print(f"(its counts: !object {address:x})")


FileObj()


def current_location(irp):
    overlay = irp["Tail"]["Overlay"]
    return integer(overlay["CurrentStackLocation"])


def print_location(address, is_current, setter):
    """One stack location. Its completion routine was set by `setter`, the driver above it."""
    value = struct_at("IO_STACK_LOCATION", address)
    major, minor = int(value["MajorFunction"]), int(value["MinorFunction"])
    control, device = int(value["Control"]), integer(value["DeviceObject"])
    routine, context = integer(value["CompletionRoutine"]), integer(value["Context"])
    if major == 0 and device == 0 and routine == 0 and not is_current:
        print(" [unused]")
        return device
    name = drivers.MAJORS[major] if major < len(drivers.MAJORS) else "?"
    print(f"{'>' if is_current else ' '}[IRP_MJ_{name}({major:x}), {minor:x}]")
    when = [word for bit, word in ((ON_SUCCESS, "Success"), (ON_ERROR, "Error"), (ON_CANCEL, "Cancel")) if control & bit and routine]
    pending = " pending" if control & PENDING else ""
    print(f"        {int(value['Flags']):3x} {control:2x} {device:016x} {integer(value['FileObject']):016x} "
          f"{routine:016x}-{context:016x} {' '.join(when)}{pending}".rstrip())
    if device:
        print(f"           {drivers.driver_name(integer(struct_at('DEVICE_OBJECT', device)['DriverObject']))}"
              f"   {drivers.device_name(device)}")
    if routine:
        print(f"           when this location is done with {', '.join(when) or 'nothing'}: {modules.symbol(routine)}, set by {setter}")
    words = address + target.offset_of("IO_STACK_LOCATION", "Parameters")
    print("           Args: " + " ".join(f"{word:016x}" for word in target.unpack("<4Q", words)))
    return device


class Irp(Command):
    """Shows a request: every stack location, the routine that runs when it is done, and who set it."""

    name, usage = "irp", "!irp ADDRESS"

    def run(self, arguments):
        if len(arguments) != 1:
            self.wrong()
        address = number(arguments[0])
        irp = struct_at("IRP", address)
        if int(irp["Type"]) != IO_TYPE_IRP:
            raise Unreadable(f"{address:#x} is not an IRP: its Type is {int(irp['Type'])}, not {IO_TYPE_IRP} (was it freed?)")
        count, current = int(irp["StackCount"]), int(irp["CurrentLocation"])
        state = "is active" if current <= count else "is completed or not sent yet"
        print(f"Irp {state} with {count} stacks, {current} is current (= {current_location(irp):016x})")
        mdl, system = integer(irp["MdlAddress"]), integer(irp["AssociatedIrp"]["SystemBuffer"])
        print(f" {f'Mdl={mdl:016x}' if mdl else 'No Mdl'}: {f'System buffer={system:016x}' if system else 'No System Buffer'}: "
              f"Thread {integer(irp['Tail']['Overlay']['Thread']):016x}:")
        status = int(irp["IoStatus"]["Status"]) & 0xFFFFFFFF
        print(f" IoStatus {status:#010x} {printers.status_name(status)}, Information {int(irp['IoStatus']['Information']):#x}")
        cancel = integer(irp["CancelRoutine"])
        print(f" Cancel {'asked for' if int(irp['Cancel']) else 'not asked for'}, cancel routine "
              f"{modules.symbol(cancel) if cancel else 'none'}\n")
        print("     flg cl Device           File             Completion-Context")
        size, first = target.c_type("IO_STACK_LOCATION").sizeof, address + target.c_type("IRP").sizeof
        for index in range(count, 0, -1):
            above = first + index * size
            setter = "the one who sent the IRP"
            if index < count:
                device = integer(struct_at("IO_STACK_LOCATION", above)["DeviceObject"])
                if device:
                    setter = drivers.driver_name(integer(struct_at("DEVICE_OBJECT", device)["DriverObject"]))
            print_location(first + (index - 1) * size, index == current, setter)


Irp()
