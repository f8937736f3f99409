/*
 * Private to io/: what its files share. What a driver or another subsystem may see is in io.h and
 * the DDK headers.
 *
 * Locks, in the order they may be taken:
 *   IoCancelSpinLock (cancel.c)   IRP.Cancel against setting a cancel routine; taken by drivers
 *                                 too
 *   IopDatabaseLock (device.c)    device stacks, driver lists, reference counts, DOE_ and DRVO_
 *                                 flags
 *   IopDisownLock (finish.c)      an IRP's Thread: completion of a pended IRP against giving it
 *                                 up
 *   each processor's IRP list     no lock: own processor at DISPATCH_LEVEL
 * A thread's IrpList is touched only by the thread itself at APC_LEVEL, so that no completion APC
 * comes between.
 */
#pragma once

#include "io/io.h"
#include "ex/probe.h"
#include "init.h"
#include "sdk/ntsysinfo.h"
#include "rtl/rtl.h"

#ifndef DRIVER_VERIFIER_DETECTED_VIOLATION
#define DRIVER_VERIFIER_DETECTED_VIOLATION  0xC4
#endif
#ifndef DRIVER_VERIFIER_IOMANAGER_VIOLATION
#define DRIVER_VERIFIER_IOMANAGER_VIOLATION 0xC9
#endif
#define IOP_CURRENT_APC_ENVIRONMENT 2       // KeInitializeApc: the process the thread is in now

#define IOP_TAG_IRP             ' prI'      // Irp
#define IOP_TAG_BUFFER          'fBoI'      // IoBf: system buffers
#define IOP_TAG_NAME            'mNoI'      // IoNm
#define IOP_TAG_DRIVER          'vrDD'      // DDrv
#define IOP_TAG_OTHER           '  oI'      // Io

/* ---- devices and drivers (device.c, stack.c, driver.c, unload.c) ---- */

/* DEVOBJ_EXTENSION with its private part, as published for Windows Server 2003. */
typedef struct _IOP_DEVICE_EXTENSION {
    DEVOBJ_EXTENSION;                       // Type, Size, DeviceObject
    ULONG          PowerFlags;
    PVOID          Dope;

    /* Guarded by IopDatabaseLock: */
    ULONG          ExtensionFlags;          // DOE_*
    PVOID          DeviceNode;
    PDEVICE_OBJECT AttachedTo;              // the device below

    /* Owned by startio.c: */
    LONG           StartIoCount, StartIoKey;
    ULONG          StartIoFlags;
    PVPB           Vpb;
} IOP_DEVICE_EXTENSION, *PIOP_DEVICE_EXTENSION;

// its driver was told to unload and waits for files to go
#define DOE_UNLOAD_PENDING      0x1
// IoDeleteDevice was called, files or a filter still use it
#define DOE_DELETE_PENDING      0x2
#define DOE_REMOVE_PENDING      0x4
#define DOE_REMOVE_PROCESSED    0x8
#define DOE_START_PENDING       0x10
#define DOE_GOING               (DOE_UNLOAD_PENDING | DOE_DELETE_PENDING | DOE_REMOVE_PENDING)

static inline PIOP_DEVICE_EXTENSION
IopExtension(PDEVICE_OBJECT Device)
{
    return (PIOP_DEVICE_EXTENSION)Device->DeviceObjectExtension;
}

/* IoAllocateDriverObjectExtension's blocks; the driver's data follows. */
typedef struct _IOP_CLIENT_EXTENSION {
    struct _IOP_CLIENT_EXTENSION *Next;
    PVOID                         Identification;
} IOP_CLIENT_EXTENSION, *PIOP_CLIENT_EXTENSION;

/* Blocks in use under a pool tag before the driver ran. */
typedef struct _IOP_TAG_NOTE {
    ULONG Tag;                              // 0: unused
    LONG  Blocks;
} IOP_TAG_NOTE, *PIOP_TAG_NOTE;

#define IOP_TAG_NOTES           8

/* Follows the DRIVER_OBJECT in the object's body. */
typedef struct _IOP_DRIVER_EXTENSION {
    DRIVER_EXTENSION;                       // DriverObject, AddDevice, Count, ServiceKeyName
    PIOP_CLIENT_EXTENSION  Clients;         // guarded by IopDatabaseLock
    // the image; freed by the driver object's delete procedure
    PKLDR_DATA_TABLE_ENTRY Module;
    volatile LONG          WorkItems;       // queued or running
    IOP_TAG_NOTE           Tags[IOP_TAG_NOTES];     // owned by leftover.c
} IOP_DRIVER_EXTENSION, *PIOP_DRIVER_EXTENSION;

