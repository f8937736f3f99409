/*
 * Directories: sets of names, each of which stands for an object.
 *
 * Entries are chained in hash buckets; a directory starts with eight and doubles them when there
 * are twice as many entries, so that finding one name takes the same time among ten and among a
 * hundred thousand. The hash is of the upper-case name, so one bucket serves case-sensitive and
 * case-insensitive lookups. A second list keeps the entries in the order of their making, with
 * ascending serial numbers: a query goes on after the serial it stopped at, however much was
 * added and removed meanwhile (dirsvc.c).
 *
 * References: an entry has one to its object; an object whose name is in a directory has one to
 * that directory (NameInfo->Directory), so a directory outlives what is in it.
 *
 * Locks: each directory's own, and ObpNameLock for every object's NameInfo->Directory, because
 * whoever comes from the object does not know the directory yet: he reads and references it under
 * ObpNameLock, then takes the directory's lock and looks again.
 */
#include "kernel.h"
#include "ob/obp.h"

#define OB_INITIAL_BUCKETS  8
#define OB_HASH_FACTOR      0x9E3779B97F4A7C15ULL

FAST_MUTEX ObpNameLock;

static inline WCHAR
ObpUpcase(WCHAR Character)
{
    if (Character < 'a')
        return Character;
    if (Character <= 'z')
        return Character - ('a' - 'A');
    return Character < 0x80 ? Character : RtlUpcaseUnicodeChar(Character);
}

/* Of a name with characters beyond ASCII. */
static DECLSPEC_NOINLINE ULONG
ObpHashForeign(PWSTR Text, ULONG Length)
{
    ULONG64 Hash = 0;

    for (ULONG Index = 0; Index < Length; Index++)
        Hash = (Hash + (ObpUpcase(Text[Index]) & ~0x20)) * OB_HASH_FACTOR;
    return (ULONG)(Hash >> 32);
}

/* Without bit 5 a letter is the same in either case. */
ULONG
ObpHashPart(PWSTR Text, ULONG Room, PULONG Length)
{
    PWSTR   At = Text, End = Text + Room;
    ULONG   Seen = 0;
    ULONG64 Hash = 0;

    for (; At != End && *At != OBJ_NAME_PATH_SEPARATOR; At++) {
        Seen |= *At;
        Hash  = (Hash + (*At & ~0x20)) * OB_HASH_FACTOR;
    }
    *Length = (ULONG)(At - Text);
    if (UNLIKELY(Seen >= 0x80))
        return ObpHashForeign(Text, *Length);
    return (ULONG)(Hash >> 32);
}

static inline PUNICODE_STRING
ObpEntryName(POBJECT_DIRECTORY_ENTRY Entry)
{
    return &ObpNameInfo(OBJECT_TO_HEADER(Entry->Object))->Name;
}

/* Eight bytes at a time from the end; the first eight even if some of them were compared before. */
static inline BOOLEAN
ObpSameText(PUCHAR A, PUCHAR B, ULONG Bytes)
{
    if (Bytes < 8) {
        while (Bytes > 0 && *(PWSTR)(A + Bytes - 2) == *(PWSTR)(B + Bytes - 2))
            Bytes -= 2;
        return Bytes == 0;
    }
    while (Bytes > 8) {
        Bytes -= 8;
        if (*(UNALIGNED ULONG64 *)(A + Bytes) != *(UNALIGNED ULONG64 *)(B + Bytes))
            return FALSE;
    }
    return *(UNALIGNED ULONG64 *)A == *(UNALIGNED ULONG64 *)B;
}

