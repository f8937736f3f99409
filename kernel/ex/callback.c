/*
 * Callback objects: a driver makes one, by name or not, others register routines with it, and
 * ExNotifyCallback calls them all, in the order in which they registered.
 *
 * The list is guarded by the object's lock, which is let go while a routine runs. So each
 * registration counts the calls that are in it; one that is taken back while it is being called
 * is unlinked, and freed by whoever is last: ExUnregisterCallback waits for the calls to end, as
 * its caller may be about to unload.
 *
 * A registration holds a reference to the object.
 */
#include "kernel.h"
#include "ex/exobj.h"

#define TAG_REGISTRATION    'rbCE'              // ECbr
#define CALLBACK_RIGHTS     (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 1)

typedef struct _CALLBACK_OBJECT {
    BOOLEAN    AllowMultiple;                   // set at creation, never changed

    /* Guarded by Lock: */
    KSPIN_LOCK Lock;
    LIST_ENTRY Registrations;
} CALLBACK_OBJECT;

typedef struct _EXP_REGISTRATION {
    /* Set at creation, never changed: */
    PCALLBACK_OBJECT   Object;                  // referenced
    PCALLBACK_FUNCTION Function;
    PVOID              Context;

    /* Guarded by Object->Lock: */
    LIST_ENTRY         Link;
    ULONG              Calls;                   // that are in it now
    BOOLEAN            Gone;                    // ExUnregisterCallback waits for Done
    KEVENT             Done;
} EXP_REGISTRATION, *PEXP_REGISTRATION;

static POBJECT_TYPE ExpCallbackObjectType;

static VOID
ExpDeleteCallback(PVOID Object)
{
    ASSERT(IsListEmpty(&((PCALLBACK_OBJECT)Object)->Registrations));
}

static NTSTATUS
ExpCreateCallback(PCWSTR Path, PCALLBACK_OBJECT *Object)
{
    UNICODE_STRING    Name;
    OBJECT_ATTRIBUTES Attributes;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_PERMANENT, NULL,
                               NULL);
    return ExCreateCallback(Object, &Attributes, TRUE, TRUE);
}

/* The type and the system's own objects, which are made but nothing here notifies yet. */
VOID INIT_CODE
ExInitializeCallbacks(VOID)
{
    static const PCWSTR Names[] = { L"\\Callback\\SetSystemTime", L"\\Callback\\PowerState",
                                    L"\\Callback\\ProcessorAdd" };
    PCALLBACK_OBJECT        Object;
    OBJECT_TYPE_INITIALIZER Type = {
        .GenericMapping    = { STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE | 1,
                               STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, CALLBACK_RIGHTS },
        .ValidAccessMask   = CALLBACK_RIGHTS,
        .InvalidAttributes = OBJ_OPENLINK,
        .PoolType          = NonPagedPool,
        .CaseInsensitive   = TRUE,
        .MaintainTypeList  = TRUE,
        .DeleteProcedure   = ExpDeleteCallback,
    };

    if (!NT_SUCCESS(ObpCreateType(L"Callback", &Type, 'llaC', OB_WAIT_NEVER,
                                  &ExpCallbackObjectType)))
        KeBugCheckEx(OBJECT1_INITIALIZATION_FAILED, 2, 0, 0, 0);
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Names); Index++)
        if (NT_SUCCESS(ExpCreateCallback(Names[Index], &Object)))
            ObDereferenceObject(Object);
}

/*
 * Opens the object that ObjectAttributes name, or makes it if Create says so; without a name a new
 * one. The caller gets a reference. PASSIVE_LEVEL. STATUS_OBJECT_NAME_NOT_FOUND: it is not there
 * and not to be made.
 */
NTSTATUS NTAPI
ExCreateCallback(PCALLBACK_OBJECT *CallbackObject, POBJECT_ATTRIBUTES ObjectAttributes,
                 BOOLEAN Create, BOOLEAN AllowMultipleCallbacks)
{
    OBJECT_ATTRIBUTES Attributes = *ObjectAttributes;
    PCALLBACK_OBJECT  New;
    HANDLE            Handle;
    NTSTATUS          Status;

    PAGED_CODE();

    *CallbackObject = NULL;
    Attributes.Attributes |= OBJ_KERNEL_HANDLE | OBJ_OPENIF;
    if (Create) {
        Status = ObCreateObject(KernelMode, ExpCallbackObjectType, &Attributes, KernelMode, NULL,
                                sizeof *New, 0, 0, (PVOID *)&New);
        if (!NT_SUCCESS(Status))
            return Status;
        New->AllowMultiple = AllowMultipleCallbacks;
        KeInitializeSpinLock(&New->Lock);
        InitializeListHead(&New->Registrations);
        Status = ObInsertObject(New, NULL, CALLBACK_RIGHTS, 0, NULL, &Handle);
    } else {
        Status = ObOpenObjectByName(&Attributes, ExpCallbackObjectType, KernelMode, NULL,
                                    CALLBACK_RIGHTS, NULL, &Handle);
    }
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObReferenceObjectByHandle(Handle, CALLBACK_RIGHTS, ExpCallbackObjectType, KernelMode,
                                       (PVOID *)CallbackObject, NULL);
    ZwClose(Handle);
    return Status;
}

