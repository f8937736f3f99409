/*
 * Tests IRPs and transfers from inside: a device of its own that records what it was sent, opened
 * and called through the Zw services and with IRPs the driver builds itself.
 *
 * The device answers reads with bytes that count from the request's offset, checks writes against
 * the same pattern, and gives control requests' input back, upside down. How it does I/O
 * (buffered, direct, neither) is set by each test.
 */
#include <ntifs.h>
#include "../ktest.h"

#define DEVICE_NAME     L"\\Device\\KtIo"
#define LENGTH          5000

static PDEVICE_OBJECT KtDevice;
static PIRP           KtLastIrp;                // what the device saw last
static IO_STACK_LOCATION KtLastStack;
static PVOID          KtLastSystemBuffer, KtLastUserBuffer;
static PMDL           KtLastMdl;
static ULONG          KtLastFlags;
static BOOLEAN        KtPatternHeld;            // of the last write
static UCHAR          KtData[LENGTH];

static UCHAR
Pattern(ULONG64 Offset)
{
    return (UCHAR)(Offset * 7 + 3);
}

/* The memory a transfer goes through, by what the I/O manager gave. */
static PUCHAR
TransferBuffer(PIRP Irp)
{
    if (Irp->MdlAddress != NULL)
        return MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    return Irp->AssociatedIrp.SystemBuffer != NULL
        ? Irp->AssociatedIrp.SystemBuffer : Irp->UserBuffer;
}

static NTSTATUS
Transfer(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    ULONG64 Offset = (ULONG64)Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG   Length = Stack->Parameters.Read.Length;
    PUCHAR  Buffer = TransferBuffer(Irp);
    ULONG   Index;

    KtPatternHeld = TRUE;
    for (Index = 0; Index < Length; Index++) {
        if (Stack->MajorFunction == IRP_MJ_READ)
            Buffer[Index] = Pattern(Offset + Index);
        else if (Buffer[Index] != Pattern(Offset + Index))
            KtPatternHeld = FALSE;
    }
    Irp->IoStatus.Information = Length;
    return STATUS_SUCCESS;
}

