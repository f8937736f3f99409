/*
 * What a driver leaves behind when it is unloaded.
 *
 * Named on the debug port, because it does no harm at once: devices (each keeps the driver object
 * and so the image), symbolic links, work items not done yet (each keeps its device), pool by
 * tag. Stopped, because code that is gone would run: timers and DPCs still queued (0xC7), work
 * items queued past the I/O manager (0xCE).
 *
 * Links are known by the code that made them. Pool is known by its tag: a tag is taken for the
 * driver's if it stands in the driver's code, as the operand of the call, and what was allocated
 * under it before the driver came is not counted.
 */
#include "iop.h"
#include "kd/kd.h"

/* A link that a driver has made and not deleted. */
typedef struct _LINK_NOTE {
    LIST_ENTRY             Link;
    PKLDR_DATA_TABLE_ENTRY Module;
    UNICODE_STRING         Name;                // its buffer follows
} LINK_NOTE, *PLINK_NOTE;

/* Guarded by IopDatabaseLock: */
static LIST_ENTRY IopLinkNotes = { &IopLinkNotes, &IopLinkNotes };

VOID
IopNoteLink(PCUNICODE_STRING Name, PVOID Caller)
{
    PKLDR_DATA_TABLE_ENTRY Module = MmFindModule(Caller);
    PLINK_NOTE             Note;

    if (Module == NULL || Module == MmFindModule(IopNoteLink))
        return;
    Note = ExAllocatePoolWithTag(NonPagedPool, sizeof *Note + Name->Length, IOP_TAG_OTHER);
    if (Note == NULL)
        return;                                 // then it will not be named
    Note->Module = Module;
    Note->Name.Buffer = (PWCHAR)(Note + 1);
    Note->Name.Length = Note->Name.MaximumLength = Name->Length;
    RtlCopyMemory(Note->Name.Buffer, Name->Buffer, Name->Length);
    ExInterlockedInsertTailList(&IopLinkNotes, &Note->Link, &IopDatabaseLock);
}

/* Takes out the note of a link called Name, or of any that Module made; NULL if there is none. */
static PLINK_NOTE
IopTakeNote(PCUNICODE_STRING Name, PKLDR_DATA_TABLE_ENTRY Module)
{
    PLINK_NOTE Found = NULL;
    KIRQL      Irql;

    KeAcquireSpinLock(&IopDatabaseLock, &Irql);
    for (PLIST_ENTRY Entry = IopLinkNotes.Flink; Entry != &IopLinkNotes; Entry = Entry->Flink) {
        PLINK_NOTE Note = CONTAINING_RECORD(Entry, LINK_NOTE, Link);

        if (Name != NULL ? RtlEqualUnicodeString(&Note->Name, Name, TRUE)
                         : Note->Module == Module) {
            RemoveEntryList(Entry);
            Found = Note;
            break;
        }
    }
    KeReleaseSpinLock(&IopDatabaseLock, Irql);
    return Found;
}

VOID
IopForgetLink(PCUNICODE_STRING Name)
{
    PLINK_NOTE Note = IopTakeNote(Name, NULL);

    if (Note != NULL)
        ExFreePoolWithTag(Note, IOP_TAG_OTHER);
}

VOID
IopReportLeftovers(PDRIVER_OBJECT Driver)
{
    LONG       Work = IopDriverExtension(Driver)->WorkItems;
    PLINK_NOTE Note;

    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL; Device = Device->NextDevice)
        DbgPrint("io: %wZ left device %p behind when it was unloaded\n", &Driver->DriverName,
                 Device);
    while ((Note = IopTakeNote(NULL, Driver->DriverSection)) != NULL) {
        DbgPrint("io: %wZ left link %wZ behind when it was unloaded\n", &Driver->DriverName,
                 &Note->Name);
        ExFreePoolWithTag(Note, IOP_TAG_OTHER);
    }
    if (Work != 0)
        DbgPrint("io: %wZ left %d work items behind when it was unloaded; it stays until they "
                 "have run\n", &Driver->DriverName, Work);
}

/* Blocks in use under Tracker. */
static LONG
IopBlocksInUse(PPOOL_TRACKER Tracker)
{
    return Tracker->PagedAllocs - Tracker->PagedFrees
        + Tracker->NonPagedAllocs - Tracker->NonPagedFrees;
}

/* What was in use of Tag when the driver was loaded. */
static PIOP_TAG_NOTE
IopFindTagNote(PIOP_DRIVER_EXTENSION Extension, ULONG Tag)
{
    for (ULONG Index = 0; Index < IOP_TAG_NOTES; Index++)
        if (Extension->Tags[Index].Tag == Tag)
            return &Extension->Tags[Index];
    return NULL;
}

/* Notes the use of Tag before the driver runs, or reports what is more afterwards. */
static VOID
IopVisitTag(PDRIVER_OBJECT Driver, PPOOL_TRACKER Tracker, BOOLEAN Report)
{
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtension(Driver);
    PIOP_TAG_NOTE         Note = IopFindTagNote(Extension, Tracker->Tag);
    LONG                  Left = IopBlocksInUse(Tracker) - (Note != NULL ? Note->Blocks : 0);

    if (Report && Left > 0)
        DbgPrint("io: %wZ left %d blocks of pool behind under the tag '%.4s'\n",
                 &Driver->DriverName, Left, (PCSTR)&Tracker->Tag);
    if (Note == NULL)
        Note = IopFindTagNote(Extension, 0);    // a free one
    if (Note != NULL) {
        Note->Tag = Tracker->Tag;
        Note->Blocks = IopBlocksInUse(Tracker); // and so each tag is reported once
    }
}

VOID
IopVisitTags(PDRIVER_OBJECT Driver, BOOLEAN Report)
{
    PUCHAR                Base = Driver->DriverStart;
    PIMAGE_NT_HEADERS64   Nt = (PVOID)(Base + ((PIMAGE_DOS_HEADER)Base)->e_lfanew);
    PIMAGE_SECTION_HEADER Section = IMAGE_FIRST_SECTION(Nt);

    for (ULONG Index = 0; Index < Nt->FileHeader.NumberOfSections; Index++, Section++) {
        PUCHAR Code = Base + Section->VirtualAddress;

        if (!(Section->Characteristics & IMAGE_SCN_MEM_EXECUTE) || Section->Misc.VirtualSize < 4)
            continue;
        for (ULONG Offset = 0; Offset <= Section->Misc.VirtualSize - 4; Offset++) {
            PPOOL_TRACKER Tracker = ExpLookUpTracker(*(ULONG UNALIGNED *)(Code + Offset));

            if (Tracker != NULL)
                IopVisitTag(Driver, Tracker, Report);
        }
    }
}

/* The image is about to go. Nothing that is queued may point into it. PASSIVE_LEVEL. */
VOID
IopCheckQueues(PDRIVER_OBJECT Driver)
{
    PVOID  Base = Driver->DriverStart, Routine;
    SIZE_T Size = Driver->DriverSize;
    PVOID  Item = ExFindQueuedWorkItem(Base, Size, &Routine);

    KeCheckForTimer(Base, Size);
    KeCheckForDpc(Base, Size);
    if (Item != NULL)
        KiStopDriver(DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, (ULONG_PTR)Routine, 8,
                     (ULONG_PTR)Item, 0, Routine, "was unloaded with a work item still queued");
}
