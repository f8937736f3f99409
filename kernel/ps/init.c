/*
 * The object types Process and Thread, and the two processes that are there before any program.
 *
 * The idle process is a static EPROCESS without an object header: the idle threads need a process
 * before there is pool or an object manager. It never runs anything else and nobody can open it.
 * The System process is an ordinary object; every system thread belongs to it, and its handle
 * table is the kernel's.
 *
 * Both use the page tables the loader made: no user addresses are mapped in them.
 */
#include "ps/psp.h"

static EPROCESS PspIdleProcess = { .QuotaBlock = &PspDefaultQuotaBlock };

PEPROCESS    PsIdleProcess = &PspIdleProcess;
KPROCESS    *KiInitialProcess = &PspIdleProcess.Pcb;
PEPROCESS    PsInitialSystemProcess;
POBJECT_TYPE PspProcessType, PspThreadType;
POBJECT_TYPE *PsProcessType = &PspProcessType;
POBJECT_TYPE *PsThreadType = &PspThreadType;

/* The last reference is gone: it has no threads and no handles any more. */
static VOID
PspDeleteProcess(PVOID Object)
{
    PEPROCESS Process = Object;

    if (Process->ActiveProcessLinks.Flink != NULL) {
        ExAcquireFastMutex(&PspActiveProcessLock);
        RemoveEntryList(&Process->ActiveProcessLinks);
        ExReleaseFastMutex(&PspActiveProcessLock);
    }
    if (Process->Pcb.DirectoryTableBase != PsIdleProcess->Pcb.DirectoryTableBase)
        MmDeleteProcessAddressSpace(Process);
    PspDereferenceQuota(Process);
    if (Process->UniqueProcessId != NULL)
        ExDestroyCid(Process->UniqueProcessId);
    if (Process->SeAuditName != NULL)
        ExFreePoolWithTag(Process->SeAuditName, PSP_TAG_NAME);
    if (Process->Token != NULL)
        ObDereferenceObject(Process->Token);
}

/* The last reference is gone: the reaper has taken the stack, or the thread never ran. */
static VOID
PspDeleteThread(PVOID Object)
{
    PETHREAD Thread = Object;

    if (Thread->ThreadListEntry.Flink != NULL) {
        ExAcquireFastMutex(&Thread->ThreadsProcess->ThreadLock);
        RemoveEntryList(&Thread->ThreadListEntry);
        ExReleaseFastMutex(&Thread->ThreadsProcess->ThreadLock);
    }
    SeDeleteThread(Thread);
    if (Thread->Tcb.StackBase != NULL)
        MmDeleteKernelStack(Thread->Tcb.StackBase);
    if (Thread->Cid.UniqueThread != NULL)
        ExDestroyCid(Thread->Cid.UniqueThread);
    if (Thread->ThreadsProcess != NULL)
        ObDereferenceObject(Thread->ThreadsProcess);
}

static INIT_CODE VOID
PspCreateTypes(VOID)
{
    OBJECT_TYPE_INITIALIZER Type;

    RtlZeroMemory(&Type, sizeof Type);
    Type.PoolType = NonPagedPool;
    Type.InvalidAttributes = OBJ_OPENLINK | OBJ_PERMANENT | OBJ_EXCLUSIVE | OBJ_OPENIF;
    Type.MaintainTypeList = TRUE;
    Type.SecurityRequired = TRUE;

    Type.ValidAccessMask = PROCESS_ALL_ACCESS;
    Type.GenericMapping.GenericRead =
        STANDARD_RIGHTS_READ | PROCESS_VM_READ | PROCESS_QUERY_INFORMATION;
    Type.GenericMapping.GenericWrite =
        STANDARD_RIGHTS_WRITE | PROCESS_CREATE_THREAD | PROCESS_VM_OPERATION |
        PROCESS_VM_WRITE | PROCESS_DUP_HANDLE | PROCESS_SET_INFORMATION | PROCESS_SUSPEND_RESUME;
    Type.GenericMapping.GenericExecute = STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE;
    Type.GenericMapping.GenericAll = PROCESS_ALL_ACCESS;
    Type.DeleteProcedure = PspDeleteProcess;
    Type.DefaultNonPagedPoolCharge = sizeof(EPROCESS);
    ObpCreateType(L"Process", &Type, 'corP', FIELD_OFFSET(EPROCESS, Pcb.Header), &PspProcessType);

    Type.ValidAccessMask = THREAD_ALL_ACCESS;
    Type.GenericMapping.GenericRead = STANDARD_RIGHTS_READ | THREAD_QUERY_INFORMATION;
    Type.GenericMapping.GenericWrite =
        STANDARD_RIGHTS_WRITE | THREAD_TERMINATE | THREAD_SUSPEND_RESUME |
        THREAD_SET_INFORMATION | THREAD_SET_CONTEXT;
    Type.GenericMapping.GenericExecute = STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE;
    Type.GenericMapping.GenericAll = THREAD_ALL_ACCESS;
    Type.DeleteProcedure = PspDeleteThread;
    Type.DefaultNonPagedPoolCharge = sizeof(ETHREAD);
    ObpCreateType(L"Thread", &Type, 'erhT', FIELD_OFFSET(ETHREAD, Tcb.Header), &PspThreadType);
}

INIT_CODE VOID
PsInitSystem(VOID)
{
    static const UNICODE_STRING SystemName = RTL_CONSTANT_STRING(L"System");
    NTSTATUS Status;

    InitializeListHead(&PsActiveProcessHead);
    ExInitializeFastMutex(&PspActiveProcessLock);
    RtlCopyMemory(PsIdleProcess->ImageFileName, "Idle", 5);
    PspCreateTypes();
    PspInitializeReaper();

    Status = PspCreateProcess(NULL, &SystemName, FALSE, KernelMode, NULL, NULL,
                              &PsInitialSystemProcess);
    if (!NT_SUCCESS(Status))
        KeBugCheckEx(PROCESS_INITIALIZATION_FAILED, Status, 0, 0, 0);
}
