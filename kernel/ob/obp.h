/*
 * Private to ob/: directories, captured attributes, name walks, reference traces, handle slots.
 *
 * Locks of ob/, in the order in which they are taken (all are fast mutexes: PASSIVE_LEVEL or
 * APC_LEVEL):
 *   OBJECT_DIRECTORY.Lock         one directory's names
 *   ObpNameLock                   every object's link to the directory that holds its name
 *   OBJECT_TYPE.Lock              the type's list of objects, its objects' handle counts by
 *                                 process
 *   HANDLE_TABLE.HandleTableLock  one table's free slots
 *   ObpHandleTableLock            processes' links to their tables
 * No procedure of a type is called, and no last reference dropped, under any of them.
 */
#pragma once

#include "ob/ob.h"
#include "ex/probe.h"
#include "ex/handle.h"
#include "se/se.h"
#include "ps/ps.h"

#ifndef OBJ_PROTECT_CLOSE
#define OBJ_PROTECT_CLOSE           0x00000001
#endif
#ifndef OBJ_AUDIT_OBJECT_CLOSE
#define OBJ_AUDIT_OBJECT_CLOSE      0x00000004
#endif
#ifndef REFERENCE_BY_POINTER
#define REFERENCE_BY_POINTER        0x18
#endif

#define TAG_OB_NAME                 'mNbO'
#define TAG_OB_DIRECTORY            'iDbO'
#define TAG_OB_CREATE               'rCbO'
#define TAG_OB_QUERY                'uQbO'
#define OB_TAG_DEFAULT              'tlfD'      // untagged references
#define OB_TAG_HANDLE               'ldnH'      // the reference of a handle
// the reference of a directory, and those of name walks
#define OB_TAG_NAME                 'emaN'

#define OB_DELETED_TYPE             ((POBJECT_TYPE)0xBAD0B0B0)
#define OB_MAXIMUM_LINKS            32
// characters of a name that need no pool while it is walked
#define OB_INLINE_NAME              128
#define OB_MAXIMUM_TYPES            64

/*
 * ---- optional headers: each a multiple of 16 bytes; from the header downwards: creator, name,
 * handle, quota ----
 */

#define OB_HEADER_AT(Header, Type, Offset)  ((Type *)((PUCHAR)(Header) - (Offset)))

static inline POBJECT_HEADER_NAME_INFO
ObpNameInfo(POBJECT_HEADER Header)
{
    return Header->NameInfoOffset ? OB_HEADER_AT(Header, OBJECT_HEADER_NAME_INFO,
                                                 Header->NameInfoOffset) : NULL;
}

static inline POBJECT_HEADER_HANDLE_INFO
ObpHandleInfo(POBJECT_HEADER Header)
{
    return Header->HandleInfoOffset ? OB_HEADER_AT(Header, OBJECT_HEADER_HANDLE_INFO,
                                                   Header->HandleInfoOffset) : NULL;
}

static inline POBJECT_HEADER_QUOTA_INFO
ObpQuotaInfo(POBJECT_HEADER Header)
{
    return Header->QuotaInfoOffset ? OB_HEADER_AT(Header, OBJECT_HEADER_QUOTA_INFO,
                                                  Header->QuotaInfoOffset) : NULL;
}

static inline POBJECT_HEADER_CREATOR_INFO
ObpCreatorInfo(POBJECT_HEADER Header)
{
    return (Header->Flags & OB_FLAG_CREATOR_INFO) ? (POBJECT_HEADER_CREATOR_INFO)Header - 1 : NULL;
}

/*
 * The list of a type's objects: under its spin lock, or, as the links of objects in paged pool may
 * not be touched at DISPATCH_LEVEL, under its mutex.
 */
static inline BOOLEAN
ObpIsPagedType(POBJECT_TYPE Type)
{
    return (Type->TypeInfo.PoolType & PagedPool) != 0;
}

static inline KIRQL
ObpLockTypeList(POBJECT_TYPE Type)
{
    KIRQL OldIrql;

    if (ObpIsPagedType(Type)) {
        ExAcquireFastMutex(&Type->Lock);
        return PASSIVE_LEVEL;
    }
    OldIrql = KeRaiseIrqlToDpcLevel();
    KiAcquireSpinLock(&Type->ListLock);
    return OldIrql;
}

