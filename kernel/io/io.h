/*
 * What io/ offers to the rest of the kernel: drivers, devices, files, IRPs and the Nt I/O
 * services.
 *
 * The life of an IRP, a numbered protocol that the sites in io/ cite:
 *   (1) allocate    IoAllocateIrp, or a service: initialised, owned by the allocator
 *   (2) queue       put on the issuing thread's IrpList (own thread at APC_LEVEL); the one a
 *                   thread waits in is its WaitedIrp
 *   (3) call        IofCallDriver moves one stack location down and the driver's dispatch routine
 *                   owns the IRP
 *   (4) pend        the owner marks it pending, may set a cancel routine, returns STATUS_PENDING,
 *                   completes it later
 *   (5) cancel      IoCancelIrp sets Cancel and takes the cancel routine under the cancel spin
 *                   lock; who gets the routine out of the IRP (IoSetCancelRoutine) completes it.
 *                   An IRP is cancelled only by one who knows that it is still there: its own
 *                   thread, in whose context it would be finished, or whoever allocated it
 *   (6) complete    IofCompleteRequest walks the locations up, calling completion routines;
 *                   MORE_PROCESSING_REQUIRED gives ownership back to the one who set the routine
 *   (7) finish      in the issuing thread's context: at once if the service has not seen
 *                   STATUS_PENDING, else by a special kernel APC; copies buffered output, writes
 *                   the status block, sets event and file, queues the user's APC
 *   (8) free        off the thread's list, references dropped, memory to the look-aside list
 * A thread that ends gives up, after IopCancelPatience seconds, what a driver has not given back
 * after (5): the IRP leaves its list, has no thread any more, and goes from (6) to (8). What the
 * kernel itself waits for (an open, a query, CLEANUP, CLOSE) cannot be given up, because the IRP
 * points to what is the waiter's: the thread stays, the driver is reported, and the rest goes on.
 */
#pragma once

#include "ps/ps.h"

// phase 0/1: types Device, Driver, File (Controller, Adapter not); look-aside lists
VOID IoInitSystem(VOID);
// phase 1: Start = 0 drivers out of the archive, \SystemRoot, then Start = 1 through files
VOID IoLoadBootDrivers(VOID);
// IRP_MJ_SHUTDOWN to every device that asked for it; PASSIVE_LEVEL, before power goes
VOID IoShutdownSystem(VOID);

/*
 * Thread end: cancels every IRP of the running thread and waits until they are gone (reports the
 * driver that holds one too long).
 */
VOID IoCancelThreadIo(PETHREAD Thread);

/*
 * ObQueryNameString for a file, without asking its driver: the name of one that was opened
 * relative to another is what the open said. PASSIVE_LEVEL.
 */
NTSTATUS IoQueryOpenedName(PFILE_OBJECT File, POBJECT_NAME_INFORMATION Information, ULONG Length,
                           PULONG ReturnLength);

/* Pointers to the types, as drivers know IoFileObjectType. */
extern POBJECT_TYPE *IoDeviceObjectType, *IoDriverObjectType;
extern POBJECT_TYPE IoAdapterObjectType, IoControllerObjectType, IoDeviceHandlerObjectType;

/*
 * ramdisk.sys finds its archive through KeLoaderBlock (init.h), which the kernel exports, as the
 * loader's RAM disk is found on Windows Server 2003.
 */
