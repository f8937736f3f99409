/*
 * Tool help: a snapshot of all processes and threads, and of the modules of one process, which is
 * then walked entry by entry.
 *
 * On Windows a snapshot is a section; here it is an event that stands for lists in this process'
 * own memory, which CloseHandle frees. So it can neither be inherited nor duplicated. Heaps are
 * not listed: ERROR_CALL_NOT_IMPLEMENTED for a snapshot of nothing else.
 *
 * Lock: BasepSnapshotLock guards the list of snapshots. One snapshot is walked by one thread.
 */
#include "k32.h"
#include <tlhelp32.h>

#define MOST_MODULES    64

typedef struct _SNAPSHOT {
    struct _SNAPSHOT            *Next;
    HANDLE                       Handle;
    DWORD                        Flags;         // TH32CS_SNAP*
    PSYSTEM_PROCESS_INFORMATION  Processes;
    PSYSTEM_PROCESS_INFORMATION  Process;       // the next one, or NULL: no more
    PSYSTEM_PROCESS_INFORMATION  ThreadsProcess;
    ULONG                        Thread;        // the next one of ThreadsProcess
    ULONG                        Module, ModuleCount;
    MODULEENTRY32W               Modules[MOST_MODULES];
} SNAPSHOT, *PSNAPSHOT;

static RTL_CRITICAL_SECTION BasepSnapshotLock = { .LockCount = -1 };
static PSNAPSHOT            BasepSnapshots;

static PSYSTEM_PROCESS_INFORMATION
BasepAfter(PSYSTEM_PROCESS_INFORMATION Process)
{
    return Process->NextEntryOffset ? (PVOID)((PUCHAR)Process + Process->NextEntryOffset) : NULL;
}

static NTSTATUS
BasepListProcesses(PSNAPSHOT Snapshot)
{
    ULONG    Size = 0x8000, Needed;
    NTSTATUS Status;

    do {
        Snapshot->Processes = BaseAllocate(Size);
        if (Snapshot->Processes == NULL)
            return STATUS_NO_MEMORY;
        Status = NtQuerySystemInformation(5, Snapshot->Processes, Size, &Needed);
        if (NT_SUCCESS(Status))
            return Status;
        BaseFree(Snapshot->Processes);
        Snapshot->Processes = NULL;
        Size = Needed + 0x1000;                 // more of them may come
    } while (Status == STATUS_INFO_LENGTH_MISMATCH);
    return Status;
}

static NTSTATUS
BasepRead(HANDLE Process, PVOID From, PVOID To, SIZE_T Size)
{
    return NtReadVirtualMemory(Process, From, To, Size, NULL);
}

static VOID
BasepReadName(HANDLE Process, PUNICODE_STRING Name, PWSTR To, ULONG Room)
{
    ULONG Length = Name->Length < Room - sizeof(WCHAR) ? Name->Length : Room - sizeof(WCHAR);

    if (!NT_SUCCESS(BasepRead(Process, Name->Buffer, To, Length)))
        Length = 0;
    To[Length / sizeof(WCHAR)] = 0;
}

/* The modules that the loader of a process has listed. */
static NTSTATUS
BasepListModules(PSNAPSHOT Snapshot, HANDLE Process, DWORD Id)
{
    PROCESS_BASIC_INFORMATION Basic;
    LDR_DATA_TABLE_ENTRY      Entry;
    PPEB_LDR_DATA             Ldr;
    PLIST_ENTRY               Head, Link;
    NTSTATUS                  Status;

    Status = NtQueryInformationProcess(Process, 0, &Basic, sizeof Basic, NULL);
    if (NT_SUCCESS(Status))
        Status = BasepRead(Process, &Basic.PebBaseAddress->Ldr, &Ldr, sizeof Ldr);
    if (!NT_SUCCESS(Status) || Ldr == NULL)
        return NT_SUCCESS(Status) ? STATUS_PARTIAL_COPY : Status;       // it has not started yet
    Head = &Ldr->InLoadOrderModuleList;
    Status = BasepRead(Process, &Head->Flink, &Link, sizeof Link);
    while (NT_SUCCESS(Status) && Link != Head && Snapshot->ModuleCount < MOST_MODULES) {
        MODULEENTRY32W *Module = &Snapshot->Modules[Snapshot->ModuleCount++];

        Status = BasepRead(Process, CONTAINING_RECORD(Link, LDR_DATA_TABLE_ENTRY,
            InLoadOrderLinks), &Entry, sizeof Entry);
        Module->th32ModuleID = 1;
        Module->th32ProcessID = Id;
        Module->GlblcntUsage = Module->ProccntUsage = 0xFFFF;
        Module->modBaseAddr = Entry.DllBase;
        Module->modBaseSize = Entry.SizeOfImage;
        Module->hModule = Entry.DllBase;
        BasepReadName(Process, &Entry.BaseDllName, Module->szModule, sizeof Module->szModule);
        BasepReadName(Process, &Entry.FullDllName, Module->szExePath, sizeof Module->szExePath);
        Link = Entry.InLoadOrderLinks.Flink;
    }
    return Status;
}

