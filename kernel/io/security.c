/*
 * Who may open a device, and the descriptors of devices and files.
 *
 * A device's descriptor lies in DEVICE_OBJECT.SecurityDescriptor: everybody may use it unless the
 * driver says otherwise (IoCreateDeviceSecure) or somebody changes it (NtSetSecurityObject on a
 * handle to the device). It decides who may open the device itself. Names below the device are
 * the driver's to guard: it finds who asks in the create IRP's SecurityContext->AccessState, in
 * RemainingDesiredAccess what for, and moves what it grants to PreviouslyGrantedAccess. With
 * FILE_DEVICE_SECURE_OPEN the device's descriptor guards them too.
 *
 * A file that is the open device itself shares the device's descriptor. For one below it the
 * driver is asked, with IRP_MJ_QUERY_SECURITY and IRP_MJ_SET_SECURITY; where it knows nothing of
 * that, the device's descriptor is what there is to read, and nothing can be changed.
 */
#include "iop.h"
#include "se/se.h"

/* The descriptor of most devices: kept for good, so nobody needs to hold it. */
static PSECURITY_DESCRIPTOR IopPublicDescriptor;

VOID INIT_CODE
IopInitializeSecurity(VOID)
{
    IopPublicDescriptor = SeStandardDescriptor(SeStandardPublic, IopDeviceObjectType);
}

static NTSTATUS
IopCheckDevice(PDEVICE_OBJECT Device, PACCESS_STATE AccessState)
{
    PSECURITY_DESCRIPTOR Descriptor = *(PSECURITY_DESCRIPTOR volatile *)&Device->SecurityDescriptor;
    NTSTATUS             Status;

    if (Descriptor == IopPublicDescriptor && Descriptor != NULL)
        return SeCheckStored(AccessState, Descriptor, IoGetFileObjectGenericMapping());

    Descriptor = ObHoldDescriptor(&Device->SecurityDescriptor);
    Status = SeCheckStored(AccessState, Descriptor, IoGetFileObjectGenericMapping());
    ObDropDescriptor(&Device->SecurityDescriptor, Descriptor);
    return Status;
}

/* One who does not hold SeChangeNotifyPrivilege needs FILE_TRAVERSE to pass the device. */
static NTSTATUS
IopCheckTraverse(PDEVICE_OBJECT Device, PACCESS_STATE AccessState)
{
    ACCESS_STATE State = { .SubjectSecurityContext = AccessState->SubjectSecurityContext,
                           .RemainingDesiredAccess = FILE_TRAVERSE };

    if (AccessState->Flags & TOKEN_HAS_TRAVERSE_PRIVILEGE)
        return STATUS_SUCCESS;
    return IopCheckDevice(Device, &State);
}

NTSTATUS
IopCheckOpen(PDEVICE_OBJECT Device, PACCESS_STATE AccessState, BOOLEAN Itself,
             KPROCESSOR_MODE Check)
{
    if (Check == KernelMode) {
        SeGrantRemaining(AccessState, IoGetFileObjectGenericMapping());
        return STATUS_SUCCESS;
    }
    if (Itself || (Device->Characteristics & FILE_DEVICE_SECURE_OPEN))
        return IopCheckDevice(Device, AccessState);
    RtlMapGenericMask(&AccessState->RemainingDesiredAccess, IoGetFileObjectGenericMapping());
    return IopCheckTraverse(Device, AccessState);
}

/* Security procedure of the type Device. */
NTSTATUS
IopDeviceSecurity(PVOID Object, SECURITY_OPERATION_CODE Operation,
                  PSECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Descriptor,
                  PULONG Length, PSECURITY_DESCRIPTOR *ObjectsDescriptor, POOL_TYPE PoolType,
                  PGENERIC_MAPPING Mapping)
{
    if (Operation == AssignSecurityDescriptor) {
        SeDeassignSecurity(&Descriptor);        // IoCreateDevice has given it one
        return STATUS_SUCCESS;
    }
    return ObDefaultSecurityMethod(&((PDEVICE_OBJECT)Object)->SecurityDescriptor, Operation,
                                   Information, Descriptor, Length, Mapping);
}