static inline VOID
ObpUnlockTypeList(POBJECT_TYPE Type, KIRQL OldIrql)
{
    if (ObpIsPagedType(Type)) {
        ExReleaseFastMutex(&Type->Lock);
        return;
    }
    KiReleaseSpinLock(&Type->ListLock);
    KeLowerIrql(OldIrql);
}

/* ---- trace.c, htrace.c; the records are in ob.h ---- */

static inline VOID
ObpTrace(PVOID Object, LONG Delta, LONG64 Count, ULONG Tag, PVOID Caller)
{
    ULONG            Sequence = (ULONG)InterlockedIncrement(&ObpTraceSequence);
    POB_TRACE_RECORD Record   = &ObpTraceRing[(Sequence - 1) % OB_TRACE_RECORDS];

    Record->Object    = Object;
    Record->Caller    = Caller;
    Record->Tag       = Tag;
    Record->Count     = (LONG)Count;
    __asm__ ("rdtsc\n\tmov %%eax, %0\n\tmov %%edx, 4+%0" : "=m"(Record->Time) : : "eax", "edx");
    Record->Processor = KiCurrentNumber();
    Record->Irql      = KeGetCurrentIrql();
    Record->Delta     = (SCHAR)Delta;
    Record->Sequence  = Sequence;
}

/*
 * One record of what happened to a handle of Table, with the stack that led to it. <= APC_LEVEL.
 * ObpBadHandle records a lookup that failed and returns STATUS_INVALID_HANDLE.
 */
VOID     ObpTraceHandle(UCHAR Kind, PHANDLE_TABLE Table, HANDLE Handle, POBJECT_HEADER Header);
NTSTATUS ObpBadHandle(PHANDLE_TABLE Table, HANDLE Handle);

/* ---- refcount.c ---- */

#define CALLER()        __builtin_return_address(0)
#define UNLIKELY(What)  __builtin_expect(!!(What), 0)

DECLSPEC_NORETURN VOID ObpBadReference(PVOID Object, ULONG Reason, LONG64 Count);

/* The header of a live object; anything else stops the machine with 0x18. */
static inline POBJECT_HEADER
ObpHeaderOf(PVOID Object)
{
    POBJECT_HEADER Header = OBJECT_TO_HEADER(Object);

    if ((LONG64)(ULONG_PTR)Header->Type >= 0 ||
        OBJECT_TO_HEADER(Header->Type)->Type != ObpTypeObjectType)
        ObpBadReference(Object, 0, (LONG64)(ULONG_PTR)Header->Type);
    return Header;
}

static inline LONG64
ObpReference(POBJECT_HEADER Header, ULONG Tag, PVOID Caller)
{
    LONG64 Count = InterlockedIncrement64(&Header->PointerCount);

    if (Count <= 1)
        ObpBadReference(&Header->Body, 1, Count);
    ObpTrace(&Header->Body, 1, Count, Tag, Caller);
    return Count;
}

LONG64 ObpDereference(POBJECT_HEADER Header, ULONG Tag, PVOID Caller);
VOID   ObpDeleteOrDefer(POBJECT_HEADER Header);         // PointerCount has become 0
VOID   ObpDeleteObject(POBJECT_HEADER Header);          // create.c: now, PASSIVE_LEVEL
VOID   ObpFreeObject(POBJECT_HEADER Header);            // create.c: without the delete procedure

/* ---- create.c, capture.c ---- */

typedef struct _OBJECT_CREATE_INFORMATION {
    ULONG           Attributes;
    HANDLE          RootDirectory;
    PVOID           ParseContext;
    KPROCESSOR_MODE Mode;                               // whose memory the attributes are in
    UNICODE_STRING  Name;                               // captured, the whole of it; own pool
    SECURITY_QUALITY_OF_SERVICE SecurityQos;            // Length 0: none was given
    PSECURITY_DESCRIPTOR SecurityDescriptor;            // the caller's; once kept: captured
} OBJECT_CREATE_INFORMATION, *POBJECT_CREATE_INFORMATION;

