/*
 * Section objects: made, opened, asked. What they hold is in segment.c, how they are mapped in
 * view.c and mapsvc.c; section.h has the whole.
 *
 * A section on a file reads through a kernel handle of its own to the caller's file object, after
 * the caller's handle was found to have the rights that the protection needs. The file may be
 * closed afterwards.
 *
 * Refused: sections at an address of their own (SEC_BASED), large pages, and sections that would
 * write to a file (there is nothing to write to: files are read-only).
 */
#include "mm/section.h"
#include "mm/image.h"
#include "ob/ob.h"
#include "sdk/ntsection.h"

#define MI_SECTION_ATTRIBUTES   (SEC_COMMIT | SEC_RESERVE | SEC_IMAGE | SEC_NOCACHE | SEC_FILE)

POBJECT_TYPE MmSectionObjectType;

static VOID
MiDeleteSection(PVOID Object)
{
    PMI_SECTION Section = Object;

    if (Section->Segment != NULL)
        MiDereferenceSegment(Section->Segment);
}

INIT_CODE VOID
MmCreateSectionType(VOID)
{
    OBJECT_TYPE_INITIALIZER Type = {
        .GenericMapping    = { STANDARD_RIGHTS_READ | SECTION_QUERY | SECTION_MAP_READ,
                               STANDARD_RIGHTS_WRITE | SECTION_MAP_WRITE,
                               STANDARD_RIGHTS_EXECUTE | SECTION_MAP_EXECUTE, SECTION_ALL_ACCESS },
        .ValidAccessMask   = SECTION_ALL_ACCESS,
        .InvalidAttributes = OBJ_OPENLINK,
        .PoolType          = PagedPool,
        .DeleteProcedure   = MiDeleteSection,
    };

    if (!NT_SUCCESS(ObpCreateType(L"Section", &Type, 'tceS', OB_WAIT_NEVER, &MmSectionObjectType)))
        KeBugCheckEx(PHASE0_INITIALIZATION_FAILED, 2, 0, 0, 0);
}

/* What a section is to be; captured. */
typedef struct _MI_REQUEST {
    ULONG64 Size;                       // 0: the file's
    ULONG   Protection, Attributes;
    BOOLEAN HasFile;
} MI_REQUEST, *PMI_REQUEST;

