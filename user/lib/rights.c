/*
 * The names of access rights, type by type.
 */
#include "rights.h"
#include <stdio.h>
#include <string.h>

typedef struct { const char *Type; ACCESS_MASK Mask; const char *Name; } RIGHT;

static const RIGHT Rights[] = {
    { "Directory", 0x1, "query" }, { "Directory", 0x2, "traverse" },
    { "Directory", 0x4, "create-object" }, { "Directory", 0x8, "create-subdirectory" },
    { "SymbolicLink", 0x1, "query" },
    { "Event", 0x1, "query" }, { "Event", 0x2, "modify" },
    { "Mutant", 0x1, "query" },
    { "Semaphore", 0x1, "query" }, { "Semaphore", 0x2, "modify" },
    { "Timer", 0x1, "query" }, { "Timer", 0x2, "modify" },
    { "File", FILE_READ_DATA, "read" }, { "File", FILE_WRITE_DATA, "write" },
    { "File", FILE_APPEND_DATA, "append" }, { "File", FILE_READ_EA, "read-ea" },
    { "File", FILE_WRITE_EA, "write-ea" }, { "File", FILE_EXECUTE, "execute" },
    { "File", FILE_DELETE_CHILD, "delete-child" },
    { "File", FILE_READ_ATTRIBUTES, "read-attributes" },
    { "File", FILE_WRITE_ATTRIBUTES, "write-attributes" },
    { "Key", KEY_QUERY_VALUE, "query" }, { "Key", KEY_SET_VALUE, "set" },
    { "Key", KEY_CREATE_SUB_KEY, "create-key" }, { "Key", KEY_ENUMERATE_SUB_KEYS, "enumerate" },
    { "Key", KEY_NOTIFY, "notify" }, { "Key", KEY_CREATE_LINK, "create-link" },
    { "Process", 0x1, "terminate" }, { "Process", 0x2, "create-thread" },
    { "Process", 0x8, "vm-operation" }, { "Process", 0x10, "vm-read" },
    { "Process", 0x20, "vm-write" }, { "Process", 0x40, "duplicate-handle" },
    { "Process", 0x80, "create-process" }, { "Process", 0x100, "set-quota" },
    { "Process", 0x200, "set-information" }, { "Process", 0x400, "query" },
    { "Process", 0x800, "suspend-resume" },
    { "Thread", 0x1, "terminate" }, { "Thread", 0x2, "suspend-resume" },
    { "Thread", 0x4, "alert" }, { "Thread", 0x8, "get-context" }, { "Thread", 0x10, "set-context" },
    { "Thread", 0x20, "set-information" }, { "Thread", 0x40, "query" },
    { "Thread", 0x80, "set-token" }, { "Thread", 0x100, "impersonate" },
    { "Thread", 0x200, "direct-impersonation" },
    { "Token", 0x1, "assign-primary" }, { "Token", 0x2, "duplicate" },
    { "Token", 0x4, "impersonate" }, { "Token", 0x8, "query" }, { "Token", 0x10, "query-source" },
    { "Token", 0x20, "adjust-privileges" }, { "Token", 0x40, "adjust-groups" },
    { "Token", 0x80, "adjust-default" }, { "Token", 0x100, "adjust-session-id" },
    { "Section", 0x1, "query" }, { "Section", 0x2, "map-write" }, { "Section", 0x4, "map-read" },
    { "Section", 0x8, "map-execute" }, { "Section", 0x10, "extend" },
    { "IoCompletion", 0x1, "query" }, { "IoCompletion", 0x2, "modify" },
    { "", DELETE, "delete" }, { "", READ_CONTROL, "read-control" }, { "", WRITE_DAC, "write-dac" },
    { "", WRITE_OWNER, "write-owner" }, { "", SYNCHRONIZE, "synchronize" },
    { "", ACCESS_SYSTEM_SECURITY, "system-security" }, { "", GENERIC_ALL, "generic-all" },
    { "", GENERIC_READ, "generic-read" }, { "", GENERIC_WRITE, "generic-write" },
    { "", GENERIC_EXECUTE, "generic-execute" },
};

void
PrintRights(const char *Type, ACCESS_MASK Mask)
{
    ACCESS_MASK Left = Mask;

    if (Mask == 0)
        printf(" nothing");
    for (ULONG Index = 0; Index < ARRAYSIZE(Rights); Index++) {
        if (!(Left & Rights[Index].Mask)
            || (Rights[Index].Type[0] && strcmp(Rights[Index].Type, Type) != 0))
            continue;
        printf(" %s", Rights[Index].Name);
        Left &= ~Rights[Index].Mask;
    }
    if (Left != 0)
        printf(" +0x%lX", Left);
}
