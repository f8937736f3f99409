/*
 * Bad arguments to every system service: nothing that a program passes may harm the system, and a
 * call that fails must leave everything as it was.
 *
 * First a sweep: each service, called with one bad value as every argument. Then calls that are
 * right but for one pointer. After each call the handles are counted and the objects that were
 * passed are looked at.
 */
#include "sdk/ntapi.h"
#include "sdk/ntreg.h"
#include "sdk/ntsecurity.h"
#include "sdk/ntsection.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <string.h>

typedef NTSTATUS (NTAPI *SERVICE)(ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR,
    ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR);

#define S(Name) { #Name, (SERVICE)(PVOID)Name }

/* Not here: those that succeed or do not return with any argument, and NtShutdownSystem. */
static const struct {
    const char *Name;
    SERVICE     Call;
} Services[] = {
    S(NtCreateIoCompletion), S(NtOpenIoCompletion), S(NtQueryIoCompletion), S(NtSetIoCompletion),
    S(NtRemoveIoCompletion), S(NtRemoveIoCompletionEx), S(NtSetVolumeInformationFile),
    S(NtQueryFullAttributesFile), S(NtLockFile), S(NtUnlockFile),
    S(NtNotifyChangeDirectoryFile),
    S(NtClose), S(NtCreateFile), S(NtOpenFile), S(NtReadFile), S(NtWriteFile),
    S(NtDeviceIoControlFile), S(NtFsControlFile), S(NtQueryInformationFile),
    S(NtSetInformationFile), S(NtQueryVolumeInformationFile), S(NtQueryDirectoryFile),
    S(NtDeleteFile),
    S(NtQueryAttributesFile), S(NtFlushBuffersFile), S(NtCancelIoFile), S(NtLoadDriver),
    S(NtUnloadDriver), S(NtCreateEvent), S(NtOpenEvent), S(NtSetEvent), S(NtResetEvent),
    S(NtClearEvent), S(NtPulseEvent), S(NtQueryEvent), S(NtCreateMutant), S(NtOpenMutant),
    S(NtReleaseMutant), S(NtQueryMutant), S(NtCreateSemaphore), S(NtOpenSemaphore),
    S(NtReleaseSemaphore), S(NtQuerySemaphore), S(NtCreateTimer), S(NtOpenTimer), S(NtSetTimer),
    S(NtCancelTimer), S(NtQueryTimer), S(NtWaitForSingleObject), S(NtWaitForMultipleObjects),
    S(NtSignalAndWaitForSingleObject), S(NtDuplicateObject), S(NtQueryObject),
    S(NtSetInformationObject), S(NtMakeTemporaryObject), S(NtMakePermanentObject),
    S(NtCreateDirectoryObject),
    S(NtOpenDirectoryObject), S(NtQueryDirectoryObject), S(NtCreateSymbolicLinkObject),
    S(NtOpenSymbolicLinkObject), S(NtQuerySymbolicLinkObject), S(NtCreateUserProcess),
    S(NtCreateThreadEx), S(NtOpenProcess), S(NtOpenThread), S(NtTerminateProcess),
    S(NtTerminateThread), S(NtSuspendThread), S(NtResumeThread), S(NtSuspendProcess),
    S(NtResumeProcess), S(NtQueryInformationProcess),
    S(NtSetInformationProcess), S(NtQueryInformationThread), S(NtSetInformationThread),
    S(NtContinue), S(NtAlertThread), S(NtQueueApcThread), S(NtAllocateVirtualMemory),
    S(NtFreeVirtualMemory), S(NtProtectVirtualMemory), S(NtQueryVirtualMemory),
    S(NtReadVirtualMemory), S(NtWriteVirtualMemory), S(NtQuerySystemInformation),
    S(NtQuerySystemTime), S(NtQueryPerformanceCounter), S(NtDisplayString), S(NtCreateKey),
    S(NtOpenKey), S(NtOpenKeyEx), S(NtDeleteKey), S(NtFlushKey), S(NtQueryKey), S(NtEnumerateKey),
    S(NtQueryValueKey), S(NtEnumerateValueKey), S(NtSetValueKey), S(NtDeleteValueKey),
    S(NtCreateSection), S(NtOpenSection), S(NtMapViewOfSection), S(NtUnmapViewOfSection),
    S(NtQuerySection), S(NtExtendSection), S(NtFlushVirtualMemory),
    S(NtOpenProcessToken), S(NtOpenProcessTokenEx), S(NtOpenThreadToken), S(NtOpenThreadTokenEx),
    S(NtDuplicateToken), S(NtFilterToken), S(NtAdjustPrivilegesToken), S(NtAdjustGroupsToken),
    S(NtQueryInformationToken), S(NtSetInformationToken), S(NtAccessCheck), S(NtPrivilegeCheck),
    S(NtImpersonateThread), S(NtQuerySecurityObject), S(NtSetSecurityObject),
    S(NtAllocateLocallyUniqueId), S(NtCancelIoFileEx),
    S(NtCancelSynchronousIoFile),
};

