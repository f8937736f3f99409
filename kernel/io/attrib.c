/*
 * Services for a file by its name, without a handle: NtQueryAttributesFile,
 * NtQueryFullAttributesFile, NtDeleteFile.
 *
 * The walk is that of NtCreateFile, but the OPEN_PACKET has a Visit routine: the parse procedure,
 * when the driver has opened the file, calls it, lets the file go again, and ends the walk
 * (parse.c). No handle comes into being that another thread could close.
 */
#include "infocall.h"

typedef struct _ATTRIBUTES_QUERY {
    ULONG Class, Length;
    union {
        FILE_BASIC_INFORMATION        Basic;
        FILE_NETWORK_OPEN_INFORMATION Full;
    };
} ATTRIBUTES_QUERY;

/* Opens the name for Access, has Packet->Visit called, closes. */
static NTSTATUS
IopVisitByName(POBJECT_ATTRIBUTES Attributes, ACCESS_MASK Access, POPEN_PACKET Packet)
{
    HANDLE   Handle;
    NTSTATUS Status;

    Packet->Type = IO_TYPE_OPEN_PACKET;
    Packet->Size = sizeof *Packet;
    Packet->Disposition = FILE_OPEN;
    Packet->ShareAccess = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    Status = ObOpenObjectByName(Attributes, IopFileObjectType, IopThread()->PreviousMode, NULL,
                                Access, Packet, &Handle);
    return Packet->Visited ? Packet->FinalStatus : Status;
}

static NTSTATUS
IopVisitQuery(PFILE_OBJECT File, PVOID Context)
{
    ATTRIBUTES_QUERY *Query = Context;
    IOP_CALL          Call = { .Mode = KernelMode, .File = File,
                               .Device = IoGetRelatedDeviceObject(File) };
    ULONG_PTR         Information;

    return IopAskDriver(&Call, IRP_MJ_QUERY_INFORMATION, Query->Class, &Query->Basic,
                        Query->Length, &Information);
}

static NTSTATUS
IopQueryByName(POBJECT_ATTRIBUTES ObjectAttributes, ULONG Class, PVOID Output, ULONG Length)
{
    ATTRIBUTES_QUERY Query = { .Class = Class, .Length = Length };
    OPEN_PACKET      Packet = { .Options = FILE_OPEN_REPARSE_POINT, .Visit = IopVisitQuery,
                                .VisitContext = &Query };
    NTSTATUS         Status = STATUS_ACCESS_VIOLATION;

    PAGED_CODE();

    if (Output != NULL)
        Status = ObProbeOutput(Output, Length, IopThread()->PreviousMode);
    if (NT_SUCCESS(Status))
        Status = IopVisitByName(ObjectAttributes, FILE_READ_ATTRIBUTES, &Packet);
    if (!NT_SUCCESS(Status))
        return Status;
    __try {
        RtlCopyMemory(Output, &Query.Basic, Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}

/* System service: basic information about a file by its name. */
NTSTATUS NTAPI
NtQueryAttributesFile(POBJECT_ATTRIBUTES ObjectAttributes, PFILE_BASIC_INFORMATION FileInformation)
{
    return IopQueryByName(ObjectAttributes, FileBasicInformation, FileInformation,
                          sizeof *FileInformation);
}

/* System service: the same with the file's size. */
NTSTATUS NTAPI
NtQueryFullAttributesFile(POBJECT_ATTRIBUTES ObjectAttributes,
                          PFILE_NETWORK_OPEN_INFORMATION FileInformation)
{
    return IopQueryByName(ObjectAttributes, FileNetworkOpenInformation, FileInformation,
                          sizeof *FileInformation);
}

/* The file is marked already, by FILE_DELETE_ON_CLOSE: closing it does the rest. */
static NTSTATUS
IopVisitDelete(PFILE_OBJECT File, PVOID Context)
{
    return STATUS_SUCCESS;
}

/* System service: deletes a file by its name. */
NTSTATUS NTAPI
NtDeleteFile(POBJECT_ATTRIBUTES ObjectAttributes)
{
    OPEN_PACKET Packet = { .Options = FILE_DELETE_ON_CLOSE, .Visit = IopVisitDelete };

    PAGED_CODE();

    return IopVisitByName(ObjectAttributes, DELETE, &Packet);
}
