/*
 * Timer objects: a KTIMER with a name and handles, and optionally an APC to the thread that set
 * it.
 *
 * NtSetTimer with a routine remembers the calling thread (referenced). When the timer is due its
 * DPC queues the APC to that thread; the APC runs the caller's routine when the thread waits
 * alertably. A timer without a period forgets the thread when its APC is delivered.
 *
 *   ApcThread != NULL     set: the next expiration queues an APC
 *   TimerApc.Inserted     queued; the queued APC has a reference to the timer
 *
 * It is disarmed by NtCancelTimer, by being set again, by the close of the last handle, and when
 * the thread has ended (the APC cannot be queued any more, or is run down). A handler on its way
 * while that happens finds ApcThread changed and does nothing.
 *
 * Lock: guards ApcThread, Fired, Period, and makes setting the timer one step. It is taken by the
 * DPC, so always at DISPATCH_LEVEL, and before ke/'s locks.
 */
#include "kernel.h"
#include "ex/exobj.h"

/* Forgets the thread. The caller drops its reference once the lock is released. */
static PKTHREAD
ExpForgetThreadLocked(PETIMER Timer)
{
    PKTHREAD Thread = Timer->ApcThread;

    Timer->ApcThread = NULL;
    return Thread;
}

static VOID
ExpApcLeft(PKAPC Apc, BOOLEAN ThreadEnds)
{
    PETIMER  Timer  = CONTAINING_RECORD(Apc, ETIMER, TimerApc);
    PKTHREAD Thread = NULL;
    KIRQL    Irql;

    KeAcquireSpinLock(&Timer->Lock, &Irql);
    if (Timer->Fired && !Timer->TimerApc.Inserted && (ThreadEnds || Timer->Period == 0))
        Thread = ExpForgetThreadLocked(Timer);
    KeReleaseSpinLock(&Timer->Lock, Irql);

    if (Thread != NULL)
        ObDereferenceObject(Thread);
    ObDereferenceObject(Timer);                 // the queued APC's
}

static VOID NTAPI
ExpTimerApc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext, PVOID *Argument1,
            PVOID *Argument2)
{
    ExpApcLeft(Apc, FALSE);
}

static VOID NTAPI
ExpTimerRundown(PKAPC Apc)
{
    ExpApcLeft(Apc, TRUE);
}

static VOID NTAPI
ExpTimerDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PETIMER       Timer  = Context;
    PKTHREAD      Thread = NULL;
    BOOLEAN       Queued = FALSE;
    LARGE_INTEGER Now;

    if (!ObReferenceObjectSafe(Timer))          // its delete procedure waits for this DPC
        return;

    KeQuerySystemTime(&Now);
    KeAcquireSpinLockAtDpcLevel(&Timer->Lock);
    if (Timer->ApcThread != NULL && !Timer->TimerApc.Inserted) {
        Queued = KeInsertQueueApc(&Timer->TimerApc, (PVOID)(ULONG_PTR)Now.LowPart,
                                  (PVOID)(LONG_PTR)Now.HighPart, 0);
        Timer->Fired |= Queued;
        if (!Queued)
            Thread = ExpForgetThreadLocked(Timer);      // it has ended
    }
    KeReleaseSpinLockFromDpcLevel(&Timer->Lock);

    if (Thread != NULL)
        ObDereferenceObject(Thread);
    if (!Queued)
        ObDereferenceObject(Timer);
}

/* What a disarmed timer had, for ExpDropArm once the lock is released. */
typedef struct _TIMER_ARM {
    PKTHREAD Thread;
    BOOLEAN  Queued;
} TIMER_ARM, *PTIMER_ARM;

/* Stops the timer; TRUE if it was not signalled yet and counting. */
static BOOLEAN
ExpDisarmLocked(PETIMER Timer, PTIMER_ARM Arm)
{
    BOOLEAN Counting = KeCancelTimer(&Timer->KeTimer);

    KeRemoveQueueDpc(&Timer->TimerDpc);
    Arm->Thread = ExpForgetThreadLocked(Timer);
    Arm->Queued = Arm->Thread != NULL && KeRemoveQueueApc(&Timer->TimerApc);
    return Counting;
}

