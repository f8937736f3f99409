/*
 * The executive's object types: Event, Mutant, Semaphore, Timer. Each is a dispatcher object of
 * ke/ with a header and a name; the services are in event.c, mutant.c, semaphore.c and timer.c.
 *
 * WindowStation, Desktop, Port and Job are there as types, with their rights, because drivers
 * import and compare them; nothing in this system makes objects of them.
 *
 * What drivers import as ExEventObjectType is the address of a pointer to the type; Export=Target
 * in exports-ob.txt makes the pointer itself the exported variable, as on Windows, while the
 * kernel's headers want a variable that points to it.
 */
#include "kernel.h"
#include "ex/exobj.h"

POBJECT_TYPE  ExpEventObjectType, ExpSemaphoreObjectType, ExMutantObjectType, ExTimerObjectType;
POBJECT_TYPE *ExEventObjectType     = &ExpEventObjectType;
POBJECT_TYPE *ExSemaphoreObjectType = &ExpSemaphoreObjectType;
POBJECT_TYPE  ExWindowStationObjectType, ExDesktopObjectType, LpcPortObjectType, PsJobType;

/* Query is the right to read the state; all other specific rights change it. */
static VOID INIT_CODE
ExpMakeType(PCWSTR Name, ULONG Tag, ULONG Access, ULONG Query,
            POBJECT_TYPE_INITIALIZER Initializer, ULONG Body, POBJECT_TYPE *Type)
{
    Initializer->GenericMapping.GenericRead    = STANDARD_RIGHTS_READ | Query;
    Initializer->GenericMapping.GenericWrite   =
        STANDARD_RIGHTS_WRITE | (Access & SPECIFIC_RIGHTS_ALL & ~Query);
    Initializer->GenericMapping.GenericExecute = STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE;
    Initializer->GenericMapping.GenericAll     = Access;
    Initializer->ValidAccessMask   = Access;
    Initializer->InvalidAttributes = OBJ_OPENLINK;
    Initializer->PoolType          = NonPagedPool;
    Initializer->MaintainTypeList  = TRUE;
    Initializer->DefaultNonPagedPoolCharge = Body;
    if (!NT_SUCCESS(ObpCreateType(Name, Initializer, Tag, 0, Type)))
        KeBugCheckEx(OBJECT1_INITIALIZATION_FAILED, 1, (ULONG_PTR)Name, 0, 0);
}

/* The types without objects; rights and mappings as documented. */
static VOID INIT_CODE
ExpMakeEmptyTypes(VOID)
{
    static const struct {
        PCWSTR          Name;
        ULONG           Tag;
        GENERIC_MAPPING Mapping;
        POBJECT_TYPE   *Type;
    } Types[] = {
        { L"WindowStation", 'dniW', { STANDARD_RIGHTS_READ | 0x303, STANDARD_RIGHTS_WRITE | 0x1C,
            STANDARD_RIGHTS_EXECUTE | 0x60, STANDARD_RIGHTS_REQUIRED | 0x37F },
          &ExWindowStationObjectType },
        { L"Desktop", 'kseD', { STANDARD_RIGHTS_READ | 0x41, STANDARD_RIGHTS_WRITE | 0xBE,
            STANDARD_RIGHTS_EXECUTE | 0x100, STANDARD_RIGHTS_REQUIRED | 0x1FF },
          &ExDesktopObjectType },
        { L"Port", 'troP', { STANDARD_RIGHTS_READ | 1, DELETE | 1, 0,
            STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 1 }, &LpcPortObjectType },
        { L"Job", ' boJ', { STANDARD_RIGHTS_READ | 4, STANDARD_RIGHTS_WRITE | 0xB,
            STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE,
            STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x1F }, &PsJobType },
    };

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Types); Index++) {
        OBJECT_TYPE_INITIALIZER Initializer = {
            .GenericMapping    = Types[Index].Mapping,
            .ValidAccessMask   = Types[Index].Mapping.GenericAll,
            .InvalidAttributes = OBJ_OPENLINK,
            .SecurityRequired  = TRUE,
            .PoolType          = NonPagedPool,
        };

        if (!NT_SUCCESS(ObpCreateType(Types[Index].Name, &Initializer, Types[Index].Tag,
                                      OB_WAIT_NEVER, Types[Index].Type)))
            KeBugCheckEx(OBJECT1_INITIALIZATION_FAILED, 2, Index, 0, 0);
    }
}

/* Phase 0, after ObInitSystem. */
VOID INIT_CODE
ExInitializeObjects(VOID)
{
    OBJECT_TYPE_INITIALIZER Plain  = { 0 };
    OBJECT_TYPE_INITIALIZER Mutant = { .DeleteProcedure = ExpDeleteMutant };
    OBJECT_TYPE_INITIALIZER Timer  = { .CloseProcedure = ExpCloseTimer,
                                      .DeleteProcedure = ExpDeleteTimer };

    ExpMakeType(L"Event", 'nevE', EVENT_ALL_ACCESS, EVENT_QUERY_STATE, &Plain,
                sizeof(KEVENT), &ExpEventObjectType);
    ExpMakeType(L"Semaphore", 'ameS', SEMAPHORE_ALL_ACCESS, SEMAPHORE_QUERY_STATE, &Plain,
                sizeof(KSEMAPHORE), &ExpSemaphoreObjectType);
    ExpMakeType(L"Mutant", 'atuM', MUTANT_ALL_ACCESS, MUTANT_QUERY_STATE, &Mutant,
                sizeof(KMUTANT), &ExMutantObjectType);
    ExpMakeType(L"Timer", 'emiT', TIMER_ALL_ACCESS, TIMER_QUERY_STATE, &Timer,
                sizeof(ETIMER), &ExTimerObjectType);
    ExpMakeEmptyTypes();
}
