/*
 * Questions about keys: NtQueryKey asks a key about itself, NtEnumerateKey about its child of an
 * index. Children are numbered in the order of their names, so an enumeration that makes or
 * deletes keys on its way must start again, as on Windows.
 */
#include "cm/cmp.h"

/* The longest names and data below a node, in bytes. */
typedef struct _CM_LONGEST {
    ULONG Name, Class, ValueName, ValueData;
} CM_LONGEST;

static VOID
CmpFindLongest(PCM_NODE Node, CM_LONGEST *Longest)
{
    *Longest = (CM_LONGEST){ 0 };
    for (ULONG Index = 0; Index < Node->ChildCount; Index++) {
        Longest->Name = max(Longest->Name, Node->Children[Index]->Name.Length);
        Longest->Class = max(Longest->Class, Node->Children[Index]->Class.Length);
    }
    for (ULONG Index = 0; Index < Node->ValueCount; Index++) {
        Longest->ValueName = max(Longest->ValueName, Node->Values[Index]->Name.Length);
        Longest->ValueData = max(Longest->ValueData, Node->Values[Index]->Size);
    }
}

static NTSTATUS
CmpAnswerBasic(PCM_NODE Node, PCM_ANSWER Answer, ULONG Room)
{
    ULONG                 Fixed = FIELD_OFFSET(KEY_BASIC_INFORMATION, Name);
    KEY_BASIC_INFORMATION Basic = { Node->LastWriteTime, Node->TitleIndex, Node->Name.Length,
                                    { 0 } };
    NTSTATUS              Status = CmpBeginAnswer(Answer, Fixed, Fixed + Node->Name.Length, Room);

    if (NT_SUCCESS(Status)) {
        CmpAddToAnswer(Answer, 0, &Basic, Fixed);
        CmpAddToAnswer(Answer, Fixed, Node->Name.Buffer, Node->Name.Length);
    }
    return Status;
}

static NTSTATUS
CmpAnswerNode(PCM_NODE Node, PCM_ANSWER Answer, ULONG Room)
{
    ULONG                Fixed = FIELD_OFFSET(KEY_NODE_INFORMATION, Name);
    ULONG                Offset = (ULONG)ROUND_UP(Fixed + Node->Name.Length, sizeof(ULONG));
    KEY_NODE_INFORMATION Info = { Node->LastWriteTime, Node->TitleIndex, MAXULONG,
                                  Node->Class.Length, Node->Name.Length, { 0 } };
    ULONG                Total = Fixed + Node->Name.Length;
    NTSTATUS             Status;

    if (Node->Class.Length != 0) {
        Info.ClassOffset = Offset;
        Total = Offset + Node->Class.Length;
    }
    Status = CmpBeginAnswer(Answer, Fixed, Total, Room);
    if (NT_SUCCESS(Status)) {
        CmpAddToAnswer(Answer, 0, &Info, Fixed);
        CmpAddToAnswer(Answer, Fixed, Node->Name.Buffer, Node->Name.Length);
        CmpAddToAnswer(Answer, Offset, Node->Class.Buffer, Node->Class.Length);
    }
    return Status;
}

static NTSTATUS
CmpAnswerFull(PCM_NODE Node, PCM_ANSWER Answer, ULONG Room)
{
    ULONG                Fixed = FIELD_OFFSET(KEY_FULL_INFORMATION, Class);
    KEY_FULL_INFORMATION Full = { .LastWriteTime = Node->LastWriteTime, .ClassOffset = MAXULONG,
                                  .TitleIndex = Node->TitleIndex };
    CM_LONGEST           Longest;
    NTSTATUS             Status = CmpBeginAnswer(Answer, Fixed, Fixed + Node->Class.Length, Room);

    if (!NT_SUCCESS(Status))
        return Status;
    CmpFindLongest(Node, &Longest);
    if (Node->Class.Length != 0)
        Full.ClassOffset = Fixed;
    Full.ClassLength = Node->Class.Length;
    Full.SubKeys = Node->ChildCount;
    Full.MaxNameLen = Longest.Name;
    Full.MaxClassLen = Longest.Class;
    Full.Values = Node->ValueCount;
    Full.MaxValueNameLen = Longest.ValueName;
    Full.MaxValueDataLen = Longest.ValueData;
    CmpAddToAnswer(Answer, 0, &Full, Fixed);
    CmpAddToAnswer(Answer, Fixed, Node->Class.Buffer, Node->Class.Length);
    return STATUS_SUCCESS;
}

static NTSTATUS
CmpAnswerCached(PCM_NODE Node, PCM_ANSWER Answer, ULONG Room)
{
    ULONG                  Fixed = FIELD_OFFSET(KEY_CACHED_INFORMATION, NameLength) + sizeof(ULONG);
    CM_LONGEST             Longest;
    KEY_CACHED_INFORMATION Cached;
    NTSTATUS               Status = CmpBeginAnswer(Answer, Fixed, Fixed, Room);

    if (!NT_SUCCESS(Status))
        return Status;
    CmpFindLongest(Node, &Longest);
    Cached = (KEY_CACHED_INFORMATION){ Node->LastWriteTime, Node->TitleIndex, Node->ChildCount,
        Longest.Name, Node->ValueCount, Longest.ValueName, Longest.ValueData, Node->Name.Length,
        { 0 } };
    CmpAddToAnswer(Answer, 0, &Cached, Fixed);
    return STATUS_SUCCESS;
}

