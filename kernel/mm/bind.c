/*
 * A driver's imports: each name is looked up among the exports of the module it names and its
 * address stored.
 *
 * The tables are read out of an image that nobody vouches for, so every RVA is checked against
 * SizeOfImage and every string must end inside. A module that others import from stays loaded for
 * as long as they do: binding raises its LoadCount, releasing lowers it. What is missing is said
 * by name, for that is what the author of the driver needs to know.
 */
#include "mm/mmp.h"
#include "mm/image.h"
#include "rtl/rtl.h"

/* Count elements of Size bytes at Rva, or NULL if they do not lie in the image. */
static PVOID
MiImageTable(PKLDR_DATA_TABLE_ENTRY Entry, ULONG64 Rva, ULONG64 Size)
{
    if (Rva == 0 || Rva >= Entry->SizeOfImage || Size > Entry->SizeOfImage - Rva)
        return NULL;
    return (PUCHAR)Entry->DllBase + Rva;
}

static PCSTR
MiImageString(PKLDR_DATA_TABLE_ENTRY Entry, ULONG64 Rva)
{
    PCSTR String = MiImageTable(Entry, Rva, 1);

    for (ULONG64 End = Rva; String != NULL && End < Entry->SizeOfImage; End++)
        if (((PCSTR)Entry->DllBase)[End] == '\0')
            return String;
    return NULL;
}

static PKLDR_DATA_TABLE_ENTRY
MiFindModuleByAnsiName(PCSTR Name, SIZE_T Length)
{
    WCHAR          Buffer[64];
    UNICODE_STRING Wide = { 0, sizeof(Buffer), Buffer };

    if (Length >= RTL_NUMBER_OF(Buffer))
        return NULL;
    for (SIZE_T Index = 0; Index < Length; Index++)
        Buffer[Index] = (UCHAR)Name[Index];
    Wide.Length = (USHORT)(Length * sizeof(WCHAR));
    return MiFindModuleByName(&Wide);
}

/* "MODULE.Routine": one step only, for a forwarder to a forwarder could go round in circles. */
static PVOID
MiResolveForwarder(PCSTR Forwarder)
{
    PCSTR                  Dot = strchr(Forwarder, '.');
    CHAR                   Name[64];
    PKLDR_DATA_TABLE_ENTRY Module = NULL;

    if (Dot == NULL || Dot - Forwarder > (LONG_PTR)sizeof(Name) - 5)
        return NULL;
    RtlCopyMemory(Name, Forwarder, Dot - Forwarder);
    for (ULONG Try = 0; Try < 3 && Module == NULL; Try++) {
        RtlCopyMemory(Name + (Dot - Forwarder), Try == 0 ? ".exe" : Try == 1 ? ".sys" : ".dll", 4);
        Module = MiFindModuleByAnsiName(Name, Dot - Forwarder + 4);
    }
    return Module == NULL ? NULL : RtlFindExportedRoutineByName(Module->DllBase, Dot + 1, NULL);
}

static NTSTATUS
MiBindThunk(PKLDR_DATA_TABLE_ENTRY Entry, PKLDR_DATA_TABLE_ENTRY Module, ULONG64 Name,
            PULONG64 Slot)
{
    PCSTR Routine = MiImageString(Entry, Name + sizeof(USHORT)), Forwarder = NULL;
    PVOID Address;

    if (Name & IMAGE_ORDINAL_FLAG64) {
        DbgPrint("%wZ: %wZ does not export ordinal %u\n", &Entry->BaseDllName, &Module->BaseDllName,
            (ULONG)(Name & 0xFFFF));
        return STATUS_DRIVER_ORDINAL_NOT_FOUND;
    }
    if (Routine == NULL)
        return STATUS_INVALID_IMAGE_FORMAT;
    Address = RtlFindExportedRoutineByName(Module->DllBase, Routine, &Forwarder);
    if (Address == NULL && Forwarder != NULL)
        Address = MiResolveForwarder(Forwarder);
    if (Address == NULL) {
        DbgPrint("%wZ: %wZ does not export %s\n", &Entry->BaseDllName, &Module->BaseDllName,
                 Routine);
        return STATUS_DRIVER_ENTRYPOINT_NOT_FOUND;
    }
    *Slot = (ULONG64)Address;
    return STATUS_SUCCESS;
}

