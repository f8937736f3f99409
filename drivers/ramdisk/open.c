/*
 * Opening: from a name, or a file's number (FILE_OPEN_BY_FILE_ID), to a node; what a read-only disk
 * must refuse; and share access, which counts for files and directories alike.
 *
 * A name may be relative to an open directory; then it does not begin with a backslash.
 */
#include "ramdisk.h"

#define WRITE_RIGHTS \
    (FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES | DELETE \
     | FILE_DELETE_CHILD | WRITE_DAC | WRITE_OWNER)

/* What the caller wants to do must be something a read-only disk can do. */
static NTSTATUS
RamdiskCheckOpen(PIO_STACK_LOCATION Stack, PNODE Node, BOOLEAN Volume)
{
    ULONG         Options = Stack->Parameters.Create.Options;
    ULONG         Disposition = Options >> 24;
    PACCESS_STATE AccessState = Stack->Parameters.Create.SecurityContext->AccessState;

    if (Disposition == FILE_CREATE)
        return STATUS_OBJECT_NAME_COLLISION;
    if (Disposition != FILE_OPEN && Disposition != FILE_OPEN_IF)
        return STATUS_MEDIA_WRITE_PROTECTED;
    if ((Options & FILE_DIRECTORY_FILE) && !Node->Directory)
        return STATUS_NOT_A_DIRECTORY;
    if ((Options & FILE_NON_DIRECTORY_FILE) && Node->Directory && !Volume)
        return STATUS_FILE_IS_A_DIRECTORY;
    if (Options & FILE_DELETE_ON_CLOSE)
        return STATUS_MEDIA_WRITE_PROTECTED;
    if (!(AccessState->OriginalDesiredAccess & MAXIMUM_ALLOWED)
        && (Stack->Parameters.Create.SecurityContext->DesiredAccess & WRITE_RIGHTS))
        return STATUS_MEDIA_WRITE_PROTECTED;
    return STATUS_SUCCESS;
}

static NTSTATUS
RamdiskFindByNumber(PNODE Root, PFILE_OBJECT File, PNODE *Node)
{
    *Node = NULL;
    if (File->FileName.Length != sizeof(LONG64))
        return STATUS_INVALID_PARAMETER;
    *Node = RamdiskFindId(Root, *(LONG64 UNALIGNED *)File->FileName.Buffer);
    return *Node != NULL ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static NTSTATUS
RamdiskFindFile(PNODE Root, PIO_STACK_LOCATION Stack, PNODE *Node)
{
    PFILE_OBJECT File = Stack->FileObject;

    if (Stack->Parameters.Create.Options & FILE_OPEN_BY_FILE_ID)
        return RamdiskFindByNumber(Root, File, Node);
    if (File->RelatedFileObject == NULL)
        return RamdiskFind(Root, &File->FileName, Node);
    if (File->FileName.Length != 0 && File->FileName.Buffer[0] == L'\\')
        return STATUS_INVALID_PARAMETER;
    return RamdiskFind(File->RelatedFileObject->FsContext, &File->FileName, Node);
}

/*
 * MAXIMUM_ALLOWED is what the disk allows, which is to read: the I/O manager has granted more than
 * that before it knew.
 */
static NTSTATUS
RamdiskShare(PRAMDISK Disk, PIO_STACK_LOCATION Stack, PNODE Node)
{
    ACCESS_MASK Access = Stack->Parameters.Create.SecurityContext->DesiredAccess & ~WRITE_RIGHTS;
    NTSTATUS    Status;

    ExAcquireFastMutex(&Disk->ShareMutex);
    Status = IoCheckShareAccess(Access, Stack->Parameters.Create.ShareAccess, Stack->FileObject,
                                &Node->Share, TRUE);
    ExReleaseFastMutex(&Disk->ShareMutex);
    return Status;
}

NTSTATUS NTAPI
RamdiskCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PRAMDISK           Disk = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PFILE_OBJECT       File = Stack->FileObject;
    ULONG              Disposition = Stack->Parameters.Create.Options >> 24;
    BOOLEAN            Volume = File->FileName.Length == 0 && File->RelatedFileObject == NULL;
    PNODE              Node;
    NTSTATUS           Status;

    if (Stack->Flags & SL_OPEN_TARGET_DIRECTORY)        // somebody wants to put a name there
        return RamdiskComplete(Irp, STATUS_MEDIA_WRITE_PROTECTED, 0);
    Status = RamdiskFindFile(Disk->Root, Stack, &Node);
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND && Disposition != FILE_OPEN &&
        Disposition != FILE_OVERWRITE)
        Status = STATUS_MEDIA_WRITE_PROTECTED;
    if (NT_SUCCESS(Status))
        Status = RamdiskCheckOpen(Stack, Node, Volume);
    if (NT_SUCCESS(Status))
        Status = RamdiskShare(Disk, Stack, Node);
    if (NT_SUCCESS(Status))
        File->FsContext = Node;
    return RamdiskComplete(Irp, Status, NT_SUCCESS(Status) ? FILE_OPENED : 0);
}

NTSTATUS NTAPI
RamdiskCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PRAMDISK     Disk = DeviceObject->DeviceExtension;
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PNODE        Node = File->FsContext;

    RamdiskGiveUpLocks(Node, File, NULL, NULL);
    RamdiskEndNotify(Disk, File);
    ExAcquireFastMutex(&Disk->ShareMutex);
    IoRemoveShareAccess(File, &Node->Share);
    ExReleaseFastMutex(&Disk->ShareMutex);
    return RamdiskComplete(Irp, STATUS_SUCCESS, 0);
}
