/*
 * Handles: what a stale one, one of the wrong type and one without the access right give;
 * duplication, inheritance flags, protection from closing; names of objects.
 */
#include "sdk/ntapi.h"
#include "sdk/nthtrace.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <string.h>

static void
Stale(void)
{
    HANDLE Event;

    NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, 0, FALSE);
    NtClose(Event);
    Promise("A closed handle is STATUS_INVALID_HANDLE to every kind of service");
    Expect(NtClose(Event) == STATUS_INVALID_HANDLE, "NtClose");
    Expect(NtSetEvent(Event, NULL) == STATUS_INVALID_HANDLE, "NtSetEvent");
    Expect(NtWaitForSingleObject(Event, FALSE, NULL) == STATUS_INVALID_HANDLE, "wait");
    Expect(NtQueryObject(Event, 0, NULL, 0, NULL) < 0, "NtQueryObject");
    Expect(NtTerminateProcess(Event, 0) == STATUS_INVALID_HANDLE, "NtTerminateProcess");
    Expect(NtClose((HANDLE)0x12344) == STATUS_INVALID_HANDLE, "NtClose(0x12344)");
    Expect(NtClose((HANDLE)-1000000) == STATUS_INVALID_HANDLE, "NtClose(-1000000)");
    Expect(NtClose((HANDLE)(LONG_PTR)0x80000004) == STATUS_INVALID_HANDLE, "a kernel handle");
}

static void
WrongType(void)
{
    HANDLE          Event, Mutant;
    IO_STATUS_BLOCK Iosb;
    CHAR            Byte;

    NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, 0, FALSE);
    NtCreateMutant(&Mutant, MUTANT_ALL_ACCESS, NULL, FALSE);
    Promise("A handle of another type is STATUS_OBJECT_TYPE_MISMATCH");
    Expect(NtReleaseMutant(Event, NULL) == STATUS_OBJECT_TYPE_MISMATCH, "NtReleaseMutant");
    Expect(NtSetEvent(Mutant, NULL) == STATUS_OBJECT_TYPE_MISMATCH, "NtSetEvent");
    Expect(NtReadFile(Event, NULL, NULL, NULL, &Iosb, &Byte, 1, NULL, NULL)
        == STATUS_OBJECT_TYPE_MISMATCH, "NtReadFile");
    Expect(NtTerminateProcess(Mutant, 0) == STATUS_OBJECT_TYPE_MISMATCH, "NtTerminateProcess");
    Expect(NtSuspendThread(Mutant, NULL) == STATUS_OBJECT_TYPE_MISMATCH, "NtSuspendThread");
    Expect(NtSetEvent(NtCurrentProcess(), NULL) == STATUS_OBJECT_TYPE_MISMATCH, "pseudo handle");
    NtClose(Event);
    NtClose(Mutant);
}

static void
NoAccess(void)
{
    HANDLE                  Event, Weak;
    EVENT_BASIC_INFORMATION Now;
    HANDLE                  File;
    IO_STATUS_BLOCK         Iosb;

    NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, 0, FALSE);
    NtDuplicateObject(NtCurrentProcess(), Event, NtCurrentProcess(), &Weak, SYNCHRONIZE, 0, 0);
    Promise("A handle without the right is STATUS_ACCESS_DENIED and changes nothing");
    Expect(NtSetEvent(Weak, NULL) == STATUS_ACCESS_DENIED, "NtSetEvent");
    Expect(NtQueryEvent(Weak, 0, &Now, sizeof Now, NULL) == STATUS_ACCESS_DENIED, "NtQueryEvent");
    NtQueryEvent(Event, 0, &Now, sizeof Now, NULL);
    Expect(Now.EventState == 0, "the event was set");
    File = CreateFileA("\\SystemRoot\\System32\\ntdll.dll", GENERIC_READ, FILE_SHARE_READ, NULL,
        OPEN_EXISTING, 0, NULL);
    Expect(File != INVALID_HANDLE_VALUE, "cannot open ntdll.dll");
    Expect(NtWriteFile(File, NULL, NULL, NULL, &Iosb, "x", 1, NULL, NULL) == STATUS_ACCESS_DENIED,
        "NtWriteFile on a read handle");
    NtClose(File);
    NtClose(Weak);
    NtClose(Event);
}

