/*
 * Processes: exit codes, ends by faults and from outside, inheritance, arguments, failures to
 * start. With an argument the program is its own child and does what the argument says.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
Overflow(int Depth)
{
    volatile char Room[2000];

    Room[0] = (char)Depth;
    return Depth < 1000000 ? Overflow(Depth + 1) + Room[0] : 0;
}

/* Steps over fifteen pages of stack at once, several of them never touched before. */
static int
LargeFrame(void)
{
    volatile char Room[60000];

    Room[0] = 88;
    return Room[0];
}

static int
Child(int Count, char **Arguments)
{
    const char    *What = Arguments[1];
    volatile int   Zero = 0;

    SetStdHandle(STD_ERROR_HANDLE, NULL);                   // its dying words are not this test's
    if (strcmp(What, "exit") == 0)
        return atoi(Arguments[2]);
    if (strcmp(What, "read") == 0)
        return *(volatile int *)0x40;
    if (strcmp(What, "write") == 0)
        *(volatile int *)(PVOID)Child = 1;
    if (strcmp(What, "kernel") == 0)
        return *(volatile int *)0xFFFFF80000401000;
    if (strcmp(What, "execute") == 0) {
        static UCHAR Code[] = { 0xC3 };

        ((void (*)(void))(PVOID)Code)();
    }
    if (strcmp(What, "divide") == 0)
        return 100 / Zero;
    if (strcmp(What, "illegal") == 0)
        __asm__ volatile ("ud2");
    if (strcmp(What, "privileged") == 0)
        __asm__ volatile ("cli");
    if (strcmp(What, "breakpoint") == 0)
        __asm__ volatile ("int3");
    if (strcmp(What, "stack") == 0)
        return Overflow(0);
    if (strcmp(What, "frame") == 0)
        return LargeFrame();
    if (strcmp(What, "raise") == 0)
        RaiseException(0xE0001234, 0, 0, NULL);
    if (strcmp(What, "sleep") == 0) {
        puts("asleep");
        Sleep(60000);
    }
    if (strcmp(What, "thread") == 0)
        ExitThread(77);
    if (strcmp(What, "handle") == 0)
        return SetEvent((HANDLE)strtoull(Arguments[2], NULL, 0)) ? 1 : 2;
    if (strcmp(What, "arguments") == 0)
        return Count == 6 && strcmp(Arguments[2], "a b") == 0 && strcmp(Arguments[3], "c\"d") == 0
            && strcmp(Arguments[4], "e\\") == 0 && strcmp(Arguments[5], "") == 0 ? 55 : 56;
    return 99;
}

static void
Ends(void)
{
    static const struct { const char *What; ULONG Code; } Cases[] = {
        { "exit 0", 0 }, { "exit 42", 42 }, { "thread", 77 },
        { "read", STATUS_ACCESS_VIOLATION }, { "write", STATUS_ACCESS_VIOLATION },
        { "kernel", STATUS_ACCESS_VIOLATION }, { "execute", STATUS_ACCESS_VIOLATION },
        { "divide", STATUS_INTEGER_DIVIDE_BY_ZERO },
        { "illegal", STATUS_ILLEGAL_INSTRUCTION },
        { "privileged", STATUS_PRIVILEGED_INSTRUCTION },
        { "breakpoint", STATUS_BREAKPOINT },
        { "stack", STATUS_STACK_OVERFLOW },
        { "frame", 88 },
        { "raise", 0xE0001234 },
        { "arguments \"a b\" c\\\"d \"e\\\\\" \"\"", 55 },
    };

    Promise("A process ends with its exit code, or with the exception that nobody took");
    for (ULONG Index = 0; Index < ARRAYSIZE(Cases); Index++) {
        char  Line[80];
        ULONG Code;

        sprintf(Line, "tprocess %s", Cases[Index].What);
        Code = RunProgram(Line);
        Expect(Code == Cases[Index].Code, "`%s` ended with 0x%08lX, not 0x%08lX",
            Cases[Index].What, Code, Cases[Index].Code);
    }
}

static BOOL
Start(const char *What, BOOL Inherit, PROCESS_INFORMATION *Information)
{
    STARTUPINFOA Startup = { .cb = sizeof Startup };
    char         Line[128];

    sprintf(Line, "tprocess %s", What);
    return CreateProcessA(NULL, Line, NULL, NULL, Inherit, 0, NULL, NULL, &Startup, Information);
}

