/*
 * The descriptors of devices and of named objects, through the services that programs use; and a
 * server that acts for its client.
 */
#include "ktse.h"

typedef NTSTATUS (NTAPI *KT_CREATE_SECURE)(PDRIVER_OBJECT, ULONG, PUNICODE_STRING, DEVICE_TYPE,
    ULONG, BOOLEAN, PCUNICODE_STRING, const GUID *, PDEVICE_OBJECT *);

static NTSTATUS NTAPI
KtCreate(PDEVICE_OBJECT Device, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* Opens the device as the running thread, checked although it is the kernel's. */
static NTSTATUS
KtOpen(PUNICODE_STRING Name, ACCESS_MASK Access, ULONG Options, PHANDLE Handle)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;

    InitializeObjectAttributes(&Attributes, Name, OBJ_KERNEL_HANDLE | Options, NULL, NULL);
    return ZwCreateFile(Handle, Access, &Attributes, &Iosb, NULL, 0, 0, FILE_OPEN, 0, NULL, 0);
}

static NTSTATUS
KtTryOpen(PUNICODE_STRING Name, ACCESS_MASK Access, ULONG Options)
{
    HANDLE   Handle;
    NTSTATUS Status = KtOpen(Name, Access, Options, &Handle);

    if (NT_SUCCESS(Status))
        ZwClose(Handle);
    return Status;
}

/* The device of Name, closed to all but guests. */
static PDEVICE_OBJECT
KtMakeDevice(PUNICODE_STRING Name)
{
    UNICODE_STRING   Routine, Sddl, Nonsense;
    KT_CREATE_SECURE Create;
    PDEVICE_OBJECT   Device = NULL, None;

    RtlInitUnicodeString(&Routine, L"WdmlibIoCreateDeviceSecure");
    RtlInitUnicodeString(&Sddl, L"O:BGG:BGD:P(A;;GA;;;BG)(A;;GR;;;SY)");
    RtlInitUnicodeString(&Nonsense, L"D:P(A;;GA;;;NOBODY)");
    Create = (KT_CREATE_SECURE)MmGetSystemRoutineAddress(&Routine);
    HOLDS(Create != NULL);
    if (Create == NULL)
        return NULL;
    HOLDS(Create(KtDriver, 0, Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Nonsense, NULL, &None)
          == STATUS_INVALID_PARAMETER);
    HOLDS(Create(KtDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Sddl, NULL, &None)
          == STATUS_INVALID_PARAMETER);
    HOLDS(Create(KtDriver, 0, Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Sddl, NULL, &Device)
          == STATUS_SUCCESS);
    if (Device != NULL)
        Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return Device;
}

