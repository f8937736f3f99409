/*
 * Tables of name prefixes: which of many names is the longest beginning, in whole parts, of a
 * path. \a\b begins \a\b\c but not \a\bc; the name \ begins everything that begins with it.
 *
 * There is a splay tree for each number of parts, so a look-up compares as many parts of the path
 * as the tree's names have, from the largest number down, and the first hit is the longest. The
 * trees hang in a list below the table, their roots linked by NextPrefixTree, which moves on with
 * every splay. Names that differ only in case stand in one place of the tree, in a ring through
 * CaseMatch. The entries are the caller's memory, and so are the names. The caller locks.
 */
#include "kernel.h"
#include "rtl/rtl.h"

#define NODE_TABLE      0x0800                  // NodeTypeCode
#define NODE_ROOT       0x0801
#define NODE_INNER      0x0802
#define NODE_CASE       0x0803                  // in the ring of one that is in a tree

typedef PUNICODE_PREFIX_TABLE_ENTRY PENTRY;

#define ENTRY_OF(Node)  CONTAINING_RECORD((Node), UNICODE_PREFIX_TABLE_ENTRY, Links)

/* Parts of a name: \ has none, \a and a have one. */
static ULONG
RtlpCountParts(PCUNICODE_STRING Name)
{
    ULONG Parts = 0, Length = Name->Length / sizeof(WCHAR);

    for (ULONG Index = 0; Index < Length; Index++)
        if (Name->Buffer[Index] != L'\\' && (Index == 0 || Name->Buffer[Index - 1] == L'\\'))
            Parts++;
    return Parts;
}

/* The beginning of Name that has Parts parts; of none, the first separator. */
static UNICODE_STRING
RtlpCutName(PCUNICODE_STRING Name, ULONG Parts)
{
    UNICODE_STRING Cut = *Name;
    ULONG          Length = Name->Length / sizeof(WCHAR), Index;

    for (Index = 0; Index < Length; Index++) {
        BOOLEAN Separator = Name->Buffer[Index] == L'\\';

        if (Separator && Index > 0 && Name->Buffer[Index - 1] != L'\\' && --Parts == 0)
            break;
        if (Separator && Parts == 0) {
            Index++;
            break;
        }
    }
    Cut.Length = (USHORT)(Index * sizeof(WCHAR));
    return Cut;
}

VOID NTAPI
RtlInitializeUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable)
{
    PrefixTable->NodeTypeCode = NODE_TABLE;
    PrefixTable->NameLength = 0;
    PrefixTable->NextPrefixTree = (PENTRY)PrefixTable;
    PrefixTable->LastNextEntry = NULL;
}

/* The root before the first tree of at most Parts parts, or the table itself. */
static PENTRY
RtlpTreeBefore(PUNICODE_PREFIX_TABLE Table, LONG Parts)
{
    PENTRY Before = (PENTRY)Table;

    while (Before->NextPrefixTree != (PENTRY)Table && Before->NextPrefixTree->NameLength > Parts)
        Before = Before->NextPrefixTree;
    return Before;
}

/* Root is the root of the tree behind Before now. */
static VOID
RtlpSetRoot(PENTRY Before, PENTRY Root)
{
    PENTRY Old = Before->NextPrefixTree;

    if (Old == Root)
        return;
    Root->NextPrefixTree = Old->NextPrefixTree;
    Root->NodeTypeCode = NODE_ROOT;
    Before->NextPrefixTree = Root;
    Old->NextPrefixTree = NULL;
    Old->NodeTypeCode = NODE_INNER;
}

/* Finds Name in a tree, without regard to case; else *Node is where it would hang below. */
static BOOLEAN
RtlpSearchTree(PENTRY Root, PCUNICODE_STRING Name, PENTRY *Node, PBOOLEAN Left)
{
    PRTL_SPLAY_LINKS Next = &Root->Links;

    while (Next != NULL) {
        LONG Order = RtlCompareUnicodeString(Name, ENTRY_OF(Next)->Prefix, TRUE);

        *Node = ENTRY_OF(Next);
        if (Order == 0)
            return TRUE;
        *Left = Order < 0;
        Next = *Left ? Next->LeftChild : Next->RightChild;
    }
    return FALSE;
}

