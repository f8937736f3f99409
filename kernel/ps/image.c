/*
 * Filling a new process: ntdll.dll, the program's image, the PEB.
 *
 * ntdll is mapped first so that it gets the base its headers ask for: every process has it at the
 * same address, and the kernel remembers where user mode is entered (LdrInitializeThunk and its
 * kin) from the first process on.
 */
#include "ps/psp.h"
#include "ps/param.h"
#include "ps/image.h"

#define IMAGE_SUBSYSTEM_NATIVE      1           // mingw-w64's ntimage.h has no names for these
#define IMAGE_SUBSYSTEM_WINDOWS_CUI 3

extern PVOID PspNtdllBase;

/* Opens an image as a kernel handle, for reading. */
static NTSTATUS
PspOpenImage(PCUNICODE_STRING Name, PHANDLE File)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;

    InitializeObjectAttributes(&Attributes, (PUNICODE_STRING)Name,
                               OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwOpenFile(File, FILE_READ_DATA | FILE_EXECUTE | SYNCHRONIZE, &Attributes, &Iosb,
                      FILE_SHARE_READ,
        FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
}

static NTSTATUS
PspMapImage(PEPROCESS Process, PCUNICODE_STRING Name, PMM_IMAGE_INFORMATION Image)
{
    HANDLE   File;
    NTSTATUS Status = PspOpenImage(Name, &File);

    if (!NT_SUCCESS(Status))
        return Status;
    Status = MmMapUserImage(File, Image);
    ZwClose(File);
    if (NT_SUCCESS(Status))
        PsReportImage((PUNICODE_STRING)Name, Process, Image->Base, Image->Size);
    return Status;
}

/* Finds where the kernel enters user mode; once, from the first ntdll mapped. */
static NTSTATUS
PspFindEntries(PVOID Ntdll)
{
    static const struct { PCSTR Name; PVOID *Variable; } Entries[] = {
        { "LdrInitializeThunk",        &PspLdrInitializeThunk },
        { "RtlUserThreadStart",        &PspRtlUserThreadStart },
        { "KiUserExceptionDispatcher", &KeUserExceptionDispatcher },
        { "KiUserApcDispatcher",       &KeUserApcDispatcher },
    };
    ULONG    Index;
    NTSTATUS Status = STATUS_SUCCESS;

    if (PspNtdllBase != NULL)
        return Ntdll == PspNtdllBase ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES;

    __try {
        for (Index = 0; Index < RTL_NUMBER_OF(Entries); Index++) {
            *Entries[Index].Variable = RtlFindExportedRoutineByName(Ntdll, Entries[Index].Name,
                                                                    NULL);
            if (*Entries[Index].Variable == NULL) {
                DbgPrint("ntdll.dll does not export %s\n", Entries[Index].Name);
                return STATUS_ENTRYPOINT_NOT_FOUND;
            }
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (NT_SUCCESS(Status))
        PspNtdllBase = Ntdll;
    return Status;
}

static NTSTATUS
PspCreatePeb(PEPROCESS Process, PVOID ImageBase, const RTL_USER_PROCESS_PARAMETERS *Parameters)
{
    PRTL_USER_PROCESS_PARAMETERS Placed;
    PPEB     Peb = NULL;
    NTSTATUS Status;

    Status = PspPlaceParameters(Parameters, &Placed);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = MmAllocateUserMemory((PVOID *)&Peb, ROUND_UP(sizeof(PEB), PAGE_SIZE),
                                  MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!NT_SUCCESS(Status))
        return Status;
    __try {
        Peb->ImageBaseAddress = ImageBase;
        Peb->ProcessParameters = Placed;
        Peb->NumberOfProcessors = KeNumberProcessors;
        Peb->NtdllBase = PspNtdllBase;
        PsGetVersion(&Peb->OSMajorVersion, &Peb->OSMinorVersion, NULL, NULL);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    Process->Peb = Peb;
    return Status;
}

NTSTATUS
PspMapProgram(PEPROCESS Process, PCUNICODE_STRING ImageName,
              const RTL_USER_PROCESS_PARAMETERS *Parameters, PMM_IMAGE_INFORMATION Image)
{
    static const UNICODE_STRING NtdllName =
        RTL_CONSTANT_STRING(L"\\SystemRoot\\System32\\ntdll.dll");
    MM_IMAGE_INFORMATION Ntdll;
    KAPC_STATE ApcState;
    NTSTATUS   Status;

    KeStackAttachProcess(&Process->Pcb, &ApcState);
    Status = PspMapImage(Process, &NtdllName, &Ntdll);
    if (NT_SUCCESS(Status))
        Status = PspFindEntries(Ntdll.Base);
    if (NT_SUCCESS(Status))
        Status = PspMapImage(Process, ImageName, Image);
    if (NT_SUCCESS(Status) && Image->Subsystem != IMAGE_SUBSYSTEM_WINDOWS_CUI &&
        Image->Subsystem != IMAGE_SUBSYSTEM_NATIVE)
        Status = STATUS_INVALID_IMAGE_FORMAT;
    if (NT_SUCCESS(Status)) {
        Process->SectionBaseAddress = Image->Base;
        Status = PspCreatePeb(Process, Image->Base, Parameters);
    }
    KeUnstackDetachProcess(&ApcState);
    return Status;
}
