/*
 * pipe.sys from inside: its three contexts, its locks, and how its races end.
 *
 *   PIPE_DEVICE   the device context, in the extension of \Device\Example; the extension of
 *                 \Device\ExampleDirect points to it. The pipes there are, by name.
 *   PIPE          the resource context, FileObject->FsContext: what all opens of one name share.
 *   INSTANCE      the instance context, FileObject->FsContext2: what one open asked for.
 *
 * Locks, in the order in which they are taken:
 *   ListMutex     PASSIVE_LEVEL: the table of pipes, their Opens and descriptors
 *   DataMutex     a pipe's; held at APC_LEVEL while bytes move, so a program's memory may be
 *                 touched under it. Reads and writes therefore come at IRQL < DISPATCH_LEVEL.
 *   Queue.Lock    a spin lock: one queue of waiting IRPs; the only one a cancel takes
 *
 * IRPs are completed with none of them held: under DataMutex they are put on Finished, and
 * PipeRelease completes those.
 *
 * Whenever DataMutex is free:
 *   (I1) if a read waits, the ring is empty
 *   (I2) if a write waits, the ring does not have room for (all of) the first one that waits,
 *        unless that one came first because another was cancelled: the next read sees to it
 *   (I3) Written = Read + Lost + what the ring holds
 *
 * Read against write against close against cancel. An IRP in a queue belongs to the queue; who
 * takes it out (IoCsqRemoveNextIrp) or cancels it (IoCsq's cancel routine) owns it, and IoCsq
 * decides between those two. Everything else happens under DataMutex:
 *   (1) a write gives its bytes to waiting reads, oldest first; the rest goes into the ring
 *   (2) what does not fit waits, if the instance asked for that: at the end of Writers, with the
 *       number of bytes that are in noted in the IRP. Who comes later waits behind it, so the
 *       bytes of one write stay together.
 *   (3) a read takes from the ring and lets waiting writes follow, until it has what it wants or
 *       the ring is empty. If it got nothing it waits at the end of Readers.
 *   (4) a waiting write that is continued is out of its queue meanwhile, and a cancel finds
 *       nothing to do; if it still is not done it goes back to the head of the queue, where
 *       IoCsq looks whether it was cancelled in between
 *   (5) cleanup takes the instance's own waiting IRPs out; if that was the last writer, waiting
 *       reads end with end of file; if it was the last reader, waiting writes are broken
 *   (6) a cancelled read has taken nothing. A cancelled write leaves in the pipe what is in, and
 *       says how much in IoStatus.Information.
 *   (7) IoCsqInsertIrp completes an IRP that was cancelled before it came. The caller holds
 *       DataMutex then (it is Holder), so that IRP is put on Finished, too.
 */
#pragma once

#include <ntddk.h>
#include <csq.h>
#include "pipe_ioctl.h"
#include "ring.h"

#define PIPE_TAG        'epiP'                  // shows as Pipe
#define PIPE_BUCKETS    64

typedef struct _PIPE_DEVICE {
    KMUTEX     ListMutex;

    /* Guarded by ListMutex: */
    LIST_ENTRY Pipes[PIPE_BUCKETS];             // PIPE.Link, by the hash of the name
} PIPE_DEVICE, *PPIPE_DEVICE;

typedef struct _PIPE_EXTENSION {
    PPIPE_DEVICE Device;                        // Own, or the other device's
    PIPE_DEVICE  Own;
} PIPE_EXTENSION, *PPIPE_EXTENSION;

typedef struct _PIPE_QUEUE {
    IO_CSQ        Csq;                          // first: IoCsq's callbacks get its address
    struct _PIPE *Pipe;

    /* Guarded by Lock: */
    KSPIN_LOCK    Lock;
    LIST_ENTRY    Irps;
    ULONG         Count;
} PIPE_QUEUE, *PPIPE_QUEUE;

typedef struct _PIPE {
    /* Set at creation, never changed: */
    // without the backslash; its characters are NameBuffer
    UNICODE_STRING Name;
    WCHAR          NameBuffer[PIPE_MAX_NAME];

    /* Guarded by PIPE_DEVICE.ListMutex: */
    LIST_ENTRY     Link;
    ULONG          Opens;                       // file objects whose FsContext is this pipe
    PSECURITY_DESCRIPTOR Security;              // who may open it

    /* Guarded by DataMutex: */
    FAST_MUTEX     DataMutex;
    RING           Ring;                        // its bytes are nonpaged pool
    ULONG          Type;                        // PIPE_BYTES or PIPE_MESSAGES
    ULONG          Held;                        // bytes of data in the ring
    ULONGLONG      Written, Read, Lost;
    ULONG          Readers, Writers;            // instances with that access, not cleaned up yet
    BOOLEAN        HadReader, HadWriter;
    LIST_ENTRY     Finished;                    // IRPs to complete once the mutex is free
    PKTHREAD       Holder;                      // read by anybody, who asks only: am I it?

    /* Filled under DataMutex; see PIPE_QUEUE: */
    PIPE_QUEUE     WaitingReads, WaitingWrites;

    /* Written at any time: */
    volatile ULONG Mode;                        // PIPE_DROP_NEW or PIPE_OVERWRITE_OLD
} PIPE, *PPIPE;