/*
 * Nameless objects need no block for it: ObjectCreateInfo is then the attributes, the mode (bit
 * 1) and bit 0 set.
 */
#define OB_SMALL_CREATE_INFO(Attributes, Mode)  \
    ((PVOID)(((ULONG_PTR)(Attributes) << 2) | ((ULONG_PTR)(Mode) << 1) | 1))
#define OB_IS_SMALL_CREATE_INFO(Info)           (((ULONG_PTR)(Info) & 1) != 0)
#define OB_SMALL_ATTRIBUTES(Info)               ((ULONG)((ULONG_PTR)(Info) >> 2))
#define OB_SMALL_MODE(Info)                     ((KPROCESSOR_MODE)(((ULONG_PTR)(Info) >> 1) & 1))

VOID ObpFreeKeptInformation(POBJECT_CREATE_INFORMATION Info);

static inline VOID
ObpFreeCreateInformation(POBJECT_HEADER Header)
{
    POBJECT_CREATE_INFORMATION Info = Header->ObjectCreateInfo;

    if (!(Header->Flags & OB_FLAG_CREATE_INFO))
        return;

    Header->Flags &= ~OB_FLAG_CREATE_INFO;
    Header->ObjectCreateInfo = NULL;
    if (!OB_IS_SMALL_CREATE_INFO(Info))
        ObpFreeKeptInformation(Info);
}


/* A fresh object with one reference and no creation information yet. */
NTSTATUS ObpAllocateObject(POBJECT_TYPE Type, ULONG BodySize, BOOLEAN Named, BOOLEAN Quota,
                           POBJECT_HEADER *Header);

/*
 * Copies an OBJECT_ATTRIBUTES, and the name it points to into Inline (Room characters; may be 0)
 * or pool. Free the name with ObpFreeName. STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_INVALID,
 * a fault's status, STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS ObpCaptureAttributes(POBJECT_ATTRIBUTES Attributes, KPROCESSOR_MODE Mode,
                              POBJECT_CREATE_INFORMATION Info, PWSTR Inline, ULONG Room);
NTSTATUS ObpCaptureName(PUNICODE_STRING Name, KPROCESSOR_MODE Mode, PUNICODE_STRING Captured,
                        PWSTR Inline, ULONG Room);

static inline VOID
ObpFreeName(PUNICODE_STRING Name, PWSTR Inline)
{
    if (Name->Buffer != NULL && Name->Buffer != Inline)
        ExFreePool(Name->Buffer);
    *Name = (UNICODE_STRING){ 0 };
}

#include "ob/obname.h"

/* ---- count.c ---- */

NTSTATUS ObpIncrementHandleCount(OB_OPEN_REASON Reason, PEPROCESS Process, POBJECT_HEADER Header,
                                 ACCESS_MASK Access, ULONG Attributes);
VOID     ObpDecrementHandleCount(PEPROCESS Process, POBJECT_HEADER Header, ACCESS_MASK Access);
VOID     ObpRaisePeak(LONG Now, volatile LONG *Peak);

static inline VOID
ObpCountUp(volatile LONG *Number, LONG By, volatile LONG *Peak)
{
    LONG Now = InterlockedExchangeAdd(Number, By) + By;

    if (UNLIKELY(Now > *Peak))
        ObpRaisePeak(Now, Peak);
}

/* ---- handle.c, close.c, table.c ---- */

/*
 * Kernel handles are those of the System process' table, with the upper 33 bits set; only kernel
 * mode may use them. -1 and -2 are the pseudo handles of the running process and thread.
 */
#define KERNEL_HANDLE_MASK          0xFFFFFFFF80000000ULL
#define IS_KERNEL_HANDLE(Handle)    \
    (((ULONG_PTR)(Handle) & KERNEL_HANDLE_MASK) == KERNEL_HANDLE_MASK &&    \
     (LONG64)(ULONG_PTR)(Handle) < -2)
#define ObpKernelHandleValue(Handle) ((HANDLE)((ULONG_PTR)(Handle) | KERNEL_HANDLE_MASK))

