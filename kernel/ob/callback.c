/*
 * Callbacks on handles (ObRegisterCallbacks): a driver is told before and after somebody makes or
 * duplicates a handle to a process or thread, and may take rights away before.
 *
 * A registration has an altitude, a decimal number written as a string, and one OB_CALLBACK for
 * each type it is for. A type's CallbackList is sorted by altitude, highest first: that is the
 * order of the calls before; those after come the other way round. No two registrations have the
 * same altitude.
 *
 * One handle: the callbacks that are for this operation are collected under the type's Lock and
 * counted as active, then called without it, the handle is made, and they are called again. Who
 * was called before is thus called after, even if he unregisters meanwhile: ObUnRegisterCallbacks
 * takes the callbacks off the lists and waits until none of them is active, so it must not be
 * called by a callback itself.
 *
 * Only some rights can be taken away (ObpRemovable), none can be added. Inherited handles and
 * pseudo handles are not told. While nobody is registered a handle costs one comparison more.
 *
 * Locks: ObpCallbackLock guards ObpRegistrations and comes before the types' Lock.
 */
#include "kernel.h"
#include "mm/mm.h"
#include "ob/obp.h"

#define TAG_OB_CALLBACK     'bCbO'
#define OB_MOST_CALLBACKS   32          // of one registration

typedef struct _OB_CALLBACK {
    LIST_ENTRY                 Link;    // OBJECT_TYPE.CallbackList, under its Lock
    struct _OB_REGISTRATION   *Registration;
    OB_OPERATION_REGISTRATION  Given;
    POBJECT_TYPE               Type;
} OB_CALLBACK, *POB_CALLBACK;

typedef struct _OB_REGISTRATION {
    LIST_ENTRY     Link;                // ObpRegistrations
    UNICODE_STRING Altitude;            // its characters follow the callbacks
    PVOID          Context;
    // handles on their way through one of the callbacks, and 1 while registered
    volatile LONG  Active;
    KEVENT         Idle;                // Active has become 0
    ULONG          Count;
    OB_CALLBACK    Callbacks[];
} OB_REGISTRATION, *POB_REGISTRATION;

static FAST_MUTEX ObpCallbackLock;
static LIST_ENTRY ObpRegistrations;

VOID INIT_CODE
ObpInitializeCallbacks(VOID)
{
    ExInitializeFastMutex(&ObpCallbackLock);
    InitializeListHead(&ObpRegistrations);
}

/* The digits before the point without leading zeros, and those after it without trailing ones. */
static BOOLEAN
ObpSplitAltitude(PUNICODE_STRING Altitude, PUNICODE_STRING Whole, PUNICODE_STRING Part)
{
    ULONG Count = Altitude->Length / sizeof(WCHAR), Start = 0, Point;

    if (Count == 0)
        return FALSE;
    while (Start < Count && Altitude->Buffer[Start] == '0')
        Start++;
    for (Point = Start; Point < Count && Altitude->Buffer[Point] != '.'; Point++)
        if (Altitude->Buffer[Point] < '0' || Altitude->Buffer[Point] > '9')
            return FALSE;
    for (ULONG Index = Point + 1; Index < Count; Index++)
        if (Altitude->Buffer[Index] < '0' || Altitude->Buffer[Index] > '9')
            return FALSE;
    while (Count > Point + 1 && Altitude->Buffer[Count - 1] == '0')
        Count--;

    Whole->Buffer = Altitude->Buffer + Start;
    Whole->Length = (USHORT)((Point - Start) * sizeof(WCHAR));
    Part->Buffer  = Altitude->Buffer + Point + 1;
    Part->Length  = (USHORT)(Count > Point + 1 ? (Count - Point - 1) * sizeof(WCHAR) : 0);
    return TRUE;
}

