/*
 * Notify routines of processes, threads and images, from a driver's side: registered, called as
 * documented, and removed while they run. The test of what they say runs a program in between,
 * between "ktps: watching" and the driver's unload.
 */
#include <ntifs.h>
#include "../ktest.h"

static PKTHREAD      KtCreator;                 // whose threads hold the routine up
static KEVENT        KtInside, KtGo, KtRemoved;
static volatile LONG KtRunning, KtWrong;

static VOID
CheckContext(VOID)
{
    if (KeGetCurrentIrql() != PASSIVE_LEVEL || !KeAreApcsDisabled())
        KtWrong = 1;
}

static VOID NTAPI
OnThread(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    CheckContext();
    if (!Create || KeGetCurrentThread() != *(PKTHREAD volatile *)&KtCreator)
        return;
    KtRunning = 1;
    KeSetEvent(&KtInside, 0, FALSE);
    KtWait(&KtGo, 60000);
    KtRunning = 0;
}

static VOID NTAPI
DoNothing(PVOID Context)
{
}

static VOID NTAPI
CreateOne(PVOID Context)
{
    KtCreator = KeGetCurrentThread();
    KtJoin(KtStart(DoNothing, NULL));
}

static VOID NTAPI
RemoveIt(PVOID Context)
{
    EXPECT(PsRemoveCreateThreadNotifyRoutine(OnThread) == STATUS_SUCCESS);
    EXPECT(KtRunning == 0);
    KeSetEvent(&KtRemoved, 0, FALSE);
}

static VOID
RemovedWhileRunning(VOID)
{
    PKTHREAD Creator, Remover;

    KeInitializeEvent(&KtInside, NotificationEvent, FALSE);
    KeInitializeEvent(&KtGo, NotificationEvent, FALSE);
    KeInitializeEvent(&KtRemoved, NotificationEvent, FALSE);
    EXPECT(PsSetCreateThreadNotifyRoutine(OnThread) == STATUS_SUCCESS);
    Creator = KtStart(CreateOne, NULL);
    EXPECT(KtWait(&KtInside, 60000) == STATUS_SUCCESS);
    Remover = KtStart(RemoveIt, NULL);
    EXPECT(KtWait(&KtRemoved, 100) == STATUS_TIMEOUT);
    KeSetEvent(&KtGo, 0, FALSE);
    KtJoin(Remover);
    KtJoin(Creator);
    EXPECT(PsRemoveCreateThreadNotifyRoutine(OnThread) == STATUS_PROCEDURE_NOT_FOUND);
    EXPECT(!KtWrong);
}

static VOID NTAPI
OnProcess(HANDLE ParentId, HANDLE ProcessId, BOOLEAN Create)
{
    CheckContext();
    DbgPrint("ktps: process %s\n", Create ? "created" : "ended");
}

static VOID NTAPI
OnImage(PUNICODE_STRING Name, HANDLE ProcessId, PIMAGE_INFO Info)
{
    CheckContext();
    DbgPrint("ktps: image %wZ of %s, system mode %u\n", Name, ProcessId != NULL ? "a process"
             : "the system", Info->SystemModeImage);
}

static VOID
Registered(VOID)
{
    EXPECT(PsSetCreateProcessNotifyRoutine(OnProcess, TRUE) == STATUS_INVALID_PARAMETER);
    EXPECT(PsRemoveLoadImageNotifyRoutine(OnImage) == STATUS_PROCEDURE_NOT_FOUND);
    EXPECT(PsSetCreateProcessNotifyRoutine(OnProcess, FALSE) == STATUS_SUCCESS);
    EXPECT(PsSetCreateProcessNotifyRoutine(OnProcess, FALSE) == STATUS_INVALID_PARAMETER);
    EXPECT(PsSetLoadImageNotifyRoutine(OnImage) == STATUS_SUCCESS);
}

static const KT_TEST Tests[] = {
    { "A notify routine that runs is waited for by its removal", RemovedWhileRunning },
    { "A notify routine is registered once, and removed if it is registered", Registered },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("ktps: removed with %08x and %08x, %s\n",
             PsSetCreateProcessNotifyRoutine(OnProcess, TRUE),
             PsRemoveLoadImageNotifyRoutine(OnImage), KtWrong ? "called wrongly" : "called well");
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = Unload;
    KtRun("ktps", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