static NTSTATUS
MiCheckRequest(PLARGE_INTEGER MaximumSize, ULONG Protect, ULONG Attributes, BOOLEAN HasFile,
               KPROCESSOR_MODE Mode, PMI_REQUEST Request)
{
    ULONG Kind = Attributes & (SEC_COMMIT | SEC_RESERVE | SEC_IMAGE);

    *Request = (MI_REQUEST){ .Attributes = Attributes, .HasFile = HasFile,
                             .Protection = MiEncodeProtection(Protect) };
    if ((Attributes & ~MI_SECTION_ATTRIBUTES) || Kind == 0 || (Kind & (Kind - 1)) != 0)
        return STATUS_INVALID_PARAMETER_6;
    if (Request->Protection == MI_INVALID_PROTECTION || (Request->Protection & MI_GUARD) ||
        (Request->Protection & 7) == MI_NOACCESS)
        return STATUS_INVALID_PAGE_PROTECTION;
    if ((Attributes & SEC_IMAGE) && !HasFile)
        return STATUS_INVALID_FILE_FOR_SECTION;
    if (Attributes & SEC_NOCACHE)
        Request->Protection |= MI_NOCACHE;
    __try {
        if (MaximumSize != NULL && Mode != KernelMode)
            ProbeForRead(MaximumSize, sizeof(*MaximumSize), sizeof(ULONG));
        if (MaximumSize != NULL)
            Request->Size = (ULONG64)((volatile LARGE_INTEGER *)MaximumSize)->QuadPart;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    if (!HasFile && (Request->Size == 0 || (LONG64)Request->Size < 0))
        return STATUS_INVALID_PARAMETER_4;
    if (HasFile && !(Attributes & SEC_IMAGE) && (Request->Protection & 3) == MI_READWRITE)
        return UNIMPLEMENTED();
    return STATUS_SUCCESS;
}

static NTSTATUS
MiCreateSegmentFor(PMI_REQUEST Request, PFILE_OBJECT File, PMI_SEGMENT *Segment)
{
    HANDLE   Handle;
    NTSTATUS Status;

    if (File == NULL)
        return MiCreateMemorySegment(Request->Size, (Request->Attributes & SEC_COMMIT) != 0,
                                     Segment);
    Status = ObOpenObjectByPointer(File, OBJ_KERNEL_HANDLE, NULL, FILE_READ_DATA | SYNCHRONIZE,
                                   *IoFileObjectType, KernelMode, &Handle);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiCreateFileSegment(Handle, &Request->Size, (Request->Attributes & SEC_IMAGE) != 0,
                                 Segment);
    ZwClose(Handle);
    return Status;
}

/* The object, not inserted yet. */
static NTSTATUS
MiCreateSection(POBJECT_ATTRIBUTES ObjectAttributes, PMI_REQUEST Request, PFILE_OBJECT File,
                KPROCESSOR_MODE Mode, PMI_SECTION *Result)
{
    PMI_SECTION Section;
    NTSTATUS    Status = ObCreateObject(Mode, MmSectionObjectType, ObjectAttributes, Mode, NULL,
                                        sizeof(*Section), 0, 0, (PVOID *)&Section);

    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiCreateSegmentFor(Request, File, &Section->Segment);
    if (!NT_SUCCESS(Status)) {
        Section->Segment = NULL;
        ObDereferenceObject(Section);
        return Status;
    }
    Section->Size = Request->Size;
    Section->Protection = Request->Protection;
    Section->Attributes = Request->Attributes | (File != NULL ? SEC_FILE : 0);
    *Result = Section;
    return STATUS_SUCCESS;
}

static NTSTATUS
MiReferenceFile(HANDLE FileHandle, PMI_REQUEST Request, KPROCESSOR_MODE Mode, PFILE_OBJECT *File)
{
    ACCESS_MASK Access = (Request->Protection & 7) >= MI_EXECUTE ? FILE_EXECUTE : FILE_READ_DATA;
    NTSTATUS    Status;

    *File = NULL;
    if (FileHandle == NULL)
        return STATUS_SUCCESS;
    Status = ObReferenceObjectByHandle(FileHandle, Access, *IoFileObjectType, Mode,
                                       (PVOID *)File, NULL);
    return Status == STATUS_OBJECT_TYPE_MISMATCH ? STATUS_INVALID_FILE_FOR_SECTION : Status;
}

/* Documented. PASSIVE_LEVEL. */
NTSTATUS NTAPI
NtCreateSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
                POBJECT_ATTRIBUTES ObjectAttributes, PLARGE_INTEGER MaximumSize,
                ULONG SectionPageProtection, ULONG AllocationAttributes, HANDLE FileHandle)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();
    PFILE_OBJECT    File = NULL;
    PMI_SECTION     Section;
    MI_REQUEST      Request;
    NTSTATUS        Status = ObProbeHandle(SectionHandle, Mode);

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = MiCheckRequest(MaximumSize, SectionPageProtection, AllocationAttributes,
                                FileHandle != NULL, Mode, &Request);
    if (NT_SUCCESS(Status))
        Status = MiReferenceFile(FileHandle, &Request, Mode, &File);
    if (NT_SUCCESS(Status))
        Status = MiCreateSection(ObjectAttributes, &Request, File, Mode, &Section);
    if (File != NULL)
        ObDereferenceObject(File);
    return NT_SUCCESS(Status) ? ObInsertService(Section, DesiredAccess, SectionHandle, Mode)
                              : Status;
}

/* A section without a name or a handle; the caller gets the reference. PASSIVE_LEVEL. */
NTSTATUS NTAPI
MmCreateSection(PVOID *SectionObject, ACCESS_MASK DesiredAccess,
                POBJECT_ATTRIBUTES ObjectAttributes, PLARGE_INTEGER InputMaximumSize,
                ULONG SectionPageProtection, ULONG AllocationAttributes, HANDLE FileHandle,
                PFILE_OBJECT FileObject)
{
    PFILE_OBJECT File = FileObject;
    MI_REQUEST   Request;
    NTSTATUS     Status = MiCheckRequest(InputMaximumSize, SectionPageProtection,
                                         AllocationAttributes,
                                         FileHandle != NULL || FileObject != NULL, KernelMode,
                                         &Request);

    PAGED_CODE();

    *SectionObject = NULL;
    if (NT_SUCCESS(Status) && File == NULL)
        Status = MiReferenceFile(FileHandle, &Request, KernelMode, &File);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiCreateSection(ObjectAttributes, &Request, File, KernelMode,
                             (PMI_SECTION *)SectionObject);
    if (File != NULL && FileObject == NULL)
        ObDereferenceObject(File);
    return Status;
}