static void
Duplicates(void)
{
    HANDLE                   Event, Copy;
    OBJECT_BASIC_INFORMATION Basic;
    ULONG                    Before = HandleCount();

    NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, 0, FALSE);
    NtDuplicateObject(NtCurrentProcess(), Event, NtCurrentProcess(), &Copy, 0, 0,
        DUPLICATE_SAME_ACCESS);
    Promise("Two handles of one object count as two, and act on the same object");
    NtQueryObject(Event, EtObjectBasicInformation, &Basic, sizeof Basic, NULL);
    Expect(Basic.HandleCount == 2, "HandleCount %lu", Basic.HandleCount);
    Expect(Basic.PointerCount >= Basic.HandleCount, "PointerCount %lu", Basic.PointerCount);
    NtSetEvent(Copy, NULL);
    Expect(WaitForSingleObject(Event, 0) == WAIT_OBJECT_0, "set through the copy");
    NtClose(Copy);
    NtQueryObject(Event, EtObjectBasicInformation, &Basic, sizeof Basic, NULL);
    Expect(Basic.HandleCount == 1, "HandleCount %lu after close", Basic.HandleCount);
    Promise("DUPLICATE_CLOSE_SOURCE moves a handle");
    DuplicateHandle(GetCurrentProcess(), Event, GetCurrentProcess(), &Copy, 0, FALSE,
        DUPLICATE_CLOSE_SOURCE | DUPLICATE_SAME_ACCESS);
    Expect(HandleCount() == Before + 1, "%lu handles, then %lu", Before, HandleCount());
    NtClose(Copy);
    Expect(HandleCount() == Before, "%lu handles, then %lu", Before, HandleCount());
}

static void
Protected(void)
{
    HANDLE Event = CreateEventA(NULL, TRUE, FALSE, NULL);
    DWORD  Flags = 0;

    Promise("A handle protected from closing stays open");
    Expect(SetHandleInformation(Event, HANDLE_FLAG_PROTECT_FROM_CLOSE,
        HANDLE_FLAG_PROTECT_FROM_CLOSE), "SetHandleInformation: %lu", GetLastError());
    Expect(GetHandleInformation(Event, &Flags) && Flags == HANDLE_FLAG_PROTECT_FROM_CLOSE,
        "flags %lu", Flags);
    Expect(NtClose(Event) == STATUS_HANDLE_NOT_CLOSABLE, "it was closed");
    SetHandleInformation(Event, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0);
    Expect(CloseHandle(Event), "it cannot be closed again");
}

static void
Names(void)
{
    HANDLE First = CreateEventA(NULL, TRUE, FALSE, "TestHandlesEvent"), Second, Third;
    char   Long[400];

    Promise("A name finds the same object, in the right type only, until its last handle closes");
    Expect(First && GetLastError() == 0, "create: %lu", GetLastError());
    Second = CreateEventA(NULL, TRUE, FALSE, "TestHandlesEvent");
    Expect(Second && GetLastError() == ERROR_ALREADY_EXISTS, "again: %lu", GetLastError());
    SetEvent(First);
    Expect(WaitForSingleObject(Second, 0) == WAIT_OBJECT_0, "it is another object");
    Third = CreateMutexA(NULL, FALSE, "TestHandlesEvent");
    Expect(Third == NULL && GetLastError() == ERROR_INVALID_HANDLE, "mutex: %lu", GetLastError());
    CloseHandle(First);
    CloseHandle(Second);
    Expect(OpenEventA(EVENT_ALL_ACCESS, FALSE, "TestHandlesEvent") == NULL
        && GetLastError() == ERROR_FILE_NOT_FOUND, "still there: %lu", GetLastError());

    Promise("Long and malformed names are refused with the reason");
    memset(Long, 'x', sizeof Long - 1);
    Long[sizeof Long - 1] = 0;
    Expect(CreateEventA(NULL, TRUE, FALSE, Long) == NULL
        && GetLastError() == ERROR_FILENAME_EXCED_RANGE, "long: %lu", GetLastError());
    Expect(CreateEventA(NULL, TRUE, FALSE, "no\\such\\folder") == NULL
        && GetLastError() == ERROR_PATH_NOT_FOUND, "folder: %lu", GetLastError());
}

static NTSTATUS
OpenName(PCWSTR Text, USHORT Length, USHORT Maximum)
{
    UNICODE_STRING    Name = { Length, Maximum, (PWSTR)Text };
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Handle;
    NTSTATUS          Status;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtOpenEvent(&Handle, EVENT_ALL_ACCESS, &Attributes);
    if (NT_SUCCESS(Status))
        NtClose(Handle);
    return Status;
}

static void
Malformed(void)
{
    static WCHAR      Huge[0x7FFF];
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Handle;

    for (ULONG Index = 0; Index < ARRAYSIZE(Huge); Index++)
        Huge[Index] = L'\\';
    Promise("Malformed object names and attributes are refused");
    Expect(OpenName(L"\\x", 3, 4) == STATUS_OBJECT_NAME_INVALID, "an odd length");
    Expect(OpenName(L"x", 2, 2) < 0, "no backslash, no root");
    Expect(OpenName(Huge, 0xFFFE, 0xFFFE) < 0, "32767 backslashes");
    Expect(OpenName(L"\\\\x", 6, 6) < 0, "an empty part");
    Expect(OpenName(L"\\BaseNamedObjects\\", 36, 36) < 0, "a name that ends in a backslash");
    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, NULL);
    Attributes.Length = 3;
    Expect(NtCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, 0, FALSE)
        == STATUS_INVALID_PARAMETER, "OBJECT_ATTRIBUTES of length 3");
}

