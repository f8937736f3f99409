/*
 * Tests pool and MDLs from a driver's side: DriverEntry keeps its promises one after the other,
 * prints a verdict on each, and then fails the load, so that the driver is gone and can be
 * started again.
 */
#include "ktpool.h"

typedef struct _POOLTAG {
    ULONG  Tag, PagedAllocs, PagedFrees;
    SIZE_T PagedUsed;
    ULONG  NonPagedAllocs, NonPagedFrees;
    SIZE_T NonPagedUsed;
} POOLTAG;

typedef struct _POOLTAG_LIST {
    ULONG   Count;
    POOLTAG Tags[1];
} POOLTAG_LIST;

#define POOLTAG_CLASS   22
#define POOLTAG_BYTES   0x10000

NTSTATUS NTAPI ZwQuerySystemInformation(ULONG Class, PVOID Buffer, ULONG Length, PULONG Returned);

VOID
Promise(BOOLEAN Kept, PCSTR Sentence)
{
    DbgPrint(Kept ? "[pass] %s\n" : "[fail] %s: it did not hold\n", Sentence);
}

USAGE
TagUsage(ULONG Tag)
{
    POOLTAG_LIST *List = ExAllocatePoolWithTag(NonPagedPool, POOLTAG_BYTES, 'sgaT');
    USAGE         Usage = { -1, -1, 0 };

    if (List == NULL)
        return Usage;
    if (NT_SUCCESS(ZwQuerySystemInformation(POOLTAG_CLASS, List, POOLTAG_BYTES, NULL))) {
        Usage.Paged = Usage.NonPaged = 0;
        for (ULONG Index = 0; Index < List->Count; Index++) {
            POOLTAG *Entry = &List->Tags[Index];

            if (Entry->Tag != Tag)
                continue;
            Usage.Paged = Entry->PagedAllocs - Entry->PagedFrees;
            Usage.NonPaged = Entry->NonPagedAllocs - Entry->NonPagedFrees;
            Usage.Bytes = Entry->PagedUsed + Entry->NonPagedUsed;
        }
    }
    ExFreePoolWithTag(List, 'sgaT');
    return Usage;
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT Device;
    USAGE          Usage;

    TestSizes();
    TestStress();
    TestFailures();
    TestMdls();
    TestPhysical();
    TestUserMemory();
    DriverObject->MajorFunction[IRP_MJ_READ] = ChainRead;
    if (NT_SUCCESS(IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                                  &Device))) {
        Device->Flags |= DO_DIRECT_IO;
        TestChains(Device);
        IoDeleteDevice(Device);
    }
    TestTrimming();
    Usage = TagUsage(TAG);
    Promise(Usage.Paged == 0 && Usage.NonPaged == 0 && Usage.Bytes == 0,
            "At the end the tag holds nothing");
    DbgPrint("[done] ktpool\n");
    return STATUS_UNSUCCESSFUL;
}