static HANDLE Event, Semaphore, Mutant, Timer, File, Directory;

/* Unmapped, kernel memory, the kernel's image, not canonical, misaligned, the last page. */
static const ULONG_PTR BadPointers[] = {
    0x7008, 0x6660000, 0x123457, 0xFFFF800000001000, 0xFFFFF80000401000, 0xFFFFA00000000000,
    0x0000800000000000, 0x00FF000000000001, 0xFFFFFFFFFFFFF000, 0x7FFFFFFF000,
};

static void
CreateObjects(void)
{
    NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, 0, FALSE);
    NtCreateSemaphore(&Semaphore, SEMAPHORE_ALL_ACCESS, NULL, 1, 5);
    NtCreateMutant(&Mutant, MUTANT_ALL_ACCESS, NULL, TRUE);
    NtCreateTimer(&Timer, TIMER_ALL_ACCESS, NULL, 0);
    File = CreateFileA("\\SystemRoot\\System32\\ntdll.dll", GENERIC_READ, FILE_SHARE_READ, NULL,
        OPEN_EXISTING, 0, NULL);
    Directory = CreateFileA("\\SystemRoot\\System32", GENERIC_READ, FILE_SHARE_READ, NULL,
        OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
}

/* Whether the objects are in the state that CreateObjects gave them. */
static BOOL
Unchanged(void)
{
    EVENT_BASIC_INFORMATION     EventNow = { 0 };
    SEMAPHORE_BASIC_INFORMATION SemaphoreNow = { 0 };
    MUTANT_BASIC_INFORMATION    MutantNow = { 0 };
    TIMER_BASIC_INFORMATION     TimerNow = { 0 };

    NtQueryEvent(Event, 0, &EventNow, sizeof EventNow, NULL);
    NtQuerySemaphore(Semaphore, 0, &SemaphoreNow, sizeof SemaphoreNow, NULL);
    NtQueryMutant(Mutant, 0, &MutantNow, sizeof MutantNow, NULL);
    NtQueryTimer(Timer, 0, &TimerNow, sizeof TimerNow, NULL);
    return EventNow.EventState == 0 && SemaphoreNow.CurrentCount == 1
        && SemaphoreNow.MaximumCount == 5 && MutantNow.CurrentCount == 0 && MutantNow.OwnedByCaller
        && !TimerNow.TimerState;
}

/* NtContinue takes whatever can be read as a CONTEXT, and NtClose(-1) and the like are fine. */
static BOOL
MayPass(const char *Name, ULONG_PTR Value)
{
    if (Value == 0)
        return strcmp(Name, "NtTerminateProcess") == 0 || strcmp(Name, "NtTerminateThread") == 0;
    return FALSE;
}

static void
Sweep(void)
{
    ULONG Before = HandleCount();

    Promise("Every service refuses a bad value in all its arguments");
    for (ULONG Index = 0; Index < ARRAYSIZE(Services); Index++) {
        for (ULONG Bad = 0; Bad <= ARRAYSIZE(BadPointers); Bad++) {
            ULONG_PTR V = Bad < ARRAYSIZE(BadPointers) ? BadPointers[Bad] : 0;
            NTSTATUS  Status;

            if (MayPass(Services[Index].Name, V))
                continue;
            Status = Services[Index].Call(V, V, V, V, V, V, V, V, V, V, V);
            Expect(Status < 0, "%s(0x%llx...) returned 0x%08lX", Services[Index].Name,
                (ULONG64)V, (ULONG)Status);
        }
    }
    Expect(NtShutdownSystem(0x77777777) < 0, "NtShutdownSystem takes any action");
    Promise("No refused call leaves a handle behind or changes an object");
    Expect(HandleCount() == Before, "%lu handles became %lu", Before, HandleCount());
    Expect(Unchanged(), "an object has changed");
}