static VOID
ExpDropArm(PETIMER Timer, PTIMER_ARM Arm)
{
    if (Arm->Queued)
        ObDereferenceObject(Timer);
    if (Arm->Thread != NULL)
        ObDereferenceObject(Arm->Thread);
}

/* ExpDisarmLocked for those without the lock. <= APC_LEVEL. */
static BOOLEAN
ExpDisarmTimer(PETIMER Timer)
{
    BOOLEAN   Counting;
    TIMER_ARM Arm;
    KIRQL     Irql;

    KeAcquireSpinLock(&Timer->Lock, &Irql);
    Counting = ExpDisarmLocked(Timer, &Arm);
    KeReleaseSpinLock(&Timer->Lock, Irql);
    ExpDropArm(Timer, &Arm);
    return Counting;
}

/*
 * The last handle stops a timer, as documented, even while an APC or a wait still has a
 * reference.
 */
VOID
ExpCloseTimer(PEPROCESS Process, PVOID Object, ACCESS_MASK Access, ULONG64 ProcessCount,
              ULONG64 SystemCount)
{
    if (SystemCount == 1)
        ExpDisarmTimer(Object);
}

VOID
ExpDeleteTimer(PVOID Object)
{
    PETIMER Timer = Object;

    if (Timer->KeTimer.Header.WaitListHead.Flink == NULL)
        return;                                 // was never initialised
    ExpDisarmTimer(Timer);
    KeFlushQueuedDpcs();
}

NTSTATUS NTAPI
NtCreateTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
              TIMER_TYPE TimerType)
{
    KPROCESSOR_MODE Mode   = KeGetPreviousMode();
    NTSTATUS        Status = ObProbeHandle(TimerHandle, Mode);
    PETIMER         Timer;

    PAGED_CODE();

    if (!NT_SUCCESS(Status))
        return Status;
    if (TimerType != NotificationTimer && TimerType != SynchronizationTimer)
        return STATUS_INVALID_PARAMETER;

    Status = ObCreateObject(Mode, ExTimerObjectType, ObjectAttributes, Mode, NULL, sizeof(ETIMER),
                            0, 0, (PVOID *)&Timer);
    if (!NT_SUCCESS(Status))
        return Status;

    KeInitializeTimerEx(&Timer->KeTimer, TimerType);
    KeInitializeDpc(&Timer->TimerDpc, ExpTimerDpc, Timer);
    KeInitializeSpinLock(&Timer->Lock);
    return ObInsertService(Timer, DesiredAccess, TimerHandle, Mode);
}

NTSTATUS NTAPI
NtOpenTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenService(TimerHandle, DesiredAccess, ObjectAttributes, ExTimerObjectType, NULL);
}

/*
 * Sets the timer anew, in one step: of two threads that set it at once, one is disarmed by the
 * other. With a Routine, expirations call it in the running thread. Returns the state until then.
 */
static BOOLEAN
ExpSetTimer(PETIMER Timer, LARGE_INTEGER DueTime, PTIMER_APC_ROUTINE Routine, PVOID Context,
            LONG Period, KPROCESSOR_MODE Mode)
{
    TIMER_ARM Arm;
    BOOLEAN   Old;
    KIRQL     Irql;

    if (Routine != NULL)
        ObReferenceObject(KeGetCurrentThread());

    KeAcquireSpinLock(&Timer->Lock, &Irql);
    Old = KeReadStateTimer(&Timer->KeTimer);
    ExpDisarmLocked(Timer, &Arm);
    Timer->Period = Period;
    Timer->Fired  = FALSE;
    if (Routine != NULL) {
        KeInitializeApc(&Timer->TimerApc, KeGetCurrentThread(), 0, ExpTimerApc, ExpTimerRundown,
                        (PKNORMAL_ROUTINE)(PVOID)Routine, Mode, Context);
        Timer->ApcThread = KeGetCurrentThread();
    }
    KeSetTimerEx(&Timer->KeTimer, DueTime, Period, Routine != NULL ? &Timer->TimerDpc : NULL);
    KeReleaseSpinLock(&Timer->Lock, Irql);
    ExpDropArm(Timer, &Arm);
    return Old;
}