/* Puts a name into the ring of one that equals it but for case; FALSE if one is the same. */
static BOOLEAN
RtlpJoinRing(PENTRY Ring, PENTRY New)
{
    PENTRY Each = Ring;

    do {
        if (RtlEqualUnicodeString(Each->Prefix, New->Prefix, FALSE))
            return FALSE;
        Each = Each->CaseMatch;
    } while (Each != Ring);
    New->NodeTypeCode = NODE_CASE;
    New->CaseMatch = Ring->CaseMatch;
    Ring->CaseMatch = New;
    return TRUE;
}

/* FALSE: the very name is in the table. Prefix and its buffer stay in use until it is removed. */
BOOLEAN NTAPI
RtlInsertUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, PUNICODE_STRING Prefix,
                       PUNICODE_PREFIX_TABLE_ENTRY PrefixTableEntry)
{
    LONG    Parts = (LONG)RtlpCountParts(Prefix);
    PENTRY  Before = RtlpTreeBefore(PrefixTable, Parts), Tree = Before->NextPrefixTree, Node;
    BOOLEAN Left;

    RtlZeroMemory(PrefixTableEntry, sizeof *PrefixTableEntry);
    PrefixTableEntry->NameLength = (CSHORT)Parts;
    PrefixTableEntry->Prefix = Prefix;
    PrefixTableEntry->CaseMatch = PrefixTableEntry;
    PrefixTableEntry->Links.Parent = &PrefixTableEntry->Links;
    PrefixTableEntry->NodeTypeCode = NODE_INNER;
    if (Tree == (PENTRY)PrefixTable || Tree->NameLength != Parts) {
        PrefixTableEntry->NodeTypeCode = NODE_ROOT;
        PrefixTableEntry->NextPrefixTree = Tree;
        Before->NextPrefixTree = PrefixTableEntry;
        return TRUE;
    }
    if (RtlpSearchTree(Tree, Prefix, &Node, &Left))
        return RtlpJoinRing(Node, PrefixTableEntry);
    PrefixTableEntry->Links.Parent = &Node->Links;
    if (Left)
        Node->Links.LeftChild = &PrefixTableEntry->Links;
    else
        Node->Links.RightChild = &PrefixTableEntry->Links;
    RtlpSetRoot(Before, ENTRY_OF(RtlSplay(&PrefixTableEntry->Links)));
    return TRUE;
}

/* The next of the ring takes the place of Entry in its tree. */
static VOID
RtlpGiveUpPlace(PENTRY Before, PENTRY Entry, PENTRY Heir)
{
    Heir->Links = Entry->Links;
    Heir->NodeTypeCode = NODE_INNER;
    if (Entry->Links.LeftChild != NULL)
        Entry->Links.LeftChild->Parent = &Heir->Links;
    if (Entry->Links.RightChild != NULL)
        Entry->Links.RightChild->Parent = &Heir->Links;
    if (Entry->Links.Parent == &Entry->Links) {
        Heir->Links.Parent = &Heir->Links;
        RtlpSetRoot(Before, Heir);
    } else if (Entry->Links.Parent->LeftChild == &Entry->Links) {
        Entry->Links.Parent->LeftChild = &Heir->Links;
    } else {
        Entry->Links.Parent->RightChild = &Heir->Links;
    }
}

