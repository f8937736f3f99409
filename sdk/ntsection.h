/* Sections, as published: what mingw-w64's headers leave out, for the kernel and for programs. */
#pragma once

enum { SectionBasicInformation, SectionImageInformation };

typedef struct _SECTION_BASIC_INFORMATION {
    PVOID         BaseAddress;
    ULONG         AllocationAttributes;
    LARGE_INTEGER MaximumSize;
} SECTION_BASIC_INFORMATION, *PSECTION_BASIC_INFORMATION;

typedef struct _SECTION_IMAGE_INFORMATION {
    PVOID   TransferAddress;
    ULONG   ZeroBits;
    SIZE_T  MaximumStackSize, CommittedStackSize;
    ULONG   SubSystemType;
    USHORT  SubSystemMinorVersion, SubSystemMajorVersion;
    ULONG   GpValue;
    USHORT  ImageCharacteristics, DllCharacteristics, Machine;
    BOOLEAN ImageContainsCode, ImageFlags;
    ULONG   LoaderFlags, ImageFileSize, CheckSum;
} SECTION_IMAGE_INFORMATION, *PSECTION_IMAGE_INFORMATION;

#ifndef _NTOSKRNL_
NTSTATUS NTAPI NtCreateSection(PHANDLE Section, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    PLARGE_INTEGER MaximumSize, ULONG Protect, ULONG AllocationAttributes, HANDLE File);
NTSTATUS NTAPI NtOpenSection(PHANDLE Section, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes);
NTSTATUS NTAPI NtMapViewOfSection(HANDLE Section, HANDLE Process, PVOID *Base, ULONG_PTR ZeroBits,
    SIZE_T CommitSize, PLARGE_INTEGER Offset, PSIZE_T ViewSize, ULONG Inherit,
    ULONG AllocationType, ULONG Protect);
NTSTATUS NTAPI NtUnmapViewOfSection(HANDLE Process, PVOID Base);
NTSTATUS NTAPI NtQuerySection(HANDLE Section, ULONG Class, PVOID Buffer, SIZE_T Length,
    PSIZE_T Needed);
NTSTATUS NTAPI NtExtendSection(HANDLE Section, PLARGE_INTEGER NewSize);
NTSTATUS NTAPI NtFlushVirtualMemory(HANDLE Process, PVOID *Base, PSIZE_T Size,
    PIO_STATUS_BLOCK Iosb);
#endif