static NTSTATUS
CmpAnswerName(PCM_NODE Node, PCM_ANSWER Answer, ULONG Room)
{
    ULONG          Fixed = FIELD_OFFSET(KEY_NAME_INFORMATION, Name), Length;
    UNICODE_STRING Name;
    NTSTATUS       Status = CmpFullName(Node, &Name);

    if (!NT_SUCCESS(Status))
        return Status;
    Length = Name.Length;
    Status = CmpBeginAnswer(Answer, Fixed, Fixed + Length, Room);
    if (NT_SUCCESS(Status)) {
        CmpAddToAnswer(Answer, 0, &Length, Fixed);
        CmpAddToAnswer(Answer, Fixed, Name.Buffer, Length);
    }
    CmpFreeString(&Name);
    return Status;
}

/* The classes without a name: flags, virtualization and handle tags, of which there are none. */
static NTSTATUS
CmpAnswerPlain(PCM_NODE Node, ULONG Class, PCM_ANSWER Answer, ULONG Room)
{
    KEY_FLAGS_INFORMATION Flags = { .KeyFlags = Node->Flags & CM_VOLATILE ? KEY_FLAG_VOLATILE : 0 };
    ULONG                 Size = Class == KeyFlagsInformation ? sizeof Flags : sizeof(ULONG);
    NTSTATUS              Status = CmpBeginAnswer(Answer, Size, Size, Room);

    if (NT_SUCCESS(Status) && Class == KeyFlagsInformation)
        CmpAddToAnswer(Answer, 0, &Flags, Size);
    return Status;
}

static NTSTATUS
CmpAnswerKey(PCM_NODE Node, ULONG Class, PCM_ANSWER Answer, ULONG Room)
{
    switch (Class) {
    case KeyBasicInformation:           return CmpAnswerBasic(Node, Answer, Room);
    case KeyNodeInformation:            return CmpAnswerNode(Node, Answer, Room);
    case KeyFullInformation:            return CmpAnswerFull(Node, Answer, Room);
    case KeyNameInformation:            return CmpAnswerName(Node, Answer, Room);
    case KeyCachedInformation:          return CmpAnswerCached(Node, Answer, Room);
    case KeyFlagsInformation:
    case KeyVirtualizationInformation:
    case KeyHandleTagsInformation:      return CmpAnswerPlain(Node, Class, Answer, Room);
    }
    return STATUS_INVALID_INFO_CLASS;
}

/*
 * System service: wants KEY_QUERY_VALUE, but for the name any right will do.
 * STATUS_INVALID_PARAMETER: no such class; sizes as answer.c says.
 */
NTSTATUS NTAPI
NtQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation,
           ULONG Length, PULONG ResultLength)
{
    ACCESS_MASK Access = KeyInformationClass == KeyNameInformation ||
                         KeyInformationClass == KeyHandleTagsInformation ? 0 : KEY_QUERY_VALUE;
    CM_ANSWER   Answer;
    PCM_KEY     Key;
    NTSTATUS    Status = CmpProbeAnswer(KeyInformation, Length, ResultLength);

    PAGED_CODE();

    if ((ULONG)KeyInformationClass > KeyHandleTagsInformation)
        return STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(Status))
        Status = CmpLockKey(KeyHandle, Access, &Key);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = CmpAnswerKey(Key->Node, KeyInformationClass, &Answer, Length);
    CmpUnlockKey(Key);
    return CmpSendAnswer(&Answer, Status, KeyInformation, ResultLength);
}

/*
 * System service: wants KEY_ENUMERATE_SUB_KEYS; basic, node and full information.
 * STATUS_NO_MORE_ENTRIES: Index is not below the number of children.
 */
NTSTATUS NTAPI
NtEnumerateKey(HANDLE KeyHandle, ULONG Index, KEY_INFORMATION_CLASS KeyInformationClass,
               PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    CM_ANSWER Answer;
    PCM_KEY   Key;
    NTSTATUS  Status = CmpProbeAnswer(KeyInformation, Length, ResultLength);

    PAGED_CODE();

    if ((ULONG)KeyInformationClass > KeyFullInformation)
        return STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(Status))
        Status = CmpLockKey(KeyHandle, KEY_ENUMERATE_SUB_KEYS, &Key);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = STATUS_NO_MORE_ENTRIES;
    if (Index < Key->Node->ChildCount)
        Status = CmpAnswerKey(Key->Node->Children[Index], KeyInformationClass, &Answer, Length);
    CmpUnlockKey(Key);
    return CmpSendAnswer(&Answer, Status, KeyInformation, ResultLength);
}
