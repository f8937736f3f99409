/*
 * The environment: a block of UTF-16 "NAME=value" strings that ends with an empty one, at
 * ProcessParameters->Environment. Names compare without case. A change makes a new block on the
 * heap; the one that the process started with lies in the parameter block and is never freed.
 * Lock: PEB->FastPebLock, taken by the callers here.
 */
#include "ntdllp.h"

static BOOLEAN RtlpEnvironmentOnHeap;

VOID NTAPI
RtlAcquirePebLock(VOID)
{
    RtlEnterCriticalSection(NtCurrentPeb()->FastPebLock);
}

VOID NTAPI
RtlReleasePebLock(VOID)
{
    RtlLeaveCriticalSection(NtCurrentPeb()->FastPebLock);
}

static WCHAR
RtlpUpper(WCHAR Character)
{
    return Character >= L'a' && Character <= L'z' ? Character - 32 : Character;
}

/* Whether the string at Entry is "Name=..."; *Value is then what follows. */
static BOOLEAN
RtlpIsVariable(PWSTR Entry, PCUNICODE_STRING Name, PWSTR *Value)
{
    ULONG Count = Name->Length / sizeof(WCHAR);

    for (ULONG Index = 0; Index < Count; Index++)
        if (Entry[Index] == 0 || RtlpUpper(Entry[Index]) != RtlpUpper(Name->Buffer[Index]))
            return FALSE;
    *Value = Entry + Count + 1;
    return Entry[Count] == L'=';
}

/* A process that came without an environment gets the few variables programs count on. */
NTSTATUS
RtlpEnsureEnvironment(VOID)
{
    static WCHAR                 Default[] = L"OS=Etude\0Path=C:\\System32\0SystemRoot=C:\\\0";
    PRTL_USER_PROCESS_PARAMETERS Parameters = NtCurrentPeb()->ProcessParameters;

    if (Parameters && Parameters->Environment == NULL)
        Parameters->Environment = Default;
    return STATUS_SUCCESS;
}

/*
 * Copies a variable's value to Value->Buffer, terminated if there is room.
 * STATUS_BUFFER_TOO_SMALL: Value->Length is what is needed. Environment NULL: the process' own.
 */
NTSTATUS NTAPI
RtlQueryEnvironmentVariable_U(PWSTR Environment, PUNICODE_STRING Name, PUNICODE_STRING Value)
{
    PRTL_CRITICAL_SECTION Lock = NtCurrentPeb()->FastPebLock;
    NTSTATUS              Status = STATUS_VARIABLE_NOT_FOUND;
    PWSTR                 Found;

    RtlEnterCriticalSection(Lock);
    if (Environment == NULL)
        Environment = NtCurrentPeb()->ProcessParameters->Environment;
    for (PWSTR Entry = Environment; Entry && *Entry; Entry += wcslen(Entry) + 1) {
        if (!RtlpIsVariable(Entry, Name, &Found))
            continue;
        Value->Length = (USHORT)(wcslen(Found) * sizeof(WCHAR));
        Status = Value->Length > Value->MaximumLength ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
        if (NT_SUCCESS(Status))
            memcpy(Value->Buffer, Found, min(Value->Length + sizeof(WCHAR), Value->MaximumLength));
        break;
    }
    RtlLeaveCriticalSection(Lock);
    return Status;
}

static PWSTR
RtlpAppend(PWSTR To, PCWSTR From, SIZE_T Count)
{
    memcpy(To, From, Count * sizeof(WCHAR));
    return To + Count;
}

/* Sets a variable of the process' own environment (Environment is NULL); Value NULL removes it. */
NTSTATUS NTAPI
RtlSetEnvironmentVariable(PWSTR *Environment, PUNICODE_STRING Name, PUNICODE_STRING Value)
{
    PRTL_CRITICAL_SECTION        Lock = NtCurrentPeb()->FastPebLock;
    PRTL_USER_PROCESS_PARAMETERS Parameters = NtCurrentPeb()->ProcessParameters;
    PWSTR                        Old, New, Next, Ignored;
    SIZE_T                       Count = 1;

    if (Environment || Name->Length == 0)
        return STATUS_INVALID_PARAMETER;
    RtlEnterCriticalSection(Lock);
    Old = Parameters->Environment;
    for (PWSTR Entry = Old; Entry && *Entry; Entry += wcslen(Entry) + 1)
        Count += wcslen(Entry) + 1;
    Count += (Name->Length + (Value ? Value->Length : 0)) / sizeof(WCHAR) + 2;
    Next = New = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, Count * sizeof(WCHAR));
    if (New) {
        for (PWSTR Entry = Old; Entry && *Entry; Entry += wcslen(Entry) + 1)
            if (!RtlpIsVariable(Entry, Name, &Ignored))
                Next = RtlpAppend(Next, Entry, wcslen(Entry) + 1);
        if (Value) {
            Next = RtlpAppend(Next, Name->Buffer, Name->Length / sizeof(WCHAR));
            *Next++ = L'=';
            Next = RtlpAppend(Next, Value->Buffer, Value->Length / sizeof(WCHAR));
            *Next++ = 0;
        }
        *Next = 0;
        Parameters->Environment = New;
        if (RtlpEnvironmentOnHeap)
            RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, Old);
        RtlpEnvironmentOnHeap = TRUE;
    }
    RtlLeaveCriticalSection(Lock);
    return New ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}