static NTSTATUS
IopAskSecurity(PFILE_OBJECT File, SECURITY_OPERATION_CODE Operation,
               SECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Descriptor, PULONG Length)
{
    PDEVICE_OBJECT     Device = IoGetRelatedDeviceObject(File);
    PIRP               Irp = IoAllocateIrp(Device->StackSize, FALSE);
    PIO_STACK_LOCATION Sp;
    ULONG_PTR          Needed = 0;
    NTSTATUS           Status;

    if (Irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Irp->Tail.Overlay.OriginalFileObject = File;
    Sp = IoGetNextIrpStackLocation(Irp);
    Sp->FileObject = File;
    if (Operation == QuerySecurityDescriptor) {
        Sp->MajorFunction = IRP_MJ_QUERY_SECURITY;
        Sp->Parameters.QuerySecurity.SecurityInformation = Information;
        Sp->Parameters.QuerySecurity.Length = *Length;
        Irp->UserBuffer = Descriptor;
    } else {
        Sp->MajorFunction = IRP_MJ_SET_SECURITY;
        Sp->Parameters.SetSecurity.SecurityInformation = Information;
        Sp->Parameters.SetSecurity.SecurityDescriptor = Descriptor;
    }
    Status = IopCallAndWait(Device, Irp, &Needed, KernelMode);
    if (Status == STATUS_BUFFER_OVERFLOW)
        Status = STATUS_BUFFER_TOO_SMALL;       // how file systems say it
    if (Length != NULL && (NT_SUCCESS(Status) || Status == STATUS_BUFFER_TOO_SMALL))
        *Length = (ULONG)Needed;
    return Status;
}

/* Security procedure of the type File. */
NTSTATUS
IopFileSecurity(PVOID Object, SECURITY_OPERATION_CODE Operation,
                PSECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Descriptor,
                PULONG Length, PSECURITY_DESCRIPTOR *ObjectsDescriptor, POOL_TYPE PoolType,
                PGENERIC_MAPPING Mapping)
{
    PFILE_OBJECT File = Object;
    NTSTATUS     Status = STATUS_INVALID_DEVICE_REQUEST;

    PAGED_CODE();

    if (Operation != SetSecurityDescriptor && Operation != QuerySecurityDescriptor)
        return STATUS_SUCCESS;
    if (File->FileName.Length == 0)
        return IopDeviceSecurity(File->DeviceObject, Operation, Information, Descriptor, Length,
                                 NULL, PoolType, Mapping);
    Status = IopAskSecurity(File, Operation, *Information, Descriptor, Length);
    if (Status == STATUS_INVALID_DEVICE_REQUEST && Operation == QuerySecurityDescriptor)
        Status = IopDeviceSecurity(File->DeviceObject, Operation, Information, Descriptor, Length,
                                   NULL, PoolType, Mapping);
    return Status;
}

/*
 * Documented (wdmsec.h): IoCreateDevice for a named device whose descriptor is given in SDDL.
 * DeviceClassGuid is not looked at: no class has settings of its own. PASSIVE_LEVEL.
 * STATUS_INVALID_PARAMETER: no name, or the text is not SDDL; IoCreateDevice's statuses.
 */
NTSTATUS NTAPI
WdmlibIoCreateDeviceSecure(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize,
                           PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType,
                           ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                           PCUNICODE_STRING DefaultSDDLString, LPCGUID DeviceClassGuid,
                           PDEVICE_OBJECT *DeviceObject)
{
    PSECURITY_DESCRIPTOR Descriptor;
    UNICODE_STRING       Text;
    NTSTATUS             Status;

    PAGED_CODE();

    *DeviceObject = NULL;
    if ((DeviceName == NULL && !(DeviceCharacteristics & FILE_AUTOGENERATED_DEVICE_NAME))
        || DefaultSDDLString == NULL)
        return STATUS_INVALID_PARAMETER;
    Status = RtlDuplicateUnicodeString(RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE,
                                       DefaultSDDLString, &Text);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObDescriptorFromText(Text.Buffer, IoGetFileObjectGenericMapping(), &Descriptor);
    RtlFreeUnicodeString(&Text);
    if (!NT_SUCCESS(Status))
        return Status;

    Status = IopCreateDevice(DriverObject, DeviceExtensionSize, DeviceName, DeviceType,
                             DeviceCharacteristics, Exclusive, Descriptor, DeviceObject);
    if (!NT_SUCCESS(Status))
        ObDereferenceSecurityDescriptor(Descriptor, 1);
    return Status;
}