static inline PIOP_DRIVER_EXTENSION
IopDriverExtension(PDRIVER_OBJECT Driver)
{
    return (PIOP_DRIVER_EXTENSION)Driver->DriverExtension;
}

extern KSPIN_LOCK   IopDatabaseLock;
extern POBJECT_TYPE IopDeviceObjectType, IopDriverObjectType, IopFileObjectType;
extern POBJECT_TYPE IopCompletionObjectType;

/* The device at the top of Device's stack. */
static inline PDEVICE_OBJECT
IopTopOf(PDEVICE_OBJECT Device)
{
    PDEVICE_OBJECT Above;

    while ((Above = *(PDEVICE_OBJECT volatile *)&Device->AttachedDevice) != NULL)
        Device = Above;
    return Device;
}

/*
 * Counts an open file against Device, or says why it may not be opened: STATUS_NO_SUCH_DEVICE;
 * STATUS_ACCESS_DENIED, it is exclusive and open, and this open is not Relative to a file of it.
 */
NTSTATUS IopReferenceDevice(PDEVICE_OBJECT Device, BOOLEAN Relative);
VOID     IopDereferenceDevice(PDEVICE_OBJECT Device);   // PASSIVE_LEVEL: may unload the driver
// with IopDatabaseLock held, releases it
VOID     IopActOnPending(PDEVICE_OBJECT Device, KIRQL Irql);
VOID     IopDeleteDeviceObject(PVOID Object);           // delete procedures of the types
VOID     IopDeleteDriverObject(PVOID Object);
VOID     IopStopTimers(PDEVICE_OBJECT Device);

NTSTATUS IopLoadDriver(PUNICODE_STRING KeyPath);        // of its service; System process
NTSTATUS IopUnloadDriver(PDRIVER_OBJECT Driver);        // PASSIVE_LEVEL; see NtUnloadDriver
VOID     IopRunReinitialization(BOOLEAN Boot);   // of boot drivers, or of all others
VOID     IopReinitializeLate(VOID);              // a driver has come after start-up
NTSTATUS NTAPI IopInvalidDeviceRequest(PDEVICE_OBJECT Device, PIRP Irp);

/* ---- leftover.c: what a driver leaves behind; all at PASSIVE_LEVEL ---- */

VOID IopNoteLink(PCUNICODE_STRING Name, PVOID Caller);
VOID IopForgetLink(PCUNICODE_STRING Name);
VOID IopReportLeftovers(PDRIVER_OBJECT Driver); // after DriverUnload: names them
// of the pool tags in the driver's code: notes their use, or reports what is more than then
VOID IopVisitTags(PDRIVER_OBJECT Driver, BOOLEAN Report);
VOID IopCheckQueues(PDRIVER_OBJECT Driver);     // stops the system if it must

/* Runs Routine(Context) at PASSIVE_LEVEL in the System process and waits for it. */
NTSTATUS IopRunInSystem(NTSTATUS (*Routine)(PVOID), PVOID Context);

/* ---- services and the boot archive (services.c, boot.c) ---- */

/* What a service key says (services.c). */
typedef struct _IOP_SERVICE {
    UNICODE_STRING KeyPath;
    UNICODE_STRING Name;                    // the last part of KeyPath, in the same buffer
    ULONG          Type, Start, ErrorControl, Tag;
    UNICODE_STRING Group, ImagePath;        // empty if missing

    /* In a list of services: */
    LIST_ENTRY     Link;
    ULONG          Rank, Serial;            // of its group; of the key
} IOP_SERVICE, *PIOP_SERVICE;

/*
 * Reads a service key; KeyPath's buffer stays the caller's. IopFreeService frees the rest.
 * STATUS_OBJECT_NAME_NOT_FOUND; STATUS_OBJECT_TYPE_MISMATCH: a value of a wrong type;
 * STATUS_ILL_FORMED_SERVICE_ENTRY: no driver.
 */
NTSTATUS     IopReadService(PUNICODE_STRING KeyPath, PIOP_SERVICE Service);
VOID         IopFreeService(PIOP_SERVICE Service);
/* The drivers that start at Start, in their order; taken off the list and dropped one by one. */
NTSTATUS     IopListServices(ULONG Start, PLIST_ENTRY Services);
PIOP_SERVICE IopTakeService(PLIST_ENTRY Services);
VOID         IopDropService(PIOP_SERVICE Service);
// of a path, in the same buffer
UNICODE_STRING IopLastPart(PCUNICODE_STRING Path);

