/*
 * Handles: values, stale ones, access, kernel handles against user mode, many of them,
 * duplication.
 */
#include "ktob.h"

#define MANY    20000

static VOID
KtStale(VOID)
{
    PCSTR  Sentence = "a closed handle is refused and its slot is not used again soon";
    HANDLE Handle, Next;
    PVOID  Object;

    KT_STATUS(Sentence, STATUS_SUCCESS,
              ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, KtName(NULL, 0, NULL), NotificationEvent,
                            FALSE));
    KT_CHECK(Sentence, ((ULONG_PTR)Handle & 3) == 0 && (LONG_PTR)Handle < 0);
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwClose(Handle));
    KT_STATUS(Sentence, STATUS_INVALID_HANDLE, ZwClose(Handle));
    KT_STATUS(Sentence, STATUS_INVALID_HANDLE,
              ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, NULL));
    KT_CHECK(Sentence, Object == NULL);
    for (ULONG Index = 0; Index < 16; Index++) {
        KT_STATUS(Sentence, STATUS_SUCCESS,
                  ZwCreateEvent(&Next, EVENT_ALL_ACCESS, KtName(NULL, 0, NULL), NotificationEvent,
                                FALSE));
        KT_CHECK(Sentence, Next != Handle);
        ZwClose(Next);
    }
}

static VOID
KtRubbish(VOID)
{
    static const LONG_PTR Rubbish[] = { 0, 1, 3, 0x7FFFFFFC, 0x7FFFFFFFFFFFFFFC,
                                       (LONG_PTR)0x8000000000000000, -3, -4, -8,
                                        (LONG_PTR)0xFFFFFFFF7FFFFFFC, 0xABCDEF0 };
    PCSTR Sentence = "rubbish is no handle";
    PVOID Object;

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Rubbish); Index++) {
        KT_STATUS(Sentence, STATUS_INVALID_HANDLE,
                  ObReferenceObjectByHandle((HANDLE)Rubbish[Index], 0, NULL, KernelMode, &Object,
                                            NULL));
        KT_STATUS(Sentence, STATUS_INVALID_HANDLE,
                  ObReferenceObjectByHandle((HANDLE)Rubbish[Index], 0, NULL, UserMode, &Object,
                                            NULL));
        KT_STATUS(Sentence, STATUS_INVALID_HANDLE, ZwClose((HANDLE)Rubbish[Index]));
    }
}

static VOID
KtAccess(VOID)
{
    PCSTR                     Sentence =
        "type and granted access of a handle are checked at each use";
    OBJECT_HANDLE_INFORMATION Information;
    HANDLE                    Handle, Same;
    PVOID                     Object;

    KT_STATUS(Sentence, STATUS_SUCCESS,
              ZwCreateEvent(&Handle, EVENT_QUERY_STATE, KtName(NULL, 0, NULL), NotificationEvent,
                            FALSE));
    KT_STATUS(Sentence, STATUS_OBJECT_TYPE_MISMATCH,
              ObReferenceObjectByHandle(Handle, 0, *PsProcessType, KernelMode, &Object, NULL));
    KT_STATUS(Sentence, STATUS_INVALID_HANDLE,
              ObReferenceObjectByHandle(Handle, EVENT_QUERY_STATE, NULL, UserMode, &Object, NULL));

    /*
     * The System process' handles have a plain value too, which counts as user mode's in this
     * process.
     */
    Same = (HANDLE)((ULONG_PTR)Handle & 0x7FFFFFFF);
    KT_STATUS(Sentence, STATUS_ACCESS_DENIED,
              ObReferenceObjectByHandle(Same, EVENT_MODIFY_STATE, *ExEventObjectType, UserMode,
                                        &Object, NULL));
    KT_STATUS(Sentence, STATUS_SUCCESS,
              ObReferenceObjectByHandle(Same, EVENT_QUERY_STATE, *ExEventObjectType, UserMode,
                                        &Object, &Information));
    KT_CHECK(Sentence, Information.GrantedAccess == EVENT_QUERY_STATE &&
             Information.HandleAttributes == 0);
    ObDereferenceObject(Object);
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 1);
    ZwClose(Handle);

    Sentence = "generic rights and MAXIMUM_ALLOWED become the type's own";
    KT_STATUS(Sentence, STATUS_SUCCESS,
              ZwCreateEvent(&Handle, MAXIMUM_ALLOWED, KtName(NULL, 0, NULL), NotificationEvent,
                            FALSE));
    ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, &Information);
    KT_CHECK(Sentence, Information.GrantedAccess == EVENT_ALL_ACCESS);
    ObDereferenceObject(Object);
    ZwClose(Handle);
    KT_STATUS(Sentence, STATUS_SUCCESS,
              ZwCreateEvent(&Handle, GENERIC_READ, KtName(NULL, 0, NULL), NotificationEvent,
                            FALSE));
    ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, &Information);
    KT_CHECK(Sentence, Information.GrantedAccess == (STANDARD_RIGHTS_READ | EVENT_QUERY_STATE));
    ObDereferenceObject(Object);
    ZwClose(Handle);
}

