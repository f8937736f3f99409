/*
 * What advapi32's other files share: errors, memory, narrow and wide strings; and the DLL's entry
 * point.
 */
#include "advapi.h"
#include <string.h>

BOOL
AdvSetStatus(NTSTATUS Status)
{
    if (NT_SUCCESS(Status))
        return TRUE;
    RtlSetLastWin32Error(RtlNtStatusToDosError(Status));
    return FALSE;
}

PVOID
AdvAllocate(SIZE_T Size)
{
    PVOID Block = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY, Size);

    if (Block == NULL)
        RtlSetLastWin32Error(ERROR_NOT_ENOUGH_MEMORY);
    return Block;
}

VOID
AdvFree(PVOID Block)
{
    if (Block != NULL)
        RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, Block);
}

VOID
AdvWidenTo(PWSTR To, PCSTR From, SIZE_T Count)
{
    while (Count-- != 0)
        *To++ = (UCHAR)*From++;
}

VOID
AdvNarrowTo(PSTR To, PCWSTR From, SIZE_T Count)
{
    for (; Count-- != 0; From++)
        *To++ = *From <= 0xFF ? (CHAR)*From : '?';
}

static PWSTR
AdvWidenCount(PCSTR Text, SIZE_T Count, PBOOL Failed)
{
    PWSTR Wide = AdvAllocate(Count * sizeof(WCHAR));

    if (Wide == NULL)
        *Failed = TRUE;
    else
        AdvWidenTo(Wide, Text, Count);
    return Wide;
}

PWSTR
AdvWiden(PCSTR Text, PBOOL Failed)
{
    return Text != NULL ? AdvWidenCount(Text, strlen(Text) + 1, Failed) : NULL;
}

PWSTR
AdvWidenList(PCSTR Text, PBOOL Failed)
{
    PCSTR End = Text;

    if (Text == NULL)
        return NULL;
    while (*End != 0)
        End += strlen(End) + 1;
    return AdvWidenCount(Text, (SIZE_T)(End - Text) + 1, Failed);
}

BOOL WINAPI
DllMain(HINSTANCE Instance, DWORD Reason, PVOID Reserved)
{
    if (Reason == DLL_PROCESS_ATTACH)
        ScmInitialize();
    return TRUE;
}
