/*
 * The IRP trace: a ring of the last IOP_TRACE_RECORDS steps in the lives of all IRPs, always on.
 *
 * The sites in io/ that carry an IRP's protocol (io.h) write a record through IopTrace (iop.h,
 * inline): which IRP, at which stack location, what happened, through which routine, at which
 * IRQL, on which processor and when. A record costs some twenty instructions and no lock: the
 * sequence number is taken by an interlocked increment and gives the place.
 *
 * IoMarkIrpPending is a macro in the driver and cannot be seen; what the dispatch routine returned
 * can. When that record is written the IRP may be completed and freed already, by another
 * processor or before the routine returned: only its address is used.
 *
 * An IRP's memory is used again soon. The records of one life begin with the SENT at its topmost
 * location that follows the last FREED; the debugger (!irp) groups them so and prints them, also
 * for a while after the IRP was freed.
 */
#include "iop.h"

IOP_TRACE_RECORD IopTraceRing[IOP_TRACE_RECORDS];
volatile LONG    IopTraceSequence;
