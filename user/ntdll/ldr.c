/*
 * The modules of a process: the lists that PEB->Ldr shows, loading, unloading, and who is told
 * when.
 *
 * A module is entered when its file is mapped, bound (snap.c) at once, which loads what it
 * imports first, and put in the initialisation order after those. Its DllMain hears of process
 * attach in that order, of detach in the opposite one. Modules that the program's own imports
 * reach are static and stay; one that only LoadLibrary brought in is counted, once for each
 * LoadLibrary and once for each module that imports it, and leaves with the last of these.
 *
 * Everything here runs under LdrpLoaderLock (or before a second thread exists).
 */
#include "ntdllp.h"

static WCHAR
LdrpLower(WCHAR Character)
{
    return Character >= L'A' && Character <= L'Z' ? Character + 32 : Character;
}

PLDR_DATA_TABLE_ENTRY
LdrpFindByName(PCWSTR Name, USHORT Length)
{
    PLIST_ENTRY Head = &NtCurrentPeb()->Ldr->InLoadOrderModuleList;

    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
        PLDR_DATA_TABLE_ENTRY Module = CONTAINING_RECORD(Link, LDR_DATA_TABLE_ENTRY,
            InLoadOrderLinks);
        USHORT                Index = 0, Count = Length / sizeof(WCHAR);

        if (Module->BaseDllName.Length != Length)
            continue;
        while (Index < Count
            && LdrpLower(Name[Index]) == LdrpLower(Module->BaseDllName.Buffer[Index]))
            Index++;
        if (Index == Count)
            return Module;
    }
    return NULL;
}

PLDR_DATA_TABLE_ENTRY
LdrpFindByAddress(PVOID Address)
{
    PPEB_LDR_DATA Ldr = NtCurrentPeb()->Ldr;
    PLIST_ENTRY   Head;

    if (Ldr == NULL)
        return NULL;
    Head = &Ldr->InLoadOrderModuleList;
    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
        PLDR_DATA_TABLE_ENTRY Module = CONTAINING_RECORD(Link, LDR_DATA_TABLE_ENTRY,
            InLoadOrderLinks);

        if ((ULONG_PTR)Address - (ULONG_PTR)Module->DllBase < Module->SizeOfImage)
            return Module;
    }
    return NULL;
}

PLDR_DATA_TABLE_ENTRY
LdrpFindByBase(PVOID Base)
{
    PLDR_DATA_TABLE_ENTRY Module = LdrpFindByAddress(Base);

    return Module && Module->DllBase == Base ? Module : NULL;
}

/*
 * Puts the image at Base in the lists under a copy of its name (Length bytes). NULL when memory
 * is short.
 */
PLDR_DATA_TABLE_ENTRY
LdrpEnterModule(PVOID Base, PCWSTR BaseName, USHORT Length, ULONG Flags)
{
    static const WCHAR    Folder[] = L"\\SystemRoot\\System32\\";
    USHORT                Prefix = sizeof Folder - sizeof(WCHAR);
    PPEB_LDR_DATA         Ldr = NtCurrentPeb()->Ldr;
    PIMAGE_NT_HEADERS     Nt = LdrpHeaders(Base);
    PLDR_DATA_TABLE_ENTRY Module;
    PWSTR                 Text;

    Module = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY,
        sizeof *Module + Prefix + Length + sizeof(WCHAR));
    if (Module == NULL)
        return NULL;
    Text = (PWSTR)(Module + 1);
    memcpy(Text, Folder, Prefix);
    memcpy((PUCHAR)Text + Prefix, BaseName, Length);
    Module->FullDllName = (UNICODE_STRING){ Prefix + Length, Prefix + Length + sizeof(WCHAR),
        Text };
    Module->BaseDllName = (UNICODE_STRING){ Length, Length + sizeof(WCHAR),
        Text + Prefix / sizeof(WCHAR) };
    Module->DllBase = Base;
    Module->SizeOfImage = Nt->OptionalHeader.SizeOfImage;
    if (Nt->OptionalHeader.AddressOfEntryPoint)
        Module->EntryPoint = (PUCHAR)Base + Nt->OptionalHeader.AddressOfEntryPoint;
    Module->Flags = Flags;
    Module->LoadCount = 1;
    InitializeListHead(&Module->InInitializationOrderLinks);
    InsertTailList(&Ldr->InLoadOrderModuleList, &Module->InLoadOrderLinks);
    InsertTailList(&Ldr->InMemoryOrderModuleList, &Module->InMemoryOrderLinks);
    return Module;
}

static VOID
LdrpRemoveModule(PLDR_DATA_TABLE_ENTRY Module)
{
    PVOID  Base = Module->DllBase;
    SIZE_T Zero = 0;

    RemoveEntryList(&Module->InLoadOrderLinks);
    RemoveEntryList(&Module->InMemoryOrderLinks);
    RemoveEntryList(&Module->InInitializationOrderLinks);
    NtFreeVirtualMemory(NtCurrentProcess(), &Base, &Zero, MEM_RELEASE);
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, Module);
}

