/* What the files of handle share. */
#pragma once

#include "../lib/snapshot.h"

#define PROGRAM     "handle"
#define MAX_NAME    600                         // characters of what is printed of an object

typedef SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX HANDLE_ENTRY;

/* Which handles are meant, and how they are shown. */
typedef struct _CHOICE {
    BOOL        All;                            // also of objects without a name
    BOOL        Access;                         // with the granted access
    const char *Process;                        // of a process by number or name, or NULL: of all
    const char *Text;                           // whose name has this in it, or NULL
} CHOICE;

/* Whether the process of a handle is the one that was asked for. */
BOOL IsChosenProcess(const SNAPSHOT *Snapshot, const CHOICE *Choice, ULONG_PTR Id);

/* Whether no process is, which it then says. */
BOOL SaysNoProcess(const SNAPSHOT *Snapshot, const CHOICE *Choice);

/*
 * What a handle leads to, in ASCII: an object's name, or the process or thread it stands for; empty
 * if there is nothing to say. Text has MAX_NAME bytes.
 */
const char *Describe(const SNAPSHOT *Snapshot, const HANDLE_ENTRY *Entry, char *Text);

void PrintEntry(const SNAPSHOT *Snapshot, const CHOICE *Choice, const HANDLE_ENTRY *Entry,
    const char *Description);

/* The lists: handle by handle, or their number by type. */
int ListHandles(const CHOICE *Choice);
int SumHandles(const CHOICE *Choice);

/* Says what was opened and closed since, at each Enter. */
int FollowHandles(const CHOICE *Choice);