VOID
KtCheckDevice(VOID)
{
    const KT_ACE         Open[] = { { GENERIC_ALL, &SeExports->SeWorldSid } };
    UNICODE_STRING       Name, Below;
    KT_DESCRIPTOR        Everybody;
    PDEVICE_OBJECT       Device;
    PSECURITY_DESCRIPTOR Descriptor = NULL;
    BOOLEAN              Allocated;
    UCHAR                Buffer[256];
    ULONG                Needed = 0;
    HANDLE               Handle;

    RtlInitUnicodeString(&Name, L"\\Device\\KtSecure");
    RtlInitUnicodeString(&Below, L"\\Device\\KtSecure\\Below");
    for (ULONG Major = 0; Major <= IRP_MJ_CLEANUP; Major++)
        if (Major == IRP_MJ_CREATE || Major == IRP_MJ_CLOSE || Major == IRP_MJ_CLEANUP)
            KtDriver->MajorFunction[Major] = KtCreate;
    Device = KtMakeDevice(&Name);
    if (Device == NULL)
        return;

    HOLDS(KtTryOpen(&Name, FILE_GENERIC_WRITE, 0) == STATUS_SUCCESS);
    HOLDS(KtTryOpen(&Name, FILE_GENERIC_WRITE, OBJ_FORCE_ACCESS_CHECK) == STATUS_ACCESS_DENIED);
    HOLDS(KtTryOpen(&Name, FILE_GENERIC_READ, OBJ_FORCE_ACCESS_CHECK) == STATUS_SUCCESS);
    HOLDS(KtTryOpen(&Below, FILE_GENERIC_WRITE, OBJ_FORCE_ACCESS_CHECK) == STATUS_SUCCESS);
    Device->Characteristics |= FILE_DEVICE_SECURE_OPEN;
    HOLDS(KtTryOpen(&Below, FILE_GENERIC_WRITE, OBJ_FORCE_ACCESS_CHECK) == STATUS_ACCESS_DENIED);

    HOLDS(KtOpen(&Name, FILE_ALL_ACCESS, 0, &Handle) == STATUS_SUCCESS);
    HOLDS(ZwQuerySecurityObject(Handle, DACL_SECURITY_INFORMATION, Buffer, sizeof Buffer, &Needed)
          == STATUS_SUCCESS && Needed != 0);
    KtMakeDescriptor(&Everybody, SeExports->SeWorldSid, TRUE, Open, 1);
    HOLDS(ZwSetSecurityObject(Handle, DACL_SECURITY_INFORMATION, &Everybody.Descriptor)
          == STATUS_SUCCESS);
    HOLDS(KtTryOpen(&Name, FILE_GENERIC_WRITE, OBJ_FORCE_ACCESS_CHECK) == STATUS_SUCCESS);
    HOLDS(ObGetObjectSecurity(Device, &Descriptor, &Allocated) == STATUS_SUCCESS
          && Descriptor != NULL && RtlValidSecurityDescriptor(Descriptor));
    ObReleaseObjectSecurity(Descriptor, Allocated);
    ZwClose(Handle);
    IoDeleteDevice(Device);
}

VOID
KtCheckClient(VOID)
{
    SECURITY_QUALITY_OF_SERVICE Qos = { sizeof Qos, SecurityImpersonation,
                                        SECURITY_DYNAMIC_TRACKING, FALSE };
    PETHREAD                    Thread = PsGetCurrentThread();
    SECURITY_CLIENT_CONTEXT     Client;
    SECURITY_SUBJECT_CONTEXT    Subject;
    PACCESS_TOKEN               Own = KtTokens[KtSystem];
    LONG64                      Before = KT_POINTERS(Own);
    PTOKEN_USER                 User = NULL;

    HOLDS(SeCreateClientSecurity(Thread, &Qos, FALSE, &Client) == STATUS_SUCCESS);
    HOLDS(Client.ClientToken == Own && KT_POINTERS(Own) == Before + 1);
    HOLDS(SeImpersonateClientEx(&Client, NULL) == STATUS_SUCCESS);
    SeCaptureSubjectContext(&Subject);
    HOLDS(Subject.ClientToken != NULL && SeTokenType(Subject.ClientToken) == TokenImpersonation);
    HOLDS(SeQueryInformationToken(Subject.ClientToken, TokenUser, (PVOID *)&User)
          == STATUS_SUCCESS);
    HOLDS(User != NULL && RtlEqualSid(User->User.Sid, SeExports->SeLocalSystemSid));
    ExFreePool(User);
    SeReleaseSubjectContext(&Subject);
    PsRevertToSelf();
    SeCaptureSubjectContext(&Subject);
    HOLDS(Subject.ClientToken == NULL && Subject.PrimaryToken == Own);
    SeReleaseSubjectContext(&Subject);
    SeDeleteClientSecurity(&Client);
    HOLDS(KT_POINTERS(Own) == Before);

    Qos.ContextTrackingMode = SECURITY_STATIC_TRACKING;
    HOLDS(SeCreateClientSecurity(Thread, &Qos, FALSE, &Client) == STATUS_SUCCESS);
    HOLDS(Client.ClientToken != Own && KT_POINTERS(Client.ClientToken) == 1);
    SeDeleteClientSecurity(&Client);
    HOLDS(KT_POINTERS(Own) == Before);
}
