/*
 * What is known about the volume or device behind an open file: NtQueryVolumeInformationFile and
 * NtSetVolumeInformationFile. The tables are read as in infocall.c.
 *
 * Type and characteristics of a device that carries no file system are in its device object, and
 * need no IRP: so every device, whatever its driver knows, can be told from a disk or a pipe.
 */
#include "infocall.h"

static BOOLEAN
IopIsFileSystem(DEVICE_TYPE Type)
{
    return Type == FILE_DEVICE_DISK_FILE_SYSTEM || Type == FILE_DEVICE_CD_ROM_FILE_SYSTEM
        || Type == FILE_DEVICE_NETWORK_FILE_SYSTEM || Type == FILE_DEVICE_TAPE_FILE_SYSTEM;
}

static NTSTATUS
IopQueryVolumeDevice(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length,
                     PULONG_PTR Information)
{
    PFILE_FS_DEVICE_INFORMATION Device = Buffer;
    PDEVICE_OBJECT              Object = Call->File->DeviceObject;

    if (IopIsFileSystem(Object->DeviceType))
        return IopAskDriver(Call, IRP_MJ_QUERY_VOLUME_INFORMATION, Class, Buffer, Length,
                            Information);
    Device->DeviceType = Object->DeviceType;
    Device->Characteristics = Object->Characteristics;
    return STATUS_SUCCESS;
}

static const IOP_INFORMATION_CLASS IopQueryVolumeClasses[] = {
    [FileFsVolumeInformation] = IOP_CLASS(FILE_FS_VOLUME_INFORMATION, 0, NULL),
    [FileFsSizeInformation] = IOP_CLASS(FILE_FS_SIZE_INFORMATION, 0, NULL),
    [FileFsDeviceInformation] = IOP_CLASS(FILE_FS_DEVICE_INFORMATION, 0, IopQueryVolumeDevice),
    [FileFsAttributeInformation] = IOP_CLASS(FILE_FS_ATTRIBUTE_INFORMATION, 0, NULL),
    [FileFsControlInformation] = IOP_CLASS(FILE_FS_CONTROL_INFORMATION, FILE_READ_DATA, NULL),
    [FileFsFullSizeInformation] = IOP_CLASS(FILE_FS_FULL_SIZE_INFORMATION, 0, NULL),
    [FileFsObjectIdInformation] = IOP_CLASS(FILE_FS_OBJECTID_INFORMATION, 0, NULL),
    [FileFsDriverPathInformation] = IOP_CLASS(FILE_FS_DRIVER_PATH_INFORMATION, 0, NULL),
};

static const IOP_INFORMATION_CLASS IopSetVolumeClasses[] = {
    [FileFsLabelInformation] = IOP_CLASS(FILE_FS_LABEL_INFORMATION, FILE_WRITE_DATA, NULL),
    [FileFsControlInformation] = IOP_CLASS(FILE_FS_CONTROL_INFORMATION, FILE_WRITE_DATA, NULL),
    [FileFsObjectIdInformation] = IOP_CLASS(FILE_FS_OBJECTID_INFORMATION, FILE_WRITE_DATA, NULL),
};

/* System service: one class of information about the volume or device behind an open file. */
NTSTATUS NTAPI
NtQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                             PVOID FsInformation, ULONG Length,
                             FS_INFORMATION_CLASS FsInformationClass)
{
    return IopInformation(IopQueryVolumeClasses, RTL_NUMBER_OF(IopQueryVolumeClasses),
                          FsInformationClass, IRP_MJ_QUERY_VOLUME_INFORMATION, FileHandle,
                          IoStatusBlock, FsInformation, Length);
}

/* System service: changes one class of information of the volume behind an open file. */
NTSTATUS NTAPI
NtSetVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FsInformation,
                           ULONG Length, FS_INFORMATION_CLASS FsInformationClass)
{
    return IopInformation(IopSetVolumeClasses, RTL_NUMBER_OF(IopSetVolumeClasses),
                          FsInformationClass, IRP_MJ_SET_VOLUME_INFORMATION, FileHandle,
                          IoStatusBlock, FsInformation, Length);
}
