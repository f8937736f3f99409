/*
 * I/O completion ports: a KQUEUE with a handle, and packets that say which request of which file
 * has ended.
 *
 *   NtCreateIoCompletion        makes one; Count bounds how many threads work on packets at a time
 *   NtSetInformationFile        FileCompletionInformation: from now on the file's requests that end
 *                               leave a packet there (finish.c); once, and asynchronous files only
 *   NtSetIoCompletion           leaves a packet of the caller's own
 *   NtRemoveIoCompletion(Ex)    takes packets, waiting for the first (iocompsvc.c)
 *
 * A packet of a request is its IRP itself, no longer of use otherwise, so leaving it cannot fail;
 * one of NtSetIoCompletion is an IOP_PACKET. Both are linked by a LIST_ENTRY with PacketType right
 * behind it, as IRP.Tail.Overlay has them.
 *
 * The file refers to the port until the file is deleted. When the port's last handle is closed,
 * what lies in it is freed and every thread that waits goes on with STATUS_ABANDONED; for those
 * that come later, having found the handle just before, Closed stays in the queue: who takes it
 * puts it back. Packets that files leave from then on are freed with the port.
 */
#include "iocomp.h"

#define IOP_TAG_PORT    'pCoI'                  // IoCp

typedef struct _IOP_PACKET {
    IOP_PACKET_LINK Link;
    PVOID           Key, ApcContext;
    IO_STATUS_BLOCK IoStatus;
} IOP_PACKET, *PIOP_PACKET;

POBJECT_TYPE IopCompletionObjectType;

static VOID
IopFreePacket(PIOP_PACKET_LINK Link)
{
    if (Link->Type == PacketIrp)
        IoFreeIrp(CONTAINING_RECORD(&Link->Entry, IRP, Tail.Overlay.ListEntry));
    else if (Link->Type == PacketMini)
        ExFreePoolWithTag(CONTAINING_RECORD(Link, IOP_PACKET, Link), IOP_TAG_PORT);
}

/* Empties the port; waiting threads get STATUS_ABANDONED. */
static VOID
IopRundownPort(PIOP_PORT Port)
{
    PLIST_ENTRY First = KeRundownQueue(&Port->Queue), Entry = First, Next;

    if (First == NULL)
        return;
    do {
        Next = Entry->Flink;
        IopFreePacket(CONTAINING_RECORD(Entry, IOP_PACKET_LINK, Entry));
        Entry = Next;
    } while (Entry != First);
}

/* Close procedure of the type IoCompletion. */
VOID
IopClosePort(PEPROCESS Process, PVOID Object, ACCESS_MASK Access, ULONG64 ProcessHandleCount,
             ULONG64 SystemHandleCount)
{
    PIOP_PORT Port = Object;

    PAGED_CODE();

    if (SystemHandleCount != 1)
        return;
    IopRundownPort(Port);
    Port->Queue.MaximumCount = MAXLONG;         // whoever comes now shall not wait
    Port->Closed.Type = PacketClosed;
    KeInsertQueue(&Port->Queue, &Port->Closed.Entry);
}

/* Delete procedure of the type IoCompletion. */
VOID
IopDeletePort(PVOID Object)
{
    PAGED_CODE();

    IopRundownPort(Object);
}

/*
 * Makes Key's packets of File go to the port behind Handle. STATUS_INVALID_PARAMETER for a
 * synchronous file and for one that has a port.
 */
