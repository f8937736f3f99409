/*
 * The queries about open objects that are not files, processes or threads (tfiles and tinfo have
 * those): events, semaphores, mutants, timers, ports, sections, tokens, memory, and NtQueryObject.
 * Every class with every kind of buffer; a call that fails leaves the buffer as it was.
 */
#include "sdk/ntapi.h"
#include "sdk/ntsection.h"
#include "sdk/ntsecurity.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <string.h>

#define PAGE    0x1000
#define FILL    0xA5
#define UNTOLD  0xEEEEEEEE
#define ROOM    (16 * PAGE)
#define EXACT   1                               // a longer buffer is refused
#define LIVE    2                               // its length may change between two calls
#define SMALL   4                               // STATUS_BUFFER_TOO_SMALL is its word for short
#define LONGS   8                               // its length is eight bytes

typedef NTSTATUS (NTAPI *QUERY)(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length,
    PULONG Needed);

static NTSTATUS NTAPI
QueryObject(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return NtQueryObject(Handle, Class, Buffer, Length, Needed);
}

static NTSTATUS NTAPI
QueryAll(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return NtQueryObject(NULL, Class, Buffer, Length, Needed);
}

static NTSTATUS NTAPI
QuerySection(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return NtQuerySection(Handle, Class, Buffer, Length, (PSIZE_T)Needed);
}

static NTSTATUS NTAPI
QueryMemory(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return NtQueryVirtualMemory(NtCurrentProcess(), (PVOID)(ULONG_PTR)QueryMemory, Class, Buffer,
        Length, (PSIZE_T)Needed);
}

static HANDLE Event, Semaphore, Mutant, Timer, Port, Image, Token, Link, None;

/* Length 0: the system says. Access: the right that is needed; 0: any handle, of any type. */
static const struct {
    const char *Name;
    QUERY       Query;
    PHANDLE     Handle;
    ULONG       Class, Length, Alignment;
    ACCESS_MASK Access;
    ULONG       Flags;
} Rows[] = {
    { "ObjectBasic", QueryObject, &Event, 0, 56, 4, 0, EXACT },
    { "ObjectName", QueryObject, &Event, 1, 0, 4, 0, 0 },
    { "ObjectType", QueryObject, &Event, 2, 0, 4, 0, 0 },
    { "ObjectTypes", QueryAll, &None, 3, 0, 4, 0, LIVE },
    { "ObjectHandleFlag", QueryObject, &Link, 4, 2, 1, 0, EXACT },
    { "Event", NtQueryEvent, &Event, 0, 8, 4, EVENT_QUERY_STATE, EXACT },
    { "Semaphore", NtQuerySemaphore, &Semaphore, 0, 8, 4, SEMAPHORE_QUERY_STATE, EXACT },
    { "Mutant", NtQueryMutant, &Mutant, 0, 8, 4, MUTANT_QUERY_STATE, EXACT },
    { "Timer", NtQueryTimer, &Timer, 0, 16, 4, 1, EXACT },
    { "IoCompletion", NtQueryIoCompletion, &Port, 0, 4, 4, IO_COMPLETION_QUERY_STATE, EXACT },
    { "SectionBasic", QuerySection, &Image, 0, 24, 4, SECTION_QUERY, LONGS },
    { "SectionImage", QuerySection, &Image, 1, 64, 4, SECTION_QUERY, LONGS },
    { "Memory", QueryMemory, &None, 0, 48, 8, 0, LONGS },
    { "TokenUser", (QUERY)NtQueryInformationToken, &Token, TokenUser, 0, 4, TOKEN_QUERY, SMALL },
    { "TokenGroups", (QUERY)NtQueryInformationToken, &Token, TokenGroups, 0, 4, TOKEN_QUERY,
      SMALL },
    { "TokenPrivileges", (QUERY)NtQueryInformationToken, &Token, TokenPrivileges, 0, 4,
      TOKEN_QUERY, SMALL },
    { "TokenType", (QUERY)NtQueryInformationToken, &Token, TokenType, 4, 4, TOKEN_QUERY, SMALL },
    { "TokenSource", (QUERY)NtQueryInformationToken, &Token, TokenSource, 16, 4,
      TOKEN_QUERY_SOURCE, SMALL },
};

static PUCHAR Room, ReadOnly;                   // ROOM bytes and nothing behind; a page
static PVOID  Bad[] = {
    (PVOID)0x8, (PVOID)0x6660000, (PVOID)0xFFFFF80000401000, (PVOID)0xFFFFC00000000000,
    (PVOID)0x0000800000000000, (PVOID)0xFFFFFFFFFFFFFFF0, NULL,
};

