/*
 * CreateProcess, and what can be asked of a process.
 *
 * The image is the application's name or the first word of the command line; without a folder it
 * is looked for in \SystemRoot\System32, and ".exe" is added when there is no extension. The
 * process is created suspended, so that the standard handles of a process that inherits nothing
 * can be duplicated into it before it runs.
 */
#include "k32.h"

#define BASE_MAX_PATH   512

/*
 * Takes the program's name off the command line: quoted, or up to a blank. Returns characters, 0
 * if it is too long.
 */
static ULONG
BasepFirstWord(PCWSTR CommandLine, PWSTR Name)
{
    WCHAR End = L' ';
    ULONG Count = 0;

    while (*CommandLine == L' ' || *CommandLine == L'\t')
        CommandLine++;
    if (*CommandLine == L'"')
        End = *CommandLine++;
    while (*CommandLine && *CommandLine != End && !(End == L' ' && *CommandLine == L'\t')) {
        if (Count == BASE_MAX_PATH - 8)
            return 0;
        Name[Count++] = *CommandLine++;
    }
    Name[Count] = 0;
    return Count;
}

/* The NT path of the image; its buffer comes from the process heap. */
static NTSTATUS
BasepImagePath(PCWSTR Application, PCWSTR CommandLine, PUNICODE_STRING Path)
{
    static const WCHAR Folder[] = L"\\SystemRoot\\System32\\";
    WCHAR              Name[BASE_MAX_PATH], Full[BASE_MAX_PATH + ARRAYSIZE(Folder)];
    ULONG              Count, Index;
    BOOLEAN            HasFolder = FALSE, HasDot = FALSE;

    if (Application) {
        Count = (ULONG)wcslen(Application);
        if (Count >= BASE_MAX_PATH - 8)
            return STATUS_NAME_TOO_LONG;
        memcpy(Name, Application, (Count + 1) * sizeof(WCHAR));
    } else {
        Count = CommandLine ? BasepFirstWord(CommandLine, Name) : 0;
    }
    if (Count == 0)
        return STATUS_OBJECT_NAME_INVALID;
    for (Index = 0; Index < Count; Index++) {
        if (Name[Index] == L'\\' || Name[Index] == L'/' || Name[Index] == L':') {
            HasFolder = TRUE;
            HasDot = FALSE;
        }
        HasDot |= Name[Index] == L'.';
    }
    if (!HasDot)
        memcpy(Name + Count, L".exe", 5 * sizeof(WCHAR));
    memcpy(Full, Folder, sizeof Folder);
    memcpy(Full + ARRAYSIZE(Folder) - 1, Name, (wcslen(Name) + 1) * sizeof(WCHAR));
    return RtlDosPathNameToNtPathName_U(HasFolder ? Name : Full, Path, NULL, NULL)
        ? STATUS_SUCCESS : STATUS_OBJECT_PATH_INVALID;
}

static NTSTATUS
BasepParameters(PUNICODE_STRING Image, PCWSTR CommandLine, PCWSTR Directory, PVOID Environment,
    LPSTARTUPINFOW StartupInfo, PRTL_USER_PROCESS_PARAMETERS *Parameters)
{
    UNICODE_STRING Line, Folder;
    NTSTATUS       Status;

    RtlInitUnicodeString(&Line, CommandLine);
    RtlInitUnicodeString(&Folder, Directory);
    Status = RtlCreateProcessParametersEx(Parameters, Image, NULL, Directory ? &Folder : NULL,
        CommandLine ? &Line : NULL, Environment, NULL, NULL, NULL, NULL,
        RTL_USER_PROC_PARAMS_NORMALIZED);
    if (NT_SUCCESS(Status) && StartupInfo && (StartupInfo->dwFlags & STARTF_USESTDHANDLES)) {
        (*Parameters)->StandardInput = StartupInfo->hStdInput;
        (*Parameters)->StandardOutput = StartupInfo->hStdOutput;
        (*Parameters)->StandardError = StartupInfo->hStdError;
    }
    return Status;
}

