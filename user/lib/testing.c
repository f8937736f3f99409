/* See testing.h. One promise is open at a time; promises are made and kept by the first thread. */
#include "sdk/ntapi.h"
#include "testing.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *Sentence;
static char        Complaint[200];
static BOOL        Broken;
static int         BrokenPromises;

static void
EndPromise(void)
{
    if (Sentence == NULL)
        return;
    if (Broken)
        printf("[fail] %s: %s\n", Sentence, Complaint);
    else
        printf("[pass] %s\n", Sentence);
    fflush(stdout);
    BrokenPromises += Broken;
    Sentence = NULL;
}

void
Promise(const char *NewSentence)
{
    EndPromise();
    Sentence = NewSentence;
    Broken = FALSE;
}

BOOL
Expect(BOOL Holds, const char *Format, ...)
{
    va_list Arguments;

    if (Holds || Broken)
        return Holds;
    Broken = TRUE;
    va_start(Arguments, Format);
    _vsnprintf(Complaint, sizeof Complaint - 1, Format, Arguments);
    va_end(Arguments);
    return FALSE;
}

int
Done(const char *Name)
{
    EndPromise();
    printf("[done] %s\n", Name);
    return BrokenPromises != 0;
}

ULONG
HandleCount(void)
{
    ULONG Count = 0;

    NtQueryInformationProcess(NtCurrentProcess(), EtProcessHandleCount, &Count, sizeof Count, NULL);
    return Count;
}

/* A thread that begins passes the loader lock first. */
static DWORD WINAPI
PassLocks(PVOID Context)
{
    HeapFree(GetProcessHeap(), 0, HeapAlloc(GetProcessHeap(), 0, 1));
    RtlAcquirePebLock();
    RtlReleasePebLock();
    return 0;
}

static void
AwaitHandles(ULONG Handles)
{
    for (ULONG Try = 0; Try < 10000 && HandleCount() < Handles; Try++)
        Sleep(1);
}

void
MeetAtLocks(void)
{
    ULONG     Handles = HandleCount() + 1;      // and the thread's
    HANDLE    Thread;
    ULONG_PTR Cookie;

    LdrLockLoaderLock(0, NULL, &Cookie);
    HeapLock(GetProcessHeap());
    RtlAcquirePebLock();
    Thread = CreateThread(NULL, 0, PassLocks, NULL, 0, NULL);
    AwaitHandles(Handles + 1);
    LdrUnlockLoaderLock(0, Cookie);
    AwaitHandles(Handles + 2);
    HeapUnlock(GetProcessHeap());
    AwaitHandles(Handles + 3);
    RtlReleasePebLock();
    WaitForSingleObject(Thread, INFINITE);
    CloseHandle(Thread);
}

void
ExpectRow(const char *Call, NTSTATUS Wanted, NTSTATUS Status)
{
    static ULONG Handles;

    if (Handles == 0)
        Handles = HandleCount();
    Expect(Status == Wanted, "%s: 0x%08lX, not 0x%08lX", Call, (ULONG)Status, (ULONG)Wanted);
    Expect(HandleCount() == Handles, "%s left a handle", Call);
}

BOOL
PoolTag(const char *Tag, ULONG64 *Blocks, ULONG64 *Bytes)
{
    static UCHAR                Buffer[0x8000];
    PSYSTEM_POOLTAG_INFORMATION Information = (PSYSTEM_POOLTAG_INFORMATION)Buffer;

    *Blocks = *Bytes = 0;
    if (!NT_SUCCESS(NtQuerySystemInformation(EtSystemPoolTagInformation, Buffer, sizeof Buffer,
            NULL)))
        return FALSE;
    for (ULONG Index = 0; Index < Information->Count; Index++) {
        PSYSTEM_POOLTAG Entry = &Information->TagInfo[Index];

        if (memcmp(Entry->Tag, Tag, 4))
            continue;
        *Blocks = Entry->PagedAllocs - Entry->PagedFrees + Entry->NonPagedAllocs
            - Entry->NonPagedFrees;
        *Bytes = Entry->PagedUsed + Entry->NonPagedUsed;
    }
    return TRUE;
}

void
ExpectTag(const char *Tag, ULONG64 Most)
{
    ULONG64 Blocks, Bytes;

    for (ULONG Try = 0; PoolTag(Tag, &Blocks, &Bytes) && Blocks > Most && Try < 2000; Try++)
        Sleep(10);
    Expect(Blocks <= Most, "%llu blocks %s, %llu are allowed", Blocks, Tag, Most);
}

BOOL
IsUser(const char *Name)
{
    char  Own[64];
    DWORD Room = sizeof Own;

    return GetUserNameA(Own, &Room) && strcmp(Own, Name) == 0;
}

ULONG
RunProgram(const char *CommandLine)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    PROCESS_INFORMATION Information;
    char                Line[256];
    DWORD               Code = 0;

    strncpy(Line, CommandLine, sizeof Line - 1);
    Line[sizeof Line - 1] = 0;
    fflush(stdout);
    if (!CreateProcessA(NULL, Line, NULL, NULL, FALSE, 0, NULL, NULL, &Startup, &Information))
        return RtlGetLastNtStatus();
    WaitForSingleObject(Information.hProcess, INFINITE);
    GetExitCodeProcess(Information.hProcess, &Code);
    CloseHandle(Information.hThread);
    CloseHandle(Information.hProcess);
    return Code;
}

static NTSTATUS
WithService(const char *Service, NTSTATUS (NTAPI *Call)(PUNICODE_STRING))
{
    WCHAR          Path[160];
    UNICODE_STRING Name;

    _snwprintf(Path, 160,
        L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\%hs", Service);
    RtlInitUnicodeString(&Name, Path);
    return Call(&Name);
}

NTSTATUS
StartDriver(const char *Service)
{
    return WithService(Service, NtLoadDriver);
}

NTSTATUS
StopDriver(const char *Service)
{
    return WithService(Service, NtUnloadDriver);
}
