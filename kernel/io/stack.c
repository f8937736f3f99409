/*
 * Device stacks: filters above other drivers' devices.
 *
 * AttachedDevice points up, the extension's AttachedTo down; both are guarded by IopDatabaseLock.
 * IRPs for a file go to the top of the stack its device is in, and each driver passes them to the
 * device it is attached to. A device above has the StackSize of the one below plus one, so an IRP
 * made for the top has a location for everybody.
 *
 * The way from a file to the top (IoGetRelatedDeviceObject) takes no lock: it is followed for
 * each request, and a stack does not lose a device while a file is open on its bottom but by its
 * driver's own act.
 */
#include "iop.h"
#include "se/se.h"

/* The device at the top of Device's stack; no reference. IRQL <= DISPATCH_LEVEL. */
PDEVICE_OBJECT NTAPI
IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject)
{
    return IopTopOf(DeviceObject);
}

/* The same, referenced: the caller drops it with ObDereferenceObject. */
PDEVICE_OBJECT NTAPI
IoGetAttachedDeviceReference(PDEVICE_OBJECT DeviceObject)
{
    KIRQL Irql;

    KeAcquireSpinLock(&IopDatabaseLock, &Irql);
    DeviceObject = IopTopOf(DeviceObject);
    ObReferenceObject(DeviceObject);
    KeReleaseSpinLock(&IopDatabaseLock, Irql);
    return DeviceObject;
}

/* The device that requests for FileObject are sent to; no reference. */
PDEVICE_OBJECT NTAPI
IoGetRelatedDeviceObject(PFILE_OBJECT FileObject)
{
    return IopTopOf(FileObject->DeviceObject);
}

/* The device at the bottom of the stack, referenced. */
PDEVICE_OBJECT NTAPI
IoGetDeviceAttachmentBaseRef(PDEVICE_OBJECT DeviceObject)
{
    KIRQL Irql;

    KeAcquireSpinLock(&IopDatabaseLock, &Irql);
    while (IopExtension(DeviceObject)->AttachedTo != NULL)
        DeviceObject = IopExtension(DeviceObject)->AttachedTo;
    ObReferenceObject(DeviceObject);
    KeReleaseSpinLock(&IopDatabaseLock, Irql);
    return DeviceObject;
}

/* The next lower device, referenced; NULL if there is none or it is going away. */
PDEVICE_OBJECT NTAPI
IoGetLowerDeviceObject(PDEVICE_OBJECT DeviceObject)
{
    PDEVICE_OBJECT Lower;
    KIRQL          Irql;

    KeAcquireSpinLock(&IopDatabaseLock, &Irql);
    Lower = IopExtension(DeviceObject)->AttachedTo;
    if (Lower != NULL &&
        (IopExtension(DeviceObject)->ExtensionFlags & (DOE_UNLOAD_PENDING | DOE_DELETE_PENDING)))
        Lower = NULL;
    if (Lower != NULL)
        ObReferenceObject(Lower);
    KeReleaseSpinLock(&IopDatabaseLock, Irql);
    return Lower;
}

/*
 * Puts SourceDevice on top of TargetDevice's stack; *AttachedTo (may be NULL) is written under
 * the lock, before any IRP can arrive. Returns the device it was attached to, or NULL if that is
 * starting or going away.
 */
static PDEVICE_OBJECT
IopAttach(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice, PDEVICE_OBJECT *AttachedTo)
{
    PDEVICE_OBJECT Top;
    KIRQL          Irql;

    KeAcquireSpinLock(&IopDatabaseLock, &Irql);
    Top = IopTopOf(TargetDevice);
    if ((Top->Flags & DO_DEVICE_INITIALIZING) || (IopExtension(Top)->ExtensionFlags & DOE_GOING)) {
        Top = NULL;
    } else {
        SourceDevice->StackSize = Top->StackSize + 1;
        SourceDevice->AlignmentRequirement = Top->AlignmentRequirement;
        SourceDevice->SectorSize = Top->SectorSize;
        IopExtension(SourceDevice)->AttachedTo = Top;
        if (AttachedTo != NULL)
            *AttachedTo = Top;
        *(PDEVICE_OBJECT volatile *)&Top->AttachedDevice = SourceDevice;
    }
    KeReleaseSpinLock(&IopDatabaseLock, Irql);
    return Top;
}

/*
 * Attaches SourceDevice to the top of TargetDevice's stack; the device below it, or NULL. Undone
 * with IoDetachDevice.
 */
PDEVICE_OBJECT NTAPI
IoAttachDeviceToDeviceStack(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice)
{
    return IopAttach(SourceDevice, TargetDevice, NULL);
}

/*
 * The same, and *AttachedToDeviceObject is valid before the first IRP arrives.
 * STATUS_NO_SUCH_DEVICE.
 */