/* Gives a process that inherited nothing its own handles to the caller's standard devices. */
static NTSTATUS
BasepPassStandardHandles(HANDLE Process, PRTL_USER_PROCESS_PARAMETERS Own)
{
    PROCESS_BASIC_INFORMATION    Basic;
    PRTL_USER_PROCESS_PARAMETERS Remote;
    HANDLE                       Handles[4] = { Own->ConsoleHandle, Own->StandardInput,
        Own->StandardOutput, Own->StandardError };
    HANDLE                       Copies[4] = { NULL };
    NTSTATUS                     Status;

    Status = NtQueryInformationProcess(Process, EtProcessBasicInformation, &Basic, sizeof Basic,
        NULL);
    if (NT_SUCCESS(Status))
        Status = NtReadVirtualMemory(Process, &Basic.PebBaseAddress->ProcessParameters, &Remote,
            sizeof Remote, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    for (ULONG Index = 0; Index < 4; Index++)
        if (Handles[Index])
            NtDuplicateObject(NtCurrentProcess(), Handles[Index], Process, &Copies[Index], 0, 0,
                DUPLICATE_SAME_ACCESS | DUPLICATE_SAME_ATTRIBUTES);
    Status = NtWriteVirtualMemory(Process, &Remote->ConsoleHandle, &Copies[0], sizeof(HANDLE),
        NULL);
    if (NT_SUCCESS(Status))
        Status = NtWriteVirtualMemory(Process, &Remote->StandardInput, &Copies[1],
            3 * sizeof(HANDLE), NULL);
    return Status;
}

static NTSTATUS
BasepCreate(HANDLE Token, PUNICODE_STRING Image, PRTL_USER_PROCESS_PARAMETERS Parameters,
    BOOL Inherit, DWORD Flags, LPPROCESS_INFORMATION Information)
{
    CLIENT_ID         Id = { NULL, NULL };
    HANDLE            Process, Thread;
    NTSTATUS          Status;
    struct {
        SIZE_T       TotalLength;
        PS_ATTRIBUTE Attributes[3];
    } List = { sizeof List - (Token ? 0 : sizeof(PS_ATTRIBUTE)), {
        { PS_ATTRIBUTE_IMAGE_NAME, Image->Length, { .ValuePtr = Image->Buffer }, NULL },
        { PS_ATTRIBUTE_CLIENT_ID, sizeof Id, { .ValuePtr = &Id }, NULL },
        { PS_ATTRIBUTE_TOKEN, sizeof Token, { .ValuePtr = Token }, NULL } } };

    Status = NtCreateUserProcess(&Process, &Thread, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, NULL,
        NULL, Inherit ? PROCESS_CREATE_FLAGS_INHERIT_HANDLES : 0,
        THREAD_CREATE_FLAGS_CREATE_SUSPENDED, Parameters, NULL, (PPS_ATTRIBUTE_LIST)&List);
    if (!NT_SUCCESS(Status))
        return Status;
    if (!Inherit)
        Status = BasepPassStandardHandles(Process, Parameters);
    if (NT_SUCCESS(Status) && !(Flags & CREATE_SUSPENDED))
        Status = NtResumeThread(Thread, NULL);
    if (!NT_SUCCESS(Status)) {
        NtTerminateProcess(Process, Status);
        NtClose(Process);
        NtClose(Thread);
        return Status;
    }
    Information->hProcess = Process;
    Information->hThread = Thread;
    Information->dwProcessId = (DWORD)(ULONG_PTR)Id.UniqueProcess;
    Information->dwThreadId = (DWORD)(ULONG_PTR)Id.UniqueThread;
    return STATUS_SUCCESS;
}

/*
 * CreateProcess for the user of a primary token; Token NULL: the caller's own. NewToken is not
 * looked at.
 */
BOOL WINAPI
CreateProcessInternalW(HANDLE Token, LPCWSTR Application, LPWSTR CommandLine,
    LPSECURITY_ATTRIBUTES ProcessSecurity, LPSECURITY_ATTRIBUTES ThreadSecurity, BOOL Inherit,
    DWORD Flags, LPVOID Environment, LPCWSTR Directory, LPSTARTUPINFOW StartupInfo,
    LPPROCESS_INFORMATION Information, PHANDLE NewToken)
{
    PRTL_USER_PROCESS_PARAMETERS Parameters;
    UNICODE_STRING               Image = { 0, 0, NULL };
    NTSTATUS                     Status;

    memset(Information, 0, sizeof *Information);
    Status = BasepImagePath(Application, CommandLine, &Image);
    if (NT_SUCCESS(Status)) {
        if (!(Flags & CREATE_UNICODE_ENVIRONMENT))
            Environment = NULL;
        Status = BasepParameters(&Image, CommandLine, Directory, Environment, StartupInfo,
            &Parameters);
    }
    if (NT_SUCCESS(Status)) {
        Status = BasepCreate(Token, &Image, Parameters, Inherit, Flags, Information);
        RtlDestroyProcessParameters(Parameters);
    }
    RtlFreeUnicodeString(&Image);
    return BaseSetStatus(Status);
}

BOOL WINAPI
CreateProcessW(LPCWSTR Application, LPWSTR CommandLine, LPSECURITY_ATTRIBUTES ProcessSecurity,
    LPSECURITY_ATTRIBUTES ThreadSecurity, BOOL Inherit, DWORD Flags, LPVOID Environment,
    LPCWSTR Directory, LPSTARTUPINFOW StartupInfo, LPPROCESS_INFORMATION Information)
{
    return CreateProcessInternalW(NULL, Application, CommandLine, ProcessSecurity, ThreadSecurity,
        Inherit, Flags, Environment, Directory, StartupInfo, Information, NULL);
}

BOOL WINAPI
CreateProcessA(LPCSTR Application, LPSTR CommandLine, LPSECURITY_ATTRIBUTES ProcessSecurity,
    LPSECURITY_ATTRIBUTES ThreadSecurity, BOOL Inherit, DWORD Flags, LPVOID Environment,
        LPCSTR Directory,
    LPSTARTUPINFOA StartupInfo, LPPROCESS_INFORMATION Information)
{
    PWSTR        WideApplication = BaseWiden(Application), WideLine = BaseWiden(CommandLine);
    PWSTR        WideDirectory = BaseWiden(Directory);
    STARTUPINFOW Wide = { 0 };
    BOOL         Success;

    if (StartupInfo) {
        Wide.cb = sizeof Wide;
        Wide.dwFlags = StartupInfo->dwFlags;
        Wide.hStdInput = StartupInfo->hStdInput;
        Wide.hStdOutput = StartupInfo->hStdOutput;
        Wide.hStdError = StartupInfo->hStdError;
    }
    Success = CreateProcessW(WideApplication, WideLine, ProcessSecurity, ThreadSecurity, Inherit,
        Flags, Flags & CREATE_UNICODE_ENVIRONMENT ? Environment : NULL, WideDirectory, &Wide,
        Information);
    BaseFree(WideApplication);
    BaseFree(WideLine);
    BaseFree(WideDirectory);
    return Success;
}

HANDLE WINAPI
OpenProcess(DWORD Access, BOOL Inherit, DWORD Id)
{
    CLIENT_ID         Client = { (HANDLE)(ULONG_PTR)Id, NULL };
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Process;

    InitializeObjectAttributes(&Attributes, NULL, Inherit ? OBJ_INHERIT : 0, NULL, NULL);
    return BaseSetStatus(NtOpenProcess(&Process, Access, &Attributes, &Client)) ? Process : NULL;
}

BOOL WINAPI
TerminateProcess(HANDLE Process, UINT Code)
{
    if (Process == NULL) {
        RtlSetLastWin32Error(ERROR_INVALID_HANDLE);
        return FALSE;
    }
    return BaseSetStatus(NtTerminateProcess(Process, Code));
}

static BOOL
BasepProcessInformation(HANDLE Process, PPROCESS_BASIC_INFORMATION Basic)
{
    return BaseSetStatus(NtQueryInformationProcess(Process, EtProcessBasicInformation, Basic,
        sizeof *Basic, NULL));
}

BOOL WINAPI
GetExitCodeProcess(HANDLE Process, LPDWORD Code)
{
    PROCESS_BASIC_INFORMATION Basic;

    if (!BasepProcessInformation(Process, &Basic))
        return FALSE;
    *Code = Basic.ExitStatus;
    return TRUE;
}

DWORD WINAPI
GetProcessId(HANDLE Process)
{
    PROCESS_BASIC_INFORMATION Basic;

    return BasepProcessInformation(Process, &Basic) ? (DWORD)Basic.UniqueProcessId : 0;
}

BOOL WINAPI
GetProcessHandleCount(HANDLE Process, PDWORD Count)
{
    return BaseSetStatus(NtQueryInformationProcess(Process, EtProcessHandleCount, Count,
        sizeof *Count, NULL));
}

HANDLE WINAPI
GetCurrentProcess(VOID)
{
    return NtCurrentProcess();
}

DWORD WINAPI
GetCurrentProcessId(VOID)
{
    return (DWORD)(ULONG_PTR)((PTEB)NtCurrentTeb())->ClientId.UniqueProcess;
}

VOID WINAPI
GetStartupInfoW(LPSTARTUPINFOW StartupInfo)
{
    memset(StartupInfo, 0, sizeof *StartupInfo);
    StartupInfo->cb = sizeof *StartupInfo;
    StartupInfo->hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    StartupInfo->hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    StartupInfo->hStdError = GetStdHandle(STD_ERROR_HANDLE);
}

VOID WINAPI
GetStartupInfoA(LPSTARTUPINFOA StartupInfo)
{
    GetStartupInfoW((LPSTARTUPINFOW)StartupInfo);           // the same fields, and no string is set
}
