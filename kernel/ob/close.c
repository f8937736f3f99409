/*
 * Closing handles.
 *
 * Closing takes the slot first, so that the handle is stale from then on, and only then tells the
 * type and drops the handle's reference ((4) in ob.h): a lookup that came before the close keeps
 * its own reference, one that comes after it gets STATUS_INVALID_HANDLE. Of two closes of one
 * handle one takes the slot and the other gets STATUS_INVALID_HANDLE.
 *
 *   hold the slot, ask (protected? OkayToClose?), take it (ex/handle.h, (c)), queue it as free,
 *   count down, call the type's
 *   close procedure, remove the name with the last handle, drop the reference
 *
 * A handle protected from close (NtSetInformationObject) refuses with STATUS_HANDLE_NOT_CLOSABLE;
 * the end of its process closes it all the same.
 */
#include "kernel.h"
#include "ob/obp.h"

/*
 * Empties a held slot. Success: the slot's reference is the caller's, and the hold is gone with
 * it. On failure the hold remains to be dropped: another close was first, or the handle is
 * protected.
 */
static NTSTATUS
ObpTakeSlot(PEX_HOLD Hold, BOOLEAN Force)
{
    POBJECT_HEADER Header = EX_HOLD_ADDRESS(Hold->Value);
    LONG64         Value;
    ULONG          Others;

    for (;;) {
        Value = Hold->Entry->Value;
        if (!EX_SAME_ADDRESS(Value, Hold->Value) || EX_HOLD_COUNT(Value) == 0)
            return STATUS_INVALID_HANDLE;
        if ((Value & EX_HANDLE_PROTECT) && !Force)
            return STATUS_HANDLE_NOT_CLOSABLE;

        Others = EX_HOLD_COUNT(Value) - 1;
        if (Others != 0)
            InterlockedExchangeAdd64(&Header->PointerCount, Others);
        if (InterlockedCompareExchange64(&Hold->Entry->Value, 0, Value) == Value)
            return STATUS_SUCCESS;
        if (Others != 0)
            InterlockedExchangeAdd64(&Header->PointerCount, -(LONG64)Others);
    }
}

/*
 * Closes a handle as Table knows it. Force: even if it is protected or the type does not want it.
 */
NTSTATUS
ObpCloseHandleInTable(PHANDLE_TABLE Table, HANDLE Handle, KPROCESSOR_MODE Mode, BOOLEAN Force)
{
    POBJECT_HEADER Header;
    NTSTATUS       Status = STATUS_SUCCESS;
    EX_HOLD        Hold;

    if (!ObpHoldHandle(Table, Handle, &Hold))
        return ObpBadHandle(Table, Handle);

    Header = EX_HOLD_ADDRESS(Hold.Value);
    if (!Force && Header->Type->TypeInfo.OkayToCloseProcedure != NULL &&
        !Header->Type->TypeInfo.OkayToCloseProcedure(Table->Process, &Header->Body, Handle, Mode))
        Status = STATUS_HANDLE_NOT_CLOSABLE;
    if (NT_SUCCESS(Status))
        Status = ObpTakeSlot(&Hold, Force);
    if (!NT_SUCCESS(Status)) {
        ObpDropHold(&Hold);
        return Status == STATUS_INVALID_HANDLE ? ObpBadHandle(Table, Handle) : Status;
    }

    ObpTraceHandle(OB_HANDLE_TRACE_CLOSE, Table, Handle, Header);
    ExFreeSlot(Table, (HANDLE)((ULONG_PTR)Handle & ~(ULONG_PTR)3));
    ObpDecrementHandleCount(Table->Process, Header, Hold.GrantedAccess);
    ObpDereference(Header, OB_TAG_HANDLE, CALLER());
    return STATUS_SUCCESS;
}

/*
 * Closes a handle of the current process or, from KernelMode, a kernel handle. PASSIVE_LEVEL,
 * because a close procedure may send IRPs. STATUS_INVALID_HANDLE (pseudo handles too),
 * STATUS_HANDLE_NOT_CLOSABLE.
 */
NTSTATUS NTAPI
ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode)
{
    PHANDLE_TABLE Table = ObpTableOfHandle(&Handle, PreviousMode);

    MAY_BLOCK();

    if (Table == NULL || (LONG64)(ULONG_PTR)Handle < 0)
        return ObpBadHandle(NULL, Handle);
    return ObpCloseHandleInTable(Table, Handle, PreviousMode, FALSE);
}

NTSTATUS NTAPI
NtClose(HANDLE Handle)
{
    return ObCloseHandle(Handle, KeGetPreviousMode());
}
