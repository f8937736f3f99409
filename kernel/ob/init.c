/*
 * Start-up of the object manager: phase 0, PASSIVE_LEVEL on the boot processor, before any other
 * subsystem has objects.
 *
 * First the three types it needs itself, then the root directory, then the directories that
 * everybody expects:
 *
 *   \ObjectTypes        the types                     \Driver, \FileSystem    driver objects
 *   \Device             device objects                \BaseNamedObjects       what programs name
 *   \GLOBAL??           names programs open, links    \KernelObjects, \Callback, \Security
 *   \DosDevices         link to \??, which is what the walk (name.c) takes for \GLOBAL??
 *   \GLOBAL??\Global    link to \GLOBAL??             \GLOBAL??\GLOBALROOT    link to the root
 *
 * Everything here is permanent. io/ adds \SystemRoot and \ArcName when the RAM disk is there.
 */
#include "kernel.h"
#include "init.h"
#include "ob/obp.h"

POBJECT_DIRECTORY ObpRootDirectory, ObpTypeDirectory, ObpDosDevicesDirectory;

NTSTATUS ObpNameType(POBJECT_TYPE Type);                // type.c
NTSTATUS NTAPI NtCreateSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                                          POBJECT_ATTRIBUTES ObjectAttributes,
    PUNICODE_STRING LinkTarget);                       // linksvc.c

static POBJECT_TYPE INIT_CODE
ObpMakeOwnType(PCWSTR Name, ULONG Tag, ULONG Access, POOL_TYPE PoolType, ULONG Body,
               VOID (*Delete)(PVOID))
{
    OBJECT_TYPE_INITIALIZER Initializer = {
        .GenericMapping   = { STANDARD_RIGHTS_READ | (Access & 3),
                             STANDARD_RIGHTS_WRITE | (Access & ~3 & 0xF),
                              STANDARD_RIGHTS_EXECUTE | (Access & 3), Access },
        .ValidAccessMask   = Access,
        .InvalidAttributes = OBJ_OPENLINK,
        .PoolType          = PoolType,
        .MaintainTypeList  = TRUE,
        .DeleteProcedure   = Delete,
        .DefaultPagedPoolCharge    = PoolType == PagedPool ? Body : 0,
        .DefaultNonPagedPoolCharge = PoolType == PagedPool ? 0 : Body,
    };
    POBJECT_TYPE Type;

    if (!NT_SUCCESS(ObpCreateType(Name, &Initializer, Tag, OB_WAIT_NEVER, &Type)))
        KeBugCheckEx(OBJECT_INITIALIZATION_FAILED, 1, (ULONG_PTR)Name, 0, 0);
    return Type;
}

/* A permanent directory at Path; NULL makes the root. */
static POBJECT_DIRECTORY INIT_CODE
ObpMakeDirectory(PCWSTR Path)
{
    POBJECT_DIRECTORY Directory;
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    Name;
    NTSTATUS          Status;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, Path ? &Name : NULL, OBJ_PERMANENT, NULL, NULL);
    Status = ObCreateObject(KernelMode, ObpDirectoryObjectType, &Attributes, KernelMode, NULL,
                            sizeof(*Directory), 0, 0,
                            (PVOID *)&Directory);
    if (NT_SUCCESS(Status))
        Status = ObpInitializeDirectory(Directory);
    if (NT_SUCCESS(Status))
        Status = ObInsertObject(Directory, NULL, 0, Path == NULL ? 1 : 0, NULL, NULL);
    if (!NT_SUCCESS(Status))
        KeBugCheckEx(OBJECT_INITIALIZATION_FAILED, 2, (ULONG_PTR)Path, Status, 0);
    return Directory;
}

static VOID INIT_CODE
ObpMakeLink(PCWSTR Path, PCWSTR Target)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    Name, To;
    NTSTATUS          Status;
    HANDLE            Handle;

    RtlInitUnicodeString(&Name, Path);
    RtlInitUnicodeString(&To, Target);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_PERMANENT | OBJ_KERNEL_HANDLE, NULL, NULL);
    Status = NtCreateSymbolicLinkObject(&Handle, SYMBOLIC_LINK_ALL_ACCESS, &Attributes, &To);
    if (!NT_SUCCESS(Status))
        KeBugCheckEx(OBJECT_INITIALIZATION_FAILED, 3, (ULONG_PTR)Path, Status, 0);
    ObCloseHandle(Handle, KernelMode);
}

