/*
 * Tests of sections as drivers use them: made by pointer, mapped into system space and into the
 * process that starts this driver, locked and described by MDLs, refused.
 */
#include <ntifs.h>
#include "../ktest.h"

#define PAGES   5
#define SIZE    (PAGES * PAGE_SIZE - 100)

#ifndef SEC_IMAGE
#define SEC_IMAGE   0x1000000
#endif

NTKERNELAPI NTSTATUS NTAPI MmCreateSection(PVOID *Section, ACCESS_MASK Access,
    POBJECT_ATTRIBUTES Attributes, PLARGE_INTEGER Size, ULONG Protect, ULONG Kind, HANDLE Handle,
    PFILE_OBJECT File);
NTKERNELAPI NTSTATUS NTAPI MmMapViewOfSection(PVOID Section, PEPROCESS Process, PVOID *Base,
    ULONG_PTR ZeroBits, SIZE_T Commit, PLARGE_INTEGER Offset, PSIZE_T Size,
    SECTION_INHERIT Inherit, ULONG Type, ULONG Protect);
NTKERNELAPI NTSTATUS NTAPI MmUnmapViewOfSection(PEPROCESS Process, PVOID Base);
NTKERNELAPI NTSTATUS NTAPI MmUnmapViewInSystemSpace(PVOID Base);

static PVOID
Create(ULONG Kind, ULONG Protect)
{
    LARGE_INTEGER Size = { .QuadPart = SIZE };
    PVOID         Section = NULL;

    EXPECT(MmCreateSection(&Section, SECTION_ALL_ACCESS, NULL, &Size, Protect, Kind, NULL, NULL)
           == STATUS_SUCCESS);
    return Section;
}

/* A process with user space: the one whose thread calls; here the System process has none. */
static VOID
TestSystemSpace(VOID)
{
    PVOID  Section = Create(SEC_COMMIT, PAGE_READWRITE), First = NULL, Second = NULL;
    SIZE_T Size = 0, Small = PAGE_SIZE + 1, Large = SIZE + 1;

    EXPECT(MmMapViewInSystemSpace(Section, &First, &Size) == STATUS_SUCCESS);
    EXPECT(Size == PAGES * PAGE_SIZE && First != NULL);
    EXPECT(MmMapViewInSystemSpace(Section, &Second, &Small) == STATUS_SUCCESS);
    EXPECT(Small == 2 * PAGE_SIZE && Second != First);
    EXPECT(MmMapViewInSystemSpace(Section, &Second, &Large) == STATUS_INVALID_VIEW_SIZE
           && Second == NULL);
    EXPECT(MmMapViewInSystemSpace(Section, &Second, &Small) == STATUS_SUCCESS);
    for (ULONG Offset = 0; Offset < 2 * PAGE_SIZE; Offset += 100) {
        EXPECT(((PUCHAR)Second)[Offset] == 0);
        ((PUCHAR)First)[Offset] = (UCHAR)(Offset / 100 + 1);
        EXPECT(((PUCHAR)Second)[Offset] == (UCHAR)(Offset / 100 + 1));
    }
    // the view outlives the object
    ObDereferenceObject(Section);
    EXPECT(MmUnmapViewInSystemSpace(First) == STATUS_SUCCESS);
    EXPECT(((PUCHAR)Second)[100] == 2);
    EXPECT(MmUnmapViewInSystemSpace(Second) == STATUS_SUCCESS);
    EXPECT(MmUnmapViewInSystemSpace(Second) == STATUS_NOT_MAPPED_VIEW);
}