VOID NTAPI
RtlRemoveUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable,
                       PUNICODE_PREFIX_TABLE_ENTRY PrefixTableEntry)
{
    PENTRY           Before = RtlpTreeBefore(PrefixTable, PrefixTableEntry->NameLength), Ring;
    PRTL_SPLAY_LINKS Root;

    PrefixTable->LastNextEntry = NULL;
    for (Ring = PrefixTableEntry; Ring->CaseMatch != PrefixTableEntry;)
        Ring = Ring->CaseMatch;
    Ring->CaseMatch = PrefixTableEntry->CaseMatch;
    if (PrefixTableEntry->NodeTypeCode == NODE_CASE)
        return;
    if (Ring != PrefixTableEntry) {
        RtlpGiveUpPlace(Before, PrefixTableEntry, Ring);
        return;
    }
    RtlpSetRoot(Before, ENTRY_OF(RtlSplay(&PrefixTableEntry->Links)));
    Root = RtlDelete(&PrefixTableEntry->Links);
    if (Root != NULL)
        RtlpSetRoot(Before, ENTRY_OF(Root));
    else
        Before->NextPrefixTree = PrefixTableEntry->NextPrefixTree;
}

/* Whether the ring has a name that Name begins with, its first characters in their very case. */
static PENTRY
RtlpMatchCase(PENTRY Ring, PCUNICODE_STRING Name, ULONG Sensitive)
{
    PENTRY Each = Ring;

    do {
        UNICODE_STRING Mine = *Each->Prefix, Given = *Name;

        Mine.Length = Given.Length = (USHORT)min(Mine.Length, Sensitive * sizeof(WCHAR));
        if (RtlEqualUnicodeString(&Mine, &Given, FALSE))
            return Each;
        Each = Each->CaseMatch;
    } while (Each != Ring);
    return NULL;
}

/*
 * The longest name in the table that FullName begins with, or NULL. Case does not matter from
 * character CaseInsensitiveIndex on.
 */
PUNICODE_PREFIX_TABLE_ENTRY NTAPI
RtlFindUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, PUNICODE_STRING FullName,
                     ULONG CaseInsensitiveIndex)
{
    PENTRY Before = RtlpTreeBefore(PrefixTable, (LONG)RtlpCountParts(FullName)), Node, Match;

    for (; Before->NextPrefixTree != (PENTRY)PrefixTable; Before = Before->NextPrefixTree) {
        PENTRY         Tree = Before->NextPrefixTree;
        UNICODE_STRING Cut = RtlpCutName(FullName, (ULONG)Tree->NameLength);
        BOOLEAN        Left;

        if (!RtlpSearchTree(Tree, &Cut, &Node, &Left))
            continue;
        Match = RtlpMatchCase(Node, FullName, CaseInsensitiveIndex);
        if (Match == NULL)
            continue;
        RtlpSetRoot(Before, ENTRY_OF(RtlSplay(&Node->Links)));
        return Match;
    }
    return NULL;
}

/* All entries one after the other, from the first if Restart; NULL after the last. */
PUNICODE_PREFIX_TABLE_ENTRY NTAPI
RtlNextUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, BOOLEAN Restart)
{
    PENTRY           Last = PrefixTable->LastNextEntry, Tree, InTree;
    PRTL_SPLAY_LINKS Next = NULL;

    if (!Restart && Last != NULL && Last->CaseMatch->NodeTypeCode == NODE_CASE)
        return PrefixTable->LastNextEntry = Last->CaseMatch;
    if (Restart || Last == NULL) {
        Tree = PrefixTable->NextPrefixTree;
    } else {
        // the ring's other members come after the one that is in the tree
        InTree = Last->NodeTypeCode == NODE_CASE ? Last->CaseMatch : Last;
        Next = RtlRealSuccessor(&InTree->Links);
        for (Tree = InTree; Tree->NodeTypeCode != NODE_ROOT;)
            Tree = ENTRY_OF(Tree->Links.Parent);
        Tree = Tree->NextPrefixTree;
    }
    if (Next == NULL && Tree != (PENTRY)PrefixTable)
        for (Next = &Tree->Links; Next->LeftChild != NULL;)
            Next = Next->LeftChild;
    return PrefixTable->LastNextEntry = Next != NULL ? ENTRY_OF(Next) : NULL;
}
