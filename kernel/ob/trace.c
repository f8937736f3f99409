/*
 * The reference trace: a ring of the last OB_TRACE_RECORDS references and dereferences of all
 * objects, always on.
 *
 * Every routine that changes a PointerCount writes a record through ObpTrace (obp.h, inline):
 * which object, by how much, what the count was afterwards, under which tag, at which IRQL, on
 * which processor, from where and when. A record costs about twenty instructions and no lock: the
 * sequence number is taken by an interlocked increment and gives the place.
 *
 * The debugger reads ObpTraceRing and ObpTraceSequence and prints one object's life (!obtrace);
 * the records stay readable after the object was freed, until the ring has gone round. The first
 * record of an object has its type's pool tag and count 1.
 *
 * References that a close hands to lookups on their way (ex/handle.h, (c)) are taken back within
 * the lookup and are not recorded.
 */
#include "kernel.h"
#include "ob/obp.h"

OB_TRACE_RECORD ObpTraceRing[OB_TRACE_RECORDS];
volatile LONG   ObpTraceSequence;