typedef struct _INSTANCE {
    /* Set at creation, never changed: */
    BOOLEAN        MayRead, MayWrite;

    /* Written at any time: */
    volatile ULONG Waits;                       // PIPE_WAIT_

    /* Guarded by PIPE.DataMutex: */
    ULONGLONG      BytesRead, BytesWritten;
} INSTANCE, *PINSTANCE;

/* How many bytes of a waiting write are in the pipe. DriverContext[3] is IoCsq's. */
#define PIPE_PROGRESS(Irp) (*(PULONG)&(Irp)->Tail.Overlay.DriverContext[0])

static __inline PPIPE_DEVICE
PipeDeviceOf(PDEVICE_OBJECT DeviceObject)
{
    return ((PPIPE_EXTENSION)DeviceObject->DeviceExtension)->Device;
}

/* pipe.c */
NTSTATUS PipeComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
DRIVER_DISPATCH PipeRead, PipeWrite;

/*
 * names.c: ListMutex is taken inside. PipeOpen checks and counts one open, PipeDrop counts one
 * less.
 */
NTSTATUS PipeOpen(PPIPE_DEVICE Device, PCUNICODE_STRING Name, PIO_SECURITY_CONTEXT Context,
                  KPROCESSOR_MODE Mode, PPIPE *Pipe, PULONG_PTR Information);
VOID     PipeDrop(PPIPE_DEVICE Device, PPIPE Pipe);
ULONG    PipeCountOpens(PPIPE_DEVICE Device, PPIPE Pipe);

/* security.c */
NTSTATUS PipeAssignSecurity(PPIPE Pipe, PIO_SECURITY_CONTEXT Context, KPROCESSOR_MODE Mode);
NTSTATUS PipeCheckAccess(PPIPE Pipe, PIO_SECURITY_CONTEXT Context, KPROCESSOR_MODE Mode);
VOID     PipeFreeSecurity(PPIPE Pipe);
DRIVER_DISPATCH PipeQuerySecurity, PipeSetSecurity;

/* open.c */
DRIVER_DISPATCH PipeCreate, PipeCleanup, PipeClose;

/* queue.c. PipeTake: the first IRP, of File if that is not NULL; the caller then owns it. */
VOID PipeInitializeQueue(PPIPE_QUEUE Queue, PPIPE Pipe);
VOID PipeWait(PPIPE_QUEUE Queue, PIRP Irp, BOOLEAN AtHead);
PIRP PipeTake(PPIPE_QUEUE Queue, PFILE_OBJECT File);
VOID PipeAcquire(PPIPE Pipe);
VOID PipeRelease(PPIPE Pipe);
VOID PipeFinish(PPIPE Pipe, PIRP Irp, NTSTATUS Status, ULONG_PTR Information);

/*
 * Whether no IRP waits. With DataMutex held a "yes" stays true; a "no" may be outdated by a
 * cancel.
 */
static __inline BOOLEAN
PipeNobodyWaits(const PIPE_QUEUE *Queue)
{
    return *(volatile const ULONG *)&Queue->Count == 0;
}

/*
 * move.c, with DataMutex held. PipePut and PipeGet return STATUS_SUCCESS, or STATUS_PENDING if
 * the request would have to wait, or why it fails; *Moved counts on from what it was. Buffers may
 * be a program's memory.
 */
NTSTATUS PipePut(PPIPE Pipe, PINSTANCE Instance, const UCHAR *Data, ULONG Length, PULONG Moved);
NTSTATUS PipeGet(PPIPE Pipe, PINSTANCE Instance, PUCHAR Data, ULONG Length, PULONG Moved);
VOID     PipeContinueWrites(PPIPE Pipe);
VOID     PipeLose(PPIPE Pipe, ULONG Bytes);
PVOID    PipeBufferOf(PIRP Irp);

/* fastio.c, control.c */
extern FAST_IO_DISPATCH PipeFastIo;
DRIVER_DISPATCH PipeControl;
