/*
 * What ob/ offers to the rest of the kernel: object types, headers and counts, the namespace,
 * handles.
 *
 * An object is a block of pool: optional headers, OBJECT_HEADER, body. PointerCount counts every
 * reference, the handles' included; HandleCount counts the handles. Both are true: never biased,
 * never guessed from.
 *
 * Delete against open, the numbered protocol that the sites in ob/ cite:
 *   (1) A name leads to an object only under the directory's lock, and the finder references it
 *       before letting go.
 *   (2) When the last handle of a temporary object goes, its name is removed under the
 *       directory's lock; the directory's own reference goes with it.
 *   (3) The reference that takes PointerCount to zero is the last: nobody can find the object any
 *       more. It is deleted at once at PASSIVE_LEVEL, otherwise by the reaper's work item.
 *   (4) HandleCount goes up before the handle is visible and down after it is gone; the type's
 *       OkayToClose, Close procedures run outside every lock.
 */
#pragma once

#include "ex/ex.h"

typedef struct _OBJECT_HEADER_NAME_INFO {
    // that holds the name (referenced), or NULL; changed under its lock and
    struct _OBJECT_DIRECTORY *Directory;
                                                // ObpNameLock, read under either
    // last part; own pool, tag 'ObNm'; set before Directory, then fixed
    UNICODE_STRING            Name;
    ULONG                     QueryReferences;
    ULONG                     Reserved;
} OBJECT_HEADER_NAME_INFO, *POBJECT_HEADER_NAME_INFO;

typedef struct _OBJECT_HEADER_CREATOR_INFO {
    // all objects of the type; guarded by the type's ListLock
    LIST_ENTRY TypeList;
    HANDLE     CreatorUniqueProcess;
    ULONG64    Reserved;
} OBJECT_HEADER_CREATOR_INFO, *POBJECT_HEADER_CREATOR_INFO;

typedef struct _OBJECT_HANDLE_COUNT_ENTRY {
    PEPROCESS Process;                          // NULL: unused
    ULONG     HandleCount;
} OBJECT_HANDLE_COUNT_ENTRY, *POBJECT_HANDLE_COUNT_ENTRY;

/* Only in objects of types with MaintainHandleCount; guarded by the type's Lock: */
typedef struct _OBJECT_HEADER_HANDLE_INFO {
    OBJECT_HANDLE_COUNT_ENTRY  First;
    POBJECT_HANDLE_COUNT_ENTRY More;            // MoreCount entries; own pool
    ULONG                      MoreCount;
} OBJECT_HEADER_HANDLE_INFO, *POBJECT_HEADER_HANDLE_INFO;

/* Only in objects that were charged for more than their type's default, or are exclusive: */
typedef struct _OBJECT_HEADER_QUOTA_INFO {
    ULONG     PagedPoolCharge, NonPagedPoolCharge, SecurityDescriptorCharge;
    // the only process that may have handles, not referenced
    PEPROCESS ExclusiveProcess;
    ULONG64   Reserved;
} OBJECT_HEADER_QUOTA_INFO, *POBJECT_HEADER_QUOTA_INFO;

/* Laid out as on x64 Windows Server 2003; optional headers lie below it at the given offsets. */
typedef struct _OBJECT_HEADER {
    volatile LONG64      PointerCount;          // 0x00
    union {
        volatile LONG64  HandleCount;           // 0x08
        PVOID            NextToFree;            //       link of the reaper's list
    };
    struct _OBJECT_TYPE *Type;                  // 0x10
    UCHAR                NameInfoOffset;        // 0x18
    UCHAR                HandleInfoOffset;
    UCHAR                QuotaInfoOffset;
    UCHAR                Flags;                 // OB_FLAG_*
    union {
        // 0x20: until ObInsertObject, if OB_FLAG_CREATE_INFO
        PVOID            ObjectCreateInfo;
        PVOID            QuotaBlockCharged;
    };
    PVOID                SecurityDescriptor;    // 0x28
    QUAD                 Body;                  // 0x30
} OBJECT_HEADER, *POBJECT_HEADER;
_Static_assert(FIELD_OFFSET(OBJECT_HEADER, Body) == 0x30, "the object header is as published");

