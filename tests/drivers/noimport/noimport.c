/*
 * Imports a routine that Etude does not have and never will (the cache manager's): loading it
 * must fail with STATUS_DRIVER_ENTRYPOINT_NOT_FOUND and a line that names the driver and the
 * routine.
 */
#include <ntifs.h>

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    CcMdlReadComplete(NULL, NULL);
    return STATUS_SUCCESS;
}
