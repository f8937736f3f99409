/*
 * Binds imports: for each DLL an image names, loads it, and for each routine writes its address
 * into the image's import address table.
 *
 * An export may be a forwarder ("ntdll.RtlAllocateHeap", "ntdll.#7"): then the search goes on in
 * that DLL. One that is missing is named in a sentence, with who wanted it, and the binding
 * fails: STATUS_DLL_NOT_FOUND or STATUS_ENTRYPOINT_NOT_FOUND. The program itself was mapped by
 * the kernel with its final rights, so its table is made writable while it is filled; an image
 * from map.c is still writable throughout.
 */
#include "ntdllp.h"

#define LDRP_MAX_NAME   64
#define LDRP_MAX_HOPS   8

/*
 * Copies a DLL's name to UTF-16, up to Last characters, and adds ".dll" if asked; returns bytes,
 * 0 if too long.
 */
static USHORT
LdrpWiden(PCSTR Name, ULONG Last, BOOLEAN AddExtension, PWSTR Buffer)
{
    ULONG Count;

    for (Count = 0; Count < Last && Name[Count]; Count++) {
        if (Count == LDRP_MAX_NAME)
            return 0;
        Buffer[Count] = (UCHAR)Name[Count];
    }
    if (AddExtension) {
        memcpy(Buffer + Count, L".dll", 4 * sizeof(WCHAR));
        Count += 4;
    }
    return (USHORT)(Count * sizeof(WCHAR));
}

static NTSTATUS
LdrpFollow(PCSTR Forwarder, PVOID *Base, PCSTR *Name, PULONG Ordinal)
{
    WCHAR                 Buffer[LDRP_MAX_NAME + 5];
    PLDR_DATA_TABLE_ENTRY Module;
    ULONG                 Dot = 0;
    USHORT                Length;
    NTSTATUS              Status;

    while (Forwarder[Dot] && Forwarder[Dot] != '.')
        Dot++;
    Length = LdrpWiden(Forwarder, Dot, TRUE, Buffer);
    if (Forwarder[Dot] == 0 || Length == 0)
        return STATUS_PROCEDURE_NOT_FOUND;
    Status = LdrpLoadModule(Buffer, Length, LDRP_STATIC, &Module);
    if (!NT_SUCCESS(Status))
        return Status;

    *Base = Module->DllBase;
    *Name = Forwarder + Dot + 1;
    *Ordinal = 0;
    if (**Name == '#') {
        for (PCSTR Digit = *Name + 1; *Digit >= '0' && *Digit <= '9'; Digit++)
            *Ordinal = *Ordinal * 10 + *Digit - '0';
        *Name = NULL;
    }
    return STATUS_SUCCESS;
}

/*
 * The address of an export of the image at Base, by name or (Name is NULL) by ordinal, through
 * forwarders.
 */
NTSTATUS
LdrpResolve(PVOID Base, PCSTR Name, ULONG Ordinal, PVOID *Address)
{
    for (ULONG Hop = 0; Hop < LDRP_MAX_HOPS; Hop++) {
        PCSTR    Forwarder = NULL;
        NTSTATUS Status;

        *Address = Name ? RtlFindExportedRoutineByName(Base, Name, &Forwarder)
                        : RtlpFindExportedRoutineByOrdinal(Base, Ordinal, &Forwarder);
        if (Forwarder == NULL)
            return *Address ? STATUS_SUCCESS : STATUS_PROCEDURE_NOT_FOUND;
        Status = LdrpFollow(Forwarder, &Base, &Name, &Ordinal);
        if (!NT_SUCCESS(Status))
            return Status;
    }
    return STATUS_PROCEDURE_NOT_FOUND;
}

static VOID
LdrpSayMissing(PLDR_DATA_TABLE_ENTRY Module, PCSTR Dll, PCSTR Name, ULONG Ordinal)
{
    if (Name)
        RtlpSay("%wZ: cannot be started: %s has no %s (STATUS_ENTRYPOINT_NOT_FOUND)\n",
            &Module->BaseDllName, Dll, Name);
    else
        RtlpSay("%wZ: cannot be started: %s has no export %u (STATUS_ENTRYPOINT_NOT_FOUND)\n",
            &Module->BaseDllName, Dll, Ordinal);
}