NTSTATUS NTAPI
NtOpenSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
              POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenService(SectionHandle, DesiredAccess, ObjectAttributes, MmSectionObjectType,
                         NULL);
}

static NTSTATUS
MiDescribeImageSection(PMI_SECTION Section, PSECTION_IMAGE_INFORMATION Information)
{
    PIMAGE_OPTIONAL_HEADER Optional;
    MI_IMAGE               Image;
    NTSTATUS               Status;

    if (!(Section->Attributes & SEC_IMAGE))
        return STATUS_SECTION_NOT_IMAGE;
    Status = MiCheckImage(Section->Segment->ImageFile, Section->Segment->ImageFileSize, &Image);
    if (!NT_SUCCESS(Status))
        return Status;
    Optional = &Image.Nt->OptionalHeader;
    *Information = (SECTION_IMAGE_INFORMATION){
        .TransferAddress = (PVOID)(Optional->ImageBase + Optional->AddressOfEntryPoint),
        .MaximumStackSize = Optional->SizeOfStackReserve,
        .CommittedStackSize = Optional->SizeOfStackCommit,
        .SubSystemType = Optional->Subsystem,
        .SubSystemMinorVersion = Optional->MinorSubsystemVersion,
        .SubSystemMajorVersion = Optional->MajorSubsystemVersion,
        .ImageCharacteristics = Image.Nt->FileHeader.Characteristics,
        .DllCharacteristics = Optional->DllCharacteristics,
        .Machine = Image.Nt->FileHeader.Machine,
        .ImageContainsCode = Optional->SizeOfCode != 0,
        .ImageFileSize = (ULONG)Section->Segment->ImageFileSize,
        .CheckSum = Optional->CheckSum,
    };
    return STATUS_SUCCESS;
}

/*
 * System service: SectionBasicInformation, SectionImageInformation. STATUS_SECTION_NOT_IMAGE.
 */
NTSTATUS NTAPI
NtQuerySection(HANDLE SectionHandle, ULONG Class, PVOID Buffer, SIZE_T Length,
               PSIZE_T ReturnLength)
{
    union { SECTION_BASIC_INFORMATION Basic; SECTION_IMAGE_INFORMATION Image; } Answer;
    ULONG       Size = Class == SectionBasicInformation ? sizeof(Answer.Basic)
                                                        : sizeof(Answer.Image);
    PMI_SECTION Section;
    NTSTATUS    Status;

    PAGED_CODE();

    if (Class > SectionImageInformation)
        return STATUS_INVALID_INFO_CLASS;
    if (Length < Size)
        return STATUS_INFO_LENGTH_MISMATCH;
    Status = ObReferenceObjectByHandle(SectionHandle, SECTION_QUERY, MmSectionObjectType,
                                       KeGetPreviousMode(), (PVOID *)&Section, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Class == SectionImageInformation)
        Status = MiDescribeImageSection(Section, &Answer.Image);
    else
        Answer.Basic = (SECTION_BASIC_INFORMATION){
            .AllocationAttributes = Section->Attributes,
            .MaximumSize.QuadPart = (LONG64)Section->Size };
    ObDereferenceObject(Section);
    if (!NT_SUCCESS(Status))
        return Status;
    __try {
        if (KeGetPreviousMode() != KernelMode) {
            ProbeForWrite(Buffer, Size, sizeof(ULONG));
            if (ReturnLength != NULL)
                ProbeForWrite(ReturnLength, sizeof(*ReturnLength), sizeof(*ReturnLength));
        }
        RtlCopyMemory(Buffer, &Answer, Size);
        if (ReturnLength != NULL)
            *ReturnLength = Size;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}

/* Only a section on a file could grow, with its file; no file here does. */
NTSTATUS NTAPI
NtExtendSection(HANDLE SectionHandle, PLARGE_INTEGER NewSectionSize)
{
    PMI_SECTION Section;
    NTSTATUS    Status = ObReferenceObjectByHandle(SectionHandle, SECTION_EXTEND_SIZE,
                                                   MmSectionObjectType, KeGetPreviousMode(),
                                                   (PVOID *)&Section, NULL);

    if (!NT_SUCCESS(Status))
        return Status;
    ObDereferenceObject(Section);
    return STATUS_SECTION_NOT_EXTENDED;
}