VOID INIT_CODE
ObInitSystem(VOID)
{
    static const PCWSTR Directories[] = {
        L"\\Device", L"\\Driver", L"\\FileSystem", L"\\BaseNamedObjects",
        L"\\KernelObjects", L"\\Callback", L"\\Security",
    };

    ExInitializeFastMutex(&ObpNameLock);
    ExInitializeFastMutex(&ObpHandleTableLock);
    ExInitializeFastMutex(&ObpTypesLock);
    ObpInitializeCallbacks();
    ObpHandleTraceDeep = KeCommandLineOption("htrace", NULL, 0);
    KeInitializeEvent(&ObpDefaultObject, NotificationEvent, TRUE);
    ObpInitializeSecurity();
    ObpInitializeSecurityServices();
    ObpKernelHandleTable = ExCreateHandleTable(NULL);
    if (ObpKernelHandleTable == NULL)
        KeBugCheckEx(OBJECT_INITIALIZATION_FAILED, 4, 0, 0, 0);
    ExpInitializeCids();

    ObpMakeOwnType(L"Type", 'epyT', OBJECT_TYPE_ALL_ACCESS, NonPagedPool, sizeof(OBJECT_TYPE),
                   NULL);
    ObpDirectoryObjectType = ObpMakeOwnType(L"Directory", 'eriD', DIRECTORY_ALL_ACCESS,
                                            NonPagedPool, sizeof(OBJECT_DIRECTORY),
                                            ObpDeleteDirectory);
    ObpSymbolicLinkObjectType = ObpMakeOwnType(L"SymbolicLink", 'bmyS', SYMBOLIC_LINK_ALL_ACCESS,
                                               PagedPool, sizeof(OBJECT_SYMBOLIC_LINK),
                                               ObpDeleteSymbolicLink);

    ObpRootDirectory = ObpMakeDirectory(NULL);
    ObpTypeDirectory = ObpMakeDirectory(L"\\ObjectTypes");
    for (ULONG Index = 0; Index < ObpTypeCount; Index++)
        if (!NT_SUCCESS(ObpNameType(ObpTypes[Index])))
            KeBugCheckEx(OBJECT_INITIALIZATION_FAILED, 5, Index, 0, 0);

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Directories); Index++)
        ObpMakeDirectory(Directories[Index]);
    ObpDosDevicesDirectory = ObpMakeDirectory(L"\\GLOBAL??");
    ObReferenceObject(ObpDosDevicesDirectory);  // walks start there without a reference
    ObpMakeLink(L"\\DosDevices", L"\\??");
    ObpMakeLink(L"\\GLOBAL??\\Global", L"\\GLOBAL??");
    ObpMakeLink(L"\\GLOBAL??\\GLOBALROOT", L"\\");
}

/* The descriptors of what ObInitSystem has made, when there are any: called by SeInitSystem. */
VOID INIT_CODE
ObSecureNamespace(VOID)
{
    static const struct { PCWSTR Path; SE_STANDARD Standard; } Directories[] = {
        { L"\\", SeStandardDirectory },           { L"\\ObjectTypes", SeStandardDirectory },
        { L"\\Device", SeStandardDirectory },     { L"\\Driver", SeStandardClosed },
        { L"\\FileSystem", SeStandardClosed },    { L"\\GLOBAL??", SeStandardDirectory },
        { L"\\BaseNamedObjects", SeStandardNamed }, { L"\\KernelObjects", SeStandardDirectory },
        { L"\\Callback", SeStandardDirectory },   { L"\\Security", SeStandardClosed },
    };
    UNICODE_STRING Name;
    PVOID          Object;

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Directories); Index++) {
        RtlInitUnicodeString(&Name, Directories[Index].Path);
        if (!NT_SUCCESS(ObReferenceObjectByName(&Name, 0, NULL, 0, ObpDirectoryObjectType,
                                                KernelMode, NULL, &Object)))
            KeBugCheckEx(OBJECT_INITIALIZATION_FAILED, 6, Index, 0, 0);
        ObReplaceDescriptor(&OBJECT_TO_HEADER(Object)->SecurityDescriptor,
                            SeStandardDescriptor(Directories[Index].Standard,
                                                 ObpDirectoryObjectType));
        ObDereferenceObject(Object);
    }
}
