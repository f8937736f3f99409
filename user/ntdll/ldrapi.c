/*
 * The loader as programs call it: LoadLibrary, GetModuleHandle and GetProcAddress of kernel32 end
 * here, and so does the end of a thread or process, because the DLLs hear of it.
 *
 * A name may come with a path and without an extension; only its last part counts, ".dll" is
 * added, and the file is looked for in \SystemRoot\System32, the only folder that holds DLLs.
 */
#include "ntdllp.h"

/*
 * The last part of Name, with an extension; Buffer holds MAX_PATH characters. Returns its length
 * in bytes, or 0.
 */
static USHORT
LdrpBaseName(PCUNICODE_STRING Name, PWSTR Buffer)
{
    USHORT  Count = Name->Length / sizeof(WCHAR), Start = Count, Length;
    BOOLEAN Dot = FALSE;

    while (Start > 0 && Name->Buffer[Start - 1] != L'\\' && Name->Buffer[Start - 1] != L'/')
        Dot |= Name->Buffer[--Start] == L'.';
    Length = Count - Start;
    if (Length == 0 || Length > MAX_PATH - 5)
        return 0;
    memcpy(Buffer, Name->Buffer + Start, Length * sizeof(WCHAR));
    if (!Dot) {
        memcpy(Buffer + Length, L".dll", 4 * sizeof(WCHAR));
        Length += 4;
    } else if (Buffer[Length - 1] == L'.') {
        Length--;
    }
    return Length * sizeof(WCHAR);
}

NTSTATUS NTAPI
LdrLoadDll(PWSTR SearchPath, PULONG Characteristics, PUNICODE_STRING Name, PVOID *Base)
{
    WCHAR                 Buffer[MAX_PATH];
    USHORT                Length = LdrpBaseName(Name, Buffer);
    PLDR_DATA_TABLE_ENTRY Module;
    NTSTATUS              Status;

    *Base = NULL;
    if (Length == 0)
        return STATUS_DLL_NOT_FOUND;
    RtlEnterCriticalSection(&LdrpLoaderLock);
    Status = LdrpLoadModule(Buffer, Length, 0, &Module);
    if (NT_SUCCESS(Status) && NtCurrentPeb()->Ldr->Initialized) {
        Status = LdrpCallInitRoutines(DLL_PROCESS_ATTACH);
        if (!NT_SUCCESS(Status))
            LdrpDereferenceModule(Module);
    }
    if (NT_SUCCESS(Status))
        *Base = Module->DllBase;
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return Status;
}

NTSTATUS NTAPI
LdrUnloadDll(PVOID Base)
{
    PLDR_DATA_TABLE_ENTRY Module;

    RtlEnterCriticalSection(&LdrpLoaderLock);
    Module = LdrpFindByBase(Base);
    if (Module)
        LdrpDereferenceModule(Module);
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return Module ? STATUS_SUCCESS : STATUS_DLL_NOT_FOUND;
}

NTSTATUS NTAPI
LdrGetDllHandle(PWSTR SearchPath, PULONG Characteristics, PUNICODE_STRING Name, PVOID *Base)
{
    WCHAR                 Buffer[MAX_PATH];
    USHORT                Length = LdrpBaseName(Name, Buffer);
    PLDR_DATA_TABLE_ENTRY Module;

    *Base = NULL;
    RtlEnterCriticalSection(&LdrpLoaderLock);
    Module = Length ? LdrpFindByName(Buffer, Length) : NULL;
    if (Module)
        *Base = Module->DllBase;
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return Module ? STATUS_SUCCESS : STATUS_DLL_NOT_FOUND;
}

/*
 * Looks an export up by name, or by Ordinal when Name is NULL. STATUS_PROCEDURE_NOT_FOUND when it
 * is not there.
 */
NTSTATUS NTAPI
LdrGetProcedureAddress(PVOID Base, PANSI_STRING Name, ULONG Ordinal, PVOID *Address)
{
    CHAR     Buffer[256];
    NTSTATUS Status = STATUS_PROCEDURE_NOT_FOUND;

    *Address = NULL;
    if (Name && Name->Length >= sizeof Buffer)
        return STATUS_INVALID_PARAMETER;
    if (Name) {
        memcpy(Buffer, Name->Buffer, Name->Length);
        Buffer[Name->Length] = 0;
    }
    RtlEnterCriticalSection(&LdrpLoaderLock);
    if (LdrpFindByBase(Base))
        Status = LdrpResolve(Base, Name ? Buffer : NULL, Ordinal, Address);
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return Status;
}

/*
 * Holds the loader lock until LdrUnlockLoaderLock is given *Cookie. With
 * LDR_LOCK_LOADER_LOCK_FLAG_TRY_ONLY it does not wait: *Disposition says whether the lock was
 * had (1) or not (2). STATUS_INVALID_PARAMETER_1: other flags; _2, _3: an address is missing. With
 * LDR_LOCK_LOADER_LOCK_FLAG_RAISE_ON_ERRORS they are raised.
 */
NTSTATUS NTAPI
LdrLockLoaderLock(ULONG Flags, PULONG Disposition, PULONG_PTR Cookie)
{
    BOOLEAN  TryOnly = (Flags & LDR_LOCK_LOADER_LOCK_FLAG_TRY_ONLY) != 0, Had = TRUE;
    NTSTATUS Status = Flags & ~3u ? STATUS_INVALID_PARAMETER_1
        : Cookie == NULL ? STATUS_INVALID_PARAMETER_3
        : TryOnly && Disposition == NULL ? STATUS_INVALID_PARAMETER_2 : STATUS_SUCCESS;

    if (!NT_SUCCESS(Status)) {
        if (Flags & LDR_LOCK_LOADER_LOCK_FLAG_RAISE_ON_ERRORS)
            RtlRaiseStatus(Status);
        return Status;
    }
    if (TryOnly)
        Had = RtlTryEnterCriticalSection(&LdrpLoaderLock);
    else
        RtlEnterCriticalSection(&LdrpLoaderLock);
    if (Disposition != NULL)
        *Disposition = Had ? 1 : 2;
    *Cookie = Had ? (ULONG_PTR)NtCurrentTeb() : 0;
    return STATUS_SUCCESS;
}

/* STATUS_INVALID_PARAMETER_2: Cookie is not that of the running thread's lock. */
NTSTATUS NTAPI
LdrUnlockLoaderLock(ULONG Flags, ULONG_PTR Cookie)
{
    if (Cookie == 0)
        return STATUS_SUCCESS;                  // TRY_ONLY, and it was not had
    if (Cookie != (ULONG_PTR)NtCurrentTeb())
        return STATUS_INVALID_PARAMETER_2;
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return STATUS_SUCCESS;
}

/*
 * Tells the DLLs that the process ends. The first caller does it; one that comes again returns at
 * once.
 */
VOID NTAPI
LdrShutdownProcess(VOID)
{
    if (LdrpShutdownInProgress || NtCurrentPeb()->Ldr == NULL || !NtCurrentPeb()->Ldr->Initialized)
        return;
    LdrpShutdownInProgress = TRUE;
    LdrpCallInitRoutines(DLL_PROCESS_DETACH);
}

VOID NTAPI
LdrShutdownThread(VOID)
{
    if (LdrpShutdownInProgress || NtCurrentPeb()->Ldr == NULL || !NtCurrentPeb()->Ldr->Initialized)
        return;
    RtlEnterCriticalSection(&LdrpLoaderLock);
    LdrpCallInitRoutines(DLL_THREAD_DETACH);
    LdrpTlsFreeThread();
    RtlLeaveCriticalSection(&LdrpLoaderLock);
}