static NTSTATUS
BasepFillSnapshot(PSNAPSHOT Snapshot, DWORD Id)
{
    NTSTATUS Status = STATUS_SUCCESS;
    HANDLE   Process = NtCurrentProcess();

    if (Snapshot->Flags & (TH32CS_SNAPPROCESS | TH32CS_SNAPTHREAD))
        Status = BasepListProcesses(Snapshot);
    if (!NT_SUCCESS(Status) || !(Snapshot->Flags & (TH32CS_SNAPMODULE | TH32CS_SNAPMODULE32)))
        return Status;
    if (Id != 0)
        Process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, Id);
    if (Process == NULL)
        return RtlGetLastNtStatus();
    Status = BasepListModules(Snapshot, Process, Id ? Id : GetCurrentProcessId());
    if (Id != 0)
        NtClose(Process);
    return Status;
}

static VOID
BasepFreeSnapshot(PSNAPSHOT Snapshot)
{
    BaseFree(Snapshot->Processes);
    BaseFree(Snapshot);
}

HANDLE WINAPI
CreateToolhelp32Snapshot(DWORD Flags, DWORD Id)
{
    PSNAPSHOT Snapshot;
    NTSTATUS  Status;

    if (!(Flags & (TH32CS_SNAPALL | TH32CS_SNAPMODULE32)) || (Flags & TH32CS_INHERIT)) {
        RtlSetLastWin32Error(ERROR_INVALID_PARAMETER);
        return INVALID_HANDLE_VALUE;
    }
    if (!(Flags & ~TH32CS_SNAPHEAPLIST)) {
        RtlSetLastWin32Error(ERROR_CALL_NOT_IMPLEMENTED);
        return INVALID_HANDLE_VALUE;
    }
    Snapshot = BaseAllocate(sizeof *Snapshot);
    if (Snapshot == NULL) {
        RtlSetLastWin32Error(ERROR_NOT_ENOUGH_MEMORY);
        return INVALID_HANDLE_VALUE;
    }
    memset(Snapshot, 0, sizeof *Snapshot);
    Snapshot->Flags = Flags;
    Status = BasepFillSnapshot(Snapshot, Id);
    if (NT_SUCCESS(Status))
        Status = NtCreateEvent(&Snapshot->Handle, EVENT_ALL_ACCESS, NULL, 0, FALSE);
    if (!BaseSetStatus(Status)) {
        BasepFreeSnapshot(Snapshot);
        return INVALID_HANDLE_VALUE;
    }
    RtlEnterCriticalSection(&BasepSnapshotLock);
    Snapshot->Next = BasepSnapshots;
    BasepSnapshots = Snapshot;
    RtlLeaveCriticalSection(&BasepSnapshotLock);
    return Snapshot->Handle;
}

/* The snapshot of a handle, with Remove taken out of the list; NULL: it is none. */
static PSNAPSHOT
BasepFindSnapshot(HANDLE Handle, BOOL Remove)
{
    PSNAPSHOT *At, Found;

    RtlEnterCriticalSection(&BasepSnapshotLock);
    for (At = &BasepSnapshots; *At && (*At)->Handle != Handle; At = &(*At)->Next)
        ;
    Found = *At;
    if (Found && Remove)
        *At = Found->Next;
    RtlLeaveCriticalSection(&BasepSnapshotLock);
    return Found;
}

