/*
 * What ke/ offers to the rest of the kernel: processors, IRQL, traps, threads as things that run
 * and wait, dispatcher objects, DPCs and APCs. ke/ knows no objects: a KTHREAD or KPROCESS lives
 * inside ps/'s ETHREAD or EPROCESS, and ps/ decides when it is created and freed.
 *
 * One lock, KiDispatcherLock, guards every dispatcher object's signal state and wait list, every
 * thread's State and wait blocks, the ready queues of all processors, and the timer table. It is
 * taken at DISPATCH_LEVEL and is released by KiExitDispatcher, which also performs the context
 * switch a wake-up has asked for.
 *
 * A thread's life: Initialized -> Ready -> Standby (chosen as some processor's NextThread) ->
 * Running -> Waiting -> Ready ... -> Terminated. Only the holder of KiDispatcherLock moves it.
 *
 * APCs: a thread's queues are guarded by its ApcQueueLock (taken before KiDispatcherLock, never
 * after). A special kernel APC runs whenever IRQL < APC_LEVEL; a normal kernel APC also needs
 * KernelApcDisable == 0; a user APC runs on the way to user mode when UserApcPending was set by
 * an alertable or user-mode wait, NtTestAlert, or thread end.
 */
#pragma once

#include "kernel.h"

typedef VOID (NTAPI *PKSYSTEM_ROUTINE)(PKSTART_ROUTINE StartRoutine, PVOID StartContext);
typedef struct _KPROCESS *PRKPROCESS;

#define MAXIMUM_KERNEL_PROCESSORS   8
#define KERNEL_STACK_PAGES          6           // 24 KiB as on x64 Windows, one guard page below
#define CLOCK_INTERVAL_100NS        100000      // a clock tick is 10 ms
// clock ticks a thread runs before its equals get a turn
#define THREAD_QUANTUM_TICKS        3

enum {                                          // DISPATCHER_HEADER.Type, as in NT
    EventNotificationObject = 0, EventSynchronizationObject = 1, MutantObject = 2,
    ProcessObject = 3, QueueObject = 4, SemaphoreObject = 5, ThreadObject = 6,
    TimerNotificationObject = 8,
    TimerSynchronizationObject = 9,
    ApcObject = 18, DpcObject = 19, DeviceQueueObject = 20, InterruptObject = 22
};

typedef enum _KTHREAD_STATE {
    Initialized, Ready, Running, Standby, Terminated, Waiting
} KTHREAD_STATE;

/*
 * The state of the interrupted code, as KiTrap/KiInterrupt/KiSystemCall entries leave it on the
 * kernel stack. trap.S defines the matching offsets; ke/trap.c asserts them. Exceptions and
 * interrupts fill all of it, a system call what the calling convention preserves plus Rip,
 * EFlags, Rsp.
 */
typedef struct _KTRAP_FRAME {
    M128A   Xmm0, Xmm1, Xmm2, Xmm3, Xmm4, Xmm5;
    ULONG   MxCsr;
    UCHAR   PreviousIrql;                       // IRQL of the interrupted code
    UCHAR   PreviousMode;                       // mode the thread had before a system call
    UCHAR   IsSystemCall;
    UCHAR   Spare;
    ULONG64 FaultAddress;                       // CR2 of a page fault
    ULONG64 Rax, Rcx, Rdx, R8, R9, R10, R11;
    ULONG64 Rbx, Rdi, Rsi, R12, R13, R14, R15, Rbp;
    ULONG64 Vector;                             // of the trap or interrupt
    ULONG64 ErrorCode;                          // the processor's, or 0
    ULONG64 Rip, SegCs, EFlags, Rsp, SegSs;     // pushed by the processor
} KTRAP_FRAME, *PKTRAP_FRAME;

#define KGDT64_R0_CODE  0x10
#define KGDT64_R0_DATA  0x18
#define KGDT64_R3_CMCODE 0x20
#define KGDT64_R3_DATA  0x28
#define KGDT64_R3_CODE  0x30
#define KGDT64_SYS_TSS  0x40
#define RPL_USER        3
#define TRAP_FROM_USER(Frame) (((Frame)->SegCs & 3) != 0)

typedef struct _KPROCESS {
    DISPATCHER_HEADER Header;                   // signalled when the last thread has ended

    /* Set at creation, never changed: */
    ULONG64           DirectoryTableBase;       // physical address for CR3

    /* Guarded by KiDispatcherLock: */
    LIST_ENTRY        ThreadListHead;           // KTHREAD.ThreadListEntry
    KAFFINITY         Affinity;
    SCHAR             BasePriority;
    ULONG             UserTime, KernelTime;     // clock ticks
} KPROCESS;

