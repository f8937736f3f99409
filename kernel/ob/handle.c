/*
 * Handles into objects: making a handle, and getting from a handle to its object.
 *
 * ObReferenceObjectByHandle is the hottest path of the system: find the slot, hold it, compare
 * type and access, count a reference, drop the hold. It takes no lock and waits for nobody;
 * ex/handle.h tells how it gets along with a close of the same handle on another processor.
 *
 * Pseudo handles: -1 is the running process, -2 the running thread, with all access. Other
 * negative values are kernel handles: slots of the System process' table (ObpKernelHandleTable),
 * refused from user mode. Everything else belongs to the process the thread runs in (or is
 * attached to).
 *
 * Making a handle, in this order ((4) in ob.h): count it and ask the type; reference the object,
 * once for the handle; fill the slot. A failure undoes what came before it.
 */
#include "kernel.h"
#include "ob/obp.h"

PHANDLE_TABLE ObpKernelHandleTable;

VOID
ObpDropHold(PEX_HOLD Hold)
{
    POBJECT_HEADER Header = EX_HOLD_ADDRESS(Hold->Value);

    if (!ExDropSlot(Hold) && InterlockedDecrement64(&Header->PointerCount) == 0)
        ObpDeleteOrDefer(Header);
}

/* -1 and -2. STATUS_INVALID_HANDLE for anything else. */
static NTSTATUS
ObpReferencePseudoHandle(HANDLE Handle, POBJECT_TYPE Type, ULONG Tag, PVOID *Object,
                         POBJECT_HANDLE_INFORMATION Information, PVOID Caller)
{
    POBJECT_TYPE Wanted;

    if (Handle == NtCurrentProcess()) {
        *Object = ObpCurrentProcess();
        Wanted  = *PsProcessType;
    } else if (Handle == NtCurrentThread()) {
        *Object = KeGetCurrentThread();
        Wanted  = *PsThreadType;
    } else {
        return ObpBadHandle(NULL, Handle);
    }

    if (Type != NULL && Type != Wanted) {
        *Object = NULL;
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (Information != NULL) {
        Information->HandleAttributes = 0;
        Information->GrantedAccess    = Wanted->TypeInfo.ValidAccessMask;
    }
    ObpReference(OBJECT_TO_HEADER(*Object), Tag, Caller);
    return STATUS_SUCCESS;
}

/* The end of a lookup that holds a slot it may not use. */
static NTSTATUS DECLSPEC_NOINLINE
ObpRefuseHandle(EX_HOLD Hold, NTSTATUS Status)
{
    ObpDropHold(&Hold);
    return Status;
}

static inline __attribute__((always_inline)) NTSTATUS
ObpReferenceByHandle(HANDLE Handle, ACCESS_MASK Access, POBJECT_TYPE Type, KPROCESSOR_MODE Mode,
                     ULONG Tag, PVOID *Object, POBJECT_HANDLE_INFORMATION Information)
{
    PHANDLE_TABLE  Table;
    POBJECT_HEADER Header;
    EX_HOLD        Hold;

    PAGED_CODE();
    *Object = NULL;

    Table = ObpTableOfHandle(&Handle, Mode);
    if (UNLIKELY(Table == NULL))
        return ObpReferencePseudoHandle(Handle, Type, Tag, Object, Information, CALLER());
    if (UNLIKELY(!ObpHoldHandle(Table, Handle, &Hold)))
        return ObpBadHandle(Table, Handle);

    Header = EX_HOLD_ADDRESS(Hold.Value);
    if (UNLIKELY(Type != NULL && Header->Type != Type))
        return ObpRefuseHandle(Hold, STATUS_OBJECT_TYPE_MISMATCH);
    if (UNLIKELY((Access & ~Hold.GrantedAccess) != 0 && Mode != KernelMode))
        return ObpRefuseHandle(Hold, STATUS_ACCESS_DENIED);

    if (UNLIKELY(Information != NULL)) {
        Information->HandleAttributes = ObpSlotAttributes(Hold.Value);
        Information->GrantedAccess    = Hold.GrantedAccess;
    }
    ObpReference(Header, Tag, CALLER());
    *Object = &Header->Body;
    if (UNLIKELY(!ExDropSlot(&Hold)))           // our reference is not the last
        InterlockedDecrement64(&Header->PointerCount);
    return STATUS_SUCCESS;
}

/*
 * The object of a handle, referenced. Handle is one of the current process, a kernel handle
 * (KernelMode only) or a pseudo handle. From UserMode the handle must have been granted all of
 * DesiredAccess. ObjectType NULL: any. <= APC_LEVEL. STATUS_INVALID_HANDLE,
 * STATUS_OBJECT_TYPE_MISMATCH, STATUS_ACCESS_DENIED; *Object is then NULL.
 */
NTSTATUS NTAPI
ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                          KPROCESSOR_MODE AccessMode, PVOID *Object,
                          POBJECT_HANDLE_INFORMATION HandleInformation)
{
    return ObpReferenceByHandle(Handle, DesiredAccess, ObjectType, AccessMode, OB_TAG_DEFAULT,
                                Object, HandleInformation);
}

