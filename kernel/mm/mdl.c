/*
 * Memory descriptor lists: a buffer and the frames that lie under it.
 *
 *   IoAllocateMdl            describes addresses; nothing is locked
 *   MmProbeAndLockPages      (lock.c) brings the pages in, keeps their frames from being freed,
 *                            fills the array
 *   MmBuildMdlForNonPagedPool  fills the array for pages that cannot go away
 *   MmMapLockedPagesSpecifyCache  gives the frames an address in system space (or in the running
 *                                 program)
 *   MmUnmapLockedPages, MmUnlockPages, IoFreeMdl  undo it in that order
 *
 * MdlFlags tell where an MDL stands: MDL_PAGES_LOCKED, MDL_SOURCE_IS_NONPAGED_POOL, MDL_PARTIAL
 * (its frames are another MDL's), MDL_MAPPED_TO_SYSTEM_VA (MappedSystemVa is an address of its
 * own, to be unmapped), MDL_PARTIAL_HAS_BEEN_MAPPED, MDL_ALLOCATED_FIXED_SIZE is not used here.
 * The owner of an MDL is alone with it: no locks.
 */
#include "mm/lock.h"

#define MI_MDL_TAG      ' ldM'
// pages that MDL.Size, read as unsigned, can express: some 32 MiB, as documented for Server 2003
#define MI_MDL_MOST     ((MAXUSHORT - sizeof(MDL)) / sizeof(PFN_NUMBER))

SIZE_T NTAPI
MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
    return sizeof(MDL) + sizeof(PFN_NUMBER) * ADDRESS_AND_SIZE_TO_SPAN_PAGES(Base, Length);
}

/*
 * Without MemoryDescriptorList one is allocated; the caller frees it with IoFreeMdl. IRQL <=
 * DISPATCH_LEVEL.
 */
PMDL NTAPI
MmCreateMdl(PMDL MemoryDescriptorList, PVOID Base, SIZE_T Length)
{
    PMDL Mdl = MemoryDescriptorList;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Length > MAXULONG || ADDRESS_AND_SIZE_TO_SPAN_PAGES(Base, Length) > MI_MDL_MOST)
        return NULL;
    if (Mdl == NULL)
        Mdl = ExAllocatePoolWithTag(NonPagedPool, MmSizeOfMdl(Base, Length), MI_MDL_TAG);
    if (Mdl == NULL)
        return NULL;
    MmInitializeMdl(Mdl, Base, Length);
    Mdl->Process = NULL;
    Mdl->MappedSystemVa = NULL;
    return Mdl;
}

/*
 * Allocates an MDL for Length bytes at VirtualAddress; NULL if there is no memory. With an Irp it
 * becomes the IRP's MDL, or, when SecondaryBuffer, the last of the IRP's chain. IRQL <=
 * DISPATCH_LEVEL.
 */
PMDL NTAPI
IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota,
              PIRP Irp)
{
    PMDL Mdl = MmCreateMdl(NULL, VirtualAddress, Length), *Link;

    if (Mdl == NULL || Irp == NULL)
        return Mdl;
    Link = &Irp->MdlAddress;
    while (SecondaryBuffer && *Link != NULL)
        Link = &(*Link)->Next;
    *Link = Mdl;
    return Mdl;
}

/*
 * Frees the MDL, and a mapping that a partial one may have. Its pages were unlocked before. IRQL
 * <= DISPATCH_LEVEL.
 */
VOID NTAPI
IoFreeMdl(PMDL Mdl)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)
        MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
    ExFreePoolWithTag(Mdl, MI_MDL_TAG);
}

/*
 * Makes TargetMdl, allocated for as many pages, describe Length bytes at VirtualAddress inside
 * what SourceMdl describes; Length 0: all the rest. The frames stay the source's. IRQL <=
 * DISPATCH_LEVEL.
 */
