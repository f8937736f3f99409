/* What the files of objdir share. */
#pragma once

#include "../lib/snapshot.h"

#define PROGRAM "objdir"

/* An object with a name, as it was found in its directory. */
typedef struct _ENTRY {
    char *Path;                                 // whole, ASCII
    ULONG NameOffset;                           // of the last part
    ULONG Depth;                                // 0: in the directory that was asked for
    char  Type[32];
    char *Target;                               // of a symbolic link, or NULL
    BOOL  Counted;                              // the counts are known
    LONG  Handles, Pointers;
} ENTRY;

typedef struct _LIST {
    ENTRY *Entries;                             // a directory's, sorted, each before what is in it
    ULONG  Count, Room;
} LIST;

/*
 * The whole name of the directory that Path leads to, as it is spelled, without the links on the
 * way: \GLOBAL?? for \dosdevices\. Room bytes are enough for it, or STATUS_NAME_TOO_LONG.
 */
NTSTATUS FindDirectory(const char *Path, char *Name, ULONG Room);

/*
 * What is in the directory Path, with Recursive also in those below, and every object's counts.
 * Type (or NULL) is the only type wanted. Empty the list with FreeList.
 */
NTSTATUS ReadTree(const char *Path, BOOL Recursive, const char *Type, LIST *List);
void     FreeList(LIST *List);

/* As a tree, or each with its whole name. */
void     PrintList(const LIST *List, BOOL Whole);
void     PrintGraph(const char *Root, const LIST *List);

/* Prints what changes, until the program is ended. */
NTSTATUS WatchTree(const char *Path, BOOL Recursive, const char *Type);
