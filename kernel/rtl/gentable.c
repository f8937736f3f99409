/*
 * Generic tables: elements of any kind in a splay tree, ordered by the caller's compare routine,
 * in memory of the caller's allocate and free routines, and also in a list in the order in which
 * they were inserted. An element is a header, which is the table's, and behind it the caller's
 * data, which the compare routine sees and which never moves.
 *
 * Every look-up splays, so even those change the table: the caller keeps an exclusive lock around
 * each call. RtlGetElementGenericTable remembers the last element it was asked for, so that going
 * through all by number takes one step each.
 */
#include "kernel.h"
#include "rtl/rtl.h"

typedef struct _RTLP_ELEMENT {
    RTL_SPLAY_LINKS Links;
    LIST_ENTRY      InsertOrder;
    ULONG64         Data[];
} RTLP_ELEMENT, *PRTLP_ELEMENT;
_Static_assert(sizeof(RTLP_ELEMENT) == 40, "the published header's size");

#define ELEMENT_OF(Node)    CONTAINING_RECORD((Node), RTLP_ELEMENT, Links)

VOID NTAPI
RtlInitializeGenericTable(PRTL_GENERIC_TABLE Table, PRTL_GENERIC_COMPARE_ROUTINE CompareRoutine,
                          PRTL_GENERIC_ALLOCATE_ROUTINE AllocateRoutine,
                          PRTL_GENERIC_FREE_ROUTINE FreeRoutine, PVOID TableContext)
{
    RtlZeroMemory(Table, sizeof *Table);
    InitializeListHead(&Table->InsertOrderList);
    Table->OrderedPointer = &Table->InsertOrderList;
    Table->CompareRoutine = CompareRoutine;
    Table->AllocateRoutine = AllocateRoutine;
    Table->FreeRoutine = FreeRoutine;
    Table->TableContext = TableContext;
}

/* Where Buffer is, or the node below which it would be. */
static TABLE_SEARCH_RESULT
RtlpSearchTable(PRTL_GENERIC_TABLE Table, PVOID Buffer, PRTL_SPLAY_LINKS *Node)
{
    PRTL_SPLAY_LINKS Next = Table->TableRoot;

    for (*Node = Next; Next != NULL;) {
        RTL_GENERIC_COMPARE_RESULTS Order;

        *Node = Next;
        Order = Table->CompareRoutine(Table, Buffer, ELEMENT_OF(Next)->Data);
        if (Order == GenericEqual)
            return TableFoundNode;
        Next = Order == GenericLessThan ? Next->LeftChild : Next->RightChild;
        if (Next == NULL)
            return Order == GenericLessThan ? TableInsertAsLeft : TableInsertAsRight;
    }
    return TableEmptyTree;
}

/* The element that equals Buffer, or NULL; and what an insertion needs to know. */
PVOID NTAPI
RtlLookupElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer, PVOID *NodeOrParent,
                                 TABLE_SEARCH_RESULT *SearchResult)
{
    *SearchResult = RtlpSearchTable(Table, Buffer, (PRTL_SPLAY_LINKS *)NodeOrParent);
    if (*SearchResult != TableFoundNode)
        return NULL;
    Table->TableRoot = RtlSplay(*NodeOrParent);
    return ELEMENT_OF(*NodeOrParent)->Data;
}

PVOID NTAPI
RtlLookupElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    TABLE_SEARCH_RESULT Result;
    PVOID               Node;

    return RtlLookupElementGenericTableFull(Table, Buffer, &Node, &Result);
}

/*
 * Puts a copy of Buffer where a look-up said; the element that equals it stays if there is one.
 * *NewElement (may be NULL) tells which. NULL: no memory.
 */
PVOID NTAPI
RtlInsertElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                 PBOOLEAN NewElement, PVOID NodeOrParent,
                                 TABLE_SEARCH_RESULT SearchResult)
{
    PRTL_SPLAY_LINKS Parent = NodeOrParent;
    PRTLP_ELEMENT    Element;

    if (NewElement != NULL)
        *NewElement = SearchResult != TableFoundNode;
    if (SearchResult == TableFoundNode) {
        Table->TableRoot = RtlSplay(Parent);
        return ELEMENT_OF(Parent)->Data;
    }
    Element = Table->AllocateRoutine(Table, (CLONG)sizeof *Element + BufferSize);
    if (Element == NULL) {
        if (NewElement != NULL)
            *NewElement = FALSE;
        return NULL;
    }
    RtlZeroMemory(Element, sizeof *Element);
    RtlCopyMemory(Element->Data, Buffer, BufferSize);
    InsertTailList(&Table->InsertOrderList, &Element->InsertOrder);
    Table->NumberGenericTableElements++;
    Element->Links.Parent = SearchResult == TableEmptyTree ? &Element->Links : Parent;
    if (SearchResult == TableInsertAsLeft)
        Parent->LeftChild = &Element->Links;
    else if (SearchResult == TableInsertAsRight)
        Parent->RightChild = &Element->Links;
    Table->TableRoot = RtlSplay(&Element->Links);
    return Element->Data;
}

