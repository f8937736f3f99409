/*
 * The executive's object types: Event, Mutant, Semaphore, Timer. Each is a dispatcher object of
 * ke/ with a header and a name; the services are in event.c, mutant.c, semaphore.c and timer.c.
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

/* Query is the right to read the state; all other specific rights change it. */
static VOID INIT_CODE
ExpMakeType(PCWSTR Name, ULONG Tag, ULONG Access, ULONG Query,
            POBJECT_TYPE_INITIALIZER Initializer, POBJECT_TYPE *Type)
{
    Initializer->GenericMapping.GenericRead    = STANDARD_RIGHTS_READ | Query;
    Initializer->GenericMapping.GenericWrite   =
        STANDARD_RIGHTS_WRITE | (Access & SPECIFIC_RIGHTS_ALL & ~Query);
    Initializer->GenericMapping.GenericExecute = STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE;
    Initializer->GenericMapping.GenericAll     = Access;
    Initializer->ValidAccessMask  = Access;
    Initializer->PoolType         = NonPagedPool;
    Initializer->MaintainTypeList = TRUE;
    if (!NT_SUCCESS(ObpCreateType(Name, Initializer, Tag, 0, Type)))
        KeBugCheckEx(OBJECT1_INITIALIZATION_FAILED, 1, (ULONG_PTR)Name, 0, 0);
}

/* Phase 0, after ObInitSystem. */
VOID INIT_CODE
ExInitializeObjects(VOID)
{
    OBJECT_TYPE_INITIALIZER Plain  = { 0 };
    OBJECT_TYPE_INITIALIZER Mutant = { .DeleteProcedure = ExpDeleteMutant };
    OBJECT_TYPE_INITIALIZER Timer  = { .CloseProcedure = ExpCloseTimer,
                                      .DeleteProcedure = ExpDeleteTimer };

    ExpMakeType(L"Event", 'nevE', EVENT_ALL_ACCESS, EVENT_QUERY_STATE, &Plain, &ExpEventObjectType);
    ExpMakeType(L"Semaphore", 'ameS', SEMAPHORE_ALL_ACCESS, SEMAPHORE_QUERY_STATE, &Plain,
                &ExpSemaphoreObjectType);
    ExpMakeType(L"Mutant", 'atuM', MUTANT_ALL_ACCESS, MUTANT_QUERY_STATE, &Mutant,
                &ExMutantObjectType);
    ExpMakeType(L"Timer", 'emiT', TIMER_ALL_ACCESS, TIMER_QUERY_STATE, &Timer, &ExTimerObjectType);
}
