/*
 * Says when it is called while the system starts. The service's name tells what it asks for:
 *   ktboot-early   (Start = 0) both kinds of reinitialisation, twice each
 *   ktboot-late    (Start = 1) that of ordinary drivers
 */
#include <ntddk.h>

static PCSTR KtName;

static VOID NTAPI
Reinitialize(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    DbgPrint("ktboot: %s is called again, context %u, count %u\n", KtName,
             (ULONG)(ULONG_PTR)Context, Count);
}

static VOID NTAPI
ReinitializeBoot(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    DbgPrint("ktboot: %s is called after the boot drivers, context %u, count %u\n", KtName,
             (ULONG)(ULONG_PTR)Context, Count);
    if (Count == 1)
        IoRegisterBootDriverReinitialization(DriverObject, ReinitializeBoot, (PVOID)12);
    else
        IoRegisterDriverReinitialization(DriverObject, Reinitialize, (PVOID)13);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    BOOLEAN Early = wcsstr(RegistryPath->Buffer, L"-early") != NULL;

    KtName = Early ? "early" : "late";
    DbgPrint("ktboot: %s starts\n", KtName);
    if (Early)
        IoRegisterBootDriverReinitialization(DriverObject, ReinitializeBoot, (PVOID)11);
    else
        IoRegisterDriverReinitialization(DriverObject, Reinitialize, (PVOID)21);
    return STATUS_SUCCESS;
}
