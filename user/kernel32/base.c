/*
 * What the other files share: errors, widened strings, names of objects, time-outs; and the DLL's
 * entry point.
 */
#include "k32.h"

BOOL
BaseSetStatus(NTSTATUS Status)
{
    if (NT_SUCCESS(Status))
        return TRUE;
    RtlSetLastWin32Error(RtlNtStatusToDosError(Status));
    return FALSE;
}

PVOID
BaseAllocate(SIZE_T Size)
{
    PVOID Block = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, Size);

    if (Block == NULL)
        RtlSetLastWin32Error(ERROR_NOT_ENOUGH_MEMORY);
    return Block;
}

VOID
BaseFree(PVOID Block)
{
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, Block);
}

PWSTR
BaseWiden(PCSTR Text)
{
    SIZE_T Length, Index;
    PWSTR  Wide;

    if (Text == NULL)
        return NULL;
    Length = strlen(Text);
    Wide = BaseAllocate((Length + 1) * sizeof(WCHAR));
    if (Wide == NULL)
        return NULL;
    for (Index = 0; Index <= Length; Index++)
        Wide[Index] = (UCHAR)Text[Index];
    return Wide;
}

PLARGE_INTEGER
BaseTimeout(PLARGE_INTEGER Timeout, DWORD Milliseconds)
{
    if (Milliseconds == INFINITE)
        return NULL;
    Timeout->QuadPart = -10000LL * Milliseconds;
    return Timeout;
}

BOOL
BaseObjectName(PBASE_OBJECT_NAME Object, LPSECURITY_ATTRIBUTES Security, PCWSTR Name)
{
    static const WCHAR Folder[] = L"\\BaseNamedObjects\\";
    ULONG              Flags = Security && Security->bInheritHandle ? OBJ_INHERIT : 0;
    PVOID              Descriptor = Security ? Security->lpSecurityDescriptor : NULL;
    SIZE_T             Length;

    if (Name == NULL) {
        InitializeObjectAttributes(&Object->Attributes, NULL, Flags, NULL, Descriptor);
        return TRUE;
    }
    if (_wcsnicmp(Name, L"Global\\", 7) == 0)
        Name += 7;
    else if (_wcsnicmp(Name, L"Local\\", 6) == 0)
        Name += 6;
    Length = wcslen(Name);
    if (Length + ARRAYSIZE(Folder) > BASE_MAX_NAME) {
        RtlSetLastWin32Error(ERROR_FILENAME_EXCED_RANGE);
        return FALSE;
    }
    memcpy(Object->Buffer, Folder, sizeof Folder);
    memcpy(Object->Buffer + ARRAYSIZE(Folder) - 1, Name, Length * sizeof(WCHAR));
    Object->Path.Buffer = Object->Buffer;
    Object->Path.Length = (USHORT)((ARRAYSIZE(Folder) - 1 + Length) * sizeof(WCHAR));
    Object->Path.MaximumLength = sizeof Object->Buffer;
    InitializeObjectAttributes(&Object->Attributes, &Object->Path, Flags | OBJ_OPENIF, NULL,
        Descriptor);
    return TRUE;
}

BOOL WINAPI
DllMain(HINSTANCE Instance, DWORD Reason, LPVOID Reserved)
{
    return TRUE;
}
