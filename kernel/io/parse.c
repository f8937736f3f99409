/*
 * From a name to a FILE_OBJECT: the parse procedures of the types Device and File. Whether the
 * caller may is asked first (security.c).
 *
 * The object manager's walk ends at a device; what is left of the name is the driver's business.
 * IopParseDevice counts the file against the device (which refuses one that is going away or is
 * exclusive and open), makes the FILE_OBJECT and sends IRP_MJ_CREATE to the top of the device's
 * stack. If the driver refuses, file object and count go again; nobody but the driver has seen
 * them, so there is no IRP_MJ_CLEANUP or IRP_MJ_CLOSE. If it agrees, FO_FILE_OPEN is set and both
 * will come (close.c).
 *
 * A name relative to a file handle comes to IopParseFile; it is opened on the same device, with
 * RelatedFileObject set while the create IRP is on its way. A driver that answers STATUS_REPARSE
 * has put a whole new name into FileObject->FileName, and the walk starts again there.
 */
#include "iop.h"

static const struct { ULONG Option, Flag; } IopFileFlags[] = {
    { FILE_SYNCHRONOUS_IO_ALERT,      FO_SYNCHRONOUS_IO | FO_ALERTABLE_IO },
    { FILE_SYNCHRONOUS_IO_NONALERT,   FO_SYNCHRONOUS_IO },
    { FILE_NO_INTERMEDIATE_BUFFERING, FO_NO_INTERMEDIATE_BUFFERING },
    { FILE_WRITE_THROUGH,             FO_WRITE_THROUGH },
    { FILE_SEQUENTIAL_ONLY,           FO_SEQUENTIAL_ONLY },
    { FILE_RANDOM_ACCESS,             FO_RANDOM_ACCESS },
    { FILE_DELETE_ON_CLOSE,           FO_DELETE_ON_CLOSE },
};

