/*
 * What the files of ramdisk.sys share: the tree of files and directories, and the dispatch
 * routines.
 */
#pragma once

#include <ntifs.h>

#define RAMDISK_TAG     'ksiD'                  // shows as Disk

typedef struct _LOCKS *PLOCKS;                  // lock.c

/* A file or directory; made when the driver starts, never changed but for Share and Locks. */
typedef struct _NODE {
    LONG64        Id;                           // RAMDISK_ID of how many there were before
    struct _NODE *Parent;                       // NULL: the root
    struct _NODE *FirstChild, *NextSibling;     // in the archive's order
    BOOLEAN       Directory;
    LARGE_INTEGER Time;                         // of the last change
    const UCHAR  *Data;                         // in the archive
    ULONG64       Size;
    // its own, without the path; characters follow the node
    UNICODE_STRING Name;
    PLOCKS        Locks;                        // set once, when there is the first lock

    /* Guarded by RAMDISK.ShareMutex: */
    SHARE_ACCESS  Share;
} NODE, *PNODE;

/* Never 0, and as a name of FILE_OPEN_BY_FILE_ID never one that begins with a backslash. */
#define RAMDISK_ID(Number)  (((LONG64)(Number) << 16) | 1)

/* FileObject->FsContext2: how far a directory has been listed through this file. */
typedef struct _CURSOR {
    FAST_MUTEX     Lock;

    /* Guarded by Lock: */
    ULONG          Dots;                        // . and .. come first: how many were looked at
    PNODE          Next;                        // the next child to be looked at; NULL at the end
    BOOLEAN        Started;                     // Next and Pattern are set
    UNICODE_STRING Pattern;                     // its own pool, tag RAMDISK_TAG; empty: everything
} CURSOR, *PCURSOR;

typedef struct _RAMDISK {
    PNODE      Root;
    ULONG64    Size;                            // of the archive
    FAST_MUTEX ShareMutex;
    IO_CSQ     Notify;                          // who wants to know of changes (notify.c)

    /* Guarded by NotifyLock, the queue's: */
    KSPIN_LOCK NotifyLock;
    LIST_ENTRY Watches;
} RAMDISK, *PRAMDISK;

#define RAMDISK_SECTOR  512

/*
 * archive.c: builds the tree. STATUS_DISK_CORRUPT_ERROR after a line on the debug port that says
 * where.
 */
NTSTATUS RamdiskReadArchive(const UCHAR *Archive, ULONG64 Size, PNODE *Root);
VOID     RamdiskFreeTree(PNODE Root);

/*
 * The node that Path leads to from Start, in any case. STATUS_OBJECT_PATH_NOT_FOUND,
 * STATUS_OBJECT_NAME_NOT_FOUND...
 */
NTSTATUS RamdiskFind(PNODE Start, PCUNICODE_STRING Path, PNODE *Node);

/* The node with this Id, or NULL. */
PNODE RamdiskFindId(PNODE Root, LONG64 Id);

/* pattern.c: whether Name is one that the pattern means, in any case. */
#define RAMDISK_PATTERN_MAX 255                 // characters
BOOLEAN RamdiskMatches(PCUNICODE_STRING Pattern, PCUNICODE_STRING Name);

/* open.c, info.c, volume.c, directory.c, lock.c */
DRIVER_DISPATCH RamdiskCreate, RamdiskCleanup;
DRIVER_DISPATCH RamdiskQueryInformation, RamdiskQueryVolume, RamdiskDirectoryControl;
DRIVER_DISPATCH RamdiskLockControl;
VOID     RamdiskFreeCursor(PCURSOR Cursor);

/* notify.c: pends or completes a request for changes; ends all of a file that is closed. */
VOID     RamdiskInitializeNotify(PRAMDISK Disk);
NTSTATUS RamdiskNotify(PRAMDISK Disk, PIRP Irp, PIO_STACK_LOCATION Stack);
VOID     RamdiskEndNotify(PRAMDISK Disk, PFILE_OBJECT File);

/* lock.c: gives up File's locks; Process NULL: everybody's, and the waits too; Key may be NULL. */
VOID     RamdiskGiveUpLocks(PNODE Node, PFILE_OBJECT File, PEPROCESS Process, const ULONG *Key);
/* Whether nobody else has locked what a read IRP is for, of which Length bytes are there. */
BOOLEAN  RamdiskMayRead(PNODE Node, PIRP Irp, PIO_STACK_LOCATION Stack, ULONG Length);

static inline NTSTATUS
RamdiskComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static inline ULONG
RamdiskAttributes(PNODE Node)
{
    return FILE_ATTRIBUTE_READONLY | (Node->Directory ? FILE_ATTRIBUTE_DIRECTORY : 0);
}