static NTSTATUS
SetTrace(ULONG Flags, ULONG Length)
{
    ULONG Enable[2] = { Flags, 0 };

    return NtSetInformationProcess(NtCurrentProcess(), EtProcessHandleTracing, Enable, Length);
}

static struct { PROCESS_HANDLE_TRACING_QUERY Query; PROCESS_HANDLE_TRACING_ENTRY More[31]; } Trace;

static NTSTATUS
ReadTrace(HANDLE Handle, ULONG Length, PULONG Needed)
{
    memset(&Trace, 0, sizeof Trace);
    Trace.Query.Handle = Handle;
    return NtQueryInformationProcess(NtCurrentProcess(), EtProcessHandleTracing, &Trace, Length,
        Needed);
}

/* Whether a record is of this thread, and of a call from the program through ntdll. */
static BOOL
IsOurs(const PROCESS_HANDLE_TRACING_ENTRY *Entry)
{
    HMODULE Ntdll = GetModuleHandleA("ntdll.dll"), Program = GetModuleHandleA(NULL);
    PVOID   Base;

    return Entry->ClientId.UniqueThread == (HANDLE)(ULONG_PTR)GetCurrentThreadId()
        && Entry->ClientId.UniqueProcess == (HANDLE)(ULONG_PTR)GetCurrentProcessId()
        && RtlPcToFileHeader(Entry->Stacks[0], &Base) == (PVOID)Ntdll
        && RtlPcToFileHeader(Entry->Stacks[1], &Base) == (PVOID)Program;
}

static void
Traced(void)
{
    static const ULONG Types[] = { 3, 2, 1 };
    ULONG  Needed = 0, Head = FIELD_OFFSET(PROCESS_HANDLE_TRACING_QUERY, HandleTrace);
    HANDLE Event, Other;

    Promise("The trace tells, newest first, which handles were opened, closed, and used in vain");
    Expect(ReadTrace(NULL, sizeof Trace, NULL) == STATUS_INVALID_PARAMETER, "it is not enabled");
    Expect(SetTrace(1, 4) == STATUS_INVALID_PARAMETER, "a flag");
    Expect(SetTrace(0, 5) == STATUS_INFO_LENGTH_MISMATCH, "five bytes");
    NtClose(CreateEventA(NULL, TRUE, FALSE, NULL));
    Expect(SetTrace(0, 4) == STATUS_SUCCESS, "enable");
    NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, 0, FALSE);
    NtClose(Event);
    NtSetEvent(Event, NULL);
    NtDuplicateObject(NtCurrentProcess(), NtCurrentProcess(), NtCurrentProcess(), &Other, 0, 0,
        DUPLICATE_SAME_ACCESS);
    NtClose(Other);
    Expect(ReadTrace(Event, sizeof Trace, &Needed) == STATUS_SUCCESS, "read one's");
    Expect(Trace.Query.TotalTraces == 3 && Needed == Head + 3 * sizeof Trace.More[0],
        "%lu records in %lu bytes", Trace.Query.TotalTraces, Needed);
    for (ULONG Index = 0; Index < 3; Index++) {
        const PROCESS_HANDLE_TRACING_ENTRY *Entry = &Trace.Query.HandleTrace[Index];

        Expect(Entry->Handle == Event && Entry->Type == Types[Index], "record %lu: %p, type %lu",
            Index, Entry->Handle, Entry->Type);
        Expect(IsOurs(Entry), "record %lu: thread %p, from %p", Index,
            Entry->ClientId.UniqueThread, Entry->Stacks[0]);
    }
    Expect(ReadTrace(NULL, sizeof Trace, &Needed) == STATUS_SUCCESS, "read all");
    Expect(Trace.Query.TotalTraces == 5 && Trace.Query.HandleTrace[0].Handle == Other,
        "%lu records", Trace.Query.TotalTraces);
    Expect(ReadTrace(NULL, Head + 2 * sizeof Trace.More[0], &Needed) == STATUS_INFO_LENGTH_MISMATCH
        && Needed == Head + 5 * sizeof Trace.More[0], "too small: %lu", Needed);
    Expect(ReadTrace(NULL, Head - 1, NULL) == STATUS_INFO_LENGTH_MISMATCH, "no room for the head");
    Expect(NtQueryInformationProcess(NtCurrentProcess(), EtProcessHandleTracing, (PVOID)0x6660000,
        sizeof Trace, NULL) == STATUS_ACCESS_VIOLATION, "a bad buffer");
    Expect(SetTrace(0, 0) == STATUS_SUCCESS, "disable");
    Expect(ReadTrace(NULL, sizeof Trace, NULL) == STATUS_INVALID_PARAMETER, "it is disabled");
}

int
main(void)
{
    Stale();
    WrongType();
    NoAccess();
    Duplicates();
    Protected();
    Names();
    Malformed();
    Traced();
    return Done("thandles");
}
