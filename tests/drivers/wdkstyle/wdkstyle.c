/*
 * wdkstyle.sys: written as the WDK's samples are written, with what their headers offer and
 * mingw-w64's lack, so that sources of Windows drivers build here as they stand. A read waits in a
 * cancel-safe queue for the driver's thread, which answers it; only administrators may open the
 * device.
 */
#include "wdkstyle.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text (INIT, DriverEntry)
#pragma alloc_text (PAGE, StyleCreateClose)
#pragma alloc_text (PAGE, StyleUnload)
#endif

#define StyleExtension(Csq) CONTAINING_RECORD(Csq, DEVICE_EXTENSION, Queue)

_Use_decl_annotations_
NTSTATUS
DriverEntry(
    PDRIVER_OBJECT DriverObject,
    PUNICODE_STRING RegistryPath
    )
{
    DECLARE_CONST_UNICODE_STRING(deviceName, L"\\Device\\WdkStyle");
    DECLARE_CONST_UNICODE_STRING(linkName, L"\\DosDevices\\WdkStyle");
    UNICODE_STRING sddl;
    PDEVICE_OBJECT deviceObject;
    PDEVICE_EXTENSION extension;
    HANDLE threadHandle;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(RegistryPath);

    ExInitializeDriverRuntime(DrvRtPoolNxOptIn);
    (VOID)RtlInitUnicodeString(&sddl, L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");

    status = IoCreateDeviceSecure(DriverObject,
                                  sizeof(DEVICE_EXTENSION),
                                  (PUNICODE_STRING)&deviceName,
                                  FILE_DEVICE_UNKNOWN,
                                  FILE_DEVICE_SECURE_OPEN,
                                  FALSE,
                                  &sddl,
                                  (LPCGUID)&GUID_DEVCLASS_WDK_STYLE,
                                  &deviceObject);
    if (!NT_SUCCESS(status)) {
        return status;
    }

    status = IoCreateSymbolicLink((PUNICODE_STRING)&linkName, (PUNICODE_STRING)&deviceName);
    if (!NT_SUCCESS(status)) {
        goto Fail;
    }

    DriverObject->MajorFunction[IRP_MJ_CREATE] =
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = StyleCreateClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = StyleRead;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = StyleCleanup;
    DriverObject->DriverUnload = StyleUnload;
    deviceObject->Flags |= DO_BUFFERED_IO;

    extension = deviceObject->DeviceExtension;
    extension->Self = deviceObject;
    KeInitializeSpinLock(&extension->QueueLock);
    KeInitializeSemaphore(&extension->Waiting, 0, MAXLONG);
    InitializeListHead(&extension->PendingIrps);
    IoCsqInitialize(&extension->Queue, StyleInsertIrp, StyleRemoveIrp, StylePeekNextIrp,
                    StyleAcquireLock, StyleReleaseLock, StyleCompleteCanceledIrp);

    status = PsCreateSystemThread(&threadHandle, (ACCESS_MASK)0, NULL, (HANDLE)0, NULL, StyleThread,
                                  deviceObject);
    if (!NT_SUCCESS(status)) {
        IoDeleteSymbolicLink((PUNICODE_STRING)&linkName);
        goto Fail;
    }
    status = ObReferenceObjectByHandle(threadHandle, THREAD_ALL_ACCESS, NULL, KernelMode,
                                       &extension->Thread, NULL);
    NT_ASSERT(NT_SUCCESS(status));
    ZwClose(threadHandle);
    return status;

Fail:
    IoDeleteDevice(deviceObject);
    return status;
}

_Use_decl_annotations_
VOID
StyleUnload(
    PDRIVER_OBJECT DriverObject
    )
{
    PDEVICE_EXTENSION extension = DriverObject->DeviceObject->DeviceExtension;
    UNICODE_STRING linkName;

    PAGED_CODE();

    if (!IsListEmpty(&extension->PendingIrps)) {
        ASSERTMSG("the queue is not empty\n", FALSE);
    }
    extension->ThreadShouldStop = TRUE;
    KeReleaseSemaphore(&extension->Waiting, 0, 1, TRUE);
    KeWaitForSingleObject(extension->Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(extension->Thread);

    RtlInitUnicodeString(&linkName, L"\\DosDevices\\WdkStyle");
    IoDeleteSymbolicLink(&linkName);
    IoDeleteDevice(DriverObject->DeviceObject);
}

_Use_decl_annotations_
NTSTATUS
StyleCreateClose(
    PDEVICE_OBJECT DeviceObject,
    PIRP Irp
    )
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = STATUS_SUCCESS;
    PFILE_CONTEXT context;

    UNREFERENCED_PARAMETER(DeviceObject);

    PAGED_CODE();

    switch (stack->MajorFunction) {
    case IRP_MJ_CREATE:
        context = ExAllocatePoolQuotaZero(NonPagedPoolNx | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE,
                                          sizeof(FILE_CONTEXT), STYLE_TAG);
        if (context == NULL) {
            status = STATUS_INSUFFICIENT_RESOURCES;
            break;
        }
        IoInitializeRemoveLock(&context->RundownLock, STYLE_TAG, 0, 0);
        stack->FileObject->FsContext = context;
        break;

    case IRP_MJ_CLOSE:
        ExFreePoolWithTag(stack->FileObject->FsContext, STYLE_TAG);
        break;

    default:
        status = STATUS_INVALID_PARAMETER;
        break;
    }

    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

_Use_decl_annotations_
NTSTATUS
StyleRead(
    PDEVICE_OBJECT DeviceObject,
    PIRP Irp
    )
{
    PDEVICE_EXTENSION extension = DeviceObject->DeviceExtension;
    PFILE_CONTEXT context = IoGetCurrentIrpStackLocation(Irp)->FileObject->FsContext;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&context->RundownLock, Irp);
    if (!NT_SUCCESS(status)) {
        Irp->IoStatus.Status = status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return status;
    }
    KeEnterCriticalRegion();
    IoCsqInsertIrp(&extension->Queue, Irp, NULL);
    KeReleaseSemaphore(&extension->Waiting, 0, 1, FALSE);
    KeLeaveCriticalRegion();
    IoReleaseRemoveLock(&context->RundownLock, Irp);
    return STATUS_PENDING;
}

_Use_decl_annotations_
NTSTATUS
StyleCleanup(
    PDEVICE_OBJECT DeviceObject,
    PIRP Irp
    )
{
    PDEVICE_EXTENSION extension = DeviceObject->DeviceExtension;
    PFILE_OBJECT fileObject = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PFILE_CONTEXT context = fileObject->FsContext;
    PIRP pendingIrp;

    (VOID)IoAcquireRemoveLock(&context->RundownLock, Irp);
    IoReleaseRemoveLockAndWait(&context->RundownLock, Irp);
    while ((pendingIrp = IoCsqRemoveNextIrp(&extension->Queue, fileObject)) != NULL) {
        StyleCompleteCanceledIrp(&extension->Queue, pendingIrp);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

_Use_decl_annotations_
NTSTATUS
StyleFill(
    PIRP Irp,
    PVOID Buffer,
    ULONG Length
    )
{
    PCHAR text = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, STYLE_TAG);
    NTSTATUS status;
    PMDL mdl;
    PVOID mapped;

    if (text == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    status = text[63] == 0 ? RtlStringCbPrintfA(text, 64, "answer %d", 42) : STATUS_UNSUCCESSFUL;
    mdl = IoAllocateMdl(Buffer, Length, FALSE, FALSE, NULL);
    if (mdl != NULL) {
        MmBuildMdlForNonPagedPool(mdl);
        mapped = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority | MdlMappingNoExecute);
        if (NT_SUCCESS(status) && mapped != NULL) {
            Irp->IoStatus.Information = min(Length, strlen(text));
            RtlCopyBytes(mapped, text, Irp->IoStatus.Information);
        }
        IoFreeMdl(mdl);
    }
    ExFreePoolWithTag(text, STYLE_TAG);
    return status;
}

VOID
StyleThread(
    _In_ PVOID Context
    )
{
    PDEVICE_EXTENSION extension = ((PDEVICE_OBJECT)Context)->DeviceExtension;
    PIO_STACK_LOCATION stack;
    PIRP irp;

    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    for (;;) {
        KeWaitForSingleObject(&extension->Waiting, Executive, KernelMode, FALSE, NULL);
        if (extension->ThreadShouldStop) {
            PsTerminateSystemThread(STATUS_SUCCESS);
        }
        irp = IoCsqRemoveNextIrp(&extension->Queue, NULL);
        if (irp == NULL) {
            continue;
        }
        stack = IoGetCurrentIrpStackLocation(irp);
        irp->IoStatus.Information = 0;
        try {
            if (stack->Parameters.Read.Length == 0) {
                ExRaiseStatus(STATUS_BUFFER_TOO_SMALL);
            }
            irp->IoStatus.Status = StyleFill(irp, irp->AssociatedIrp.SystemBuffer,
                                             stack->Parameters.Read.Length);
        } except (EXCEPTION_EXECUTE_HANDLER) {
            irp->IoStatus.Status = GetExceptionCode();
        }
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
}

_Use_decl_annotations_
VOID
StyleInsertIrp(
    PIO_CSQ Csq,
    PIRP Irp
    )
{
    InsertTailList(&StyleExtension(Csq)->PendingIrps, &Irp->Tail.Overlay.ListEntry);
}

_Use_decl_annotations_
VOID
StyleRemoveIrp(
    PIO_CSQ Csq,
    PIRP Irp
    )
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

_Use_decl_annotations_
PIRP
StylePeekNextIrp(
    PIO_CSQ Csq,
    PIRP Irp,
    PVOID PeekContext
    )
{
    PLIST_ENTRY head = &StyleExtension(Csq)->PendingIrps;
    PLIST_ENTRY entry = Irp == NULL ? head->Flink : Irp->Tail.Overlay.ListEntry.Flink;

    for (; entry != head; entry = entry->Flink) {
        PIRP next = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        if (PeekContext == NULL || IoGetCurrentIrpStackLocation(next)->FileObject == PeekContext) {
            return next;
        }
    }
    return NULL;
}

_Use_decl_annotations_
VOID
StyleAcquireLock(
    PIO_CSQ Csq,
    PKIRQL Irql
    )
{
    KeAcquireSpinLock(&StyleExtension(Csq)->QueueLock, Irql);
}

_Use_decl_annotations_
VOID
StyleReleaseLock(
    PIO_CSQ Csq,
    KIRQL Irql
    )
{
    KeReleaseSpinLock(&StyleExtension(Csq)->QueueLock, Irql);
}

_Use_decl_annotations_
VOID
StyleCompleteCanceledIrp(
    PIO_CSQ Csq,
    PIRP Irp
    )
{
    UNREFERENCED_PARAMETER(Csq);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}
