/*
 * Process objects: creation, look-up, enumeration.
 *
 * A process is created empty. While it has threads it holds one reference on itself, so that
 * closing every handle to a running program does not delete it; PspExitProcess (exit.c) drops
 * that reference. It is found in two ways: by id, through the table of client ids, and in
 * PsActiveProcessHead under PspActiveProcessLock. It stays in both until it is deleted, so who
 * walks the list keeps his place; a process found on its way to deletion is passed over.
 */
#include "ps/psp.h"

LIST_ENTRY PsActiveProcessHead;
FAST_MUTEX PspActiveProcessLock;

/* Keeps the image's path, and its last part, cut to 15 characters, for lists. */
static NTSTATUS
PspSetImageName(PEPROCESS Process, PCUNICODE_STRING Name)
{
    PUNICODE_STRING Copy;
    USHORT          Start, Index;

    Copy = ExAllocatePoolWithTag(PagedPool, sizeof *Copy + Name->Length, PSP_TAG_NAME);
    if (Copy == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    Copy->Buffer = (PWCH)(Copy + 1);
    Copy->Length = Copy->MaximumLength = Name->Length;
    RtlCopyMemory(Copy->Buffer, Name->Buffer, Name->Length);
    Process->SeAuditName = Copy;

    for (Start = Name->Length / sizeof(WCHAR); Start > 0 &&
         Name->Buffer[Start - 1] != L'\\'; Start--)
        ;
    for (Index = 0; Index < 15 && Start < Name->Length / sizeof(WCHAR); Index++, Start++)
        Process->ImageFileName[Index] = (CHAR)Name->Buffer[Start];
    return STATUS_SUCCESS;
}

/* The parts that need the object to exist: page tables, handle table, id. */
static NTSTATUS
PspFillProcess(PEPROCESS Process, PEPROCESS Parent, PCUNICODE_STRING ImageName,
               BOOLEAN InheritHandles, PACCESS_TOKEN Token)
{
    ULONG64  DirectoryTableBase = PsIdleProcess->Pcb.DirectoryTableBase;
    NTSTATUS Status;

    Status = SeSubProcessToken(Parent, Token, &Process->Token);
    if (NT_SUCCESS(Status))
        Status = ObAssignByToken(Process, Process->Token);
    if (NT_SUCCESS(Status))
        Status = PspSetImageName(Process, ImageName);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Parent != NULL) {
        Status = MmCreateProcessAddressSpace(&Process->Mm, &DirectoryTableBase);
        if (!NT_SUCCESS(Status))
            return Status;
        Process->InheritedFromUniqueProcessId = Parent->UniqueProcessId;
    }
    KeInitializeProcess(&Process->Pcb, 8, DirectoryTableBase);
    Process->PriorityClass = PSP_CLASS_NORMAL;
    if (Parent != NULL)
        Process->Pcb.Affinity = Parent->Pcb.Affinity;
    Status = PspInheritQuota(Process, Parent);
    if (NT_SUCCESS(Status))
        Status = ObInitProcess(Parent, Process, InheritHandles);
    if (!NT_SUCCESS(Status))
        return Status;
    Process->UniqueProcessId = Process->QuotaBlock->ProcessId = ExCreateCid(Process);
    return Process->UniqueProcessId == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

NTSTATUS
PspCreateProcess(PEPROCESS Parent, PCUNICODE_STRING ImageName, BOOLEAN InheritHandles,
                 KPROCESSOR_MODE Mode, POBJECT_ATTRIBUTES Attributes, PACCESS_TOKEN Token,
                 PEPROCESS *Process)
{
    PEPROCESS New;
    NTSTATUS  Status;

    PAGED_CODE();

    Status = ObCreateObject(Mode, PspProcessType, Attributes, KernelMode, NULL, sizeof(EPROCESS),
                            0, 0, (PVOID *)&New);
    if (!NT_SUCCESS(Status))
        return Status;
    RtlZeroMemory(New, sizeof *New);
    InitializeListHead(&New->ThreadListHead);
    ExInitializeFastMutex(&New->ThreadLock);
    New->ExitStatus = STATUS_PENDING;
    New->Pcb.DirectoryTableBase = PsIdleProcess->Pcb.DirectoryTableBase;    // until it has its own
    KeQuerySystemTime(&New->CreateTime);

    Status = PspFillProcess(New, Parent, ImageName, InheritHandles, Token);
    if (!NT_SUCCESS(Status)) {
        if (New->ObjectTable != NULL)
            ObKillProcess(New);
        ObDereferenceObject(New);
        return Status;
    }

    ObReferenceObject(New);                     // its own, while it has threads
    ExAcquireFastMutex(&PspActiveProcessLock);
    InsertTailList(&PsActiveProcessHead, &New->ActiveProcessLinks);
    ExReleaseFastMutex(&PspActiveProcessLock);
    PspCallProcessNotify(New, TRUE);
    *Process = New;
    return STATUS_SUCCESS;
}

/*
 * The first object from Link on that is not being deleted, referenced; Offset is that of the link
 * in it. NULL: none.
 */
static PVOID
PspReferenceNext(PLIST_ENTRY Link, PLIST_ENTRY Head, ULONG Offset)
{
    PVOID Object;

    for (; Link != Head; Link = Link->Flink) {
        Object = (PUCHAR)Link - Offset;
        if (ObReferenceObjectSafe(Object))
            return Object;
    }
    return NULL;
}

/*
 * Walks the processes. Process (NULL starts) was returned by the previous call; its reference is
 * dropped. Returns the next one, referenced, or NULL. A process that has ended but is still
 * referenced is among them. IRQL: PASSIVE_LEVEL.
 */
PEPROCESS
PsGetNextProcess(PEPROCESS Process)
{
    PEPROCESS Next;

    PAGED_CODE();

    ExAcquireFastMutex(&PspActiveProcessLock);
    Next = PspReferenceNext(Process == NULL
                            ? PsActiveProcessHead.Flink : Process->ActiveProcessLinks.Flink,
        &PsActiveProcessHead, FIELD_OFFSET(EPROCESS, ActiveProcessLinks));
    ExReleaseFastMutex(&PspActiveProcessLock);
    if (Process != NULL)
        ObDereferenceObject(Process);
    return Next;
}

/* The same for the threads of Process. */
PETHREAD
PsGetNextProcessThread(PEPROCESS Process, PETHREAD Thread)
{
    PETHREAD Next;

    PAGED_CODE();

    ExAcquireFastMutex(&Process->ThreadLock);
    Next = PspReferenceNext(Thread == NULL
                            ? Process->ThreadListHead.Flink : Thread->ThreadListEntry.Flink,
        &Process->ThreadListHead, FIELD_OFFSET(ETHREAD, ThreadListEntry));
    ExReleaseFastMutex(&Process->ThreadLock);
    if (Thread != NULL)
        ObDereferenceObject(Thread);
    return Next;
}

/*
 * Documented: gives a referenced process for its id. STATUS_INVALID_PARAMETER if there is none.
 */
NTSTATUS NTAPI
PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process)
{
    PAGED_CODE();
    *Process = ExLookupCid(ProcessId, ProcessObject);
    return *Process != NULL ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

HANDLE NTAPI
PsGetProcessId(PEPROCESS Process)
{
    return Process->UniqueProcessId;
}

HANDLE NTAPI
PsGetProcessInheritedFromUniqueProcessId(PEPROCESS Process)
{
    return Process->InheritedFromUniqueProcessId;
}

PVOID NTAPI
PsGetProcessSectionBaseAddress(PEPROCESS Process)
{
    return Process->SectionBaseAddress;
}

PVOID NTAPI
PsGetProcessImageFileName(PEPROCESS Process)
{
    return Process->ImageFileName;
}

PEPROCESS NTAPI
IoGetCurrentProcess(VOID)
{
    return CONTAINING_RECORD(KeGetCurrentThread()->ApcState.Process, EPROCESS, Pcb);
}

HANDLE NTAPI
PsGetCurrentProcessId(VOID)
{
    return CONTAINING_RECORD(KeGetCurrentThread(), ETHREAD, Tcb)->Cid.UniqueProcess;
}

HANDLE NTAPI
PsGetCurrentThreadId(VOID)
{
    return CONTAINING_RECORD(KeGetCurrentThread(), ETHREAD, Tcb)->Cid.UniqueThread;
}

/*
 * Documented: the version this system claims (5.2, Server 2003). Always TRUE: there is only one
 * build.
 */
BOOLEAN NTAPI
PsGetVersion(PULONG Major, PULONG Minor, PULONG Build, PUNICODE_STRING CSDVersion)
{
    if (Major != NULL)
        *Major = 5;
    if (Minor != NULL)
        *Minor = 2;
    if (Build != NULL)
        *Build = 3790;
    if (CSDVersion != NULL)
        CSDVersion->Length = 0;
    return TRUE;
}