static VOID
KtPseudo(VOID)
{
    PCSTR Sentence = "-1 and -2 are the running process and thread";
    PVOID Object;

    KT_STATUS(Sentence, STATUS_SUCCESS,
              ObReferenceObjectByHandle(NtCurrentProcess(), 0, *PsProcessType, UserMode, &Object,
                                        NULL));
    KT_CHECK(Sentence, Object == PsGetCurrentProcess());
    ObDereferenceObject(Object);
    KT_STATUS(Sentence, STATUS_SUCCESS, ObReferenceObjectByHandle(NtCurrentThread(), 0, NULL,
                                                                  KernelMode, &Object, NULL));
    KT_CHECK(Sentence, Object == (PVOID)PsGetCurrentThread());
    ObDereferenceObject(Object);
    KT_STATUS(Sentence, STATUS_OBJECT_TYPE_MISMATCH,
              ObReferenceObjectByHandle(NtCurrentThread(), 0, *PsProcessType, KernelMode, &Object,
                                        NULL));
}

static VOID
KtMany(VOID)
{
    PCSTR   Sentence = "twenty thousand handles to one object are counted and all different";
    PHANDLE Handles  = ExAllocatePoolWithTag(PagedPool, MANY * sizeof(HANDLE), 'obtK');
    ULONG   Made = 0, Closed = 0;
    HANDLE  Handle;
    PVOID   Object;

    KT_STATUS(Sentence, STATUS_SUCCESS,
              ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, KtName(NULL, 0, NULL), NotificationEvent,
                            FALSE));
    Object = KtPeek(Handle);
    for (; Made < MANY; Made++)
        if (!NT_SUCCESS(ObOpenObjectByPointer(Object, OBJ_KERNEL_HANDLE, NULL, SYNCHRONIZE, NULL,
                                              KernelMode,
                                              &Handles[Made])) ||
            (Made > 0 && Handles[Made] == Handles[Made - 1]) || KtPeek(Handles[Made]) != Object)
            break;
    KT_CHECK(Sentence, Made == MANY);
    KT_CHECK(Sentence, HANDLES(Object) == MANY + 1 && POINTERS(Object) == MANY + 1);
    for (ULONG Index = 0; Index < Made; Index++)
        Closed += NT_SUCCESS(ZwClose(Handles[(Index * 7919ULL) % Made]));
    KT_CHECK(Sentence, Closed == Made);
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 1);
    ZwClose(Handle);
    ExFreePoolWithTag(Handles, 'obtK');
}

static VOID
KtDuplicate(VOID)
{
    PCSTR                     Sentence = "duplicates have the access asked for and are counted";
    OBJECT_HANDLE_INFORMATION Information;
    HANDLE                    Handle, Copy, Third;
    PVOID                     Object;

    KT_STATUS(Sentence, STATUS_SUCCESS,
              ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, KtName(NULL, 0, NULL), NotificationEvent,
                            FALSE));
    Object = KtPeek(Handle);
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwDuplicateObject(NtCurrentProcess(), Handle,
                                                          NtCurrentProcess(), &Copy,
              EVENT_QUERY_STATE, OBJ_KERNEL_HANDLE | OBJ_INHERIT, 0));
    KT_CHECK(Sentence, HANDLES(Object) == 2 && POINTERS(Object) == 2);
    ObReferenceObjectByHandle(Copy, 0, NULL, KernelMode, &Object, &Information);
    KT_CHECK(Sentence, Information.GrantedAccess == EVENT_QUERY_STATE &&
             Information.HandleAttributes == OBJ_INHERIT);
    ObDereferenceObject(Object);
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwDuplicateObject(NtCurrentProcess(), Copy,
                                                          NtCurrentProcess(), &Third, 0,
              OBJ_KERNEL_HANDLE, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    KT_CHECK(Sentence, HANDLES(Object) == 2 && POINTERS(Object) == 2);
    KT_STATUS(Sentence, STATUS_INVALID_HANDLE, ZwClose(Copy));
    KT_STATUS(Sentence, STATUS_INVALID_HANDLE,
              ZwDuplicateObject(NtCurrentProcess(), Copy, NtCurrentProcess(), &Copy, 0,
              0, DUPLICATE_SAME_ACCESS));
    ZwClose(Third);
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 1);
    ZwClose(Handle);
}

VOID
KtTestHandles(VOID)
{
    KtStale();
    KtRubbish();
    KtAccess();
    KtPseudo();
    KtMany();
    KtDuplicate();
}