typedef struct _KTHREAD {
    DISPATCHER_HEADER Header;                   // signalled when the thread has ended
    LIST_ENTRY        MutantListHead;           // mutants it owns; guarded by KiDispatcherLock

    /* Set at creation, never changed: */
    PVOID             StackBase;                // high end of the kernel stack
    PVOID             StackLimit;               // low end
    PVOID             InitialStack;             // where a trap from user mode starts to push
    PVOID             NpxArea;                  // 512 bytes for FXSAVE, above InitialStack
    PVOID             Teb;                      // NULL: a system thread

    /* Owned by the processor that runs or last ran it: */
    PVOID             KernelStack;              // rsp while not running
    PKTRAP_FRAME      TrapFrame;                // innermost frame from user mode
    KPROCESSOR_MODE   PreviousMode;             // offset is used by trap.S
    BOOLEAN           SystemThread;
    PVOID             ServiceFrame;             // of the innermost Zw call: KeServiceCaller

    /* Guarded by ApcQueueLock: */
    KSPIN_LOCK        ApcQueueLock;
    KAPC_STATE        ApcState;                 // of the process it runs in now
    KAPC_STATE        SavedApcState;            // of its own process while attached to another
    PKAPC_STATE       ApcStatePointer[2];
    UCHAR             ApcStateIndex;            // 0 at home, 1 attached
    BOOLEAN           ApcQueueable;             // cleared when the thread ends
    SHORT             KernelApcDisable;         // < 0 inside KeEnterCriticalRegion; own thread only
    SHORT             SpecialApcDisable;        // < 0 inside KeEnterGuardedRegion; own thread only

    /* Guarded by KiDispatcherLock: */
    volatile UCHAR    State;                    // KTHREAD_STATE
    SCHAR             Priority, BasePriority, PriorityDecrement;
    LONG              Quantum;                  // clock ticks left
    KAFFINITY         Affinity;
    UCHAR             NextProcessor;            // where it is Ready, Standby, Running or ran last
    BOOLEAN           Preempted;
    LIST_ENTRY        ReadyListEntry;           // in a ready queue
    LIST_ENTRY        ThreadListEntry;          // in its KPROCESS
    PKPROCESS         Process;                  // its own process

    /* The wait it is in; guarded by KiDispatcherLock: */
    KIRQL             WaitIrql;
    KPROCESSOR_MODE   WaitMode;
    BOOLEAN           Alertable;
    BOOLEAN           Alerted[2];               // by mode
    UCHAR             WaitReason;               // KWAIT_REASON
    LONG_PTR          WaitStatus;
    PKWAIT_BLOCK      WaitBlockList;
    KWAIT_BLOCK       WaitBlock[THREAD_WAIT_OBJECTS + 1];   // the last is the timer's
    KTIMER            Timer;
    ULONG             WaitTime;                 // tick count when the wait began
    PKQUEUE           Queue;                    // KQUEUE it serves, or NULL
    LIST_ENTRY        QueueListEntry;

    /*
     * Suspension: guarded by KiDispatcherLock; the APC makes the thread wait for the semaphore.
     */
    CHAR              SuspendCount, FreezeCount;
    KAPC              SuspendApc;
    KSEMAPHORE        SuspendSemaphore;

    ULONG             ContextSwitches;
    ULONG             UserTime, KernelTime;     // clock ticks
    NTSTATUS          ExitStatus;

    /* Own thread only: */
    // KeSet/Release...(Wait = TRUE): the lock is held for the wait that follows
    BOOLEAN           WaitNext;
    BOOLEAN           SystemAffinityActive;     // Affinity was lent by KeSetSystemAffinityThread
    KAFFINITY         UserAffinity;             // to go back to then
} KTHREAD;

/*
 * The processor's own block, behind GS. Drivers read Self (0x18), CurrentPrcb (0x20),
 * CurrentThread (0x188) and Number (0x184) inline, so those offsets are fixed; trap.S knows
 * UserRsp and RspBase by name.
 */
