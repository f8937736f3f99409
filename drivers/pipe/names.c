/*
 * The pipes there are: a hash table of names, in the device context. A pipe is in the table from
 * its first open to its last close; ListMutex guards the table and the pipes' Opens, so that a
 * pipe is never found by one open while another close frees it.
 */
#include "pipe.h"

/* The head of the list that has the name, if any has. */
static PLIST_ENTRY
PipeBucket(PPIPE_DEVICE Device, PCUNICODE_STRING Name)
{
    ULONG Hash = 0, Index;

    for (Index = 0; Index < Name->Length / sizeof(WCHAR); Index++)
        Hash = Hash * 31 + RtlUpcaseUnicodeChar(Name->Buffer[Index]);
    return &Device->Pipes[Hash % PIPE_BUCKETS];
}

static PPIPE
PipeFind(PLIST_ENTRY Bucket, PCUNICODE_STRING Name)
{
    PLIST_ENTRY Entry;

    for (Entry = Bucket->Flink; Entry != Bucket; Entry = Entry->Flink) {
        PPIPE Pipe = CONTAINING_RECORD(Entry, PIPE, Link);

        if (RtlEqualUnicodeString(&Pipe->Name, Name, TRUE))
            return Pipe;
    }
    return NULL;
}

/* A new pipe, not in the table yet, or NULL. */
static PPIPE
PipeNew(PCUNICODE_STRING Name)
{
    PPIPE Pipe = ExAllocatePoolWithTag(NonPagedPool, sizeof *Pipe, PIPE_TAG);

    if (Pipe == NULL)
        return NULL;
    RtlZeroMemory(Pipe, sizeof *Pipe);
    Pipe->Ring.Data = ExAllocatePoolWithTag(NonPagedPool, PIPE_DEFAULT_SIZE, PIPE_TAG);
    if (Pipe->Ring.Data == NULL) {
        ExFreePoolWithTag(Pipe, PIPE_TAG);
        return NULL;
    }
    Pipe->Ring.Capacity = PIPE_DEFAULT_SIZE;
    Pipe->Type = PIPE_BYTES;
    Pipe->Mode = PIPE_DROP_NEW;
    ExInitializeFastMutex(&Pipe->DataMutex);
    InitializeListHead(&Pipe->Finished);
    PipeInitializeQueue(&Pipe->WaitingReads, Pipe);
    PipeInitializeQueue(&Pipe->WaitingWrites, Pipe);
    Pipe->Name.Buffer = Pipe->NameBuffer;
    Pipe->Name.MaximumLength = sizeof Pipe->NameBuffer;
    RtlCopyUnicodeString(&Pipe->Name, Name);
    return Pipe;
}

static VOID
PipeFree(PPIPE Pipe)
{
    PipeFreeSecurity(Pipe);
    ExFreePoolWithTag(Pipe->Ring.Data, PIPE_TAG);
    ExFreePoolWithTag(Pipe, PIPE_TAG);
}

/* A new pipe in the table, with its descriptor; ListMutex is held. */
static NTSTATUS
PipeCreateLocked(PLIST_ENTRY Bucket, PCUNICODE_STRING Name, PIO_SECURITY_CONTEXT Context,
                 KPROCESSOR_MODE Mode, PPIPE *Result)
{
    PPIPE    Pipe = PipeNew(Name);
    NTSTATUS Status;

    if (Pipe == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = PipeAssignSecurity(Pipe, Context, Mode);
    if (!NT_SUCCESS(Status)) {
        PipeFree(Pipe);
        return Status;
    }
    InsertTailList(Bucket, &Pipe->Link);
    *Result = Pipe;
    return STATUS_SUCCESS;
}

NTSTATUS
PipeOpen(PPIPE_DEVICE Device, PCUNICODE_STRING Name, PIO_SECURITY_CONTEXT Context,
         KPROCESSOR_MODE Mode, PPIPE *Result, PULONG_PTR Information)
{
    PLIST_ENTRY Bucket = PipeBucket(Device, Name);
    PPIPE       Pipe;
    NTSTATUS    Status;

    KeWaitForSingleObject(&Device->ListMutex, Executive, KernelMode, FALSE, NULL);
    Pipe = PipeFind(Bucket, Name);
    if (Pipe != NULL) {
        *Information = FILE_OPENED;
        Status = PipeCheckAccess(Pipe, Context, Mode);
    } else {
        *Information = FILE_CREATED;
        Status = PipeCreateLocked(Bucket, Name, Context, Mode, &Pipe);
    }
    if (NT_SUCCESS(Status))
        Pipe->Opens++;
    KeReleaseMutex(&Device->ListMutex, FALSE);

    *Result = Pipe;
    return Status;
}

VOID
PipeDrop(PPIPE_DEVICE Device, PPIPE Pipe)
{
    BOOLEAN Last;

    KeWaitForSingleObject(&Device->ListMutex, Executive, KernelMode, FALSE, NULL);
    Last = --Pipe->Opens == 0;
    if (Last)
        RemoveEntryList(&Pipe->Link);
    KeReleaseMutex(&Device->ListMutex, FALSE);

    if (Last)
        PipeFree(Pipe);
}

ULONG
PipeCountOpens(PPIPE_DEVICE Device, PPIPE Pipe)
{
    ULONG Opens;

    KeWaitForSingleObject(&Device->ListMutex, Executive, KernelMode, FALSE, NULL);
    Opens = Pipe->Opens;
    KeReleaseMutex(&Device->ListMutex, FALSE);
    return Opens;
}