static NTSTATUS
LdrpBindOne(PLDR_DATA_TABLE_ENTRY Module, PIMAGE_IMPORT_DESCRIPTOR Import, PVOID DllBase)
{
    PUCHAR             Base = Module->DllBase;
    PIMAGE_THUNK_DATA  Table = (PIMAGE_THUNK_DATA)(Base + Import->FirstThunk);
    PIMAGE_THUNK_DATA  Names = Import->OriginalFirstThunk
                             ? (PIMAGE_THUNK_DATA)(Base + Import->OriginalFirstThunk) : Table;

    for (; Names->u1.AddressOfData; Names++, Table++) {
        ULONG64  Data = Names->u1.AddressOfData;
        BOOLEAN  ByOrdinal = IMAGE_SNAP_BY_ORDINAL64(Data);
        PCSTR    Name = ByOrdinal ? NULL : ((PIMAGE_IMPORT_BY_NAME)(Base + Data))->Name;
        PVOID    Address;

        if (!NT_SUCCESS(LdrpResolve(DllBase, Name, (ULONG)IMAGE_ORDINAL64(Data), &Address))) {
            LdrpSayMissing(Module, (PCSTR)Base + Import->Name, Name, (ULONG)IMAGE_ORDINAL64(Data));
            return STATUS_ENTRYPOINT_NOT_FOUND;
        }
        Table->u1.Function = (ULONG64)Address;
    }
    return STATUS_SUCCESS;
}

/*
 * Lets the import address table of an image that the kernel mapped be written, or takes that
 * back.
 */
static ULONG
LdrpSetTableRights(PVOID Base, ULONG Rights)
{
    ULONG  Size, Old = PAGE_READWRITE;
    PVOID  Table = LdrpDirectory(Base, IMAGE_DIRECTORY_ENTRY_IAT, &Size);
    SIZE_T Bytes = Size;

    if (Table && Size)
        NtProtectVirtualMemory(NtCurrentProcess(), &Table, &Bytes, Rights, &Old);
    return Old;
}

/* Loads what Module imports and binds it, once. Also reserves its TLS block. */
NTSTATUS
LdrpBindImports(PLDR_DATA_TABLE_ENTRY Module)
{
    PUCHAR                   Base = Module->DllBase;
    ULONG                    Size, Old = 0;
    PIMAGE_IMPORT_DESCRIPTOR Import = LdrpDirectory(Base, IMAGE_DIRECTORY_ENTRY_IMPORT, &Size);
    NTSTATUS                 Status;

    if (Module->Flags & LDRP_BOUND)
        return STATUS_SUCCESS;
    Module->Flags |= LDRP_BOUND;
    Status = LdrpTlsAddModule(Module);
    if (Module->Flags & LDRP_KERNEL_MAPPED)
        Old = LdrpSetTableRights(Base, PAGE_READWRITE);

    for (; NT_SUCCESS(Status) && Import && Import->Name; Import++) {
        WCHAR                 Buffer[LDRP_MAX_NAME + 5];
        PCSTR                 Name = (PCSTR)Base + Import->Name;
        USHORT                Length = LdrpWiden(Name, LDRP_MAX_NAME + 1, FALSE, Buffer);
        PLDR_DATA_TABLE_ENTRY Dll;

        Status = Length ? LdrpLoadModule(Buffer, Length, Module->Flags & LDRP_STATIC, &Dll)
            : STATUS_DLL_NOT_FOUND;
        if (Status == STATUS_DLL_NOT_FOUND)
            RtlpSay("%wZ: cannot be started: there is no %s in \\SystemRoot\\System32 "
                "(STATUS_DLL_NOT_FOUND)\n",
                &Module->BaseDllName, Name);
        else if (Status == STATUS_INVALID_IMAGE_FORMAT)
            RtlpSay("%wZ: cannot be started: %s is damaged (STATUS_INVALID_IMAGE_FORMAT)\n",
                &Module->BaseDllName, Name);
        if (NT_SUCCESS(Status))
            Status = LdrpBindOne(Module, Import, Dll->DllBase);
    }
    if (Old)
        LdrpSetTableRights(Base, Old);
    return Status;
}
