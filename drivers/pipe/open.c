/*
 * The life of an open. Create finds or makes the pipe and leaves it in FsContext; what this open
 * may do and has asked for is the INSTANCE, in FsContext2. The rights it was granted make it a
 * reader, a writer, or both: the pipe counts them from create to cleanup, because it is the last
 * handle's close, not the last reference's, that tells the others that nobody will write or read
 * any more. Close comes when nothing refers to the file, so also after its last IRP, and frees.
 */
#include "pipe.h"

/* \HELLO -> HELLO: 1 to PIPE_MAX_NAME characters, and no second backslash. */
static NTSTATUS
PipeCheckName(PCUNICODE_STRING Given, PUNICODE_STRING Name)
{
    USHORT Index;

    if (Given->Length < 2 * sizeof(WCHAR) || Given->Buffer[0] != L'\\')
        return STATUS_OBJECT_NAME_INVALID;
    Name->Buffer = Given->Buffer + 1;
    Name->Length = Name->MaximumLength = Given->Length - sizeof(WCHAR);
    for (Index = 0; Index < Name->Length / sizeof(WCHAR); Index++)
        if (Name->Buffer[Index] == L'\\')
            return STATUS_OBJECT_NAME_INVALID;
    return Name->Length > PIPE_MAX_NAME * sizeof(WCHAR) ? STATUS_NAME_TOO_LONG : STATUS_SUCCESS;
}

/* An open with that access: a reader, a writer, both or none. */
static VOID
PipeCountInstance(PPIPE Pipe, PINSTANCE Instance, ACCESS_MASK Access)
{
    RtlZeroMemory(Instance, sizeof *Instance);
    Instance->MayRead = (Access & FILE_READ_DATA) != 0;
    Instance->MayWrite = (Access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;

    PipeAcquire(Pipe);
    Pipe->Readers += Instance->MayRead;
    Pipe->Writers += Instance->MayWrite;
    Pipe->HadReader |= Instance->MayRead;
    Pipe->HadWriter |= Instance->MayWrite;
    PipeRelease(Pipe);
}

NTSTATUS NTAPI
PipeCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION   Stack = IoGetCurrentIrpStackLocation(Irp);
    PIO_SECURITY_CONTEXT Context = Stack->Parameters.Create.SecurityContext;
    KPROCESSOR_MODE      Mode = Stack->Flags & SL_FORCE_ACCESS_CHECK ? UserMode
                                                                     : Irp->RequestorMode;
    PFILE_OBJECT         File = Stack->FileObject;
    ULONG_PTR            Information = 0;
    UNICODE_STRING       Name;
    NTSTATUS             Status;
    PPIPE                Pipe;
    PINSTANCE            Instance;

    Status = PipeCheckName(&File->FileName, &Name);
    if (NT_SUCCESS(Status) && (Stack->Parameters.Create.Options & FILE_DIRECTORY_FILE))
        Status = STATUS_NOT_A_DIRECTORY;
    if (!NT_SUCCESS(Status))
        return PipeComplete(Irp, Status, 0);

    Instance = ExAllocatePoolWithTag(NonPagedPool, sizeof *Instance, PIPE_TAG);
    if (Instance == NULL)
        return PipeComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    Status = PipeOpen(PipeDeviceOf(DeviceObject), &Name, Context, Mode, &Pipe, &Information);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Instance, PIPE_TAG);
        return PipeComplete(Irp, Status, 0);
    }
    PipeCountInstance(Pipe, Instance, Context->AccessState->PreviouslyGrantedAccess);
    File->FsContext = Pipe;
    File->FsContext2 = Instance;
    return PipeComplete(Irp, STATUS_SUCCESS, Information);
}

/* Ends what waits in a queue: what File has there, or everything if File is NULL. */
static VOID
PipeEndWaiting(PPIPE Pipe, PPIPE_QUEUE Queue, PFILE_OBJECT File, NTSTATUS Status)
{
    PIRP Irp;

    while ((Irp = PipeTake(Queue, File)) != NULL)
        PipeFinish(Pipe, Irp, Status, Queue == &Pipe->WaitingWrites ? PIPE_PROGRESS(Irp) : 0);
}

/* (5) */
NTSTATUS NTAPI
PipeCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PPIPE        Pipe = File->FsContext;
    PINSTANCE    Instance = File->FsContext2;

    UNREFERENCED_PARAMETER(DeviceObject);

    PipeAcquire(Pipe);
    PipeEndWaiting(Pipe, &Pipe->WaitingReads, File, STATUS_CANCELLED);
    PipeEndWaiting(Pipe, &Pipe->WaitingWrites, File, STATUS_CANCELLED);
    Pipe->Readers -= Instance->MayRead;
    Pipe->Writers -= Instance->MayWrite;
    if (Instance->MayWrite && Pipe->Writers == 0)
        PipeEndWaiting(Pipe, &Pipe->WaitingReads, NULL, STATUS_END_OF_FILE);
    if (Instance->MayRead && Pipe->Readers == 0)
        PipeEndWaiting(Pipe, &Pipe->WaitingWrites, NULL, STATUS_PIPE_BROKEN);
    PipeContinueWrites(Pipe);
    PipeRelease(Pipe);

    File->PrivateCacheMap = NULL;
    return PipeComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI
PipeClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    ExFreePoolWithTag(File->FsContext2, PIPE_TAG);
    PipeDrop(PipeDeviceOf(DeviceObject), File->FsContext);
    return PipeComplete(Irp, STATUS_SUCCESS, 0);
}
