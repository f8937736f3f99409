/*
 * Handle counts: of an object, by process for the types that want to know, and of a type.
 *
 * HandleCount goes up before a handle exists and down after it is gone ((4) in ob.h), so it is
 * never below the number of handles. Going up asks the exclusive owner's rule and the type's open
 * procedure, and is taken back if they refuse. Going down calls the type's close procedure with
 * the counts as they were before; the one who brings it to zero takes a temporary object's name
 * away.
 *
 * An exclusive object (OBJ_EXCLUSIVE) belongs to the process that has the first handle; no other
 * gets one.
 *
 * Locks: the type's Lock guards the counts by process and the exclusive owner; HandleCount itself
 * is interlocked.
 */
#include "kernel.h"
#include "ob/obp.h"

VOID
ObpRaisePeak(LONG Now, volatile LONG *Peak)
{
    LONG High = *Peak, Seen;

    while (Now > High) {
        Seen = InterlockedCompareExchange(Peak, Now, High);
        if (Seen == High)
            break;
        High = Seen;
    }
}

static DECLSPEC_NOINLINE POBJECT_HANDLE_COUNT_ENTRY
ObpFindAnyCountLocked(POBJECT_HEADER_HANDLE_INFO Info, PEPROCESS Process, BOOLEAN Make)
{
    POBJECT_HANDLE_COUNT_ENTRY Unused = Info->First.Process == NULL ? &Info->First : NULL, More;

    if (Info->First.Process == Process)
        return &Info->First;

    for (ULONG Index = 0; Index < Info->MoreCount; Index++) {
        if (Info->More[Index].Process == Process)
            return &Info->More[Index];
        if (Info->More[Index].Process == NULL && Unused == NULL)
            Unused = &Info->More[Index];
    }
    if (!Make || Unused != NULL)
        return Make ? Unused : NULL;

    More = ExAllocatePoolWithTag(PagedPool, (Info->MoreCount * 2 + 4) * sizeof(*More), TAG_OB_NAME);
    if (More == NULL)
        return NULL;

    RtlZeroMemory(More, (Info->MoreCount * 2 + 4) * sizeof(*More));
    if (Info->More != NULL) {
        RtlCopyMemory(More, Info->More, Info->MoreCount * sizeof(*More));
        ExFreePoolWithTag(Info->More, TAG_OB_NAME);
    }
    Unused = &More[Info->MoreCount];
    Info->More      = More;
    Info->MoreCount = Info->MoreCount * 2 + 4;
    return Unused;
}

/* The process' entry, or with Make a new one; NULL: none, or no memory. */
static inline POBJECT_HANDLE_COUNT_ENTRY
ObpFindCountLocked(POBJECT_HEADER_HANDLE_INFO Info, PEPROCESS Process, BOOLEAN Make)
{
    if (Info->First.Process == Process ||
        (Make && Info->First.Process == NULL && Info->MoreCount == 0))
        return &Info->First;
    return ObpFindAnyCountLocked(Info, Process, Make);
}

/* One handle more of Process. */
static NTSTATUS
ObpCountProcessHandle(POBJECT_HEADER Header, PEPROCESS Process, ULONG Attributes)
{
    POBJECT_HEADER_HANDLE_INFO Info   = ObpHandleInfo(Header);
    POBJECT_HEADER_QUOTA_INFO  Quota  = ObpQuotaInfo(Header);
    BOOLEAN                    Single = (Header->Flags & OB_FLAG_EXCLUSIVE) != 0;
    NTSTATUS                   Status = STATUS_SUCCESS;

    ExAcquireFastMutex(&Header->Type->Lock);
    if (Single ? Quota->ExclusiveProcess != NULL && Quota->ExclusiveProcess != Process
               : (Attributes & OBJ_EXCLUSIVE) && Header->HandleCount != 0)
        Status = STATUS_ACCESS_DENIED;

    if (NT_SUCCESS(Status) && Info != NULL) {
        POBJECT_HANDLE_COUNT_ENTRY Entry = ObpFindCountLocked(Info, Process, TRUE);

        if (Entry == NULL) {
            Status = STATUS_INSUFFICIENT_RESOURCES;
        } else {
            Entry->Process = Process;
            Entry->HandleCount++;
        }
    }
    if (NT_SUCCESS(Status)) {
        if (Single)
            Quota->ExclusiveProcess = Process;
        InterlockedIncrement64(&Header->HandleCount);
    }
    ExReleaseFastMutex(&Header->Type->Lock);
    return Status;
}

