/*
 * Structured exceptions in a program: __try, __except, __finally, filters that continue, nesting,
 * vectored handlers.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <string.h>

static char         Order[32];
static int          Steps;
static volatile int Zero;

static void
Step(char Letter)
{
    if (Steps < 31)
        Order[Steps++] = Letter;
    Order[Steps] = 0;
}

static void
Begin(void)
{
    Steps = 0;
    Order[0] = 0;
}

static BOOL
Is(const char *Text)
{
    return strcmp(Order, Text) == 0;
}

static void
Simple(void)
{
    NTSTATUS  Code = 0;
    ULONG_PTR Where = 0, Access = 9;

    Promise("__except sees an access violation with its code, address and kind");
    __try {
        *(volatile int *)0x58 = 1;
        Step('!');
    } __except (Code = GetExceptionCode(),
        Where = ((PEXCEPTION_POINTERS)GetExceptionInformation())->ExceptionRecord
            ->ExceptionInformation[1],
        Access = ((PEXCEPTION_POINTERS)GetExceptionInformation())->ExceptionRecord
            ->ExceptionInformation[0], EXCEPTION_EXECUTE_HANDLER) {
        Step('h');
    }
    Expect(Code == STATUS_ACCESS_VIOLATION, "code 0x%08lX", Code);
    Expect(Where == 0x58 && Access == 1, "address %p kind %llu", (PVOID)Where, (ULONG64)Access);
    Expect(Is("h"), "order %s", Order);

    Promise("A division by zero is caught");
    __try {
        Code = 100 / Zero;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    Expect(Code == STATUS_INTEGER_DIVIDE_BY_ZERO, "code 0x%08lX", Code);
}

static void
Inner(void)
{
    __try {
        __try {
            Step('a');
            *(volatile int *)0x10 = 1;
            Step('!');
        } __finally {
            Step(AbnormalTermination() ? 'b' : 'B');
        }
    } __except (Step('f'), EXCEPTION_CONTINUE_SEARCH) {
        Step('!');
    }
}

static void
Nested(void)
{
    Begin();
    Promise("Filters run first, from inside out, then the __finally blocks, then the handler");
    __try {
        Inner();
        Step('!');
    } __except (Step('g'), EXCEPTION_EXECUTE_HANDLER) {
        Step('h');
    }
    Expect(Is("afgbh"), "order %s", Order);

    Begin();
    Promise("__finally runs without an exception too");
    __try {
        Step('a');
    } __finally {
        Step(AbnormalTermination() ? 'B' : 'b');
    }
    Expect(Is("ab"), "order %s", Order);

    Begin();
    Promise("An exception in a handler goes to the next one out");
    __try {
        __try {
            *(volatile int *)0x10 = 1;
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Step('a');
            RaiseException(0xE0000001, 0, 0, NULL);
            Step('!');
        }
    } __except (GetExceptionCode() == 0xE0000001 ? EXCEPTION_EXECUTE_HANDLER
                                                 : EXCEPTION_CONTINUE_SEARCH) {
        Step('b');
    }
    Expect(Is("ab"), "order %s", Order);
}

static LONG
MakeReadable(PEXCEPTION_POINTERS Pointers, PVOID Page)
{
    DWORD Old;

    if ((PVOID)Pointers->ExceptionRecord->ExceptionInformation[1] != Page)
        return EXCEPTION_CONTINUE_SEARCH;
    VirtualProtect(Page, 4096, PAGE_READWRITE, &Old);
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void
Continue(void)
{
    volatile int *Page = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_NOACCESS);

    Promise("A filter that repairs the page continues at the faulting instruction");
    __try {
        *Page = 123;
    } __except (MakeReadable(GetExceptionInformation(), (PVOID)Page)) {
        Expect(FALSE, "the handler ran");
    }
    Expect(*Page == 123, "the page holds %d", *Page);
    VirtualFree((PVOID)Page, 0, MEM_RELEASE);
}

static void
Software(void)
{
    ULONG_PTR Arguments[2] = { 11, 22 }, Seen = 0;

    Promise("RaiseException carries its arguments; a continued one returns");
    __try {
        RaiseException(0xE0000002, 0, 2, Arguments);
    } __except (Seen = ((PEXCEPTION_POINTERS)GetExceptionInformation())->ExceptionRecord
            ->ExceptionInformation[1], EXCEPTION_EXECUTE_HANDLER) {
    }
    Expect(Seen == 22, "argument %llu", (ULONG64)Seen);
    Begin();
    __try {
        RaiseException(0xE0000003, 0, 0, NULL);
        Step('c');
    } __except (EXCEPTION_CONTINUE_EXECUTION) {
        Step('!');
    }
    Expect(Is("c"), "order %s", Order);
}

static int
Deep(int Level)
{
    int Result = 0;

    if (Level == 0)
        return *(volatile int *)0x10;
    __try {
        Result = Deep(Level - 1) + 1;
    } __finally {
        Steps++;
    }
    return Result;
}

static void
DeepUnwind(void)
{
    Steps = 0;
    Promise("An unwind through a hundred frames runs each __finally once");
    __try {
        Deep(100);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
    Expect(Steps == 100, "%d ran", Steps);
}

static LONG CALLBACK
Vectored(PEXCEPTION_POINTERS Pointers)
{
    Step('v');
    return EXCEPTION_CONTINUE_SEARCH;
}

static void
VectoredFirst(void)
{
    PVOID Handle = AddVectoredExceptionHandler(1, Vectored);

    Begin();
    Promise("A vectored handler is asked before the frames, until it is removed");
    __try {
        *(volatile int *)0x10 = 1;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Step('h');
    }
    RemoveVectoredExceptionHandler(Handle);
    __try {
        *(volatile int *)0x10 = 1;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Step('h');
    }
    Expect(Is("vhh"), "order %s", Order);
}

static void
ServiceInside(void)
{
    HANDLE Event = CreateEventA(NULL, TRUE, FALSE, NULL);

    Promise("A bad pointer to a system service is a status, not an exception");
    __try {
        Expect(NtSetEvent(Event, (PLONG)0x10) == STATUS_ACCESS_VIOLATION, "status");
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Expect(FALSE, "an exception");
    }
    CloseHandle(Event);
}

int
main(void)
{
    Simple();
    Nested();
    Continue();
    Software();
    DeepUnwind();
    VectoredFirst();
    ServiceInside();
    return Done("tseh");
}