VOID NTAPI
IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
    ULONG  Offset = (ULONG)((PUCHAR)VirtualAddress - (PUCHAR)MmGetMdlVirtualAddress(SourceMdl));
    SIZE_T Pages, First;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Length == 0)
        Length = SourceMdl->ByteCount - Offset;
    Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, Length);
    if (TargetMdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)
        MmUnmapLockedPages(TargetMdl->MappedSystemVa, TargetMdl);
    if (Offset + (ULONG64)Length > SourceMdl->ByteCount ||
        sizeof(MDL) + Pages * sizeof(PFN_NUMBER) > (USHORT)TargetMdl->Size)
        KeBugCheckEx(TARGET_MDL_TOO_SMALL, (ULONG_PTR)SourceMdl, (ULONG_PTR)TargetMdl,
                     (ULONG_PTR)VirtualAddress, Length);

    First = ((ULONG64)PAGE_ALIGN(VirtualAddress) - (ULONG64)SourceMdl->StartVa) >> PAGE_SHIFT;
    TargetMdl->StartVa = PAGE_ALIGN(VirtualAddress);
    TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
    TargetMdl->ByteCount = Length;
    TargetMdl->Process = SourceMdl->Process;
    TargetMdl->MdlFlags =
        MDL_PARTIAL | (SourceMdl->MdlFlags & (MDL_IO_PAGE_READ | MDL_SOURCE_IS_NONPAGED_POOL |
        MDL_MAPPED_TO_SYSTEM_VA | MDL_IO_SPACE | MDL_WRITE_OPERATION));
    TargetMdl->MappedSystemVa = NULL;
    if (SourceMdl->MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA)) {
        TargetMdl->MappedSystemVa = (PUCHAR)SourceMdl->MappedSystemVa + Offset;
        if (TargetMdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
            TargetMdl->MdlFlags |= MDL_PARENT_MAPPED_SYSTEM_VA;     // the source's to unmap
    }
    RtlCopyMemory(MmGetMdlPfnArray(TargetMdl), MmGetMdlPfnArray(SourceMdl) + First,
                  Pages * sizeof(PFN_NUMBER));
}

/*
 * The buffer is nonpaged pool, or anything else in system space that stays where it is. IRQL <=
 * DISPATCH_LEVEL.
 */
VOID NTAPI
MmBuildMdlForNonPagedPool(PMDL Mdl)
{
    PUCHAR Va = Mdl->StartVa;
    SIZE_T Pages = MiPagesOfMdl(Mdl);

    IRQL_AT_MOST(DISPATCH_LEVEL);

    for (SIZE_T Index = 0; Index < Pages; Index++)
        MmGetMdlPfnArray(Mdl)[Index] =
            MmGetPhysicalAddress(Va + (Index << PAGE_SHIFT)).QuadPart >> PAGE_SHIFT;
    Mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
    Mdl->MappedSystemVa = MmGetMdlVirtualAddress(Mdl);
    Mdl->Process = NULL;
}

/* Moves the start of the buffer forward: NumberOfBytes were dealt with. */
NTSTATUS NTAPI
MmAdvanceMdl(PMDL Mdl, ULONG NumberOfBytes)
{
    ULONG Offset = Mdl->ByteOffset + NumberOfBytes, Skip = Offset >> PAGE_SHIFT;
    ULONG Pages = (ULONG)MiPagesOfMdl(Mdl);

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (NumberOfBytes >= Mdl->ByteCount)
        return STATUS_INVALID_PARAMETER_2;
    if ((Mdl->MdlFlags & MDL_PAGES_LOCKED) && !(Mdl->MdlFlags & MDL_PARTIAL))
        MiUnlockFrames(Mdl, Skip);                  // pages that leave the MDL are unlocked now
    RtlMoveMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Mdl) + Skip,
                  (Pages - Skip) * sizeof(PFN_NUMBER));
    Mdl->StartVa = (PUCHAR)Mdl->StartVa + ((ULONG64)Skip << PAGE_SHIFT);
    Mdl->ByteOffset = BYTE_OFFSET((ULONG64)Offset);
    Mdl->ByteCount -= NumberOfBytes;
    if (Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
        Mdl->MappedSystemVa = (PUCHAR)Mdl->MappedSystemVa + NumberOfBytes;
    return STATUS_SUCCESS;
}
