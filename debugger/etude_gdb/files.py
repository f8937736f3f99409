"""!fileobj: open files."""
from . import drivers, target
from .command import Command, show
from .target import Unreadable, counted, integer, safe, struct_at

FILE_FLAGS = {1 << bit: f"FO_{name}" for bit, name in enumerate(
    ("FILE_OPEN SYNCHRONOUS_IO ALERTABLE_IO NO_INTERMEDIATE_BUFFERING WRITE_THROUGH SEQUENTIAL_ONLY CACHE_SUPPORTED NAMED_PIPE "
     "STREAM_FILE MAILSLOT QUEUE_IRP_TO_THREAD DIRECT_DEVICE_OPEN FILE_MODIFIED FILE_SIZE_CHANGED CLEANUP_COMPLETE "
     "TEMPORARY_FILE DELETE_ON_CLOSE OPENED_CASE_SENSITIVE HANDLE_CREATED FILE_FAST_IO_READ RANDOM_ACCESS "
     "FILE_OPEN_CANCELLED VOLUME_OPEN").split())}
MODES = (("Read", "ReadAccess"), ("Write", "WriteAccess"), ("Delete", "DeleteAccess"),
         ("SharedRead", "SharedRead"), ("SharedWrite", "SharedWrite"), ("SharedDelete", "SharedDelete"))
IO_TYPE_FILE = 5


class FileObj(Command):
    """Shows a file: name, device, event, access, flags, the driver's contexts, position, completion port.

    FILE is an address or an expression, e.g. $handle(0x10)."""

    name, usage = "fileobj", "!fileobj FILE"

    def run(self, arguments):
        from .command import number
        if len(arguments) != 1:
            self.wrong()
        address = number(arguments[0])
        value = struct_at("FILE_OBJECT", address)
        if int(value["Type"]) != IO_TYPE_FILE:
            raise Unreadable(f"{address:#x} is not a FILE_OBJECT: its Type is {int(value['Type'])}, not {IO_TYPE_FILE}")
        show(f"File object ({address:016x}) is for:", "!object")
        print(f" {counted(value['FileName']) or '(no name: the device itself)'}\n")
        self.print_places(value)
        modes = [name for name, field in MODES if int(value[field])]
        print(f"Access: {' '.join(modes) or 'none recorded'}")
        flags = int(value["Flags"])
        print(f"\nFlags: {flags:#x}")
        for bit, name in FILE_FLAGS.items():
            if flags & bit:
                print(f"    {name}")
        first, second = integer(value["FsContext"]), integer(value["FsContext2"])
        print()
        show(f"FsContext: {first:016x} FsContext2: {second:016x}", "!pool" if first or second else "")
        print(f"CurrentByteOffset: {int(value['CurrentByteOffset']['QuadPart'])}")

    @staticmethod
    def print_places(value):
        device, related = integer(value["DeviceObject"]), integer(value["RelatedFileObject"])
        if related:
            name = safe(lambda: counted(struct_at("FILE_OBJECT", related)["FileName"]))
            show(f"Related File Object: {related:016x}  {name}", "!fileobj")
        show(f"Device Object: {device:016x}  {drivers.driver_of(device)}", "!devobj" if device else "")
        vpb, port = integer(value["Vpb"]), integer(value["CompletionContext"])
        show(f"Vpb: {vpb:016x}" if vpb else "Vpb is NULL", "dt _VPB" if vpb else "")
        print("Event signalled" if int(value["Event"]["Header"]["SignalState"]) else "Event not signalled")
        if int(value["Flags"]) & 2:
            print(f"Synchronous: {'busy' if int(value['Busy']) else 'not busy'}, {int(value['Waiters'])} waiting for the file's lock")
        if port:
            show(f"Completion Context: {port:016x}", "dt _IO_COMPLETION_CONTEXT")


FileObj()
