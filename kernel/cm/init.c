/*
 * Start-up of the registry: the type Key, the object \Registry, and the keys that are there before
 * anything is read: the roots of what Windows keeps as hives, and the ways to the services.
 * They cannot be deleted.
 */
#include "cm/cmp.h"
#include "se/se.h"

/* The system and administrators do everything, others read; the default user is everybody's. */
#define CM_TEXT(Others) L"O:BAG:SYD:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)" \
                        L"(A;CI;" Others L";;;WD)(A;CI;" Others L";;;RC)"

static const struct { PCWSTR Path; ULONG Flags; } CmpFixedKeys[] = {
    { L"MACHINE",                                    CM_FIXED | CM_VOLATILE },
    { L"MACHINE\\HARDWARE",                          CM_FIXED | CM_VOLATILE },
    { L"MACHINE\\HARDWARE\\DEVICEMAP",               CM_FIXED | CM_VOLATILE },
    { L"MACHINE\\SYSTEM",                            CM_FIXED },
    { L"MACHINE\\SYSTEM\\CurrentControlSet",         CM_FIXED },
    { L"MACHINE\\SYSTEM\\CurrentControlSet\\Control",  CM_FIXED },
    { L"MACHINE\\SYSTEM\\CurrentControlSet\\Services", CM_FIXED },
    { L"MACHINE\\SOFTWARE",                          CM_FIXED },
    { L"MACHINE\\SOFTWARE\\Classes",                 CM_FIXED },
    { L"USER",                                       CM_FIXED | CM_VOLATILE },
    { L"USER\\.DEFAULT",                             CM_FIXED },
};

static INIT_CODE PCM_NODE
CmpMakeFixedKey(PCWSTR Path, ULONG Flags)
{
    PCM_NODE       Node = CmpRoot, Child;
    UNICODE_STRING Rest, Part;

    RtlInitUnicodeString(&Rest, Path);
    for (; CmpNextPart(&Rest, &Part); Node = Child) {
        BOOLEAN OwnHive = (Node->Flags & CM_VOLATILE) && !(Flags & CM_VOLATILE);

        Child = CmpFindChild(Node, &Part);
        if (Child != NULL)
            continue;
        if (!NT_SUCCESS(CmpCreateChild(Node, &Part, OwnHive ? CM_VOLATILE : Flags, NULL, &Child)))
            KeBugCheckEx(CONFIG_INITIALIZATION_FAILED, 1, 0, 0, 0);
        Child->Flags = Flags;
    }
    return Node;
}

static INIT_CODE VOID
CmpDescribe(PCM_NODE Node, PCWSTR Text)
{
    PSECURITY_DESCRIPTOR Descriptor;

    if (!NT_SUCCESS(ObDescriptorFromText(Text, &CmpKeyObjectType->TypeInfo.GenericMapping,
                                         &Descriptor)))
        KeBugCheckEx(CONFIG_INITIALIZATION_FAILED, 3, 0, 0, 0);
    ObReplaceDescriptor(&Node->Descriptor, Descriptor);
}

static INIT_CODE VOID
CmpMakeRootObject(VOID)
{
    UNICODE_STRING    Name = RTL_CONSTANT_STRING(L"\\REGISTRY");
    OBJECT_ATTRIBUTES Attributes;
    PCM_KEY           Key;
    NTSTATUS          Status;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_PERMANENT | OBJ_KERNEL_HANDLE, NULL, NULL);
    Status = ObCreateObject(KernelMode, CmpKeyObjectType, &Attributes, KernelMode, NULL,
                            sizeof *Key, 0, 0, (PVOID *)&Key);
    if (NT_SUCCESS(Status)) {
        CmpRoot->References++;
        Key->Node = CmpRoot;
        Status = ObInsertObject(Key, NULL, 0, 0, NULL, NULL);
    }
    if (!NT_SUCCESS(Status))
        KeBugCheckEx(CONFIG_INITIALIZATION_FAILED, 2, (ULONG)Status, 0, 0);
}

INIT_CODE VOID
CmInitSystem(VOID)
{
    static const UNICODE_STRING RootName = RTL_CONSTANT_STRING(L"REGISTRY");
    OBJECT_TYPE_INITIALIZER     Type = {
        .GenericMapping     = { KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS },
        .ValidAccessMask    = KEY_ALL_ACCESS,
        .MaintainTypeList   = TRUE,
        .InvalidAttributes  = OBJ_EXCLUSIVE,
        .PoolType           = PagedPool,
        .CaseInsensitive    = TRUE,
        .ParseProcedure     = CmpParseKey,
        .DeleteProcedure    = CmpDeleteKeyObject,
        .SecurityProcedure  = CmpKeySecurity,
        .QueryNameProcedure = CmpQueryKeyName,
    };
    CM_NODE  Above = { .Flags = CM_VOLATILE };
    PCM_NODE Last = NULL;

    ExInitializeFastMutex(&CmpLock);
    if (!NT_SUCCESS(ObpCreateType(L"Key", &Type, CM_TAG_KEY, OB_WAIT_NEVER, &CmpKeyObjectType)) ||
        !NT_SUCCESS(CmpCreateChild(&Above, &RootName, CM_FIXED | CM_VOLATILE, NULL, &CmpRoot)))
        KeBugCheckEx(CONFIG_INITIALIZATION_FAILED, 0, 0, 0, 0);
    CmpRoot->Parent = NULL;
    CmpDescribe(CmpRoot, CM_TEXT(L"KR"));
    ExFreePoolWithTag(Above.Children, CM_TAG_NODE);
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(CmpFixedKeys); Index++)
        Last = CmpMakeFixedKey(CmpFixedKeys[Index].Path, CmpFixedKeys[Index].Flags);
    CmpDescribe(Last, CM_TEXT(L"KA"));
    CmpMakeRootObject();
}
