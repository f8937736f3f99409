/*
 * Plug and Play: there is none. What drivers of the software-only kind ask for on their way is
 * refused loudly: device interfaces, device relations, notifications.
 */
#include "iop.h"

NTSTATUS NTAPI
IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject, CONST GUID *InterfaceClassGuid,
                          PUNICODE_STRING ReferenceString, PUNICODE_STRING SymbolicLinkName)
{
    RtlZeroMemory(SymbolicLinkName, sizeof *SymbolicLinkName);
    return UNIMPLEMENTED();
}

NTSTATUS NTAPI
IoSetDeviceInterfaceState(PUNICODE_STRING SymbolicLinkName, BOOLEAN Enable)
{
    return UNIMPLEMENTED();
}

VOID NTAPI
IoInvalidateDeviceRelations(PDEVICE_OBJECT DeviceObject, DEVICE_RELATION_TYPE Type)
{
    (VOID)UNIMPLEMENTED();
}

NTSTATUS NTAPI
IoRegisterPlugPlayNotification(IO_NOTIFICATION_EVENT_CATEGORY EventCategory,
                               ULONG EventCategoryFlags,
                               PVOID EventCategoryData, PDRIVER_OBJECT DriverObject,
                               PDRIVER_NOTIFICATION_CALLBACK_ROUTINE CallbackRoutine, PVOID Context,
                               PVOID *NotificationEntry)
{
    *NotificationEntry = NULL;
    return UNIMPLEMENTED();
}

NTSTATUS NTAPI
IoUnregisterPlugPlayNotification(PVOID NotificationEntry)
{
    return UNIMPLEMENTED();
}

NTSTATUS NTAPI
IoVolumeDeviceToDosName(PVOID VolumeDeviceObject, PUNICODE_STRING DosName)
{
    return UNIMPLEMENTED();
}
