/*
 * Descriptors that objects share.
 *
 * Most objects have one of a few descriptors, so each is kept once: ObLogSecurityDescriptor looks
 * for the same bytes in a table and counts, or makes a copy. A logged descriptor is immutable; to
 * change an object's is to give the object another. Its serial number is never used again, which
 * is what tokens remember it by (se.h); when 2^32 have been given out the rest get 0, which
 * nobody remembers.
 *
 * Where an object keeps its descriptor (OBJECT_HEADER.SecurityDescriptor, or DEVICE_OBJECT's) is
 * a slot. A reader must not lose the descriptor while he looks at it, and must not wait either:
 *   (a) hold      takes 1 from the upper 16 bits, which are all ones in a kernel address
 *   (b) drop      gives it back; if the slot has another descriptor by now, or no hold, the slot's
 *                 change has left one reference for the dropper, who drops that
 *   (c) replace   adds a reference to the old one for every hold, exchanges, and drops the slot's
 * At rest a slot is a plain pointer.
 *
 * Locks: ObpDescriptorLock guards the table, and counts on their way to zero.
 */
#include "kernel.h"
#include "ob/obp.h"
#include "rtl/rtl.h"

#define TAG_OB_SECURITY     'eSbO'
#define OB_SLOT_HOLD        (1LL << 48)
#define OB_SLOT_ADDRESS     0x0000FFFFFFFFFFFFLL
#define OB_DESCRIPTOR_BUCKETS 64

static FAST_MUTEX      ObpDescriptorLock;
static POB_DESCRIPTOR  ObpDescriptors[OB_DESCRIPTOR_BUCKETS];
static ULONG           ObpLastSerial;

VOID INIT_CODE
ObpInitializeSecurity(VOID)
{
    ExInitializeFastMutex(&ObpDescriptorLock);
}

static POB_DESCRIPTOR
ObpLogged(PSECURITY_DESCRIPTOR Descriptor)
{
    return CONTAINING_RECORD(Descriptor, OB_DESCRIPTOR, Bytes);
}

static ULONG
ObpHashBytes(const UCHAR *Bytes, ULONG Length)
{
    ULONG Hash = 2166136261u;

    for (ULONG Index = 0; Index < Length; Index++)
        Hash = (Hash ^ Bytes[Index]) * 16777619;
    return Hash;
}

/* The entry with these bytes, or a new one without a reference; NULL: no memory. */
static POB_DESCRIPTOR
ObpFindDescriptorLocked(PSECURITY_DESCRIPTOR Bytes, ULONG Length)
{
    ULONG           Hash = ObpHashBytes(Bytes, Length);
    POB_DESCRIPTOR *Bucket = &ObpDescriptors[Hash % OB_DESCRIPTOR_BUCKETS], Entry;

    for (Entry = *Bucket; Entry != NULL; Entry = Entry->Next)
        if (Entry->Hash == Hash && Entry->Length == Length
            && RtlCompareMemory(Entry->Bytes, Bytes, Length) == Length)
            return Entry;

    Entry = ExAllocatePoolWithTag(PagedPool, FIELD_OFFSET(OB_DESCRIPTOR, Bytes) + Length,
                                  TAG_OB_SECURITY);
    if (Entry == NULL)
        return NULL;
    Entry->References = 0;
    Entry->Hash       = Hash;
    Entry->Length     = Length;
    Entry->Serial     = ObpLastSerial == MAXULONG ? 0 : ++ObpLastSerial;
    RtlCopyMemory(Entry->Bytes, Bytes, Length);
    Entry->Next = *Bucket;
    *Bucket = Entry;
    return Entry;
}

/*
 * Documented: the shared copy of a self-relative descriptor, with RefBias references, which
 * ObDereferenceSecurityDescriptor gives back. PASSIVE_LEVEL. STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS NTAPI
ObLogSecurityDescriptor(PSECURITY_DESCRIPTOR InputSecurityDescriptor,
                        PSECURITY_DESCRIPTOR *OutputSecurityDescriptor, ULONG RefBias)
{
    ULONG          Length = RtlLengthSecurityDescriptor(InputSecurityDescriptor);
    POB_DESCRIPTOR Entry;

    PAGED_CODE();

    *OutputSecurityDescriptor = NULL;
    ExAcquireFastMutex(&ObpDescriptorLock);
    Entry = ObpFindDescriptorLocked(InputSecurityDescriptor, Length);
    if (Entry != NULL) {
        InterlockedExchangeAdd(&Entry->References, (LONG)RefBias);
        *OutputSecurityDescriptor = Entry->Bytes;
    }
    ExReleaseFastMutex(&ObpDescriptorLock);
    return Entry != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* Documented: Count references more; the caller has one. */
VOID NTAPI
ObReferenceSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Count)
{
    InterlockedExchangeAdd(&ObpLogged(SecurityDescriptor)->References, (LONG)Count);
}

