/*
 * Races: four threads at a time open, look up, duplicate and close the same name and the same
 * handle; afterwards every count is back where it was.
 */
#include "ktob.h"

#define THREADS 4
#define ROUNDS  5000

static HANDLE        KtShared;                  // a handle all threads look up and close
static PVOID         KtObject;
static volatile LONG KtWrong;

static VOID
KtOpenIf(POBJECT_ATTRIBUTES Name)
{
    HANDLE   Handle;
    NTSTATUS Status = ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, Name, NotificationEvent, FALSE);

    if (!NT_SUCCESS(Status)) {
        InterlockedIncrement(&KtWrong);
        return;
    }
    if (KtPeek(Handle) == NULL)
        InterlockedIncrement(&KtWrong);
    if (!NT_SUCCESS(ZwClose(Handle)))
        InterlockedIncrement(&KtWrong);
}

/* Opens, creates and closes one name: each round either makes the object or finds it. */
static VOID NTAPI
KtNameThread(PVOID Context)
{
    UNICODE_STRING    String = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\KtRace");
    OBJECT_ATTRIBUTES Name;
    HANDLE            Handle;

    InitializeObjectAttributes(&Name, &String, OBJ_OPENIF | OBJ_KERNEL_HANDLE, NULL, NULL);
    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        KtOpenIf(&Name);
        if (NT_SUCCESS(ZwOpenEvent(&Handle, EVENT_ALL_ACCESS, &Name)))
            ZwClose(Handle);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* Looks up, duplicates and closes one handle that others close at the same time. */
static VOID NTAPI
KtHandleThread(PVOID Context)
{
    HANDLE Copy, Mine;
    PVOID  Object;

    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        Mine = KtShared;
        if (NT_SUCCESS(ObReferenceObjectByHandle(Mine, 0, NULL, KernelMode, &Object, NULL))) {
            if (Object != KtObject)
                InterlockedIncrement(&KtWrong);
            ObDereferenceObject(Object);
        }
        if (NT_SUCCESS(ZwDuplicateObject(NtCurrentProcess(), Mine, NtCurrentProcess(), &Copy, 0,
                                         OBJ_KERNEL_HANDLE,
                                         DUPLICATE_SAME_ACCESS))) {
            Mine = InterlockedExchangePointer(&KtShared, Copy);
            if (!NT_SUCCESS(ZwClose(Mine)))
                InterlockedIncrement(&KtWrong);
        }
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID
KtRun(PKSTART_ROUTINE Routine)
{
    HANDLE Threads[THREADS];
    PVOID  Thread;

    for (ULONG Index = 0; Index < THREADS; Index++)
        PsCreateSystemThread(&Threads[Index], THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, NULL);
    for (ULONG Index = 0; Index < THREADS; Index++) {
        ObReferenceObjectByHandle(Threads[Index], SYNCHRONIZE, *PsThreadType, KernelMode, &Thread,
                                  NULL);
        KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(Thread);
        ZwClose(Threads[Index]);
    }
}

VOID
KtTestRaces(VOID)
{
    PCSTR  Sentence = "four threads that create, open and close one name never lose it or keep it";
    HANDLE Handle;

    KtWrong = 0;
    KtRun(KtNameThread);
    KT_CHECK(Sentence, KtWrong == 0);
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_NOT_FOUND,
              ZwOpenEvent(&Handle, EVENT_ALL_ACCESS,
                          KtName(L"\\BaseNamedObjects\\KtRace", 0, NULL)));

    Sentence = "four threads that look up, duplicate and close one handle leave the counts right";
    KT_STATUS(Sentence, STATUS_SUCCESS,
              ZwCreateEvent(&KtShared, EVENT_ALL_ACCESS, KtName(NULL, 0, NULL), NotificationEvent,
                            FALSE));
    KtObject = KtPeek(KtShared);
    ObReferenceObject(KtObject);
    KtRun(KtHandleThread);
    KT_CHECK(Sentence, KtWrong == 0);
    KT_CHECK(Sentence, HANDLES(KtObject) == 1 && POINTERS(KtObject) == 2);
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwClose(KtShared));
    KT_CHECK(Sentence, HANDLES(KtObject) == 0 && POINTERS(KtObject) == 1);
    ObDereferenceObject(KtObject);
}
