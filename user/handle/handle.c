/*
 * handle: who has what open. Lists handles by process, counts them by type, closes one, follows
 * what is opened and closed; the letters are those of the well-known program of that name.
 */
#include "show.h"
#include "../lib/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
Usage(void)
{
    fprintf(stderr, "usage: %s [-a] [-g] [-p PROCESS] [TEXT]  lists handles of named objects"
        " (all with -a,\n"
        "                                            access with -g), or those with TEXT in it\n"
        "       %s -s [-p PROCESS]         counts them by type\n"
        "       %s -c HANDLE -p PID        closes one; HANDLE is hexadecimal\n"
        "       %s -d [-g] [-p PROCESS]    what was opened and closed, at each Enter\n",
        PROGRAM, PROGRAM, PROGRAM, PROGRAM);
    return 2;
}

/* Closes another process' handle: a duplication that closes its source and makes no copy. */
static int
Close(const char *Text, const char *ProcessText)
{
    char               *End, *ProcessEnd;
    unsigned long long  Value = strtoull(Text, &End, 16);
    unsigned long       Id = ProcessText ? strtoul(ProcessText, &ProcessEnd, 0) : 0;
    HANDLE              Process, Copy = NULL;
    NTSTATUS            Status;

    if (ProcessText == NULL || *End || End == Text || *ProcessEnd || ProcessEnd == ProcessText)
        return Usage();
    Process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, Id);
    if (Process == NULL)
        return FailLast(PROGRAM, "cannot open process %lu", Id);
    Status = NtDuplicateObject(Process, (HANDLE)(ULONG_PTR)Value, NtCurrentProcess(), &Copy, 0, 0,
        DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE);
    if (Copy)
        NtClose(Copy);
    CloseHandle(Process);
    if (!NT_SUCCESS(Status))
        return FailStatus(PROGRAM, Status, "cannot close handle %llX of process %lu", Value, Id);
    printf("Handle %llX of process %lu is closed.\n", Value, Id);
    return 0;
}

int
main(int Count, char **Arguments)
{
    CHOICE      Choice = { 0 };
    const char *Handle = NULL;
    BOOL        Sum = FALSE, Follow = FALSE;

    for (int Index = 1; Index < Count; Index++) {
        const char *Word = Arguments[Index];
        const char *Next = Index + 1 < Count ? Arguments[Index + 1] : NULL;

        if (Word[0] == '-' && (strlen(Word) != 2 || !strchr("agsdpc", Word[1])))
            return Usage();
        if (Word[0] != '-') {
            if (Choice.Text)
                return Usage();
            Choice.Text = Word;
            continue;
        }
        Choice.All |= Word[1] == 'a';
        Choice.Access |= Word[1] == 'g';
        Sum |= Word[1] == 's';
        Follow |= Word[1] == 'd';
        if (Word[1] != 'p' && Word[1] != 'c')
            continue;
        if (Next == NULL)
            return Usage();
        *(Word[1] == 'p' ? &Choice.Process : &Handle) = Next;
        Index++;
    }
    if ((Sum || Follow || Handle) && (Choice.Text || Choice.All || Sum + Follow > 1))
        return Usage();
    if (Handle)
        return Close(Handle, Choice.Process);
    return Sum ? SumHandles(&Choice) : Follow ? FollowHandles(&Choice) : ListHandles(&Choice);
}