/*
 * What ExUnregisterCallback wants, or NULL: memory is short, or the object takes only one routine
 * and has it. IRQL <= APC_LEVEL.
 */
PVOID NTAPI
ExRegisterCallback(PCALLBACK_OBJECT CallbackObject, PCALLBACK_FUNCTION CallbackFunction,
                   PVOID CallbackContext)
{
    PEXP_REGISTRATION New = ExAllocatePoolWithTag(NonPagedPool, sizeof *New, TAG_REGISTRATION);
    BOOLEAN           Taken;
    KIRQL             Irql;

    PAGED_CODE();

    if (New == NULL)
        return NULL;
    *New = (EXP_REGISTRATION){ .Object = CallbackObject, .Function = CallbackFunction,
                               .Context = CallbackContext };
    KeInitializeEvent(&New->Done, NotificationEvent, FALSE);
    KeAcquireSpinLock(&CallbackObject->Lock, &Irql);
    Taken = CallbackObject->AllowMultiple || IsListEmpty(&CallbackObject->Registrations);
    if (Taken)
        InsertTailList(&CallbackObject->Registrations, &New->Link);
    KeReleaseSpinLock(&CallbackObject->Lock, Irql);
    if (!Taken) {
        ExFreePoolWithTag(New, TAG_REGISTRATION);
        return NULL;
    }
    ObReferenceObject(CallbackObject);
    return New;
}

/* The routine is not running and will not be called again when this returns. IRQL <= APC_LEVEL. */
VOID NTAPI
ExUnregisterCallback(PVOID CallbackRegistration)
{
    PEXP_REGISTRATION Registration = CallbackRegistration;
    PCALLBACK_OBJECT  Object = Registration->Object;
    BOOLEAN           Wait;
    KIRQL             Irql;

    MAY_BLOCK();

    KeAcquireSpinLock(&Object->Lock, &Irql);
    Wait = Registration->Calls != 0;
    Registration->Gone = TRUE;
    if (!Wait)
        RemoveEntryList(&Registration->Link);   // else the last call does
    KeReleaseSpinLock(&Object->Lock, Irql);
    if (Wait) {
        KeWaitForSingleObject(&Registration->Done, Executive, KernelMode, FALSE, NULL);
        // whoever set the event may still be in KeSetEvent, under the lock
        KeAcquireSpinLock(&Object->Lock, &Irql);
        KeReleaseSpinLock(&Object->Lock, Irql);
    }
    ExFreePoolWithTag(Registration, TAG_REGISTRATION);
    ObDereferenceObject(Object);
}

/* With the lock held: a call has ended. */
static VOID
ExpEndCallLocked(PEXP_REGISTRATION Registration)
{
    if (--Registration->Calls != 0 || !Registration->Gone)
        return;
    RemoveEntryList(&Registration->Link);
    KeSetEvent(&Registration->Done, 0, FALSE);
}

/* Calls every routine that is registered, at the caller's IRQL. <= DISPATCH_LEVEL. */
VOID NTAPI
ExNotifyCallback(PCALLBACK_OBJECT CallbackObject, PVOID Argument1, PVOID Argument2)
{
    PLIST_ENTRY Link, Next;
    KIRQL       Irql;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (CallbackObject == NULL)
        return;
    KeAcquireSpinLock(&CallbackObject->Lock, &Irql);
    for (Link = CallbackObject->Registrations.Flink; Link != &CallbackObject->Registrations;
         Link = Next) {
        PEXP_REGISTRATION Registration = CONTAINING_RECORD(Link, EXP_REGISTRATION, Link);

        Next = Link->Flink;
        if (Registration->Gone)
            continue;
        Registration->Calls++;                  // which keeps it linked
        KeReleaseSpinLock(&CallbackObject->Lock, Irql);
        Registration->Function(Registration->Context, Argument1, Argument2);
        KeAcquireSpinLock(&CallbackObject->Lock, &Irql);
        Next = Link->Flink;
        ExpEndCallLocked(Registration);
    }
    KeReleaseSpinLock(&CallbackObject->Lock, Irql);
}
