/*
 * Small questions drivers ask, named events, the error log.
 *
 * An error log entry is a packet the driver fills and hands back; here it becomes one line on the
 * debug port.
 */
#include "iop.h"

/* The process that issued Irp, or NULL for a driver's own. */
PEPROCESS NTAPI
IoGetRequestorProcess(PIRP Irp)
{
    PETHREAD Thread = Irp->Tail.Overlay.Thread;

    if (Thread == NULL)
        return NULL;
    if (Irp->ApcEnvironment == 0)               // issued in the thread's own process
        return Thread->ThreadsProcess;
    return CONTAINING_RECORD(Thread->Tcb.ApcState.Process, EPROCESS, Pcb);
}

ULONG NTAPI
IoGetRequestorProcessId(PIRP Irp)
{
    PEPROCESS Process = IoGetRequestorProcess(Irp);

    return Process != NULL ? (ULONG)(ULONG_PTR)Process->UniqueProcessId : 0;
}

/* The running thread's kernel stack. */
VOID NTAPI
IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit)
{
    *LowLimit = (ULONG_PTR)IopThread()->StackLimit;
    *HighLimit = (ULONG_PTR)IopThread()->StackBase;
}

PVOID NTAPI
IoGetInitialStack(VOID)
{
    return IopThread()->InitialStack;
}

BOOLEAN NTAPI
IoIsSystemThread(PETHREAD Thread)
{
    return Thread->SystemThread;
}

/*
 * TRUE if the issuer waits for Irp: the file is synchronous, the service always is, or it is a
 * buffered control request, which is done at once as a rule. Paging says for itself.
 */
BOOLEAN NTAPI
IoIsOperationSynchronous(PIRP Irp)
{
    PIO_STACK_LOCATION Sp = IoGetCurrentIrpStackLocation(Irp);
    PFILE_OBJECT       File = Sp->FileObject;

    if (Irp->Flags & IRP_PAGING_IO)
        return (Irp->Flags & IRP_SYNCHRONOUS_PAGING_IO) != 0;
    if ((Sp->MajorFunction == IRP_MJ_DEVICE_CONTROL
         || Sp->MajorFunction == IRP_MJ_FILE_SYSTEM_CONTROL)
        && (Sp->Parameters.DeviceIoControl.IoControlCode & 3) == METHOD_BUFFERED)
        return TRUE;
    return (File != NULL && (File->Flags & FO_SYNCHRONOUS_IO)) ||
        (Irp->Flags & IRP_SYNCHRONOUS_API);
}

BOOLEAN NTAPI
IoIsWdmVersionAvailable(UCHAR MajorVersion, UCHAR MinorVersion)
{
    // that of Windows Server 2003
    return MajorVersion < 1 || (MajorVersion == 1 && MinorVersion <= 0x30);
}

static PKEVENT
IopCreateEvent(PUNICODE_STRING EventName, PHANDLE EventHandle, EVENT_TYPE Type)
{
    OBJECT_ATTRIBUTES Attributes;
    PKEVENT           Event;

    PAGED_CODE();

    InitializeObjectAttributes(&Attributes, EventName, OBJ_OPENIF | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwCreateEvent(EventHandle, EVENT_ALL_ACCESS, &Attributes, Type, TRUE)))
        return NULL;
    if (!NT_SUCCESS(ObReferenceObjectByHandle(*EventHandle, 0, *ExEventObjectType, KernelMode,
                                              (PVOID *)&Event, NULL)))
        return NULL;
    ObDereferenceObject(Event);                 // the handle keeps it
    return Event;
}

/*
 * Creates or opens a named event, set when new. It lives as long as the handle is open; NULL if
 * it cannot be had. PASSIVE_LEVEL.
 */
PKEVENT NTAPI
IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return IopCreateEvent(EventName, EventHandle, NotificationEvent);
}

PKEVENT NTAPI
IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return IopCreateEvent(EventName, EventHandle, SynchronizationEvent);
}

/* Before the packet: who writes it. */
typedef struct _ERROR_ENTRY {
    PVOID               Object;                 // device or driver object, referenced
    IO_ERROR_LOG_PACKET Packet;
} ERROR_ENTRY;

/*
 * An error log packet of EntrySize bytes, or NULL. Handed back with IoWriteErrorLogEntry or
 * IoFreeErrorLogEntry.
 */
PVOID NTAPI
IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize)
{
    ERROR_ENTRY *Entry;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (EntrySize < sizeof(IO_ERROR_LOG_PACKET) || EntrySize > ERROR_LOG_MAXIMUM_SIZE)
        return NULL;
    Entry = ExAllocatePoolWithTag(NonPagedPool, FIELD_OFFSET(ERROR_ENTRY, Packet) + EntrySize,
                                  IOP_TAG_OTHER);
    if (Entry == NULL)
        return NULL;
    RtlZeroMemory(Entry, FIELD_OFFSET(ERROR_ENTRY, Packet) + EntrySize);
    ObReferenceObject(IoObject);
    Entry->Object = IoObject;
    return &Entry->Packet;
}

VOID NTAPI
IoFreeErrorLogEntry(PVOID ElEntry)
{
    ERROR_ENTRY *Entry = CONTAINING_RECORD(ElEntry, ERROR_ENTRY, Packet);

    ObDereferenceObject(Entry->Object);
    ExFreePoolWithTag(Entry, IOP_TAG_OTHER);
}

/* Writes the entry and frees it. IRQL <= DISPATCH_LEVEL. */
VOID NTAPI
IoWriteErrorLogEntry(PVOID ElEntry)
{
    ERROR_ENTRY   *Entry = CONTAINING_RECORD(ElEntry, ERROR_ENTRY, Packet);
    PDRIVER_OBJECT Driver = Entry->Object;

    if (Driver->Type == IO_TYPE_DEVICE)
        Driver = ((PDEVICE_OBJECT)Entry->Object)->DriverObject;
    DbgPrint("io: error logged by %wZ: code %08x, status %08x, function %02x, unique value %x\n",
             &Driver->DriverName,
             Entry->Packet.ErrorCode, Entry->Packet.FinalStatus, Entry->Packet.MajorFunctionCode,
             Entry->Packet.UniqueErrorValue);
    IoFreeErrorLogEntry(ElEntry);
}
