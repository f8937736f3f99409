/*
 * A process' handle table from its creation to its end.
 *
 *   ObInitProcess   a new table; with Inherit every handle of the parent that is marked
 *                   OBJ_INHERIT is there too, with the same value. The first process ever,
 *                   System, gets the table of kernel handles.
 *   ObKillProcess   the process' last thread: nothing new is let in, every handle is closed in
 *                   ascending order, protected ones too, and the table is unhooked from the
 *                   process
 *
 * The process' own threads use Process->ObjectTable as it is: it stays while any of them runs.
 * Others (duplicating, querying) reference the table under ObpHandleTableLock and find NULL once
 * it is unhooked; the last reference frees it. A handle that such a one makes while the table is
 * being emptied is refused (Closing is looked at under the table's lock, and set before the
 * emptying begins).
 */
#include "kernel.h"
#include "ob/obp.h"

FAST_MUTEX ObpHandleTableLock;

PHANDLE_TABLE
ObpReferenceProcessTable(PEPROCESS Process)
{
    PHANDLE_TABLE Table;

    PAGED_CODE();

    ExAcquireFastMutex(&ObpHandleTableLock);
    Table = Process->ObjectTable;
    if (Table != NULL)
        Table->References++;
    ExReleaseFastMutex(&ObpHandleTableLock);
    return Table;
}

VOID
ObpDereferenceTable(PHANDLE_TABLE Table)
{
    LONG Left;

    ExAcquireFastMutex(&ObpHandleTableLock);
    Left = --Table->References;
    ExReleaseFastMutex(&ObpHandleTableLock);
    if (Left == 0)
        ExDestroyHandleTable(Table);
}

/*
 * The held handle of the parent's, at the same place in the child's table. The type may refuse
 * it.
 */
static VOID
ObpInheritHandle(PHANDLE_TABLE Table, ULONG Index, PEX_HOLD Hold)
{
    POBJECT_HEADER      Header     = EX_HOLD_ADDRESS(Hold->Value);
    PHANDLE_TABLE_ENTRY Entry      = ExFindSlot(Table, Index);
    ULONG               Attributes = (ULONG)Hold->Value & EX_HANDLE_FLAGS;

    if (!NT_SUCCESS(ObpIncrementHandleCount(ObInheritHandle, Table->Process, Header,
                                            Hold->GrantedAccess, 0)))
        return;

    ObpReference(Header, OB_TAG_HANDLE, CALLER());
    Entry->GrantedAccess = Hold->GrantedAccess;
    Entry->Generation++;
    Entry->Value = (LONG64)((ULONG_PTR)Header | Attributes);
    Table->HandleCount++;
    ObpTraceHandle(OB_HANDLE_TRACE_OPEN, Table, (HANDLE)((ULONG_PTR)Index * 4), Header);
}

static NTSTATUS
ObpInheritTable(PHANDLE_TABLE Table, PHANDLE_TABLE From)
{
    EX_HOLD Hold;

    if (!ExCloneSlots(Table, From))
        return STATUS_INSUFFICIENT_RESOURCES;

    for (ULONG Index = 1; Index < Table->SlotCount; Index++) {
        PHANDLE_TABLE_ENTRY Entry = ExFindSlot(From, Index);

        if (!(Entry->Value & EX_HANDLE_INHERIT) || !ExHoldSlot(Entry, &Hold))
            continue;
        if (Hold.Value & EX_HANDLE_INHERIT)
            ObpInheritHandle(Table, Index, &Hold);
        ObpDropHold(&Hold);
    }
    ExQueueFreeSlots(Table);
    return STATUS_SUCCESS;
}

NTSTATUS
ObInitProcess(PEPROCESS Parent, PEPROCESS Process, BOOLEAN Inherit)
{
    PHANDLE_TABLE From   = Inherit && Parent != NULL ? ObpReferenceProcessTable(Parent) : NULL;
    NTSTATUS      Status = STATUS_SUCCESS;
    PHANDLE_TABLE Table;

    PAGED_CODE();

    if (ObpKernelHandleTable->Process == NULL) {
        Table = ObpKernelHandleTable;
        Table->Process = Process;
    } else {
        Table = ExCreateHandleTable(Process);
    }
    if (Table == NULL)
        Status = STATUS_INSUFFICIENT_RESOURCES;
    else if (From != NULL)
        Status = ObpInheritTable(Table, From);

    if (From != NULL)
        ObpDereferenceTable(From);
    if (NT_SUCCESS(Status))
        Process->ObjectTable = Table;
    else if (Table != NULL)
        ExDestroyHandleTable(Table);
    return Status;
}

VOID
ObKillProcess(PEPROCESS Process)
{
    PHANDLE_TABLE Table = Process->ObjectTable;

    MAY_BLOCK();

    if (Table == NULL)
        return;

    ExAcquireFastMutex(&Table->HandleTableLock);
    Table->Closing = TRUE;
    ExReleaseFastMutex(&Table->HandleTableLock);

    for (ULONG Index = 1; Index < Table->SlotCount && Table->HandleCount != 0; Index++)
        if (ExFindSlot(Table, Index)->Value != 0)
            ObpCloseHandleInTable(Table, (HANDLE)((ULONG_PTR)Index * 4), KernelMode, TRUE);

    ExAcquireFastMutex(&ObpHandleTableLock);
    Process->ObjectTable = NULL;
    ExReleaseFastMutex(&ObpHandleTableLock);
    ObpDereferenceTable(Table);
}

VOID
ObEnumerateHandles(PEPROCESS Process, POB_HANDLE_CALLBACK Callback, PVOID Context)
{
    PHANDLE_TABLE Table = ObpReferenceProcessTable(Process);
    EX_HOLD       Hold;

    PAGED_CODE();

    if (Table == NULL)
        return;

    for (ULONG Index = 1; Index < Table->SlotCount; Index++) {
        if (!ObpHoldHandle(Table, (HANDLE)((ULONG_PTR)Index * 4), &Hold))
            continue;
        Callback((HANDLE)((ULONG_PTR)Index * 4), EX_HOLD_ADDRESS(Hold.Value), Hold.GrantedAccess,
                 ObpSlotAttributes(Hold.Value), Context);
        ObpDropHold(&Hold);
    }
    ObpDereferenceTable(Table);
}