#define BAD(Call)                                                                           \
    do {                                                                                    \
        NTSTATUS Result = (Call);                                                           \
        Expect(Result == STATUS_ACCESS_VIOLATION || Result == STATUS_DATATYPE_MISALIGNMENT, \
            "%s with 0x%llx: 0x%08lX", #Call, (ULONG64)(ULONG_PTR)P, (ULONG)Result);        \
    } while (0)

static void
BadObjects(PVOID P)
{
    ULONG  Eight = 8;
    HANDLE Copy;

    BAD(NtSetEvent(Event, P));
    BAD(NtResetEvent(Event, P));
    BAD(NtPulseEvent(Event, P));
    BAD(NtReleaseSemaphore(Semaphore, 1, P));
    BAD(NtReleaseMutant(Mutant, P));
    BAD(NtQueryEvent(Event, 0, P, sizeof(EVENT_BASIC_INFORMATION), NULL));
    BAD(NtQuerySemaphore(Semaphore, 0, P, sizeof(SEMAPHORE_BASIC_INFORMATION), NULL));
    BAD(NtQueryMutant(Mutant, 0, P, sizeof(MUTANT_BASIC_INFORMATION), NULL));
    BAD(NtQueryTimer(Timer, 0, P, sizeof(TIMER_BASIC_INFORMATION), NULL));
    BAD(NtSetTimer(Timer, P, NULL, NULL, FALSE, 0, NULL));
    BAD(NtCreateEvent(P, EVENT_ALL_ACCESS, NULL, 0, FALSE));
    BAD(NtCreateSemaphore(P, SEMAPHORE_ALL_ACCESS, NULL, 0, 1));
    BAD(NtCreateMutant(P, MUTANT_ALL_ACCESS, NULL, FALSE));
    BAD(NtCreateTimer(P, TIMER_ALL_ACCESS, NULL, 0));
    BAD(NtCreateEvent(&Copy, EVENT_ALL_ACCESS, P, 0, FALSE));
    BAD(NtOpenEvent(&Copy, EVENT_ALL_ACCESS, P));
    BAD(NtOpenDirectoryObject(&Copy, DIRECTORY_QUERY, P));
    BAD(NtDuplicateObject(NtCurrentProcess(), Event, NtCurrentProcess(), P, 0, 0,
        DUPLICATE_SAME_ACCESS));
    BAD(NtQueryObject(Event, EtObjectBasicInformation, P, sizeof(OBJECT_BASIC_INFORMATION), NULL));
    BAD(NtWaitForSingleObject(Event, FALSE, P));
    BAD(NtWaitForMultipleObjects(2, P, 1, FALSE, NULL));
    BAD(NtDelayExecution(FALSE, P));
    BAD(NtSetInformationObject(Event, EtObjectHandleFlagInformation, P, 2));
    BAD(NtQuerySystemInformation(EtSystemBasicInformation, P, 0x1000, &Eight));
    BAD(NtQuerySystemTime(P));
    BAD(NtQueryPerformanceCounter(P, NULL));
}

static void
BadFiles(PVOID P)
{
    IO_STATUS_BLOCK   Iosb;
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    Name = { 20, 20, P };
    UCHAR             Buffer[64];
    LARGE_INTEGER     Start = { .QuadPart = 0 };
    HANDLE            Handle;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    BAD(NtReadFile(File, NULL, NULL, NULL, P, Buffer, 16, &Start, NULL));
    BAD(NtReadFile(File, NULL, NULL, NULL, &Iosb, P, 16, &Start, NULL));
    BAD(NtReadFile(File, NULL, NULL, NULL, &Iosb, Buffer, 16, P, NULL));
    BAD(NtQueryInformationFile(File, &Iosb, P, 24, EtFileStandardInformation));
    BAD(NtQueryInformationFile(File, P, Buffer, 24, EtFileStandardInformation));
    BAD(NtSetInformationFile(File, &Iosb, P, 8, EtFilePositionInformation));
    BAD(NtQueryVolumeInformationFile(File, &Iosb, P, 8, EtFileFsDeviceInformation));
    BAD(NtQueryDirectoryFile(Directory, NULL, NULL, NULL, &Iosb, P, 512,
        EtFileDirectoryInformation, TRUE, NULL, TRUE));
    BAD(NtOpenFile(&Handle, FILE_READ_DATA | SYNCHRONIZE, &Attributes, &Iosb, 0,
        FILE_SYNCHRONOUS_IO_NONALERT));
    BAD(NtOpenFile(&Handle, FILE_READ_DATA | SYNCHRONIZE, P, &Iosb, 0, 0));
    RtlInitUnicodeString(&Name, L"\\SystemRoot\\System32\\ntdll.dll");
    BAD(NtOpenFile(P, FILE_READ_DATA | SYNCHRONIZE, &Attributes, &Iosb, 1, 0x20));
    BAD(NtOpenFile(&Handle, FILE_READ_DATA | SYNCHRONIZE, &Attributes, P, 1, 0x20));
    BAD(NtQueryAttributesFile(&Attributes, P));
    BAD(NtDeviceIoControlFile(File, NULL, NULL, NULL, &Iosb, 0x80002000, P, 16, NULL, 0));
}

static void
BadProcesses(PVOID P)
{
    SIZE_T   Size = 0x1000;
    PVOID    Base = NULL;
    ULONG    Old;
    UCHAR    Buffer[64];
    HANDLE   Handle;
    CLIENT_ID Id = ((PTEB)NtCurrentTeb())->ClientId;
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, NULL);
    BAD(NtQueryInformationProcess(NtCurrentProcess(), 0, P, sizeof(PROCESS_BASIC_INFORMATION),
        NULL));
    BAD(NtQueryInformationThread(NtCurrentThread(), 0, P, sizeof(THREAD_BASIC_INFORMATION), NULL));
    BAD(NtOpenProcess(P, PROCESS_ALL_ACCESS, &Attributes, &Id));
    BAD(NtOpenProcess(&Handle, PROCESS_ALL_ACCESS, &Attributes, P));
    BAD(NtOpenThread(P, THREAD_ALL_ACCESS, &Attributes, &Id));
    BAD(NtAllocateVirtualMemory(NtCurrentProcess(), P, 0, &Size, MEM_COMMIT, PAGE_READWRITE));
    BAD(NtAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, P, MEM_COMMIT, PAGE_READWRITE));
    BAD(NtFreeVirtualMemory(NtCurrentProcess(), P, &Size, MEM_RELEASE));
    Base = Buffer;
    BAD(NtProtectVirtualMemory(NtCurrentProcess(), P, &Size, PAGE_READWRITE, &Old));
    BAD(NtProtectVirtualMemory(NtCurrentProcess(), &Base, &Size, PAGE_READWRITE, P));
    BAD(NtQueryVirtualMemory(NtCurrentProcess(), Buffer, 0, P, sizeof(MEMORY_BASIC_INFORMATION),
        NULL));
    BAD(NtContinue(P, FALSE));
    BAD(NtCreateThreadEx(P, THREAD_ALL_ACCESS, NULL, NtCurrentProcess(), (PVOID)BadFiles, NULL, 1,
        0, 0, 0, NULL));
    Expect(NtReadVirtualMemory(NtCurrentProcess(), P, Buffer, 16, NULL) < 0, "read from %p", P);
    Expect(NtWriteVirtualMemory(NtCurrentProcess(), P, Buffer, 16, NULL) < 0, "write to %p", P);
    Expect(NtReadVirtualMemory(NtCurrentProcess(), Buffer, P, 16, NULL) < 0, "read to %p", P);
}

static void
OneBadPointer(void)
{
    ULONG Before = HandleCount();

    for (ULONG Part = 0; Part < 3; Part++) {
        static void (*const Parts[])(PVOID) = { BadObjects, BadFiles, BadProcesses };
        static const char *const Sentences[] = {
            "A bad pointer to an object service is STATUS_ACCESS_VIOLATION",
            "A bad pointer to a file service is STATUS_ACCESS_VIOLATION",
            "A bad pointer to a process or memory service is STATUS_ACCESS_VIOLATION",
        };

        Promise(Sentences[Part]);
        for (ULONG Bad = 0; Bad < ARRAYSIZE(BadPointers); Bad++)
            Parts[Part]((PVOID)BadPointers[Bad]);
    }
    Promise("Calls with one bad pointer leave handles and objects as they were");
    Expect(HandleCount() == Before, "%lu handles became %lu", Before, HandleCount());
    Expect(Unchanged(), "an object has changed");
}

int
main(void)
{
    CreateObjects();
    Sweep();
    OneBadPointer();
    return Done("tbadargs");
}
