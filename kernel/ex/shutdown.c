/*
 * Leaving: NtShutdownSystem; and NtDisplayString, the way to the screen for programs that have no
 * console yet.
 *
 * Shutdown asks nobody's leave: programs that want to save something did so before the shell
 * called it. Drivers that registered for IRP_MJ_SHUTDOWN are told.
 */
#include "init.h"
#include "io/io.h"
#include "se/se.h"
#include "hal/hal.h"
#include "kd/kd.h"
#include "sdk/ntsysinfo.h"

#define EXP_MAXIMUM_DISPLAY 1024
#define EXP_TAG_DISPLAY     'psiD'

/*
 * Action is a SHUTDOWN_ACTION, or one of the two that end QEMU with a status for tests. Returns
 * only on a bad parameter: STATUS_INVALID_PARAMETER, or without SeShutdownPrivilege:
 * STATUS_PRIVILEGE_NOT_HELD.
 */
NTSTATUS NTAPI
NtShutdownSystem(ULONG Action)
{
    PAGED_CODE();

    if (!SeHasPrivilege(SE_SHUTDOWN_PRIVILEGE, ExGetPreviousMode()))
        return STATUS_PRIVILEGE_NOT_HELD;
    switch (Action) {
    case EtShutdownNoReboot:
    case EtShutdownPowerOff:
        IoShutdownSystem();
        HalpPowerOff();
    case EtShutdownReboot:
        IoShutdownSystem();
        HalpReboot();
    case EtShutdownTestPassed:
    case EtShutdownTestFailed:
        IoShutdownSystem();
        HalpExitEmulator(Action == EtShutdownTestPassed ? DEBUG_EXIT_SUCCESS : DEBUG_EXIT_FAILURE);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

/*
 * Documented: writes String to the debug port. STATUS_INVALID_PARAMETER for an odd length or more
 * than 1,024 bytes.
 */
NTSTATUS NTAPI
NtDisplayString(PUNICODE_STRING String)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    UNICODE_STRING  Captured;
    PCHAR    Text = NULL;
    ULONG    Index;
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();

    __try {
        if (Mode != KernelMode)
            ProbeForRead(String, sizeof *String, sizeof(PVOID));
        Captured = *(volatile UNICODE_STRING *)String;
        if ((Captured.Length & 1) != 0 || Captured.Length > EXP_MAXIMUM_DISPLAY)
            return STATUS_INVALID_PARAMETER;
        if (Mode != KernelMode)
            ProbeForRead(Captured.Buffer, Captured.Length, sizeof(WCHAR));
        Text = ExAllocatePoolWithTag(PagedPool, Captured.Length / sizeof(WCHAR) + 1,
                                     EXP_TAG_DISPLAY);
        if (Text == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        for (Index = 0; Index < Captured.Length / sizeof(WCHAR); Index++)
            Text[Index] = Captured.Buffer[Index] < 0x7F ? (CHAR)Captured.Buffer[Index] : '?';
        Text[Index] = '\0';
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (NT_SUCCESS(Status))
        KdPutDebugString(Text);
    if (Text != NULL)
        ExFreePoolWithTag(Text, EXP_TAG_DISPLAY);
    return Status;
}