#define OB_FLAG_CREATE_INFO      0x01           // ObjectCreateInfo is valid
#define OB_FLAG_KERNEL_OBJECT    0x02
#define OB_FLAG_CREATOR_INFO     0x04
#define OB_FLAG_EXCLUSIVE        0x08
#define OB_FLAG_PERMANENT        0x10
#define OB_FLAG_DEFAULT_SECURITY 0x20
#define OB_FLAG_SINGLE_PROCESS   0x40
// its creator's handle is on its way: the name stays
#define OB_FLAG_INSERTING        0x80

#define OBJECT_TO_HEADER(Object) CONTAINING_RECORD((Object), OBJECT_HEADER, Body)

/*
 * ---- traces, always on, read by the debugger ----
 *
 * Each is a ring: the record with number Sequence stands at (Sequence - 1) % ..._RECORDS, and
 * ObpTraceSequence (ObpHandleTraceSequence) is the number of the last one. A record whose own
 * Sequence is another number is being written, or was never written (0).
 */

/* A change of an object's PointerCount (trace.c). */
#define OB_TRACE_RECORDS    16384               // a power of two

typedef struct _OB_TRACE_RECORD {
    PVOID   Object;                             // its body; may be free by now
    PVOID   Caller;
    ULONG64 Time;                               // time stamp counter
    ULONG   Sequence;
    ULONG   Tag;                                // the type's pool tag in the record of the creation
    LONG    Count;                              // after the change
    USHORT  Processor;
    UCHAR   Irql;
    SCHAR   Delta;
} OB_TRACE_RECORD, *POB_TRACE_RECORD;

extern OB_TRACE_RECORD ObpTraceRing[OB_TRACE_RECORDS];
extern volatile LONG   ObpTraceSequence;

/* A handle that was made, closed, or used without being one (htrace.c). */
#define OB_HANDLE_TRACE_RECORDS 4096            // a power of two
#define OB_HANDLE_TRACE_OPEN    1
#define OB_HANDLE_TRACE_CLOSE   2
#define OB_HANDLE_TRACE_BAD     3

typedef struct _OB_HANDLE_TRACE_RECORD {
    ULONG     Sequence;
    UCHAR     Kind;                             // OB_HANDLE_TRACE_*
    UCHAR     Processor;
    USHORT    Frames;                           // of Stack
    HANDLE    Handle;                           // kernel handles with their upper bits set
    PEPROCESS Process;                          // whose table; NULL: nobody's (a bad handle)
    PVOID     Object;                           // its body, may be free by now; NULL if bad
    CLIENT_ID ClientId;                         // who did it
    ULONG64   Time;                             // time stamp counter
    PVOID     Stack[4];                         // return addresses, innermost first
} OB_HANDLE_TRACE_RECORD, *POB_HANDLE_TRACE_RECORD;

extern OB_HANDLE_TRACE_RECORD ObpHandleTraceRing[OB_HANDLE_TRACE_RECORDS];
extern volatile LONG          ObpHandleTraceSequence;
extern BOOLEAN                ObpHandleTraceDeep;       // kernel stacks as deep as they are

/*
 * Writes the records of Process' handles from number Start on, newest first, of Query->Handle or
 * (NULL) all, to Query, whose faults are the caller's; returns how many bytes they would take.
 */
ULONG ObQueryHandleTrace(PEPROCESS Process, ULONG Start, PPROCESS_HANDLE_TRACING_QUERY Query,
                         ULONG Length);

typedef enum _OB_OPEN_REASON { ObCreateHandle, ObOpenHandle, ObDuplicateHandle,
                              ObInheritHandle } OB_OPEN_REASON;

