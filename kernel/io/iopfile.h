/*
 * The part of iop.h, which includes it, that is about files: opening and closing them, locks of
 * byte ranges, completion ports.
 */
#pragma once

/* ---- opening and closing files (create.c, parse.c, close.c, name.c) ---- */

/* What NtCreateFile tells the device's parse procedure, through the object manager. */
typedef struct _OPEN_PACKET {
    CSHORT        Type, Size;
    NTSTATUS      FinalStatus;              // out: of the parse procedure
    ULONG_PTR     Information;              // out: FILE_OPENED and so on
    PFILE_OBJECT  RelatedFileObject;        // set by the file type's parse procedure
    LARGE_INTEGER AllocationSize;
    ULONG         Options;                  // CreateOptions
    ULONG         Disposition;
    ULONG         Flags;                    // IO_ of IoCreateFile
    USHORT        FileAttributes, ShareAccess;
    PVOID         EaBuffer;                 // captured, in pool
    ULONG         EaLength;
    CREATE_FILE_TYPE FileType;
    PVOID         TypeParameters;           // of a named pipe or mailslot, captured
    // called with the opened file, which is then closed: FinalStatus is what it returns (attrib.c)
    NTSTATUS    (*Visit)(PFILE_OBJECT File, PVOID Context);
    PVOID         VisitContext;
    BOOLEAN       Visited;                  // out
} OPEN_PACKET, *POPEN_PACKET;

/* Behind each FILE_OBJECT, in the object's body; FileObjectExtension points to it. */
typedef struct _IOP_FILE_EXTENSION {
    ULONG PriorityHint;                     // IO_PRIORITY_HINT
} IOP_FILE_EXTENSION, *PIOP_FILE_EXTENSION;

static inline PIOP_FILE_EXTENSION
IopFileExtension(PFILE_OBJECT File)
{
    return File->FileObjectExtension;
}

NTSTATUS IopParseDevice(PVOID ParseObject, POBJECT_TYPE ObjectType, PACCESS_STATE AccessState,
                        KPROCESSOR_MODE Mode, ULONG Attributes, PUNICODE_STRING CompleteName,
                        PUNICODE_STRING RemainingName, PVOID Context,
                        PSECURITY_QUALITY_OF_SERVICE SecurityQos, PVOID *Object);
NTSTATUS IopParseFile(PVOID ParseObject, POBJECT_TYPE ObjectType, PACCESS_STATE AccessState,
                      KPROCESSOR_MODE Mode, ULONG Attributes, PUNICODE_STRING CompleteName,
                      PUNICODE_STRING RemainingName, PVOID Context,
                      PSECURITY_QUALITY_OF_SERVICE SecurityQos, PVOID *Object);
VOID     IopCloseFile(PEPROCESS Process, PVOID Object, ACCESS_MASK Access,
                      ULONG64 ProcessHandleCount, ULONG64 SystemHandleCount);
VOID     IopDeleteFile(PVOID Object);
/*
 * security.c: whether an open of a device (Itself) or of something below it may go on; moves what
 * is granted already to PreviouslyGrantedAccess.
 */
VOID     IopInitializeSecurity(VOID);
NTSTATUS IopCheckOpen(PDEVICE_OBJECT Device, PACCESS_STATE AccessState, BOOLEAN Itself,
                      KPROCESSOR_MODE Check);
NTSTATUS IopDeviceSecurity(PVOID Object, SECURITY_OPERATION_CODE Operation,
                           PSECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Descriptor,
                           PULONG Length, PSECURITY_DESCRIPTOR *ObjectsDescriptor,
                           POOL_TYPE PoolType, PGENERIC_MAPPING Mapping);
NTSTATUS IopFileSecurity(PVOID Object, SECURITY_OPERATION_CODE Operation,
                         PSECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Descriptor,
                         PULONG Length, PSECURITY_DESCRIPTOR *ObjectsDescriptor,
                         POOL_TYPE PoolType, PGENERIC_MAPPING Mapping);
NTSTATUS IopCreateDevice(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize,
                         PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType,
                         ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                         PSECURITY_DESCRIPTOR Descriptor, PDEVICE_OBJECT *DeviceObject);
NTSTATUS IopQueryName(PVOID Object, BOOLEAN HasName, POBJECT_NAME_INFORMATION Information,
                      ULONG Length, PULONG ReturnLength, KPROCESSOR_MODE Mode);

// UNLOCK_SINGLE or UNLOCK_ALL, and waits
NTSTATUS IopSendUnlock(PFILE_OBJECT File, UCHAR Minor, KPROCESSOR_MODE Mode, PLARGE_INTEGER Offset,
                       PLARGE_INTEGER Length, ULONG Key);

/* ---- completion ports (iocomp.c) ---- */

VOID     IopClosePort(PEPROCESS Process, PVOID Object, ACCESS_MASK Access,
                      ULONG64 ProcessHandleCount, ULONG64 SystemHandleCount);
VOID     IopDeletePort(PVOID Object);
NTSTATUS IopSetFilePort(PFILE_OBJECT File, HANDLE Handle, PVOID Key, KPROCESSOR_MODE Mode);
VOID     IopReleaseFilePort(PFILE_OBJECT File);
VOID     IopQueuePacket(PIRP Irp, PIO_COMPLETION_CONTEXT Context);
NTSTATUS IopPostPacket(PVOID Port, PVOID Key, PVOID ApcContext, NTSTATUS Status,
                       ULONG_PTR Information);
