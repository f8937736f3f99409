/*
 * What ps/ offers to the rest of the kernel: processes and threads as objects.
 *
 * A process' life: created by PspCreateProcess (one reference for itself while it has threads,
 * one for each handle); the last thread to leave closes its handles, frees its address space and
 * signals it; deleted with its last reference. A thread holds a reference to its process for as
 * long as the thread object exists.
 *
 * A thread's life: created Initialized, readied, runs; PspExitThread cancels its IRPs and waits
 * for them, and ends in KeTerminateThread; the reaper frees its stack and drops the reference it
 * held on itself.
 */
#pragma once

#include "ob/ob.h"
#include "mm/mm.h"
#include "sdk/ntabi.h"

/* One pool's share of a process; interlocked, but for the limit. */
typedef struct _PS_QUOTA {
    volatile SIZE_T Usage, Peak;                // bytes
    volatile SIZE_T Limit;                      // MAXSIZE_T: none
    volatile SIZE_T Easy;                       // the lower of Peak and Limit
} PS_QUOTA, *PPS_QUOTA;

/* What is charged to a process; objects that it has made may outlive it, and this stays as long. */
typedef struct _EPROCESS_QUOTA_BLOCK {
    PS_QUOTA      Quota[2];                     // by pool: NonPagedPool, PagedPool
    volatile LONG References;                   // the process, and each object that was charged
    PEPROCESS     Process;                      // may be gone
    HANDLE        ProcessId;
} EPROCESS_QUOTA_BLOCK, *PEPROCESS_QUOTA_BLOCK;

typedef struct _EPROCESS {
    KPROCESS      Pcb;

    /* Set at creation, never changed: */
    HANDLE        UniqueProcessId;
    HANDLE        InheritedFromUniqueProcessId;
    LARGE_INTEGER CreateTime;
    CHAR          ImageFileName[16];            // last part of the image's name, cut to 15
    PUNICODE_STRING SeAuditName;                // NT path of the image; its own pool
    PVOID         SectionBaseAddress;           // of the program's image
    PPEB          Peb;
    PACCESS_TOKEN Token;                        // primary, referenced

    /* Guarded by PspActiveProcessLock: */
    LIST_ENTRY    ActiveProcessLinks;           // PsActiveProcessHead

    /* Guarded by ThreadLock: */
    FAST_MUTEX    ThreadLock;
    LIST_ENTRY    ThreadListHead;               // ETHREAD.ThreadListEntry
    ULONG         ActiveThreads;
    BOOLEAN       Exiting;                      // no new threads
    NTSTATUS      ExitStatus;
    LARGE_INTEGER ExitTime;

    /* Set by NtSetInformationProcess: */
    PEPROCESS_QUOTA_BLOCK QuotaBlock;           // referenced
    SIZE_T        MinimumWorkingSet, MaximumWorkingSet;
    ULONG         DefaultHardErrorMode;
    UCHAR         PriorityClass;                // PSP_CLASS_*
    ULONG         HandleTraceStart;             // the first record for it to see; 0: none

    PHANDLE_TABLE ObjectTable;                  // NULL once the process has ended; owned by ob/
    MM_PROCESS    Mm;                           // owned by mm/
} EPROCESS;

typedef struct _ETHREAD {
    KTHREAD       Tcb;

    /* Set at creation, never changed: */
    CLIENT_ID     Cid;
    PEPROCESS     ThreadsProcess;               // referenced
    LARGE_INTEGER CreateTime;
    PVOID         StartAddress, Win32StartAddress;
    BOOLEAN       SystemThread;

    /* Guarded by the process' ThreadLock: */
    LIST_ENTRY    ThreadListEntry;
    BOOLEAN       Terminated;                   // told to end
    NTSTATUS      ExitStatus;

    /*
     * Owned by io/: IRPs the thread issued and not completed yet (IRP.ThreadListEntry); own
     * thread at APC_LEVEL only
     */
    LIST_ENTRY    IrpList;
    // the IRP of the synchronous request the thread is in, or NULL; own thread only
    PIRP          WaitedIrp;

    /* Owned by se/, guarded by its SepImpersonationLock: */
    PACCESS_TOKEN ClientToken;                  // whom the thread impersonates, referenced, or NULL
    SECURITY_IMPERSONATION_LEVEL ImpersonationLevel;

    KAPC          ExitApc;                      // ps/: tells the thread to end
    LIST_ENTRY    ReaperLink;
    LARGE_INTEGER ExitTime;
} ETHREAD;

/* ---- quota.c: what objects cost their makers; <= DISPATCH_LEVEL ---- */