/* One handle less; returns how many there were, of the process and altogether. */
static ULONG64
ObpUncountProcessHandle(POBJECT_HEADER Header, PEPROCESS Process, PULONG64 SystemCount)
{
    POBJECT_HEADER_HANDLE_INFO Info   = ObpHandleInfo(Header);
    ULONG64                    Before = 0;

    ExAcquireFastMutex(&Header->Type->Lock);
    if (Info != NULL) {
        POBJECT_HANDLE_COUNT_ENTRY Entry = ObpFindCountLocked(Info, Process, FALSE);

        Before = Entry->HandleCount;
        if (--Entry->HandleCount == 0)
            Entry->Process = NULL;
    }
    *SystemCount = InterlockedDecrement64(&Header->HandleCount) + 1;
    if (*SystemCount == 1 && (Header->Flags & OB_FLAG_EXCLUSIVE))
        ObpQuotaInfo(Header)->ExclusiveProcess = NULL;
    ExReleaseFastMutex(&Header->Type->Lock);
    return Before;
}

static inline BOOLEAN
ObpCountsByProcess(POBJECT_HEADER Header, ULONG Attributes)
{
    return Header->HandleInfoOffset != 0 || (Header->Flags & OB_FLAG_EXCLUSIVE) ||
        (Attributes & OBJ_EXCLUSIVE);
}

/*
 * Counts a handle that is about to be made for Process and asks the type. A refusal leaves the
 * counts as they were.
 */
NTSTATUS
ObpIncrementHandleCount(OB_OPEN_REASON Reason, PEPROCESS Process, POBJECT_HEADER Header,
                        ACCESS_MASK Access, ULONG Attributes)
{
    POBJECT_TYPE Type = Header->Type;
    ULONG64      System;
    NTSTATUS     Status;

    if (ObpCountsByProcess(Header, Attributes)) {
        Status = ObpCountProcessHandle(Header, Process, Attributes);
        if (!NT_SUCCESS(Status))
            return Status;
    } else {
        InterlockedIncrement64(&Header->HandleCount);
    }
    ObpCountUp(&Type->TotalNumberOfHandles, 1, &Type->HighWaterNumberOfHandles);

    if (Type->TypeInfo.OpenProcedure == NULL)
        return STATUS_SUCCESS;

    Status = Type->TypeInfo.OpenProcedure(Reason, Process, &Header->Body, Access,
                                          (ULONG)Header->HandleCount);
    if (!NT_SUCCESS(Status)) {
        if (ObpCountsByProcess(Header, 0))
            ObpUncountProcessHandle(Header, Process, &System);
        else
            System = InterlockedDecrement64(&Header->HandleCount) + 1;
        InterlockedDecrement(&Type->TotalNumberOfHandles);
        if (System == 1)
            ObpRemoveName(Header, TRUE);
    }
    return Status;
}

/*
 * Counts a handle that is gone, tells the type, and takes the name away with the last one. The
 * caller has a reference.
 */
VOID
ObpDecrementHandleCount(PEPROCESS Process, POBJECT_HEADER Header, ACCESS_MASK Access)
{
    POBJECT_TYPE Type = Header->Type;
    KIRQL        Irql = KeGetCurrentIrql();
    ULONG64      Own = 0, System;

    if (ObpCountsByProcess(Header, 0))
        Own = ObpUncountProcessHandle(Header, Process, &System);
    else
        System = InterlockedDecrement64(&Header->HandleCount) + 1;
    InterlockedDecrement(&Type->TotalNumberOfHandles);

    if (Type->TypeInfo.CloseProcedure != NULL) {
        Type->TypeInfo.CloseProcedure(Process, &Header->Body, Access, Own, System);
        ASSERT(KeGetCurrentIrql() == Irql);
    }
    if (System == 1 && Header->NameInfoOffset != 0 && !(Header->Flags & OB_FLAG_PERMANENT))
        ObpRemoveName(Header, TRUE);
}
