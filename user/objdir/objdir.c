/*
 * objdir: the object namespace, a directory or the tree below it: name, type, where a symbolic
 * link leads, and the two counts (without the handles that objdir itself needs to look). -w
 * follows the changes; --dot writes the tree as a graph for Graphviz.
 */
#include "objdir.h"
#include "../lib/status.h"
#include <stdio.h>
#include <string.h>

#define MAX_DIRECTORY   512

static int
Usage(void)
{
    fprintf(stderr, "usage: %s [-r] [-w] [-t TYPE] [PATH]  lists a directory of the object"
        " namespace,\n"
        "                                          -r with those below, -w what changes in it\n"
        "       %s --dot [PATH]                   the tree as a graph for Graphviz\n",
        PROGRAM, PROGRAM);
    return 2;
}

void
PrintList(const LIST *List, BOOL Whole)
{
    printf("%-32s %-14s %7s %8s\n", "NAME", "TYPE", "HANDLES", "POINTERS");
    for (ULONG Index = 0; Index < List->Count; Index++) {
        const ENTRY *Entry = &List->Entries[Index];
        int          Indent = Whole ? 0 : (int)Entry->Depth * 2;

        printf("%*s%-*s %-14s", Indent, "", Indent < 32 ? 32 - Indent : 1,
            Entry->Path + (Whole ? 0 : Entry->NameOffset), Entry->Type);
        if (Entry->Counted)
            printf(" %7ld %8ld", Entry->Handles, Entry->Pointers);
        if (Entry->Target)
            printf("%s -> %s", Entry->Counted ? "" : "                 ", Entry->Target);
        printf("\n");
    }
    printf("%lu object%s\n", List->Count, List->Count == 1 ? "" : "s");
}

int
main(int Count, char **Arguments)
{
    const char *Path = NULL, *Type = NULL;
    BOOL        Recursive = FALSE, Watch = FALSE, Graph = FALSE;
    char        Name[MAX_DIRECTORY];
    LIST        List;
    NTSTATUS    Status;

    for (int Index = 1; Index < Count; Index++) {
        if (strcmp(Arguments[Index], "-r") == 0)
            Recursive = TRUE;
        else if (strcmp(Arguments[Index], "-w") == 0)
            Watch = TRUE;
        else if (strcmp(Arguments[Index], "--dot") == 0)
            Graph = Recursive = TRUE;
        else if (strcmp(Arguments[Index], "-t") == 0 && Index + 1 < Count)
            Type = Arguments[++Index];
        else if (Arguments[Index][0] == '\\' && Path == NULL)
            Path = Arguments[Index];
        else
            return Usage();
    }
    if (Graph && (Watch || Type))
        return Usage();
    if (Path == NULL)
        Path = "\\";
    Status = FindDirectory(Path, Name, sizeof Name);
    if (NT_SUCCESS(Status))
        Status = Watch ? WatchTree(Name, Recursive, Type) : ReadTree(Name, Recursive, Type, &List);
    if (!NT_SUCCESS(Status))
        return FailStatus(PROGRAM, Status, "cannot list %s", Path);
    if (Watch)
        return 0;
    if (Graph)
        PrintGraph(Name, &List);
    else
        PrintList(&List, Recursive && Type);
    FreeList(&List);
    return 0;
}
