/*
 * The child: threads that call services with made-up arguments, all at once, on the same objects
 * and the same memory. What comes back does not matter, only that the system goes on. One child in
 * two calls a few services only, so that threads meet in them.
 */
#include "tfuzz.h"
#include <string.h>

#define FEW         4

typedef NTSTATUS (NTAPI *SERVICE)(ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR,
    ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR, ULONG_PTR);

#define S(Name, Signature) { #Name, Signature, FALSE }
#define X(Name, Signature) { #Name, Signature, TRUE }

/*
 * Handles: F synchronous file, Q asynchronous one, J folder, E event, C completion port,
 * S semaphore, M mutant, T timer, N section, O token, D directory, L link, K key, H thread,
 * P process, W any, w one that a service may have written, e an event or none. Memory: p with
 * something in it, q or none, y with an address or a size, x a security descriptor, o object
 * attributes, u string, k room for a string, t time. Numbers: n small, m smaller, l length, s yes
 * or no, a access, i open options, v kind of memory, g protection, c control code, f flags,
 * r routine, z nothing.
 *
 * X: an administrator may harm others with it, and rightly so. Not here: services that end, leave
 * or suspend the caller, and NtShutdownSystem.
 */
static const struct {
    const char *Name;
    const char *Signature;
    BOOL        Harmful;
} Services[] = {
    S(NtClose, "W"), S(NtClose, "W"), S(NtClose, "w"), S(NtClose, "w"),
    S(NtCreateFile, "paopqzmmiqz"), S(NtCreateFile, "paopqmmmipl"), S(NtOpenFile, "paopmi"),
    S(NtOpenFile, "paopmi"), S(NtReadFile, "Fezzpplqq"), S(NtReadFile, "Qerpppltq"),
    S(NtReadFile, "Qezzpplyz"), S(NtWriteFile, "Fezzpplqz"), S(NtWriteFile, "Qerppplqq"),
    S(NtWriteFile, "Qezzpplyz"), S(NtDeviceIoControlFile, "Fezzpcplpl"),
    S(NtDeviceIoControlFile, "Qerppcplpl"), S(NtFsControlFile, "Fezzpcplpl"),
    S(NtQueryInformationFile, "Fppln"), S(NtQueryInformationFile, "Qppln"),
    S(NtSetInformationFile, "Fppln"), S(NtSetInformationFile, "Qppln"),
    S(NtQueryVolumeInformationFile, "Fpplm"), S(NtQueryDirectoryFile, "Jezzpplnsus"),
    S(NtQueryDirectoryFile, "Jezzpplmszs"), S(NtQueryAttributesFile, "op"),
    S(NtFlushBuffersFile, "Fp"), S(NtDeleteFile, "o"), S(NtCancelIoFile, "Qp"),
    S(NtCancelIoFileEx, "Qqp"), S(NtCancelSynchronousIoFile, "Hqp"),
    S(NtCreateIoCompletion, "paom"), S(NtOpenIoCompletion, "pao"),
    S(NtQueryIoCompletion, "Czplq"), S(NtSetIoCompletion, "Cppnl"),
    S(NtRemoveIoCompletion, "Cpppt"), S(NtRemoveIoCompletionEx, "Cpmpts"),
    S(NtSetVolumeInformationFile, "Fpplm"), S(NtQueryFullAttributesFile, "op"),
    S(NtCreateNamedPipeFile, "paopmmimmmlllt"), S(NtCreateMailslotFile, "paopilmt"),
    S(NtLockFile, "Fezzpyymss"), S(NtUnlockFile, "Fpyym"),
    S(NtNotifyChangeDirectoryFile, "Jezzpplfs"), X(NtLoadDriver, "u"), X(NtUnloadDriver, "u"),
    S(NtCreateEvent, "paoss"), S(NtOpenEvent, "pao"), S(NtSetEvent, "Eq"), S(NtResetEvent, "Eq"),
    S(NtClearEvent, "E"), S(NtPulseEvent, "Eq"), S(NtQueryEvent, "Ezplq"),
    S(NtCreateMutant, "paos"), S(NtOpenMutant, "pao"), S(NtReleaseMutant, "Mq"),
    S(NtQueryMutant, "Mzplq"), S(NtCreateSemaphore, "paomm"), S(NtOpenSemaphore, "pao"),
    S(NtReleaseSemaphore, "Smq"), S(NtQuerySemaphore, "Szplq"), S(NtCreateTimer, "paos"),
    S(NtOpenTimer, "pao"), S(NtSetTimer, "Ttrpsmq"), S(NtCancelTimer, "Tq"),
    S(NtQueryTimer, "Tzplq"), S(NtWaitForSingleObject, "Wst"),
    S(NtWaitForMultipleObjects, "mpsst"), S(NtSignalAndWaitForSingleObject, "WWst"),
    S(NtDelayExecution, "st"), S(NtYieldExecution, ""), S(NtGetCurrentProcessorNumber, ""),
    S(NtDuplicateObject, "PWPpamm"), S(NtQueryObject, "Wmplq"), S(NtSetInformationObject, "Wmpl"),
    X(NtMakeTemporaryObject, "W"), X(NtMakePermanentObject, "W"),
    S(NtCreateDirectoryObject, "pao"), S(NtOpenDirectoryObject, "pao"),
    S(NtQueryDirectoryObject, "Dplssyq"), S(NtCreateSymbolicLinkObject, "paou"),
    S(NtOpenSymbolicLinkObject, "pao"), S(NtQuerySymbolicLinkObject, "Lkq"),
    S(NtCreateUserProcess, "ppaaoommppp"), S(NtCreateThreadEx, "paoPrpmzzzz"),
    X(NtOpenProcess, "paop"), X(NtOpenThread, "paop"), S(NtResumeThread, "Hq"),
    S(NtResumeProcess, "P"), S(NtQueryInformationProcess, "Pnplq"),
    X(NtSetInformationProcess, "Pnpl"), S(NtQueryInformationThread, "Hnplq"),
    X(NtSetInformationThread, "Hnpl"), S(NtAlertThread, "H"), S(NtTestAlert, ""),
    S(NtQueueApcThread, "Hrppp"), S(NtAllocateVirtualMemory, "Pyzyvg"),
    S(NtFreeVirtualMemory, "Pyyv"), S(NtProtectVirtualMemory, "Pyygp"),
    S(NtQueryVirtualMemory, "Ppmplq"), S(NtReadVirtualMemory, "Pyplq"),
    S(NtWriteVirtualMemory, "Ppplq"), S(NtCreateSection, "paoygvz"),
    S(NtCreateSection, "paozgvF"), S(NtOpenSection, "pao"),
    S(NtMapViewOfSection, "NPyzzqymzg"), S(NtUnmapViewOfSection, "Pp"),
    S(NtQuerySection, "Nmplq"), S(NtExtendSection, "Ny"), S(NtFlushVirtualMemory, "Pyyp"),
    S(NtFlushInstructionCache, "Ppl"), S(NtQuerySystemInformation, "nplq"),
    S(NtQuerySystemTime, "p"), S(NtQueryPerformanceCounter, "pq"), X(NtCreateKey, "paozuzq"),
    S(NtOpenKey, "pao"), S(NtOpenKeyEx, "paom"), X(NtDeleteKey, "K"), S(NtFlushKey, "K"),
    S(NtQueryKey, "Kmplq"), S(NtEnumerateKey, "Kmmplq"), S(NtQueryValueKey, "Kumplq"),
    S(NtEnumerateValueKey, "Kmmplq"), X(NtSetValueKey, "Kuzmpl"), X(NtDeleteValueKey, "Ku"),
    S(NtOpenProcessToken, "Pap"), S(NtOpenProcessTokenEx, "Pamp"), S(NtOpenThreadToken, "Hasp"),
    S(NtOpenThreadTokenEx, "Hasmp"), S(NtDuplicateToken, "Oaosmp"), S(NtFilterToken, "Ompppp"),
    S(NtAdjustPrivilegesToken, "Osplqq"), S(NtAdjustGroupsToken, "Osplqq"),
    S(NtQueryInformationToken, "Onplq"), S(NtSetInformationToken, "Onpl"),
    S(NtAccessCheck, "xOappppp"), S(NtPrivilegeCheck, "Opp"), S(NtImpersonateThread, "HHp"),
    S(NtQuerySecurityObject, "Wfplq"), X(NtSetSecurityObject, "Wmx"),
    S(NtAllocateLocallyUniqueId, "p"), S(NtLogonUser, "up"),
};

