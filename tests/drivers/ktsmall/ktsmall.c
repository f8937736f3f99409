/*
 * Routines that no other test driver calls: small questions about threads, processes and stacks,
 * named events, IRPs built for asynchronous use, pageable code, views of sections, and the like.
 */
#include <ntifs.h>
#include <stdarg.h>
#include "../ktest.h"

/* What mingw-w64's headers leave out. */
HANDLE NTAPI PsGetProcessInheritedFromUniqueProcessId(PEPROCESS Process);
PVOID NTAPI PsGetProcessSectionBaseAddress(PEPROCESS Process);
BOOLEAN NTAPI HalMakeBeep(ULONG Frequency);
int __cdecl _vsnwprintf(PWSTR Buffer, size_t Count, PCWSTR Format, va_list Arguments);

static PDRIVER_OBJECT KtDriver;

static VOID
Threads(VOID)
{
    PETHREAD  Thread, Other;
    ULONG_PTR Low, High;
    ULONG     Major = 0, Minor = 99, Build = 0;

    IoGetStackLimits(&Low, &High);
    EXPECT(Low < (ULONG_PTR)&Low && (ULONG_PTR)&Low < High && High - Low >= 3 * PAGE_SIZE);
    Thread = PsGetCurrentThread();
    EXPECT(IoThreadToProcess(Thread) == PsGetCurrentProcess() && PsIsSystemThread(Thread));
    EXPECT(PsGetThreadId(Thread) == PsGetCurrentThreadId());
    EXPECT(PsGetThreadProcessId(Thread) == PsGetCurrentProcessId());
    EXPECT(PsGetProcessId(PsGetCurrentProcess()) == PsGetCurrentProcessId());
    EXPECT(PsGetProcessInheritedFromUniqueProcessId(PsInitialSystemProcess) == NULL);
    EXPECT(PsGetProcessSectionBaseAddress(PsInitialSystemProcess) == NULL);
    EXPECT(PsLookupThreadByThreadId(PsGetCurrentThreadId(), &Other) == STATUS_SUCCESS);
    EXPECT(Other == Thread);
    ObDereferenceObject(Other);
    EXPECT(PsLookupThreadByThreadId((HANDLE)0x7FFFFFFC, &Other) == STATUS_INVALID_PARAMETER);
    EXPECT(PsLookupThreadByThreadId(PsGetCurrentProcessId(), &Other) == STATUS_INVALID_PARAMETER);
    EXPECT(PsGetVersion(&Major, &Minor, &Build, NULL));         // its checks are always on
    EXPECT(Major == 5 && Minor == 2 && Build == 3790);
}

static VOID
Events(VOID)
{
    UNICODE_STRING    Name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\KtSmall");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            First, Second;
    PKEVENT           Event = IoCreateSynchronizationEvent(&Name, &First);
    LONG              Old = -1;

    EXPECT(Event != NULL && KeReadStateEvent(Event) != 0);
    EXPECT(IoCreateSynchronizationEvent(&Name, &Second) == Event && First != Second);
    EXPECT(KtPoll(Event) == STATUS_SUCCESS && KtPoll(Event) == STATUS_TIMEOUT);
    EXPECT(ZwSetEvent(First, &Old) == STATUS_SUCCESS && Old == 0);
    EXPECT(ZwSetEvent(Second, &Old) == STATUS_SUCCESS && Old != 0);
    EXPECT(ZwSetEvent(First, NULL) == STATUS_SUCCESS && KeReadStateEvent(Event) != 0);
    ZwClose(First);
    ZwClose(Second);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT(ZwOpenEvent(&First, EVENT_ALL_ACCESS, &Attributes) == STATUS_OBJECT_NAME_NOT_FOUND);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT(ZwCreateEvent(&First, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE)
           == STATUS_SUCCESS);
    EXPECT(ZwSetEvent(First, &Old) == STATUS_SUCCESS && Old == 0);
    EXPECT(ZwWaitForSingleObject(First, FALSE, NULL) == STATUS_SUCCESS);
    ZwClose(First);
}

