/*
 * Exceptions raised on purpose, and the checks of user pointers that raise them.
 *
 * ProbeForRead and ProbeForWrite say whether a range lies below MM_USER_PROBE (and, for write,
 * can be written now); they do not make it stay so. The caller does probe and access in one __try
 * block.
 */
#include "mm/mm.h"
#include "rtl/rtl.h"

DECLSPEC_NORETURN VOID NTAPI
ExRaiseStatus(NTSTATUS Status)
{
    RtlRaiseStatus(Status);
    __builtin_unreachable();
}

DECLSPEC_NORETURN VOID NTAPI
ExRaiseAccessViolation(VOID)
{
    ExRaiseStatus(STATUS_ACCESS_VIOLATION);
}

DECLSPEC_NORETURN VOID NTAPI
ExRaiseDatatypeMisalignment(VOID)
{
    ExRaiseStatus(STATUS_DATATYPE_MISALIGNMENT);
}

static VOID
ExpCheckUserRange(ULONG_PTR Address, SIZE_T Length, ULONG Alignment)
{
    if ((Address & (Alignment - 1)) != 0)
        ExRaiseDatatypeMisalignment();
    if (Address + Length < Address || Address + Length > MM_USER_PROBE)
        ExRaiseAccessViolation();
}

/*
 * Raises STATUS_ACCESS_VIOLATION or STATUS_DATATYPE_MISALIGNMENT unless the range is aligned user
 * memory. Length 0 is always right.
 */
VOID NTAPI
ProbeForRead(const VOID *Address, SIZE_T Length, ULONG Alignment)
{
    PAGED_CODE();
    if (Length != 0)
        ExpCheckUserRange((ULONG_PTR)Address, Length, Alignment);
}

VOID NTAPI
ProbeForWrite(PVOID Address, SIZE_T Length, ULONG Alignment)
{
    volatile CHAR *Byte = Address, *End = Byte + Length;

    PAGED_CODE();
    if (Length == 0)
        return;
    ExpCheckUserRange((ULONG_PTR)Address, Length, Alignment);
    for (; Byte < End; Byte = (CHAR *)ROUND_DOWN((ULONG_PTR)Byte + PAGE_SIZE, PAGE_SIZE))
        *Byte = *Byte;
}

KPROCESSOR_MODE NTAPI
ExGetPreviousMode(VOID)
{
    return KeGetCurrentThread()->PreviousMode;
}