static SERVICE       Calls[ARRAYSIZE(Services)];
static ULONG64       FirstSeed;
static BOOL          OnlyHarmless;
static volatile LONG Numbers;
static ULONG         Chosen[FEW];                // of Services, for children that call only these

static DWORD WINAPI
CallAtRandom(PVOID Parameter)
{
    DICE      Dice = { .State = FirstSeed * 1000 + InterlockedIncrement(&Numbers) };
    ULONG_PTR V[MOST];

    for (ULONG Call = 0; Call < CALLS; Call++) {
        ULONG  Index = FirstSeed % 4 < 2 ? Below(&Dice, ARRAYSIZE(Services))
                                         : Chosen[Below(&Dice, FEW)];
        size_t Count = strlen(Services[Index].Signature);

        if (Services[Index].Harmful && OnlyHarmless)
            continue;
        for (size_t Argument = 0; Argument < MOST; Argument++)
            V[Argument] = Argument < Count ? MakeUp(&Dice, Services[Index].Signature[Argument]) : 0;
        Calls[Index](V[0], V[1], V[2], V[3], V[4], V[5], V[6], V[7], V[8], V[9], V[10],
            V[11], V[12], V[13]);
    }
    return 0;
}

/* A few services that begin with the same kind of argument, if they can be found. */
static void
Choose(PDICE Dice)
{
    for (ULONG Index = 0; Index < FEW; Index++)
        for (ULONG Try = 0; Try < 100; Try++) {
            Chosen[Index] = Below(Dice, ARRAYSIZE(Services));
            if (Services[Chosen[Index]].Signature[0] == Services[Chosen[0]].Signature[0])
                break;
        }
}