static VOID
Asynchronous(VOID)
{
    LARGE_INTEGER      Offset = { .QuadPart = 0x123456789 };
    CHAR               Data[] = "written";
    IO_STATUS_BLOCK    Iosb;
    PIO_STACK_LOCATION Next;
    PDEVICE_OBJECT     Device;
    PIRP               Irp;

    EXPECT(IoCreateDevice(KtDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device)
           == STATUS_SUCCESS);
    Device->Flags |= DO_BUFFERED_IO;
    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_WRITE, Device, Data, sizeof Data, &Offset, &Iosb);
    Next = IoGetNextIrpStackLocation(Irp);
    EXPECT(Next->MajorFunction == IRP_MJ_WRITE && Next->Parameters.Write.Length == sizeof Data);
    EXPECT(Next->Parameters.Write.ByteOffset.QuadPart == Offset.QuadPart);
    EXPECT(Irp->UserIosb == &Iosb && Irp->UserEvent == NULL);
    EXPECT(Irp->Tail.Overlay.Thread == PsGetCurrentThread());
    EXPECT(Irp->AssociatedIrp.SystemBuffer != NULL && Irp->AssociatedIrp.SystemBuffer != Data);
    EXPECT(RtlCompareMemory(Irp->AssociatedIrp.SystemBuffer, Data, sizeof Data) == sizeof Data);
    EXPECT(Irp->RequestorMode == KernelMode && IoGetRequestorProcess(Irp) == PsGetCurrentProcess());
    if (Irp->Flags & IRP_DEALLOCATE_BUFFER)
        ExFreePool(Irp->AssociatedIrp.SystemBuffer);
    IoFreeIrp(Irp);

    Device->Flags ^= DO_BUFFERED_IO | DO_DIRECT_IO;
    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_READ, Device, Data, sizeof Data, &Offset, NULL);
    EXPECT(Irp->MdlAddress != NULL && MmGetMdlByteCount(Irp->MdlAddress) == sizeof Data);
    EXPECT(Irp->MdlAddress->MdlFlags & MDL_PAGES_LOCKED);
    MmUnlockPages(Irp->MdlAddress);
    IoFreeMdl(Irp->MdlAddress);
    IoFreeIrp(Irp);

    Device->Flags &= ~DO_DIRECT_IO;
    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_READ, Device, Data, sizeof Data, &Offset, NULL);
    EXPECT(Irp->MdlAddress == NULL && Irp->UserBuffer == Data);
    IoFreeIrp(Irp);
    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, Device, NULL, 0, NULL, NULL);
    EXPECT(IoGetNextIrpStackLocation(Irp)->MajorFunction == IRP_MJ_FLUSH_BUFFERS);
    IoFreeIrp(Irp);
    IoDeleteDevice(Device);
}

static VOID
Resources(VOID)
{
    PAGED_LOOKASIDE_LIST List;
    ERESOURCE            Resource;
    PVOID                First, Second;

    ExInitializeResourceLite(&Resource);
    KeEnterCriticalRegion();
    EXPECT(ExAcquireResourceSharedLite(&Resource, TRUE));
    EXPECT(ExGetSharedWaiterCount(&Resource) == 0 && ExGetExclusiveWaiterCount(&Resource) == 0);
    EXPECT(ExIsResourceAcquiredSharedLite(&Resource) == 1);
    EXPECT(!ExAcquireResourceExclusiveLite(&Resource, FALSE));
    ExReleaseResourceForThreadLite(&Resource, ExGetCurrentResourceThread());
    EXPECT(ExIsResourceAcquiredSharedLite(&Resource) == 0);
    KeLeaveCriticalRegion();
    EXPECT(ExDeleteResourceLite(&Resource) == STATUS_SUCCESS);

    ExInitializePagedLookasideList(&List, NULL, NULL, 0, 100, KT_TAG, 0);
    First = ExAllocateFromPagedLookasideList(&List);
    EXPECT(First != NULL);
    ExFreeToPagedLookasideList(&List, First);
    Second = ExAllocateFromPagedLookasideList(&List);
    EXPECT(Second == First && List.L.TotalAllocates == 2);
    ExFreeToPagedLookasideList(&List, Second);
    ExDeletePagedLookasideList(&List);
}

