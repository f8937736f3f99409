/*
 * The lines of registry text: keys in brackets, and values. Each routine takes what it knows off
 * the text and says FALSE after a complaint; the caller passes over the rest of the line. Nothing
 * of a line is done before all of it was understood.
 */
#include "cm/cmregtext.h"

/* The roots of key names. A user's own keys are those of the default user. */
static const struct { PCWSTR Name, Path; } CmpRoots[] = {
    { L"HKEY_LOCAL_MACHINE", L"MACHINE" },
    { L"HKEY_USERS",         L"USER" },
    { L"HKEY_CURRENT_USER",  L"USER\\.DEFAULT" },
    { L"HKEY_CLASSES_ROOT",  L"MACHINE\\SOFTWARE\\Classes" },
};

WCHAR
CmpPeek(PCM_TEXT Text)
{
    while (Text->Next < Text->End && (*Text->Next == L' ' || *Text->Next == L'\t' ||
                                      *Text->Next == L'\r' || *Text->Next == 0xFEFF))
        Text->Next++;
    return Text->Next < Text->End && *Text->Next != L'\n' ? *Text->Next : 0;
}

BOOLEAN
CmpTakeWord(PCM_TEXT Text, PCWSTR Word)
{
    SIZE_T Length = wcslen(Word);

    if ((SIZE_T)(Text->End - Text->Next) < Length || _wcsnicmp(Text->Next, Word, Length) != 0)
        return FALSE;
    Text->Next += Length;
    return TRUE;
}

BOOLEAN
CmpExpectEnd(PCM_TEXT Text)
{
    WCHAR Next = CmpPeek(Text);

    if (Next == 0 || Next == L';')
        return TRUE;
    CmpComplain(Text, "the line goes on where it should end");
    return FALSE;
}

/* Deletes a node and all below it, children first. */
static VOID
CmpDeleteTree(PCM_NODE Top)
{
    PCM_NODE Node = Top;

    for (;;) {
        PCM_NODE Parent = Node->Parent;

        if (Node->ChildCount != 0) {
            Node = Node->Children[Node->ChildCount - 1];
            continue;
        }
        if (!NT_SUCCESS(CmpDeleteNode(Node)) || Node == Top)
            return;
        Node = Parent;
    }
}

/* The node at Path, made if Make says so; NULL if it is not there or cannot be made. */
static PCM_NODE
CmpFindPath(PCM_NODE Node, UNICODE_STRING Path, BOOLEAN Make)
{
    UNICODE_STRING Part;

    while (Node != NULL && CmpNextPart(&Path, &Part)) {
        PCM_NODE Child = CmpFindChild(Node, &Part);

        if (Child == NULL && Make && Part.Length <= CM_MAX_KEY_NAME &&
            !NT_SUCCESS(CmpCreateChild(Node, &Part, Node->Flags & CM_VOLATILE, NULL, &Child)))
            Child = NULL;
        Node = Child;
    }
    return Node;
}

/* The node of a name's root; Name becomes the rest. NULL: no such root. */
static PCM_NODE
CmpFindRoot(PUNICODE_STRING Name)
{
    UNICODE_STRING Part, Wanted, Path;

    CmpNextPart(Name, &Part);
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(CmpRoots); Index++) {
        RtlInitUnicodeString(&Wanted, CmpRoots[Index].Name);
        RtlInitUnicodeString(&Path, CmpRoots[Index].Path);
        if (RtlEqualUnicodeString(&Part, &Wanted, TRUE))
            return CmpFindPath(CmpRoot, Path, FALSE);
    }
    return NULL;
}

