/*
 * Virtual memory, and the older names of the heap. Local and Global memory is always fixed: a
 * handle is the address.
 */
#include "k32.h"

LPVOID WINAPI
VirtualAllocEx(HANDLE Process, LPVOID Address, SIZE_T Size, DWORD Type, DWORD Protect)
{
    return BaseSetStatus(NtAllocateVirtualMemory(Process, &Address, 0, &Size, Type, Protect))
        ? Address : NULL;
}

LPVOID WINAPI
VirtualAlloc(LPVOID Address, SIZE_T Size, DWORD Type, DWORD Protect)
{
    return VirtualAllocEx(NtCurrentProcess(), Address, Size, Type, Protect);
}

BOOL WINAPI
VirtualFreeEx(HANDLE Process, LPVOID Address, SIZE_T Size, DWORD Type)
{
    if ((Type & MEM_RELEASE) && Size) {
        RtlSetLastWin32Error(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    return BaseSetStatus(NtFreeVirtualMemory(Process, &Address, &Size, Type));
}

BOOL WINAPI
VirtualFree(LPVOID Address, SIZE_T Size, DWORD Type)
{
    return VirtualFreeEx(NtCurrentProcess(), Address, Size, Type);
}

BOOL WINAPI
VirtualProtectEx(HANDLE Process, LPVOID Address, SIZE_T Size, DWORD Protect, PDWORD Old)
{
    return BaseSetStatus(NtProtectVirtualMemory(Process, &Address, &Size, Protect, Old));
}

BOOL WINAPI
VirtualProtect(LPVOID Address, SIZE_T Size, DWORD Protect, PDWORD Old)
{
    return VirtualProtectEx(NtCurrentProcess(), Address, Size, Protect, Old);
}

SIZE_T WINAPI
VirtualQueryEx(HANDLE Process, LPCVOID Address, PMEMORY_BASIC_INFORMATION Buffer, SIZE_T Length)
{
    SIZE_T Returned = 0;

    return BaseSetStatus(NtQueryVirtualMemory(Process, (PVOID)Address, 0, Buffer, Length,
        &Returned)) ? Returned : 0;
}

SIZE_T WINAPI
VirtualQuery(LPCVOID Address, PMEMORY_BASIC_INFORMATION Buffer, SIZE_T Length)
{
    return VirtualQueryEx(NtCurrentProcess(), Address, Buffer, Length);
}

BOOL WINAPI
ReadProcessMemory(HANDLE Process, LPCVOID Address, LPVOID Buffer, SIZE_T Size, SIZE_T *Done)
{
    return BaseSetStatus(NtReadVirtualMemory(Process, (PVOID)Address, Buffer, Size, Done));
}

BOOL WINAPI
WriteProcessMemory(HANDLE Process, LPVOID Address, LPCVOID Buffer, SIZE_T Size, SIZE_T *Done)
{
    return BaseSetStatus(NtWriteVirtualMemory(Process, Address, (PVOID)Buffer, Size, Done));
}

BOOL WINAPI
FlushInstructionCache(HANDLE Process, LPCVOID Address, SIZE_T Size)
{
    return BaseSetStatus(NtFlushInstructionCache(Process, (PVOID)Address, Size));
}

HANDLE WINAPI
GetProcessHeap(VOID)
{
    return NtCurrentPeb()->ProcessHeap;
}

HANDLE WINAPI
HeapCreate(DWORD Flags, SIZE_T Initial, SIZE_T Maximum)
{
    HANDLE Heap = RtlCreateHeap(Flags, NULL, Maximum, Initial, NULL, NULL);

    if (Heap == NULL)
        RtlSetLastWin32Error(ERROR_NOT_ENOUGH_MEMORY);
    return Heap;
}

BOOL WINAPI
HeapDestroy(HANDLE Heap)
{
    return RtlDestroyHeap(Heap) == NULL;
}

HLOCAL WINAPI
LocalAlloc(UINT Flags, SIZE_T Size)
{
    return RtlAllocateHeap(GetProcessHeap(), Flags & LMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0, Size);
}

HLOCAL WINAPI
LocalReAlloc(HLOCAL Memory, SIZE_T Size, UINT Flags)
{
    return RtlReAllocateHeap(GetProcessHeap(), Flags & LMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0,
        Memory, Size);
}

HLOCAL WINAPI
LocalFree(HLOCAL Memory)
{
    RtlFreeHeap(GetProcessHeap(), 0, Memory);
    return NULL;
}

LPVOID WINAPI
LocalLock(HLOCAL Memory)
{
    return Memory;
}

BOOL WINAPI
LocalUnlock(HLOCAL Memory)
{
    return FALSE;
}

SIZE_T WINAPI
LocalSize(HLOCAL Memory)
{
    return RtlSizeHeap(GetProcessHeap(), 0, Memory);
}
