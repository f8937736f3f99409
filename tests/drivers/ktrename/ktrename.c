/*
 * Tests new names for open files from a file system's side: what reaches the driver that a file is
 * renamed or linked by, when the new name stays in the directory, leads to another one, or to
 * another device. Two devices, whose files are whatever is opened; \dir is a directory.
 */
#include <ntifs.h>
#include "../ktest.h"

#define FIRST   L"\\Device\\KtRename1"
#define SECOND  L"\\Device\\KtRename2"

static struct {
    LONG           Opens, Renames;
    ULONG          Class;
    BOOLEAN        Replace, TargetOpened;
    ACCESS_MASK    TargetAccess;
    PFILE_OBJECT   Target;
    WCHAR          TargetName[40];
} Seen;

static IO_STATUS_BLOCK KtIosb;

static NTSTATUS
Finish(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Of the target's name only the last part is left, as a file system does it. */
static VOID
CutName(PUNICODE_STRING Name)
{
    ULONG Start = Name->Length / sizeof(WCHAR);

    while (Start > 0 && Name->Buffer[Start - 1] != L'\\')
        Start--;
    Name->Length -= (USHORT)(Start * sizeof(WCHAR));
    RtlMoveMemory(Name->Buffer, Name->Buffer + Start, Name->Length);
}

static VOID
NoteRename(PIO_STACK_LOCATION Sp)
{
    Seen.Renames++;
    Seen.Class = Sp->Parameters.SetFile.FileInformationClass;
    Seen.Replace = Sp->Parameters.SetFile.ReplaceIfExists;
    Seen.Target = Sp->Parameters.SetFile.FileObject;
    RtlZeroMemory(Seen.TargetName, sizeof Seen.TargetName);
    if (Seen.Target != NULL)
        RtlCopyMemory(Seen.TargetName, Seen.Target->FileName.Buffer, Seen.Target->FileName.Length);
}

static NTSTATUS NTAPI
Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION         Sp = IoGetCurrentIrpStackLocation(Irp);
    PFILE_STANDARD_INFORMATION Standard = Irp->AssociatedIrp.SystemBuffer;

    switch (Sp->MajorFunction) {
    case IRP_MJ_CREATE:
        Seen.Opens++;
        if (Sp->Flags & SL_OPEN_TARGET_DIRECTORY) {
            Seen.TargetOpened = TRUE;
            Seen.TargetAccess = Sp->Parameters.Create.SecurityContext->DesiredAccess;
            CutName(&Sp->FileObject->FileName);
            return Finish(Irp, STATUS_SUCCESS, FILE_DOES_NOT_EXIST);
        }
        return Finish(Irp, STATUS_SUCCESS, FILE_OPENED);
    case IRP_MJ_CLOSE:
        Seen.Opens--;
        break;
    case IRP_MJ_QUERY_INFORMATION:
        if (Sp->Parameters.QueryFile.FileInformationClass != FileStandardInformation)
            return Finish(Irp, STATUS_INVALID_PARAMETER, 0);
        Standard->Directory = Sp->FileObject->FileName.Length == 4 * sizeof(WCHAR);     // \dir
        return Finish(Irp, STATUS_SUCCESS, sizeof *Standard);
    case IRP_MJ_SET_INFORMATION:
        NoteRename(Sp);
        break;
    }
    return Finish(Irp, STATUS_SUCCESS, 0);
}

static HANDLE
Open(PCWSTR Path)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    Name;
    HANDLE            File = NULL;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwOpenFile(&File, DELETE | SYNCHRONIZE, &Attributes, &KtIosb, FILE_SHARE_READ,
               FILE_SYNCHRONOUS_IO_NONALERT);
    return File;
}

static NTSTATUS
Rename(HANDLE File, ULONG Class, BOOLEAN Replace, HANDLE Root, PCWSTR Name)
{
    union {
        FILE_RENAME_INFORMATION Rename;
        UCHAR                   Bytes[200];
    } Information;

    RtlZeroMemory(&Information, sizeof Information);
    RtlZeroMemory(&Seen.Renames, sizeof Seen - FIELD_OFFSET(__typeof__(Seen), Renames));
    Information.Rename.ReplaceIfExists = Replace;
    Information.Rename.RootDirectory = Root;
    Information.Rename.FileNameLength = (ULONG)(wcslen(Name) * sizeof(WCHAR));
    wcscpy(Information.Rename.FileName, Name);
    return ZwSetInformationFile(File, &KtIosb, &Information, sizeof Information, Class);
}