NTSTATUS NTAPI
IoAttachDeviceToDeviceStackSafe(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice,
                                PDEVICE_OBJECT *AttachedToDeviceObject)
{
    return IopAttach(SourceDevice, TargetDevice, AttachedToDeviceObject) != NULL
        ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

NTSTATUS NTAPI
IoAttachDeviceByPointer(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice)
{
    return IopAttach(SourceDevice, TargetDevice, NULL) != NULL
        ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

/*
 * Attaches SourceDevice above the device of that name. PASSIVE_LEVEL. Statuses of an open,
 * STATUS_NO_SUCH_DEVICE.
 */
NTSTATUS NTAPI
IoAttachDevice(PDEVICE_OBJECT SourceDevice, PUNICODE_STRING TargetDevice,
               PDEVICE_OBJECT *AttachedDevice)
{
    PDEVICE_OBJECT Target;
    PFILE_OBJECT   File;
    NTSTATUS       Status;

    PAGED_CODE();

    Status = IoGetDeviceObjectPointer(TargetDevice, FILE_READ_ATTRIBUTES, &File, &Target);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IoAttachDeviceToDeviceStackSafe(SourceDevice, Target, AttachedDevice);
    ObDereferenceObject(File);
    return Status;
}

/*
 * Takes the device above TargetDevice off it: called by that device's driver with the pointer the
 * attach gave. If the driver of TargetDevice waits to be unloaded, or TargetDevice to be deleted,
 * that happens now. PASSIVE_LEVEL.
 */
VOID NTAPI
IoDetachDevice(PDEVICE_OBJECT TargetDevice)
{
    KIRQL Irql;

    KeAcquireSpinLock(&IopDatabaseLock, &Irql);
    if (TargetDevice->AttachedDevice != NULL)
        IopExtension(TargetDevice->AttachedDevice)->AttachedTo = NULL;
    TargetDevice->AttachedDevice = NULL;
    if (TargetDevice->ReferenceCount == 0
        && (IopExtension(TargetDevice)->ExtensionFlags & (DOE_UNLOAD_PENDING | DOE_DELETE_PENDING)))
        IopActOnPending(TargetDevice, Irql);
    else
        KeReleaseSpinLock(&IopDatabaseLock, Irql);
}

/*
 * Opens the device of that name: *FileObject is referenced and keeps the device; *DeviceObject is
 * the top of its stack. The caller ends with ObDereferenceObject(*FileObject). PASSIVE_LEVEL.
 */
NTSTATUS NTAPI
IoGetDeviceObjectPointer(PUNICODE_STRING ObjectName, ACCESS_MASK DesiredAccess,
                         PFILE_OBJECT *FileObject,
                         PDEVICE_OBJECT *DeviceObject)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    HANDLE            Handle;
    NTSTATUS          Status;

    PAGED_CODE();

    InitializeObjectAttributes(&Attributes, ObjectName, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
                               NULL, NULL);
    Status = ZwOpenFile(&Handle, DesiredAccess, &Attributes, &Iosb, 0, FILE_NON_DIRECTORY_FILE);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObReferenceObjectByHandle(Handle, 0, IopFileObjectType, KernelMode,
                                       (PVOID *)FileObject, NULL);
    if (NT_SUCCESS(Status))
        *DeviceObject = IoGetRelatedDeviceObject(*FileObject);
    ZwClose(Handle);
    return Status;
}

static NTSTATUS
IopCreateLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName, PVOID Caller)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Handle;
    NTSTATUS          Status;

    PAGED_CODE();

    InitializeObjectAttributes(&Attributes, SymbolicLinkName,
                               OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE | OBJ_PERMANENT,
                               NULL, SeStandardDescriptor(SeStandardDirectory,
                                                          ObpSymbolicLinkObjectType));
    Status = ZwCreateSymbolicLinkObject(&Handle, SYMBOLIC_LINK_ALL_ACCESS, &Attributes, DeviceName);
    if (NT_SUCCESS(Status)) {
        ZwClose(Handle);
        IopNoteLink(SymbolicLinkName, Caller);
    }
    if (Attributes.SecurityDescriptor != NULL)
        ObDereferenceSecurityDescriptor(Attributes.SecurityDescriptor, 1);
    return Status;
}

/* Makes a permanent link in the object namespace, e.g. \DosDevices\Example. PASSIVE_LEVEL. */
NTSTATUS NTAPI
IoCreateSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName)
{
    return IopCreateLink(SymbolicLinkName, DeviceName, __builtin_return_address(0));
}

NTSTATUS NTAPI
IoCreateUnprotectedSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName)
{
    return IopCreateLink(SymbolicLinkName, DeviceName, __builtin_return_address(0));
}

/* Takes such a link away. PASSIVE_LEVEL. STATUS_OBJECT_NAME_NOT_FOUND. */
NTSTATUS NTAPI
IoDeleteSymbolicLink(PUNICODE_STRING SymbolicLinkName)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Handle;
    NTSTATUS          Status;

    PAGED_CODE();

    InitializeObjectAttributes(&Attributes, SymbolicLinkName,
                               OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = ZwOpenSymbolicLinkObject(&Handle, DELETE, &Attributes);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ZwMakeTemporaryObject(Handle);
    ZwClose(Handle);
    if (NT_SUCCESS(Status))
        IopForgetLink(SymbolicLinkName);
    return Status;
}
