/*
 * A program's memory: reserving, committing, protecting, asking, freeing, guard pages and the
 * stack, other processes' memory, and what happens when there is no more. With an argument the
 * program is its own child.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT    0x10000
#define PAGE    0x1000

static NTSTATUS
Allocate(PVOID *Base, SIZE_T Size, ULONG Type, ULONG Protect)
{
    return NtAllocateVirtualMemory(NtCurrentProcess(), Base, 0, &Size, Type, Protect);
}

static NTSTATUS
Free(PVOID Base, SIZE_T Size, ULONG Type)
{
    return NtFreeVirtualMemory(NtCurrentProcess(), &Base, &Size, Type);
}

static NTSTATUS
Protect(PVOID Base, SIZE_T Size, ULONG New, PULONG Old)
{
    return NtProtectVirtualMemory(NtCurrentProcess(), &Base, &Size, New, Old);
}

static MEMORY_BASIC_INFORMATION
Query(PVOID Base)
{
    MEMORY_BASIC_INFORMATION Information = { 0 };

    NtQueryVirtualMemory(NtCurrentProcess(), Base, 0, &Information, sizeof Information, NULL);
    return Information;
}

/* The exception a touch raises, or 0. */
static NTSTATUS
Touch(volatile char *Va, BOOL Write)
{
    __try {
        if (Write)
            *Va = 1;
        else
            (void)*Va;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return 0;
}

static void
ReserveAndCommit(void)
{
    PVOID                    Base = NULL, Page;
    MEMORY_BASIC_INFORMATION Information;
    NTSTATUS                 Status = Allocate(&Base, 10 * PAGE, MEM_RESERVE, PAGE_READWRITE);

    Promise("Reserved memory cannot be touched, committed memory can and is zero");
    Expect(Status == 0 && ((ULONG_PTR)Base & (UNIT - 1)) == 0, "0x%08lX at %p", Status, Base);
    Expect(Touch(Base, FALSE) == STATUS_ACCESS_VIOLATION, "reserved");
    Page = (char *)Base + 3 * PAGE;
    Status = Allocate(&Page, 2 * PAGE, MEM_COMMIT, PAGE_READWRITE);
    Expect(Status == 0, "commit 0x%08lX", Status);
    Expect(*(char *)Page == 0 && Touch((char *)Page + 2 * PAGE - 1, TRUE) == 0, "committed");

    Promise("NtQueryVirtualMemory tells regions apart");
    Information = Query((char *)Base + 1);
    Expect(Information.State == MEM_RESERVE && Information.RegionSize == 3 * PAGE &&
           Information.AllocationBase == Base, "first: state 0x%lX size 0x%llX",
           Information.State, (ULONG64)Information.RegionSize);
    Information = Query(Page);
    Expect(Information.State == MEM_COMMIT && Information.RegionSize == 2 * PAGE &&
           Information.Protect == PAGE_READWRITE && Information.Type == MEM_PRIVATE,
           "middle: state 0x%lX size 0x%llX", Information.State, (ULONG64)Information.RegionSize);
    Expect(Query((PVOID)(ULONG_PTR)ReserveAndCommit).Type == MEM_IMAGE, "the program's own image");

    Promise("Memory is freed by the page and as a whole");
    Status = Free(Page, PAGE, MEM_DECOMMIT);
    Expect(Status == 0 && Touch(Page, FALSE) == STATUS_ACCESS_VIOLATION, "decommit 0x%08lX",
           Status);
    Status = Free(Page, 0, MEM_RELEASE);
    Expect(Status == STATUS_FREE_VM_NOT_AT_BASE, "not at base 0x%08lX", Status);
    Status = Free((char *)Base + 4 * PAGE, PAGE, MEM_RELEASE);
    Expect(Status == 0 && Query((char *)Base + 4 * PAGE).State == MEM_FREE, "middle 0x%08lX",
           Status);
    Expect(Free(Base, 0, MEM_RELEASE) == 0, "the lower part");
    Expect(Free((char *)Base + 5 * PAGE, 5 * PAGE, MEM_RELEASE) == 0, "the upper part");
    Status = Free(Base, 0, MEM_RELEASE);
    Expect(Status == STATUS_MEMORY_NOT_ALLOCATED, "twice 0x%08lX", Status);
}

static void
Rights(void)
{
    PVOID    Base = NULL;
    ULONG    Old = 0;
    NTSTATUS Status = Allocate(&Base, 3 * PAGE, MEM_COMMIT, PAGE_READWRITE);

    Promise("Rights hold, and change");
    *(volatile UCHAR *)Base = 0xC3;
    Status = Protect(Base, 1, PAGE_READONLY, &Old);
    Expect(Status == 0 && Old == PAGE_READWRITE, "0x%08lX, was 0x%lX", Status, Old);
    Expect(Touch(Base, TRUE) == STATUS_ACCESS_VIOLATION && Touch(Base, FALSE) == 0, "read-only");
    Expect(Touch((char *)Base + PAGE, TRUE) == 0, "the next page is as it was");
    Protect(Base, 1, PAGE_NOACCESS, &Old);
    Expect(Touch(Base, FALSE) == STATUS_ACCESS_VIOLATION, "no access");
    Status = Protect(Base, 1, PAGE_EXECUTE_READ, &Old);
    Expect(Status == 0 && Old == PAGE_NOACCESS, "executable 0x%08lX", Status);
    ((void (*)(void))Base)();
    Expect(Query(Base).Protect == PAGE_EXECUTE_READ, "0x%lX", Query(Base).Protect);
    Status = Protect(Base, PAGE, PAGE_WRITECOPY, &Old);
    Expect(Status == STATUS_INVALID_PAGE_PROTECTION, "write-copy of private memory 0x%08lX",
           Status);
    Status = Protect((char *)Base + 2 * PAGE, 2 * PAGE, PAGE_READONLY, &Old);
    Expect(Status == STATUS_CONFLICTING_ADDRESSES, "beyond the end 0x%08lX", Status);

    Promise("A guard page is told of once");
    Protect((char *)Base + PAGE, PAGE, PAGE_READWRITE | PAGE_GUARD, &Old);
    Status = Touch((char *)Base + PAGE, TRUE);
    Expect(Status == STATUS_GUARD_PAGE_VIOLATION, "first touch 0x%08lX", Status);
    Expect(Touch((char *)Base + PAGE, TRUE) == 0, "second touch");
    Expect(Query((char *)Base + PAGE).Protect == PAGE_READWRITE, "the flag is gone");
    Free(Base, 0, MEM_RELEASE);
}

static void
Refusals(void)
{
    PVOID    Base = (PVOID)0x12340000, Same = Base;
    ULONG    Old;
    NTSTATUS Status;

    Promise("What makes no sense is refused with its status");
    Status = Allocate(&Base, PAGE, MEM_RESERVE, PAGE_READWRITE);
    Expect(Status == 0 && Base == (PVOID)0x12340000, "a place of one's choice 0x%08lX", Status);
    Status = Allocate(&Same, PAGE, MEM_RESERVE, PAGE_READWRITE);
    Expect(Status == STATUS_CONFLICTING_ADDRESSES, "taken 0x%08lX", Status);
    Status = Protect(Base, PAGE, PAGE_READONLY, &Old);
    Expect(Status == STATUS_NOT_COMMITTED, "not committed 0x%08lX", Status);
    Status = Protect(Base, PAGE, PAGE_READONLY | PAGE_READWRITE, &Old);
    Expect(Status == STATUS_INVALID_PAGE_PROTECTION, "two rights 0x%08lX", Status);
    Free(Base, 0, MEM_RELEASE);
    Base = NULL;
    Expect(Allocate(&Base, 0, MEM_COMMIT, PAGE_READWRITE) == STATUS_INVALID_PARAMETER_4, "nothing");
    Expect(Allocate(&Base, PAGE, 0, PAGE_READWRITE) == STATUS_INVALID_PARAMETER_5, "no type");
    Expect(Allocate(&Base, PAGE, MEM_COMMIT, 0) == STATUS_INVALID_PAGE_PROTECTION, "no rights");
    Base = (PVOID)0xFFFFF80000400000;
    Expect(Allocate(&Base, PAGE, MEM_COMMIT, PAGE_READWRITE) == STATUS_INVALID_PARAMETER_2,
           "kernel");
    Expect(Free((PVOID)0xFFFFF80000400000, 0, MEM_RELEASE) == STATUS_INVALID_PARAMETER_2, "free");
    Status = Free((PVOID)(ULONG_PTR)Refusals, 0, MEM_DECOMMIT);
    Expect(!NT_SUCCESS(Status), "the program's own code 0x%08lX", Status);
    Expect(!NT_SUCCESS(Free((PVOID)0x7FFE0000, 0, MEM_RELEASE)), "the shared page");
    Expect(Touch((char *)0x7FFE0000, TRUE) == STATUS_ACCESS_VIOLATION, "writing the shared page");
    Expect(Touch((char *)0x7FFE0000, FALSE) == 0, "reading it");
}

static int
Deep(int Depth)
{
    volatile char Room[3000];

    Room[Depth] = (char)Depth;
    return Depth > 0 ? Deep(Depth - 1) + Room[Depth] : 0;
}

static void
Stack(void)
{
    volatile NT_TIB *Tib = (PNT_TIB)NtCurrentTeb();
    PVOID            Before = Tib->StackLimit;

    Promise("The stack grows page by page, and the TEB says how far");
    Deep(150);
    Expect((char *)Before - (char *)Tib->StackLimit > 150 * 3000 - 0x20000, "from %p to %p", Before,
           Tib->StackLimit);
    Expect(Query((char *)Tib->StackLimit - 1).Protect == (PAGE_READWRITE | PAGE_GUARD),
           "below it is the guard page: 0x%lX", Query((char *)Tib->StackLimit - 1).Protect);
}

/* Commits until there is no more; the system must go on. */
static void
Exhaustion(void)
{
    static PVOID Base[4096];
    ULONG    Count = 0;
    NTSTATUS Status = 0;

    Promise("A program that wants all memory is told no, and gets it again after it gave it back");
    while (Count < ARRAYSIZE(Base)) {
        Base[Count] = NULL;
        Status = Allocate(&Base[Count], 1 << 20, MEM_COMMIT, PAGE_READWRITE);
        if (Status != 0)
            break;
        Touch(Base[Count], TRUE);
        Touch((char *)Base[Count] + (1 << 19), TRUE);
        Count++;
    }
    Expect(Status == STATUS_COMMITMENT_LIMIT || Status == STATUS_NO_MEMORY, "0x%08lX after %lu MiB",
           Status, Count);
    Expect(Count > 16, "only %lu MiB", Count);
    for (ULONG Index = 0; Index < Count; Index++)
        Free(Base[Index], 0, MEM_RELEASE);
    Base[0] = NULL;
    Status = Allocate(&Base[0], (SIZE_T)Count << 20, MEM_COMMIT, PAGE_READWRITE);
    Expect(Status == 0, "all of it again: 0x%08lX", Status);
    Free(Base[0], 0, MEM_RELEASE);
    Base[0] = NULL;
    Status = Allocate(&Base[0], (SIZE_T)1 << 42, MEM_RESERVE, PAGE_READWRITE);
    Expect(Status == 0, "4 TiB may be reserved: 0x%08lX", Status);
    Free(Base[0], 0, MEM_RELEASE);
}

static void
Others(void)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    PROCESS_INFORMATION Child;
    char                Line[] = "tmemory child", Text[32] = "";
    PVOID               Remote = NULL;
    SIZE_T              Size = PAGE, Done = 0;
    NTSTATUS            Status;

    Promise("Another process' memory can be allocated, written, read and freed through its handle");
    if (!Expect(CreateProcessA(NULL, Line, NULL, NULL, FALSE, 0, NULL, NULL, &Startup, &Child),
                "child"))
        return;
    Status = NtAllocateVirtualMemory(Child.hProcess, &Remote, 0, &Size, MEM_COMMIT, PAGE_READWRITE);
    Expect(Status == 0, "allocate 0x%08lX", Status);
    Status = NtWriteVirtualMemory(Child.hProcess, (char *)Remote + 5, "over there", 11, &Done);
    Expect(Status == 0 && Done == 11, "write 0x%08lX, %llu", Status, (ULONG64)Done);
    Status = NtReadVirtualMemory(Child.hProcess, (char *)Remote + 5, Text, 11, &Done);
    Expect(Status == 0 && strcmp(Text, "over there") == 0, "read 0x%08lX: %s", Status, Text);
    Status = NtReadVirtualMemory(Child.hProcess, (char *)Remote + PAGE - 4, Text, 8, &Done);
    Expect(Status == STATUS_PARTIAL_COPY, "over the end 0x%08lX", Status);
    Status = NtReadVirtualMemory(Child.hProcess, (PVOID)0xFFFFF80000400000, Text, 8, &Done);
    Expect(Status == STATUS_ACCESS_VIOLATION, "kernel memory 0x%08lX", Status);
    Status = NtFreeVirtualMemory(Child.hProcess, &Remote, (Size = 0, &Size), MEM_RELEASE);
    Expect(Status == 0, "free 0x%08lX", Status);
    TerminateProcess(Child.hProcess, 1);
    WaitForSingleObject(Child.hProcess, 10000);
    Status = NtReadVirtualMemory(Child.hProcess, Remote, Text, 8, &Done);
    Expect(!NT_SUCCESS(Status), "a process that has ended 0x%08lX", Status);
    CloseHandle(Child.hProcess);
    CloseHandle(Child.hThread);
}

/* A child that eats memory and dies with it; afterwards the next one must find as much. */
static void
Ends(void)
{
    Promise("What a process had is free when it has ended");
    for (int Round = 0; Round < 5; Round++) {
        ULONG Code = RunProgram("tmemory eat");

        Expect(Code == 0, "round %d: 0x%08lX", Round, Code);
    }
}

static int
Child(const char *What)
{
    PVOID Base = NULL;

    if (strcmp(What, "child") == 0)
        Sleep(60000);
    if (Allocate(&Base, 64 << 20, MEM_COMMIT, PAGE_READWRITE) != 0)
        return 1;
    for (ULONG Offset = 0; Offset < 64 << 20; Offset += PAGE)
        ((volatile char *)Base)[Offset] = 1;
    return 0;
}

int
main(int Count, char **Arguments)
{
    if (Count > 1)
        return Child(Arguments[1]);
    ReserveAndCommit();
    Rights();
    Refusals();
    Stack();
    Others();
    Exhaustion();
    Ends();
    return Done("tmemory");
}
