/*
 * DbgPrint and its relatives.
 *
 * A message is formatted into a buffer on the caller's stack and then put out as a whole: into
 * KdPrintRing, where the debugger finds what a machine said last, and to QEMU's debug port. To
 * keep lines of several processors apart there is a lock, KdpPortOwner, but one that nobody
 * depends on: it is held only with interrupts off and for one message, and who cannot get it soon
 * goes on without it. So a message may come from an interrupt routine, with any lock held, out of
 * a bugcheck, and while other processors are frozen in the middle of theirs; the worst that
 * happens is that two lines mix.
 */
#include "kdp.h"

#define EFLAGS_INTERRUPT    0x200
#define DEBUG_PORT  ((PUCHAR)0xE9)

KD_PRINT_RING KdPrintRing;

static BOOLEAN       KdpReady;              // set at start-up, never changed afterwards
static volatile LONG KdpPortOwner;          // 1: some processor is putting a message out

// there is no kernel debugger but the one that drives QEMU
BOOLEAN KdDebuggerEnabled = FALSE;
BOOLEAN KdDebuggerNotPresent = TRUE;

typedef struct _KD_LINE {
    ULONG Length;
    CHAR  Text[KD_LINE_SIZE];
} KD_LINE, *PKD_LINE;

VOID
KdInitialize(VOID)
{
    KdpInitializeUarts();
    KdpReady = TRUE;
}

static BOOLEAN
KdpAcquirePort(VOID)
{
    ULONG Tries;

    for (Tries = 0; Tries < 100000; Tries += 1) {
        if (InterlockedCompareExchange(&KdpPortOwner, 1, 0) == 0)
            return TRUE;
        YieldProcessor();
    }
    return FALSE;
}

static VOID
KdpPutRing(PCSTR Text, ULONG Length)
{
    ULONG Start = InterlockedExchangeAdd(&KdPrintRing.Written, Length);
    ULONG Index;

    for (Index = 0; Index < Length; Index += 1)
        KdPrintRing.Text[(Start + Index) % KD_RING_SIZE] = Text[Index];
}

static VOID
KdpPut(PCSTR Text, ULONG Length)
{
    BOOLEAN Interrupts = (__readeflags() & EFLAGS_INTERRUPT) != 0;
    BOOLEAN Owner;

    if (!KdpReady)
        return;

    _disable();
    Owner = KdpAcquirePort();
    KdpPutRing(Text, Length);
    WRITE_PORT_BUFFER_UCHAR(DEBUG_PORT, (PUCHAR)Text, Length);
    if (Owner)
        InterlockedExchange(&KdpPortOwner, 0);
    if (Interrupts)
        _enable();
}

VOID
KdPutDebugString(PCSTR String)
{
    KdpPut(String, (ULONG)strlen(String));
}

VOID
KdPutConsole(PCSTR String)
{
    KdPutDebugString(String);
    KdpPutUarts(String);
}

static VOID
KdpPutCharacter(PVOID Context, WCHAR Character)
{
    PKD_LINE Line = Context;

    if (Line->Length < KD_LINE_SIZE)
        Line->Text[Line->Length++] = Character <= 0xFF ? (CHAR)Character : '?';
}

/* Puts Prefix and the formatted message out; what exceeds KD_LINE_SIZE is cut off. Any IRQL. */
ULONG NTAPI
vDbgPrintExWithPrefix(PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format, va_list Arguments)
{
    KD_LINE Line = { .Length = 0 };

    UNREFERENCED_PARAMETER(ComponentId);
    UNREFERENCED_PARAMETER(Level);
    for (; *Prefix != '\0'; Prefix += 1)
        KdpPutCharacter(&Line, (UCHAR)*Prefix);
    RtlpFormat(KdpPutCharacter, &Line, Format, Arguments);
    KdpPut(Line.Text, Line.Length);
    return STATUS_SUCCESS;
}

ULONG NTAPI
vDbgPrintEx(ULONG ComponentId, ULONG Level, PCCH Format, va_list Arguments)
{
    return vDbgPrintExWithPrefix("", ComponentId, Level, Format, Arguments);
}

ULONG
DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
    va_list Arguments;
    ULONG   Status;

    va_start(Arguments, Format);
    Status = vDbgPrintEx(ComponentId, Level, Format, Arguments);
    va_end(Arguments);
    return Status;
}

ULONG
DbgPrint(PCSTR Format, ...)
{
    va_list Arguments;
    ULONG   Status;

    va_start(Arguments, Format);
    Status = vDbgPrintEx(DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, Format, Arguments);
    va_end(Arguments);
    return Status;
}

/* Is there a debugger now? None that the kernel could know of. */
BOOLEAN NTAPI
KdRefreshDebuggerNotPresent(VOID)
{
    return KdDebuggerNotPresent;
}

/*
 * A breakpoint. gdb stops here when it is attached; otherwise it is an exception like any other,
 * and the kernel reports and skips it when the command line says `ignorebreak`.
 */
__attribute__((naked)) VOID NTAPI
DbgBreakPoint(VOID)
{
    __asm__("int3\n\tret");
}

__attribute__((naked)) VOID NTAPI
DbgBreakPointWithStatus(ULONG Status)
{
    __asm__("movl %ecx, %eax\n\tint3\n\tret");
}

/* A failed ASSERT: says which, then breaks. Any IRQL. */
VOID NTAPI
RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PSTR Message)
{
    DbgPrint("Assertion failed: %s%s%s, %s line %u\n", Message != NULL ? Message : "",
             Message != NULL ? ": " : "", FailedAssertion, FileName, LineNumber);
    DbgBreakPoint();
}