/* Of two altitudes that are known to be numbers: < 0, 0, > 0. */
static LONG
ObpCompareAltitudes(PUNICODE_STRING A, PUNICODE_STRING B)
{
    UNICODE_STRING Whole[2], Part[2];
    LONG           Order;

    ObpSplitAltitude(A, &Whole[0], &Part[0]);
    ObpSplitAltitude(B, &Whole[1], &Part[1]);
    Order = (LONG)Whole[0].Length - Whole[1].Length;
    if (Order == 0)
        Order = RtlCompareUnicodeString(&Whole[0], &Whole[1], FALSE);
    return Order != 0 ? Order : RtlCompareUnicodeString(&Part[0], &Part[1], FALSE);
}

static NTSTATUS
ObpCheckCallback(const OB_OPERATION_REGISTRATION *Given)
{
    POBJECT_TYPE Type = Given->ObjectType != NULL ? *Given->ObjectType : NULL;

    if ((Type != *PsProcessType && Type != *PsThreadType) || Given->Operations == 0 ||
        (Given->Operations & ~(OB_OPERATION_HANDLE_CREATE | OB_OPERATION_HANDLE_DUPLICATE)) ||
        (Given->PreOperation == NULL && Given->PostOperation == NULL))
        return STATUS_INVALID_PARAMETER;
    if ((Given->PreOperation != NULL && MmFindModule((PVOID)Given->PreOperation) == NULL) ||
        (Given->PostOperation != NULL && MmFindModule((PVOID)Given->PostOperation) == NULL))
        return STATUS_ACCESS_DENIED;            // not in a driver
    return STATUS_SUCCESS;
}

static VOID
ObpHangCallback(POB_CALLBACK Callback)
{
    POBJECT_TYPE Type = Callback->Type;
    PLIST_ENTRY  Link;

    ExAcquireFastMutex(&Type->Lock);
    for (Link = Type->CallbackList.Flink; Link != &Type->CallbackList; Link = Link->Flink)
        if (ObpCompareAltitudes(&Callback->Registration->Altitude,
                &CONTAINING_RECORD(Link, OB_CALLBACK, Link)->Registration->Altitude) > 0)
            break;
    InsertTailList(Link, &Callback->Link);
    ExReleaseFastMutex(&Type->Lock);
}

static POB_REGISTRATION
ObpMakeRegistration(POB_CALLBACK_REGISTRATION Given)
{
    ULONG            Count = Given->OperationRegistrationCount;
    ULONG            Size  = FIELD_OFFSET(OB_REGISTRATION, Callbacks[Count]);
    POB_REGISTRATION New   = ExAllocatePoolWithTag(NonPagedPool, Size + Given->Altitude.Length,
                                                   TAG_OB_CALLBACK);

    if (New == NULL)
        return NULL;

    New->Altitude.Buffer = (PWSTR)((PUCHAR)New + Size);
    New->Altitude.Length = New->Altitude.MaximumLength = Given->Altitude.Length;
    RtlCopyMemory(New->Altitude.Buffer, Given->Altitude.Buffer, Given->Altitude.Length);
    New->Context = Given->RegistrationContext;
    New->Active  = 1;
    New->Count   = Count;
    KeInitializeEvent(&New->Idle, NotificationEvent, FALSE);
    for (ULONG Index = 0; Index < Count; Index++) {
        New->Callbacks[Index].Registration = New;
        New->Callbacks[Index].Given        = Given->OperationRegistration[Index];
        New->Callbacks[Index].Type         = *Given->OperationRegistration[Index].ObjectType;
    }
    return New;
}

/*
 * Documented. STATUS_INVALID_PARAMETER, STATUS_ACCESS_DENIED (a callback that lies in no driver),
 * STATUS_FLT_INSTANCE_ALTITUDE_COLLISION, STATUS_INSUFFICIENT_RESOURCES. <= APC_LEVEL.
 */
