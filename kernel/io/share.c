/*
 * Share access: what opens of one file have asked for and allow each other, counted in the
 * driver's SHARE_ACCESS. The driver guards it with a lock of its own.
 */
#include "iop.h"

/*
 * The file object's own flags, from the access that was granted. TRUE if any of read, write,
 * delete is among it.
 */
static BOOLEAN
IopSetFileAccess(PFILE_OBJECT File, ACCESS_MASK Access, ULONG Share)
{
    File->ReadAccess = (Access & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
    File->WriteAccess = (Access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    File->DeleteAccess = (Access & DELETE) != 0;
    if (!File->ReadAccess && !File->WriteAccess && !File->DeleteAccess)
        return FALSE;
    File->SharedRead = (Share & FILE_SHARE_READ) != 0;
    File->SharedWrite = (Share & FILE_SHARE_WRITE) != 0;
    File->SharedDelete = (Share & FILE_SHARE_DELETE) != 0;
    return TRUE;
}

static VOID
IopCountShare(PFILE_OBJECT File, PSHARE_ACCESS Access, LONG Delta)
{
    if (!File->ReadAccess && !File->WriteAccess && !File->DeleteAccess)
        return;
    Access->OpenCount += Delta;
    Access->Readers += File->ReadAccess ? Delta : 0;
    Access->Writers += File->WriteAccess ? Delta : 0;
    Access->Deleters += File->DeleteAccess ? Delta : 0;
    Access->SharedRead += File->SharedRead ? Delta : 0;
    Access->SharedWrite += File->SharedWrite ? Delta : 0;
    Access->SharedDelete += File->SharedDelete ? Delta : 0;
}

/* Who may not write to a file may not shut its other readers out by opening it. */
static ULONG
IopEffectiveShare(ULONG Share, PBOOLEAN WritePermission)
{
    return WritePermission != NULL && !*WritePermission ? Share | FILE_SHARE_READ : Share;
}

/*
 * Whether a new open fits those there are; if so and Update is TRUE, it is counted.
 * WritePermission, if not NULL, says whether the caller could have opened the file for writing; if
 * not, it shares reading whatever it says. STATUS_SHARING_VIOLATION.
 */
NTSTATUS NTAPI
IoCheckShareAccessEx(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess, PFILE_OBJECT FileObject,
                     PSHARE_ACCESS ShareAccess, BOOLEAN Update, PBOOLEAN WritePermission)
{
    ULONG Opens = ShareAccess->OpenCount;

    PAGED_CODE();

    DesiredShareAccess = IopEffectiveShare(DesiredShareAccess, WritePermission);
    if (!IopSetFileAccess(FileObject, DesiredAccess, DesiredShareAccess))
        return STATUS_SUCCESS;
    if ((FileObject->ReadAccess && ShareAccess->SharedRead < Opens)
        || (FileObject->WriteAccess && ShareAccess->SharedWrite < Opens)
        || (FileObject->DeleteAccess && ShareAccess->SharedDelete < Opens)
        || (ShareAccess->Readers != 0 && !FileObject->SharedRead)
        || (ShareAccess->Writers != 0 && !FileObject->SharedWrite)
        || (ShareAccess->Deleters != 0 && !FileObject->SharedDelete))
        return STATUS_SHARING_VIOLATION;
    if (Update)
        IopCountShare(FileObject, ShareAccess, 1);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
IoCheckShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess, PFILE_OBJECT FileObject,
                   PSHARE_ACCESS ShareAccess, BOOLEAN Update)
{
    return IoCheckShareAccessEx(DesiredAccess, DesiredShareAccess, FileObject, ShareAccess, Update,
                                NULL);
}

/* The first open. WritePermission as above. */
VOID NTAPI
IoSetShareAccessEx(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess, PFILE_OBJECT FileObject,
                   PSHARE_ACCESS ShareAccess, PBOOLEAN WritePermission)
{
    PAGED_CODE();

    DesiredShareAccess = IopEffectiveShare(DesiredShareAccess, WritePermission);
    RtlZeroMemory(ShareAccess, sizeof *ShareAccess);
    if (IopSetFileAccess(FileObject, DesiredAccess, DesiredShareAccess))
        IopCountShare(FileObject, ShareAccess, 1);
}

VOID NTAPI
IoSetShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess, PFILE_OBJECT FileObject,
                 PSHARE_ACCESS ShareAccess)
{
    IoSetShareAccessEx(DesiredAccess, DesiredShareAccess, FileObject, ShareAccess, NULL);
}

/* Counts an open that IoCheckShareAccess allowed without counting it. */
VOID NTAPI
IoUpdateShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    PAGED_CODE();

    IopCountShare(FileObject, ShareAccess, 1);
}

/* On IRP_MJ_CLEANUP. */
VOID NTAPI
IoRemoveShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    PAGED_CODE();

    IopCountShare(FileObject, ShareAccess, -1);
}