/*
 * A type's procedures, any may be NULL. Called at PASSIVE_LEVEL with no lock held.
 *   Dump    never called: the debugger does that
 *   Open    before a handle is made (HandleCount is already raised); a failure takes it back
 *   Close   after a handle was closed: ProcessHandleCount and SystemHandleCount are the counts
 *           before it went
 *   Delete  the last reference is gone
 *   Parse   the rest of the name goes to the object (devices, symbolic links have their own way);
 *           on success *Object is referenced. CompleteName is the whole name, RemainingName what
 *           is left of it, Context what ObOpenObjectByName was given (ParseContext)
 *   Security     the type keeps its objects' descriptors itself (devices, files): sets (a captured
 *                descriptor) or queries (into *Length bytes of kernel memory) the named parts.
 *                NULL: the header has it, at *ObjectsDescriptor
 *   QueryName    appends the object's own part (files)
 *   OkayToClose  FALSE refuses NtClose with STATUS_HANDLE_NOT_CLOSABLE
 *
 * Laid out as on x64 Windows Server 2003, because drivers make types too (ObCreateObjectType).
 */
typedef struct _OBJECT_TYPE_INITIALIZER {
    USHORT          Length;                     // of this structure
    // waiting for an object that is no dispatcher object succeeds at once
    BOOLEAN         UseDefaultObject;
    BOOLEAN         CaseInsensitive;
    ULONG           InvalidAttributes;
    GENERIC_MAPPING GenericMapping;
    ACCESS_MASK     ValidAccessMask;
    BOOLEAN         SecurityRequired, MaintainHandleCount, MaintainTypeList;
    POOL_TYPE       PoolType;
    ULONG           DefaultPagedPoolCharge, DefaultNonPagedPoolCharge;
    PVOID           DumpProcedure;
    NTSTATUS (*OpenProcedure)(OB_OPEN_REASON Reason, PEPROCESS Process, PVOID Object,
                              ACCESS_MASK Access, ULONG HandleCount);
    VOID     (*CloseProcedure)(PEPROCESS Process, PVOID Object, ACCESS_MASK Access,
                               ULONG64 ProcessHandleCount, ULONG64 SystemHandleCount);
    VOID     (*DeleteProcedure)(PVOID Object);
    NTSTATUS (*ParseProcedure)(PVOID ParseObject, POBJECT_TYPE ObjectType,
                               PACCESS_STATE AccessState, KPROCESSOR_MODE Mode, ULONG Attributes,
                               PUNICODE_STRING CompleteName, PUNICODE_STRING RemainingName,
                               PVOID Context, PSECURITY_QUALITY_OF_SERVICE SecurityQos,
                               PVOID *Object);
    NTSTATUS (*SecurityProcedure)(PVOID Object, SECURITY_OPERATION_CODE Operation,
                                  PSECURITY_INFORMATION Information,
                                  PSECURITY_DESCRIPTOR Descriptor, PULONG CapturedLength,
                                  PSECURITY_DESCRIPTOR *ObjectsDescriptor, POOL_TYPE PoolType,
                                  PGENERIC_MAPPING GenericMapping);
    NTSTATUS (*QueryNameProcedure)(PVOID Object, BOOLEAN HasName,
                                   POBJECT_NAME_INFORMATION Information, ULONG Length,
                                   PULONG ReturnLength, KPROCESSOR_MODE Mode);
    BOOLEAN  (*OkayToCloseProcedure)(PEPROCESS Process, PVOID Object, HANDLE Handle,
                                     KPROCESSOR_MODE Mode);
} OBJECT_TYPE_INITIALIZER, *POBJECT_TYPE_INITIALIZER;
_Static_assert(sizeof(OBJECT_TYPE_INITIALIZER) == 0x70, "the initializer is as published");