/* Allocates Prefix + Name, terminated, under IOP_TAG_NAME. */
NTSTATUS     IopJoinName(PUNICODE_STRING Result, PCWSTR Prefix, PCUNICODE_STRING Name);
VOID         IopFreeName(PUNICODE_STRING Name);
NTSTATUS     IopReadImageFile(PCUNICODE_STRING FullName, PVOID *Data, PSIZE_T Size,
                              PBOOLEAN FromPool);

#include "iopfile.h"

/* ---- IRPs (irp.c, buffer.c, complete.c, finish.c, cancel.c) ---- */

#define SMALL_LOCATIONS         2           // of IRPs on a processor's lists
#define LARGE_LOCATIONS         8
#define INLINE_LENGTH           48

/*
 * Behind the stack locations of a small IRP: the system buffer of a short transfer, so that it
 * needs no pool. GUARD stands right behind the Length bytes in use; a driver that writes past
 * them is stopped with 0x19 when the IRP is finished.
 */
typedef struct _IOP_INLINE_BUFFER {
    ULONG Length;
    ULONG Spare[3];
    UCHAR Data[INLINE_LENGTH + sizeof(ULONG64)];
} IOP_INLINE_BUFFER, *PIOP_INLINE_BUFFER;

#define INLINE_GUARD            0xE7D0E7D0FEEDFACEULL

static inline PIOP_INLINE_BUFFER
IopInlineBuffer(PIRP Irp)
{
    return (PIOP_INLINE_BUFFER)((PUCHAR)Irp + IoSizeOfIrp(SMALL_LOCATIONS));
}

VOID IopCheckCancelRoutine(PDRIVER_CANCEL Routine, PDEVICE_OBJECT Device, KIRQL Irql,
                           ULONG64 State);
PIRP IopTakeIrp(CCHAR StackSize, PUCHAR Flags);

/* AllocationFlags of our own: */
#define IOP_IRP_WAITED          0x20        // IopCallAndWait waits for it and frees it; no APC
#define IOP_IRP_FINISHING       0x40        // the completion APC is queued
#define IOP_IRP_DISOWNED        0x80        // its thread has given it up

/* Of our own in an IRP's Flags: a service has seen STATUS_PENDING and waits for the APC (7). */
#define IOP_IRP_AWAITED         0x40000000

/*
 * Seconds a cancelled IRP may stay with its driver before it is reported and, if its thread ends,
 * given up: `cancelwait=N` on the kernel's command line.
 */
extern ULONG IopCancelPatience;

/* Which of a thread's requests a cancellation means. */
typedef struct _IOP_CANCEL_SCOPE {
    PFILE_OBJECT     File;                  // NULL: any
    PIO_STATUS_BLOCK Iosb;                  // NULL: any
    BOOLEAN          Synchronous;           // the one the thread waits in
    BOOLEAN          Asynchronous;          // those on its list
} IOP_CANCEL_SCOPE;

/*
 * Cancels those of the running thread, or only looks; returns how many there are. Looking counts
 * those that are being finished, too. IRQL <= APC_LEVEL.
 */
ULONG IopCancelMine(const IOP_CANCEL_SCOPE *Scope, BOOLEAN Cancel);

static inline VOID
IopShortDelay(VOID)
{
    LARGE_INTEGER Delay = { .QuadPart = -CLOCK_INTERVAL_100NS };

    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
}

/* Stops the system and says first, in one sentence, what the driver behind Address did. */
static inline DECLSPEC_NORETURN VOID
IopStop(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, PVOID Address, PCSTR Sentence)
{
    KiStopDriver(Code, P1, P2, P3, 0, Address, Sentence);
}

/*
 * Where its owner first sent an IRP from (CurrentLocation then), 0 before: at a lower location it
 * is with somebody else, and its owner must not free or reuse it. Kept in a hole of the IRP.
 */
#define IopOwnerLocation(Irp)   (((CHAR *)(Irp))[4])
_Static_assert(FIELD_OFFSET(IRP, Size) == 2 && FIELD_OFFSET(IRP, MdlAddress) == 8,
               "an IRP has a hole at 4");

/* How much a buffered request's output may be, 0: not known. In another hole. */
#define IopOutputLength(Irp)    (*(PULONG)((PUCHAR)(Irp) + 0x14))
_Static_assert(FIELD_OFFSET(IRP, Flags) == 0x10 && FIELD_OFFSET(IRP, AssociatedIrp) == 0x18,
               "an IRP has a hole at 0x14");

static inline BOOLEAN
IopIsInUse(PIRP Irp)
{
    return Irp->CurrentLocation < IopOwnerLocation(Irp);        // never below 0
}

/*
 * Buffer of a read, write or directory query, by the device's flags; raises on a bad address or
 * when memory is short.
 */
