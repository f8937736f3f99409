/*
 * The archive: a row of 512-byte ustar headers, each followed by its file's data, padded to 512
 * bytes; two headers of zeros end it. It is read once, into a tree of nodes whose data stays
 * where it is. Directories come into being with the first path that goes through them, whether or
 * not they have a header.
 *
 * Nothing in the archive is believed: checksum and magic of each header, the size against what is
 * left, and the characters of names are checked, and the first thing wrong ends the reading with
 * a sentence.
 */
#include "ramdisk.h"

typedef struct _USTAR {
    CHAR Name[100], Mode[8], Owner[8], Group[8], Size[12], Time[12], Checksum[8], Kind, Link[100];
    CHAR Magic[6], Version[2], OwnerName[32], GroupName[32], Major[8], Minor[8], Prefix[155],
    Pad[12];
} USTAR;
C_ASSERT(sizeof(USTAR) == 512);

#define SECONDS_1601_TO_1970    11644473600LL
#define PATH_CHARACTERS         256

static ULONG64
RamdiskOctal(const CHAR *Field, ULONG Width)
{
    ULONG64 Value = 0;
    ULONG   Index;

    for (Index = 0; Index < Width && Field[Index] >= '0' && Field[Index] <= '7'; Index++)
        Value = Value << 3 | (ULONG64)(Field[Index] - '0');
    return Value;
}

static BOOLEAN
RamdiskHeaderIsValid(const USTAR *Header)
{
    const UCHAR *Bytes = (const UCHAR *)Header;
    ULONG        Sum = 8 * ' ';
    ULONG        Index;

    for (Index = 0; Index < sizeof *Header; Index++)
        if (Index < FIELD_OFFSET(USTAR, Checksum) || Index >= FIELD_OFFSET(USTAR, Kind))
            Sum += Bytes[Index];
    return RtlCompareMemory(Header->Magic, "ustar", 5) == 5 &&
        RamdiskOctal(Header->Checksum, 8) == Sum;
}

static PNODE
RamdiskNewNode(PNODE Parent, PCUNICODE_STRING Name, BOOLEAN Directory)
{
    static LONG Nodes;                          // the archive is read once, by one thread
    PNODE       Node = ExAllocatePoolWithTag(PagedPool, sizeof *Node + Name->Length, RAMDISK_TAG);
    PNODE      *Link;

    if (Node == NULL)
        return NULL;
    RtlZeroMemory(Node, sizeof *Node);
    Node->Id = RAMDISK_ID(Nodes++);
    Node->Parent = Parent;
    Node->Directory = Directory;
    Node->Name.Buffer = (PWSTR)(Node + 1);
    Node->Name.Length = Node->Name.MaximumLength = Name->Length;
    RtlCopyMemory(Node->Name.Buffer, Name->Buffer, Name->Length);
    if (Parent != NULL) {
        for (Link = &Parent->FirstChild; *Link != NULL; Link = &(*Link)->NextSibling)
            ;
        *Link = Node;
    }
    return Node;
}

static PNODE
RamdiskFindChild(PNODE Parent, PCUNICODE_STRING Name)
{
    PNODE Node;

    for (Node = Parent->FirstChild; Node != NULL; Node = Node->NextSibling)
        if (RtlEqualUnicodeString(&Node->Name, Name, TRUE))
            return Node;
    return NULL;
}

PNODE
RamdiskFindId(PNODE Root, LONG64 Id)
{
    PNODE Node = Root;

    while (Node != NULL && Node->Id != Id) {
        if (Node->FirstChild != NULL) {
            Node = Node->FirstChild;
            continue;
        }
        while (Node != NULL && Node->NextSibling == NULL)
            Node = Node->Parent;
        if (Node != NULL)
            Node = Node->NextSibling;
    }
    return Node;
}

/* Cuts the first part off Path, which may begin with separators; FALSE if there is none. */
static BOOLEAN
RamdiskNextPart(PUNICODE_STRING Path, PUNICODE_STRING Part)
{
    while (Path->Length != 0 && Path->Buffer[0] == L'\\') {
        Path->Buffer++;
        Path->Length -= sizeof(WCHAR);
    }
    Part->Buffer = Path->Buffer;
    while (Path->Length != 0 && Path->Buffer[0] != L'\\') {
        Path->Buffer++;
        Path->Length -= sizeof(WCHAR);
    }
    Part->Length = Part->MaximumLength = (USHORT)((PUCHAR)Path->Buffer - (PUCHAR)Part->Buffer);
    return Part->Length != 0;
}

NTSTATUS
RamdiskFind(PNODE Start, PCUNICODE_STRING Path, PNODE *Result)
{
    UNICODE_STRING Rest = *Path;
    UNICODE_STRING Part, Following;
    PNODE          Node = Start;

    *Result = NULL;
    while (RamdiskNextPart(&Rest, &Part)) {
        Following = Rest;
        if (Node->Directory)
            Node = RamdiskFindChild(Node, &Part);
        else
            return STATUS_OBJECT_PATH_NOT_FOUND;
        if (Node == NULL)
            return RamdiskNextPart(&Following, &Part)
                ? STATUS_OBJECT_PATH_NOT_FOUND : STATUS_OBJECT_NAME_NOT_FOUND;
    }
    *Result = Node;
    return STATUS_SUCCESS;
}

