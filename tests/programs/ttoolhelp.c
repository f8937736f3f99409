/*
 * Tool help: a snapshot tells of all processes and threads there are, and of the modules of one
 * process; with an argument the program is a child that waits to be looked at.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <tlhelp32.h>
#include <stdio.h>
#include <string.h>

static DWORD WINAPI
Waits(PVOID Event)
{
    return WaitForSingleObject(Event, INFINITE);
}

static void
Processes(DWORD Child)
{
    HANDLE          Snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    PROCESSENTRY32W Wide = { .dwSize = sizeof Wide };
    PROCESSENTRY32  Entry = { .dwSize = sizeof Entry };
    ULONG           Own = 0, Children = 0, System = 0, Count = 0;

    Promise("A snapshot has every process once, with its name, parent and threads");
    Expect(Snapshot != INVALID_HANDLE_VALUE, "error %lu", GetLastError());
    for (BOOL More = Process32First(Snapshot, &Entry); More;
         More = Process32Next(Snapshot, &Entry), Count++) {
        if (Entry.th32ProcessID == GetCurrentProcessId()) {
            Own++;
            Expect(strcmp(Entry.szExeFile, "ttoolhelp.exe") == 0 && Entry.cntThreads >= 2,
                "%s, %lu", Entry.szExeFile, Entry.cntThreads);
        }
        System += Entry.th32ProcessID == 4 && strcmp(Entry.szExeFile, "System") == 0;
        if (Entry.th32ProcessID == Child) {
            Children++;
            Expect(Entry.th32ParentProcessID == GetCurrentProcessId(), "parent %lu",
                Entry.th32ParentProcessID);
        }
    }
    Expect(GetLastError() == ERROR_NO_MORE_FILES, "it ends with %lu", GetLastError());
    Expect(Own == 1 && Children == 1 && System == 1, "%lu, %lu, %lu", Own, Children, System);
    for (BOOL More = Process32FirstW(Snapshot, &Wide); More;
         More = Process32NextW(Snapshot, &Wide))
        Count--;
    Expect(Count == 0, "the second time there are %ld less", Count);
    CloseHandle(Snapshot);
}

static void
Threads(DWORD Thread)
{
    HANDLE        Snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    THREADENTRY32 Entry = { .dwSize = sizeof Entry };
    ULONG         Own = 0, Other = 0, Systems = 0;

    Promise("A snapshot has every thread of every process, and whose it is");
    for (BOOL More = Thread32First(Snapshot, &Entry); More; More = Thread32Next(Snapshot, &Entry)) {
        Own += Entry.th32ThreadID == GetCurrentThreadId()
            && Entry.th32OwnerProcessID == GetCurrentProcessId();
        Other += Entry.th32ThreadID == Thread
            && Entry.th32OwnerProcessID == GetCurrentProcessId() && Entry.tpBasePri == 8;
        Systems += Entry.th32OwnerProcessID == 4;
    }
    Expect(Own == 1 && Other == 1 && Systems > 1, "%lu, %lu, %lu", Own, Other, Systems);
    Expect(GetLastError() == ERROR_NO_MORE_FILES, "it ends with %lu", GetLastError());
    CloseHandle(Snapshot);
}

/* The modules of process Id: the program itself first, and ntdll and kernel32. */
static void
Modules(DWORD Id)
{
    HANDLE        Snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, Id);
    MODULEENTRY32 Entry = { .dwSize = sizeof Entry };
    ULONG         Count = 0, Dlls = 0;

    Expect(Snapshot != INVALID_HANDLE_VALUE, "error %lu", GetLastError());
    for (BOOL More = Module32First(Snapshot, &Entry); More;
         More = Module32Next(Snapshot, &Entry), Count++) {
        if (Count == 0)
            Expect(strcmp(Entry.szModule, "ttoolhelp.exe") == 0
                && strstr(Entry.szExePath, "System32\\ttoolhelp.exe"), "the first is %s",
                Entry.szExePath);
        Expect(Entry.th32ProcessID == (Id ? Id : GetCurrentProcessId()), "of process %lu",
            Entry.th32ProcessID);
        Dlls += (strcmp(Entry.szModule, "ntdll.dll") == 0
            || strcmp(Entry.szModule, "kernel32.dll") == 0)
            && Entry.hModule == GetModuleHandleA(Entry.szModule) && Entry.modBaseSize > 0x1000;
    }
    Expect(Dlls == 2, "%lu of two DLLs", Dlls);
    CloseHandle(Snapshot);
}

static void
Refused(void)
{
    HANDLE          Snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0), Other;
    ULONG           Handles = HandleCount();
    PROCESSENTRY32W Entry = { .dwSize = sizeof Entry };
    THREADENTRY32   Small = { .dwSize = 8 };

    Promise("What is no snapshot, is not in it, or has no room is refused");
    Expect(!Process32FirstW(Snapshot, &Entry) && GetLastError() == ERROR_NO_MORE_FILES,
        "processes of a snapshot of threads: %lu", GetLastError());
    Expect(!Thread32First(Snapshot, &Small) && GetLastError() == ERROR_INSUFFICIENT_BUFFER,
        "a small entry: %lu", GetLastError());
    Expect(CreateToolhelp32Snapshot(0, 0) == INVALID_HANDLE_VALUE
        && GetLastError() == ERROR_INVALID_PARAMETER, "of nothing: %lu", GetLastError());
    Expect(CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, 0x7FF0) == INVALID_HANDLE_VALUE
        && GetLastError() == ERROR_INVALID_PARAMETER, "of nobody: %lu", GetLastError());
    Other = CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, 4);
    Expect(Other == INVALID_HANDLE_VALUE, "the System process has no modules");
    Expect(HandleCount() == Handles, "%lu handles became %lu", Handles, HandleCount());
    CloseHandle(Snapshot);
    Expect(!Thread32First(Snapshot, &(THREADENTRY32){ .dwSize = sizeof(THREADENTRY32) })
        && GetLastError() == ERROR_INVALID_HANDLE, "a closed one: %lu", GetLastError());
    Expect(HandleCount() == Handles - 1, "the snapshot is not closed");
}

int
main(int Count, char **Words)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    PROCESS_INFORMATION Child;
    char                Line[] = "ttoolhelp child";
    HANDLE              Ready = CreateEventA(NULL, TRUE, FALSE, "TToolHelpReady");
    DWORD               Thread;

    if (Count > 1) {
        SetEvent(Ready);
        Sleep(INFINITE);
    }
    CreateThread(NULL, 0, Waits, CreateEventA(NULL, TRUE, FALSE, NULL), 0, &Thread);
    CreateProcessA(NULL, Line, NULL, NULL, FALSE, 0, NULL, NULL, &Startup, &Child);
    WaitForSingleObject(Ready, INFINITE);
    Processes(Child.dwProcessId);
    Threads(Thread);
    Promise("A snapshot has the modules of this process, or of another");
    Modules(0);
    Modules(Child.dwProcessId);
    Refused();
    TerminateProcess(Child.hProcess, 0);
    WaitForSingleObject(Child.hProcess, INFINITE);
    return Done("ttoolhelp");
}
