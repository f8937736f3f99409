/*
 * Plug and Play and power: there is no manager of either. What drivers of the software-only kind
 * ask for on their way is refused loudly: device interfaces, device relations, notifications.
 *
 * IRPs of both kinds travel like any other: a driver may send IRP_MJ_PNP, IRP_MJ_POWER or
 * IRP_MJ_SYSTEM_CONTROL down a stack, with IoStatus.Status = STATUS_NOT_SUPPORTED, and what no
 * driver handles comes back with that status (complete.c). Power IRPs are not serialized, as they
 * are not from Windows Vista on, so PoCallDriver is a call and PoStartNextPowerIrp does nothing.
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

/* (3) for a power IRP. IRQL <= DISPATCH_LEVEL. */
NTSTATUS NTAPI
PoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IofCallDriver(DeviceObject, Irp);
}

/* Drivers of older systems call it before they pass a power IRP down. */
VOID NTAPI
PoStartNextPowerIrp(PIRP Irp)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);
}

/* Notes the device's power state and returns the former one. IRQL <= DISPATCH_LEVEL. */
POWER_STATE NTAPI
PoSetPowerState(PDEVICE_OBJECT DeviceObject, POWER_STATE_TYPE Type, POWER_STATE State)
{
    PULONG      Flags = &IopExtension(DeviceObject)->PowerFlags;
    ULONG       Shift = Type == SystemPowerState ? 0 : 4;   // low four bits, next four
    ULONG       Old, New;
    POWER_STATE Former;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    do {
        Old = *(volatile ULONG *)Flags;
        New = (Old & ~(0xFu << Shift)) | ((ULONG)State.DeviceState & 0xF) << Shift;
    } while (InterlockedCompareExchange((volatile LONG *)Flags, (LONG)New, (LONG)Old)
             != (LONG)Old);
    Former.DeviceState = (DEVICE_POWER_STATE)(Old >> Shift & 0xF);
    return Former;
}