/* [NAME] or [-NAME] */
VOID
CmpReadKeyLine(PCM_TEXT Text)
{
    BOOLEAN        Delete;
    UNICODE_STRING Name;
    PCWSTR         End = ++Text->Next, Close = NULL;
    PCM_NODE       Root;

    Text->HasKey = TRUE;
    Text->Key = NULL;
    for (; End < Text->End && *End != L'\n' && (*End != L';' || Close == NULL); End++)
        if (*End == L']')
            Close = End;                        // a name may have brackets of its own
    if (Close == NULL || (SIZE_T)(Close - Text->Next) > MAXUSHORT / sizeof(WCHAR)) {
        CmpComplain(Text, "the key has no closing bracket");
        return;
    }
    Delete = CmpTakeWord(Text, L"-");
    Name.Buffer = (PWSTR)Text->Next;
    Name.Length = Name.MaximumLength = (USHORT)((Close - Text->Next) * sizeof(WCHAR));
    Text->Next = Close + 1;
    Root = CmpFindRoot(&Name);
    if (Root == NULL) {
        CmpComplain(Text, "the key does not begin with HKEY_LOCAL_MACHINE or another root");
        return;
    }
    if (!CmpExpectEnd(Text))
        return;
    Text->Key = CmpFindPath(Root, Name, !Delete);
    if (Text->Key == NULL && !Delete)
        CmpComplain(Text, "the key cannot be made");
    if (Text->Key != NULL && Delete) {
        CmpDeleteTree(Text->Key);
        Text->Key = NULL;
    }
}

/* "text": with its escapes taken away, in pool. */
static BOOLEAN
CmpReadQuoted(PCM_TEXT Text, PWSTR *Buffer, PULONG Length)
{
    PCWSTR At = ++Text->Next;
    PWSTR  To;

    while (At < Text->End && *At != L'"' && *At != L'\n')
        At += *At == L'\\' && At + 1 < Text->End && At[1] != L'\n' ? 2 : 1;
    if (At >= Text->End || *At != L'"') {
        CmpComplain(Text, "the text in quotes does not end");
        return FALSE;
    }
    To = *Buffer = ExAllocatePoolWithTag(PagedPool, (At - Text->Next + 1) * sizeof(WCHAR),
                                         CM_TAG_BUFFER);
    if (To == NULL) {
        CmpComplain(Text, "memory is short");
        return FALSE;
    }
    while (Text->Next < At) {
        if (*Text->Next == L'\\')
            Text->Next++;
        *To++ = *Text->Next++;
    }
    *To = 0;
    *Length = (ULONG)((To - *Buffer) * sizeof(WCHAR));
    Text->Next = At + 1;
    return TRUE;
}

/* Up to Most hexadecimal digits; FALSE, without a complaint, if there is not one. */
static BOOLEAN
CmpReadHex(PCM_TEXT Text, ULONG Most, PULONG Value)
{
    ULONG Count = 0;

    for (*Value = 0; Count < Most && Text->Next < Text->End; Count++, Text->Next++) {
        WCHAR Digit = *Text->Next | 0x20;

        if (Digit >= L'0' && Digit <= L'9')
            *Value = *Value << 4 | (ULONG)(Digit - L'0');
        else if (Digit >= L'a' && Digit <= L'f')
            *Value = *Value << 4 | (ULONG)(Digit - L'a' + 10);
        else
            break;
    }
    return Count != 0;
}

/* 01,02,\ and so on to the end of the last line; the bytes in pool. */
static BOOLEAN
CmpReadBytes(PCM_TEXT Text, PUCHAR *Bytes, PULONG Size)
{
    ULONG Byte;

    *Size = 0;
    // a byte takes two characters at least, but for the last
    *Bytes = ExAllocatePoolWithTag(PagedPool, (Text->End - Text->Next) / 2 + 1, CM_TAG_BUFFER);
    while (*Bytes != NULL) {
        WCHAR Next = CmpPeek(Text);

        if (Next == L'\\') {
            Text->Next++;
            if (!CmpExpectEnd(Text))
                return FALSE;
            while (Text->Next < Text->End && *Text->Next != L'\n')
                Text->Next++;
            Text->Line++;
            if (Text->Next++ >= Text->End)
                break;
            continue;
        }
        if (*Size == 0 && (Next == 0 || Next == L';'))
            return TRUE;                        // no data at all
        if (!CmpReadHex(Text, 2, &Byte))
            break;
        (*Bytes)[(*Size)++] = (UCHAR)Byte;
        if (CmpPeek(Text) != L',')
            return TRUE;
        Text->Next++;
    }
    CmpComplain(Text, "a byte of two hexadecimal digits is missing");
    return FALSE;
}

