/*
 * The tree of keys: finding, making and deleting nodes, and their full names.
 *
 * The children of a node are a table of pointers, sorted by name without regard to case: a child
 * is found by halving, and NtEnumerateKey's index is the table's. Names keep the case they were
 * made with. A child of a volatile key is volatile too; \Registry, \Registry\Machine and
 * \Registry\User are, as on Windows, where only hives below them lie on a disk.
 *
 * Every routine here is called with CmpLock held, except at start-up.
 */
#include "cm/cmp.h"

FAST_MUTEX   CmpLock;
PCM_NODE     CmpRoot;
static ULONG CmpLastSerial;

BOOLEAN
CmpGrowTable(PVOID **Table, ULONG Count, PULONG Room)
{
    ULONG  NewRoom = *Room ? 2 * *Room : 4;
    PVOID *New;

    if (Count < *Room)
        return TRUE;
    New = ExAllocatePoolWithTag(PagedPool, NewRoom * sizeof(PVOID), CM_TAG_NODE);
    if (New == NULL)
        return FALSE;
    if (*Table != NULL) {
        RtlCopyMemory(New, *Table, Count * sizeof(PVOID));
        ExFreePoolWithTag(*Table, CM_TAG_NODE);
    }
    *Table = New;
    *Room = NewRoom;
    return TRUE;
}

/* Where the name is among the children, or would be; *Found tells which. */
static ULONG
CmpSearchChildren(PCM_NODE Node, PCUNICODE_STRING Name, PBOOLEAN Found)
{
    ULONG Low = 0, High = Node->ChildCount;

    *Found = FALSE;
    while (Low < High) {
        ULONG Middle = Low + (High - Low) / 2;
        LONG  Order = RtlCompareUnicodeString(Name, &Node->Children[Middle]->Name, TRUE);

        if (Order == 0) {
            *Found = TRUE;
            return Middle;
        }
        if (Order < 0)
            High = Middle;
        else
            Low = Middle + 1;
    }
    return Low;
}

PCM_NODE
CmpFindChild(PCM_NODE Node, PCUNICODE_STRING Name)
{
    BOOLEAN Found;
    ULONG   Index = CmpSearchChildren(Node, Name, &Found);

    return Found ? Node->Children[Index] : NULL;
}

/* A node with room for its two names behind it, and the tree's reference. */
static PCM_NODE
CmpAllocateNode(PCUNICODE_STRING Name, const CM_CREATE *Create)
{
    ULONG    ClassLength = Create != NULL ? Create->Class.Length : 0;
    PCM_NODE Node = ExAllocatePoolWithTag(PagedPool, sizeof *Node + Name->Length + ClassLength,
                                          CM_TAG_NODE);

    if (Node == NULL)
        return NULL;
    RtlZeroMemory(Node, sizeof *Node);
    Node->References = 1;
    Node->Serial = ++CmpLastSerial;
    Node->Name.Buffer = (PWSTR)(Node + 1);
    Node->Name.Length = Node->Name.MaximumLength = Name->Length;
    RtlCopyMemory(Node->Name.Buffer, Name->Buffer, Name->Length);
    if (Create != NULL) {
        Node->TitleIndex = Create->TitleIndex;
        Node->Class.Buffer = Node->Name.Buffer + Name->Length / sizeof(WCHAR);
        Node->Class.Length = Node->Class.MaximumLength = (USHORT)ClassLength;
        RtlCopyMemory(Node->Class.Buffer, Create->Class.Buffer, ClassLength);
    }
    KeQuerySystemTime(&Node->LastWriteTime);
    return Node;
}

