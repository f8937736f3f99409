/* The information services' common part: infocall.c, used by fileinfo.c and volinfo.c. */
#pragma once

#include "iop.h"

/*
 * A class: least length (0: there is no such class), alignment of the caller's buffer, access the
 * handle needs. Routine, if there is one, answers in place of the driver: it is called with the
 * buffer in pool, as long as the caller's, and with *Information set to Length (0 for a set).
 */
typedef struct _IOP_INFORMATION_CLASS {
    UCHAR       Length, Alignment;
    ACCESS_MASK Access;
    NTSTATUS  (*Routine)(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length,
                         PULONG_PTR Information);
} IOP_INFORMATION_CLASS;

/* A class that is a structure of Type. */
#define IOP_CLASS(Type, Access, Routine) { sizeof(Type), _Alignof(Type), Access, Routine }

NTSTATUS IopInformation(const IOP_INFORMATION_CLASS *Table, ULONG Classes, ULONG Class, UCHAR Major,
                        HANDLE FileHandle, PIO_STATUS_BLOCK Iosb, PVOID Given, ULONG Length);
NTSTATUS IopAskDriver(PIOP_CALL Call, UCHAR Major, ULONG Class, PVOID Buffer, ULONG Length,
                      PULONG_PTR Information);
NTSTATUS IopAskToName(PIOP_CALL Call, ULONG Class, PFILE_RENAME_INFORMATION Rename, ULONG Length,
                      PFILE_OBJECT Target);

/* rename.c: the routine of FileRenameInformation and FileLinkInformation. */
NTSTATUS IopSetName(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length,
                    PULONG_PTR Information);
