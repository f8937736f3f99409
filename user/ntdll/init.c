/*
 * The first instructions of a process and of a thread in user mode.
 *
 * The kernel starts every user thread in LdrInitializeThunk with a CONTEXT that says where it is
 * to begin in earnest (RtlUserThreadStart, with the start address and its parameter in rcx and
 * rdx). The first thread finds no PEB->Ldr and so prepares the process: heap, loader lists, the
 * program's imports, TLS, the DLLs' DllMain (process attach). A later thread gets its TLS block
 * and tells the DLLs (thread attach). Both then NtContinue.
 *
 * A later thread cannot overtake the first one: only code of this process creates threads in it.
 *
 * RtlUserThreadStart is the outermost frame. Its filter is the last handler of every exception:
 * it says on the console what happened, and the process ends with the exception's code.
 */
#include "ntdllp.h"

RTL_CRITICAL_SECTION  LdrpLoaderLock;
PLDR_DATA_TABLE_ENTRY LdrpProgram;
PVOID                 LdrpNtdllBase;
BOOLEAN               LdrpShutdownInProgress;
NTSTATUS              LdrpExitStatus;
static PEB_LDR_DATA   LdrpData;
static RTL_CRITICAL_SECTION LdrpPebLock;

static VOID
LdrpSetCookies(VOID)
{
    PEB *Peb = NtCurrentPeb();

    RtlInitializeCriticalSection(&LdrpLoaderLock);
    RtlInitializeCriticalSection(&LdrpPebLock);
    Peb->FastPebLock = &LdrpPebLock;

    LdrpData.Length = sizeof LdrpData;
    InitializeListHead(&LdrpData.InLoadOrderModuleList);
    InitializeListHead(&LdrpData.InMemoryOrderModuleList);
    InitializeListHead(&LdrpData.InInitializationOrderModuleList);
    Peb->Ldr = &LdrpData;
}

/* The last part of a path such as \SystemRoot\System32\shell.exe. */
static VOID
LdrpLastPart(PCUNICODE_STRING Path, PCWSTR *Name, PUSHORT Length)
{
    USHORT Count = Path->Length / sizeof(WCHAR), Start = Count;

    while (Start > 0 && Path->Buffer[Start - 1] != L'\\')
        Start--;
    *Name = Path->Buffer + Start;
    *Length = (Count - Start) * sizeof(WCHAR);
}

static NTSTATUS
LdrpInitializeProcess(PVOID NtdllBase)
{
    PPEB     Peb = NtCurrentPeb();
    PLDR_DATA_TABLE_ENTRY Ntdll;
    PCWSTR   Name = L"program.exe";
    USHORT   Length = 11 * sizeof(WCHAR);
    NTSTATUS Status;

    LdrpNtdllBase = NtdllBase ? NtdllBase : Peb->NtdllBase;
    LdrpSetCookies();
    Peb->ProcessHeap = RtlCreateHeap(HEAP_GROWABLE, NULL, 0, 0, NULL, NULL);
    if (Peb->ProcessHeap == NULL)
        return STATUS_NO_MEMORY;

    if (Peb->ProcessParameters && Peb->ProcessParameters->ImagePathName.Length)
        LdrpLastPart(&Peb->ProcessParameters->ImagePathName, &Name, &Length);
    LdrpProgram = LdrpEnterModule(Peb->ImageBaseAddress, Name, Length,
        LDRP_EXE | LDRP_STATIC | LDRP_KERNEL_MAPPED);
    Ntdll = LdrpEnterModule(LdrpNtdllBase, L"ntdll.dll", 9 * sizeof(WCHAR),
        LDRP_STATIC | LDRP_KERNEL_MAPPED | LDRP_BOUND | LDRP_ATTACHED);
    if (LdrpProgram == NULL || Ntdll == NULL)
        return STATUS_NO_MEMORY;

    Status = RtlpEnsureEnvironment();
    if (NT_SUCCESS(Status))
        Status = LdrpBindImports(LdrpProgram);
    if (NT_SUCCESS(Status))
        Status = LdrpTlsInitializeThread();
    if (NT_SUCCESS(Status))
        Status = LdrpCallInitRoutines(DLL_PROCESS_ATTACH);
    LdrpData.Initialized = TRUE;
    return Status;
}

/*
 * Where the kernel starts every thread. Context is what the thread is to continue with; NtdllBase
 * is where the kernel put this image. Ends the process when it cannot be prepared: the reason was
 * said by whoever found it.
 */
VOID NTAPI
LdrInitializeThunk(PCONTEXT Context, PVOID NtdllBase)
{
    NTSTATUS Status;

    if (NtCurrentPeb()->Ldr == NULL) {
        Status = LdrpInitializeProcess(NtdllBase);
    } else {
        RtlEnterCriticalSection(&LdrpLoaderLock);
        Status = LdrpTlsInitializeThread();
        if (NT_SUCCESS(Status))
            LdrpCallInitRoutines(DLL_THREAD_ATTACH);
        RtlLeaveCriticalSection(&LdrpLoaderLock);
    }
    if (!NT_SUCCESS(Status)) {
        if (Status != STATUS_DLL_NOT_FOUND && Status != STATUS_ENTRYPOINT_NOT_FOUND)
            RtlpSay("%s: cannot be started: %s (0x%08X)\n", RtlpProgramName(),
                RtlpStatusName(Status), Status);
        NtTerminateProcess(NtCurrentProcess(), Status);
    }
    NtContinue(Context, TRUE);
}

/*
 * The outermost frame of every thread. A program's own start routine ends the process when it
 * returns; any other start routine ends its thread.
 */
VOID NTAPI
RtlUserThreadStart(LPTHREAD_START_ROUTINE Start, PVOID Parameter)
{
    ULONG Code;

    __try {
        Code = Start(Parameter);
        if (LdrpProgram && (PVOID)Start == LdrpProgram->EntryPoint)
            RtlExitUserProcess(Code);
        RtlExitUserThread(Code);
    } __except (RtlpTopLevelFilter(GetExceptionInformation())) {
        NtTerminateProcess(NtCurrentProcess(), GetExceptionCode());
    }
}