static VOID
InDirectory(VOID)
{
    HANDLE File = Open(FIRST L"\\file");

    EXPECT(Rename(File, FileRenameInformation, FALSE, NULL, L"new") == STATUS_SUCCESS);
    EXPECT(Seen.Renames == 1 && Seen.Class == FileRenameInformation && !Seen.Replace);
    EXPECT(Seen.Target == NULL && !Seen.TargetOpened);
    EXPECT(Rename(File, FileLinkInformation, TRUE, NULL, L"new") == STATUS_SUCCESS);
    EXPECT(Seen.Renames == 1 && Seen.Class == FileLinkInformation && Seen.Replace);
    EXPECT(Seen.Target == NULL && Seen.Opens == 1);
    EXPECT(Rename(File, FileRenameInformation, TRUE, NULL, L"") == STATUS_INVALID_PARAMETER);
    EXPECT(Seen.Renames == 0);
    ZwClose(File);
    EXPECT(Seen.Opens == 0);
}

static VOID
Elsewhere(VOID)
{
    HANDLE File = Open(FIRST L"\\file"), Directory = Open(FIRST L"\\dir");

    EXPECT(Rename(File, FileRenameInformation, TRUE, NULL, FIRST L"\\sub\\new") == STATUS_SUCCESS);
    EXPECT(Seen.Renames == 1 && Seen.Replace && Seen.TargetOpened && Seen.Target != NULL);
    EXPECT(wcscmp(Seen.TargetName, L"new") == 0);
    EXPECT((Seen.TargetAccess & FILE_ADD_FILE) && !(Seen.TargetAccess & FILE_ADD_SUBDIRECTORY));
    EXPECT(Seen.Opens == 2);                    // the target is closed again
    EXPECT(Rename(File, FileLinkInformation, FALSE, Directory, L"other") == STATUS_SUCCESS);
    EXPECT(Seen.Renames == 1 && !Seen.Replace && Seen.TargetOpened);
    EXPECT(wcscmp(Seen.TargetName, L"other") == 0 && Seen.Opens == 2);
    EXPECT(Rename(Directory, FileRenameInformation, FALSE, NULL, FIRST L"\\new") == STATUS_SUCCESS);
    EXPECT(Seen.TargetAccess & FILE_ADD_SUBDIRECTORY);
    ZwClose(File);
    ZwClose(Directory);
    EXPECT(Seen.Opens == 0);
}

static VOID
Refused(VOID)
{
    HANDLE File = Open(FIRST L"\\file");

    EXPECT(Rename(File, FileRenameInformation, FALSE, NULL, SECOND L"\\new")
           == STATUS_NOT_SAME_DEVICE && Seen.Renames == 0 && Seen.Opens == 1);
    EXPECT(Rename(File, FileRenameInformation, FALSE, NULL, L"\\Nowhere\\new")
           == STATUS_OBJECT_PATH_NOT_FOUND && Seen.Renames == 0);
    EXPECT(Rename(File, FileRenameInformation, FALSE, NULL, L"\\SystemRoot\\new")
           == STATUS_MEDIA_WRITE_PROTECTED && Seen.Renames == 0);
    EXPECT(Rename(File, FileRenameInformation, FALSE, (HANDLE)0x7770, L"new")
           == STATUS_INVALID_HANDLE && Seen.Renames == 0);
    ZwClose(File);
    EXPECT(Seen.Opens == 0);
}

static const KT_TEST Tests[] = {
    { "A new name in the directory reaches the driver without a target", InDirectory },
    { "A new name that leads elsewhere brings the opened target with it", Elsewhere },
    { "A new name on another device, or where nothing is, is refused", Refused },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    while (DriverObject->DeviceObject != NULL)
        IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static const PCWSTR Names[] = { FIRST, SECOND };

    DriverObject->DriverUnload = Unload;
    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = Dispatch;
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Names); Index++) {
        UNICODE_STRING Name;
        PDEVICE_OBJECT Device;

        RtlInitUnicodeString(&Name, Names[Index]);
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
        Device->Flags &= ~DO_DEVICE_INITIALIZING;
    }
    KtRun("ktrename", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
