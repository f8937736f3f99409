/*
 * Other ways to look at the tree: as a graph in Graphviz' language (`objdir --dot` here, `dot
 * -Tsvg` on the host), and as what changes while one watches.
 */
#include "objdir.h"
#include <stdio.h>
#include <string.h>

#define POLL_MILLISECONDS   500

/* What a string of the graph's language has between its quotes. */
static void
PrintEscaped(const char *Text)
{
    for (; *Text; Text++) {
        if (*Text == '"' || *Text == '\\')
            putchar('\\');
        putchar(*Text);
    }
}

static void
PrintQuoted(const char *Text)
{
    putchar('"');
    PrintEscaped(Text);
    putchar('"');
}

static void
PrintParent(const char *Root, const ENTRY *Entry)
{
    char   Path[600];
    size_t Length = Entry->NameOffset > 1 ? Entry->NameOffset - 1 : 1;

    if (Entry->Depth == 0) {
        PrintQuoted(Root);
        return;
    }
    _snprintf(Path, sizeof Path - 1, "%.*s", (int)Length, Entry->Path);
    Path[sizeof Path - 1] = 0;
    PrintQuoted(Path);
}

/* Directories are boxes; a link's arrow is dashed and ends where its target's name leads. */
void
PrintGraph(const char *Root, const LIST *List)
{
    printf("digraph namespace {\n  rankdir=LR;\n  node [shape=ellipse];\n  ");
    PrintQuoted(Root);
    printf(" [shape=box];\n");
    for (ULONG Index = 0; Index < List->Count; Index++) {
        const ENTRY *Entry = &List->Entries[Index];

        printf("  ");
        PrintQuoted(Entry->Path);
        printf(" [label=\"");
        PrintEscaped(Entry->Path + Entry->NameOffset);
        printf("\\n%s", Entry->Type);
        if (Entry->Counted)
            printf(" %ld/%ld", Entry->Handles, Entry->Pointers);
        printf("\"%s];\n  ", strcmp(Entry->Type, "Directory") ? "" : ", shape=box");
        PrintParent(Root, Entry);
        printf(" -> ");
        PrintQuoted(Entry->Path);
        printf(";\n");
        if (Entry->Target) {
            printf("  ");
            PrintQuoted(Entry->Path);
            printf(" -> ");
            PrintQuoted(Entry->Target);
            printf(" [style=dashed];\n");
        }
    }
    printf("}\n");
}

static const ENTRY *
FindEntry(const LIST *List, const ENTRY *Wanted)
{
    for (ULONG Index = 0; Index < List->Count; Index++)
        if (strcmp(List->Entries[Index].Path, Wanted->Path) == 0)
            return &List->Entries[Index];
    return NULL;
}

static void
PrintChanges(const LIST *Old, const LIST *New)
{
    for (ULONG Index = 0; Index < Old->Count; Index++)
        if (FindEntry(New, &Old->Entries[Index]) == NULL)
            printf("- %-40s %s\n", Old->Entries[Index].Path, Old->Entries[Index].Type);
    for (ULONG Index = 0; Index < New->Count; Index++) {
        const ENTRY *Now = &New->Entries[Index], *Was = FindEntry(Old, Now);

        if (Was == NULL)
            printf("+ %-40s %-14s handles %ld pointers %ld\n", Now->Path, Now->Type, Now->Handles,
                Now->Pointers);
        else if (Was->Handles != Now->Handles || Was->Pointers != Now->Pointers)
            printf("  %-40s %-14s handles %ld, now %ld  pointers %ld, now %ld\n", Now->Path,
                Now->Type, Was->Handles, Now->Handles, Was->Pointers, Now->Pointers);
    }
    fflush(stdout);
}

NTSTATUS
WatchTree(const char *Path, BOOL Recursive, const char *Type)
{
    LIST     Old, New;
    NTSTATUS Status = ReadTree(Path, Recursive, Type, &Old);

    if (!NT_SUCCESS(Status))
        return Status;
    printf("Watching %lu objects; Ctrl-C ends.\n", Old.Count);
    fflush(stdout);
    for (;;) {
        Sleep(POLL_MILLISECONDS);
        Status = ReadTree(Path, Recursive, Type, &New);
        if (!NT_SUCCESS(Status))
            break;
        PrintChanges(&Old, &New);
        FreeList(&Old);
        Old = New;
    }
    FreeList(&Old);
    return Status;
}
