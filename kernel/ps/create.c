/*
 * NtCreateUserProcess and NtCreateThreadEx: a program, and another thread in one.
 *
 * NtCreateUserProcess does in one call what takes several on older systems: process object,
 * images, PEB, first thread, two handles. Everything is captured before anything is made; a
 * failure at any step leaves no process behind.
 */
#include "ps/psp.h"
#include "ps/param.h"
#include "ps/image.h"

#define PSP_MAXIMUM_ATTRIBUTES 8

/* What a caller of NtCreateUserProcess asked for, captured. */
typedef struct _PSP_CREATE {
    UNICODE_STRING               ImageName;         // own pool, PSP_TAG_NAME
    PRTL_USER_PROCESS_PARAMETERS Parameters;        // own pool, PSP_TAG_PARAM
    PCLIENT_ID                   ClientId;          // where the caller wants the ids, or NULL
    PACCESS_TOKEN                Token;             // referenced, or NULL: the caller's
    BOOLEAN                      InheritHandles, Suspended;
} PSP_CREATE, *PPSP_CREATE;

static VOID
PspFreeCreate(PPSP_CREATE Create)
{
    if (Create->ImageName.Buffer != NULL)
        ExFreePoolWithTag(Create->ImageName.Buffer, PSP_TAG_NAME);
    if (Create->Parameters != NULL)
        ExFreePoolWithTag(Create->Parameters, PSP_TAG_PARAM);
    if (Create->Token != NULL)
        ObDereferenceObject(Create->Token);
}