typedef struct _KPRCB {
    ULONG             MxCsr;                    // 0x180
    USHORT            Number;                   // 0x184
    BOOLEAN           NestingLevel;
    // 0x187: set by the clock, used by KiDispatchInterrupt
    BOOLEAN           QuantumEnd;
    PKTHREAD          CurrentThread;            // 0x188
    // 0x190: chosen to run next; guarded by KiDispatcherLock
    PKTHREAD          NextThread;
    PKTHREAD          IdleThread;               // 0x198
    ULONG64           UserRsp;                  // 0x1A0: scratch of the system call entry
    ULONG64           RspBase;                  // 0x1A8: CurrentThread->InitialStack

    KAFFINITY         SetMember;                // 1 << Number
    ULONG             ApicId;
    volatile BOOLEAN  Idle;
    volatile BOOLEAN  Frozen;                   // by HalpFreezeProcessors
    struct _KPCR     *Pcr;
    struct _KTSS64   *Tss;

    /* Ready queues; guarded by KiDispatcherLock: */
    ULONG             ReadySummary;             // bit p: DispatcherReadyListHead[p] is not empty
    LIST_ENTRY        DispatcherReadyListHead[MAXIMUM_PRIORITY];

    /* DPCs; guarded by DpcLock: */
    KSPIN_LOCK        DpcLock;
    LIST_ENTRY        DpcListHead;
    volatile ULONG    DpcQueueDepth;
    volatile BOOLEAN  DpcRoutineActive;
    volatile BOOLEAN  TimerCheck;               // the clock saw a timer that is due

    /* Counters, own processor only: */
    ULONG             ContextSwitches, InterruptCount, DpcCount, SystemCalls;
    ULONG             KernelTime, UserTime, InterruptTime, DpcTime;     // clock ticks

    /* Per-processor look-aside lists, owned by io/ and ex/: */
    PVOID             LookAside[16];

    // spin locks held by this processor through the exported routines
    ULONG             SpinLockDepth;
    KIRQL             DebuggerSavedIRQL;        // when a bugcheck stopped it
} KPRCB, *PKPRCB;

/* KPCR (mingw-w64's, 0x178 bytes) and, at 0x180, its KPRCB. */
typedef struct DECLSPEC_ALIGN(64) _KIPCR {
    KPCR  Pcr;
    ULONG64 Pad;
    KPRCB Prcb;
} KIPCR, *PKIPCR;
_Static_assert(FIELD_OFFSET(KIPCR, Prcb) == 0x180, "KPRCB lies at 0x180 of the KPCR");
_Static_assert(FIELD_OFFSET(KIPCR, Prcb.CurrentThread) == 0x188,
               "CurrentThread lies at gs:[0x188]");

static inline PKPRCB KeGetCurrentPrcb(VOID) { return (PKPRCB)__readgsqword(0x20); }

static inline USHORT KiCurrentNumber(VOID)
{
    return __readgsword(FIELD_OFFSET(KIPCR, Prcb.Number));
}

static inline KPROCESSOR_MODE KeGetPreviousMode(VOID) { return KeGetCurrentThread()->PreviousMode; }

extern PKPRCB       KiProcessorBlock[MAXIMUM_KERNEL_PROCESSORS];
extern KSPIN_LOCK   KiDispatcherLock;
extern KPROCESS    *KiInitialProcess;           // Pcb of the System process

/* ---- processor.c, trap.S, trap.c, syscall.S: entry and exit (KE-low) ---- */

/* Called by boot processor and, later, each other one: GDT, TSS, IDT, GS, MSRs, CR4 bits. */
VOID KiInitializeProcessor(PKIPCR Pcr, ULONG Number, PVOID BootStack);
VOID KiStartAllProcessors(VOID);                // after scheduling works; PASSIVE_LEVEL
VOID KiIdleLoop(VOID);                          // never returns; drains DPCs, runs NextThread

/*
 * Switches from the running thread to NewThread: saves nonvolatile registers, EFLAGS.AC, FPU/SSE
 * state; loads the other's, CR3 if the process differs, TSS.Rsp0 and RspBase. Called at
 * DISPATCH_LEVEL with KiDispatcherLock held; the new thread releases it. Returns when OldThread
 * runs again.
 */
VOID KiSwapContext(PKTHREAD OldThread, PKTHREAD NewThread);

/*
 * Prepares Thread->KernelStack so that the first switch to it releases KiDispatcherLock, lowers
 * to PASSIVE_LEVEL (APC_LEVEL for user threads until APCs were looked at) and calls
 * SystemRoutine(StartRoutine, StartContext). When SystemRoutine returns the thread must have a
 * user TrapFrame prepared at the stack's top (UserContext != NULL: built from it), and goes to
 * user mode through KiExceptionExit.
 */