/* The same under a tag of the caller's choice. */
NTSTATUS NTAPI
ObReferenceObjectByHandleWithTag(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                 POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode, ULONG Tag,
                                 PVOID *Object, POBJECT_HANDLE_INFORMATION HandleInformation)
{
    return ObpReferenceByHandle(Handle, DesiredAccess, ObjectType, AccessMode, Tag, Object,
                                HandleInformation);
}

/*
 * Makes a handle in the given table, for the process it belongs to.
 * STATUS_INSUFFICIENT_RESOURCES, STATUS_PROCESS_IS_TERMINATING, or what the type's open procedure
 * says.
 */
NTSTATUS
ObpCreateHandleInTable(PHANDLE_TABLE Table, OB_OPEN_REASON Reason, POBJECT_HEADER Header,
                       ULONG Attributes, ACCESS_MASK Granted, PHANDLE Handle)
{
    NTSTATUS Status = ObpIncrementHandleCount(Reason, Table->Process, Header, Granted, Attributes);

    *Handle = NULL;
    if (!NT_SUCCESS(Status))
        return Status;

    ObpReference(Header, OB_TAG_HANDLE, CALLER());
    *Handle = ExFillSlot(Table, Header, ObpSlotFlags(Attributes), Granted);
    if (*Handle != NULL) {
        ObpTraceHandle(OB_HANDLE_TRACE_OPEN, Table, *Handle, Header);
        return STATUS_SUCCESS;
    }

    ObpDecrementHandleCount(Table->Process, Header, Granted);
    ObpDereference(Header, OB_TAG_HANDLE, CALLER());
    return Table->Closing ? STATUS_PROCESS_IS_TERMINATING : STATUS_INSUFFICIENT_RESOURCES;
}

/*
 * Makes a handle of the current process, or a kernel handle with OBJ_KERNEL_HANDLE. With an
 * object's first one its maker is charged for it: STATUS_QUOTA_EXCEEDED.
 */
NTSTATUS
ObpCreateHandle(OB_OPEN_REASON Reason, POBJECT_HEADER Header, ULONG Attributes,
                ACCESS_MASK Granted, PHANDLE Handle)
{
    BOOLEAN       Kernel = (Attributes & OBJ_KERNEL_HANDLE) != 0;
    PHANDLE_TABLE Table  = Kernel ? ObpKernelHandleTable : ObpCurrentProcess()->ObjectTable;
    NTSTATUS      Status;

    *Handle = NULL;
    if (Table == NULL)
        return STATUS_PROCESS_IS_TERMINATING;
    if (Reason == ObCreateHandle && !ObpChargeQuota(Header))
        return STATUS_QUOTA_EXCEEDED;

    if (ObpIsWatched(Header->Type))
        Status = ObpCreateWatchedHandle(OB_OPERATION_HANDLE_CREATE, NULL, Table, Reason, Header,
                                        Attributes, Granted, Kernel, Handle);
    else
        Status = ObpCreateHandleInTable(Table, Reason, Header, Attributes, Granted, Handle);
    if (NT_SUCCESS(Status) && Kernel)
        *Handle = ObpKernelHandleValue(*Handle);
    return Status;
}

BOOLEAN NTAPI
ObIsKernelHandle(HANDLE Handle)
{
    return IS_KERNEL_HANDLE(Handle);
}
