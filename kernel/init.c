/*
 * The system comes up: phase 0 on the boot processor's idle thread, phase 1 on the first system
 * thread. The order and what each step may rely on are in init.h. A step that fails says so on
 * the console and stops the machine: a system without its RAM disk or its first program is of no
 * use to anybody.
 */
#include "init.h"
#include "io/io.h"
#include "cm/cm.h"
#include "hal/hal.h"
#include "kd/kd.h"
#include "se/se.h"
#include "ps/ps.h"
#include "rtl/rtl.h"

static LOADER_PARAMETER_BLOCK ExpLoaderBlock;
PLOADER_PARAMETER_BLOCK KeLoaderBlock = &ExpLoaderBlock;
ULONG NtBuildNumber = 3790;

static PCSTR
ExpEndOfWord(PCSTR Word)
{
    BOOLEAN Quoted = FALSE;

    for (; *Word != '\0' && (Quoted || *Word != ' '); Word++)
        if (*Word == '"')
            Quoted = !Quoted;
    return Word;
}

BOOLEAN
KeCommandLineOption(PCSTR Name, PSTR Value, SIZE_T Size)
{
    SIZE_T Length = strlen(Name), Index = 0;
    PCSTR  Word, End;

    for (Word = ExpLoaderBlock.CommandLine; *Word != '\0'; Word = End + (*End != '\0')) {
        End = ExpEndOfWord(Word);
        if ((SIZE_T)(End - Word) < Length || strncmp(Word, Name, Length) != 0)
            continue;
        Word += Length;
        if (Word != End && *Word != '=')
            continue;
        if (Value == NULL)
            return TRUE;
        for (Word += Word != End; Word < End && Index + 1 < Size; Word++)
            if (*Word != '"')
                Value[Index++] = *Word;
        Value[Index] = '\0';
        return TRUE;
    }
    return FALSE;
}

static INIT_CODE VOID
ExpPrintBanner(VOID)
{
    KdPutConsole("\r\nEtude, an NT-style kernel to read, step through and change\r\n");
    if (ExpLoaderBlock.CommandLine[0] != '\0') {
        KdPutConsole("Command line: ");
        KdPutConsole(ExpLoaderBlock.CommandLine);
        KdPutConsole("\r\n");
    }
}

/* The first thing after drivers: a program. */
static INIT_CODE VOID
ExpStartFirstProgram(VOID)
{
    NTSTATUS Status = PsStartFirstProgram(L"\\SystemRoot\\System32\\smss.exe", L"smss.exe");
    CHAR     Line[100];

    if (NT_SUCCESS(Status))
        return;
    _snprintf(Line, sizeof Line,
              "\\SystemRoot\\System32\\smss.exe cannot be started: status 0x%08x\r\n", Status);
    KdPutConsole(Line);
    KeBugCheckEx(PROCESS1_INITIALIZATION_FAILED, Status, 0, 0, 0);
}

static VOID
ExpStartThread(PKSTART_ROUTINE Routine)
{
    HANDLE   Thread;
    NTSTATUS Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine,
                                           NULL);

    if (!NT_SUCCESS(Status))
        KeBugCheckEx(PHASE1_INITIALIZATION_FAILED, (ULONG_PTR)Status, 1, 0, 0);
    ZwClose(Thread);
}

static VOID NTAPI
ExpPhase1(PVOID Context)
{
    KeInitializeClock();
    HalpStartClock();
    KiStartAllProcessors();
    ExpStartThread(PspReaperThread);
    MmInitializePhase1();
    ExpStartThread(KeBalanceSetManager);
    ExInitializeWorkers();
    ExInitializeCallbacks();
    IoLoadBootDrivers();
    ExpStartFirstProgram();
    MmFreeInitMemory();
}

/*
 * Not INIT_CODE: readying the first thread leaves the idle thread in here, and it comes back when
 * that section is gone.
 */
VOID
ExpInitializePhase0(PLOADER_PARAMETER_BLOCK LoaderBlock)
{
    PETHREAD Thread;
    NTSTATUS Status;

    ExpLoaderBlock = *LoaderBlock;
    ExpPrintBanner();
    HalInitSystem(&ExpLoaderBlock);
    MmInitSystem(&ExpLoaderBlock);
    ObInitSystem();
    SeInitSystem();
    CmInitSystem();
    ExInitializeObjects();
    MmCreateSectionType();
    PsInitSystem();
    IoInitSystem();

    Status = PspCreateThread(PsInitialSystemProcess, KernelMode, NULL, NULL, ExpPhase1, NULL,
                             &Thread);
    if (!NT_SUCCESS(Status))
        KeBugCheckEx(PHASE0_INITIALIZATION_FAILED, Status, 0, 0, 0);
    PspStartThread(Thread, FALSE);
    ObDereferenceObject(Thread);
}