VOID KiInitializeContextThread(PKTHREAD Thread, PKSYSTEM_ROUTINE SystemRoutine,
                               PKSTART_ROUTINE StartRoutine, PVOID StartContext,
                               PCONTEXT UserContext);

VOID KeContextToTrapFrame(PKTRAP_FRAME TrapFrame, const CONTEXT *Context, ULONG ContextFlags,
                          KPROCESSOR_MODE Mode);
VOID KeTrapFrameToContext(const KTRAP_FRAME *TrapFrame, PCONTEXT Context);

/*
 * Finds a handler for an exception: kernel frames by RtlDispatchException, user mode by
 * KiUserExceptionDispatcher; bugchecks (kernel) or ends the process (user) when nobody takes it.
 * May change TrapFrame so that the trap returns to the handler.
 */
VOID KiDispatchException(PEXCEPTION_RECORD ExceptionRecord, PKTRAP_FRAME TrapFrame,
                         KPROCESSOR_MODE Mode, BOOLEAN FirstChance);

/* Who called the innermost Zw routine that the running thread is in, or NULL. Any IRQL. */
PVOID KeServiceCaller(VOID);

/* Reads eight bytes of the running program's memory. FALSE: it could not. <= APC_LEVEL. */
BOOLEAN KePeekUser(PVOID Address, PVOID *Value);

/*
 * Set the addresses in ntdll that the kernel enters user mode at; ps/ finds them when it maps
 * ntdll.
 */
extern PVOID KeUserExceptionDispatcher, KeUserApcDispatcher;
extern PVOID PspLdrInitializeThunk, PspRtlUserThreadStart;

VOID KiRequestSoftwareInterrupt(KIRQL Irql);    // APC_LEVEL or DISPATCH_LEVEL, on this processor
VOID KiIpiReschedule(ULONG Processor);          // make it look at its NextThread / APCs
// on every processor, waits until done; any IRQL <= DISPATCH_LEVEL
VOID KiIpiFlushTb(PVOID Address, BOOLEAN All);
KSTART_ROUTINE KeBalanceSetManager;             // balance.c: a system thread
// clock.c: fills KUSER_SHARED_DATA; once, before the first HalpStartClock
VOID KeInitializeClock(VOID);
// clock.c: each processor's clock interrupt; boot processor advances time
VOID KeUpdateSystemTime(PKTRAP_FRAME TrapFrame);

/*
 * ---- dispatcher: wait.c, thread.c, event.c, mutant.c, semaphore.c, timer.c, queue.c, dpc.c,
 * apc.c (KE-high) ----
 */

KIRQL KiAcquireDispatcherLock(VOID);                    // raises to DISPATCH_LEVEL
// releases it, switches if a better thread is ready, lowers
VOID  KiExitDispatcher(KIRQL OldIrql);
// body of the DISPATCH_LEVEL interrupt: DPCs, quantum, switch
VOID  KiDispatchInterrupt(VOID);
VOID  KiDeliverApc(KPROCESSOR_MODE DeliveryMode, PVOID ExceptionFrame, PKTRAP_FRAME TrapFrame);
// KE-low: builds the user frame
VOID  KiInitUserApc(PKTRAP_FRAME TrapFrame, PKNORMAL_ROUTINE NormalRoutine, PVOID NormalContext,
                    PVOID Arg1, PVOID Arg2);
VOID  KiRetireDpcList(PKPRCB Prcb);
VOID  KiTimerExpiration(PKDPC Dpc, PVOID Context, PVOID Arg1, PVOID Arg2);
// per processor: queues, DPC list; once: timer table
VOID  KiInitializeDispatcher(PKPRCB Prcb);
BOOLEAN KiIsTimerDue(ULONG64 InterruptTime);            // cheap: asked by the clock interrupt
// before KiInitializeDispatcher
VOID  KiInitializeIdleThread(PKTHREAD Thread, PKPRCB Prcb, PKPROCESS Process);
// by the idle loop when NextThread is set: runs it; returns when idle again
VOID  KiIdleSwitch(VOID);
// what follows KiSwapContext, also on a thread's first run: releases the lock
VOID  KiFinishSwitch(VOID);
// KeSetEvent for one who holds KiDispatcherLock
VOID  KiSetEventLocked(PKEVENT Event);
// a terminated thread has left its stack for good
BOOLEAN KiThreadLeft(PKTHREAD Thread);
VOID  KeSetAffinityThread(PKTHREAD Thread, KAFFINITY Affinity);
// lets a ready thread of the same or a higher priority run
VOID  KiYield(VOID);