static NTSTATUS
Call(ULONG Row, HANDLE Handle, PVOID Buffer, ULONG Length, PULONG64 Needed)
{
    return Rows[Row].Query(Handle, Rows[Row].Class, Buffer, Length, (PULONG)Needed);
}

static ULONG
NeededBy(ULONG Row)
{
    ULONG64 Needed = Rows[Row].Length;

    if (Needed == 0)
        Call(Row, *Rows[Row].Handle, Room, 0, &Needed);
    return (ULONG)Needed;
}

static void
FillRoom(void)
{
    memset(Room, FILL, ROOM);
}

static BOOL
IsFilled(ULONG Offset)
{
    while (Offset < ROOM && Room[Offset] == FILL)
        Offset++;
    return Offset >= ROOM;
}

#define COMPLAIN(What)  "%s, %s: 0x%08lX", Rows[Row].Name, What, (ULONG)Status

static void
Lengths(ULONG Row)
{
    static const ULONG More[] = { 0, 1, 8, PAGE };
    ULONG              Length = NeededBy(Row);
    ULONG64            Said = 0;
    NTSTATUS           Status;
    NTSTATUS           Short = Rows[Row].Flags & SMALL ? STATUS_BUFFER_TOO_SMALL
        : STATUS_INFO_LENGTH_MISMATCH;

    for (ULONG Less = 0; Less < Length && !(Rows[Row].Flags & LIVE); Less++) {
        FillRoom();
        Status = Call(Row, *Rows[Row].Handle, Room, Less, &Said);
        Expect(Status == Short && IsFilled(0), COMPLAIN("short"));
    }
    for (ULONG Index = Rows[Row].Flags & LIVE ? 3 : 0; Index < ARRAYSIZE(More); Index++) {
        NTSTATUS Wanted = More[Index] != 0 && (Rows[Row].Flags & EXACT)
            ? STATUS_INFO_LENGTH_MISMATCH : STATUS_SUCCESS;

        FillRoom();
        Said = 0;
        Status = Call(Row, *Rows[Row].Handle, Room, Length + More[Index], &Said);
        Expect(Status == Wanted, COMPLAIN("long enough"));
        if (NT_SUCCESS(Status))
            Expect((Said == Length || (Rows[Row].Flags & LIVE)) && IsFilled((ULONG)Said),
                "%s: %llu of %lu bytes", Rows[Row].Name, Said, Length);
        else
            Expect(IsFilled(0), COMPLAIN("it is written"));
    }
}

static void
Pointers(ULONG Row)
{
    HANDLE   Handle = *Rows[Row].Handle;
    ULONG    Length = NeededBy(Row) + (Rows[Row].Flags & LIVE ? PAGE : 0);
    ULONG64  Said = UNTOLD;
    NTSTATUS Status;

    FillRoom();
    for (ULONG Index = 0; Index < ARRAYSIZE(Bad); Index++) {
        Status = Call(Row, Handle, Bad[Index], Length, &Said);
        Expect(Status == STATUS_ACCESS_VIOLATION && Said == UNTOLD, COMPLAIN("a bad buffer"));
        Status = Call(Row, Handle, Room, Length, Bad[Index]);
        Expect(Bad[Index] == NULL || (Status == STATUS_ACCESS_VIOLATION && IsFilled(0)),
            COMPLAIN("a bad length's address"));
    }
    FillRoom();
    for (ULONG Odd = 1; Odd < Rows[Row].Alignment; Odd++) {
        Status = Call(Row, Handle, Room + Odd, Length, &Said);
        Expect(Status == STATUS_DATATYPE_MISALIGNMENT && Said == UNTOLD, COMPLAIN("misaligned"));
    }
    Status = Call(Row, Handle, Room, Length, (PULONG64)((PUCHAR)&Said + 1));
    Expect(Status == STATUS_DATATYPE_MISALIGNMENT && Said == UNTOLD,
        COMPLAIN("a misaligned length's address"));
    if (Length > Rows[Row].Alignment) {
        Status = Call(Row, Handle, Room + ROOM - Rows[Row].Alignment, Length, &Said);
        Expect(Status == STATUS_ACCESS_VIOLATION && Said == UNTOLD, COMPLAIN("over the end"));
    }
    if (Length <= PAGE) {
        Status = Call(Row, Handle, ReadOnly, Length, &Said);
        Expect(Status == STATUS_ACCESS_VIOLATION && Said == UNTOLD, COMPLAIN("read-only"));
    }
    Expect(IsFilled(0), COMPLAIN("something is written"));
}

