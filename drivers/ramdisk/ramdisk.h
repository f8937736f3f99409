/*
 * What the files of ramdisk.sys share: the tree of files and directories, and the dispatch
 * routines.
 */
#pragma once

#include <ntifs.h>

#define RAMDISK_TAG     'ksiD'                  // shows as Disk

/* A file or directory; made when the driver starts, never changed. */
typedef struct _NODE {
    struct _NODE *Parent;                       // NULL: the root
    struct _NODE *FirstChild, *NextSibling;     // in the archive's order
    BOOLEAN       Directory;
    LARGE_INTEGER Time;                         // of the last change
    const UCHAR  *Data;                         // in the archive
    ULONG64       Size;
    // its own, without the path; characters follow the node
    UNICODE_STRING Name;
} NODE, *PNODE;

/* FileObject->FsContext2: how far a directory has been listed through this file. */
typedef struct _CURSOR {
    FAST_MUTEX     Lock;

    /* Guarded by Lock: */
    PNODE          Next;                        // the next child to be looked at; NULL at the end
    BOOLEAN        Started;                     // Next and Pattern are set
    UNICODE_STRING Pattern;                     // its own pool, tag RAMDISK_TAG; empty: everything
} CURSOR, *PCURSOR;

typedef struct _RAMDISK {
    PNODE   Root;
    ULONG64 Size;                               // of the archive
} RAMDISK, *PRAMDISK;

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

/* info.c, directory.c */
DRIVER_DISPATCH RamdiskQueryInformation, RamdiskQueryVolume, RamdiskDirectoryControl;
VOID     RamdiskFreeCursor(PCURSOR Cursor);

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
