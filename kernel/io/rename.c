/*
 * A new name for an open file (FileRenameInformation), or a second one (FileLinkInformation).
 *
 * A name without a backslash stays in the file's directory: the driver finds all it needs in the
 * information. One that leads elsewhere, from the root or from RootDirectory, has its directory
 * opened first: IRP_MJ_CREATE with SL_OPEN_TARGET_DIRECTORY, on which the driver opens the
 * directory and leaves the last part of the name in the file object. That file object goes with
 * the request (Parameters.SetFile.FileObject), and the directory is closed again behind it. The
 * caller must be allowed to add to the directory, which must be on the file's own volume.
 */
#include "infocall.h"

static ACCESS_MASK
IopTargetAccess(PIOP_CALL Call)
{
    FILE_STANDARD_INFORMATION Standard = { .Directory = FALSE };
    ULONG_PTR                 Information;

    IopAskDriver(Call, IRP_MJ_QUERY_INFORMATION, FileStandardInformation, &Standard,
                 sizeof Standard, &Information);
    return SYNCHRONIZE | (Standard.Directory ? FILE_ADD_SUBDIRECTORY : FILE_ADD_FILE);
}

static NTSTATUS
IopOpenTarget(PIOP_CALL Call, PFILE_RENAME_INFORMATION Rename, PHANDLE Handle,
              PFILE_OBJECT *Target)
{
    UNICODE_STRING    Name = { (USHORT)Rename->FileNameLength, (USHORT)Rename->FileNameLength,
                               Rename->FileName };
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    NTSTATUS          Status;

    if (Rename->FileNameLength > MAXUSHORT)
        return STATUS_OBJECT_NAME_INVALID;
    if (Call->Mode != KernelMode && (LONG_PTR)Rename->RootDirectory < 0)
        return STATUS_INVALID_HANDLE;           // a handle of the kernel's, which would open it
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE
                               | (Call->File->Flags & FO_OPENED_CASE_SENSITIVE
                                  ? 0 : OBJ_CASE_INSENSITIVE), Rename->RootDirectory, NULL);
    Status = IoCreateFile(Handle, IopTargetAccess(Call), &Attributes, &Iosb, NULL, 0,
                          FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN,
                          FILE_OPEN_FOR_BACKUP_INTENT | FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0,
                          CreateFileTypeNone, NULL, IO_NO_PARAMETER_CHECKING
                          | IO_OPEN_TARGET_DIRECTORY | IO_FORCE_ACCESS_CHECK);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObReferenceObjectByHandle(*Handle, 0, IopFileObjectType, KernelMode,
                                       (PVOID *)Target, NULL);
    if (NT_SUCCESS(Status) && IopTopOf((*Target)->DeviceObject) != Call->Device)
        Status = STATUS_NOT_SAME_DEVICE;
    return Status;
}

NTSTATUS
IopSetName(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length, PULONG_PTR Information)
{
    PFILE_RENAME_INFORMATION Rename = Buffer;
    ULONG                    Room = Length - FIELD_OFFSET(FILE_RENAME_INFORMATION, FileName);
    PFILE_OBJECT             Target = NULL;
    HANDLE                   Handle = NULL;
    NTSTATUS                 Status = STATUS_SUCCESS;

    if (Rename->FileNameLength == 0 || (Rename->FileNameLength & 1)
        || Rename->FileNameLength > Room)
        return STATUS_INVALID_PARAMETER;
    if (Rename->RootDirectory != NULL || Rename->FileName[0] == L'\\')
        Status = IopOpenTarget(Call, Rename, &Handle, &Target);
    if (NT_SUCCESS(Status))
        Status = IopAskToName(Call, Class, Buffer, Length, Target);
    if (Target != NULL)
        ObDereferenceObject(Target);
    if (Handle != NULL)
        ObCloseHandle(Handle, KernelMode);
    return Status;
}