VOID
BaseForgetSnapshot(HANDLE Handle)
{
    PSNAPSHOT Snapshot = BasepSnapshots ? BasepFindSnapshot(Handle, TRUE) : NULL;

    if (Snapshot)
        BasepFreeSnapshot(Snapshot);
}

/* A snapshot that has what Flags say, for an entry of Given bytes that needs Size. */
static PSNAPSHOT
BasepWalk(HANDLE Handle, DWORD Flags, SIZE_T Given, SIZE_T Size)
{
    PSNAPSHOT Snapshot = BasepFindSnapshot(Handle, FALSE);
    DWORD     Error = Snapshot == NULL ? ERROR_INVALID_HANDLE
        : Given < Size ? ERROR_INSUFFICIENT_BUFFER
        : !(Snapshot->Flags & Flags) ? ERROR_NO_MORE_FILES : 0;

    if (Error != 0)
        RtlSetLastWin32Error(Error);
    return Error == 0 ? Snapshot : NULL;
}

static BOOL
BasepNoMore(VOID)
{
    RtlSetLastWin32Error(ERROR_NO_MORE_FILES);
    return FALSE;
}

BOOL WINAPI
Process32NextW(HANDLE Handle, LPPROCESSENTRY32W Entry)
{
    PSNAPSHOT Snapshot = BasepWalk(Handle, TH32CS_SNAPPROCESS, Entry->dwSize, sizeof *Entry);
    PSYSTEM_PROCESS_INFORMATION Process;
    ULONG                       Length;

    if (Snapshot == NULL)
        return FALSE;
    Process = Snapshot->Process;
    if (Process == NULL)
        return BasepNoMore();
    Snapshot->Process = BasepAfter(Process);
    memset(Entry, 0, sizeof *Entry);
    Entry->dwSize = sizeof *Entry;
    Entry->th32ProcessID = (DWORD)(ULONG_PTR)Process->UniqueProcessId;
    Entry->th32ParentProcessID = (DWORD)(ULONG_PTR)Process->InheritedFromUniqueProcessId;
    Entry->cntThreads = Process->NumberOfThreads;
    Entry->pcPriClassBase = Process->BasePriority;
    Length = min(Process->ImageName.Length, (MAX_PATH - 1) * sizeof(WCHAR));
    if (Length != 0)
        memcpy(Entry->szExeFile, Process->ImageName.Buffer, Length);
    else
        memcpy(Entry->szExeFile, L"System", sizeof L"System");  // which has no image
    return TRUE;
}

BOOL WINAPI
Process32FirstW(HANDLE Handle, LPPROCESSENTRY32W Entry)
{
    PSNAPSHOT Snapshot = BasepWalk(Handle, TH32CS_SNAPPROCESS, Entry->dwSize, sizeof *Entry);

    if (Snapshot == NULL)
        return FALSE;
    Snapshot->Process = Snapshot->Processes;
    return Process32NextW(Handle, Entry);
}

BOOL WINAPI
Thread32Next(HANDLE Handle, LPTHREADENTRY32 Entry)
{
    PSNAPSHOT Snapshot = BasepWalk(Handle, TH32CS_SNAPTHREAD, Entry->dwSize, sizeof *Entry);
    PSYSTEM_THREAD_INFORMATION Thread;

    if (Snapshot == NULL)
        return FALSE;
    while (Snapshot->ThreadsProcess
        && Snapshot->Thread >= Snapshot->ThreadsProcess->NumberOfThreads) {
        Snapshot->ThreadsProcess = BasepAfter(Snapshot->ThreadsProcess);
        Snapshot->Thread = 0;
    }
    if (Snapshot->ThreadsProcess == NULL)
        return BasepNoMore();
    Thread = (PSYSTEM_THREAD_INFORMATION)(Snapshot->ThreadsProcess + 1) + Snapshot->Thread++;
    Entry->dwSize = sizeof *Entry;
    Entry->cntUsage = Entry->dwFlags = 0;
    Entry->th32ThreadID = (DWORD)(ULONG_PTR)Thread->ClientId.UniqueThread;
    Entry->th32OwnerProcessID = (DWORD)(ULONG_PTR)Thread->ClientId.UniqueProcess;
    Entry->tpBasePri = Thread->BasePriority;
    Entry->tpDeltaPri = 0;
    return TRUE;
}

