/*
 * Parts of MDLs, and chains of them: every part of a buffer of three pages, by its frames and by
 * what its mapping shows; and MDLs that a driver adds to an IRP's, which the I/O manager unlocks
 * and frees with it.
 */
#include "ktpool.h"

#define BYTES       (3 * PAGE_SIZE)
#define EXTRA       3
#define MDL_TAG     ' ldM'

static PUCHAR Buffer;                           // BYTES of paged pool, each byte its own number
static PUCHAR Extra[EXTRA];

static UCHAR
ValueAt(ULONG Offset)
{
    return (UCHAR)(Offset * 7 + Offset / 251);
}

/* Whether Part, which may have been used before, describes Length bytes from Offset on. */
static BOOLEAN
PartIsRight(PMDL Whole, PMDL Part, ULONG Offset, ULONG Length)
{
    ULONG  First = (BYTE_OFFSET(Buffer) + Offset) >> PAGE_SHIFT;
    ULONG  Count = Length != 0 ? Length : BYTES - Offset;
    ULONG  Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(Buffer + Offset, Count);
    PUCHAR Mapped;

    MmPrepareMdlForReuse(Part);
    IoBuildPartialMdl(Whole, Part, Buffer + Offset, Length);
    if (MmGetMdlByteCount(Part) != Count || MmGetMdlVirtualAddress(Part) != Buffer + Offset
        || !(Part->MdlFlags & MDL_PARTIAL) || (Part->MdlFlags & MDL_PAGES_LOCKED))
        return FALSE;
    for (ULONG Page = 0; Page < Pages; Page++)
        if (MmGetMdlPfnArray(Part)[Page] != MmGetMdlPfnArray(Whole)[First + Page])
            return FALSE;
    Mapped = MmGetSystemAddressForMdlSafe(Part, NormalPagePriority);
    return Mapped != NULL && Mapped[0] == ValueAt(Offset)
        && Mapped[Count - 1] == ValueAt(Offset + Count - 1);
}

static VOID
TestParts(VOID)
{
    static const ULONG Places[] = { 0, 1, 100, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1,
                                    2 * PAGE_SIZE - 5, 2 * PAGE_SIZE, BYTES - 1 };
    PMDL    Whole = IoAllocateMdl(Buffer, BYTES, FALSE, FALSE, NULL);
    PMDL    Part = IoAllocateMdl((PVOID)(PAGE_SIZE - 1), BYTES, FALSE, FALSE, NULL);
    BOOLEAN Right = TRUE;

    MmProbeAndLockPages(Whole, KernelMode, IoModifyAccess);
    for (ULONG Mapped = 0; Mapped < 2; Mapped++) {          // the whole not mapped, then mapped
        for (ULONG Index = 0; Index < RTL_NUMBER_OF(Places); Index++) {
            Right &= PartIsRight(Whole, Part, Places[Index], 0);
            for (ULONG Length = 1; Length <= BYTES - Places[Index]; Length += 509)
                Right &= PartIsRight(Whole, Part, Places[Index], Length);
        }
        if (Mapped == 0)
            MmPrepareMdlForReuse(Part);
        MmGetSystemAddressForMdlSafe(Whole, NormalPagePriority);
    }
    Promise(Right, "Every part of an MDL has the whole's frames, and its mapping their bytes");
    IoFreeMdl(Part);
    MmUnlockPages(Whole);
    IoFreeMdl(Whole);
}

static VOID
TestLinks(VOID)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);
    PMDL First = IoAllocateMdl(Buffer, 10, FALSE, FALSE, Irp);
    PMDL Second = IoAllocateMdl(Buffer, 20, TRUE, FALSE, Irp);
    PMDL Third = IoAllocateMdl(Buffer, 30, TRUE, FALSE, Irp);
    PMDL None = IoAllocateMdl(Buffer, 40, FALSE, FALSE, NULL);

    Promise(Irp->MdlAddress == First && First->Next == Second && Second->Next == Third
            && Third->Next == NULL && None->Next == NULL, "Secondary MDLs go behind an IRP's own");
    Irp->MdlAddress = NULL;
    IoFreeMdl(First);
    IoFreeMdl(Second);
    IoFreeMdl(Third);
    IoFreeMdl(None);
    IoFreeIrp(Irp);
}

/* IRP_MJ_READ of a direct device: adds MDLs to the IRP's, locked but for the last. */
NTSTATUS NTAPI
ChainRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    BOOLEAN Pend = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.ByteOffset.QuadPart != 0;

    for (ULONG Index = 0; Index < EXTRA; Index++) {
        PMDL Mdl = IoAllocateMdl(Extra[Index], PAGE_SIZE, TRUE, FALSE, Irp);

        if (Index == EXTRA - 1)
            MmBuildMdlForNonPagedPool(Mdl);
        else
            MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
    }
    if (Pend)
        IoMarkIrpPending(Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = BYTES;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Pend ? STATUS_PENDING : STATUS_SUCCESS;
}

static VOID
TestCompletion(PDEVICE_OBJECT Device)
{
    LONG    Before = TagUsage(MDL_TAG).NonPaged;
    BOOLEAN Right = TRUE;

    for (ULONG Index = 0; Index < EXTRA; Index++)
        Extra[Index] = ExAllocatePoolWithTag(Index == EXTRA - 1 ? NonPagedPool : PagedPool,
                                             PAGE_SIZE, TAG);
    for (LONG64 Round = 0; Round < 10; Round++) {
        LARGE_INTEGER   Offset = { .QuadPart = Round & 1 };
        IO_STATUS_BLOCK Iosb;
        KEVENT          Event;
        PIRP            Irp;
        NTSTATUS        Status;

        KeInitializeEvent(&Event, NotificationEvent, FALSE);
        Irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, Device, Buffer, BYTES, &Offset, &Event,
                                           &Iosb);
        Status = IoCallDriver(Device, Irp);
        if (Status == STATUS_PENDING)
            KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        Right &= NT_SUCCESS(Status) && TagUsage(MDL_TAG).NonPaged == Before;
    }
    Promise(Right, "An IRP's MDLs, those a driver added too, are unlocked and freed with it");
    for (ULONG Index = 0; Index < EXTRA; Index++)
        ExFreePoolWithTag(Extra[Index], TAG);
}

VOID
TestChains(PDEVICE_OBJECT Device)
{
    Buffer = ExAllocatePoolWithTag(PagedPool, BYTES, TAG);
    for (ULONG Offset = 0; Offset < BYTES; Offset++)
        Buffer[Offset] = ValueAt(Offset);
    TestParts();
    TestLinks();
    TestCompletion(Device);
    ExFreePoolWithTag(Buffer, TAG);
}