/* What is open so far is not for NtClose, or soon there would be nothing left to play with. */
static void
KeepHandles(void)
{
    for (ULONG_PTR Handle = 4; Handle < 0x400; Handle += 4)
        SetHandleInformation((HANDLE)Handle, HANDLE_FLAG_PROTECT_FROM_CLOSE,
            HANDLE_FLAG_PROTECT_FROM_CLOSE);
}

/* What is written at random is not for the screen. */
static void
CloseConsole(void)
{
    for (ULONG_PTR Handle = 4; Handle < 0x100; Handle += 4)
        if (GetFileType((HANDLE)Handle) == FILE_TYPE_CHAR)
            CloseHandle((HANDLE)Handle);
}

int
Child(ULONG64 Seed, BOOL Harmless)
{
    DICE   Dice = { .State = Seed };
    HANDLE Threads[THREADS];

    FirstSeed = Seed;
    OnlyHarmless = Harmless;
    CloseConsole();
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
    if (!MakeThings())
        return 1;
    for (ULONG Index = 0; Index < ARRAYSIZE(Services); Index++)
        Calls[Index] = (SERVICE)(PVOID)GetProcAddress(GetModuleHandleA("ntdll.dll"),
            Services[Index].Name);
    Choose(&Dice);
    for (ULONG Index = 0; Index < THREADS; Index++)
        Threads[Index] = CreateThread(NULL, 0, CallAtRandom, NULL, 0, NULL);
    KeepHandles();
    for (ULONG Index = 0; Index < THREADS; Index++)
        WaitForSingleObject(Threads[Index], INFINITE);
    return 0;
}
