/*
 * Images of programs: the program itself and ntdll, which loads all other DLLs on its own.
 *
 * The file is read whole into pool and checked there (image.c), where nobody can change it any
 * more. Then the address space: at the preferred base if it is free, else anywhere, relocated.
 * Its pages are private; each section gets its rights at the end. User memory is filled inside
 * __try: another thread of the process could take it away meanwhile.
 */
#include "mm/vad.h"
#include "mm/image.h"
#include "rtl/rtl.h"

#define MI_FILE_TAG     'iFmM'

NTSTATUS
MiReadAt(HANDLE File, PVOID Buffer, ULONG Size, ULONG64 Offset, PULONG Read)
{
    LARGE_INTEGER   ByteOffset = { .QuadPart = (LONGLONG)Offset };
    IO_STATUS_BLOCK IoStatus = { 0 };
    NTSTATUS        Status = ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Buffer, Size,
                                        &ByteOffset, NULL);

    if (Status == STATUS_PENDING) {
        Status = ZwWaitForSingleObject(File, FALSE, NULL);
        if (NT_SUCCESS(Status))
            Status = IoStatus.Status;
    }
    *Read = (ULONG)IoStatus.Information;
    return Status;
}

/* Reads all of it; *Data is the caller's to free. */
NTSTATUS
MiReadWholeFile(HANDLE File, PVOID *Data, PSIZE_T Size)
{
    FILE_STANDARD_INFORMATION Standard;
    IO_STATUS_BLOCK           IoStatus;
    ULONG                     Done, Read;
    NTSTATUS Status = ZwQueryInformationFile(File, &IoStatus, &Standard, sizeof(Standard),
                                             FileStandardInformation);

    if (!NT_SUCCESS(Status))
        return Status;
    if (Standard.EndOfFile.QuadPart == 0 || Standard.EndOfFile.QuadPart > MI_LARGEST_IMAGE)
        return STATUS_INVALID_IMAGE_FORMAT;
    *Size = (SIZE_T)Standard.EndOfFile.QuadPart;
    *Data = ExAllocatePoolWithTag(PagedPool, *Size, MI_FILE_TAG);
    if (*Data == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (Done = 0; NT_SUCCESS(Status) && Done < *Size; Done += Read) {
        Status = MiReadAt(File, (PUCHAR)*Data + Done, (ULONG)*Size - Done, Done, &Read);
        if (NT_SUCCESS(Status) && Read == 0)
            Status = STATUS_INVALID_IMAGE_FORMAT;   // shorter than it said
    }
    if (!NT_SUCCESS(Status))
        ExFreePoolWithTag(*Data, MI_FILE_TAG);
    return Status;
}

/* Address space for the image, committed and writable. */
static NTSTATUS
MiReserveImage(PMM_PROCESS Mm, PMI_IMAGE Image, PULONG64 Base)
{
    PMMVAD   Vad;
    NTSTATUS Status;

    *Base = Image->Nt->OptionalHeader.ImageBase;
    if (*Base < MM_LOWEST_USER || *Base > MM_HIGHEST_USER - Image->SizeOfImage)
        *Base = 0;
    ExAcquireFastMutex(&Mm->AddressCreationLock);
    Status = MiReserveLocked(Mm, Base, Image->SizeOfImage, MM_HIGHEST_USER, FALSE, &Vad);
    if (Status == STATUS_CONFLICTING_ADDRESSES) {
        *Base = 0;
        Status = MiReserveLocked(Mm, Base, Image->SizeOfImage, MM_HIGHEST_USER, FALSE, &Vad);
    }
    if (NT_SUCCESS(Status)) {
        Vad->Type = MEM_IMAGE;
        Vad->Protection = MI_EXECUTE_WRITECOPY;
        Status = MiCommitLocked(Mm, *Base, *Base + Image->SizeOfImage, MI_READWRITE);
        if (!NT_SUCCESS(Status))
            MiRemoveVadLocked(Mm, Vad);
    }
    ExReleaseFastMutex(&Mm->AddressCreationLock);
    return Status;
}

static VOID
MiUnmapImage(PMM_PROCESS Mm, ULONG64 Base)
{
    PMMVAD Vad;

    ExAcquireFastMutex(&Mm->AddressCreationLock);
    Vad = MiFindVadLocked(Mm, Base);
    if (Vad != NULL) {
        MiDecommitLocked(Mm, Vad->Start, Vad->End);
        MiRemoveVadLocked(Mm, Vad);
    }
    ExReleaseFastMutex(&Mm->AddressCreationLock);
}

static NTSTATUS
MiProtectUserPages(PVOID Va, SIZE_T Size, ULONG Protect)
{
    ULONG64 Base = (ULONG64)Va;
    ULONG   Old;

    return MiProtectVirtual(&PsGetCurrentProcess()->Mm, &Base, &Size, Protect, &Old);
}

static NTSTATUS
MiFillImage(PMI_IMAGE Image, PVOID Base)
{
    NTSTATUS Status;

    __try {
        MiCopyImage(Image, Base);
        if (!RtlpRelocateImage(Base, Image->Nt->OptionalHeader.ImageBase, Image->SizeOfImage))
            return STATUS_INVALID_IMAGE_FORMAT;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    Status = MiProtectUserPages(Base, Image->SizeOfImage, PAGE_READONLY);
    if (NT_SUCCESS(Status))
        Status = MiProtectSections(Image, Base, MiProtectUserPages);
    return Status;
}

NTSTATUS
MiMapImageData(PMI_IMAGE Image, PMM_IMAGE_INFORMATION Information)
{
    PMM_PROCESS            Mm = &PsGetCurrentProcess()->Mm;
    PIMAGE_OPTIONAL_HEADER Optional = &Image->Nt->OptionalHeader;
    ULONG64                Base;
    NTSTATUS               Status = MiReserveImage(Mm, Image, &Base);

    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiFillImage(Image, (PVOID)Base);
    if (!NT_SUCCESS(Status)) {
        MiUnmapImage(Mm, Base);
        return Status;
    }
    *Information = (MM_IMAGE_INFORMATION){
        .Base = (PVOID)Base,
        .EntryPoint = (PUCHAR)Base + Optional->AddressOfEntryPoint,
        .Size = Image->SizeOfImage,
        .StackReserve = Optional->SizeOfStackReserve,
        .StackCommit = Optional->SizeOfStackCommit,
        .Subsystem = Optional->Subsystem,
    };
    return STATUS_SUCCESS;
}

/* See mm.h. PASSIVE_LEVEL. */
NTSTATUS
MmMapUserImage(HANDLE FileHandle, PMM_IMAGE_INFORMATION Information)
{
    MI_IMAGE Image;
    PVOID    Data;
    SIZE_T   Size;
    NTSTATUS Status;

    PAGED_CODE();

    Status = MiReadWholeFile(FileHandle, &Data, &Size);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiCheckImage(Data, Size, &Image);
    if (NT_SUCCESS(Status))
        Status = MiMapImageData(&Image, Information);
    ExFreePoolWithTag(Data, MI_FILE_TAG);
    return Status;
}