/* An object itself: body of \ObjectTypes\NAME. */
typedef struct _OBJECT_TYPE {
    /* Set at creation, never changed: */
    // drivers built with mingw-w64 see one indirection more in *ExEventObjectType
    struct _OBJECT_TYPE    *Self;
                                                // than those built with Microsoft's headers; both
                                                // end up here
    UNICODE_STRING          Name;
    // what a wait waits for: < 0 = not waitable, else offset in the body of a
    LONG                    DefaultObject;
                                                // dispatcher header, or of a pointer to one if
                                                // OB_WAIT_POINTER is set
    ULONG                   Index, Key;         // Key is the pool tag
    OBJECT_TYPE_INITIALIZER TypeInfo;

    /* Interlocked: */
    volatile LONG           TotalNumberOfObjects, TotalNumberOfHandles;
    volatile LONG           HighWaterNumberOfObjects, HighWaterNumberOfHandles;
    // by pool, what objects are charged for beyond the type's defaults
    volatile LONG           ExtraUsage[2], HighWaterExtraUsage[2];

    // guards the counts by process of its objects, and if these are in paged pool TypeList
    FAST_MUTEX              Lock;

    /* Guarded by ListLock: */
    KSPIN_LOCK              ListLock;
    LIST_ENTRY              TypeList;           // OBJECT_HEADER_CREATOR_INFO.TypeList
    LIST_ENTRY              CallbackList;       // OB_CALLBACK.Link, highest altitude first
} OBJECT_TYPE;

#define OB_WAIT_NEVER   (-1)
#define OB_WAIT_DEFAULT (-2)                    // ObpDefaultObject, which is always signalled
#define OB_WAIT_POINTER 0x40000000

extern POBJECT_TYPE ObpTypeObjectType, ObpDirectoryObjectType, ObpSymbolicLinkObjectType;

// phase 0: Type, Directory, SymbolicLink; `\`, \ObjectTypes, \Device, \Driver, \??, \GLOBAL??,
// \DosDevices, \BaseNamedObjects
VOID ObInitSystem(VOID);

/* DefaultObject as in OBJECT_TYPE. The type is permanent, named \ObjectTypes\Name. */
NTSTATUS ObpCreateType(PCWSTR Name, POBJECT_TYPE_INITIALIZER Initializer, ULONG Tag,
                       LONG DefaultObject, POBJECT_TYPE *Type);

/*
 * For drivers: the same from a published initializer. STATUS_INVALID_PARAMETER,
 * STATUS_OBJECT_NAME_INVALID (a backslash), STATUS_OBJECT_NAME_COLLISION.
 */
NTSTATUS NTAPI ObCreateObjectType(PUNICODE_STRING Name, POBJECT_TYPE_INITIALIZER Initializer,
                                  PVOID SecurityDescriptor, POBJECT_TYPE *Type);

/*
 * Published shapes: ObCreateObject gives one reference and no name yet; ObInsertObject inserts
 * name and handle and drops that reference (also when it fails). See the documentation of both.
 */
NTSTATUS NTAPI ObCreateObject(KPROCESSOR_MODE ProbeMode, POBJECT_TYPE Type,
                              POBJECT_ATTRIBUTES Attributes, KPROCESSOR_MODE OwnerMode,
                              PVOID ParseContext, ULONG BodySize, ULONG PagedCharge,
                              ULONG NonPagedCharge, PVOID *Object);
/* The short way for files and the like: no name, descriptor, attribute or charge of its own. */
NTSTATUS       ObCreateNameless(KPROCESSOR_MODE Mode, POBJECT_TYPE Type, ULONG BodySize,
                                PVOID *Object);
NTSTATUS NTAPI ObInsertObject(PVOID Object, PACCESS_STATE AccessState, ACCESS_MASK DesiredAccess,
                              ULONG AdditionalReferences, PVOID *NewObject, PHANDLE Handle);
