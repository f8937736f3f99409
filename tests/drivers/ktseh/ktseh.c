/*
 * The harder half of structured exceptions in a driver: filters that mend and continue,
 * exceptions inside filters and __finally blocks, unwinds over many frames and out of memcpy, and
 * walking the stack. kttrap.sys has the traps themselves.
 */
#include <ntifs.h>

#include "../ktest.h"

PVOID NTAPI RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage);       // not in <ntifs.h>

static char          Order[16];
static ULONG         OrderLength;
static volatile LONG Never;

static LONG
Note(char Letter)
{
    if (OrderLength < sizeof(Order) - 1)
        Order[OrderLength++] = Letter;
    return 1;
}

static BOOLEAN
NotedIs(PCSTR Text)
{
    BOOLEAN Same = strcmp(Order, Text) == 0;

    if (!Same)
        DbgPrint("ktseh: the order was %s, not %s\n", Order, Text);
    RtlZeroMemory(Order, sizeof(Order));
    OrderLength = 0;
    return Same;
}

static __attribute__((noinline)) VOID
Raise(NTSTATUS Status)
{
    if (Never == 0)                     // so that the compiler does not know that it never returns
        ExRaiseStatus(Status);
}

static __attribute__((noinline)) VOID
RaiseInFinally(VOID)
{
    __try {
        Raise(STATUS_DATA_ERROR);
    } __finally {
        Note('f');
        Raise(STATUS_CRC_ERROR);
    }
}

/*
 * The second exception leaves a __finally that the first one's unwind runs: the older unwind is
 * taken over.
 */
static VOID
CollidedUnwind(VOID)
{
    __try {
        __try {
            RaiseInFinally();
        } __except ((NTSTATUS)GetExceptionCode() == STATUS_DATA_ERROR ? Note('1') : 0) {
            Note('x');
        }
    } __except ((NTSTATUS)GetExceptionCode() == STATUS_CRC_ERROR ? Note('2') : 0) {
        EXPECT((NTSTATUS)GetExceptionCode() == STATUS_CRC_ERROR);
        Note('h');
    }
    EXPECT(NotedIs("1f2h"));
}

static LONG
RaisingFilter(VOID)
{
    __try {
        Raise(STATUS_CRC_ERROR);
    } __except (Note('i')) {
        Note('j');
    }
    return EXCEPTION_EXECUTE_HANDLER;
}

/* An exception inside a filter is dispatched and handled there; the filter goes on. */
static VOID
NestedInFilter(VOID)
{
    __try {
        Raise(STATUS_DATA_ERROR);
    } __except (RaisingFilter()) {
        EXPECT((NTSTATUS)GetExceptionCode() == STATUS_DATA_ERROR);
        Note('h');
    }
    EXPECT(NotedIs("ijh"));
}

static volatile LONG Good = 77;

static LONG
Mend(PEXCEPTION_POINTERS Pointers)
{
    if (Pointers->ExceptionRecord->ExceptionCode != STATUS_ACCESS_VIOLATION)
        return EXCEPTION_CONTINUE_SEARCH;
    Pointers->ContextRecord->Rcx = (ULONG64)&Good;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static VOID
ContinueExecution(VOID)
{
    volatile LONG Value = 0;

    __try {
        LONG Read;

        __asm__ __volatile__("movl (%%rcx), %0" : "=r"(Read) : "c"((PVOID)0x123450));
        Value = Read;
    } __except (Mend(GetExceptionInformation())) {
        Value = -1;
    }
    EXPECT(Value == 77);
}

static __attribute__((noinline)) LONG
Deep(LONG Depth, volatile LONG *Above)
{
    volatile LONG Block[64];

    Block[Depth] = Depth + *Above;
    if (Depth == 0) {
        Raise(STATUS_DATA_OVERRUN);
        return 0;
    }
    return Deep(Depth - 1, Block) + Block[Depth];
}

/*
 * Registers that a function may not change are the caller's again after an unwind over many
 * frames.
 */
static VOID
RegistersKept(VOID)
{
    volatile LONG Start = 0;
    LONG64        A = 1, B = 2, C = 3, D = 4, E = 5, F = 6;

    __asm__ __volatile__("" : "+r"(A), "+r"(B), "+r"(C), "+r"(D), "+r"(E), "+r"(F));
    __try {
        Deep(20, &Start);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Note('h');
    }
    __asm__ __volatile__("" : "+r"(A), "+r"(B), "+r"(C), "+r"(D), "+r"(E), "+r"(F));
    EXPECT(A == 1 && B == 2 && C == 3 && D == 4 && E == 5 && F == 6);
    EXPECT(NotedIs("h"));
}

static VOID
FaultInCopy(VOID)
{
    UCHAR Local[100];

    __try {
        memcpy(Local, (PVOID)0x10000, sizeof(Local));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Note('c');
    }
    __try {
        memset((PVOID)0x10000, 0, sizeof(Local));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Note('s');
    }
    EXPECT(NotedIs("cs"));
}

static VOID
WalkingTheStack(VOID)
{
    PVOID  Frames[8], Base, Own;
    ULONG  Hash;
    USHORT Count = RtlCaptureStackBackTrace(0, 8, Frames, &Hash);

    EXPECT(Count >= 3);
    EXPECT(RtlPcToFileHeader((PVOID)(ULONG_PTR)WalkingTheStack, &Own) == Own && Own != NULL);
    EXPECT(RtlPcToFileHeader(Frames[0], &Base) == Own);
    EXPECT(RtlPcToFileHeader(Frames[Count - 1], &Base) != NULL && Base != Own);
    EXPECT(*(PUSHORT)Own == 0x5A4D);
}

static const KT_TEST Tests[] = {
    { "An unwind that collides with an older one takes it over", CollidedUnwind },
    { "An exception inside a filter is handled inside it", NestedInFilter },
    { "A filter can mend the registers and continue", ContinueExecution },
    { "Nonvolatile registers survive an unwind over many frames", RegistersKept },
    { "A fault inside memcpy and memset reaches the caller's handler", FaultInCopy },
    { "A driver can walk its stack and find images by address", WalkingTheStack },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = Unload;
    KtRun("ktseh", Tests, sizeof(Tests) / sizeof(Tests[0]));
    return STATUS_SUCCESS;
}