/* All imports from one module. Every missing name is printed; the first failure is returned. */
static NTSTATUS
MiBindModule(PKLDR_DATA_TABLE_ENTRY Entry, PKLDR_DATA_TABLE_ENTRY Module,
             PIMAGE_IMPORT_DESCRIPTOR Import)
{
    ULONG    Names = Import->OriginalFirstThunk != 0
        ? Import->OriginalFirstThunk : Import->FirstThunk;
    NTSTATUS Result = STATUS_SUCCESS;

    for (ULONG Offset = 0;; Offset += sizeof(ULONG64)) {
        PULONG64 Name = MiImageTable(Entry, (ULONG64)Names + Offset, sizeof(ULONG64));
        PULONG64 Slot = MiImageTable(Entry, (ULONG64)Import->FirstThunk + Offset, sizeof(ULONG64));
        NTSTATUS Status;

        if (Name == NULL || Slot == NULL)
            return STATUS_INVALID_IMAGE_FORMAT;
        if (*Name == 0)
            return Result;
        Status = MiBindThunk(Entry, Module, *Name, Slot);
        if (!NT_SUCCESS(Status) && NT_SUCCESS(Result))
            Result = Status;
    }
}

/*
 * The Index'th import descriptor, or NULL after the last; *Damaged if the table runs out of the
 * image.
 */
static PIMAGE_IMPORT_DESCRIPTOR
MiImportAt(PKLDR_DATA_TABLE_ENTRY Entry, ULONG Index, PBOOLEAN Damaged)
{
    ULONG                    Size;
    PIMAGE_IMPORT_DESCRIPTOR Import;
    PUCHAR                   Table = RtlImageDirectoryEntryToData(Entry->DllBase, TRUE,
        IMAGE_DIRECTORY_ENTRY_IMPORT, &Size);

    *Damaged = FALSE;
    if (Table == NULL)
        return NULL;
    Import = MiImageTable(Entry,
        Table - (PUCHAR)Entry->DllBase + (ULONG64)Index * sizeof(*Import), sizeof(*Import));
    *Damaged = Import == NULL;
    return Import != NULL && Import->Name != 0 && Import->FirstThunk != 0 ? Import : NULL;
}

/* Count: how many modules were counted. Under MiLoadLock. */
static VOID
MiReleaseFirstImports(PKLDR_DATA_TABLE_ENTRY Entry, ULONG Count)
{
    PIMAGE_IMPORT_DESCRIPTOR Import;
    BOOLEAN                  Damaged;

    for (ULONG Index = 0; Index < Count && (Import = MiImportAt(Entry, Index,
                                                                &Damaged)) != NULL; Index++) {
        PCSTR                  Name = MiImageString(Entry, Import->Name);
        PKLDR_DATA_TABLE_ENTRY Module = Name == NULL
            ? NULL : MiFindModuleByAnsiName(Name, strlen(Name));

        if (Module != NULL)
            MiReleaseModuleLocked(Module);
    }
}

VOID
MiReleaseImportsLocked(PKLDR_DATA_TABLE_ENTRY Entry)
{
    MiReleaseFirstImports(Entry, MAXULONG);
}

NTSTATUS
MiBindImportsLocked(PKLDR_DATA_TABLE_ENTRY Entry)
{
    NTSTATUS                 Status = STATUS_SUCCESS;
    PIMAGE_IMPORT_DESCRIPTOR Import;
    BOOLEAN                  Damaged;
    ULONG                    Index = 0;

    for (; (Import = MiImportAt(Entry, Index, &Damaged)) != NULL; Index++) {
        PCSTR                  Name = MiImageString(Entry, Import->Name);
        PKLDR_DATA_TABLE_ENTRY Module;

        if (Name == NULL) {
            Status = STATUS_INVALID_IMAGE_FORMAT;
            break;
        }
        Module = MiFindModuleByAnsiName(Name, strlen(Name));
        if (Module == NULL) {
            DbgPrint("%wZ: the module %s is not loaded\n", &Entry->BaseDllName, Name);
            Status = STATUS_DLL_NOT_FOUND;
            break;
        }
        Status = MiBindModule(Entry, Module, Import);
        if (!NT_SUCCESS(Status))
            break;
        Module->LoadCount++;
    }
    if (NT_SUCCESS(Status) && Damaged)
        Status = STATUS_INVALID_IMAGE_FORMAT;
    if (!NT_SUCCESS(Status))
        MiReleaseFirstImports(Entry, Index);
    return Status;
}
