/*
 * Process parameters: one block with the strings behind the structure, which NtCreateUserProcess
 * copies into the new process. What the caller leaves out is taken from the running process
 * (current directory, environment, console and standard handles) or is empty.
 */
#include "ntdllp.h"

static SIZE_T
RtlpEnvironmentBytes(PCWSTR Environment)
{
    PCWSTR End = Environment;

    if (Environment == NULL)
        return 0;
    while (*End)
        End += wcslen(End) + 1;
    return (End + 1 - Environment) * sizeof(WCHAR);
}

static SIZE_T
RtlpRoom(PCUNICODE_STRING String)
{
    return ((String ? String->Length : 0) + sizeof(WCHAR) + 7) & ~(SIZE_T)7;
}

static VOID
RtlpPlaceString(PUNICODE_STRING Target, PCUNICODE_STRING Source, PUCHAR *Next)
{
    Target->Buffer = (PWSTR)*Next;
    Target->Length = Source ? Source->Length : 0;
    Target->MaximumLength = Target->Length + sizeof(WCHAR);
    if (Target->Length)
        memcpy(Target->Buffer, Source->Buffer, Target->Length);
    Target->Buffer[Target->Length / sizeof(WCHAR)] = 0;
    *Next += RtlpRoom(Source);
}

/* Free it with RtlDestroyProcessParameters. */
NTSTATUS NTAPI
RtlCreateProcessParametersEx(PRTL_USER_PROCESS_PARAMETERS *Result, PUNICODE_STRING ImagePath,
    PUNICODE_STRING DllPath, PUNICODE_STRING CurrentDirectory, PUNICODE_STRING CommandLine,
    PVOID Environment, PUNICODE_STRING Title, PUNICODE_STRING Desktop, PUNICODE_STRING Shell,
    PUNICODE_STRING Runtime, ULONG Flags)
{
    PRTL_USER_PROCESS_PARAMETERS Own = NtCurrentPeb()->ProcessParameters, New;
    PUNICODE_STRING              Directory = CurrentDirectory;
    SIZE_T                       EnvironmentBytes, Size;
    PUCHAR                       Next;

    *Result = NULL;
    if (Directory == NULL && Own)
        Directory = &Own->CurrentDirectory.DosPath;
    if (CommandLine == NULL)
        CommandLine = ImagePath;
    if (Environment == NULL && Own)
        Environment = Own->Environment;
    EnvironmentBytes = RtlpEnvironmentBytes(Environment);
    Size = sizeof *New + RtlpRoom(ImagePath) + RtlpRoom(DllPath) + RtlpRoom(Directory)
        + RtlpRoom(CommandLine) + EnvironmentBytes;
    New = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY, Size);
    if (New == NULL)
        return STATUS_NO_MEMORY;

    New->MaximumLength = New->Length = (ULONG)Size;
    New->Flags = RTL_USER_PROC_PARAMS_NORMALIZED;
    if (Own) {
        New->ConsoleHandle = Own->ConsoleHandle;
        New->StandardInput = Own->StandardInput;
        New->StandardOutput = Own->StandardOutput;
        New->StandardError = Own->StandardError;
    }
    Next = (PUCHAR)(New + 1);
    RtlpPlaceString(&New->CurrentDirectory.DosPath, Directory, &Next);
    RtlpPlaceString(&New->DllPath, DllPath, &Next);
    RtlpPlaceString(&New->ImagePathName, ImagePath, &Next);
    RtlpPlaceString(&New->CommandLine, CommandLine, &Next);
    if (EnvironmentBytes) {
        memcpy(Next, Environment, EnvironmentBytes);
        New->Environment = Next;
    }
    *Result = New;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
RtlDestroyProcessParameters(PRTL_USER_PROCESS_PARAMETERS Parameters)
{
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, Parameters);
    return STATUS_SUCCESS;
}
