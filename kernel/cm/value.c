/*
 * The values of a node: a table in the order they were made, which is the order of
 * NtEnumerateValueKey. A value is one block of pool with its name and data behind it; setting a
 * value puts a new block in the old one's place. The value with an empty name is the key's
 * default value. Names do not distinguish case and keep the one they were made with.
 *
 * Every routine here is called with CmpLock held.
 */
#include "cm/cmp.h"

static PCM_VALUE *
CmpFindSlot(PCM_NODE Node, PCUNICODE_STRING Name)
{
    for (ULONG Index = 0; Index < Node->ValueCount; Index++)
        if (RtlEqualUnicodeString(&Node->Values[Index]->Name, Name, TRUE))
            return &Node->Values[Index];
    return NULL;
}

PCM_VALUE
CmpFindValue(PCM_NODE Node, PCUNICODE_STRING Name)
{
    PCM_VALUE *Slot = CmpFindSlot(Node, Name);

    return Slot != NULL ? *Slot : NULL;
}

static PCM_VALUE
CmpAllocateValue(PCUNICODE_STRING Name, ULONG Type, const VOID *Data, ULONG Size)
{
    SIZE_T    Behind = ROUND_UP(Name->Length, sizeof(ULONG64));
    PCM_VALUE Value = ExAllocatePoolWithTag(PagedPool, sizeof *Value + Behind + Size,
                                            CM_TAG_VALUE);

    if (Value == NULL)
        return NULL;
    Value->Name.Buffer = (PWSTR)(Value + 1);
    Value->Name.Length = Value->Name.MaximumLength = Name->Length;
    RtlCopyMemory(Value->Name.Buffer, Name->Buffer, Name->Length);
    Value->Type = Type;
    Value->Size = Size;
    Value->Data = (PUCHAR)(Value + 1) + Behind;
    RtlCopyMemory(Value->Data, Data, Size);
    return Value;
}

NTSTATUS
CmpSetValue(PCM_NODE Node, PCUNICODE_STRING Name, ULONG Type, const VOID *Data, ULONG Size)
{
    PCM_VALUE *Slot = CmpFindSlot(Node, Name);
    PCM_VALUE  Value;

    if (Slot == NULL && !CmpGrowTable((PVOID **)&Node->Values, Node->ValueCount, &Node->ValueRoom))
        return STATUS_INSUFFICIENT_RESOURCES;
    Value = CmpAllocateValue(Slot != NULL ? &(*Slot)->Name : Name, Type, Data, Size);
    if (Value == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    if (Slot == NULL)
        Slot = &Node->Values[Node->ValueCount++];
    else
        ExFreePoolWithTag(*Slot, CM_TAG_VALUE);
    *Slot = Value;
    KeQuerySystemTime(&Node->LastWriteTime);
    return STATUS_SUCCESS;
}

NTSTATUS
CmpDeleteValue(PCM_NODE Node, PCUNICODE_STRING Name)
{
    PCM_VALUE *Slot = CmpFindSlot(Node, Name);

    if (Slot == NULL)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    ExFreePoolWithTag(*Slot, CM_TAG_VALUE);
    Node->ValueCount--;
    RtlMoveMemory(Slot, Slot + 1, (PUCHAR)(Node->Values + Node->ValueCount) - (PUCHAR)Slot);
    KeQuerySystemTime(&Node->LastWriteTime);
    return STATUS_SUCCESS;
}

VOID
CmpFreeValues(PCM_NODE Node)
{
    while (Node->ValueCount != 0)
        ExFreePoolWithTag(Node->Values[--Node->ValueCount], CM_TAG_VALUE);
    if (Node->Values != NULL)
        ExFreePoolWithTag(Node->Values, CM_TAG_NODE);
}