NTSTATUS
CmpCreateChild(PCM_NODE Parent, PCUNICODE_STRING Name, ULONG Flags, const CM_CREATE *Create,
               PCM_NODE *Child)
{
    BOOLEAN  Found;
    ULONG    Index;
    PCM_NODE Node;

    if ((Parent->Flags & CM_VOLATILE) && !(Flags & CM_VOLATILE))
        return STATUS_CHILD_MUST_BE_VOLATILE;
    if (!CmpGrowTable((PVOID **)&Parent->Children, Parent->ChildCount, &Parent->ChildRoom))
        return STATUS_INSUFFICIENT_RESOURCES;
    Node = CmpAllocateNode(Name, Create);               // (1)
    if (Node == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    Node->Parent = Parent;
    Node->Flags = Flags;
    Node->Descriptor = ObHoldDescriptor(&Parent->Descriptor);
    if (Node->Descriptor != NULL) {
        ObReferenceSecurityDescriptor(Node->Descriptor, 1);
        ObDropDescriptor(&Parent->Descriptor, Node->Descriptor);
    }
    Index = CmpSearchChildren(Parent, Name, &Found);
    ASSERT(!Found);
    RtlMoveMemory(Parent->Children + Index + 1, Parent->Children + Index,
                  (Parent->ChildCount - Index) * sizeof(PCM_NODE));
    Parent->Children[Index] = Node;
    Parent->ChildCount++;
    Parent->LastWriteTime = Node->LastWriteTime;
    *Child = Node;
    return STATUS_SUCCESS;
}

VOID
CmpDereferenceNode(PCM_NODE Node)
{
    if (--Node->References != 0)
        return;
    CmpFreeValues(Node);                                // (4)
    ObReplaceDescriptor(&Node->Descriptor, NULL);
    if (Node->Children != NULL)
        ExFreePoolWithTag(Node->Children, CM_TAG_NODE);
    ExFreePoolWithTag(Node, CM_TAG_NODE);
}

NTSTATUS
CmpDeleteNode(PCM_NODE Node)
{
    PCM_NODE Parent = Node->Parent;
    BOOLEAN  Found;
    ULONG    Index;

    if (Node->Flags & CM_DELETED)
        return STATUS_KEY_DELETED;
    if ((Node->Flags & CM_FIXED) || Node->ChildCount != 0)
        return STATUS_CANNOT_DELETE;

    Index = CmpSearchChildren(Parent, &Node->Name, &Found);
    ASSERT(Found);
    Parent->ChildCount--;
    RtlMoveMemory(Parent->Children + Index, Parent->Children + Index + 1,
                  (Parent->ChildCount - Index) * sizeof(PCM_NODE));
    KeQuerySystemTime(&Parent->LastWriteTime);
    Node->Parent = NULL;
    Node->Flags |= CM_DELETED;
    CmpDereferenceNode(Node);                           // (3)
    return STATUS_SUCCESS;
}

NTSTATUS
CmpFullName(PCM_NODE Node, PUNICODE_STRING Name)
{
    ULONG    Length = 0;
    PCM_NODE Up;
    PWSTR    At;

    if (Node->Flags & CM_DELETED)
        return STATUS_KEY_DELETED;
    for (Up = Node; Up != NULL; Up = Up->Parent)
        Length += sizeof(WCHAR) + Up->Name.Length;
    if (Length + sizeof(WCHAR) > MAXUSHORT)
        return STATUS_NAME_TOO_LONG;
    Name->Buffer = ExAllocatePoolWithTag(PagedPool, Length + sizeof(WCHAR), CM_TAG_BUFFER);
    if (Name->Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    Name->Length = (USHORT)Length;
    Name->MaximumLength = Name->Length + sizeof(WCHAR);
    At = Name->Buffer + Length / sizeof(WCHAR);
    *At = 0;
    for (Up = Node; Up != NULL; Up = Up->Parent) {
        At -= Up->Name.Length / sizeof(WCHAR);
        RtlCopyMemory(At, Up->Name.Buffer, Up->Name.Length);
        *--At = L'\\';
    }
    return STATUS_SUCCESS;
}

BOOLEAN
CmpNextPart(PUNICODE_STRING Rest, PUNICODE_STRING Part)
{
    ULONG Count = Rest->Length / sizeof(WCHAR), Start = 0, End;

    while (Start < Count && Rest->Buffer[Start] == L'\\')
        Start++;
    for (End = Start; End < Count && Rest->Buffer[End] != L'\\';)
        End++;
    Part->Buffer = Rest->Buffer + Start;
    Part->Length = Part->MaximumLength = (USHORT)((End - Start) * sizeof(WCHAR));
    Rest->Buffer += End;
    Rest->Length = Rest->MaximumLength = (USHORT)((Count - End) * sizeof(WCHAR));
    return End != Start;
}