NTSTATUS
ObpInitializeDirectory(POBJECT_DIRECTORY Directory)
{
    ExInitializeFastMutex(&Directory->Lock);
    InitializeListHead(&Directory->Order);
    Directory->HashBuckets = ExAllocatePoolWithTag(PagedPool, OB_INITIAL_BUCKETS * sizeof(PVOID),
                                                   TAG_OB_DIRECTORY);
    if (Directory->HashBuckets == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    RtlZeroMemory(Directory->HashBuckets, OB_INITIAL_BUCKETS * sizeof(PVOID));
    Directory->BucketCount = OB_INITIAL_BUCKETS;
    return STATUS_SUCCESS;
}

/* Delete procedure of the type. Nothing is in it: whatever was had a reference. */
VOID
ObpDeleteDirectory(PVOID Object)
{
    POBJECT_DIRECTORY Directory = Object;

    if (Directory->HashBuckets != NULL)
        ExFreePoolWithTag(Directory->HashBuckets, TAG_OB_DIRECTORY);
}

/* Twice as many buckets; when there is no memory for them the chains get longer instead. */
static VOID
ObpGrowDirectoryLocked(POBJECT_DIRECTORY Directory)
{
    ULONG                    Count = Directory->BucketCount * 2;
    POBJECT_DIRECTORY_ENTRY *New   = ExAllocatePoolWithTag(PagedPool, Count * sizeof(PVOID),
                                                           TAG_OB_DIRECTORY);

    if (New == NULL)
        return;

    RtlZeroMemory(New, Count * sizeof(PVOID));
    for (PLIST_ENTRY Link = Directory->Order.Flink; Link != &Directory->Order; Link = Link->Flink) {
        POBJECT_DIRECTORY_ENTRY  Entry  = CONTAINING_RECORD(Link, OBJECT_DIRECTORY_ENTRY, Order);
        POBJECT_DIRECTORY_ENTRY *Bucket = &New[Entry->HashValue & (Count - 1)];

        Entry->ChainLink = *Bucket;
        *Bucket = Entry;
    }
    ExFreePoolWithTag(Directory->HashBuckets, TAG_OB_DIRECTORY);
    Directory->HashBuckets = New;
    Directory->BucketCount = Count;
}

/* From Entry on, in any case. */
static DECLSPEC_NOINLINE PVOID
ObpFindAnyCaseLocked(POBJECT_DIRECTORY_ENTRY Entry, PUNICODE_STRING Name, ULONG Hash)
{
    for (; Entry != NULL; Entry = Entry->ChainLink)
        if (Entry->HashValue == Hash && RtlEqualUnicodeString(ObpEntryName(Entry), Name, TRUE))
            return Entry->Object;
    return NULL;
}

/* The object of that name, not referenced, or NULL. Most names are written as they are. */
PVOID
ObpFindNameLocked(POBJECT_DIRECTORY Directory, PUNICODE_STRING Name, ULONG Hash,
                  BOOLEAN CaseInsensitive)
{
    POBJECT_DIRECTORY_ENTRY Entry = Directory->HashBuckets[Hash & (Directory->BucketCount - 1)];

    for (; Entry != NULL; Entry = Entry->ChainLink) {
        PUNICODE_STRING Its;

        if (Entry->HashValue != Hash)
            continue;
        Its = ObpEntryName(Entry);
        if (Its->Length == Name->Length &&
            ObpSameText((PUCHAR)Its->Buffer, (PUCHAR)Name->Buffer, Name->Length))
            return Entry->Object;
        if (CaseInsensitive)
            return ObpFindAnyCaseLocked(Entry, Name, Hash);
    }
    return NULL;
}

/* Gives the object this name in the directory, where it is not taken. */
NTSTATUS
ObpInsertNameLocked(POBJECT_DIRECTORY Directory, PUNICODE_STRING Name, ULONG Hash,
                    POBJECT_HEADER Header)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfo(Header);
    POBJECT_DIRECTORY_ENTRY  Entry    = ExAllocatePoolWithTag(PagedPool, sizeof(*Entry),
                                                              TAG_OB_DIRECTORY);
    PWSTR                    Buffer   = ExAllocatePoolWithTag(PagedPool, Name->Length, TAG_OB_NAME);
    POBJECT_DIRECTORY_ENTRY *Bucket;

    if (Entry == NULL || Buffer == NULL) {
        if (Entry != NULL)
            ExFreePoolWithTag(Entry, TAG_OB_DIRECTORY);
        if (Buffer != NULL)
            ExFreePoolWithTag(Buffer, TAG_OB_NAME);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (Directory->EntryCount >= 2 * Directory->BucketCount)
        ObpGrowDirectoryLocked(Directory);

    RtlCopyMemory(Buffer, Name->Buffer, Name->Length);
    NameInfo->Name.Buffer = Buffer;
    NameInfo->Name.Length = NameInfo->Name.MaximumLength = Name->Length;

    Bucket = &Directory->HashBuckets[Hash & (Directory->BucketCount - 1)];
    Entry->Object    = &Header->Body;
    Entry->HashValue = Hash;
    Entry->Serial    = ++Directory->NextSerial;
    Entry->ChainLink = *Bucket;
    *Bucket = Entry;
    InsertTailList(&Directory->Order, &Entry->Order);
    Directory->EntryCount++;

    ObpReference(Header, OB_TAG_NAME, CALLER());
    ObpReference(OBJECT_TO_HEADER(Directory), OB_TAG_NAME, CALLER());
    ExAcquireFastMutex(&ObpNameLock);
    NameInfo->Directory = Directory;
    ExReleaseFastMutex(&ObpNameLock);
    return STATUS_SUCCESS;
}

static VOID
ObpUnlinkEntryLocked(POBJECT_DIRECTORY Directory, PVOID Object)
{
    ULONG                    Hash = ObpHashName(&ObpNameInfo(OBJECT_TO_HEADER(Object))->Name);
    POBJECT_DIRECTORY_ENTRY *Link =
        &Directory->HashBuckets[Hash & (Directory->BucketCount - 1)], Entry;

    while ((*Link)->Object != Object)
        Link = &(*Link)->ChainLink;
    Entry = *Link;
    *Link = Entry->ChainLink;
    RemoveEntryList(&Entry->Order);
    Directory->EntryCount--;
    if (Directory->QueryHint == Entry)
        Directory->QueryHint = NULL;
    ExFreePoolWithTag(Entry, TAG_OB_DIRECTORY);
}

/* The directory that holds the object's name, referenced, or NULL. */
static POBJECT_DIRECTORY
ObpReferenceParent(POBJECT_HEADER_NAME_INFO NameInfo)
{
    POBJECT_DIRECTORY Directory;

    ExAcquireFastMutex(&ObpNameLock);
    Directory = NameInfo->Directory;
    if (Directory != NULL)
        ObpReference(OBJECT_TO_HEADER(Directory), OB_TAG_NAME, CALLER());
    ExReleaseFastMutex(&ObpNameLock);
    return Directory;
}

/*
 * Takes a temporary object's name away; OnlyIfUnused: only if it has no handles ((2) in ob.h).
 * The caller has a reference.
 */
VOID
ObpRemoveName(POBJECT_HEADER Header, BOOLEAN OnlyIfUnused)
{
    POBJECT_HEADER_NAME_INFO NameInfo  = ObpNameInfo(Header);
    POBJECT_DIRECTORY        Directory = NameInfo ? ObpReferenceParent(NameInfo) : NULL;
    BOOLEAN                  Removed   = FALSE;

    if (Directory == NULL)
        return;

    ExAcquireFastMutex(&Directory->Lock);
    ExAcquireFastMutex(&ObpNameLock);
    if (NameInfo->Directory == Directory &&
        !(Header->Flags & (OB_FLAG_PERMANENT | OB_FLAG_INSERTING)) &&
        (!OnlyIfUnused || Header->HandleCount == 0)) {
        NameInfo->Directory = NULL;
        Removed = TRUE;
    }
    ExReleaseFastMutex(&ObpNameLock);
    if (Removed)
        ObpUnlinkEntryLocked(Directory, &Header->Body);
    ExReleaseFastMutex(&Directory->Lock);

    ObpDereference(OBJECT_TO_HEADER(Directory), OB_TAG_NAME, CALLER());
    if (Removed) {
        ObpDereference(OBJECT_TO_HEADER(Directory), OB_TAG_NAME, CALLER());
        ObpDereference(Header, OB_TAG_NAME, CALLER());
    }
}

/*
 * TRUE: the object had a name when it was found and has lost it since. Asked after HandleCount
 * was raised: if it still has it now, it keeps it for as long as that handle is open.
 */
BOOLEAN
ObpHasLostName(POBJECT_HEADER Header)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfo(Header);
    BOOLEAN                  Lost;

    if (NameInfo == NULL || (Header->Flags & OB_FLAG_PERMANENT))
        return FALSE;

    ExAcquireFastMutex(&ObpNameLock);
    Lost = NameInfo->Directory == NULL;
    ExReleaseFastMutex(&ObpNameLock);
    return Lost;
}