PVOID NTAPI
RtlInsertElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize,
                             PBOOLEAN NewElement)
{
    PRTL_SPLAY_LINKS    Node;
    TABLE_SEARCH_RESULT Result = RtlpSearchTable(Table, Buffer, &Node);

    return RtlInsertElementGenericTableFull(Table, Buffer, BufferSize, NewElement, Node, Result);
}

/* FALSE: nothing equals Buffer. */
BOOLEAN NTAPI
RtlDeleteElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PRTL_SPLAY_LINKS Node;

    if (RtlpSearchTable(Table, Buffer, &Node) != TableFoundNode)
        return FALSE;
    Table->TableRoot = RtlDelete(Node);
    RemoveEntryList(&ELEMENT_OF(Node)->InsertOrder);
    Table->NumberGenericTableElements--;
    Table->OrderedPointer = &Table->InsertOrderList;
    Table->WhichOrderedElement = 0;
    Table->FreeRoutine(Table, ELEMENT_OF(Node));
    return TRUE;
}

static PRTL_SPLAY_LINKS
RtlpFirstNode(PRTL_GENERIC_TABLE Table)
{
    PRTL_SPLAY_LINKS Node = Table->TableRoot;

    while (Node != NULL && Node->LeftChild != NULL)
        Node = Node->LeftChild;
    return Node;
}

/* The next element in ascending order, from the first if Restart; where it is is the root. */
PVOID NTAPI
RtlEnumerateGenericTable(PRTL_GENERIC_TABLE Table, BOOLEAN Restart)
{
    PRTL_SPLAY_LINKS Node = Table->TableRoot;

    if (Node == NULL)
        return NULL;
    Node = Restart ? RtlpFirstNode(Table) : RtlRealSuccessor(Node);
    if (Node == NULL)
        return NULL;
    Table->TableRoot = RtlSplay(Node);
    return ELEMENT_OF(Node)->Data;
}

/* The same without a change to the table; where it is is *RestartKey, NULL before the first. */
PVOID NTAPI
RtlEnumerateGenericTableWithoutSplaying(PRTL_GENERIC_TABLE Table, PVOID *RestartKey)
{
    PRTL_SPLAY_LINKS Node = *RestartKey == NULL ? RtlpFirstNode(Table)
                                                : RtlRealSuccessor(*RestartKey);

    if (Node == NULL)
        return NULL;
    *RestartKey = Node;
    return ELEMENT_OF(Node)->Data;
}

/* The element that was inserted as the I-th, from 0, of those that are left; NULL: fewer. */
PVOID NTAPI
RtlGetElementGenericTable(PRTL_GENERIC_TABLE Table, ULONG I)
{
    ULONG       Wanted = I + 1, At = Table->WhichOrderedElement;
    PLIST_ENTRY Link = Table->OrderedPointer;

    if (I >= Table->NumberGenericTableElements)
        return NULL;
    // the head of the list counts as number 0, at either end
    if (Wanted < At / 2) {
        At = 0;
        Link = &Table->InsertOrderList;
    } else if (Wanted > At && Table->NumberGenericTableElements - Wanted < Wanted - At) {
        At = Table->NumberGenericTableElements + 1;
        Link = &Table->InsertOrderList;
    }
    for (; At < Wanted; At++)
        Link = Link->Flink;
    for (; At > Wanted; At--)
        Link = Link->Blink;
    Table->OrderedPointer = Link;
    Table->WhichOrderedElement = Wanted;
    return CONTAINING_RECORD(Link, RTLP_ELEMENT, InsertOrder)->Data;
}

ULONG NTAPI
RtlNumberGenericTableElements(PRTL_GENERIC_TABLE Table)
{
    return Table->NumberGenericTableElements;
}

BOOLEAN NTAPI
RtlIsGenericTableEmpty(PRTL_GENERIC_TABLE Table)
{
    return Table->TableRoot == NULL;
}
