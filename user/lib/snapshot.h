/*
 * What there is in the system at a moment, for programs that show it: all processes, all handles,
 * all objects with names and counts. They are asked for one after the other: what is opened or
 * closed in between may be in one list and not yet, or no longer, in another.
 */
#pragma once

#include "sdk/ntapi.h"

#define PROCESS_NAME    64                      // characters of a process' name, at most

typedef struct _SNAPSHOT {
    PSYSTEM_PROCESS_INFORMATION       Processes;
    PSYSTEM_HANDLE_INFORMATION_EX     Handles;
    // lists of objects, type by type; NextEntryOffset counts from here
    PSYSTEM_OBJECTTYPE_INFORMATION    Types;
    void                             *TypeNames;
    const SYSTEM_OBJECT_INFORMATION **Index;    // every object, sorted by address
    ULONG                             ObjectCount;
} SNAPSHOT;

/* What NtQuerySystemInformation says, in a buffer to free(); NULL: *Status tells why. */
void *QuerySystem(ULONG Class, NTSTATUS *Status);

NTSTATUS TakeSnapshot(SNAPSHOT *Snapshot);
void     FreeSnapshot(SNAPSHOT *Snapshot);

/* NULL starts; they return NULL when there is no more. */
const SYSTEM_PROCESS_INFORMATION    *NextProcess(const SNAPSHOT *Snapshot,
    const SYSTEM_PROCESS_INFORMATION *Process);
const SYSTEM_OBJECTTYPE_INFORMATION *NextType(const SNAPSHOT *Snapshot,
    const SYSTEM_OBJECTTYPE_INFORMATION *Type);
const SYSTEM_OBJECT_INFORMATION     *NextObject(const SNAPSHOT *Snapshot,
    const SYSTEM_OBJECTTYPE_INFORMATION *Type, const SYSTEM_OBJECT_INFORMATION *Object);

/* By address; NULL if it is not in the lists. */
const SYSTEM_OBJECT_INFORMATION *FindObject(const SNAPSHOT *Snapshot, PVOID Object);

/* By the number that handles have in ObjectTypeIndex. */
PCUNICODE_STRING TypeName(const SNAPSHOT *Snapshot, ULONG Index);

/* "shell.exe", "System", or "?" for one that is gone, put in Text (PROCESS_NAME bytes). */
const char *ProcessName(const SNAPSHOT *Snapshot, HANDLE Id, char *Text);

void PrintString(PCUNICODE_STRING String);

/* Comparison whatever the case (of A to Z). */
BOOL StartsWith(PCUNICODE_STRING String, PCUNICODE_STRING Prefix);
BOOL IsSame(PCUNICODE_STRING A, PCUNICODE_STRING B);
