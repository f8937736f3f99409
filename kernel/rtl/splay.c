/*
 * Splay trees: binary trees of links that lie inside their owners' structures. The owner does the
 * comparing and links a new node below its parent; splaying brings a node to the root by
 * rotations that halve the depth of its path, so that a row of operations costs a logarithm each,
 * and what is asked for often is near the root.
 *
 * A root is its own parent. No locks: the owner has them. Any IRQL at which the nodes may be
 * touched.
 */
#include "kernel.h"
#include "rtl/rtl.h"

/* Node and its parent change places. */
static VOID
RtlpRotateUp(PRTL_SPLAY_LINKS Node)
{
    PRTL_SPLAY_LINKS Parent = Node->Parent, Above = Parent->Parent;

    if (Parent->LeftChild == Node) {
        Parent->LeftChild = Node->RightChild;
        if (Node->RightChild != NULL)
            Node->RightChild->Parent = Parent;
        Node->RightChild = Parent;
    } else {
        Parent->RightChild = Node->LeftChild;
        if (Node->LeftChild != NULL)
            Node->LeftChild->Parent = Parent;
        Node->LeftChild = Parent;
    }
    Parent->Parent = Node;
    if (Above == Parent) {
        Node->Parent = Node;
        return;
    }
    Node->Parent = Above;
    if (Above->LeftChild == Parent)
        Above->LeftChild = Node;
    else
        Above->RightChild = Node;
}

/* Brings Links to the root of its tree and returns it. */
PRTL_SPLAY_LINKS NTAPI
RtlSplay(PRTL_SPLAY_LINKS Links)
{
    while (Links->Parent != Links) {
        PRTL_SPLAY_LINKS Parent = Links->Parent, Above = Parent->Parent;

        if (Above != Parent)
            RtlpRotateUp((Above->LeftChild == Parent) == (Parent->LeftChild == Links)
                         ? Parent : Links);
        RtlpRotateUp(Links);
    }
    return Links;
}

/* New, or nothing, takes the place of Old. */
static VOID
RtlpReplaceNode(PRTL_SPLAY_LINKS Old, PRTL_SPLAY_LINKS New, PRTL_SPLAY_LINKS *Root)
{
    PRTL_SPLAY_LINKS Parent = Old->Parent;

    if (Parent == Old)
        *Root = New;
    else if (Parent->LeftChild == Old)
        Parent->LeftChild = New;
    else
        Parent->RightChild = New;
    if (New != NULL)
        New->Parent = Parent == Old ? New : Parent;
}

/* Takes Links out of the tree and changes nothing else; *Root follows. */
VOID NTAPI
RtlDeleteNoSplay(PRTL_SPLAY_LINKS Links, PRTL_SPLAY_LINKS *Root)
{
    PRTL_SPLAY_LINKS Before;

    if (Links->LeftChild == NULL || Links->RightChild == NULL) {
        RtlpReplaceNode(Links, Links->LeftChild != NULL ? Links->LeftChild : Links->RightChild,
                        Root);
        return;
    }
    Before = RtlSubtreePredecessor(Links);
    RtlpReplaceNode(Before, Before->LeftChild, Root);   // it has no right child
    Before->LeftChild = Links->LeftChild;
    Before->RightChild = Links->RightChild;
    if (Before->LeftChild != NULL)
        Before->LeftChild->Parent = Before;
    Before->RightChild->Parent = Before;
    RtlpReplaceNode(Links, Before, Root);
}

/* Takes Links out of its tree and returns the new root, NULL if it is empty now. */
PRTL_SPLAY_LINKS NTAPI
RtlDelete(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS Root = RtlSplay(Links);

    RtlDeleteNoSplay(Links, &Root);
    return Root;
}

/* The least node that is greater, among those below Links; NULL if there is none. */
PRTL_SPLAY_LINKS NTAPI
RtlSubtreeSuccessor(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS Node = Links->RightChild;

    while (Node != NULL && Node->LeftChild != NULL)
        Node = Node->LeftChild;
    return Node;
}

PRTL_SPLAY_LINKS NTAPI
RtlSubtreePredecessor(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS Node = Links->LeftChild;

    while (Node != NULL && Node->RightChild != NULL)
        Node = Node->RightChild;
    return Node;
}

/* The same in the whole tree. */
PRTL_SPLAY_LINKS NTAPI
RtlRealSuccessor(PRTL_SPLAY_LINKS Links)
{
    if (Links->RightChild != NULL)
        return RtlSubtreeSuccessor(Links);
    while (Links->Parent != Links && Links->Parent->RightChild == Links)
        Links = Links->Parent;
    return Links->Parent != Links ? Links->Parent : NULL;
}

PRTL_SPLAY_LINKS NTAPI
RtlRealPredecessor(PRTL_SPLAY_LINKS Links)
{
    if (Links->LeftChild != NULL)
        return RtlSubtreePredecessor(Links);
    while (Links->Parent != Links && Links->Parent->LeftChild == Links)
        Links = Links->Parent;
    return Links->Parent != Links ? Links->Parent : NULL;
}
