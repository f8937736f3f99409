/*
 * What the sources of kernel/rtl need from the place they run in, as ntdll supplies it: memory
 * for the strings that RtlAnsiStringToUnicodeString and its like make, and the end of an
 * exception that nobody took.
 */
#include "ntdllp.h"

PVOID NTAPI
ExAllocatePoolWithTag(ULONG PoolType, SIZE_T Size, ULONG Tag)
{
    return RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, Size);
}

VOID NTAPI
ExFreePoolWithTag(PVOID Block, ULONG Tag)
{
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, Block);
}

VOID
RtlpUnhandledException(PEXCEPTION_RECORD Record, PCONTEXT Context)
{
    NTSTATUS Status = NtRaiseException(Record, Context, FALSE);

    NtTerminateProcess(NtCurrentProcess(), Status);
}