NTSTATUS NTAPI
ObRegisterCallbacks(POB_CALLBACK_REGISTRATION CallbackRegistration, PVOID *RegistrationHandle)
{
    POB_CALLBACK_REGISTRATION Given  = CallbackRegistration;
    NTSTATUS                  Status = STATUS_SUCCESS;
    UNICODE_STRING            Whole, Part;
    POB_REGISTRATION          New;

    PAGED_CODE();
    *RegistrationHandle = NULL;

    if (Given->Version != OB_FLT_REGISTRATION_VERSION ||
        Given->OperationRegistrationCount == 0 ||
        Given->OperationRegistrationCount > OB_MOST_CALLBACKS ||
        !ObpSplitAltitude(&Given->Altitude, &Whole, &Part))
        return STATUS_INVALID_PARAMETER;
    for (ULONG Index = 0; Index < Given->OperationRegistrationCount && NT_SUCCESS(Status); Index++)
        Status = ObpCheckCallback(&Given->OperationRegistration[Index]);
    if (!NT_SUCCESS(Status))
        return Status;

    New = ObpMakeRegistration(Given);
    if (New == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    ExAcquireFastMutex(&ObpCallbackLock);
    for (PLIST_ENTRY Link = ObpRegistrations.Flink; Link != &ObpRegistrations; Link = Link->Flink)
        if (ObpCompareAltitudes(&CONTAINING_RECORD(Link, OB_REGISTRATION, Link)->Altitude,
                                &New->Altitude) == 0)
            Status = STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
    if (NT_SUCCESS(Status)) {
        InsertTailList(&ObpRegistrations, &New->Link);
        for (ULONG Index = 0; Index < New->Count; Index++)
            ObpHangCallback(&New->Callbacks[Index]);
    }
    ExReleaseFastMutex(&ObpCallbackLock);

    if (NT_SUCCESS(Status))
        *RegistrationHandle = New;
    else
        ExFreePoolWithTag(New, TAG_OB_CALLBACK);
    return Status;
}

static VOID
ObpLeaveCallback(POB_REGISTRATION Registration)
{
    if (InterlockedDecrement(&Registration->Active) == 0)
        KeSetEvent(&Registration->Idle, 0, FALSE);
}

/* Returns when no callback of the registration runs any more or will run. */
VOID NTAPI
ObUnRegisterCallbacks(PVOID RegistrationHandle)
{
    POB_REGISTRATION Registration = RegistrationHandle;

    MAY_BLOCK();

    ExAcquireFastMutex(&ObpCallbackLock);
    RemoveEntryList(&Registration->Link);
    for (ULONG Index = 0; Index < Registration->Count; Index++) {
        POB_CALLBACK Callback = &Registration->Callbacks[Index];

        ExAcquireFastMutex(&Callback->Type->Lock);
        RemoveEntryList(&Callback->Link);
        ExReleaseFastMutex(&Callback->Type->Lock);
    }
    ExReleaseFastMutex(&ObpCallbackLock);

    ObpLeaveCallback(Registration);
    KeWaitForSingleObject(&Registration->Idle, Executive, KernelMode, FALSE, NULL);
    ExFreePoolWithTag(Registration, TAG_OB_CALLBACK);
}

USHORT NTAPI
ObGetFilterVersion(VOID)
{
    return OB_FLT_REGISTRATION_VERSION;
}

/* ---- a handle on its way ---- */

typedef struct _OB_CALL {
    POB_CALLBACK Callback;
    PVOID        CallContext;
} OB_CALL, *POB_CALL;

/* The rights of a process or thread that a callback may take away, as documented. */
static ACCESS_MASK
ObpRemovable(POBJECT_TYPE Type)
{
    // all but query and those of a wait
    return Type == *PsProcessType ? 0x0BFB : 0x07B3;
}

/* The callbacks for the operation, each counted as active. */
static NTSTATUS
ObpCollectCallbacks(POBJECT_TYPE Type, OB_OPERATION Operation, POB_CALL *Calls, PULONG Count)
{
    NTSTATUS    Status = STATUS_SUCCESS;
    ULONG       Most   = 0;
    PLIST_ENTRY Link;

    *Count = 0;
    ExAcquireFastMutex(&Type->Lock);
    for (Link = Type->CallbackList.Flink; Link != &Type->CallbackList; Link = Link->Flink)
        Most++;
    *Calls = ExAllocatePoolWithTag(NonPagedPool, (Most + 1) * sizeof(**Calls), TAG_OB_CALLBACK);
    if (*Calls == NULL)
        Status = STATUS_INSUFFICIENT_RESOURCES;

    for (Link = Type->CallbackList.Flink; *Calls != NULL && Link != &Type->CallbackList;
         Link = Link->Flink) {
        POB_CALLBACK Callback = CONTAINING_RECORD(Link, OB_CALLBACK, Link);

        if (!(Callback->Given.Operations & Operation))
            continue;
        InterlockedIncrement(&Callback->Registration->Active);
        (*Calls)[*Count].Callback    = Callback;
        (*Calls)[*Count].CallContext = NULL;
        ++*Count;
    }
    ExReleaseFastMutex(&Type->Lock);
    return Status;
}

/* Calls everybody before; what they take away goes from *Granted. */
static VOID
ObpCallBefore(POB_CALL Calls, ULONG Count, POB_PRE_OPERATION_INFORMATION Before,
              PACCESS_MASK Granted)
{
    // both parameter structures begin with DesiredAccess and OriginalDesiredAccess
    POB_PRE_CREATE_HANDLE_INFORMATION Rights = &Before->Parameters->CreateHandleInformation;
    ACCESS_MASK                       Kept   = ~ObpRemovable(Before->ObjectType);
    KIRQL                             Irql   = KeGetCurrentIrql();

    Rights->OriginalDesiredAccess = *Granted;
    for (ULONG Index = 0; Index < Count; Index++) {
        POB_CALLBACK Callback = Calls[Index].Callback;

        if (Callback->Given.PreOperation == NULL)
            continue;
        Rights->DesiredAccess = *Granted;
        Before->CallContext   = NULL;
        Callback->Given.PreOperation(Callback->Registration->Context, Before);
        ASSERT(KeGetCurrentIrql() == Irql);
        *Granted &= Rights->DesiredAccess | Kept;
        Calls[Index].CallContext = Before->CallContext;
    }
}

NTSTATUS
ObpCreateWatchedHandle(OB_OPERATION Operation, PEPROCESS Source, PHANDLE_TABLE Table,
                       OB_OPEN_REASON Reason, POBJECT_HEADER Header, ULONG Attributes,
                       ACCESS_MASK Granted, BOOLEAN Kernel, PHANDLE Handle)
{
    OB_PRE_OPERATION_PARAMETERS   Parameters = { 0 };
    OB_POST_OPERATION_PARAMETERS  Result;
    OB_PRE_OPERATION_INFORMATION  Before = { .Operation = Operation, .Object = &Header->Body,
        .ObjectType = Header->Type, .Parameters = &Parameters };
    OB_POST_OPERATION_INFORMATION After  = { .Operation = Operation, .Object = &Header->Body,
        .ObjectType = Header->Type, .Parameters = &Result };
    NTSTATUS                      Status;
    POB_CALL                      Calls;
    ULONG                         Count;

    *Handle = NULL;
    Status = ObpCollectCallbacks(Header->Type, Operation, &Calls, &Count);
    if (!NT_SUCCESS(Status))
        return Status;

    Before.KernelHandle = After.KernelHandle = Kernel;
    if (Operation == OB_OPERATION_HANDLE_DUPLICATE) {
        Parameters.DuplicateHandleInformation.SourceProcess = Source;
        Parameters.DuplicateHandleInformation.TargetProcess = Table->Process;
    }
    ObpCallBefore(Calls, Count, &Before, &Granted);
    Status = ObpCreateHandleInTable(Table, Reason, Header, Attributes, Granted, Handle);

    Result.CreateHandleInformation.GrantedAccess = NT_SUCCESS(Status) ? Granted : 0;
    After.ReturnStatus = Status;
    while (Count-- != 0) {
        POB_CALLBACK Callback = Calls[Count].Callback;

        After.CallContext = Calls[Count].CallContext;
        if (Callback->Given.PostOperation != NULL)
            Callback->Given.PostOperation(Callback->Registration->Context, &After);
        ObpLeaveCallback(Callback->Registration);
    }
    ExFreePoolWithTag(Calls, TAG_OB_CALLBACK);
    return Status;
}