/* Documented: Count references less; with the last one the descriptor goes. <= APC_LEVEL. */
VOID NTAPI
ObDereferenceSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Count)
{
    POB_DESCRIPTOR Entry = ObpLogged(SecurityDescriptor), *Link;
    LONG           Seen;

    PAGED_CODE();

    while ((Seen = Entry->References) > (LONG)Count)
        if (InterlockedCompareExchange(&Entry->References, Seen - (LONG)Count, Seen) == Seen)
            return;

    ExAcquireFastMutex(&ObpDescriptorLock);
    Seen = InterlockedExchangeAdd(&Entry->References, -(LONG)Count) - (LONG)Count;
    if (Seen <= 0) {
        Link = &ObpDescriptors[Entry->Hash % OB_DESCRIPTOR_BUCKETS];
        while (*Link != Entry)
            Link = &(*Link)->Next;
        *Link = Entry->Next;
    }
    ExReleaseFastMutex(&ObpDescriptorLock);
    if (Seen < 0)
        KeBugCheckEx(REFERENCE_BY_POINTER, 0, (ULONG_PTR)SecurityDescriptor, 2, (ULONG_PTR)Seen);
    if (Seen == 0)
        ExFreePoolWithTag(Entry, TAG_OB_SECURITY);
}

/* (a) The slot's descriptor, or NULL: there is none. Let go of with ObDropDescriptor. */
PSECURITY_DESCRIPTOR
ObHoldDescriptor(PVOID volatile *Slot)
{
    LONG64 Seen;

    do {
        Seen = (LONG64)*Slot;
        if (Seen == 0)
            return NULL;
    } while (InterlockedCompareExchange64((volatile LONG64 *)Slot, Seen - OB_SLOT_HOLD, Seen)
             != Seen);
    return (PVOID)(Seen | ~OB_SLOT_ADDRESS);
}

/* How many holds a slot's value has. */
static inline ULONG
ObpHolds(LONG64 Value)
{
    return (ULONG)(0xFFFF - ((ULONG64)Value >> 48));
}

/* (b) */
VOID
ObDropDescriptor(PVOID volatile *Slot, PSECURITY_DESCRIPTOR Descriptor)
{
    LONG64 Seen;

    if (Descriptor == NULL)
        return;
    do {
        Seen = (LONG64)*Slot;
        if ((Seen | ~OB_SLOT_ADDRESS) != (LONG64)Descriptor || ObpHolds(Seen) == 0) {
            ObDereferenceSecurityDescriptor(Descriptor, 1);
            return;
        }
    } while (InterlockedCompareExchange64((volatile LONG64 *)Slot, Seen + OB_SLOT_HOLD, Seen)
             != Seen);
}

/* (c) Puts New, whose reference becomes the slot's, in the place of what is there. */
VOID
ObReplaceDescriptor(PVOID volatile *Slot, PSECURITY_DESCRIPTOR New)
{
    LONG64 Seen;

    for (;;) {
        PSECURITY_DESCRIPTOR Old;

        Seen = (LONG64)*Slot;
        Old  = Seen != 0 ? (PVOID)(Seen | ~OB_SLOT_ADDRESS) : NULL;
        if (Old != NULL && ObpHolds(Seen) != 0)
            ObReferenceSecurityDescriptor(Old, ObpHolds(Seen));
        if (InterlockedCompareExchange64((volatile LONG64 *)Slot, (LONG64)New, Seen) == Seen) {
            if (Old != NULL)
                ObDereferenceSecurityDescriptor(Old, 1);
            return;
        }
        if (Old != NULL && ObpHolds(Seen) != 0)
            ObDereferenceSecurityDescriptor(Old, ObpHolds(Seen));
    }
}

/*
 * The logged descriptor that an SDDL text says, for objects whose generic rights are Mapping's;
 * what it does not say is as if the system made the object.
 * STATUS_INVALID_PARAMETER: the text is wrong.
 */
NTSTATUS
ObDescriptorFromText(PCWSTR Text, PGENERIC_MAPPING Mapping, PSECURITY_DESCRIPTOR *Logged)
{
    SECURITY_SUBJECT_CONTEXT System = { NULL, SecurityAnonymous, SepSystemToken, NULL };
    PSECURITY_DESCRIPTOR     Parsed, Made;
    ULONG                    Length;
    NTSTATUS                 Status = RtlpSddlToDescriptor(Text, &Parsed, &Length);

    *Logged = NULL;
    if (!NT_SUCCESS(Status))
        return Status;
    Status = SeAssignSecurity(NULL, Parsed, &Made, FALSE, &System, Mapping, PagedPool);
    ExFreePool(Parsed);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObLogSecurityDescriptor(Made, Logged, 1);
    SeDeassignSecurity(&Made);
    return Status;
}
