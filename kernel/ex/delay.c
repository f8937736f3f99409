/*
 * The services about time and the processor: NtDelayExecution, NtYieldExecution,
 * NtGetCurrentProcessorNumber, NtQuerySystemTime, NtQueryPerformanceCounter; and
 * ExIsProcessorFeaturePresent.
 */
#include "ps/ps.h"
#include "hal/hal.h"

/* Copies an interval in from the caller; raises if it cannot. */
static LARGE_INTEGER
ExpCaptureInteger(PLARGE_INTEGER Source)
{
    if (KeGetPreviousMode() != KernelMode)
        ProbeForRead(Source, sizeof *Source, sizeof(ULONG));
    return *(volatile LARGE_INTEGER *)Source;
}

static NTSTATUS
ExpReturnInteger(PLARGE_INTEGER Target, LONGLONG Value)
{
    __try {
        if (KeGetPreviousMode() != KernelMode)
            ProbeForWrite(Target, sizeof *Target, sizeof(ULONG));
        Target->QuadPart = Value;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* STATUS_SUCCESS when the time has passed, STATUS_USER_APC or STATUS_ALERTED if broken. */
NTSTATUS NTAPI
NtDelayExecution(BOOLEAN Alertable, PLARGE_INTEGER Interval)
{
    LARGE_INTEGER Delay;

    PAGED_CODE();
    __try {
        Delay = ExpCaptureInteger(Interval);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return KeDelayExecutionThread(KeGetPreviousMode(), Alertable, &Delay);
}

NTSTATUS NTAPI
NtYieldExecution(VOID)
{
    KiYield();
    return STATUS_SUCCESS;
}

/* The smallest service: it cannot fail, and the caller may be elsewhere by the time it returns. */
ULONG NTAPI
NtGetCurrentProcessorNumber(VOID)
{
    return KeGetCurrentProcessorNumber();
}

NTSTATUS NTAPI
NtQuerySystemTime(PLARGE_INTEGER SystemTime)
{
    LARGE_INTEGER Now;

    KeQuerySystemTime(&Now);
    return ExpReturnInteger(SystemTime, Now.QuadPart);
}

/* Frequency may be NULL. */
NTSTATUS NTAPI
NtQueryPerformanceCounter(PLARGE_INTEGER Counter, PLARGE_INTEGER Frequency)
{
    LARGE_INTEGER Now, Rate;
    NTSTATUS      Status;

    Now = KeQueryPerformanceCounter(&Rate);
    Status = ExpReturnInteger(Counter, Now.QuadPart);
    if (NT_SUCCESS(Status) && Frequency != NULL)
        Status = ExpReturnInteger(Frequency, Rate.QuadPart);
    return Status;
}

/* One of the PF_... numbers; none that this build does not know of is present. */
BOOLEAN NTAPI
ExIsProcessorFeaturePresent(ULONG ProcessorFeature)
{
    return ProcessorFeature < PROCESSOR_FEATURE_MAX
        && SharedUserData->ProcessorFeatures[ProcessorFeature] != FALSE;
}