extern PHANDLE_TABLE ObpKernelHandleTable;
extern FAST_MUTEX    ObpHandleTableLock;

static inline PEPROCESS
ObpCurrentProcess(VOID)
{
    return (PEPROCESS)KeGetCurrentThread()->ApcState.Process;
}

/*
 * The table a handle belongs to, and the handle as that table knows it; NULL: the caller must not
 * use it.
 */
static inline PHANDLE_TABLE
ObpTableOfHandle(PHANDLE Handle, KPROCESSOR_MODE Mode)
{
    if ((LONG64)(ULONG_PTR)*Handle >= 0)
        return ObpCurrentProcess()->ObjectTable;
    if (Mode != KernelMode || !IS_KERNEL_HANDLE(*Handle))
        return NULL;
    *Handle = (HANDLE)((ULONG_PTR)*Handle & ~KERNEL_HANDLE_MASK);
    return ObpKernelHandleTable;
}

static inline BOOLEAN
ObpHoldHandle(PHANDLE_TABLE Table, HANDLE Handle, PEX_HOLD Hold)
{
    ULONG_PTR Index = (ULONG_PTR)Handle / 4;

    return Index < Table->SlotCount && ExHoldSlot(ExSlotAt(Table, Index), Hold);
}

/* OBJ_* attributes as bits of a slot's Value, and back. */
static inline ULONG
ObpSlotFlags(ULONG Attributes)
{
    return (Attributes & (OBJ_INHERIT | OBJ_AUDIT_OBJECT_CLOSE)) |
           (Attributes & OBJ_PROTECT_CLOSE ? EX_HANDLE_PROTECT : 0);
}

static inline ULONG
ObpSlotAttributes(LONG64 Value)
{
    return (Value & (EX_HANDLE_INHERIT | EX_HANDLE_AUDIT)) | (Value & EX_HANDLE_PROTECT
                                                              ? OBJ_PROTECT_CLOSE : 0);
}

VOID     ObpDropHold(PEX_HOLD Hold);
NTSTATUS ObpCreateHandle(OB_OPEN_REASON Reason, POBJECT_HEADER Header, ULONG Attributes,
                         ACCESS_MASK Granted, PHANDLE Handle);
NTSTATUS ObpCreateHandleInTable(PHANDLE_TABLE Table, OB_OPEN_REASON Reason, POBJECT_HEADER Header,
                                ULONG Attributes, ACCESS_MASK Granted, PHANDLE Handle);
NTSTATUS ObpCloseHandleInTable(PHANDLE_TABLE Table, HANDLE Handle, KPROCESSOR_MODE Mode,
                               BOOLEAN Force);

/* Another process' table, kept while it is used; NULL once the process has ended. */
PHANDLE_TABLE ObpReferenceProcessTable(PEPROCESS Process);
VOID          ObpDereferenceTable(PHANDLE_TABLE Table);

/* ---- callback.c ---- */

/*
 * Makes a handle as ObpCreateHandleInTable does, with the type's callbacks called before and
 * after. Operation is OB_OPERATION_HANDLE_*; Source is the process a duplicate comes from.
 */
NTSTATUS ObpCreateWatchedHandle(OB_OPERATION Operation, PEPROCESS Source, PHANDLE_TABLE Table,
                                OB_OPEN_REASON Reason, POBJECT_HEADER Header, ULONG Attributes,
                                ACCESS_MASK Granted, BOOLEAN Kernel, PHANDLE Handle);

VOID ObpInitializeCallbacks(VOID);

static inline BOOLEAN
ObpIsWatched(POBJECT_TYPE Type)
{
    return UNLIKELY(Type->CallbackList.Flink != &Type->CallbackList);
}

/* ---- init.c, type.c ---- */
extern KEVENT     ObpDefaultObject;
extern FAST_MUTEX ObpTypesLock;                // above every directory's
// in the order of creation, never removed; Index - 1
extern POBJECT_TYPE ObpTypes[OB_MAXIMUM_TYPES];
extern ULONG        ObpTypeCount;
VOID ExpInitializeCids(VOID);                           // ex/cid.c

#include "ob/obaccess.h"
