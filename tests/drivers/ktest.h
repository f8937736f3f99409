/*
 * What the drivers that test ke/ from inside share. A test is a routine that keeps one promise;
 * it says EXPECT(condition) of everything that must hold and goes on, and KtRun prints the
 * verdict:
 *   [pass] sentence            or          [fail] sentence: line 12: Status == STATUS_TIMEOUT
 *
 * Included by exactly one source of each driver.
 */
#pragma once

#include <ntddk.h>

#define KT_TAG              'tseK'
#define MILLISECONDS(Count) ((LONGLONG)(Count) * 10000)

typedef struct _KT_TEST {
    PCSTR Sentence;
    VOID (*Routine)(VOID);
} KT_TEST;

// first condition of the running test that did not hold
static PCSTR KtFailure;
static ULONG KtFailureLine;

static inline VOID
KtExpect(BOOLEAN Holds, PCSTR Condition, ULONG Line)
{
    if (!Holds
        && InterlockedCompareExchangePointer((PVOID volatile *)&KtFailure, (PVOID)Condition,
        NULL) == NULL)
        KtFailureLine = Line;
}
#define EXPECT(Condition) KtExpect(!!(Condition), #Condition, __LINE__)

static inline VOID
KtRun(PCSTR Driver, const KT_TEST *Tests, ULONG Count)
{
    ULONG Index;

    for (Index = 0; Index < Count; Index++) {
        KtFailure = NULL;
        Tests[Index].Routine();
        if (KeGetCurrentIrql() != PASSIVE_LEVEL) {
            EXPECT(KeGetCurrentIrql() == PASSIVE_LEVEL);
            KeLowerIrql(PASSIVE_LEVEL);
        }
        if (KtFailure == NULL)
            DbgPrint("[pass] %s\n", Tests[Index].Sentence);
        else
            DbgPrint("[fail] %s: line %u: %s\n", Tests[Index].Sentence, KtFailureLine, KtFailure);
    }
    DbgPrint("[done] %s\n", Driver);
}

static inline LARGE_INTEGER
KtAfter(ULONG Milliseconds)
{
    LARGE_INTEGER Time = { .QuadPart = -MILLISECONDS(Milliseconds) };

    return Time;
}

static inline VOID
KtSleep(ULONG Milliseconds)
{
    LARGE_INTEGER Time = KtAfter(Milliseconds);

    KeDelayExecutionThread(KernelMode, FALSE, &Time);
}

/* Waits at most Milliseconds. */
static inline NTSTATUS
KtWait(PVOID Object, ULONG Milliseconds)
{
    LARGE_INTEGER Time = KtAfter(Milliseconds);

    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &Time);
}

static inline NTSTATUS
KtPoll(PVOID Object)
{
    return KtWait(Object, 0);
}

/* Starts a system thread; returns the thread object, which KtJoin waits for and gives back. */
static inline PKTHREAD
KtStart(PKSTART_ROUTINE Routine, PVOID Context)
{
    HANDLE   Handle;
    PVOID    Thread = NULL;

    if (!NT_SUCCESS(PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine,
        Context)))
        return NULL;
    ObReferenceObjectByHandle(Handle, SYNCHRONIZE, *PsThreadType, KernelMode, &Thread, NULL);
    ZwClose(Handle);
    return Thread;
}

static inline VOID
KtJoin(PKTHREAD Thread)
{
    EXPECT(KtWait(Thread, 60000) == STATUS_SUCCESS);
    ObDereferenceObject(Thread);
}

#define KT_PATIENCE 30000                       // milliseconds, for what must come

/* Waits until Condition holds; EXPECT it afterwards. */
#define KT_AWAIT(Condition)                                                         \
    for (ULONG Waited_ = 0; !(Condition) && Waited_ < KT_PATIENCE; Waited_++)       \
        KtSleep(1)

/* Returns when Count threads wait for the object: a thread that has said it will may not yet. */
static inline VOID
KtAwaitWaiters(PVOID Object, ULONG Count)
{
    PLIST_ENTRY Head = &((PDISPATCHER_HEADER)Object)->WaitListHead;
    ULONG       Found = 0;

    for (ULONG Waited = 0; Found < Count && Waited < KT_PATIENCE; Waited++) {
        KtSleep(1);
        Found = 0;
        for (PLIST_ENTRY Entry = Head->Flink; Entry != Head; Entry = Entry->Flink)
            Found++;                            // they are added at the end, and stay
    }
}

static inline ULONG
KtProcessors(VOID)
{
    return (ULONG)__builtin_popcountll(KeQueryActiveProcessors());
}
