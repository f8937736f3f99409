/*
 * Shared by the parts of ktob.sys, which tests the object manager from inside: exact counts after
 * every step, read from the object's header (0x30 bytes before the body, as published), names,
 * handles, and races.
 *
 * A part is a function that runs checks; each prints one line: "[pass] sentence" or "[fail]
 * sentence: condition (line)".
 */
#pragma once

#include <ntifs.h>

VOID KtCheck(BOOLEAN Holds, PCSTR Sentence, PCSTR Condition, ULONG Line);

/*
 * A promise that is kept or broken; a group of conditions under one sentence is one KT_CHECK
 * each.
 */
#define KT_CHECK(Sentence, Condition)   \
    KtCheck((BOOLEAN)((Condition) != 0), (Sentence), #Condition, __LINE__)
#define KT_STATUS(Sentence, Wanted, Call)                                                       \
    do {                                                                                        \
        NTSTATUS KtStatus = (Call);                                                             \
        if (KtStatus != (Wanted))                                                               \
            DbgPrint("ktob: %s returned %08x\n", #Call, KtStatus);                              \
        KT_CHECK(Sentence, KtStatus == (Wanted));                                               \
    } while (0)

/* The counts in an object's header. */
#define POINTERS(Object)    (((volatile LONG64 *)(Object))[-6])
#define HANDLES(Object)     (((volatile LONG64 *)(Object))[-5])

/*
 * The object of a kernel handle, without keeping a reference: for looking at its counts while the
 * handle is open.
 */
PVOID KtPeek(HANDLE Handle);

/* OBJECT_ATTRIBUTES for a kernel handle; Name may be NULL. */
POBJECT_ATTRIBUTES KtName(PCWSTR Name, ULONG Attributes, HANDLE Root);

VOID KtTestCounts(VOID);
VOID KtTestHandles(VOID);
VOID KtTestNames(VOID);
VOID KtTestDirectories(VOID);
VOID KtTestRaces(VOID);
VOID KtTestDeferred(VOID);
VOID KtRememberMemory(VOID);
VOID KtTestMemory(VOID);
