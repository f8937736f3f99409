/*
 * Variables imported from a DLL without __declspec(dllimport): ld reaches them through records in
 * the image that say which word has to be changed by how much once the import address table is
 * bound. Parts of mingw-w64's library need this.
 *
 * The list is version 2 of that format: a header of three words (0, 0, 1), then records of three:
 * the RVA of the import's slot, the RVA of the word to change, and its width in bits.
 */
#include <windows.h>

typedef struct _RELOCATION {
    DWORD Import, Target, Flags;
} RELOCATION;

extern const RELOCATION __RUNTIME_PSEUDO_RELOC_LIST__[], __RUNTIME_PSEUDO_RELOC_LIST_END__[];
extern char             __ImageBase[];

static void
Relocate(const RELOCATION *Item)
{
    PULONG64 Slot = (PULONG64)(__ImageBase + Item->Import);
    PVOID    Target = __ImageBase + Item->Target;
    LONG64   Change = (LONG64)*Slot - (LONG64)(ULONG_PTR)Slot;
    DWORD    Bits = Item->Flags & 0xFF, Old;

    if (!VirtualProtect(Target, Bits / 8, PAGE_READWRITE, &Old))
        return;
    switch (Bits) {
    case 32: *(LONG *)Target += (LONG)Change; break;
    case 64: *(LONG64 *)Target += Change; break;
    }
    VirtualProtect(Target, Bits / 8, Old, &Old);
}

void
_pei386_runtime_relocator(void)
{
    const RELOCATION *Item = __RUNTIME_PSEUDO_RELOC_LIST__;

    if (__RUNTIME_PSEUDO_RELOC_LIST_END__ - Item < 2)
        return;
    for (Item++; Item < __RUNTIME_PSEUDO_RELOC_LIST_END__; Item++)
        Relocate(Item);
}
