/*
 * Part of iop.h: the last IOP_TRACE_RECORDS steps of any IRP's life (trace.c). The numbers are
 * those of the protocol in io.h.
 */
#pragma once

#define IOP_TRACE_RECORDS   8192            // a power of two

typedef enum _IOP_TRACE_EVENT {
    IopTraceSent = 1,       // (3) Routine: dispatch routine, Detail: major | minor << 8
    IopTracePended,         // (4) Routine: dispatch routine, which returned STATUS_PENDING
    IopTraceCancelled,      // (5) Routine: cancel routine about to be called, or NULL
    IopTraceCompleted,      // (6) Routine: caller of IofCompleteRequest, Detail: status
    IopTraceKept,           // (6) Routine: completion routine that said MORE_PROCESSING_REQUIRED
    IopTraceFreed           // (8) Routine: caller of IoFreeIrp
} IOP_TRACE_EVENT;

typedef struct _IOP_TRACE_RECORD {
    PIRP           Irp;                     // may be free by now
    PDEVICE_OBJECT Device;                  // of SENT and PENDED
    PVOID          Routine;
    ULONG64        Time;                    // time stamp counter
    ULONG          Sequence;                // 1, 2, ...: 0 in a record never written
    ULONG          Detail;
    USHORT         Processor;
    KIRQL          Irql;
    UCHAR          Event;                   // IOP_TRACE_EVENT
    CHAR           Location;                // Irp->CurrentLocation; 0 of PENDED
} IOP_TRACE_RECORD, *PIOP_TRACE_RECORD;

extern IOP_TRACE_RECORD IopTraceRing[IOP_TRACE_RECORDS];
// of the last record; it stands at Sequence % IOP_TRACE_RECORDS
extern volatile LONG    IopTraceSequence;

static inline VOID
IopTrace(IOP_TRACE_EVENT Event, PIRP Irp, CHAR Location, PDEVICE_OBJECT Device, PVOID Routine,
         ULONG Detail, KIRQL Irql)
{
    ULONG             Sequence = (ULONG)InterlockedIncrement(&IopTraceSequence);
    PIOP_TRACE_RECORD Record = &IopTraceRing[Sequence % IOP_TRACE_RECORDS];

    Record->Irp = Irp;
    Record->Device = Device;
    Record->Routine = Routine;
    Record->Detail = Detail;
    Record->Irql = Irql;
    Record->Event = Event;
    Record->Location = Location;
    __asm__ ("rdtsc\n\tmov %%eax, %0\n\tmov %%edx, 4+%0" : "=m"(Record->Time) : : "eax", "edx");
    Record->Processor = KiCurrentNumber();
    Record->Sequence = Sequence;
}
