/*
 * From an address in code to the tables about it: the image that holds it and its
 * RUNTIME_FUNCTION.
 *
 * .pdata is an array sorted by BeginAddress, so a binary search finds the entry. The host's
 * RtlpFindImage says which image an address lies in (the kernel asks the loaded-module list,
 * ntdll its loader's). Tables are taken as they are mapped, but never followed outside the image.
 */
#include "rtlp.h"

static PRUNTIME_FUNCTION
RtlpSearchFunctionTable(PRUNTIME_FUNCTION Table, ULONG Count, ULONG Rva)
{
    ULONG Low = 0, High = Count;

    while (Low < High) {
        ULONG Middle = Low + (High - Low) / 2;

        if (Rva < Table[Middle].BeginAddress)
            High = Middle;
        else if (Rva >= Table[Middle].EndAddress)
            Low = Middle + 1;
        else
            return &Table[Middle];
    }
    return NULL;
}

/*
 * The RUNTIME_FUNCTION of the function that holds ControlPc, and its image's base in *ImageBase.
 * NULL: a leaf function (*ImageBase is set), or no image at all (*ImageBase is 0). HistoryTable
 * is accepted for the sake of the public prototype. Any IRQL.
 */
PRUNTIME_FUNCTION NTAPI
RtlLookupFunctionEntry(ULONG64 ControlPc, PULONG64 ImageBase, PUNWIND_HISTORY_TABLE HistoryTable)
{
    ULONG             SizeOfImage, TableSize;
    PVOID             Base = RtlpFindImage((PVOID)ControlPc, &SizeOfImage);
    PRUNTIME_FUNCTION Table, Entry;

    UNREFERENCED_PARAMETER(HistoryTable);
    *ImageBase = (ULONG64)Base;
    if (Base == NULL)
        return NULL;

    Table = RtlImageDirectoryEntryToData(Base, TRUE, IMAGE_DIRECTORY_ENTRY_EXCEPTION, &TableSize);
    if (Table == NULL)
        return NULL;

    Entry = RtlpSearchFunctionTable(Table, TableSize / sizeof(RUNTIME_FUNCTION),
                                    (ULONG)(ControlPc - *ImageBase));
    if (Entry != NULL && (Entry->UnwindData & RUNTIME_FUNCTION_INDIRECT) != 0)
        Entry = (PRUNTIME_FUNCTION)(*ImageBase + (Entry->UnwindData & ~RUNTIME_FUNCTION_INDIRECT));
    if (Entry != NULL && Entry->UnwindData > SizeOfImage - sizeof(UNWIND_INFO))
        return NULL;
    return Entry;
}

/* The base of the image that holds PcValue, also in *BaseOfImage; NULL if none does. Any IRQL. */
PVOID NTAPI
RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage)
{
    ULONG SizeOfImage;

    *BaseOfImage = RtlpFindImage(PcValue, &SizeOfImage);
    return *BaseOfImage;
}

/*
 * The return addresses of the callers, innermost first, without the FramesToSkip nearest ones;
 * *Hash (may be NULL) is their sum, equal for equal stacks. Returns how many were stored. Any
 * IRQL.
 */
USHORT NTAPI
RtlCaptureStackBackTrace(ULONG FramesToSkip, ULONG FramesToCapture, PVOID *BackTrace, PULONG Hash)
{
    PVOID  Frames[64];
    ULONG  Sum = 0, Stored = 0, Index;
    ULONG  Total;

    if (FramesToCapture > RTL_NUMBER_OF(Frames) ||
        FramesToSkip > RTL_NUMBER_OF(Frames) - FramesToCapture)
        return 0;

    Total = RtlWalkFrameChain(Frames, FramesToSkip + FramesToCapture + 1, 0);
    for (Index = FramesToSkip + 1; Index < Total; Index += 1) {
        BackTrace[Stored++] = Frames[Index];
        Sum += (ULONG)(ULONG_PTR)Frames[Index];
    }
    if (Hash != NULL)
        *Hash = Sum;
    return (USHORT)Stored;
}

/* As above, starting with the return address into the caller itself; Flags must be 0. */
ULONG NTAPI
RtlWalkFrameChain(PVOID *Callers, ULONG Count, ULONG Flags)
{
    CONTEXT Context;
    ULONG   Stored = 0;
    ULONG64 Low, High, ImageBase, Frame;
    PVOID   HandlerData;

    if (Flags != 0 || !RtlpGetStackLimits(&Low, &High))
        return 0;

    RtlCaptureContext(&Context);
    while (Stored < Count) {
        PRUNTIME_FUNCTION Entry = RtlLookupFunctionEntry(Context.Rip, &ImageBase, NULL);

        if (Entry != NULL)
            RtlVirtualUnwind(UNW_FLAG_NHANDLER, ImageBase, Context.Rip, Entry, &Context,
                             &HandlerData,
                             &Frame, NULL);
        else if (!RtlpUnwindLeaf(&Context, Low, High))
            break;
        if (ImageBase == 0 || Context.Rip == 0 || Context.Rsp < Low || Context.Rsp > High)
            break;
        Callers[Stored++] = (PVOID)Context.Rip;
    }
    return Stored;
}
