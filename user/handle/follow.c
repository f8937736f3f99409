/*
 * Looking for a leak: a snapshot of the handles, another one at each Enter, and the difference. A
 * handle is the same one if process, value and object are; the lists are sorted by these and gone
 * through side by side. Objects without handles leak too, so the numbers of objects of each type
 * are compared as well.
 */
#include "show.h"
#include "../lib/status.h"
#include <stdio.h>
#include <stdlib.h>

static int
Compare(const void *Left, const void *Right)
{
    const HANDLE_ENTRY *A = Left, *B = Right;

    if (A->UniqueProcessId != B->UniqueProcessId)
        return A->UniqueProcessId < B->UniqueProcessId ? -1 : 1;
    if (A->HandleValue != B->HandleValue)
        return A->HandleValue < B->HandleValue ? -1 : 1;
    return (A->Object > B->Object) - (A->Object < B->Object);
}

static NTSTATUS
TakeSorted(SNAPSHOT *Snapshot)
{
    NTSTATUS Status = TakeSnapshot(Snapshot);

    if (NT_SUCCESS(Status))
        qsort(Snapshot->Handles->Handles, Snapshot->Handles->NumberOfHandles,
            sizeof(HANDLE_ENTRY), Compare);
    return Status;
}

static ULONG
PrintChange(const SNAPSHOT *Snapshot, const CHOICE *Choice, const HANDLE_ENTRY *Entry, char Sign)
{
    char Text[MAX_NAME], Name[PROCESS_NAME];

    if (Entry->UniqueProcessId == GetCurrentProcessId()
        || !IsChosenProcess(Snapshot, Choice, Entry->UniqueProcessId))
        return 0;
    printf("%c %-14s", Sign, ProcessName(Snapshot, (HANDLE)Entry->UniqueProcessId, Name));
    PrintEntry(Snapshot, Choice, Entry, Describe(Snapshot, Entry, Text));
    return 1;
}

static void
PrintHandleChanges(const SNAPSHOT *Old, const SNAPSHOT *New, const CHOICE *Choice)
{
    const HANDLE_ENTRY *Before = Old->Handles->Handles, *After = New->Handles->Handles;
    const HANDLE_ENTRY *BeforeEnd = Before + Old->Handles->NumberOfHandles;
    const HANDLE_ENTRY *AfterEnd = After + New->Handles->NumberOfHandles;
    ULONG               Opened = 0, Closed = 0;

    while (Before < BeforeEnd || After < AfterEnd) {
        int Order = Before == BeforeEnd ? 1 : After == AfterEnd ? -1 : Compare(Before, After);

        if (Order < 0)
            Closed += PrintChange(Old, Choice, Before, '-');
        if (Order > 0)
            Opened += PrintChange(New, Choice, After, '+');
        Before += Order <= 0;
        After += Order >= 0;
    }
    printf("%lu opened, %lu closed\n", Opened, Closed);
}

static void
PrintObjectChanges(const SNAPSHOT *Old, const SNAPSHOT *New)
{
    const SYSTEM_OBJECTTYPE_INFORMATION *After = NULL, *Before;

    while ((After = NextType(New, After)) != NULL) {
        for (Before = NextType(Old, NULL); Before; Before = NextType(Old, Before))
            if (Before->TypeIndex == After->TypeIndex)
                break;
        if (Before && Before->NumberOfObjects != After->NumberOfObjects)
            printf("  objects of type %.*ls: %lu, now %lu\n",
                (int)(After->TypeName.Length / sizeof(WCHAR)), After->TypeName.Buffer,
                Before->NumberOfObjects, After->NumberOfObjects);
    }
}

int
FollowHandles(const CHOICE *Choice)
{
    SNAPSHOT Old, New;
    char     Line[80];
    NTSTATUS Status = TakeSorted(&Old);

    if (!NT_SUCCESS(Status))
        return FailStatus(PROGRAM, Status, "cannot list the handles");
    printf("%llu handles. Enter shows what has changed since, Ctrl-D ends.\n",
        (ULONG64)Old.Handles->NumberOfHandles);
    fflush(stdout);
    while (fgets(Line, sizeof Line, stdin)) {
        Status = TakeSorted(&New);
        if (!NT_SUCCESS(Status))
            break;
        PrintHandleChanges(&Old, &New, Choice);
        PrintObjectChanges(&Old, &New);
        fflush(stdout);
        FreeSnapshot(&Old);
        Old = New;
    }
    FreeSnapshot(&Old);
    return NT_SUCCESS(Status) ? 0 : FailStatus(PROGRAM, Status, "cannot list the handles");
}