/* One attribute of the list, already copied; its buffer is still the caller's. */
static NTSTATUS
PspCaptureAttribute(const PS_ATTRIBUTE *Attribute, KPROCESSOR_MODE Mode, PPSP_CREATE Create)
{
    switch (Attribute->Attribute) {
    case PS_ATTRIBUTE_IMAGE_NAME:
        if (Attribute->Size == 0 || Attribute->Size > 1024 || (Attribute->Size & 1) != 0 ||
            Create->ImageName.Buffer != NULL)
            return STATUS_INVALID_PARAMETER;
        if (Mode != KernelMode)
            ProbeForRead(Attribute->ValuePtr, Attribute->Size, sizeof(WCHAR));
        Create->ImageName.Buffer = ExAllocatePoolWithTag(PagedPool, Attribute->Size, PSP_TAG_NAME);
        if (Create->ImageName.Buffer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        Create->ImageName.Length = Create->ImageName.MaximumLength = (USHORT)Attribute->Size;
        RtlCopyMemory(Create->ImageName.Buffer, Attribute->ValuePtr, Attribute->Size);
        return STATUS_SUCCESS;

    case PS_ATTRIBUTE_CLIENT_ID:
        if (Attribute->Size != sizeof(CLIENT_ID))
            return STATUS_INVALID_PARAMETER;
        if (Mode != KernelMode)
            ProbeForWrite(Attribute->ValuePtr, sizeof(CLIENT_ID), sizeof(HANDLE));
        Create->ClientId = Attribute->ValuePtr;
        return STATUS_SUCCESS;

    case PS_ATTRIBUTE_TOKEN:
        if (Attribute->Size != sizeof(HANDLE) || Create->Token != NULL)
            return STATUS_INVALID_PARAMETER;
        return SeReferencePrimaryHandle((HANDLE)Attribute->Value, Mode, &Create->Token);

    default:
        DbgPrint("NtCreateUserProcess: attribute %Ix is not implemented\n", Attribute->Attribute);
        return STATUS_NOT_IMPLEMENTED;
    }
}

static NTSTATUS
PspCaptureCreate(PRTL_USER_PROCESS_PARAMETERS Parameters, PPS_ATTRIBUTE_LIST List,
                 KPROCESSOR_MODE Mode, PPSP_CREATE Create)
{
    PS_ATTRIBUTE Attribute;
    SIZE_T       Length, Count, Index;
    NTSTATUS     Status;

    Status = PspCaptureParameters(Parameters, Mode, &Create->Parameters);
    if (!NT_SUCCESS(Status))
        return Status;
    __try {
        if (Mode != KernelMode)
            ProbeForRead(List, sizeof(PS_ATTRIBUTE_LIST), sizeof(ULONG_PTR));
        Length = *(volatile SIZE_T *)&List->TotalLength;
        Count = (Length - FIELD_OFFSET(PS_ATTRIBUTE_LIST, Attributes)) / sizeof(PS_ATTRIBUTE);
        if (Length < sizeof(PS_ATTRIBUTE_LIST) || Count > PSP_MAXIMUM_ATTRIBUTES)
            return STATUS_INVALID_PARAMETER;
        if (Mode != KernelMode)
            ProbeForRead(List, Length, sizeof(ULONG_PTR));
        for (Index = 0; Index < Count && NT_SUCCESS(Status); Index++) {
            Attribute = *(volatile PS_ATTRIBUTE *)&List->Attributes[Index];
            Status = PspCaptureAttribute(&Attribute, Mode, Create);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (NT_SUCCESS(Status) && Create->ImageName.Buffer == NULL)
        Status = STATUS_INVALID_PARAMETER;
    return Status;
}

/*
 * The first thread of Process, which starts at the program's entry point with the PEB as its
 * argument.
 */
static NTSTATUS
PspCreateFirstThread(PEPROCESS Process, const MM_IMAGE_INFORMATION *Image, KPROCESSOR_MODE Mode,
    POBJECT_ATTRIBUTES Attributes, PETHREAD *Thread)
{
    PPSP_USER_START Start;
    NTSTATUS        Status;

    Start = ExAllocatePoolWithTag(NonPagedPool, sizeof *Start, PSP_TAG_PARAM);
    if (Start == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = PspCreateUserStack(Process, Image->EntryPoint, Process->Peb, Image->StackReserve,
                                Image->StackCommit, Start);
    if (NT_SUCCESS(Status))
        Status = PspCreateThread(Process, Mode, Attributes, Start, Image->EntryPoint,
                                 Process->Peb, Thread);
    ExFreePoolWithTag(Start, PSP_TAG_PARAM);
    return Status;
}

/*
 * Makes process and first thread, both referenced for the caller; the thread is not started yet.
 */
static NTSTATUS
PspCreateProgram(PEPROCESS Parent, PPSP_CREATE Create, KPROCESSOR_MODE Mode,
                 POBJECT_ATTRIBUTES ProcessAttributes, POBJECT_ATTRIBUTES ThreadAttributes,
                 PEPROCESS *Process, PETHREAD *Thread)
{
    MM_IMAGE_INFORMATION Image;
    NTSTATUS Status;

    Status = PspCreateProcess(Parent, &Create->ImageName, Create->InheritHandles, Mode,
                              ProcessAttributes, Create->Token, Process);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = PspMapProgram(*Process, &Create->ImageName, Create->Parameters, &Image);
    if (NT_SUCCESS(Status))
        Status = PspCreateFirstThread(*Process, &Image, Mode, ThreadAttributes, Thread);
    if (!NT_SUCCESS(Status)) {
        PspDestroyEmptyProcess(*Process, Status);
        ObDereferenceObject(*Process);
    }
    return Status;
}

/* Inserts Object, whose creator's reference the caller keeps, into the caller's handle table. */
static NTSTATUS
PspInsertHandle(PVOID Object, ACCESS_MASK Access, PHANDLE Handle)
{
    ObReferenceObject(Object);
    return ObInsertObject(Object, NULL, Access, 0, NULL, Handle);
}

/*
 * Writes what the caller gets; a fault here is his own and leaves the handles open in his table,
 * as on Windows.
 */
static NTSTATUS
PspReturnHandles(PHANDLE ProcessHandle, HANDLE Process, PHANDLE ThreadHandle, HANDLE Thread,
                 PCLIENT_ID ClientId, PETHREAD Object)
{
    __try {
        *ProcessHandle = Process;
        *ThreadHandle = Thread;
        if (ClientId != NULL)
            *ClientId = Object->Cid;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* Gives the caller handles to both and starts the thread, or ends the process. */
static NTSTATUS
PspPublishProgram(PEPROCESS Process, PETHREAD Thread, PPSP_CREATE Create,
                  ACCESS_MASK ProcessAccess, ACCESS_MASK ThreadAccess, PHANDLE ProcessHandle,
                  PHANDLE ThreadHandle)
{
    HANDLE   ProcessValue, ThreadValue;
    NTSTATUS Status;

    Status = PspInsertHandle(Process, ProcessAccess, &ProcessValue);
    if (NT_SUCCESS(Status)) {
        Status = PspInsertHandle(Thread, ThreadAccess, &ThreadValue);
        if (!NT_SUCCESS(Status))
            ObCloseHandle(ProcessValue, KernelMode);
    }
    if (NT_SUCCESS(Status))
        Status = PspReturnHandles(ProcessHandle, ProcessValue, ThreadHandle, ThreadValue,
                                  Create->ClientId, Thread);
    if (!NT_SUCCESS(Status)) {
        Thread->Terminated = TRUE;
        Thread->ExitStatus = Status;
    }
    PspStartThread(Thread, Create->Suspended && NT_SUCCESS(Status));
    return Status;
}

NTSTATUS NTAPI
NtCreateUserProcess(PHANDLE ProcessHandle, PHANDLE ThreadHandle, ACCESS_MASK ProcessAccess,
                    ACCESS_MASK ThreadAccess, POBJECT_ATTRIBUTES ProcessAttributes,
                    POBJECT_ATTRIBUTES ThreadAttributes, ULONG ProcessFlags, ULONG ThreadFlags,
                    PRTL_USER_PROCESS_PARAMETERS Parameters, PVOID CreateInfo,
                    PPS_ATTRIBUTE_LIST AttributeList)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PSP_CREATE Create =
        { .InheritHandles = (ProcessFlags & PROCESS_CREATE_FLAGS_INHERIT_HANDLES) != 0,
                          .Suspended = (ThreadFlags & THREAD_CREATE_FLAGS_CREATE_SUSPENDED) != 0 };
    PEPROCESS  Process;
    PETHREAD   Thread;
    NTSTATUS   Status;

    PAGED_CODE();

    if ((ProcessFlags & ~PROCESS_CREATE_FLAGS_INHERIT_HANDLES) != 0 ||
        (ThreadFlags & ~THREAD_CREATE_FLAGS_CREATE_SUSPENDED) != 0)
        return STATUS_INVALID_PARAMETER;
    if (Mode != KernelMode) {
        __try {
            ProbeForWrite(ProcessHandle, sizeof(HANDLE), sizeof(HANDLE));
            ProbeForWrite(ThreadHandle, sizeof(HANDLE), sizeof(HANDLE));
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            return GetExceptionCode();
        }
    }

    Status = PspCaptureCreate(Parameters, AttributeList, Mode, &Create);
    if (NT_SUCCESS(Status))
        Status = PspCreateProgram(PsGetCurrentProcess(), &Create, Mode, ProcessAttributes,
                                  ThreadAttributes, &Process, &Thread);
    if (NT_SUCCESS(Status)) {
        Status = PspPublishProgram(Process, Thread, &Create, ProcessAccess, ThreadAccess,
                                   ProcessHandle, ThreadHandle);
        ObDereferenceObject(Thread);
        ObDereferenceObject(Process);
    }
    PspFreeCreate(&Create);
    return Status;
}

/* The captured half of NtCreateThreadEx: a thread in Process, started. */
static NTSTATUS
PspCreateUserThread(PEPROCESS Process, POBJECT_ATTRIBUTES Attributes, ACCESS_MASK Access,
                    PVOID StartRoutine, PVOID Argument, SIZE_T Commit, SIZE_T Reserve,
                    BOOLEAN Suspended, PHANDLE Handle)
{
    PPSP_USER_START Start;
    PETHREAD        Thread;
    NTSTATUS        Status;

    if (Process->Peb == NULL)
        return STATUS_INVALID_PARAMETER;        // the System process runs no programs
    Start = ExAllocatePoolWithTag(NonPagedPool, sizeof *Start, PSP_TAG_PARAM);
    if (Start == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = PspCreateUserStack(Process, StartRoutine, Argument, Reserve, Commit, Start);
    if (NT_SUCCESS(Status))
        Status = PspCreateThread(Process, ExGetPreviousMode(), Attributes, Start, StartRoutine,
                                 Argument, &Thread);
    ExFreePoolWithTag(Start, PSP_TAG_PARAM);
    if (!NT_SUCCESS(Status))
        return Status;

    Status = PspInsertHandle(Thread, Access, Handle);
    if (!NT_SUCCESS(Status)) {
        Thread->Terminated = TRUE;
        Thread->ExitStatus = Status;
    }
    PspStartThread(Thread, Suspended && NT_SUCCESS(Status));
    ObDereferenceObject(Thread);
    return Status;
}

NTSTATUS NTAPI
NtCreateThreadEx(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess,
                 POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle, PVOID StartRoutine,
                 PVOID Argument, ULONG CreateFlags, SIZE_T ZeroBits, SIZE_T StackSize,
                 SIZE_T MaximumStackSize, PPS_ATTRIBUTE_LIST AttributeList)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PEPROCESS Process;
    HANDLE    Handle;
    NTSTATUS  Status;

    PAGED_CODE();

    if ((CreateFlags & ~THREAD_CREATE_FLAGS_CREATE_SUSPENDED) != 0 || AttributeList != NULL)
        return STATUS_INVALID_PARAMETER;
    if (Mode != KernelMode) {
        __try {
            ProbeForWrite(ThreadHandle, sizeof(HANDLE), sizeof(HANDLE));
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            return GetExceptionCode();
        }
    }
    Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_CREATE_THREAD, PspProcessType, Mode,
                                       (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = PspCreateUserThread(Process, ObjectAttributes, DesiredAccess, StartRoutine, Argument,
                                 StackSize,
        MaximumStackSize, (CreateFlags & THREAD_CREATE_FLAGS_CREATE_SUSPENDED) != 0, &Handle);
    ObDereferenceObject(Process);
    if (NT_SUCCESS(Status)) {
        __try {
            *ThreadHandle = Handle;
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Status = GetExceptionCode();
        }
    }
    return Status;
}