BOOL WINAPI
Thread32First(HANDLE Handle, LPTHREADENTRY32 Entry)
{
    PSNAPSHOT Snapshot = BasepWalk(Handle, TH32CS_SNAPTHREAD, Entry->dwSize, sizeof *Entry);

    if (Snapshot == NULL)
        return FALSE;
    Snapshot->ThreadsProcess = Snapshot->Processes;
    Snapshot->Thread = 0;
    return Thread32Next(Handle, Entry);
}

BOOL WINAPI
Module32NextW(HANDLE Handle, LPMODULEENTRY32W Entry)
{
    PSNAPSHOT Snapshot = BasepWalk(Handle, TH32CS_SNAPMODULE | TH32CS_SNAPMODULE32,
        Entry->dwSize, sizeof *Entry);

    if (Snapshot == NULL)
        return FALSE;
    if (Snapshot->Module == Snapshot->ModuleCount)
        return BasepNoMore();
    *Entry = Snapshot->Modules[Snapshot->Module++];
    Entry->dwSize = sizeof *Entry;
    return TRUE;
}

BOOL WINAPI
Module32FirstW(HANDLE Handle, LPMODULEENTRY32W Entry)
{
    PSNAPSHOT Snapshot = BasepWalk(Handle, TH32CS_SNAPMODULE | TH32CS_SNAPMODULE32,
        Entry->dwSize, sizeof *Entry);

    if (Snapshot == NULL)
        return FALSE;
    Snapshot->Module = 0;
    return Module32NextW(Handle, Entry);
}

/*
 * The A routines: the wide entry, cut down to what is ASCII of its names. An entry that is too
 * short makes one that is too short as well, so Walk says what is wrong.
 */
static VOID
BasepNarrow(PCWSTR From, PSTR To)
{
    while ((*To++ = *From < 0x80 ? (CHAR)*From : '?') != 0)
        From++;
}

static BOOL
BasepProcessA(HANDLE Handle, LPPROCESSENTRY32 Entry,
    BOOL (WINAPI *Walk)(HANDLE, LPPROCESSENTRY32W))
{
    PROCESSENTRY32W Wide = { .dwSize = Entry->dwSize < sizeof *Entry ? 0 : sizeof Wide };

    if (!Walk(Handle, &Wide))
        return FALSE;
    memcpy(Entry, &Wide, FIELD_OFFSET(PROCESSENTRY32, szExeFile));
    Entry->dwSize = sizeof *Entry;
    BasepNarrow(Wide.szExeFile, Entry->szExeFile);
    return TRUE;
}

BOOL WINAPI
Process32First(HANDLE Handle, LPPROCESSENTRY32 Entry)
{
    return BasepProcessA(Handle, Entry, Process32FirstW);
}

BOOL WINAPI
Process32Next(HANDLE Handle, LPPROCESSENTRY32 Entry)
{
    return BasepProcessA(Handle, Entry, Process32NextW);
}

static BOOL
BasepModuleA(HANDLE Handle, LPMODULEENTRY32 Entry, BOOL (WINAPI *Walk)(HANDLE, LPMODULEENTRY32W))
{
    MODULEENTRY32W Wide = { .dwSize = Entry->dwSize < sizeof *Entry ? 0 : sizeof Wide };

    if (!Walk(Handle, &Wide))
        return FALSE;
    memcpy(Entry, &Wide, FIELD_OFFSET(MODULEENTRY32, szModule));
    Entry->dwSize = sizeof *Entry;
    BasepNarrow(Wide.szModule, Entry->szModule);
    BasepNarrow(Wide.szExePath, Entry->szExePath);
    return TRUE;
}

BOOL WINAPI
Module32First(HANDLE Handle, LPMODULEENTRY32 Entry)
{
    return BasepModuleA(Handle, Entry, Module32FirstW);
}

BOOL WINAPI
Module32Next(HANDLE Handle, LPMODULEENTRY32 Entry)
{
    return BasepModuleA(Handle, Entry, Module32NextW);
}
