/*
 * MDLs: locking, mapping, parts of MDLs, memory by the page and in a row; and user memory of the
 * System process.
 */
#include "ktpool.h"

static NTSTATUS
Lock(PMDL Mdl, KPROCESSOR_MODE Mode)
{
    __try {
        MmProbeAndLockPages(Mdl, Mode, IoWriteAccess);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static VOID
TestPartial(PMDL Mdl, PUCHAR Buffer)
{
    PMDL   Part = IoAllocateMdl(Buffer + PAGE_SIZE, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    PUCHAR Mapped;

    IoBuildPartialMdl(Mdl, Part, Buffer + PAGE_SIZE + 10, PAGE_SIZE);
    Promise((Part->MdlFlags & MDL_PARTIAL) && MmGetMdlByteCount(Part) == PAGE_SIZE &&
            MmGetMdlPfnArray(Part)[0] == MmGetMdlPfnArray(Mdl)[1],
            "A partial MDL describes the same frames");
    Mapped = MmGetSystemAddressForMdlSafe(Part, NormalPagePriority);
    Buffer[PAGE_SIZE + 10] = 77;
    Promise(Mapped != NULL && *Mapped == 77, "and its mapping shows them");
    IoFreeMdl(Part);
}

VOID
TestMdls(VOID)
{
    PUCHAR Buffer = ExAllocatePoolWithTag(PagedPool, 4 * PAGE_SIZE, TAG), Mapped;
    PMDL   Mdl = IoAllocateMdl(Buffer + 100, 3 * PAGE_SIZE, FALSE, FALSE, NULL);

    Promise(MmSizeOfMdl(Buffer + 100, 3 * PAGE_SIZE) == sizeof(MDL) + 4 * sizeof(PFN_NUMBER) &&
            MmGetMdlByteOffset(Mdl) == 100 && MmGetMdlVirtualAddress(Mdl) == Buffer + 100,
            "An MDL has room for every page its buffer touches");
    Promise(NT_SUCCESS(Lock(Mdl, KernelMode)) && (Mdl->MdlFlags & MDL_PAGES_LOCKED),
            "Paged pool can be locked");
    Mapped = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
    Promise(Mapped != NULL && Mapped != Buffer + 100 && BYTE_OFFSET(Mapped) == 100,
            "A locked MDL is mapped at an address of its own");
    Mapped[5000] = 123;
    Promise(Buffer[5100] == 123, "What is written there is in the buffer");
    TestPartial(Mdl, Buffer);
    MmUnlockPages(Mdl);
    Promise(!(Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA)), "Unlocking unmaps it");
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Buffer, TAG);

    Mdl = IoAllocateMdl((PVOID)16, 100, FALSE, FALSE, NULL);
    Promise(Lock(Mdl, UserMode) == STATUS_ACCESS_VIOLATION, "Locking what is not there raises");
    IoFreeMdl(Mdl);
    Mdl = IoAllocateMdl(&Mdl, 8, FALSE, FALSE, NULL);
    Promise(Lock(Mdl, UserMode) == STATUS_ACCESS_VIOLATION, "UserMode may not lock system memory");
    IoFreeMdl(Mdl);
}

VOID
TestPhysical(VOID)
{
    PHYSICAL_ADDRESS Zero = { .QuadPart = 0 }, Highest = { .QuadPart = 0xFFFFFFFF };
    PUCHAR           Buffer = ExAllocatePoolWithTag(NonPagedPool, 2 * PAGE_SIZE, TAG), Other;
    PMDL             Mdl = IoAllocateMdl(Buffer, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    PHYSICAL_ADDRESS Address = MmGetPhysicalAddress(Buffer + PAGE_SIZE + 3);

    MmBuildMdlForNonPagedPool(Mdl);
    Promise(MmGetMdlPfnArray(Mdl)[1] == (PFN_NUMBER)(Address.QuadPart >> PAGE_SHIFT) &&
            (Address.QuadPart & 0xFFF) == 3 &&
                MmGetSystemAddressForMdlSafe(Mdl, LowPagePriority) == Buffer,
            "An MDL for nonpaged pool has its frames and its address");
    Other = MmMapIoSpace(Address, 1, MmNonCached);
    Buffer[PAGE_SIZE + 3] = 44;
    Promise(Other != NULL && *Other == 44, "MmMapIoSpace shows what is at a physical address");
    MmUnmapIoSpace(Other, 1);
    Promise(!MmIsAddressValid(Other), "and MmUnmapIoSpace takes it away");
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Buffer, TAG);

    Buffer = MmAllocateContiguousMemory(5 * PAGE_SIZE, Highest);
    Promise(Buffer != NULL && MmGetPhysicalAddress(Buffer + 4 * PAGE_SIZE).QuadPart ==
            MmGetPhysicalAddress(Buffer).QuadPart + 4 * PAGE_SIZE,
            "Contiguous memory is contiguous");
    MmFreeContiguousMemory(Buffer);

    Mdl = MmAllocatePagesForMdl(Zero, Highest, Zero, 3 * PAGE_SIZE);
    Buffer = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                          NormalPagePriority);
    Promise(Buffer != NULL && Buffer[3 * PAGE_SIZE - 1] == 0, "Pages for an MDL are zeroed");
    MmUnmapLockedPages(Buffer, Mdl);
    MmFreePagesFromMdl(Mdl);
    ExFreePool(Mdl);
}

VOID
TestUserMemory(VOID)
{
    PVOID    Base = NULL;
    SIZE_T   Size = 3 * PAGE_SIZE;
    NTSTATUS Status = ZwAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Size, MEM_COMMIT,
                                              PAGE_READWRITE);
    PUCHAR   User = Base, Mapped;
    PMDL     Mdl;

    Promise(NT_SUCCESS(Status) && ((ULONG64)Base & 0xFFFF) == 0 && Size == 3 * PAGE_SIZE,
            "The System process can have user memory");
    if (!NT_SUCCESS(Status))
        return;
    Promise(User[0] == 0 && User[2 * PAGE_SIZE] == 0, "which is zero at first");
    User[PAGE_SIZE] = 9;
    Mdl = IoAllocateMdl(User, 3 * PAGE_SIZE, FALSE, FALSE, NULL);
    Status = Lock(Mdl, UserMode);
    Promise(NT_SUCCESS(Status), "User memory can be locked");
    if (NT_SUCCESS(Status)) {
        Mapped = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
        Size = 0;
        Status = ZwFreeVirtualMemory(NtCurrentProcess(), &Base, &Size, MEM_RELEASE);
        Promise(NT_SUCCESS(Status) && !MmIsAddressValid(User), "Freed, it is gone");
        Promise(Mapped != NULL && Mapped[PAGE_SIZE] == 9,
                "but a locked frame stays as it was until it is unlocked");
        MmUnlockPages(Mdl);
    }
    IoFreeMdl(Mdl);
}