static void
Outside(void)
{
    PROCESS_INFORMATION Information;
    DWORD               Code = 0;
    HANDLE              Again;

    Promise("A process is ended from outside, by handle and by number");
    Expect(Start("sleep", FALSE, &Information), "start: %lu", GetLastError());
    Expect(GetExitCodeProcess(Information.hProcess, &Code) && Code == STILL_ACTIVE, "%lu", Code);
    Expect(WaitForSingleObject(Information.hProcess, 50) == WAIT_TIMEOUT, "it ended by itself");
    Again = OpenProcess(PROCESS_TERMINATE, FALSE, Information.dwProcessId);
    Expect(Again != NULL, "open %lu: %lu", Information.dwProcessId, GetLastError());
    Expect(!GetExitCodeProcess(Again, &Code) && GetLastError() == ERROR_ACCESS_DENIED,
        "queried without the right");
    Expect(TerminateProcess(Again, 0xC000013A), "terminate: %lu", GetLastError());
    Expect(WaitForSingleObject(Information.hProcess, 5000) == WAIT_OBJECT_0, "not signalled");
    GetExitCodeProcess(Information.hProcess, &Code);
    Expect(Code == 0xC000013A, "code 0x%lx", Code);
    CloseHandle(Again);
    CloseHandle(Information.hThread);
    CloseHandle(Information.hProcess);
    Expect(OpenProcess(PROCESS_TERMINATE, FALSE, 0x7FFFFFF0) == NULL, "a number nobody has");
}

static void
Inheritance(void)
{
    SECURITY_ATTRIBUTES Security = { sizeof Security, NULL, TRUE };
    HANDLE              Given = CreateEventA(&Security, TRUE, FALSE, NULL);
    HANDLE              Kept = CreateEventA(NULL, TRUE, FALSE, NULL);
    PROCESS_INFORMATION Information;
    char                What[64];
    DWORD               Code = 0;

    Promise("An inheritable handle is the child's too, any other is not");
    for (int Which = 0; Which < 2; Which++) {
        sprintf(What, "handle 0x%llx", (ULONG64)(ULONG_PTR)(Which ? Kept : Given));
        if (!Expect(Start(What, TRUE, &Information), "start: %lu", GetLastError()))
            return;
        WaitForSingleObject(Information.hProcess, INFINITE);
        GetExitCodeProcess(Information.hProcess, &Code);
        Expect(Code == (Which ? 2u : 1u), "handle %d: %lu", Which, Code);
        CloseHandle(Information.hThread);
        CloseHandle(Information.hProcess);
    }
    Expect(WaitForSingleObject(Given, 0) == WAIT_OBJECT_0, "the child's set did not arrive");
    Expect(WaitForSingleObject(Kept, 0) == WAIT_TIMEOUT, "the child set what it had not got");
    CloseHandle(Given);
    CloseHandle(Kept);
}

static void
Failures(void)
{
    char Long[600];

    Promise("What cannot be started says why");
    Expect(RunProgram("nosuchprogram") == (ULONG)STATUS_OBJECT_NAME_NOT_FOUND, "no such program");
    Expect((LONG)RunProgram("config\\system.reg") < 0, "a file that is no program");
    Expect((LONG)RunProgram("\\SystemRoot\\System32\\config\\system.reg") < 0, "no program");
    memset(Long, 'y', sizeof Long - 1);
    Long[250] = 0;
    Expect((LONG)RunProgram(Long) < 0, "a long name");
}

static void
Repeated(void)
{
    ULONG   Before;
    ULONG64 Blocks, Bytes;

    RunProgram("tprocess exit 1");
    Before = HandleCount();
    Promise("Twenty processes leave no handle and no process object behind");
    PoolTag("Proc", &Blocks, &Bytes);
    for (int Count = 0; Count < 20; Count++)
        RunProgram("tprocess exit 1");
    Expect(HandleCount() == Before, "%lu handles became %lu", Before, HandleCount());
    ExpectTag("Proc", Blocks);
}

int
main(int Count, char **Arguments)
{
    if (Count > 1)
        return Child(Count, Arguments);
    Ends();
    Outside();
    Inheritance();
    Failures();
    Repeated();
    return Done("tprocess");
}