static NTSTATUS
ExpCaptureDueTime(PLARGE_INTEGER DueTime, KPROCESSOR_MODE Mode, PLARGE_INTEGER Captured)
{
    __try {
        if (Mode != KernelMode)
            ProbeForRead(DueTime, sizeof(*DueTime), sizeof(ULONG));
        *Captured = *(volatile LARGE_INTEGER *)DueTime;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static VOID
ExpWriteBoolean(PBOOLEAN Address, BOOLEAN Value)
{
    __try {
        if (Address != NULL)
            *(volatile BOOLEAN *)Address = Value;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
}

static NTSTATUS
ExpProbeBoolean(PBOOLEAN Address, KPROCESSOR_MODE Mode)
{
    __try {
        if (Mode != KernelMode && Address != NULL)
            ProbeForWrite(Address, sizeof(BOOLEAN), 1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/*
 * WakeTimer (ResumeTimer) asks to wake a sleeping machine; this one never sleeps, which is
 * STATUS_TIMER_RESUME_IGNORED.
 */
NTSTATUS NTAPI
NtSetTimer(HANDLE TimerHandle, PLARGE_INTEGER DueTime, PTIMER_APC_ROUTINE TimerApcRoutine,
           PVOID TimerContext,
    BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState)
{
    KPROCESSOR_MODE Mode   = KeGetPreviousMode();
    NTSTATUS        Status = ExpProbeBoolean(PreviousState, Mode);
    LARGE_INTEGER   Due;
    BOOLEAN         Old;
    PETIMER         Timer;

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ExpCaptureDueTime(DueTime, Mode, &Due);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Period < 0)
        return STATUS_INVALID_PARAMETER_6;

    Status = ObReferenceObjectByHandle(TimerHandle, TIMER_MODIFY_STATE, ExTimerObjectType, Mode,
                                       (PVOID *)&Timer, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    Old = ExpSetTimer(Timer, Due, TimerApcRoutine, TimerContext, Period, Mode);
    ObDereferenceObject(Timer);
    ExpWriteBoolean(PreviousState, Old);
    return ResumeTimer ? STATUS_TIMER_RESUME_IGNORED : STATUS_SUCCESS;
}

NTSTATUS NTAPI
NtCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState)
{
    KPROCESSOR_MODE Mode   = KeGetPreviousMode();
    NTSTATUS        Status = ExpProbeBoolean(CurrentState, Mode);
    BOOLEAN         State;
    PETIMER         Timer;

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(TimerHandle, TIMER_MODIFY_STATE, ExTimerObjectType,
                                           Mode, (PVOID *)&Timer, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    ExpDisarmTimer(Timer);
    State = KeReadStateTimer(&Timer->KeTimer);
    ObDereferenceObject(Timer);
    ExpWriteBoolean(CurrentState, State);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
NtQueryTimer(HANDLE TimerHandle, ULONG Class, PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
    TIMER_BASIC_INFORMATION Basic = { 0 };
    PETIMER                 Timer;
    NTSTATUS                Status;

    Status = ExpBeginQuery(TimerHandle, TIMER_QUERY_STATE, ExTimerObjectType, Class, Length,
                           sizeof Basic, (PVOID *)&Timer);
    if (!NT_SUCCESS(Status))
        return Status;

    Basic.TimerState = KeReadStateTimer(&Timer->KeTimer);
    if (Timer->KeTimer.Header.Inserted)
        Basic.RemainingTime.QuadPart =
            Timer->KeTimer.DueTime.QuadPart - (LONG64)KeQueryInterruptTime();
    ObDereferenceObject(Timer);
    return ObReturnBytes(Buffer, &Basic, sizeof(Basic), ReturnLength, KeGetPreviousMode());
}