static void
Handles(ULONG Row)
{
    ULONG    Length = NeededBy(Row);
    HANDLE   Weak = NULL, Handle = *Rows[Row].Handle;
    NTSTATUS Status;

    if (Handle == NULL)
        return;
    FillRoom();
    NtDuplicateObject(NtCurrentProcess(), Handle, NtCurrentProcess(), &Weak,
        READ_CONTROL & ~Rows[Row].Access, 0, 0);
    if (Rows[Row].Access != 0) {
        Status = Call(Row, Weak, Room, Length, NULL);
        Expect(Status == (Rows[Row].Flags & SMALL ? STATUS_ACCESS_VIOLATION
            : STATUS_ACCESS_DENIED), COMPLAIN("without the right"));
        Status = Call(Row, Weak, Room, Length, (PULONG64)(Room + ROOM - 8));
        Expect(Status == STATUS_ACCESS_DENIED, COMPLAIN("without the right, with a length"));
        Status = Call(Row, Link, Room, Length, (PULONG64)(Room + ROOM - 8));
        Expect(Status == STATUS_OBJECT_TYPE_MISMATCH, COMPLAIN("a link"));
    }
    CloseHandle(Weak);
    Status = Call(Row, Weak, Room, Length, (PULONG64)(Room + ROOM - 8));
    Expect(Status == STATUS_INVALID_HANDLE && IsFilled(0), COMPLAIN("a closed handle"));
}

static void
Classes(ULONG Row)
{
    ULONG64  Said = UNTOLD;
    NTSTATUS Status;

    FillRoom();
    Status = Rows[Row].Query(*Rows[Row].Handle, 0x7777, Room, ROOM, (PULONG)&Said);
    Expect(Status == STATUS_INVALID_INFO_CLASS && IsFilled(0), COMPLAIN("a class that is none"));
}

static void
Each(const char *Sentence, void (*Check)(ULONG Row))
{
    Promise(Sentence);
    for (ULONG Row = 0; Row < ARRAYSIZE(Rows); Row++)
        Check(Row);
}

static void
SetUp(void)
{
    UNICODE_STRING Target;
    HANDLE         File;
    DWORD          Old;

    Event = CreateEventA(NULL, TRUE, FALSE, "tobjinfo");
    NtCreateSemaphore(&Semaphore, SEMAPHORE_ALL_ACCESS, NULL, 1, 5);
    NtCreateMutant(&Mutant, MUTANT_ALL_ACCESS, NULL, FALSE);
    NtCreateTimer(&Timer, TIMER_ALL_ACCESS, NULL, 0);
    NtCreateIoCompletion(&Port, IO_COMPLETION_ALL_ACCESS, NULL, 0);
    NtOpenProcessToken(NtCurrentProcess(), TOKEN_ALL_ACCESS, &Token);
    RtlInitUnicodeString(&Target, L"\\Device");
    NtCreateSymbolicLinkObject(&Link, 0xF0001, NULL, &Target);
    File = CreateFileA("\\SystemRoot\\System32\\ntdll.dll", GENERIC_READ | GENERIC_EXECUTE, 7, NULL,
        OPEN_EXISTING, 0, NULL);
    NtCreateSection(&Image, SECTION_ALL_ACCESS, NULL, NULL, PAGE_EXECUTE, SEC_IMAGE, File);
    CloseHandle(File);
    Room = VirtualAlloc(NULL, ROOM + PAGE, MEM_RESERVE, PAGE_READWRITE);
    VirtualAlloc(Room, ROOM, MEM_COMMIT, PAGE_READWRITE);
    ReadOnly = VirtualAlloc(NULL, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    VirtualProtect(ReadOnly, PAGE, PAGE_READONLY, &Old);
}

int
main(void)
{
    ULONG Before;

    SetUp();
    Before = HandleCount();
    Each("Every class fills a buffer that is long enough, and refuses each shorter length",
        Lengths);
    Each("Every class refuses bad, read-only and misaligned buffers and writes nothing", Pointers);
    Each("Every class checks the handle's life, type and right", Handles);
    Each("A class that is none is STATUS_INVALID_INFO_CLASS", Classes);
    Expect(HandleCount() == Before, "%lu handles became %lu", Before, HandleCount());
    return Done("tobjinfo");
}
