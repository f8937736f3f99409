/*
 * Names for addresses. The kernel and drivers are linked with their COFF symbol tables, and mm
 * keeps a copy for every image it loads (KLDR_DATA_TABLE_ENTRY.Symbols), so a stack trace can
 * name functions without any debugger.
 *
 * A symbol's value is an offset in its section, whose place is in the image's section table.
 * Names of up to eight characters stand in the symbol itself, longer ones in the string table
 * behind the symbols. Everything is checked: the table comes from a file, and this runs when
 * something is wrong already.
 */
#include "kdp.h"

typedef struct _SYMBOL_MATCH {
    PCOFF_SYMBOL Symbol;
    ULONG         Rva;
} SYMBOL_MATCH, *PSYMBOL_MATCH;

/* Where a symbol lies in the image, or MAXULONG if it is in no section. */
static ULONG
KdpSymbolRva(PIMAGE_NT_HEADERS Nt, PCOFF_SYMBOL Symbol)
{
    if (Symbol->SectionNumber <= 0 || Symbol->SectionNumber > Nt->FileHeader.NumberOfSections)
        return MAXULONG;
    return IMAGE_FIRST_SECTION(Nt)[Symbol->SectionNumber - 1].VirtualAddress + Symbol->Value;
}

static BOOLEAN
KdpIsFunctionSymbol(PCOFF_SYMBOL Symbol)
{
    if (Symbol->StorageClass != COFF_CLASS_EXTERNAL && Symbol->StorageClass != COFF_CLASS_STATIC &&
        Symbol->StorageClass != COFF_CLASS_LABEL)
        return FALSE;
    return Symbol->Zeroes == 0 || Symbol->ShortName[0] != '.';      // not a section's own
}

/* The symbol nearest below Rva in the same section. */
static VOID
KdpFindSymbol(PKLDR_DATA_TABLE_ENTRY Module, ULONG Rva, PSYMBOL_MATCH Match)
{
    PIMAGE_NT_HEADERS Nt;
    ULONG             Index;

    Match->Symbol = NULL;
    Match->Rva = 0;
    if (Module->Symbols == NULL)                    // an unloaded driver has no headers either
        return;
    Nt = RtlImageNtHeader(Module->DllBase);
    if (Nt == NULL)
        return;

    for (Index = 0; Index < Module->SymbolCount; Index += 1) {
        PCOFF_SYMBOL Symbol = (PCOFF_SYMBOL)Module->Symbols + Index;
        ULONG         Start = KdpSymbolRva(Nt, Symbol);

        if (Start <= Rva && Start >= Match->Rva && KdpIsFunctionSymbol(Symbol) &&
            (Start > Match->Rva || Match->Symbol == NULL)) {
            Match->Symbol = Symbol;
            Match->Rva = Start;
        }
        Index += Symbol->NumberOfAuxSymbols;
    }
}

/* The symbol's name, not terminated if it fills its eight characters; its length in *Length. */
static PCSTR
KdpSymbolName(PKLDR_DATA_TABLE_ENTRY Module, PCOFF_SYMBOL Symbol, PULONG Length)
{
    ULONG StringsSize = Module->SymbolStrings != NULL
        ? *(ULONG UNALIGNED *)Module->SymbolStrings : 0;
    ULONG Offset = Symbol->Offset;

    if (Symbol->Zeroes != 0) {
        *Length = (ULONG)strnlen(Symbol->ShortName, sizeof(Symbol->ShortName));
        return Symbol->ShortName;
    }
    if (Offset < 4 || Offset >= StringsSize) {
        *Length = 1;
        return "?";
    }
    *Length = (ULONG)strnlen(Module->SymbolStrings + Offset, StringsSize - Offset);
    return Module->SymbolStrings + Offset;
}

/* "nt" for the kernel, otherwise the file's name without its extension. */
static VOID
KdpModuleName(PKLDR_DATA_TABLE_ENTRY Module, PUNICODE_STRING Name)
{
    static const UNICODE_STRING Kernel = RTL_CONSTANT_STRING(L"nt");
    ULONG                       Index;

    *Name = Module->BaseDllName;
    if (&Module->InLoadOrderLinks == PsLoadedModuleList.Flink) {
        *Name = Kernel;
        return;
    }
    for (Index = 0; Index < Name->Length / sizeof(WCHAR); Index += 1) {
        if (Name->Buffer[Index] == L'.')
            Name->Length = (USHORT)(Index * sizeof(WCHAR));
    }
}

VOID
KdSymbolize(ULONG64 Address, PSTR Buffer, SIZE_T Size)
{
    PKLDR_DATA_TABLE_ENTRY Module = NULL;
    UNICODE_STRING         Name;
    SYMBOL_MATCH           Match;
    PCSTR                  Symbol;
    ULONG                  Rva, Length;

    if (PsLoadedModuleList.Flink != NULL)           // before mm is up there is no list
        Module = MmFindModule((PVOID)Address);
    if (Module == NULL)                             // a driver's code that is called after it went
        Module = MmFindUnloadedModule((PVOID)Address);
    if (Module == NULL) {
        _snprintf(Buffer, Size, "%p", (PVOID)Address);
        Buffer[Size - 1] = '\0';
        return;
    }

    KdpModuleName(Module, &Name);
    Rva = (ULONG)(Address - (ULONG64)Module->DllBase);
    KdpFindSymbol(Module, Rva, &Match);
    if (Match.Symbol != NULL) {
        Symbol = KdpSymbolName(Module, Match.Symbol, &Length);
        _snprintf(Buffer, Size, "%wZ!%.*s+0x%x", &Name, Length, Symbol, Rva - Match.Rva);
    } else {
        _snprintf(Buffer, Size, "%wZ+0x%x", &Name, Rva);
    }
    Buffer[Size - 1] = '\0';
}