NTSTATUS NTAPI ObOpenObjectByName(POBJECT_ATTRIBUTES Attributes, POBJECT_TYPE Type,
                                  KPROCESSOR_MODE Mode, PACCESS_STATE AccessState,
                                  ACCESS_MASK DesiredAccess, PVOID ParseContext, PHANDLE Handle);
NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING Name, ULONG Attributes,
                                       PACCESS_STATE AccessState, ACCESS_MASK DesiredAccess,
                                       POBJECT_TYPE Type, KPROCESSOR_MODE Mode, PVOID ParseContext,
                                       PVOID *Object);
NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode);

/* The object loses its name, now or with its last handle (IoDeleteDevice, ...). */
VOID NTAPI ObMakeTemporaryObject(PVOID Object);

/*
 * The process' handle table: made at creation (inheriting Parent's inheritable handles if asked),
 * emptied at exit: every handle is closed in ascending order.
 */
NTSTATUS ObInitProcess(PEPROCESS Parent, PEPROCESS Process, BOOLEAN Inherit);
VOID     ObKillProcess(PEPROCESS Process);

/*
 * Counts one reference and returns TRUE unless the last one is gone already: for finders that go
 * by a list or table which the object leaves in its delete procedure. The finder holds the list's
 * lock. <= DISPATCH_LEVEL.
 */
BOOLEAN ObReferenceObjectSafe(PVOID Object);

/*
 * The common part of NtOpenXxx and NtCreateXxx, for the previous mode: PASSIVE_LEVEL.
 * ObOpenService opens a name of Type with Access and writes the handle. ObProbeHandle comes first
 * in a create service. ObInsertService inserts a new Object (dropping the creation reference) and
 * writes its handle; a handle that cannot be written is closed again and the fault's status
 * returned.
 */
NTSTATUS ObOpenService(PHANDLE Handle, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
                       POBJECT_TYPE Type, PVOID ParseContext);
NTSTATUS ObProbeHandle(PHANDLE Handle, KPROCESSOR_MODE Mode);
NTSTATUS ObInsertService(PVOID Object, ACCESS_MASK Access, PHANDLE Handle, KPROCESSOR_MODE Mode);
NTSTATUS ObReturnHandle(PHANDLE To, HANDLE Handle, KPROCESSOR_MODE Mode, NTSTATUS Status);

/*
 * Probes an output of Size bytes that a service will write later; Address may be NULL: the caller
 * does not want it.
 */
NTSTATUS ObProbeOutput(PVOID Address, ULONG Size, KPROCESSOR_MODE Mode);

/*
 * Writes Size bytes to a caller's buffer, and how many to *ReturnLength (may be NULL), as
 * NtQueryXxx services end.
 */
NTSTATUS ObReturnBytes(PVOID Buffer, const VOID *Data, ULONG Size, PULONG ReturnLength,
                       KPROCESSOR_MODE Mode);

POBJECT_TYPE NTAPI ObGetObjectType(PVOID Object);

/* Copies a handle between tables, kernel-side: what NtDuplicateObject does after its checks. */
NTSTATUS ObDuplicateObject(PEPROCESS SourceProcess, HANDLE Source, PEPROCESS TargetProcess,
                           PHANDLE Target, ACCESS_MASK Access, ULONG Attributes, ULONG Options,
                           KPROCESSOR_MODE Mode);

/*
 * Calls Callback for each handle of the process (basic information only) under the table's
 * protection; used by queries.
 */
typedef VOID (*POB_HANDLE_CALLBACK)(HANDLE Handle, POBJECT_HEADER Header, ACCESS_MASK Access,
                                    ULONG Attributes, PVOID Context);
VOID ObEnumerateHandles(PEPROCESS Process, POB_HANDLE_CALLBACK Callback, PVOID Context);

