/*
 * Opens that few programs make: relative to a file of an exclusive device, and of a file that the
 * driver sends elsewhere with STATUS_REPARSE.
 */
#include <ntifs.h>
#include "../ktest.h"

#define DEVICE_NAME     L"\\Device\\KtOpen"
#define OTHER_NAME      L"\\Device\\KtOpenOther"

static PDEVICE_OBJECT KtDevice;
static PCWSTR         KtElsewhere;              // where opens of KtDevice go on, if not NULL
static PFILE_OBJECT   KtRelated;                // of the last open, when the driver sees it
static ULONG          KtFlags;

/* Gives the file another name, from the root on. */
static NTSTATUS
SendElsewhere(PFILE_OBJECT File)
{
    USHORT Length = (USHORT)(wcslen(KtElsewhere) * sizeof(WCHAR));

    if (File->FileName.Buffer != NULL)
        ExFreePool(File->FileName.Buffer);
    File->FileName.Buffer = ExAllocatePoolWithTag(PagedPool, Length + sizeof(WCHAR), KT_TAG);
    File->FileName.Length = Length;
    File->FileName.MaximumLength = Length + sizeof(WCHAR);
    RtlCopyMemory(File->FileName.Buffer, KtElsewhere, Length);
    return STATUS_REPARSE;
}

static NTSTATUS NTAPI
Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Sp = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS           Status = STATUS_SUCCESS;

    if (Sp->MajorFunction == IRP_MJ_CREATE) {
        KtRelated = Sp->FileObject->RelatedFileObject;
        KtFlags = Sp->FileObject->Flags;
        if (KtElsewhere != NULL && DeviceObject == KtDevice)
            Status = SendElsewhere(Sp->FileObject);
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS
Open(HANDLE Root, PCWSTR Text, ULONG Attributes, PHANDLE File)
{
    UNICODE_STRING    Name;
    OBJECT_ATTRIBUTES Object;
    IO_STATUS_BLOCK   Iosb;

    RtlInitUnicodeString(&Name, Text);
    InitializeObjectAttributes(&Object, &Name, OBJ_KERNEL_HANDLE | Attributes, Root, NULL);
    return ZwOpenFile(File, GENERIC_WRITE, &Object, &Iosb, 0, 0);
}

static PDEVICE_OBJECT
CreateOther(BOOLEAN Exclusive)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(OTHER_NAME);
    PDEVICE_OBJECT Device;

    IoCreateDevice(KtDevice->DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, Exclusive, &Device);
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return Device;
}

static VOID
Relative(VOID)
{
    PDEVICE_OBJECT Device = CreateOther(TRUE);
    HANDLE         First, Second;

    EXPECT(Open(NULL, OTHER_NAME, 0, &First) == STATUS_SUCCESS && KtRelated == NULL);
    EXPECT(Open(NULL, OTHER_NAME, 0, &Second) == STATUS_ACCESS_DENIED);
    EXPECT(Open(NULL, OTHER_NAME L"\\name", 0, &Second) == STATUS_ACCESS_DENIED);
    if (NT_SUCCESS(Open(First, L"name", 0, &Second)))
        ZwClose(Second);
    EXPECT(KtRelated != NULL);
    EXPECT(Device->ReferenceCount == 1);
    ZwClose(First);
    IoDeleteDevice(Device);
}

static VOID
Elsewhere(VOID)
{
    PDEVICE_OBJECT Device = CreateOther(FALSE);
    HANDLE         Root, File;

    Open(NULL, DEVICE_NAME, 0, &Root);
    KtElsewhere = OTHER_NAME L"\\name";
    EXPECT(Open(Root, L"here", 0, &File) == STATUS_SUCCESS);
    EXPECT(KtRelated == NULL && KtDevice->ReferenceCount == 1 && Device->ReferenceCount == 1);
    ZwClose(File);
    KtElsewhere = DEVICE_NAME;                  // in a circle
    EXPECT(Open(Root, L"here", 0, &File) == STATUS_OBJECT_PATH_INVALID);
    KtElsewhere = L"";
    EXPECT(Open(NULL, DEVICE_NAME, 0, &File) == STATUS_OBJECT_PATH_SYNTAX_BAD);
    KtElsewhere = NULL;
    EXPECT(KtDevice->ReferenceCount == 1);
    ZwClose(Root);
    IoDeleteDevice(Device);
}

static VOID
DenyAll(PDEVICE_OBJECT Device)
{
    SECURITY_DESCRIPTOR Descriptor;
    ACL                 Nobody;
    HANDLE              Handle;

    RtlCreateSecurityDescriptor(&Descriptor, SECURITY_DESCRIPTOR_REVISION);
    RtlCreateAcl(&Nobody, sizeof Nobody, ACL_REVISION);
    RtlSetDaclSecurityDescriptor(&Descriptor, TRUE, &Nobody, FALSE);
    ObOpenObjectByPointer(Device, OBJ_KERNEL_HANDLE, NULL, WRITE_DAC, NULL, KernelMode, &Handle);
    EXPECT(ZwSetSecurityObject(Handle, DACL_SECURITY_INFORMATION, &Descriptor) == STATUS_SUCCESS);
    ZwClose(Handle);
}

static VOID
CheckedElsewhere(VOID)
{
    PDEVICE_OBJECT Device = CreateOther(FALSE);
    HANDLE         File;

    DenyAll(Device);
    EXPECT(Open(NULL, OTHER_NAME, OBJ_FORCE_ACCESS_CHECK, &File) == STATUS_ACCESS_DENIED);
    EXPECT(Open(NULL, DEVICE_NAME, OBJ_FORCE_ACCESS_CHECK, &File) == STATUS_SUCCESS);
    ZwClose(File);
    KtElsewhere = OTHER_NAME;
    EXPECT(Open(NULL, DEVICE_NAME, OBJ_FORCE_ACCESS_CHECK, &File) == STATUS_ACCESS_DENIED);
    KtElsewhere = NULL;
    IoDeleteDevice(Device);
}

static VOID
HandleCreated(VOID)
{
    PFILE_OBJECT File;
    HANDLE       Handle;

    Open(NULL, DEVICE_NAME, 0, &Handle);
    EXPECT(!(KtFlags & FO_HANDLE_CREATED));
    ObReferenceObjectByHandle(Handle, 0, *IoFileObjectType, KernelMode, (PVOID *)&File, NULL);
    EXPECT(File->Flags & FO_HANDLE_CREATED);
    ObDereferenceObject(File);
    ZwClose(Handle);
}

static const KT_TEST Tests[] = {
    { "An exclusive device can be opened again relative to the file that has it", Relative },
    { "An open that goes on elsewhere is relative to no file, and ends", Elsewhere },
    { "FO_HANDLE_CREATED says that a file has a handle", HandleCreated },
    { "It needs the rights of where it ends", CheckedElsewhere },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(KtDevice);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DEVICE_NAME);

    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = Dispatch;
    DriverObject->DriverUnload = Unload;
    IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &KtDevice);
    KtDevice->Flags &= ~DO_DEVICE_INITIALIZING;         // it is opened before DriverEntry returns
    KtRun("ktopen", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
