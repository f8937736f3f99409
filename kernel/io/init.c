/*
 * Start-up of the I/O manager: the object types it owns.
 *
 *   Device      \Device\NAME: where a name leaves the object namespace and a driver takes over
 *               (parse.c)
 *   Driver      \Driver\NAME: a loaded driver (driver.c)
 *   File        one open of a device or of something on it; no name of its own, waits on its
 *               Event (parse.c, close.c)
 *   IoCompletion  a completion port (iocomp.c)
 *   Adapter, Controller, DeviceHandler   known by name only: there is no DMA
 *
 * Drivers find the types through exported pointers (IoFileObjectType, ...), as the DDK headers
 * declare them.
 */
#include "iop.h"
#include "sdk/ntfile.h"

POBJECT_TYPE  IopDeviceObjectType, IopDriverObjectType, IopFileObjectType;
POBJECT_TYPE *IoDeviceObjectType = &IopDeviceObjectType;
POBJECT_TYPE *IoDriverObjectType = &IopDriverObjectType;
POBJECT_TYPE *IoFileObjectType = &IopFileObjectType;
POBJECT_TYPE  IoAdapterObjectType, IoControllerObjectType, IoDeviceHandlerObjectType;

static GENERIC_MAPPING IopFileMapping = {
    FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS
};

static GENERIC_MAPPING IopPortMapping = {
    STANDARD_RIGHTS_READ | IO_COMPLETION_QUERY_STATE,
    STANDARD_RIGHTS_WRITE | IO_COMPLETION_MODIFY_STATE, STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE,
    IO_COMPLETION_ALL_ACCESS
};

/* What GENERIC_READ and its kin mean for files. */
PGENERIC_MAPPING NTAPI
IoGetFileObjectGenericMapping(VOID)
{
    return &IopFileMapping;
}

static INIT_CODE VOID
IopCreateType(PCWSTR Name, POBJECT_TYPE_INITIALIZER Initializer, ULONG Tag, LONG DefaultObject,
              POBJECT_TYPE *Type)
{
    NTSTATUS Status;

    if (Initializer->ValidAccessMask == 0) {
        Initializer->GenericMapping = IopFileMapping;
        Initializer->ValidAccessMask = FILE_ALL_ACCESS;
    }
    Initializer->InvalidAttributes = OBJ_OPENLINK;
    Initializer->PoolType = NonPagedPool;
    Initializer->CaseInsensitive = TRUE;
    Status = ObpCreateType(Name, Initializer, Tag, DefaultObject, Type);
    if (!NT_SUCCESS(Status))
        KeBugCheckEx(IO1_INITIALIZATION_FAILED, (ULONG)Status, 0, 0, 0);
}

/* `cancelwait=N` on the command line: see IopCancelPatience. */
static INIT_CODE VOID
IopReadPatience(VOID)
{
    CHAR  Value[12];
    ULONG Seconds = 0;

    if (!KeCommandLineOption("cancelwait", Value, sizeof Value))
        return;
    for (PSTR Digit = Value; *Digit >= '0' && *Digit <= '9'; Digit++)
        Seconds = Seconds * 10 + (ULONG)(*Digit - '0');
    if (Seconds != 0 && Seconds <= 3600)
        IopCancelPatience = Seconds;
}

INIT_CODE VOID
IoInitSystem(VOID)
{
    OBJECT_TYPE_INITIALIZER Device = { .DeleteProcedure = IopDeleteDeviceObject,
                                      .ParseProcedure = IopParseDevice, .MaintainTypeList = TRUE,
                                      .SecurityProcedure = IopDeviceSecurity,
                                      .DefaultNonPagedPoolCharge = sizeof(DEVICE_OBJECT) };
    OBJECT_TYPE_INITIALIZER Driver = { .DeleteProcedure = IopDeleteDriverObject,
                                      .MaintainTypeList = TRUE,
                                      .DefaultNonPagedPoolCharge = sizeof(DRIVER_OBJECT) };
    OBJECT_TYPE_INITIALIZER Plain = { 0 };
    OBJECT_TYPE_INITIALIZER File = { .MaintainHandleCount = TRUE, .MaintainTypeList = TRUE,
                                     .CloseProcedure = IopCloseFile,
                                     .DeleteProcedure = IopDeleteFile,
                                     .ParseProcedure = IopParseFile,
                                     .QueryNameProcedure = IopQueryName,
                                     .SecurityProcedure = IopFileSecurity,
                                     .DefaultNonPagedPoolCharge = sizeof(FILE_OBJECT) };
    OBJECT_TYPE_INITIALIZER Port = { .CloseProcedure = IopClosePort,
                                     .DeleteProcedure = IopDeletePort,
                                     .GenericMapping = IopPortMapping,
                                     .ValidAccessMask = IO_COMPLETION_ALL_ACCESS };

    IopReadPatience();
    IopCreateType(L"Adapter", &Plain, 'padA', OB_WAIT_NEVER, &IoAdapterObjectType);
    IopCreateType(L"Controller", &Plain, 'tnoC', OB_WAIT_NEVER, &IoControllerObjectType);
    IopCreateType(L"DeviceHandler", &Plain, 'hveD', OB_WAIT_NEVER, &IoDeviceHandlerObjectType);
    IopCreateType(L"Device", &Device, 'iveD', OB_WAIT_NEVER, &IopDeviceObjectType);
    IopCreateType(L"Driver", &Driver, 'virD', OB_WAIT_NEVER, &IopDriverObjectType);
    IopCreateType(L"IoCompletion", &Port, 'pCoI', OB_WAIT_NEVER, &IopCompletionObjectType);
    IopCreateType(L"File", &File, 'eliF', FIELD_OFFSET(FILE_OBJECT, Event), &IopFileObjectType);
    IopInitializeSecurity();
}