/* hex: or hex(TYPE): with its bytes. */
static BOOLEAN
CmpReadBinary(PCM_TEXT Text, PULONG Type, PVOID *Data, PULONG Size)
{
    *Type = REG_BINARY;
    if (CmpTakeWord(Text, L"(") && (!CmpReadHex(Text, 8, Type) || !CmpTakeWord(Text, L")"))) {
        CmpComplain(Text, "the type in parentheses is not a hexadecimal number");
        return FALSE;
    }
    if (!CmpTakeWord(Text, L":")) {
        CmpComplain(Text, "a colon is missing after hex");
        return FALSE;
    }
    return CmpReadBytes(Text, (PUCHAR *)Data, Size);
}

/* What stands behind the equals sign. *Data is in pool, also after a complaint, or NULL. */
static BOOLEAN
CmpReadData(PCM_TEXT Text, PULONG Type, PVOID *Data, PULONG Size)
{
    ULONG Number;

    if (CmpPeek(Text) == L'"') {
        *Type = REG_SZ;
        if (!CmpReadQuoted(Text, (PWSTR *)Data, Size))
            return FALSE;
        *Size += sizeof(WCHAR);
        return TRUE;
    }
    if (CmpTakeWord(Text, L"dword:")) {
        *Type = REG_DWORD;
        *Size = sizeof Number;
        if (!CmpReadHex(Text, 8, &Number)) {
            CmpComplain(Text, "a number of up to eight hexadecimal digits is missing");
            return FALSE;
        }
        *Data = ExAllocatePoolWithTag(PagedPool, sizeof Number, CM_TAG_BUFFER);
        if (*Data != NULL)
            *(PULONG)*Data = Number;
        return *Data != NULL;
    }
    if (CmpTakeWord(Text, L"hex"))
        return CmpReadBinary(Text, Type, Data, Size);
    CmpComplain(Text, "the value is neither text in quotes nor dword:, hex: or -");
    return FALSE;
}

static VOID
CmpReadNamedValue(PCM_TEXT Text, PCUNICODE_STRING Name)
{
    PVOID   Data = NULL;
    ULONG   Type, Size;
    BOOLEAN Delete;

    if (CmpPeek(Text) != L'=') {
        CmpComplain(Text, "an equals sign is missing after the name");
        return;
    }
    Text->Next++;
    CmpPeek(Text);
    Delete = CmpTakeWord(Text, L"-");
    if ((Delete || CmpReadData(Text, &Type, &Data, &Size)) && CmpExpectEnd(Text) &&
        Text->Key != NULL) {
        if (Delete)
            CmpDeleteValue(Text->Key, Name);
        else if (!NT_SUCCESS(CmpSetValue(Text->Key, Name, Type, Data, Size)))
            CmpComplain(Text, "the value cannot be kept");
    }
    if (Data != NULL)
        ExFreePoolWithTag(Data, CM_TAG_BUFFER);
}

/* "NAME"=DATA or @=DATA */
VOID
CmpReadValueLine(PCM_TEXT Text)
{
    UNICODE_STRING Name = { 0 };
    ULONG          Length;

    if (!Text->HasKey) {
        CmpComplain(Text, "a value stands before the first key");
        return;
    }
    if (CmpTakeWord(Text, L"@")) {
        CmpReadNamedValue(Text, &Name);
        return;
    }
    if (!CmpReadQuoted(Text, &Name.Buffer, &Length))
        return;
    Name.Length = Name.MaximumLength = (USHORT)Length;
    if (Length > CM_MAX_VALUE_NAME)
        CmpComplain(Text, "the name is too long");
    else
        CmpReadNamedValue(Text, &Name);
    ExFreePoolWithTag(Name.Buffer, CM_TAG_BUFFER);
}
