/*
 * What a program may ask about a file. The I/O manager has checked that the
 * fixed part of the class fits, and adds what it knows itself (position, access, mode); names are
 * cut to what fits, with STATUS_BUFFER_OVERFLOW.
 */
#include "ramdisk.h"

#define CLUSTER     512

static VOID
RamdiskFillBasic(PNODE Node, PFILE_BASIC_INFORMATION Basic)
{
    Basic->CreationTime = Basic->LastAccessTime = Basic->LastWriteTime = Basic->ChangeTime =
        Node->Time;
    Basic->FileAttributes = RamdiskAttributes(Node);
}

static VOID
RamdiskFillStandard(PNODE Node, PFILE_STANDARD_INFORMATION Standard)
{
    Standard->AllocationSize.QuadPart =
        (LONG64)((Node->Size + CLUSTER - 1) & ~(ULONG64)(CLUSTER - 1));
    Standard->EndOfFile.QuadPart = (LONG64)Node->Size;
    Standard->NumberOfLinks = 1;
    Standard->DeletePending = FALSE;
    Standard->Directory = Node->Directory;
}

/* The path from the root, as far as Room bytes go. *Used is what was put there. */
static NTSTATUS
RamdiskFillName(PNODE Node, PFILE_NAME_INFORMATION Name, ULONG Room, PULONG Used)
{
    ULONG  Total = 0, Position;
    ULONG  Index;
    PNODE  Up;

    for (Up = Node; Up->Parent != NULL; Up = Up->Parent)
        Total += sizeof(WCHAR) + Up->Name.Length;
    Position = Total / sizeof(WCHAR);
    if (Total == 0)
        Total = sizeof(WCHAR);                  // the root is a single backslash

    Room -= FIELD_OFFSET(FILE_NAME_INFORMATION, FileName);
    Room &= ~(ULONG)(sizeof(WCHAR) - 1);
    Name->FileNameLength = Total;
    if (Node->Parent == NULL && Room != 0)
        Name->FileName[0] = L'\\';
    for (Up = Node; Up->Parent != NULL; Up = Up->Parent) {
        Position -= 1 + Up->Name.Length / sizeof(WCHAR);
        for (Index = 0; Index <= Up->Name.Length / sizeof(WCHAR); Index++)
            if ((Position + Index) * sizeof(WCHAR) < Room)
                Name->FileName[Position + Index] = Index == 0 ? L'\\' : Up->Name.Buffer[Index - 1];
    }
    *Used = FIELD_OFFSET(FILE_NAME_INFORMATION, FileName) + min(Total, Room);
    return Total > Room ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static VOID
RamdiskFillNetworkOpen(PNODE Node, PFILE_NETWORK_OPEN_INFORMATION Open)
{
    FILE_STANDARD_INFORMATION Standard;

    RamdiskFillStandard(Node, &Standard);
    Open->CreationTime = Open->LastAccessTime = Open->LastWriteTime = Open->ChangeTime = Node->Time;
    Open->AllocationSize = Standard.AllocationSize;
    Open->EndOfFile = Standard.EndOfFile;
    Open->FileAttributes = RamdiskAttributes(Node);
}

NTSTATUS NTAPI
RamdiskQueryInformation(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION    Stack = IoGetCurrentIrpStackLocation(Irp);
    PNODE                 Node = Stack->FileObject->FsContext;
    PVOID                 Buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG                 Length = Stack->Parameters.QueryFile.Length;
    PFILE_ALL_INFORMATION All = Buffer;
    NTSTATUS              Status = STATUS_SUCCESS;
    ULONG                 Used = 0;

    UNREFERENCED_PARAMETER(DeviceObject);

    switch (Stack->Parameters.QueryFile.FileInformationClass) {
    case FileBasicInformation:
        RamdiskFillBasic(Node, Buffer);
        Used = sizeof(FILE_BASIC_INFORMATION);
        break;
    case FileStandardInformation:
        RamdiskFillStandard(Node, Buffer);
        Used = sizeof(FILE_STANDARD_INFORMATION);
        break;
    case FileInternalInformation:
        ((PFILE_INTERNAL_INFORMATION)Buffer)->IndexNumber.QuadPart = Node->Id;
        Used = sizeof(FILE_INTERNAL_INFORMATION);
        break;
    case FileEaInformation:
        ((PFILE_EA_INFORMATION)Buffer)->EaSize = 0;
        Used = sizeof(FILE_EA_INFORMATION);
        break;
    case FileNameInformation:
        Status = RamdiskFillName(Node, Buffer, Length, &Used);
        break;
    case FileNetworkOpenInformation:
        RamdiskFillNetworkOpen(Node, Buffer);
        Used = sizeof(FILE_NETWORK_OPEN_INFORMATION);
        break;
    case FileAttributeTagInformation:
        ((PFILE_ATTRIBUTE_TAG_INFORMATION)Buffer)->FileAttributes = RamdiskAttributes(Node);
        ((PFILE_ATTRIBUTE_TAG_INFORMATION)Buffer)->ReparseTag = 0;
        Used = sizeof(FILE_ATTRIBUTE_TAG_INFORMATION);
        break;
    case FileAllInformation:
        RamdiskFillBasic(Node, &All->BasicInformation);
        RamdiskFillStandard(Node, &All->StandardInformation);
        All->InternalInformation.IndexNumber.QuadPart = Node->Id;
        All->EaInformation.EaSize = 0;
        Status = RamdiskFillName(Node, &All->NameInformation,
                                 Length - FIELD_OFFSET(FILE_ALL_INFORMATION,
                                                       NameInformation), &Used);
        Used += FIELD_OFFSET(FILE_ALL_INFORMATION, NameInformation);
        break;
    default:
        Status = STATUS_INVALID_PARAMETER;
        break;
    }
    return RamdiskComplete(Irp, Status, Used);
}
