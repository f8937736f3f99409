/*
 * Private to ob/, and included by obp.h: directories, symbolic links and the walk along a name.
 */
#pragma once

/* ---- directory.c ---- */

typedef struct _OBJECT_DIRECTORY_ENTRY {
    struct _OBJECT_DIRECTORY_ENTRY *ChainLink;
    LIST_ENTRY                      Order;              // OBJECT_DIRECTORY.Order
    PVOID                           Object;             // referenced
    ULONG                           HashValue;
    ULONG                           Serial;
} OBJECT_DIRECTORY_ENTRY, *POBJECT_DIRECTORY_ENTRY;

/* Body of a Directory object. All fields are guarded by Lock. */
typedef struct _OBJECT_DIRECTORY {
    FAST_MUTEX               Lock;
    POBJECT_DIRECTORY_ENTRY *HashBuckets;
    // a power of two; doubled when there are twice as many entries
    ULONG                    BucketCount;
    ULONG                    EntryCount;
    LIST_ENTRY               Order;                     // entries, oldest first
    ULONG                    NextSerial;
    POBJECT_DIRECTORY_ENTRY  QueryHint;                 // where the last query stopped, or NULL
} OBJECT_DIRECTORY, *POBJECT_DIRECTORY;

extern POBJECT_DIRECTORY ObpRootDirectory, ObpTypeDirectory, ObpDosDevicesDirectory;
extern FAST_MUTEX        ObpNameLock;

NTSTATUS ObpInitializeDirectory(POBJECT_DIRECTORY Directory);
VOID     ObpDeleteDirectory(PVOID Object);

/*
 * The hash of the part of a name that is at Text: *Length characters, up to a separator or all of
 * Room. Names that differ in case only have the same.
 */
ULONG    ObpHashPart(PWSTR Text, ULONG Room, PULONG Length);

static inline ULONG
ObpHashName(PUNICODE_STRING Name)
{
    ULONG Length;

    return ObpHashPart(Name->Buffer, Name->Length / sizeof(WCHAR), &Length);
}

PVOID    ObpFindNameLocked(POBJECT_DIRECTORY Directory, PUNICODE_STRING Name, ULONG Hash,
                           BOOLEAN CaseInsensitive);
NTSTATUS ObpInsertNameLocked(POBJECT_DIRECTORY Directory, PUNICODE_STRING Name, ULONG Hash,
                             POBJECT_HEADER Header);
VOID     ObpRemoveName(POBJECT_HEADER Header, BOOLEAN OnlyIfUnused);
BOOLEAN  ObpHasLostName(POBJECT_HEADER Header);

/* ---- symlink.c ---- */

typedef struct _OBJECT_SYMBOLIC_LINK {
    LARGE_INTEGER  CreationTime;
    UNICODE_STRING LinkTarget;                          // own pool
} OBJECT_SYMBOLIC_LINK, *POBJECT_SYMBOLIC_LINK;

VOID     ObpDeleteSymbolicLink(PVOID Object);
NTSTATUS ObpSubstituteLink(POBJECT_SYMBOLIC_LINK Link, PUNICODE_STRING Rest, PUNICODE_STRING Name);

/* ---- name.c ---- */

/*
 * What the walk's caller has asked for comes first. Links and reparses replace its Name; it is
 * freed with ObpFreeName. Its SecurityDescriptor, if there is one, is captured.
 */
typedef struct _OB_WALK {
    OBJECT_CREATE_INFORMATION;
    POBJECT_TYPE    Type;                               // wanted, or NULL: any
    KPROCESSOR_MODE Check;                              // Mode, or UserMode: rights are checked
    PACCESS_STATE   AccessState;
    POBJECT_HEADER  Insert;                             // object that is to get the name, or NULL
    PWSTR           Inline;                             // buffer of the first Name that is not pool
    NTSTATUS        CreateStatus;                       // whether Insert may be, where it goes
} OB_WALK, *POB_WALK;

/*
 * The object at the name, referenced with OB_TAG_NAME. With Insert: that object, or the one there
 * (STATUS_OBJECT_NAME_EXISTS).
 */
NTSTATUS ObpWalkName(POB_WALK Walk, PVOID *Object);