VOID IopSetTransferBuffer(PIRP Irp, ULONG DeviceFlags, PVOID Buffer, ULONG Length,
                          KPROCESSOR_MODE Mode, BOOLEAN Write);
/*
 * Buffers of a control request, by the code's method; raises likewise. Parameters are filled in.
 */
VOID IopSetControlBuffers(PIRP Irp, PIO_STACK_LOCATION Sp, ULONG Code, PVOID Input,
                          ULONG InputLength, PVOID Output, ULONG OutputLength,
                          KPROCESSOR_MODE Mode);
// system buffer, MDLs (unlocked if locked), auxiliary buffer
VOID IopFreeBuffers(PIRP Irp);
VOID IopUnlockMdls(PIRP Irp);

// returns Status, or what writing to the caller's memory raised
NTSTATUS IopWriteStatusBlock(PIO_STATUS_BLOCK Iosb, NTSTATUS Status, ULONG_PTR Information);
// (7), own thread at APC_LEVEL
NTSTATUS IopFinishIrp(PIRP Irp, PFILE_OBJECT File, PVOID Auxiliary);
VOID IopQueueFinish(PIRP Irp, CCHAR Boost);
VOID IopDropIrp(PIRP Irp, PFILE_OBJECT File);           // (8) without telling anybody
// stops the system: STATUS_PENDING was returned for it, but it was completed without the mark
DECLSPEC_NORETURN VOID IopNotMarked(PIRP Irp);
// stops the system: Device's driver did not return STATUS_PENDING, but left the IRP in such a state
VOID IopNotCompleted(PIRP Irp, PDEVICE_OBJECT Device);
// own thread at APC_LEVEL; FALSE: it is being finished
BOOLEAN IopDisownIrp(PIRP Irp);
// prints which driver holds it, that many seconds after it was "cancelled" or "sent"
VOID IopReportHeldIrp(PIRP Irp, PCSTR Since, ULONG Seconds);

/*
 * Sends an IRP of the kernel's own, waits until it is completed, and frees it. In UserMode the
 * IRP is cancelled when the thread is told to end. However the wait goes on, because what the IRP
 * points to is the caller's; a driver that takes long is reported. An IRP whose
 * Tail.Overlay.OriginalFileObject is set has no reference to it.
 */
NTSTATUS IopCallAndWait(PDEVICE_OBJECT Device, PIRP Irp, PULONG_PTR Information,
                        KPROCESSOR_MODE WaitMode);

static inline PKTHREAD
IopThread(VOID)
{
    return (PKTHREAD)KeGetCurrentThread();
}

/* (2) Puts the IRP on the running thread's list. */
static inline VOID
IopQueueThreadIrp(PIRP Irp)
{
    KIRQL Irql = KfRaiseIrql(APC_LEVEL);

    InsertTailList(&Irp->Tail.Overlay.Thread->IrpList, &Irp->ThreadListEntry);
    KeLowerIrql(Irql);
}

/* Queues an IRP of a synchronous file takes the file's lock; see service.c. */
NTSTATUS IopLockFile(PFILE_OBJECT File, KPROCESSOR_MODE Mode);
VOID     IopUnlockFile(PFILE_OBJECT File);

#include "io/trace.h"

/* ---- the services that send an IRP for a handle (service.c) ---- */

typedef struct _IOP_CALL {
    KPROCESSOR_MODE    Mode;
    BOOLEAN            Locked;              // the file is synchronous and its lock is ours
    ACCESS_MASK        Granted;             // of the handle
    PFILE_OBJECT       File;                // referenced
    PDEVICE_OBJECT     Device;              // top of its stack
    PKEVENT            Event;               // referenced, or NULL
    PIRP               Irp;
    PIO_STACK_LOCATION Sp;
} IOP_CALL, *PIOP_CALL;

/* Access: every bit must be granted to the handle; checked for user mode only. */
NTSTATUS IopBeginCall(PIOP_CALL Call, HANDLE FileHandle, ACCESS_MASK Access, HANDLE EventHandle);
NTSTATUS IopAllocateCallIrp(PIOP_CALL Call, UCHAR Major, PIO_APC_ROUTINE Apc, PVOID ApcContext,
                            PIO_STATUS_BLOCK Iosb);
NTSTATUS IopFinishCall(PIOP_CALL Call);                 // sends the IRP; the service's status
// gives back what the first two took; returns Status
NTSTATUS IopEndCall(PIOP_CALL Call, NTSTATUS Status);

static inline VOID
IopProbeStatusBlock(PIO_STATUS_BLOCK Iosb, KPROCESSOR_MODE Mode)
{
    if (Mode != KernelMode)
        EX_PROBE_WRITE(Iosb, sizeof *Iosb, sizeof(ULONG));
}