static VOID
TestType(VOID)
{
    UNICODE_STRING    Name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ktsection");
    OBJECT_ATTRIBUTES Attributes;
    LARGE_INTEGER     Size = { .QuadPart = SIZE };
    HANDLE            Handle, Again;
    PVOID             Object, Base = NULL;
    SIZE_T            View = 0;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT(ZwCreateSection(&Handle, SECTION_ALL_ACCESS, &Attributes, &Size, PAGE_READWRITE,
                           SEC_COMMIT, NULL) == STATUS_SUCCESS);
    EXPECT(ZwCreateSection(&Again, SECTION_ALL_ACCESS, &Attributes, &Size, PAGE_READWRITE,
                           SEC_COMMIT, NULL) == STATUS_OBJECT_NAME_COLLISION);
    EXPECT(ZwOpenSection(&Again, SECTION_MAP_READ, &Attributes) == STATUS_SUCCESS);
    EXPECT(ObReferenceObjectByHandle(Again, 0, *ExEventObjectType, KernelMode, &Object, NULL)
           == STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT(ObReferenceObjectByHandle(Again, SECTION_MAP_WRITE, NULL, UserMode, &Object, NULL)
           != STATUS_SUCCESS);
    EXPECT(ObReferenceObjectByHandle(Again, 0, NULL, KernelMode, &Object, NULL)
           == STATUS_SUCCESS);
    EXPECT(MmMapViewInSystemSpace(Object, &Base, &View) == STATUS_SUCCESS);
    ObDereferenceObject(Object);
    ZwClose(Again);
    ZwClose(Handle);
    EXPECT(ZwOpenSection(&Again, SECTION_MAP_READ, &Attributes) == STATUS_OBJECT_NAME_NOT_FOUND);
    ((PUCHAR)Base)[SIZE] = 1;
    EXPECT(MmUnmapViewInSystemSpace(Base) == STATUS_SUCCESS);
}

static VOID
TestRefusals(VOID)
{
    static const struct { LONGLONG Size; ULONG Protect, Kind; NTSTATUS Status; } Tries[] = {
        { 0, PAGE_READWRITE, SEC_COMMIT, STATUS_INVALID_PARAMETER_4 },
        { -1, PAGE_READWRITE, SEC_COMMIT, STATUS_INVALID_PARAMETER_4 },
        { 100, 0, SEC_COMMIT, STATUS_INVALID_PAGE_PROTECTION },
        { 100, PAGE_NOACCESS, SEC_COMMIT, STATUS_INVALID_PAGE_PROTECTION },
        { 100, PAGE_READWRITE | PAGE_READONLY, SEC_COMMIT, STATUS_INVALID_PAGE_PROTECTION },
        { 100, PAGE_READWRITE | PAGE_GUARD, SEC_COMMIT, STATUS_INVALID_PAGE_PROTECTION },
        { 100, PAGE_READWRITE, 0, STATUS_INVALID_PARAMETER_6 },
        { 100, PAGE_READWRITE, SEC_COMMIT | SEC_RESERVE, STATUS_INVALID_PARAMETER_6 },
        { 100, PAGE_READWRITE, SEC_COMMIT | 0x200000, STATUS_INVALID_PARAMETER_6 },
        { 100, PAGE_READWRITE, SEC_IMAGE, STATUS_INVALID_FILE_FOR_SECTION },
        { 1LL << 60, PAGE_READWRITE, SEC_COMMIT, STATUS_SECTION_TOO_BIG },
        { 1LL << 33, PAGE_READWRITE, SEC_COMMIT, STATUS_COMMITMENT_LIMIT },
    };
    PVOID Section;

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Tries); Index++) {
        LARGE_INTEGER Size = { .QuadPart = Tries[Index].Size };
        NTSTATUS      Status = MmCreateSection(&Section, SECTION_ALL_ACCESS, NULL, &Size,
                                               Tries[Index].Protect, Tries[Index].Kind, NULL,
                                               NULL);

        EXPECT(Status == Tries[Index].Status && Section == NULL);
        if (Status != Tries[Index].Status)
            DbgPrint("try %u: %08x\n", Index, Status);
    }
}

static VOID
TestFile(VOID)
{
    UNICODE_STRING    Name = RTL_CONSTANT_STRING(L"\\SystemRoot\\System32\\drivers\\null.sys");
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    LARGE_INTEGER     Large = { .QuadPart = 1 << 24 };
    HANDLE            File;
    PVOID             Section, Base = NULL;
    SIZE_T            Size = 0;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    EXPECT(ZwOpenFile(&File, FILE_READ_DATA | SYNCHRONIZE, &Attributes, &Iosb, FILE_SHARE_READ,
                      FILE_SYNCHRONOUS_IO_NONALERT) == STATUS_SUCCESS);
    EXPECT(MmCreateSection(&Section, SECTION_ALL_ACCESS, NULL, &Large, PAGE_READONLY, SEC_COMMIT,
                           File, NULL) == STATUS_SECTION_TOO_BIG);
    EXPECT(MmCreateSection(&Section, SECTION_ALL_ACCESS, NULL, NULL, PAGE_READONLY, SEC_COMMIT,
                           File, NULL) == STATUS_SUCCESS);
    ZwClose(File);
    EXPECT(MmMapViewInSystemSpace(Section, &Base, &Size) == STATUS_SUCCESS);
    EXPECT(Base != NULL && ((PUCHAR)Base)[0] == 'M' && ((PUCHAR)Base)[1] == 'Z');
    EXPECT(MmUnmapViewInSystemSpace(Base) == STATUS_SUCCESS);
    ObDereferenceObject(Section);
}

static const KT_TEST Tests[] = {
    { "Views in system space share their pages and outlive the section", TestSystemSpace },
    { "A section has a name, rights and a type like any object", TestType },
    { "Sections that make no sense are refused with the documented status", TestRefusals },
    { "A file's contents are in its section, also when the file is closed", TestFile },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT Driver)
{
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    Driver->DriverUnload = Unload;
    KtRun("ktsection", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
