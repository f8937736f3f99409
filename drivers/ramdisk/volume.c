/*
 * What a program may ask about the disk. As with files (info.c), the I/O manager has checked that
 * the fixed part of the class fits, and names are cut to what does.
 */
#include "ramdisk.h"

#define CLUSTER     RAMDISK_SECTOR

static VOID
RamdiskFillSize(PRAMDISK Disk, PFILE_FS_SIZE_INFORMATION Size)
{
    Size->TotalAllocationUnits.QuadPart = (LONG64)(Disk->Size / CLUSTER);
    Size->AvailableAllocationUnits.QuadPart = 0;
    Size->SectorsPerAllocationUnit = 1;
    Size->BytesPerSector = CLUSTER;
}

static VOID
RamdiskFillFullSize(PRAMDISK Disk, PFILE_FS_FULL_SIZE_INFORMATION Size)
{
    RtlZeroMemory(Size, sizeof *Size);          // nothing is free
    Size->TotalAllocationUnits.QuadPart = (LONG64)(Disk->Size / CLUSTER);
    Size->SectorsPerAllocationUnit = 1;
    Size->BytesPerSector = CLUSTER;
}

/* Copies as much of Text as fits behind Offset; returns the bytes used in all. */
static ULONG
RamdiskFillText(PVOID Buffer, ULONG Offset, ULONG Length, PCWSTR Text, ULONG TextLength,
                PNTSTATUS Status)
{
    ULONG Fits = min(TextLength, Length - Offset);

    RtlCopyMemory((PUCHAR)Buffer + Offset, Text, Fits);
    if (Fits < TextLength)
        *Status = STATUS_BUFFER_OVERFLOW;
    return Offset + Fits;
}

NTSTATUS NTAPI
RamdiskQueryVolume(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    static const WCHAR             Label[] = L"ETUDE", Kind[] = L"USTAR";
    PIO_STACK_LOCATION             Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG                          Length = Stack->Parameters.QueryVolume.Length;
    PVOID                          Buffer = Irp->AssociatedIrp.SystemBuffer;
    PFILE_FS_VOLUME_INFORMATION    Volume = Buffer;
    PFILE_FS_ATTRIBUTE_INFORMATION Attributes = Buffer;
    PFILE_FS_DEVICE_INFORMATION    Device = Buffer;
    NTSTATUS                       Status = STATUS_SUCCESS;
    ULONG                          Used = 0;

    switch (Stack->Parameters.QueryVolume.FsInformationClass) {
    case FileFsDeviceInformation:
        Device->DeviceType = FILE_DEVICE_DISK;
        Device->Characteristics = DeviceObject->Characteristics;
        Used = sizeof *Device;
        break;
    case FileFsSizeInformation:
        RamdiskFillSize(DeviceObject->DeviceExtension, Buffer);
        Used = sizeof(FILE_FS_SIZE_INFORMATION);
        break;
    case FileFsVolumeInformation:
        Volume->VolumeCreationTime.QuadPart = 0;
        Volume->VolumeSerialNumber = 0x45545544;
        Volume->SupportsObjects = FALSE;
        Volume->VolumeLabelLength = sizeof Label - sizeof(WCHAR);
        Used = RamdiskFillText(Buffer, FIELD_OFFSET(FILE_FS_VOLUME_INFORMATION, VolumeLabel),
                               Length, Label,
                               Volume->VolumeLabelLength, &Status);
        break;
    case FileFsAttributeInformation:
        Attributes->FileSystemAttributes = FILE_READ_ONLY_VOLUME
            | FILE_CASE_PRESERVED_NAMES | FILE_SUPPORTS_OPEN_BY_FILE_ID;
        Attributes->MaximumComponentNameLength = 100;
        Attributes->FileSystemNameLength = sizeof Kind - sizeof(WCHAR);
        Used = RamdiskFillText(Buffer, FIELD_OFFSET(FILE_FS_ATTRIBUTE_INFORMATION,
                                                    FileSystemName), Length, Kind,
                               Attributes->FileSystemNameLength, &Status);
        break;
    case FileFsFullSizeInformation:
        RamdiskFillFullSize(DeviceObject->DeviceExtension, Buffer);
        Used = sizeof(FILE_FS_FULL_SIZE_INFORMATION);
        break;
    default:
        Status = STATUS_INVALID_PARAMETER;
        break;
    }
    return RamdiskComplete(Irp, Status, Used);
}