/*
 * Finds or loads the DLL of that name (last part only, with its extension) and counts one user
 * more. It is bound and protected afterwards, but not yet told of process attach.
 */
NTSTATUS
LdrpLoadModule(PCWSTR Name, USHORT Length, ULONG Flags, PLDR_DATA_TABLE_ENTRY *Result)
{
    PLDR_DATA_TABLE_ENTRY Module = LdrpFindByName(Name, Length);
    PVOID                 Base;
    NTSTATUS              Status;

    if (Module) {
        Module->LoadCount++;
        Module->Flags |= Flags & LDRP_STATIC;
        *Result = Module;
        return STATUS_SUCCESS;
    }
    Status = LdrpMapFile(Name, Length, &Base);
    if (!NT_SUCCESS(Status))
        return Status;
    Module = LdrpEnterModule(Base, Name, Length, Flags);
    if (Module == NULL)
        return STATUS_NO_MEMORY;
    Status = LdrpBindImports(Module);
    if (NT_SUCCESS(Status))
        Status = LdrpProtectSections(Base);
    if (!NT_SUCCESS(Status)) {
        LdrpRemoveModule(Module);
        return Status;
    }
    InsertTailList(&NtCurrentPeb()->Ldr->InInitializationOrderModuleList,
        &Module->InInitializationOrderLinks);
    *Result = Module;
    return STATUS_SUCCESS;
}

/*
 * Takes back one use; the last one unloads the module and takes back its own uses of what it
 * imports.
 */
VOID
LdrpDereferenceModule(PLDR_DATA_TABLE_ENTRY Module)
{
    PIMAGE_IMPORT_DESCRIPTOR Import;
    ULONG                    Size;
    BOOL                     Result;

    if ((Module->Flags & LDRP_STATIC) || --Module->LoadCount)
        return;
    if (Module->Flags & LDRP_ATTACHED)
        LdrpCallOne(Module, DLL_PROCESS_DETACH, &Result);
    Import = LdrpDirectory(Module->DllBase, IMAGE_DIRECTORY_ENTRY_IMPORT, &Size);
    for (; Import && Import->Name; Import++) {
        PCSTR                 Name = (PCSTR)Module->DllBase + Import->Name;
        WCHAR                 Wide[64];
        USHORT                Count;
        PLDR_DATA_TABLE_ENTRY Other;

        for (Count = 0; Name[Count] && Count < 64; Count++)
            Wide[Count] = (UCHAR)Name[Count];
        Other = LdrpFindByName(Wide, Count * sizeof(WCHAR));
        if (Other)
            LdrpDereferenceModule(Other);
    }
    LdrpRemoveModule(Module);
}

VOID
LdrpCallOne(PLDR_DATA_TABLE_ENTRY Module, ULONG Reason, BOOL *Result)
{
    *Result = TRUE;
    LdrpTlsCallbacks(Module, Reason);
    if (Module->EntryPoint)
        *Result = ((PDLL_INIT_ROUTINE)Module->EntryPoint)(Module->DllBase, Reason,
            (PVOID)(ULONG_PTR)(Module->Flags & LDRP_STATIC));
}

/*
 * Tells every DLL, and the program's TLS callbacks, of Reason: attach in initialisation order,
 * detach in the opposite one. STATUS_DLL_INIT_FAILED when a DLL refuses the process.
 */
NTSTATUS
LdrpCallInitRoutines(ULONG Reason)
{
    BOOLEAN     Attach = Reason == DLL_PROCESS_ATTACH || Reason == DLL_THREAD_ATTACH;
    PLIST_ENTRY Head = &NtCurrentPeb()->Ldr->InInitializationOrderModuleList;
    BOOL        Result;

    if (!Attach)
        LdrpTlsCallbacks(LdrpProgram, Reason);
    for (PLIST_ENTRY Link = Attach ? Head->Flink : Head->Blink; Link != Head;
         Link = Attach ? Link->Flink : Link->Blink) {
        PLDR_DATA_TABLE_ENTRY Module = CONTAINING_RECORD(Link, LDR_DATA_TABLE_ENTRY,
            InInitializationOrderLinks);

        if (((Module->Flags & LDRP_ATTACHED) == 0) != (Reason == DLL_PROCESS_ATTACH))
            continue;
        if (Reason == DLL_PROCESS_ATTACH)
            Module->Flags |= LDRP_ATTACHED;
        LdrpCallOne(Module, Reason, &Result);
        if (!Result && Reason == DLL_PROCESS_ATTACH) {
            RtlpSay("%s: %wZ refused to start\n", RtlpProgramName(), &Module->BaseDllName);
            return STATUS_DLL_INIT_FAILED;
        }
    }
    if (Attach)
        LdrpTlsCallbacks(LdrpProgram, Reason);
    return STATUS_SUCCESS;
}