PEPROCESS_QUOTA_BLOCK PspChargeBoth(PEPROCESS_QUOTA_BLOCK Block, SIZE_T Paged, SIZE_T NonPaged);
VOID PspReturnCharge(PEPROCESS_QUOTA_BLOCK Block, POOL_TYPE Pool, SIZE_T Amount);
VOID PspFreeQuotaBlock(PEPROCESS_QUOTA_BLOCK Block);

/*
 * Charges an object to the process that makes it: the block returned, referenced, takes the
 * charge back. NULL: the process may have no more.
 */
static inline PEPROCESS_QUOTA_BLOCK
PsChargeSharedPoolQuota(PEPROCESS Process, SIZE_T Paged, SIZE_T NonPaged)
{
    PEPROCESS_QUOTA_BLOCK Block = Process->QuotaBlock;
    PPS_QUOTA             Quota = &Block->Quota[NonPagedPool];

    if (Paged != 0)
        return PspChargeBoth(Block, Paged, NonPaged);
    if (__builtin_expect((SIZE_T)InterlockedAdd64((volatile LONG64 *)&Quota->Usage,
                                                  (LONG64)NonPaged) > Quota->Easy, 0)) {
        PspReturnCharge(Block, NonPagedPool, NonPaged);
        return PspChargeBoth(Block, 0, NonPaged);
    }
    InterlockedIncrement(&Block->References);
    return Block;
}

static inline VOID
PsReturnSharedPoolQuota(PEPROCESS_QUOTA_BLOCK Block, SIZE_T Paged, SIZE_T NonPaged)
{
    InterlockedExchangeAdd64((volatile LONG64 *)&Block->Quota[NonPagedPool].Usage,
                             -(LONG64)NonPaged);
    if (Paged != 0)
        PspReturnCharge(Block, PagedPool, Paged);
    if (InterlockedDecrement(&Block->References) == 0)
        PspFreeQuotaBlock(Block);
}

extern LIST_ENTRY PsActiveProcessHead;
// static: owner of the idle threads, has no object header
extern PEPROCESS  PsIdleProcess;
extern LIST_ENTRY PsActiveProcessHead;

/* The access rights of processes and threads that mingw-w64's DDK headers leave out. */
#define PROCESS_SET_INFORMATION     0x0200
#define PROCESS_QUERY_INFORMATION   0x0400
#define PROCESS_SUSPEND_RESUME      0x0800
#define PROCESS_VM_OPERATION        0x0008
#define PROCESS_VM_READ             0x0010
#define PROCESS_VM_WRITE            0x0020
#define PROCESS_CREATE_THREAD       0x0002
#define PROCESS_TERMINATE           0x0001
#define THREAD_QUERY_INFORMATION    0x0040
#define THREAD_SET_INFORMATION      0x0020
#define THREAD_SET_CONTEXT          0x0010
#define THREAD_SET_THREAD_TOKEN     0x0080
#define THREAD_IMPERSONATE          0x0100
#define THREAD_DIRECT_IMPERSONATION 0x0200

VOID PsInitSystem(VOID);                        // phase 0: types, the System process
VOID PspReaperEnqueue(PKTHREAD Thread);         // by KeTerminateThread; see ke.h
DECLSPEC_NORETURN VOID PspExitThread(NTSTATUS ExitStatus);
BOOLEAN PspIsThreadTerminating(PETHREAD Thread);

/* Tells drivers of an image that was loaded: in Process, or, NULL, a driver's. PASSIVE_LEVEL. */
VOID PsReportImage(PUNICODE_STRING Name, PEPROCESS Process, PVOID Base, SIZE_T Size);

/*
 * Starts the first program (System32\smss.exe) with CommandLine. PASSIVE_LEVEL, phase 1.
 */
NTSTATUS PsStartFirstProgram(PCWSTR ImagePath, PCWSTR CommandLine);

/*
 * Walks the processes: NULL starts; returns the next one referenced and drops the reference on
 * Process.
 */
PEPROCESS PsGetNextProcess(PEPROCESS Process);

/* Walks the threads of Process the same way. */
PETHREAD PsGetNextProcessThread(PEPROCESS Process, PETHREAD Thread);

/* For start-up, which makes the first threads itself. */
typedef struct _PSP_USER_START *PPSP_USER_START;

/*
 * Creates a thread, not running yet. For a user thread Start is what PspCreateUserStack made; for
 * a system thread it is NULL and the thread calls StartRoutine(StartContext). The caller owns one
 * reference; the thread holds one on itself, which the reaper drops. PspStartThread lets it run.
 */
NTSTATUS PspCreateThread(PEPROCESS Process, KPROCESSOR_MODE Mode, POBJECT_ATTRIBUTES Attributes,
                         PPSP_USER_START Start, PKSTART_ROUTINE StartRoutine, PVOID StartContext,
                         PETHREAD *Thread);
VOID PspStartThread(PETHREAD Thread, BOOLEAN Suspended);
KSTART_ROUTINE PspReaperThread;