NTSTATUS
IopSetFilePort(PFILE_OBJECT File, HANDLE Handle, PVOID Key, KPROCESSOR_MODE Mode)
{
    PIO_COMPLETION_CONTEXT Context;
    PVOID                  Port;
    NTSTATUS               Status;

    PAGED_CODE();

    if ((File->Flags & FO_SYNCHRONOUS_IO) || File->CompletionContext != NULL)
        return STATUS_INVALID_PARAMETER;
    Status = ObReferenceObjectByHandle(Handle, IO_COMPLETION_MODIFY_STATE,
                                       IopCompletionObjectType, Mode, &Port, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Context = ExAllocatePoolWithTag(NonPagedPool, sizeof *Context, IOP_TAG_PORT);
    if (Context != NULL) {
        Context->Port = Port;
        Context->Key = Key;
        if (InterlockedCompareExchangePointer((PVOID volatile *)&File->CompletionContext, Context,
                                              NULL) == NULL)
            return STATUS_SUCCESS;
        ExFreePoolWithTag(Context, IOP_TAG_PORT);
    }
    ObDereferenceObject(Port);
    return Context == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_INVALID_PARAMETER;
}

/* The file, which has a port, is being deleted. */
VOID
IopReleaseFilePort(PFILE_OBJECT File)
{
    PIO_COMPLETION_CONTEXT Context = File->CompletionContext;

    ObDereferenceObject(Context->Port);
    ExFreePoolWithTag(Context, IOP_TAG_PORT);
}

/*
 * (8) The IRP, finished, becomes its file's packet; who takes it frees it. IRQL <=
 * DISPATCH_LEVEL.
 */
VOID
IopQueuePacket(PIRP Irp, PIO_COMPLETION_CONTEXT Context)
{
    Irp->Tail.CompletionKey = Context->Key;
    Irp->Tail.Overlay.PacketType = PacketIrp;
    KeInsertQueue((PKQUEUE)Context->Port, &Irp->Tail.Overlay.ListEntry);
}

/* A packet that has no IRP. STATUS_INSUFFICIENT_RESOURCES. IRQL <= DISPATCH_LEVEL. */
NTSTATUS
IopPostPacket(PVOID Port, PVOID Key, PVOID ApcContext, NTSTATUS Status, ULONG_PTR Information)
{
    PIOP_PACKET Packet = ExAllocatePoolWithTag(NonPagedPool, sizeof *Packet, IOP_TAG_PORT);

    if (Packet == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Packet->Link.Type = PacketMini;
    Packet->Key = Key;
    Packet->ApcContext = ApcContext;
    Packet->IoStatus.Pointer = NULL;
    Packet->IoStatus.Status = Status;
    Packet->IoStatus.Information = Information;
    KeInsertQueue((PKQUEUE)Port, &Packet->Link.Entry);
    return STATUS_SUCCESS;
}

/* What the packet says; the packet is freed. */
static VOID
IopOpenPacket(PIOP_PACKET_LINK Link, PFILE_IO_COMPLETION_INFORMATION Result)
{
    PIOP_PACKET Packet = CONTAINING_RECORD(Link, IOP_PACKET, Link);
    PIRP        Irp = CONTAINING_RECORD(&Link->Entry, IRP, Tail.Overlay.ListEntry);

    if (Link->Type == PacketIrp) {
        Result->KeyContext = Irp->Tail.CompletionKey;
        Result->ApcContext = Irp->Overlay.AsynchronousParameters.UserApcContext;
        Result->IoStatusBlock = Irp->IoStatus;
    } else {
        Result->KeyContext = Packet->Key;
        Result->ApcContext = Packet->ApcContext;
        Result->IoStatusBlock = Packet->IoStatus;
    }
    IopFreePacket(Link);
}

/*
 * Takes one packet. STATUS_TIMEOUT, STATUS_USER_APC, STATUS_ALERTED, STATUS_ABANDONED when the
 * port's last handle is closed.
 */
NTSTATUS
IopTakePacket(PIOP_PORT Port, KPROCESSOR_MODE Mode, BOOLEAN Alertable, PLARGE_INTEGER Timeout,
              PFILE_IO_COMPLETION_INFORMATION Result)
{
    PLIST_ENTRY      Entry = KiRemoveQueue(&Port->Queue, Mode, Alertable, Timeout);
    PIOP_PACKET_LINK Link = CONTAINING_RECORD(Entry, IOP_PACKET_LINK, Entry);

    if ((LONG64)Entry >= 0)                     // an address in system space is negative
        return (NTSTATUS)(LONG_PTR)Entry;
    if (Link != &Port->Closed) {
        IopOpenPacket(Link, Result);
        return STATUS_SUCCESS;
    }
    KeInsertHeadQueue(&Port->Queue, Entry);
    return STATUS_ABANDONED;
}