static NTSTATUS
IopCopyFileName(PFILE_OBJECT File, PUNICODE_STRING Name)
{
    if (Name->Length == 0)
        return STATUS_SUCCESS;
    File->FileName.Buffer = ExAllocatePoolWithTag(NonPagedPool, Name->Length + sizeof(WCHAR),
                                                  IOP_TAG_NAME);
    if (File->FileName.Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    File->FileName.Length = Name->Length;
    File->FileName.MaximumLength = Name->Length + sizeof(WCHAR);
    RtlCopyMemory(File->FileName.Buffer, Name->Buffer, Name->Length);
    File->FileName.Buffer[Name->Length / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

/* The file object, not counted against the device yet: DeviceObject is set when it is. */
static NTSTATUS
IopCreateFileObject(POPEN_PACKET Packet, ULONG Attributes, PUNICODE_STRING Name,
                    PFILE_OBJECT *Result)
{
    PFILE_OBJECT File;
    NTSTATUS     Status;

    Status = ObCreateNameless(KernelMode, IopFileObjectType,
                              sizeof *File + sizeof(IOP_FILE_EXTENSION), (PVOID *)&File);
    if (!NT_SUCCESS(Status))
        return Status;

    File->FileObjectExtension = File + 1;
    IopFileExtension(File)->PriorityHint = IoPriorityNormal;
    File->Type = IO_TYPE_FILE;
    File->Size = sizeof *File;
    File->RelatedFileObject = Packet->RelatedFileObject;
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(IopFileFlags); Index++)
        if (Packet->Options & IopFileFlags[Index].Option)
            File->Flags |= IopFileFlags[Index].Flag;
    if (!(Attributes & OBJ_CASE_INSENSITIVE))
        File->Flags |= FO_OPENED_CASE_SENSITIVE;
    KiInitializeEvent(&File->Lock, SynchronizationEvent, FALSE);
    KiInitializeEvent(&File->Event, NotificationEvent, FALSE);
    KeInitializeSpinLock(&File->IrpListLock);
    InitializeListHead(&File->IrpList);

    Status = IopCopyFileName(File, Name);
    if (!NT_SUCCESS(Status))
        ObDereferenceObject(File);
    *Result = File;
    return Status;
}

static NTSTATUS
IopSendCreate(PFILE_OBJECT File, POPEN_PACKET Packet, PACCESS_STATE AccessState,
              KPROCESSOR_MODE Mode)
{
    PDEVICE_OBJECT      Device = IopTopOf(File->DeviceObject);
    IO_SECURITY_CONTEXT Security = { .AccessState = AccessState,
                                    .DesiredAccess = AccessState->PreviouslyGrantedAccess
                                        | AccessState->RemainingDesiredAccess,
                                     .FullCreateOptions = Packet->Options };
    PIRP                Irp = IoAllocateIrp(Device->StackSize, TRUE);
    PIO_STACK_LOCATION  Sp;

    if (Irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Irp->Flags = IRP_CREATE_OPERATION;
    Irp->RequestorMode = Mode;
    Irp->Tail.Overlay.OriginalFileObject = File;
    Irp->Overlay.AllocationSize = Packet->AllocationSize;
    Irp->AssociatedIrp.SystemBuffer = Packet->EaBuffer;

    Sp = IoGetNextIrpStackLocation(Irp);
    Sp->MajorFunction = IRP_MJ_CREATE;
    Sp->FileObject = File;
    if (File->Flags & FO_OPENED_CASE_SENSITIVE)
        Sp->Flags |= SL_CASE_SENSITIVE;
    if (Packet->Flags & IO_FORCE_ACCESS_CHECK)
        Sp->Flags |= SL_FORCE_ACCESS_CHECK;
    if (Packet->Flags & IO_OPEN_TARGET_DIRECTORY)
        Sp->Flags |= SL_OPEN_TARGET_DIRECTORY;
    Sp->Parameters.Create.SecurityContext = &Security;
    Sp->Parameters.Create.Options = (Packet->Disposition << 24) | (Packet->Options & 0x00FFFFFF);
    Sp->Parameters.Create.FileAttributes = Packet->FileAttributes;
    Sp->Parameters.Create.ShareAccess = Packet->ShareAccess;
    if (Packet->FileType == CreateFileTypeNone) {
        Sp->Parameters.Create.EaLength = Packet->EaLength;
    } else {
        Sp->MajorFunction = Packet->FileType == CreateFileTypeNamedPipe
            ? IRP_MJ_CREATE_NAMED_PIPE : IRP_MJ_CREATE_MAILSLOT;
        Sp->Parameters.CreatePipe.Parameters = Packet->TypeParameters;
    }
    return IopCallAndWait(Device, Irp, &Packet->Information, Mode);     // (3) to (8)
}

/* A walk that does not open files: the object itself is all there is. */
static NTSTATUS
IopParseWithoutPacket(PVOID ParseObject, POBJECT_TYPE ObjectType, KPROCESSOR_MODE Mode,
                      PUNICODE_STRING RemainingName,
                      PVOID *Object)
{
    NTSTATUS Status = STATUS_OBJECT_TYPE_MISMATCH;

    if (RemainingName->Length == 0)
        Status = ObReferenceObjectByPointer(ParseObject, 0, ObjectType, Mode);
    if (NT_SUCCESS(Status))
        *Object = ParseObject;
    return Status;
}

/* The driver has opened the file: it is what the walk was for, or is visited and closed. */
static NTSTATUS
IopEndOpen(PFILE_OBJECT File, POPEN_PACKET Packet, PVOID *Object)
{
    if (Packet->Visit == NULL) {
        *Object = File;
        return Packet->FinalStatus;
    }
    Packet->FinalStatus = Packet->Visit(File, Packet->VisitContext);
    Packet->Visited = TRUE;
    ObDereferenceObject(File);                  // CLEANUP and CLOSE
    return STATUS_NO_MORE_ENTRIES;              // there is no object: the walk must not go on
}

static BOOLEAN
IopIsOpenPacket(POPEN_PACKET Packet)
{
    return Packet != NULL && Packet->Type == IO_TYPE_OPEN_PACKET && Packet->Size == sizeof *Packet;
}

/* Parse procedure of the type Device. */
NTSTATUS
IopParseDevice(PVOID ParseObject, POBJECT_TYPE ObjectType, PACCESS_STATE AccessState,
               KPROCESSOR_MODE Mode,
               ULONG Attributes, PUNICODE_STRING CompleteName, PUNICODE_STRING RemainingName,
               PVOID Context, PSECURITY_QUALITY_OF_SERVICE SecurityQos,
               PVOID *Object)
{
    PDEVICE_OBJECT  Device = ParseObject;
    POPEN_PACKET    Packet = Context;
    KPROCESSOR_MODE Check = Mode;
    PFILE_OBJECT    File;
    NTSTATUS        Status;

    PAGED_CODE();

    *Object = NULL;
    if (!IopIsOpenPacket(Packet))
        return IopParseWithoutPacket(ParseObject, ObjectType, Mode, RemainingName, Object);

    if ((Attributes & OBJ_FORCE_ACCESS_CHECK) || (Packet->Flags & IO_FORCE_ACCESS_CHECK))
        Check = UserMode;
    Status = IopCheckOpen(Device, AccessState, RemainingName->Length == 0 &&
                          Packet->RelatedFileObject == NULL, Check);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IopCreateFileObject(Packet, Attributes, RemainingName, &File);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IopReferenceDevice(Device, Packet->RelatedFileObject != NULL);
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(File);
        return Status;
    }
    File->DeviceObject = Device;

    Status = Packet->FinalStatus = IopSendCreate(File, Packet, AccessState, Mode);
    File->RelatedFileObject = NULL;
    if (NT_SUCCESS(Status) && Status != STATUS_REPARSE) {
        File->Flags |= FO_FILE_OPEN | (Packet->Visit == NULL ? FO_HANDLE_CREATED : 0);
        return IopEndOpen(File, Packet, Object);
    }

    if (Status == STATUS_REPARSE) {
        *CompleteName = File->FileName;
        RtlZeroMemory(&File->FileName, sizeof File->FileName);
        // what was granted for this device says nothing of the next
        AccessState->RemainingDesiredAccess = AccessState->OriginalDesiredAccess;
        AccessState->PreviouslyGrantedAccess = 0;
        Packet->RelatedFileObject = NULL;
    }
    File->DeviceObject = NULL;
    IopDereferenceDevice(Device);
    ObDereferenceObject(File);
    return Status;
}

/* Parse procedure of the type File: a name relative to an open file. */
NTSTATUS
IopParseFile(PVOID ParseObject, POBJECT_TYPE ObjectType, PACCESS_STATE AccessState,
             KPROCESSOR_MODE Mode, ULONG Attributes,
             PUNICODE_STRING CompleteName, PUNICODE_STRING RemainingName, PVOID Context,
             PSECURITY_QUALITY_OF_SERVICE SecurityQos, PVOID *Object)
{
    PFILE_OBJECT File = ParseObject;
    POPEN_PACKET Packet = Context;

    PAGED_CODE();

    *Object = NULL;
    if (!IopIsOpenPacket(Packet))
        return IopParseWithoutPacket(ParseObject, ObjectType, Mode, RemainingName, Object);
    Packet->RelatedFileObject = File;
    return IopParseDevice(File->DeviceObject, ObjectType, AccessState, Mode, Attributes,
                          CompleteName, RemainingName,
                          Context, SecurityQos, Object);
}
