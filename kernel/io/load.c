/*
 * The ways to ask for a driver: NtLoadDriver and NtUnloadDriver name a service key, and the
 * service says the rest (services.c). Here too is what a driver asks of the I/O manager for
 * itself: to be called again when all drivers have started (reinitialisation), and memory that
 * hangs on its driver object (driver object extensions).
 */
#include "iop.h"
#include "se/se.h"

typedef struct _REINITIALIZATION {
    LIST_ENTRY           Link;
    PDRIVER_OBJECT       Driver;                // referenced
    PDRIVER_REINITIALIZE Routine;
    PVOID                Context;
    ULONG                Count;
} REINITIALIZATION;

/* Guarded by IopDatabaseLock: */
static LIST_ENTRY IopReinitializations = { &IopReinitializations, &IopReinitializations };
static LIST_ENTRY IopBootReinitializations = { &IopBootReinitializations,
                                               &IopBootReinitializations };
static BOOLEAN    IopDriversHaveStarted;        // routines are called as soon as they come

/* Copies the caller's path of a service key to pool. */
static NTSTATUS
IopCaptureKeyPath(PUNICODE_STRING Given, PUNICODE_STRING Copy)
{
    KPROCESSOR_MODE Mode = IopThread()->PreviousMode;
    UNICODE_STRING  Path;
    NTSTATUS        Status = STATUS_SUCCESS;

    Copy->Buffer = NULL;
    __try {
        if (Mode != KernelMode)
            ProbeForRead(Given, sizeof *Given, sizeof(ULONG));
        Path = *(volatile UNICODE_STRING *)Given;
        if (Mode != KernelMode)
            ProbeForRead(Path.Buffer, Path.Length, sizeof(WCHAR));
        if ((Path.Length & 1) || Path.Length == 0)
            return STATUS_INVALID_PARAMETER;
        Copy->Length = Copy->MaximumLength = Path.Length;
        Copy->Buffer = ExAllocatePoolWithTag(PagedPool, Copy->Length, IOP_TAG_NAME);
        if (Copy->Buffer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        RtlCopyMemory(Copy->Buffer, Path.Buffer, Copy->Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
        IopFreeName(Copy);
    }
    return Status;
}

static NTSTATUS
IopLoadInSystem(PVOID Context)
{
    return IopLoadDriver(Context);
}

/* Context is the path of the service key, which need not be there any more. */
static NTSTATUS
IopUnloadInSystem(PVOID Context)
{
    static const UNICODE_STRING Registry = RTL_CONSTANT_STRING(L"\\Registry\\");
    UNICODE_STRING              Part = IopLastPart(Context), Name;
    PDRIVER_OBJECT              Driver;
    NTSTATUS                    Status;

    if (!RtlPrefixUnicodeString(&Registry, Context, TRUE) || Part.Length == 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    Status = IopJoinName(&Name, L"\\Driver\\", &Part);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObReferenceObjectByName(&Name, OBJ_CASE_INSENSITIVE, NULL, 0, IopDriverObjectType,
                                     KernelMode, NULL, (PVOID *)&Driver);
    IopFreeName(&Name);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IopUnloadDriver(Driver);
    ObDereferenceObject(Driver);
    return Status;
}

static NTSTATUS
IopForService(PUNICODE_STRING KeyPath, NTSTATUS (*Routine)(PVOID))
{
    UNICODE_STRING Copy;
    NTSTATUS       Status;

    PAGED_CODE();

    if (!SeHasPrivilege(SE_LOAD_DRIVER_PRIVILEGE, KeGetPreviousMode()))
        return STATUS_PRIVILEGE_NOT_HELD;
    Status = IopCaptureKeyPath(KeyPath, &Copy);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IopRunInSystem(Routine, &Copy);
    IopFreeName(&Copy);
    return Status;
}

/*
 * System service: loads and starts the driver of a service, given by the path of its key,
 * \Registry\Machine\System\CurrentControlSet\Services\NAME. STATUS_OBJECT_NAME_NOT_FOUND: no such
 * key, or its file is not there; STATUS_ILL_FORMED_SERVICE_ENTRY: the key is not a driver's;
 * STATUS_IMAGE_ALREADY_LOADED; the statuses of
 * MmLoadSystemImage for a damaged file or a missing import; DriverEntry's own when it fails.
 */
NTSTATUS NTAPI
NtLoadDriver(PUNICODE_STRING DriverServiceName)
{
    return IopForService(DriverServiceName, IopLoadInSystem);
}

/*
 * System service: unloads the driver of a service. A driver whose devices have open files is
 * unloaded when the last of them is closed: the service succeeds, no new file can be opened, and
 * \Driver\NAME exists until then. STATUS_OBJECT_NAME_NOT_FOUND: not loaded;
 * STATUS_INVALID_DEVICE_REQUEST: it has no unload routine or is being unloaded.
 */
NTSTATUS NTAPI
NtUnloadDriver(PUNICODE_STRING DriverServiceName)
{
    return IopForService(DriverServiceName, IopUnloadInSystem);
}

static VOID
IopRegisterReinitialization(PLIST_ENTRY List, PDRIVER_OBJECT DriverObject,
                            PDRIVER_REINITIALIZE Routine, PVOID Context, ULONG Flag)
{
    REINITIALIZATION *Entry = ExAllocatePoolWithTag(NonPagedPool, sizeof *Entry, IOP_TAG_DRIVER);
    KIRQL             Irql;

    if (Entry == NULL)
        return;
    ObReferenceObject(DriverObject);
    Entry->Driver = DriverObject;
    Entry->Routine = Routine;
    Entry->Context = Context;
    KeAcquireSpinLock(&IopDatabaseLock, &Irql);
    DriverObject->Flags |= Flag;
    Entry->Count = ++DriverObject->DriverExtension->Count;
    InsertTailList(List, &Entry->Link);
    KeReleaseSpinLock(&IopDatabaseLock, Irql);
}

/*
 * Has Routine called once more when the drivers that start with the system have started; for a
 * driver that is loaded later, when its DriverEntry has returned. It may register itself again;
 * its last argument says how often it was called. PASSIVE_LEVEL, in DriverEntry or in such a
 * routine.
 */
VOID NTAPI
IoRegisterDriverReinitialization(PDRIVER_OBJECT DriverObject, PDRIVER_REINITIALIZE ReinitRoutine,
                                 PVOID Context)
{
    IopRegisterReinitialization(&IopReinitializations, DriverObject, ReinitRoutine, Context,
                                DRVO_REINIT_REGISTERED);
}

/* The same, after the drivers that the system needs to start (Start = 0) and before the others. */
VOID NTAPI
IoRegisterBootDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                     PDRIVER_REINITIALIZE ReinitRoutine, PVOID Context)
{
    IopRegisterReinitialization(&IopBootReinitializations, DriverObject, ReinitRoutine, Context,
                                DRVO_BOOTREINIT_REGISTERED);
}

VOID
IopRunReinitialization(BOOLEAN Boot)
{
    PLIST_ENTRY       List = Boot ? &IopBootReinitializations : &IopReinitializations;
    REINITIALIZATION *Entry;
    ULONG64           State;

    while ((Entry = (REINITIALIZATION *)ExInterlockedRemoveHeadList(List, &IopDatabaseLock))
           != NULL) {
        Entry->Driver->Flags &= Boot ? ~DRVO_BOOTREINIT_REGISTERED : ~DRVO_REINIT_REGISTERED;
        State = KiCalloutState();
        Entry->Routine(Entry->Driver, Entry->Context, Entry->Count);
        KiCheckCallout(KiReinitRoutine, Entry->Routine, Entry->Driver, PASSIVE_LEVEL, State);
        ObDereferenceObject(Entry->Driver);
        ExFreePoolWithTag(Entry, IOP_TAG_DRIVER);
    }
    if (!Boot)
        IopDriversHaveStarted = TRUE;
}

VOID
IopReinitializeLate(VOID)
{
    if (IopDriversHaveStarted)
        IopRunReinitialization(FALSE);
}

/*
 * Memory that belongs to a driver object and is found again by ClientIdentificationAddress.
 * Zeroed nonpaged pool, freed with the driver. STATUS_OBJECT_NAME_COLLISION,
 * STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS NTAPI
IoAllocateDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID ClientIdentificationAddress,
                                ULONG Size,
                                PVOID *DriverObjectExtension)
{
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtension(DriverObject);
    PIOP_CLIENT_EXTENSION Client, Other;
    KIRQL                 Irql;

    *DriverObjectExtension = NULL;
    Client = ExAllocatePoolWithTag(NonPagedPool, sizeof *Client + (SIZE_T)Size, IOP_TAG_DRIVER);
    if (Client == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(Client, sizeof *Client + (SIZE_T)Size);
    Client->Identification = ClientIdentificationAddress;

    KeAcquireSpinLock(&IopDatabaseLock, &Irql);
    for (Other = Extension->Clients; Other != NULL &&
         Other->Identification != ClientIdentificationAddress;)
        Other = Other->Next;
    if (Other == NULL) {
        Client->Next = Extension->Clients;
        Extension->Clients = Client;
    }
    KeReleaseSpinLock(&IopDatabaseLock, Irql);

    if (Other != NULL) {
        ExFreePoolWithTag(Client, IOP_TAG_DRIVER);
        return STATUS_OBJECT_NAME_COLLISION;
    }
    *DriverObjectExtension = Client + 1;
    return STATUS_SUCCESS;
}

/* The memory so allocated, or NULL. IRQL <= DISPATCH_LEVEL. */
PVOID NTAPI
IoGetDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID ClientIdentificationAddress)
{
    PIOP_CLIENT_EXTENSION Client;
    KIRQL                 Irql;

    KeAcquireSpinLock(&IopDatabaseLock, &Irql);
    for (Client = IopDriverExtension(DriverObject)->Clients; Client != NULL; Client = Client->Next)
        if (Client->Identification == ClientIdentificationAddress)
            break;
    KeReleaseSpinLock(&IopDatabaseLock, Irql);
    return Client != NULL ? Client + 1 : NULL;
}