/* Each output byte is the complement of the input byte at the same place. */
static NTSTATUS
Control(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    ULONG  In = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG  Out = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG  Method = Stack->Parameters.DeviceIoControl.IoControlCode & 3;
    PUCHAR From = Irp->AssociatedIrp.SystemBuffer, To = Irp->AssociatedIrp.SystemBuffer;
    ULONG  Index;

    if (Method == METHOD_NEITHER) {
        From = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
        To = Irp->UserBuffer;
    } else if (Method != METHOD_BUFFERED) {
        To = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    }
    for (Index = 0; Index < Out && Index < In; Index++)
        To[Index] = (UCHAR)~From[Index];
    Irp->IoStatus.Information = min(In, Out);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS           Status = STATUS_SUCCESS;

    KtLastIrp = Irp;
    KtLastStack = *Stack;
    KtLastSystemBuffer = Irp->AssociatedIrp.SystemBuffer;
    KtLastUserBuffer = Irp->UserBuffer;
    KtLastMdl = Irp->MdlAddress;
    KtLastFlags = Irp->Flags;
    Irp->IoStatus.Information = 0;
    if (Stack->MajorFunction == IRP_MJ_READ || Stack->MajorFunction == IRP_MJ_WRITE)
        Status = Transfer(Irp, Stack);
    else if (Stack->MajorFunction == IRP_MJ_DEVICE_CONTROL)
        Status = Control(Irp, Stack);
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static HANDLE
Open(ULONG Options)
{
    UNICODE_STRING    Name = RTL_CONSTANT_STRING(DEVICE_NAME);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    HANDLE            Handle = NULL;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    EXPECT(ZwOpenFile(&Handle, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &Attributes, &Iosb, 0,
                      Options)
           == STATUS_SUCCESS);
    return Handle;
}

static VOID
FillPattern(ULONG64 Offset)
{
    for (ULONG Index = 0; Index < LENGTH; Index++)
        KtData[Index] = Pattern(Offset + Index);
}

static BOOLEAN
HasPattern(ULONG64 Offset, ULONG Length)
{
    for (ULONG Index = 0; Index < Length; Index++)
        if (KtData[Index] != Pattern(Offset + Index))
            return FALSE;
    return TRUE;
}

/* A write and a read of Length bytes by the device's present flags. */
static VOID
WriteAndRead(ULONG Length)
{
    LARGE_INTEGER   Offset = { .QuadPart = 1000 };
    HANDLE          File = Open(FILE_SYNCHRONOUS_IO_NONALERT);
    IO_STATUS_BLOCK Iosb = { 0 };

    FillPattern(1000);
    EXPECT(ZwWriteFile(File, NULL, NULL, NULL, &Iosb, KtData, Length, &Offset,
                       NULL) == STATUS_SUCCESS);
    EXPECT(Iosb.Status == STATUS_SUCCESS && Iosb.Information == Length && KtPatternHeld);
    EXPECT(KtLastStack.Parameters.Write.Length == Length);
    RtlZeroMemory(KtData, LENGTH);
    Offset.QuadPart = 77;
    EXPECT(ZwReadFile(File, NULL, NULL, NULL, &Iosb, KtData, Length, &Offset,
                      NULL) == STATUS_SUCCESS);
    EXPECT(Iosb.Information == Length && HasPattern(77, Length));
    EXPECT(Length == LENGTH || KtData[Length] == 0);
    ZwClose(File);
}

static VOID
Buffered(VOID)
{
    KtDevice->Flags |= DO_BUFFERED_IO;
    WriteAndRead(LENGTH);
    EXPECT(KtLastMdl == NULL);
    WriteAndRead(1);
    KtDevice->Flags &= ~DO_BUFFERED_IO;
}

static VOID
Direct(VOID)
{
    KtDevice->Flags |= DO_DIRECT_IO;
    WriteAndRead(LENGTH);
    WriteAndRead(1);
    KtDevice->Flags &= ~DO_DIRECT_IO;
}

static VOID
Neither(VOID)
{
    WriteAndRead(LENGTH);
    WriteAndRead(1);
}

static VOID
ZeroLength(VOID)
{
    LARGE_INTEGER   Offset = { .QuadPart = 0 };
    HANDLE          File = Open(FILE_SYNCHRONOUS_IO_NONALERT);
    IO_STATUS_BLOCK Iosb;

    for (ULONG Flags = 0; Flags <= DO_DIRECT_IO; Flags += DO_BUFFERED_IO) {
        if (Flags == 0 || Flags == DO_BUFFERED_IO || Flags == DO_DIRECT_IO) {
            KtDevice->Flags |= Flags;
            EXPECT(ZwReadFile(File, NULL, NULL, NULL, &Iosb, KtData, 0, &Offset,
                              NULL) == STATUS_SUCCESS);
            EXPECT(Iosb.Information == 0 && KtLastMdl == NULL && KtLastSystemBuffer == NULL);
            KtDevice->Flags &= ~Flags;
        }
    }
    ZwClose(File);
}

static VOID
Offsets(VOID)
{
    LARGE_INTEGER             Offset = { .QuadPart = -5 };
    FILE_POSITION_INFORMATION Position = { .CurrentByteOffset.QuadPart = 4321 };
    HANDLE                    File = Open(FILE_SYNCHRONOUS_IO_NONALERT), Asynchronous = Open(0);
    IO_STATUS_BLOCK           Iosb;

    EXPECT(ZwReadFile(File, NULL, NULL, NULL, &Iosb, KtData, 1, &Offset,
                      NULL) == STATUS_INVALID_PARAMETER);
    EXPECT(ZwReadFile(Asynchronous, NULL, NULL, NULL, &Iosb, KtData, 1, NULL,
                      NULL) == STATUS_INVALID_PARAMETER);
    EXPECT(ZwSetInformationFile(File, &Iosb, &Position, sizeof Position,
                                FilePositionInformation) == STATUS_SUCCESS);
    EXPECT(ZwReadFile(File, NULL, NULL, NULL, &Iosb, KtData, 1, NULL, NULL) == STATUS_SUCCESS);
    EXPECT(KtLastStack.Parameters.Read.ByteOffset.QuadPart == 4321);
    Offset.HighPart = -1;
    Offset.LowPart = FILE_USE_FILE_POINTER_POSITION;
    EXPECT(ZwReadFile(File, NULL, NULL, NULL, &Iosb, KtData, 1, &Offset, NULL) == STATUS_SUCCESS);
    EXPECT(KtLastStack.Parameters.Read.ByteOffset.QuadPart == 4321);
    Offset.LowPart = FILE_WRITE_TO_END_OF_FILE;
    EXPECT(ZwWriteFile(File, NULL, NULL, NULL, &Iosb, KtData, 0, &Offset, NULL) == STATUS_SUCCESS);
    EXPECT(KtLastStack.Parameters.Write.ByteOffset.QuadPart == -1);
    ZwClose(File);
    ZwClose(Asynchronous);
}

static VOID
Controls(VOID)
{
    HANDLE          File = Open(FILE_SYNCHRONOUS_IO_NONALERT);
    UCHAR           In[40], Out[64];
    IO_STATUS_BLOCK Iosb;

    for (ULONG Method = METHOD_BUFFERED; Method <= METHOD_NEITHER; Method++) {
        ULONG Code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, Method, FILE_ANY_ACCESS);

        RtlFillMemory(In, sizeof In, 0x0F);
        RtlFillMemory(Out, sizeof Out, 0x77);
        EXPECT(ZwDeviceIoControlFile(File, NULL, NULL, NULL, &Iosb, Code, In, sizeof In, Out,
                                     sizeof Out) == STATUS_SUCCESS);
        EXPECT(Iosb.Information == sizeof In && Out[0] == 0xF0 && Out[39] == 0xF0 &&
               Out[40] == 0x77);
        EXPECT(KtLastStack.Parameters.DeviceIoControl.IoControlCode == Code);
        EXPECT((KtLastMdl != NULL) == (Method == METHOD_IN_DIRECT || Method == METHOD_OUT_DIRECT));
        EXPECT((KtLastSystemBuffer != NULL) == (Method != METHOD_NEITHER));
        EXPECT(KtLastStack.Parameters.DeviceIoControl.Type3InputBuffer ==
               (Method == METHOD_NEITHER ? In : NULL));
    }
    EXPECT(ZwDeviceIoControlFile(File, NULL, NULL, NULL, &Iosb,
                                 CTL_CODE(FILE_DEVICE_UNKNOWN, 0x901, METHOD_BUFFERED, 0),
                                 NULL, 0, NULL, 0) == STATUS_SUCCESS);
    EXPECT(KtLastSystemBuffer == NULL && Iosb.Information == 0);
    ZwClose(File);
}

