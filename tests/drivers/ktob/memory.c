/*
 * Memory: what the object manager has allocated, by tag, is the same before and after all the
 * other tests, and an object whose last reference goes at DISPATCH_LEVEL is deleted soon
 * afterwards.
 */
#include "ktob.h"

#define POOLTAG_CLASS   22
#define POOLTAG_BYTES   32768

typedef struct _POOLTAG {
    ULONG  Tag, PagedAllocs, PagedFrees;
    SIZE_T PagedUsed;
    ULONG  NonPagedAllocs, NonPagedFrees;
    SIZE_T NonPagedUsed;
} POOLTAG;

typedef struct _POOLTAG_LIST {
    ULONG   Count;
    POOLTAG Tags[1];
} POOLTAG_LIST;

NTSYSAPI NTSTATUS NTAPI ZwQuerySystemInformation(ULONG Class, PVOID Buffer, ULONG Length,
                                                 PULONG Returned);

/* Events, directories, links, entries, names, creation information, query buffers. */
static const ULONG KtTags[] = { 'nevE', 'eriD', 'bmyS', 'iDbO', 'mNbO', 'rCbO', 'uQbO' };
static LONG        KtBlocks[RTL_NUMBER_OF(KtTags)];

/* How many blocks there are with this tag, in both pools. */
static LONG
KtBlocksOf(ULONG Tag)
{
    POOLTAG_LIST *List   = ExAllocatePoolWithTag(NonPagedPool, POOLTAG_BYTES, 'obtK');
    LONG          Blocks = 0;

    if (NT_SUCCESS(ZwQuerySystemInformation(POOLTAG_CLASS, List, POOLTAG_BYTES, NULL)))
        for (ULONG Index = 0; Index < List->Count; Index++)
            if (List->Tags[Index].Tag == Tag)
                Blocks = List->Tags[Index].PagedAllocs - List->Tags[Index].PagedFrees +
                         List->Tags[Index].NonPagedAllocs - List->Tags[Index].NonPagedFrees;
    ExFreePoolWithTag(List, 'obtK');
    return Blocks;
}

VOID
KtRememberMemory(VOID)
{
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(KtTags); Index++)
        KtBlocks[Index] = KtBlocksOf(KtTags[Index]);
}

VOID
KtTestMemory(VOID)
{
    PCSTR Sentence = "no block of the object manager's is left behind";

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(KtTags); Index++) {
        LONG Now = KtBlocksOf(KtTags[Index]);

        // fewer is no leak: what the system itself held at the start may be gone
        if (Now > KtBlocks[Index])
            DbgPrint("ktob: tag %.4s has %ld blocks, had %ld\n", (PCSTR)&KtTags[Index], Now,
                     KtBlocks[Index]);
        KT_CHECK(Sentence, Now <= KtBlocks[Index]);
    }
}

VOID
KtTestDeferred(VOID)
{
    PCSTR         Sentence =
        "the last reference may go at DISPATCH_LEVEL: the object is deleted afterwards";
    LONG          Before   = KtBlocksOf('nevE');
    LARGE_INTEGER Tick     = { .QuadPart = -100000 };
    HANDLE        Handle;
    PVOID         Object;
    KIRQL         Irql;

    KT_STATUS(Sentence, STATUS_SUCCESS,
              ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, KtName(NULL, 0, NULL), NotificationEvent,
                            FALSE));
    KT_STATUS(Sentence, STATUS_SUCCESS, ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode,
                                                                  &Object, NULL));
    ZwClose(Handle);
    KT_CHECK(Sentence, KtBlocksOf('nevE') == Before + 1);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    ObDereferenceObject(Object);
    KeLowerIrql(Irql);
    for (ULONG Waits = 0; Waits < 500 && KtBlocksOf('nevE') != Before; Waits++)
        KeDelayExecutionThread(KernelMode, FALSE, &Tick);
    KT_CHECK(Sentence, KtBlocksOf('nevE') == Before);
}
