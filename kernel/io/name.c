/*
 * The full name of a file, for ObQueryNameString and NtQueryObject: the device's name followed by
 * the file's own.
 *
 * The file's own part is what it was opened with; for one opened relative to another file the
 * driver is asked (FileNameInformation). Who lists the files of others (IoQueryOpenedName) asks no
 * driver, as one that does not answer would hold him up: the name is then what the open said.
 */
#include "infocall.h"

#define NAME_BYTES  1024

/* *Part is the file's own part; Scratch gives room to keep it. */
static VOID
IopFilePart(PFILE_OBJECT File, BOOLEAN Ask, PFILE_NAME_INFORMATION Scratch, PUNICODE_STRING Part)
{
    IOP_CALL  Call = { .Mode = KernelMode, .File = File, .Device = IoGetRelatedDeviceObject(File) };
    ULONG_PTR Information;

    *Part = File->FileName;
    if (Part->Length == 0 || Part->Buffer[0] == L'\\')
        return;
    if (!Ask || !NT_SUCCESS(IopAskDriver(&Call, IRP_MJ_QUERY_INFORMATION, FileNameInformation,
                                         Scratch, NAME_BYTES, &Information))) {
        Scratch->FileNameLength = min(Part->Length + sizeof(WCHAR), NAME_BYTES - sizeof *Scratch);
        Scratch->FileName[0] = L'\\';
        RtlCopyMemory(Scratch->FileName + 1, Part->Buffer, Scratch->FileNameLength - sizeof(WCHAR));
    }
    Part->Buffer = Scratch->FileName;
    Part->Length = (USHORT)Scratch->FileNameLength;
}

/*
 * Appends Part, as far as there is room, to the name that ObQueryNameString put behind
 * Information.
 */
static NTSTATUS
IopAppendPart(POBJECT_NAME_INFORMATION Information, ULONG Length, PULONG ReturnLength,
              PCUNICODE_STRING Part)
{
    ULONG Needed = sizeof *Information + Information->Name.Length + Part->Length + sizeof(WCHAR);
    PWSTR End;

    *ReturnLength = Needed;
    if (Length < Needed)
        return STATUS_BUFFER_OVERFLOW;
    End = Information->Name.Buffer + Information->Name.Length / sizeof(WCHAR);
    RtlCopyMemory(End, Part->Buffer, Part->Length);
    End[Part->Length / sizeof(WCHAR)] = 0;
    Information->Name.Length += Part->Length;
    Information->Name.MaximumLength = Information->Name.Length + sizeof(WCHAR);
    return STATUS_SUCCESS;
}

/*
 * Information may be the caller's memory: it is filled from a buffer of our own under __try.
 */
static NTSTATUS
IopMakeName(PFILE_OBJECT File, BOOLEAN Ask, POBJECT_NAME_INFORMATION Information, ULONG Length,
            PULONG ReturnLength)
{
    ULONG                    Room = sizeof *Information + 2 * NAME_BYTES;
    PUCHAR                   Scratch = ExAllocatePoolWithTag(PagedPool, Room + NAME_BYTES,
                                                             IOP_TAG_NAME);
    POBJECT_NAME_INFORMATION Full = (POBJECT_NAME_INFORMATION)Scratch;
    UNICODE_STRING           Part;
    NTSTATUS                 Status;

    PAGED_CODE();

    if (Scratch == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (File->DeviceObject == NULL) {           // still being opened
        ExFreePoolWithTag(Scratch, IOP_TAG_NAME);
        return STATUS_OBJECT_PATH_INVALID;
    }
    IopFilePart(File, Ask, (PFILE_NAME_INFORMATION)(Scratch + Room), &Part);
    Status = ObQueryNameString(File->DeviceObject, Full, Room, ReturnLength);
    if (NT_SUCCESS(Status))
        Status = IopAppendPart(Full, Room, ReturnLength, &Part);
    if (NT_SUCCESS(Status) && Length < *ReturnLength)
        Status = Length < sizeof *Information
            ? STATUS_INFO_LENGTH_MISMATCH : STATUS_BUFFER_OVERFLOW;
    if (NT_SUCCESS(Status)) {
        __try {
            Information->Name.Length = Full->Name.Length;
            Information->Name.MaximumLength = Full->Name.MaximumLength;
            Information->Name.Buffer = (PWSTR)(Information + 1);
            RtlCopyMemory(Information + 1, Full->Name.Buffer, Full->Name.MaximumLength);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Status = GetExceptionCode();
        }
    }
    ExFreePoolWithTag(Scratch, IOP_TAG_NAME);
    return Status;
}

/* Query-name procedure of the type File. */
NTSTATUS
IopQueryName(PVOID Object, BOOLEAN HasName, POBJECT_NAME_INFORMATION Information, ULONG Length,
             PULONG ReturnLength, KPROCESSOR_MODE Mode)
{
    return IopMakeName(Object, TRUE, Information, Length, ReturnLength);
}

NTSTATUS
IoQueryOpenedName(PFILE_OBJECT File, POBJECT_NAME_INFORMATION Information, ULONG Length,
                  PULONG ReturnLength)
{
    return IopMakeName(File, FALSE, Information, Length, ReturnLength);
}