/*
 * Prefix and name of a header, joined, with backslashes; FALSE if a character is not plain ASCII.
 */
static BOOLEAN
RamdiskPathOf(const USTAR *Header, PWSTR Buffer, PUNICODE_STRING Path)
{
    ULONG Length = 0;
    ULONG Index;

    for (Index = 0; Index < sizeof Header->Prefix && Header->Prefix[Index] != 0; Index++)
        Buffer[Length++] = (UCHAR)Header->Prefix[Index];
    if (Length != 0)
        Buffer[Length++] = L'/';
    for (Index = 0; Index < sizeof Header->Name && Header->Name[Index] != 0; Index++)
        Buffer[Length++] = (UCHAR)Header->Name[Index];
    for (Index = 0; Index < Length; Index++) {
        if (Buffer[Index] < L' ' || Buffer[Index] > L'~')
            return FALSE;
        if (Buffer[Index] == L'/')
            Buffer[Index] = L'\\';
    }
    Path->Buffer = Buffer;
    Path->Length = Path->MaximumLength = (USHORT)(Length * sizeof(WCHAR));
    return TRUE;
}

/* The node of a path, made with its directories if it is not there. */
static NTSTATUS
RamdiskMakeNode(PNODE Root, PCUNICODE_STRING Path, BOOLEAN Directory, PNODE *Result)
{
    UNICODE_STRING Rest = *Path;
    UNICODE_STRING Part, Following, Ignored;
    PNODE          Node = Root, Child;

    while (RamdiskNextPart(&Rest, &Part)) {
        Following = Rest;
        if (!Node->Directory || (Part.Length <= 2 * sizeof(WCHAR) && Part.Buffer[0] == L'.'
                                 && (Part.Length == sizeof(WCHAR) || Part.Buffer[1] == L'.')))
            return STATUS_DISK_CORRUPT_ERROR;
        Child = RamdiskFindChild(Node, &Part);
        if (Child == NULL)
            Child = RamdiskNewNode(Node, &Part, Directory || RamdiskNextPart(&Following, &Ignored));
        if (Child == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        Node = Child;
    }
    *Result = Node;
    return STATUS_SUCCESS;
}

/*
 * One header, checked; Left is what the archive has behind it. *Skip is how far the next header
 * is.
 */
static NTSTATUS
RamdiskReadEntry(PNODE Root, const USTAR *Header, ULONG64 Left, PULONG64 Skip)
{
    ULONG64        Size = RamdiskOctal(Header->Size, sizeof Header->Size);
    WCHAR          Buffer[PATH_CHARACTERS];
    UNICODE_STRING Path;
    NTSTATUS       Status;
    PNODE          Node;

    if (!RamdiskHeaderIsValid(Header) || Size > Left || !RamdiskPathOf(Header, Buffer, &Path))
        return STATUS_DISK_CORRUPT_ERROR;
    *Skip = min((Size + sizeof *Header - 1) & ~(ULONG64)(sizeof *Header - 1), Left);
    if (Header->Kind != '0' && Header->Kind != 0 && Header->Kind != '5')
        return STATUS_SUCCESS;                  // links and devices are passed over

    Status = RamdiskMakeNode(Root, &Path, Header->Kind == '5', &Node);
    if (!NT_SUCCESS(Status))
        return Status;
    Node->Time.QuadPart = ((LONG64)RamdiskOctal(Header->Time,
        sizeof Header->Time) + SECONDS_1601_TO_1970) * 10000000;
    if (!Node->Directory) {
        Node->Data = (const UCHAR *)(Header + 1);
        Node->Size = Size;
    }
    return STATUS_SUCCESS;
}

NTSTATUS
RamdiskReadArchive(const UCHAR *Archive, ULONG64 Size, PNODE *Root)
{
    UNICODE_STRING Empty = { 0, 0, NULL };
    ULONG64        Offset = 0, Skip = 0;
    NTSTATUS       Status = STATUS_SUCCESS;

    *Root = RamdiskNewNode(NULL, &Empty, TRUE);
    if (*Root == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    while (Size - Offset >= sizeof(USTAR)) {
        const USTAR *Header = (const USTAR *)(Archive + Offset);

        if (Header->Name[0] == 0)
            return STATUS_SUCCESS;
        Offset += sizeof *Header;
        Status = RamdiskReadEntry(*Root, Header, Size - Offset, &Skip);
        if (!NT_SUCCESS(Status))
            break;
        Offset += Skip;
    }
    if (NT_SUCCESS(Status))
        Status = STATUS_DISK_CORRUPT_ERROR;     // it does not end where it should
    DbgPrint("ramdisk: the archive is damaged at byte %I64u of %I64u (status %08x)\n", Offset,
             Size, Status);
    RamdiskFreeTree(*Root);
    *Root = NULL;
    return Status;
}

VOID
RamdiskFreeTree(PNODE Root)
{
    PNODE Node = Root, Next;

    while (Node != NULL) {
        if (Node->FirstChild != NULL) {
            Next = Node->FirstChild;
            Node->FirstChild = NULL;            // come back to Node when its children are gone
        } else {
            Next = Node->NextSibling != NULL ? Node->NextSibling : Node->Parent;
            ExFreePoolWithTag(Node, RAMDISK_TAG);
        }
        Node = Next;
    }
}
