/*
 * Extended attributes, as a list of FILE_FULL_EA_INFORMATION: checked before a driver sees it.
 */
#include "iop.h"

/*
 * Whether EaLength bytes are a list of extended attributes: each entry inside, aligned to 4 bytes,
 * its name closed by a zero, the last one's NextEntryOffset 0. STATUS_EA_LIST_INCONSISTENT, with
 * the offset of the entry that is not one. EaBuffer is system memory.
 */
NTSTATUS NTAPI
IoCheckEaBufferValidity(PFILE_FULL_EA_INFORMATION EaBuffer, ULONG EaLength, PULONG ErrorOffset)
{
    ULONG Position = 0, Left, Size;

    PAGED_CODE();

    for (;;) {
        PFILE_FULL_EA_INFORMATION Ea = (PVOID)((PUCHAR)EaBuffer + Position);

        Left = EaLength - Position;
        *ErrorOffset = Position;
        if (Left < FIELD_OFFSET(FILE_FULL_EA_INFORMATION, EaName))
            return STATUS_EA_LIST_INCONSISTENT;
        Size = FIELD_OFFSET(FILE_FULL_EA_INFORMATION, EaName) + Ea->EaNameLength + 1
            + Ea->EaValueLength;
        if (Size > Left || Ea->EaName[Ea->EaNameLength] != 0)
            return STATUS_EA_LIST_INCONSISTENT;
        if (Ea->NextEntryOffset == 0)
            break;
        if (Ea->NextEntryOffset != ROUND_UP(Size, sizeof(ULONG)) || Ea->NextEntryOffset > Left)
            return STATUS_EA_LIST_INCONSISTENT;
        Position += Ea->NextEntryOffset;
    }
    *ErrorOffset = 0;
    return STATUS_SUCCESS;
}
