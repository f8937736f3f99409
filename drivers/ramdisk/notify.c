/*
 * Changes of a directory: IRP_MJ_DIRECTORY_CONTROL, IRP_MN_NOTIFY_CHANGE_DIRECTORY.
 *
 * On this disk nothing changes, so a request ends in one of two ways: it is cancelled, or its
 * file's last handle is closed (STATUS_NOTIFY_CLEANUP). Until then it lies in a cancel-safe queue,
 * which settles the race of the two: whoever takes it out completes it.
 */
#include "ramdisk.h"

static NTSTATUS NTAPI
RamdiskInsertNotify(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PRAMDISK Disk = CONTAINING_RECORD(Csq, RAMDISK, Notify);

    UNREFERENCED_PARAMETER(Context);
    InsertTailList(&Disk->Watches, &Irp->Tail.Overlay.ListEntry);
    return STATUS_SUCCESS;
}

static VOID NTAPI
RamdiskRemoveNotify(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* Context: the file whose requests are wanted. */
static PIRP NTAPI
RamdiskPeekNotify(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PRAMDISK    Disk = CONTAINING_RECORD(Csq, RAMDISK, Notify);
    PLIST_ENTRY Entry = Irp == NULL ? Disk->Watches.Flink : Irp->Tail.Overlay.ListEntry.Flink;

    for (; Entry != &Disk->Watches; Entry = Entry->Flink) {
        Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        if (IoGetCurrentIrpStackLocation(Irp)->FileObject == Context)
            return Irp;
    }
    return NULL;
}

static VOID NTAPI
RamdiskAcquireNotify(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Csq, RAMDISK, Notify)->NotifyLock, Irql);
}

static VOID NTAPI
RamdiskReleaseNotify(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, RAMDISK, Notify)->NotifyLock, Irql);
}

static VOID NTAPI
RamdiskCancelNotify(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RamdiskComplete(Irp, STATUS_CANCELLED, 0);
}

VOID
RamdiskInitializeNotify(PRAMDISK Disk)
{
    InitializeListHead(&Disk->Watches);
    KeInitializeSpinLock(&Disk->NotifyLock);
    IoCsqInitializeEx(&Disk->Notify, RamdiskInsertNotify, RamdiskRemoveNotify, RamdiskPeekNotify,
                      RamdiskAcquireNotify, RamdiskReleaseNotify, RamdiskCancelNotify);
}

NTSTATUS
RamdiskNotify(PRAMDISK Disk, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PNODE Node = Stack->FileObject->FsContext;

    if (!Node->Directory)
        return RamdiskComplete(Irp, STATUS_INVALID_PARAMETER, 0);
    IoCsqInsertIrp(&Disk->Notify, Irp, NULL);
    return STATUS_PENDING;
}

VOID
RamdiskEndNotify(PRAMDISK Disk, PFILE_OBJECT File)
{
    PIRP Irp;

    while ((Irp = IoCsqRemoveNextIrp(&Disk->Notify, File)) != NULL)
        RamdiskComplete(Irp, STATUS_NOTIFY_CLEANUP, 0);
}
