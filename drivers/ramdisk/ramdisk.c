/*
 * ramdisk.sys: the files the loader put into memory, as a file system, \Device\Ramdisk (seen as
 * \SystemRoot). Read-only.
 *
 * The archive is found through KeLoaderBlock, mapped, and read into a tree when the driver starts
 * (archive.c); after that the tree never changes, so reading takes no lock, unless ranges of the
 * file are locked (lock.c), and opening only that of share access (open.c). A file's FsContext is
 * its node; FsContext2 of a directory, when it has been listed, is its cursor (directory.c).
 *
 * The device does neither buffered nor direct I/O: reads and directory queries copy to the
 * caller's own memory, in the caller's thread, under __try. Whatever would change the disk fails
 * with STATUS_MEDIA_WRITE_PROTECTED. The driver holds what the system runs from, so it cannot be
 * unloaded.
 */
#include "ramdisk.h"
#include "../../boot/loader.h"

__declspec(dllimport) extern PLOADER_PARAMETER_BLOCK KeLoaderBlock;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_DISPATCH RamdiskClose, RamdiskRead, RamdiskWrite, RamdiskFlush;

static NTSTATUS NTAPI
RamdiskClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    RamdiskFreeCursor(IoGetCurrentIrpStackLocation(Irp)->FileObject->FsContext2);
    return RamdiskComplete(Irp, STATUS_SUCCESS, 0);
}

/* Where the data goes: the caller's memory, or pages somebody has locked already. */
static PVOID
RamdiskTarget(PIRP Irp)
{
    if (Irp->MdlAddress != NULL)
        return MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    return Irp->AssociatedIrp.SystemBuffer != NULL
        ? Irp->AssociatedIrp.SystemBuffer : Irp->UserBuffer;
}

static NTSTATUS NTAPI
RamdiskRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PFILE_OBJECT       File = Stack->FileObject;
    PNODE              Node = File->FsContext;
    ULONG64            Offset = (ULONG64)Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG              Length = Stack->Parameters.Read.Length;
    PVOID              Target = RamdiskTarget(Irp);
    NTSTATUS           Status = STATUS_SUCCESS;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Node->Directory)
        return RamdiskComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if ((File->Flags & FO_NO_INTERMEDIATE_BUFFERING) && ((Offset | Length) % RAMDISK_SECTOR) != 0)
        return RamdiskComplete(Irp, STATUS_INVALID_PARAMETER, 0);
    if (Length == 0)
        return RamdiskComplete(Irp, STATUS_SUCCESS, 0);
    if (Offset >= Node->Size)
        return RamdiskComplete(Irp, STATUS_END_OF_FILE, 0);
    if (Target == NULL && Irp->MdlAddress != NULL)
        return RamdiskComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);

    if (Length > Node->Size - Offset)
        Length = (ULONG)(Node->Size - Offset);
    if (!RamdiskMayRead(Node, Irp, Stack, Length))
        return RamdiskComplete(Irp, STATUS_FILE_LOCK_CONFLICT, 0);
    __try {
        RtlCopyMemory(Target, Node->Data + Offset, Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
        Length = 0;
    }
    if (NT_SUCCESS(Status) && (File->Flags & FO_SYNCHRONOUS_IO))
        File->CurrentByteOffset.QuadPart = (LONG64)(Offset + Length);
    return RamdiskComplete(Irp, Status, Length);
}

static NTSTATUS NTAPI
RamdiskWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return RamdiskComplete(Irp, STATUS_MEDIA_WRITE_PROTECTED, 0);
}

/* Nothing is held back. */
static NTSTATUS NTAPI
RamdiskFlush(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return RamdiskComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS
RamdiskMount(PRAMDISK Disk)
{
    PHYSICAL_ADDRESS Address = { .QuadPart = (LONG64)KeLoaderBlock->RamDisk };
    const UCHAR     *Archive;
    NTSTATUS         Status;

    ExInitializeFastMutex(&Disk->ShareMutex);
    RamdiskInitializeNotify(Disk);
    Disk->Size = KeLoaderBlock->RamDiskSize;
    Archive = MmMapIoSpace(Address, Disk->Size, MmCached);
    if (Archive == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = RamdiskReadArchive(Archive, Disk->Size, &Disk->Root);
    if (!NT_SUCCESS(Status))
        MmUnmapIoSpace((PVOID)Archive, Disk->Size);
    return Status;
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Ramdisk");
    PDEVICE_OBJECT Device;
    NTSTATUS       Status;

    UNREFERENCED_PARAMETER(RegistryPath);

    Status = IoCreateDevice(DriverObject, sizeof(RAMDISK), &Name, FILE_DEVICE_DISK_FILE_SYSTEM,
                            FILE_READ_ONLY_DEVICE,
                            FALSE, &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = RamdiskMount(Device->DeviceExtension);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }

    DriverObject->MajorFunction[IRP_MJ_CREATE] = RamdiskCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = RamdiskCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = RamdiskClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = RamdiskRead;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = RamdiskWrite;
    DriverObject->MajorFunction[IRP_MJ_SET_INFORMATION] = RamdiskWrite;
    DriverObject->MajorFunction[IRP_MJ_SET_VOLUME_INFORMATION] = RamdiskWrite;
    DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = RamdiskFlush;
    DriverObject->MajorFunction[IRP_MJ_QUERY_INFORMATION] = RamdiskQueryInformation;
    DriverObject->MajorFunction[IRP_MJ_QUERY_VOLUME_INFORMATION] = RamdiskQueryVolume;
    DriverObject->MajorFunction[IRP_MJ_LOCK_CONTROL] = RamdiskLockControl;
    DriverObject->MajorFunction[IRP_MJ_DIRECTORY_CONTROL] = RamdiskDirectoryControl;
    return STATUS_SUCCESS;
}
