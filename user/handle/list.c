/* The two lists of handle: every handle under its process, and how many there are of each type. */
#include "show.h"
#include "../lib/status.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MAX_TYPES   128

/* Whether Text has Part in it, whatever the case. */
static BOOL
Contains(const char *Text, const char *Part)
{
    size_t Length = strlen(Part);

    for (; *Text; Text++)
        if (_strnicmp(Text, Part, Length) == 0)
            return TRUE;
    return Length == 0;
}

static BOOL
IsChosen(const CHOICE *Choice, const char *Description)
{
    if (Choice->Text)
        return Contains(Description, Choice->Text);
    return Choice->All || Description[0];
}

/* Lists one process' handles from First on; returns the first entry of the next process. */
static const HANDLE_ENTRY *
ListProcess(const SNAPSHOT *Snapshot, const CHOICE *Choice, const HANDLE_ENTRY *First,
    const HANDLE_ENTRY *End, ULONG *Shown)
{
    const HANDLE_ENTRY *Entry;
    char                Text[MAX_NAME], Name[PROCESS_NAME];
    BOOL                Titled = FALSE;

    for (Entry = First; Entry < End && Entry->UniqueProcessId == First->UniqueProcessId; Entry++) {
        if (!IsChosenProcess(Snapshot, Choice, First->UniqueProcessId)
            || !IsChosen(Choice, Describe(Snapshot, Entry, Text)))
            continue;
        if (!Titled)
            printf("%s (%llu)\n", ProcessName(Snapshot, (HANDLE)First->UniqueProcessId, Name),
                (ULONG64)First->UniqueProcessId);
        Titled = TRUE;
        PrintEntry(Snapshot, Choice, Entry, Text);
        ++*Shown;
    }
    return Entry;
}

int
ListHandles(const CHOICE *Choice)
{
    const HANDLE_ENTRY *Entry, *End;
    SNAPSHOT            Snapshot;
    ULONG               Shown = 0;
    BOOL                Nobody;
    NTSTATUS            Status = TakeSnapshot(&Snapshot);

    if (!NT_SUCCESS(Status))
        return FailStatus(PROGRAM, Status, "cannot list the handles");
    Nobody = SaysNoProcess(&Snapshot, Choice);
    Entry = Snapshot.Handles->Handles;
    End = Entry + Snapshot.Handles->NumberOfHandles;
    while (Entry < End)
        Entry = ListProcess(&Snapshot, Choice, Entry, End, &Shown);
    FreeSnapshot(&Snapshot);
    if (Shown == 0 && !Nobody)
        printf("No handle is like that%s.\n", Choice->All || Choice->Text ? ""
            : "; -a shows those of objects without a name too");
    return Shown ? 0 : 1;
}

int
SumHandles(const CHOICE *Choice)
{
    ULONG    Counts[MAX_TYPES] = { 0 }, Total = 0;
    SNAPSHOT Snapshot;
    NTSTATUS Status = TakeSnapshot(&Snapshot);

    if (!NT_SUCCESS(Status))
        return FailStatus(PROGRAM, Status, "cannot list the handles");
    if (SaysNoProcess(&Snapshot, Choice)) {
        FreeSnapshot(&Snapshot);
        return 1;
    }
    for (ULONG_PTR Index = 0; Index < Snapshot.Handles->NumberOfHandles; Index++) {
        const HANDLE_ENTRY *Entry = &Snapshot.Handles->Handles[Index];

        if (Entry->ObjectTypeIndex < MAX_TYPES
            && IsChosenProcess(&Snapshot, Choice, Entry->UniqueProcessId)) {
            Counts[Entry->ObjectTypeIndex]++;
            Total++;
        }
    }
    for (ULONG Index = 0; Index < MAX_TYPES; Index++) {
        PCUNICODE_STRING Type = TypeName(&Snapshot, Index);

        if (Counts[Index])
            printf("  %-14.*ls %7lu\n", (int)(Type->Length / sizeof(WCHAR)), Type->Buffer,
                Counts[Index]);
    }
    printf("  %-14s %7lu\n", "total", Total);
    FreeSnapshot(&Snapshot);
    return 0;
}
