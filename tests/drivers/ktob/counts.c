/*
 * Counts: HandleCount is the number of handles, PointerCount that of all references, the handles'
 * and the name's included.
 */
#include "ktob.h"

static VOID
KtUnnamed(VOID)
{
    PCSTR    Sentence =
        "an object without a name has one reference for each handle and each pointer";
    HANDLE   Handle, Second;
    PVOID    Object;

    KT_STATUS(Sentence, STATUS_SUCCESS,
              ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, KtName(NULL, 0, NULL), NotificationEvent,
                            FALSE));
    Object = KtPeek(Handle);
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 1);

    KT_STATUS(Sentence, STATUS_SUCCESS,
              ObReferenceObjectByHandle(Handle, 0, *ExEventObjectType, KernelMode, &Object, NULL));
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 2);
    KT_CHECK(Sentence, ObReferenceObject(Object) == 3);
    KT_CHECK(Sentence, ObDereferenceObject(Object) == 2);

    KT_STATUS(Sentence, STATUS_SUCCESS, ObOpenObjectByPointer(Object, OBJ_KERNEL_HANDLE, NULL,
                                                              EVENT_ALL_ACCESS,
              *ExEventObjectType, KernelMode, &Second));
    KT_CHECK(Sentence, HANDLES(Object) == 2 && POINTERS(Object) == 3);
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwClose(Handle));
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 2);
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwClose(Second));
    KT_CHECK(Sentence, HANDLES(Object) == 0 && POINTERS(Object) == 1);
    KT_CHECK(Sentence, ObDereferenceObject(Object) == 0);
}

static VOID
KtNamed(VOID)
{
    PCSTR              Sentence = "a name is one reference more and goes with the last handle";
    POBJECT_ATTRIBUTES Name     = KtName(L"\\BaseNamedObjects\\KtCounted", OBJ_CASE_INSENSITIVE,
                                         NULL);
    HANDLE             Handle, Second;
    PVOID              Object;

    KT_STATUS(Sentence, STATUS_SUCCESS, ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, Name,
                                                      NotificationEvent, FALSE));
    Object = KtPeek(Handle);
    ObReferenceObject(Object);
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 3);
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwOpenEvent(&Second, EVENT_ALL_ACCESS, Name));
    KT_CHECK(Sentence, KtPeek(Second) == Object && HANDLES(Object) == 2 && POINTERS(Object) == 4);
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwClose(Handle));
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 3);
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwClose(Second));
    KT_CHECK(Sentence, HANDLES(Object) == 0 && POINTERS(Object) == 1);
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_NOT_FOUND, ZwOpenEvent(&Second, EVENT_ALL_ACCESS, Name));
    KT_CHECK(Sentence, ObDereferenceObject(Object) == 0);
}

static VOID
KtPermanent(VOID)
{
    PCSTR              Sentence = "a permanent object keeps its name until it is made temporary";
    POBJECT_ATTRIBUTES Name     = KtName(L"\\BaseNamedObjects\\KtPermanent", OBJ_PERMANENT, NULL);
    HANDLE             Handle;
    PVOID              Object;

    KT_STATUS(Sentence, STATUS_SUCCESS, ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, Name,
                                                      NotificationEvent, FALSE));
    Object = KtPeek(Handle);
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwClose(Handle));
    KT_CHECK(Sentence, HANDLES(Object) == 0 && POINTERS(Object) == 1);

    Name->Attributes = OBJ_KERNEL_HANDLE;
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwOpenEvent(&Handle, EVENT_ALL_ACCESS, Name));
    KT_CHECK(Sentence, KtPeek(Handle) == Object && HANDLES(Object) == 1 && POINTERS(Object) == 2);
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwMakeTemporaryObject(Handle));
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 2);
    KT_STATUS(Sentence, STATUS_SUCCESS, ZwClose(Handle));
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_NOT_FOUND, ZwOpenEvent(&Handle, EVENT_ALL_ACCESS, Name));
}

static VOID
KtFailures(VOID)
{
    PCSTR              Sentence =
        "a creation that fails or finds the object there leaves the counts as they were";
    POBJECT_ATTRIBUTES Name     = KtName(L"\\BaseNamedObjects\\KtTaken", 0, NULL);
    POBJECT_ATTRIBUTES OpenIf   = KtName(L"\\BaseNamedObjects\\KtTaken", OBJ_OPENIF, NULL);
    HANDLE             Handle, Second = NULL;
    LARGE_INTEGER      None     = { 0 };
    PVOID              Object;

    KT_STATUS(Sentence, STATUS_SUCCESS, ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, Name,
                                                      NotificationEvent, FALSE));
    Object = KtPeek(Handle);
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_COLLISION,
              ZwCreateEvent(&Second, EVENT_ALL_ACCESS, Name, NotificationEvent, FALSE));
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 2);
    KT_STATUS(Sentence, STATUS_OBJECT_TYPE_MISMATCH,
              ZwCreateTimer(&Second, STANDARD_RIGHTS_ALL, OpenIf, NotificationTimer));
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 2);
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_EXISTS,
              ZwCreateEvent(&Second, EVENT_ALL_ACCESS, OpenIf, NotificationEvent, TRUE));
    KT_CHECK(Sentence, KtPeek(Second) == Object && HANDLES(Object) == 2 && POINTERS(Object) == 3);
    KT_STATUS(Sentence, STATUS_TIMEOUT, ZwWaitForSingleObject(Second, FALSE, &None));
    ZwClose(Second);
    KT_STATUS(Sentence, STATUS_OBJECT_TYPE_MISMATCH,
              ZwOpenTimer(&Second, STANDARD_RIGHTS_ALL, Name));
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 2);
    ZwClose(Handle);
}

VOID
KtTestCounts(VOID)
{
    KtUnnamed();
    KtNamed();
    KtPermanent();
    KtFailures();
}