VOID  KeInitializeProcess(PKPROCESS Process, KPRIORITY BasePriority, ULONG64 DirectoryTableBase);
/*
 * Stack, context and APC state of a new thread; it is Initialized until KeReadyThread.
 * KernelStack is owned by the thread's owner.
 */
VOID  KeInitializeThread(PKTHREAD Thread, PVOID StackBase, PVOID StackLimit,
                         PKSYSTEM_ROUTINE SystemRoutine, PKSTART_ROUTINE StartRoutine,
                         PVOID StartContext, PCONTEXT UserContext, PVOID Teb, PKPROCESS Process);
VOID  KeReadyThread(PKTHREAD Thread);
/*
 * Ends the running thread: releases mutants as abandoned, signals it, leaves the processor for
 * good. Its stack is free to be reused once KiThreadLeft(Thread) is true; ps/'s reaper is woken
 * through PspReaperEnqueue(Thread), called at DISPATCH_LEVEL with KiDispatcherLock held.
 */
DECLSPEC_NORETURN VOID KeTerminateThread(KPRIORITY Increment);
VOID  KeStackAttachProcess(PRKPROCESS Process, PRKAPC_STATE ApcState);
VOID  KeUnstackDetachProcess(PRKAPC_STATE ApcState);
// signals the process object (its last thread has ended)
LONG  KeSetProcessSignal(PKPROCESS Process);
BOOLEAN KeAlertThread(PKTHREAD Thread, KPROCESSOR_MODE Mode);
BOOLEAN KeTestAlertThread(KPROCESSOR_MODE Mode);
// previous count; raises STATUS_SUSPEND_COUNT_EXCEEDED
ULONG KeSuspendThread(PKTHREAD Thread);
ULONG KeResumeThread(PKTHREAD Thread);
VOID  KeForceResumeThread(PKTHREAD Thread);
/*
 * Wakes Thread from a UserMode wait (any, alertable or not) with STATUS_USER_APC because a user
 * APC of thread end was queued: sets UserApcPending.
 */
VOID  KeBoostCurrentForTermination(PKTHREAD Thread);
KPRIORITY KiComputeNewPriority(PKTHREAD Thread);

VOID NTAPI KeInitializeApc(PRKAPC Apc, PRKTHREAD Thread, UCHAR Environment,
                           PKKERNEL_ROUTINE KernelRoutine, PKRUNDOWN_ROUTINE RundownRoutine,
                           PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode,
                           PVOID NormalContext);
BOOLEAN NTAPI KeInsertQueueApc(PRKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2,
                               KPRIORITY Increment);
BOOLEAN NTAPI KeRemoveQueueApc(PRKAPC Apc);
PLIST_ENTRY KiRemoveQueue(PKQUEUE Queue, KPROCESSOR_MODE Mode, BOOLEAN Alertable,
                          PLARGE_INTEGER Timeout);
/*
 * Takes all APCs of Mode off the queue: the first one's entry of a circular list without a head,
 * or NULL. KernelMode also closes both queues for good: flush it first when a thread ends, then
 * UserMode.
 */
PLIST_ENTRY KeFlushQueueApc(PKTHREAD Thread, KPROCESSOR_MODE Mode);

/* A spin lock's holder is recorded in it: the KTHREAD with bit 0 set. */
static inline VOID KiAcquireSpinLock(PKSPIN_LOCK Lock)  // at DISPATCH_LEVEL or above
{
    while (InterlockedCompareExchange64((LONG64 *)Lock, (LONG64)KeGetCurrentThread() | 1, 0) != 0)
        while (*(volatile KSPIN_LOCK *)Lock != 0)
            YieldProcessor();
}
static inline VOID KiReleaseSpinLock(PKSPIN_LOCK Lock)
{
    __asm__ __volatile__("" ::: "memory");
    *(volatile KSPIN_LOCK *)Lock = 0;
}

/* KeInitializeEvent, in line. */
static inline VOID
KiInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    Event->Header.Lock = Type | (sizeof(KEVENT) / sizeof(LONG)) << 16;      // Type and Size
    Event->Header.SignalState = State;
    InitializeListHead(&Event->Header.WaitListHead);
}
_Static_assert(FIELD_OFFSET(DISPATCHER_HEADER, Type) == 0 &&
               FIELD_OFFSET(DISPATCHER_HEADER, Size) == 2, "Lock is Type and Size");

extern PVOID KiServiceTable[];
extern UCHAR KiArgumentTable[];
extern ULONG KiServiceCount;

#include "ke/callout.h"
