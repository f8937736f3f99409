/*
 * Thread-local storage declared by images (__thread, __declspec(thread)): an image with a TLS
 * directory gets an index, and every thread a copy of the image's template at
 * TEB->ThreadLocalStoragePointer[index]. An image that LoadLibrary brings in later gets an index
 * too, but threads that are already running have no block for it, except the one that loads it.
 *
 * The directory's callbacks are called like a DllMain; mingw-w64's start-up code has some in
 * every program.
 */
#include "ntdllp.h"

#define LDRP_TLS_MODULES    32

static PIMAGE_TLS_DIRECTORY LdrpTlsDirectories[LDRP_TLS_MODULES];
static ULONG                LdrpTlsCount;

static NTSTATUS
LdrpTlsMakeBlock(PVOID *Blocks, ULONG Index)
{
    PIMAGE_TLS_DIRECTORY Tls = LdrpTlsDirectories[Index];
    SIZE_T               Raw = Tls->EndAddressOfRawData - Tls->StartAddressOfRawData;

    Blocks[Index] = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY,
        Raw + Tls->SizeOfZeroFill + 16);
    if (Blocks[Index] == NULL)
        return STATUS_NO_MEMORY;
    memcpy(Blocks[Index], (PVOID)(ULONG_PTR)Tls->StartAddressOfRawData, Raw);
    return STATUS_SUCCESS;
}

/*
 * Gives Module an index if it has a TLS directory, and the running thread a block if it is set up
 * already.
 */
NTSTATUS
LdrpTlsAddModule(PLDR_DATA_TABLE_ENTRY Module)
{
    ULONG                Size;
    PIMAGE_TLS_DIRECTORY Tls = LdrpDirectory(Module->DllBase, IMAGE_DIRECTORY_ENTRY_TLS, &Size);
    PTEB                 Teb = (PTEB)NtCurrentTeb();

    if (Tls == NULL)
        return STATUS_SUCCESS;
    if (LdrpTlsCount == LDRP_TLS_MODULES)
        return STATUS_NO_MEMORY;
    Module->TlsIndex = (USHORT)(LdrpTlsCount + 1);
    *(PULONG)(ULONG_PTR)Tls->AddressOfIndex = LdrpTlsCount;
    LdrpTlsDirectories[LdrpTlsCount++] = Tls;
    if (Teb->ThreadLocalStoragePointer == NULL)
        return STATUS_SUCCESS;
    return LdrpTlsMakeBlock(Teb->ThreadLocalStoragePointer, LdrpTlsCount - 1);
}

NTSTATUS
LdrpTlsInitializeThread(VOID)
{
    PVOID *Blocks = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY,
        LDRP_TLS_MODULES * sizeof(PVOID));

    if (Blocks == NULL)
        return STATUS_NO_MEMORY;
    for (ULONG Index = 0; Index < LdrpTlsCount; Index++) {
        NTSTATUS Status = LdrpTlsMakeBlock(Blocks, Index);

        if (!NT_SUCCESS(Status))
            return Status;
    }
    ((PTEB)NtCurrentTeb())->ThreadLocalStoragePointer = Blocks;
    return STATUS_SUCCESS;
}

VOID
LdrpTlsFreeThread(VOID)
{
    PTEB   Teb = (PTEB)NtCurrentTeb();
    PVOID *Blocks = Teb->ThreadLocalStoragePointer;

    Teb->ThreadLocalStoragePointer = NULL;
    if (Blocks == NULL)
        return;
    for (ULONG Index = 0; Index < LDRP_TLS_MODULES; Index++)
        RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, Blocks[Index]);
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, Blocks);
}

VOID
LdrpTlsCallbacks(PLDR_DATA_TABLE_ENTRY Module, ULONG Reason)
{
    PIMAGE_TLS_DIRECTORY Tls;
    PIMAGE_TLS_CALLBACK *Callback;

    if (Module->TlsIndex == 0)
        return;
    Tls = LdrpTlsDirectories[Module->TlsIndex - 1];
    Callback = (PIMAGE_TLS_CALLBACK *)(ULONG_PTR)Tls->AddressOfCallBacks;
    for (; Callback && *Callback; Callback++)
        (*Callback)(Module->DllBase, Reason, NULL);
}
