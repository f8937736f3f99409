/*
 * The handle trace: a ring of the last OB_HANDLE_TRACE_RECORDS handles that were made, closed, or
 * used without being handles, always on (ob.h has the records). The debugger's !htrace prints
 * those of one handle or process; a leak shows as an OPEN without a CLOSE, a double close as a BAD
 * REFERENCE after one.
 *
 * A record has a short stack. Of a program that made a system call it is the return address of the
 * call and the one above it on the program's stack, which is read like any other memory of a
 * program's: it may not be there. Of a driver or the kernel itself (previous mode KernelMode) it is
 * the caller of the Zw routine, if there is one. With ObpHandleTraceDeep set, by `htrace` on the
 * command line or from the debugger, it is the whole stack from the nearest driver on, out of the
 * unwind tables: some thousand instructions a handle.
 *
 * A program sees its own records from the moment it asks for them (ProcessHandleTracing).
 *
 * No lock: the sequence number, taken by an interlocked increment, gives the place.
 */
#include "kernel.h"
#include "rtl/rtl.h"
#include "ob/obp.h"

#define OB_DEEPEST_FRAME    12

extern IMAGE_DOS_HEADER __ImageBase;             // the linker's: the kernel itself

OB_HANDLE_TRACE_RECORD ObpHandleTraceRing[OB_HANDLE_TRACE_RECORDS];
volatile LONG          ObpHandleTraceSequence;
BOOLEAN                ObpHandleTraceDeep;

/* The system call of the running thread's program, whose stack may be in another address space. */
static inline USHORT
ObpTraceUserStack(PKTHREAD Thread, PVOID *Stack)
{
    PKTRAP_FRAME TrapFrame = Thread->TrapFrame;

    Stack[0] = (PVOID)TrapFrame->Rip;
    return Thread->ApcStateIndex == 0 && KePeekUser((PVOID)TrapFrame->Rsp, &Stack[1]) ? 2 : 1;
}

/* The nearest driver's frame and those above it; the nearest ones if there is no driver. */
static DECLSPEC_NOINLINE USHORT
ObpTraceKernelStack(PVOID *Stack, ULONG Count)
{
    PVOID  Frames[OB_DEEPEST_FRAME], Image;
    USHORT Known, First = 0;

    if (!ObpHandleTraceDeep) {
        Stack[0] = KeServiceCaller();
        return Stack[0] != NULL;
    }
    Known = RtlCaptureStackBackTrace(1, OB_DEEPEST_FRAME, Frames, NULL);
    while (First < Known && RtlPcToFileHeader(Frames[First], &Image) == (PVOID)&__ImageBase)
        First++;
    if (First == Known)
        First = 0;
    Known = (USHORT)min(Known - First, Count);
    RtlCopyMemory(Stack, &Frames[First], Known * sizeof(PVOID));
    return Known;
}

VOID
ObpTraceHandle(UCHAR Kind, PHANDLE_TABLE Table, HANDLE Handle, POBJECT_HEADER Header)
{
    PKTHREAD                Thread = KeGetCurrentThread();
    POB_HANDLE_TRACE_RECORD Record;
    ULONG                   Sequence;

    if (PsInitialSystemProcess == NULL)
        return;                                 // the first threads are no ETHREADs

    Sequence = (ULONG)InterlockedIncrement(&ObpHandleTraceSequence);
    Record   = &ObpHandleTraceRing[(Sequence - 1) % OB_HANDLE_TRACE_RECORDS];
    Record->Sequence  = 0;
    Record->Kind      = Kind;
    Record->Processor = (UCHAR)KiCurrentNumber();
    Record->Handle    = Table == ObpKernelHandleTable ? ObpKernelHandleValue(Handle) : Handle;
    Record->Process   = Table != NULL ? Table->Process : NULL;
    Record->Object    = Header != NULL ? &Header->Body : NULL;
    Record->ClientId  = CONTAINING_RECORD(Thread, ETHREAD, Tcb)->Cid;
    Record->Time      = __rdtsc();
    Record->Frames    = Thread->PreviousMode != KernelMode && Table != ObpKernelHandleTable
                      ? ObpTraceUserStack(Thread, Record->Stack)
                      : ObpTraceKernelStack(Record->Stack, RTL_NUMBER_OF(Record->Stack));
    Record->Sequence  = Sequence;
}

NTSTATUS DECLSPEC_NOINLINE
ObpBadHandle(PHANDLE_TABLE Table, HANDLE Handle)
{
    ObpTraceHandle(OB_HANDLE_TRACE_BAD, Table, Handle, NULL);
    return STATUS_INVALID_HANDLE;
}

ULONG
ObQueryHandleTrace(PEPROCESS Process, ULONG Start, PPROCESS_HANDLE_TRACING_QUERY Query,
                   ULONG Length)
{
    ULONG  Last = (ULONG)ObpHandleTraceSequence, Count = 0;
    ULONG  Needed = FIELD_OFFSET(PROCESS_HANDLE_TRACING_QUERY, HandleTrace);
    HANDLE Wanted = Query->Handle;

    for (ULONG At = Last; At >= Start && Last - At < OB_HANDLE_TRACE_RECORDS; At--) {
        OB_HANDLE_TRACE_RECORD Record = ObpHandleTraceRing[(At - 1) % OB_HANDLE_TRACE_RECORDS];
        PROCESS_HANDLE_TRACING_ENTRY Entry = { Record.Handle, Record.ClientId, Record.Kind, { 0 } };
        BOOLEAN Own = Record.Process != NULL
            ? Record.Process == Process : Record.ClientId.UniqueProcess == Process->UniqueProcessId;

        if (Record.Sequence != At || !Own || (Wanted != NULL && Wanted != Record.Handle))
            continue;
        RtlCopyMemory(Entry.Stacks, Record.Stack, Record.Frames * sizeof(PVOID));
        Needed += sizeof Entry;
        if (Needed <= Length)
            Query->HandleTrace[Count] = Entry;
        Count++;
    }
    Query->TotalTraces = Count;
    return Needed;
}