static VOID
Images(VOID)
{
    PVOID Handle = MmLockPagableDataSection(&KtDriver);

    EXPECT(Handle != NULL);
    MmUnlockPagableImageSection(Handle);
    EXPECT(MmPageEntireDriver((PVOID)(ULONG_PTR)Images) == KtDriver->DriverStart);
    EXPECT(MmGetSystemRoutineAddress(&(UNICODE_STRING)RTL_CONSTANT_STRING(L"ZwSetEvent"))
           == (PVOID)(ULONG_PTR)ZwSetEvent);
    EXPECT(MmGetSystemRoutineAddress(&(UNICODE_STRING)RTL_CONSTANT_STRING(L"NoSuchRoutine"))
           == NULL);
    EXPECT(HalMakeBeep(1000) && !HalMakeBeep(1) && !HalMakeBeep(0xFFFFFFFF) && HalMakeBeep(0));
}

static VOID
Views(VOID)
{
    LARGE_INTEGER     Size = { .QuadPart = 2 * PAGE_SIZE };
    OBJECT_ATTRIBUTES Attributes;
    PVOID             First = NULL, Second = NULL;
    SIZE_T            Length = 0;
    HANDLE            Section;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT(ZwCreateSection(&Section, SECTION_ALL_ACCESS, &Attributes, &Size, PAGE_READWRITE,
                           SEC_COMMIT, NULL) == STATUS_SUCCESS);
    EXPECT(ZwMapViewOfSection(Section, ZwCurrentProcess(), &First, 0, 0, NULL, &Length, ViewUnmap,
                              0, PAGE_READWRITE) == STATUS_SUCCESS && Length == 2 * PAGE_SIZE);
    Length = 0;
    EXPECT(ZwMapViewOfSection(Section, ZwCurrentProcess(), &Second, 0, 0, NULL, &Length, ViewUnmap,
                              0, PAGE_READONLY) == STATUS_SUCCESS && Second != First);
    *(PULONG)First = 4711;
    EXPECT(*(PULONG)Second == 4711);
    EXPECT(ZwUnmapViewOfSection(ZwCurrentProcess(), First) == STATUS_SUCCESS);
    EXPECT(ZwUnmapViewOfSection(ZwCurrentProcess(), First) == STATUS_NOT_MAPPED_VIEW);
    ZwClose(Section);
    EXPECT(*(PULONG)Second == 4711);
    EXPECT(ZwUnmapViewOfSection(ZwCurrentProcess(), Second) == STATUS_SUCCESS);
}

static int
Print(PWSTR Buffer, size_t Count, PCWSTR Format, ...)
{
    va_list Arguments;
    int     Length;

    va_start(Arguments, Format);
    Length = _vsnwprintf(Buffer, Count, Format, Arguments);
    va_end(Arguments);
    return Length;
}

static VOID
Text(VOID)
{
    WCHAR          Buffer[8] = { [7] = L'#' };
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"ab");

    EXPECT(Print(Buffer, 8, L"%d-%s", 12, L"ab") == 5 && wcscmp(Buffer, L"12-ab") == 0);
    EXPECT(Print(Buffer, 8, L"%wZ%S", &Name, "cd") == 4 && wcscmp(Buffer, L"abcd") == 0);
    EXPECT(Print(Buffer, 7, L"%08x", 0x1234) == -1 && Buffer[7] == L'#');
    EXPECT(Print(Buffer, 7, L"%07x", 0x1234) == 7 && Buffer[6] == L'4' && Buffer[7] == L'#');
}

static const KT_TEST Tests[] = {
    { "Threads and processes tell their ids, stacks and versions", Threads },
    { "Named synchronization events are shared, set and go with their handles", Events },
    { "An IRP for asynchronous use is built as the device asks for", Asynchronous },
    { "Resources are released by owner; a paged lookaside list gives back what it got", Resources },
    { "Pageable code, routines by name, and the beep", Images },
    { "Views of a section show the same memory and outlive its handle", Views },
    { "Formatted text stops at the end of its buffer", Text },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    KtDriver = DriverObject;
    DriverObject->DriverUnload = Unload;
    KtRun("ktsmall", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