static VOID
RefusedArguments(VOID)
{
    static const struct { ACCESS_MASK Access; ULONG Share, Disposition, Options; } Refused[] = {
        { SYNCHRONIZE, 8, FILE_OPEN, 0 },
        { SYNCHRONIZE, 0, FILE_MAXIMUM_DISPOSITION + 1, 0 },
        { FILE_READ_DATA, 0, FILE_OPEN, FILE_SYNCHRONOUS_IO_ALERT },
        { SYNCHRONIZE, 0, FILE_OPEN, FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT },
        { SYNCHRONIZE, 0, FILE_OPEN, FILE_DELETE_ON_CLOSE },
    };
    UNICODE_STRING    Name = RTL_CONSTANT_STRING(DEVICE_NAME), Driver =
        RTL_CONSTANT_STRING(L"\\Driver\\ktio");
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    HANDLE            File = NULL;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Refused); Index++)
        EXPECT(IoCreateFile(&File, Refused[Index].Access, &Attributes, &Iosb, NULL, 0,
                            Refused[Index].Share, Refused[Index].Disposition,
                            Refused[Index].Options, NULL, 0, CreateFileTypeNone, NULL,
                            IO_CHECK_CREATE_PARAMETERS) == STATUS_INVALID_PARAMETER);
    EXPECT(ZwOpenFile(&File, FILE_READ_DATA, &Attributes, &Iosb, 0,
                      FILE_SYNCHRONOUS_IO_ALERT) == STATUS_SUCCESS);      // drivers know best
    ZwClose(File);
    File = NULL;
    Attributes.ObjectName = &Driver;
    EXPECT(ZwOpenFile(&File, SYNCHRONIZE, &Attributes, &Iosb, 0, 0) == STATUS_OBJECT_TYPE_MISMATCH);
    Driver.Length -= 2 * sizeof(WCHAR);
    EXPECT(ZwOpenFile(&File, SYNCHRONIZE, &Attributes, &Iosb, 0,
                      0) == STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(File == NULL);
}

static const KT_TEST Tests[] = {
    { "Buffered transfers copy through a system buffer", Buffered },
    { "Direct transfers describe the caller's pages with an MDL", Direct },
    { "Transfers that are neither hand the caller's address through", Neither },
    { "A transfer of no bytes reaches the driver without a buffer", ZeroLength },
    { "Offsets: negative ones are refused, the file's own is used when asked for", Offsets },
    { "Control requests carry their buffers by their code's method", Controls },
    { "Opens with arguments that make no sense are refused if a driver wants them checked",
     RefusedArguments },
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
    NTSTATUS       Status;

    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &KtDevice);
    if (!NT_SUCCESS(Status))
        return Status;
    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = Dispatch;
    DriverObject->DriverUnload = Unload;
    KtDevice->Flags &= ~DO_DEVICE_INITIALIZING;         // it is opened before DriverEntry returns
    KtRun("ktio", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