/*
 * Walks the types (Number from 0; NULL: no more) and, if the type keeps a list, its objects: NULL
 * starts; returns the next one referenced and drops the reference on Object. <= APC_LEVEL,
 * PASSIVE_LEVEL where a delete procedure may run. ObDescribeObject fills Entry but for links and
 * name, without the walker's reference; FALSE: the object is not inserted yet, its body is not to
 * be looked at.
 */
struct _SYSTEM_OBJECT_INFORMATION;
POBJECT_TYPE ObGetType(ULONG Number);
PVOID   ObGetNextObject(POBJECT_TYPE Type, PVOID Object);
BOOLEAN ObDescribeObject(PVOID Object, struct _SYSTEM_OBJECT_INFORMATION *Entry);
/* ---- security descriptors: security.c, secsvc.c ---- */

typedef struct _OB_DESCRIPTOR {
    struct _OB_DESCRIPTOR *Next;                // of the table; guarded by ObpDescriptorLock
    volatile LONG          References;
    ULONG                  Serial;              // never 0 and never given again, or 0
    ULONG                  Hash, Length;
    DECLSPEC_ALIGN(16) UCHAR Bytes[];           // the descriptor, self-relative
} OB_DESCRIPTOR, *POB_DESCRIPTOR;

static inline ULONG
ObDescriptorSerial(PSECURITY_DESCRIPTOR Logged)
{
    return CONTAINING_RECORD(Logged, OB_DESCRIPTOR, Bytes)->Serial;
}

NTSTATUS NTAPI ObLogSecurityDescriptor(PSECURITY_DESCRIPTOR Input, PSECURITY_DESCRIPTOR *Output,
                                       ULONG RefBias);
VOID NTAPI     ObReferenceSecurityDescriptor(PSECURITY_DESCRIPTOR Logged, ULONG Count);
VOID NTAPI     ObDereferenceSecurityDescriptor(PSECURITY_DESCRIPTOR Logged, ULONG Count);
NTSTATUS       ObDescriptorFromText(PCWSTR Text, PGENERIC_MAPPING Mapping,
                                    PSECURITY_DESCRIPTOR *Logged);

/*
 * A slot that holds an object's logged descriptor or NULL. <= APC_LEVEL. Those who replace what is
 * in a slot keep each other out.
 */
PSECURITY_DESCRIPTOR ObHoldDescriptor(PVOID volatile *Slot);
VOID                 ObDropDescriptor(PVOID volatile *Slot, PSECURITY_DESCRIPTOR Held);
VOID                 ObReplaceDescriptor(PVOID volatile *Slot, PSECURITY_DESCRIPTOR New);

/* What a security procedure does for a descriptor in Slot. PASSIVE_LEVEL. */
NTSTATUS ObDefaultSecurityMethod(PVOID volatile *Slot, SECURITY_OPERATION_CODE Operation,
                                 PSECURITY_INFORMATION Information,
                                 PSECURITY_DESCRIPTOR Descriptor, PULONG Length,
                                 PGENERIC_MAPPING Mapping);

/*
 * Gives an object that is not inserted yet its descriptor by another token than its maker's: a
 * process or thread by that of the process.
 */
NTSTATUS ObAssignByToken(PVOID Object, PACCESS_TOKEN Token);

VOID           ObSecureNamespace(VOID);         // by SeInitSystem: \, \Device, ... (init.c)
NTSTATUS NTAPI ObSetSecurityObjectByPointer(PVOID Object, SECURITY_INFORMATION Information,
                                            PSECURITY_DESCRIPTOR Descriptor);
NTSTATUS NTAPI ObGetObjectSecurity(PVOID Object, PSECURITY_DESCRIPTOR *Descriptor,
                                   PBOOLEAN MemoryAllocated);
VOID NTAPI     ObReleaseObjectSecurity(PSECURITY_DESCRIPTOR Descriptor, BOOLEAN MemoryAllocated);

/* Documented: appends the full path of the object. */
NTSTATUS NTAPI ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION Information, ULONG Length,
                                 PULONG ReturnLength);
