/*
 * Taking in what a caller gives: OBJECT_ATTRIBUTES and names, and giving back handles and bytes.
 *
 * The caller may be a program, and then every address is suspect and may change while it is read.
 * So each structure is probed, copied once into the kernel, and only the copy is looked at; a
 * fault on the way is the service's status. From kernel mode nothing is probed, and a bad pointer
 * faults as it should.
 *
 * A name is copied behind its UNICODE_STRING, either into a buffer that the routine's caller
 * brings (short names that are walked and forgotten) or into pool (names that an object will
 * keep). A Buffer is only believed for Length bytes; MaximumLength does not matter on the way in.
 *
 * On the way out a handle that cannot be written is closed again, so that a service with a bad
 * pointer leaves nothing behind.
 */
#include "kernel.h"
#include "ob/obp.h"

/*
 * Copies a name of Mode's caller; Captured->Buffer is Inline, pool, or NULL when the name is
 * empty.
 */
NTSTATUS
ObpCaptureName(PUNICODE_STRING Name, KPROCESSOR_MODE Mode, PUNICODE_STRING Captured, PWSTR Inline,
               ULONG Room)
{
    NTSTATUS       Status = STATUS_SUCCESS;
    UNICODE_STRING Given;
    PWSTR          Copy = NULL;

    *Captured = (UNICODE_STRING){ 0 };
    __try {
        if (Mode != KernelMode)
            EX_PROBE_READ(Name, sizeof(*Name), sizeof(ULONG));
        Given = *(volatile UNICODE_STRING *)Name;
        if (Given.Length == 0)
            return STATUS_SUCCESS;

        if (Given.Length & 1)
            return STATUS_OBJECT_NAME_INVALID;

        if (Mode != KernelMode)
            EX_PROBE_READ(Given.Buffer, Given.Length, sizeof(WCHAR));

        Copy = Given.Length <= Room * sizeof(WCHAR)
             ? Inline : ExAllocatePoolWithTag(PagedPool, Given.Length, TAG_OB_NAME);
        if (Copy == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;

        RtlCopyMemory(Copy, Given.Buffer, Given.Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
        if (Copy != NULL && Copy != Inline)
            ExFreePoolWithTag(Copy, TAG_OB_NAME);
        return Status;
    }
    Captured->Buffer = Copy;
    Captured->Length = Captured->MaximumLength = Given.Length;
    return STATUS_SUCCESS;
}

NTSTATUS
ObpCaptureAttributes(POBJECT_ATTRIBUTES Attributes, KPROCESSOR_MODE Mode,
                     POBJECT_CREATE_INFORMATION Info, PWSTR Inline, ULONG Room)
{
    OBJECT_ATTRIBUTES Given;

    *Info = (OBJECT_CREATE_INFORMATION){ .Mode = Mode };
    if (Attributes == NULL)
        return STATUS_SUCCESS;

    __try {
        if (Mode != KernelMode)
            EX_PROBE_READ(Attributes, sizeof(*Attributes), sizeof(ULONG));
        Given = *(volatile OBJECT_ATTRIBUTES *)Attributes;
        if (UNLIKELY(Given.SecurityQualityOfService != NULL)) {
            if (Mode != KernelMode)
                ProbeForRead(Given.SecurityQualityOfService, sizeof(Info->SecurityQos),
                             sizeof(ULONG));
            Info->SecurityQos = *(volatile SECURITY_QUALITY_OF_SERVICE *)
                Given.SecurityQualityOfService;
            if (Info->SecurityQos.Length != sizeof(Info->SecurityQos))
                return STATUS_INVALID_PARAMETER;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }

    if (Given.Length != sizeof(Given) || (Given.Attributes & ~OBJ_VALID_ATTRIBUTES) != 0)
        return STATUS_INVALID_PARAMETER;

    Info->RootDirectory = Given.RootDirectory;
    Info->Attributes    = Given.Attributes;
    Info->SecurityDescriptor = Given.SecurityDescriptor;
    if (Mode != KernelMode)
        Info->Attributes &= ~OBJ_KERNEL_HANDLE;

    if (Given.ObjectName != NULL)
        return ObpCaptureName(Given.ObjectName, Mode, &Info->Name, Inline, Room);
    return Given.RootDirectory == NULL ? STATUS_SUCCESS : STATUS_OBJECT_NAME_INVALID;
}

NTSTATUS
ObProbeOutput(PVOID Address, ULONG Size, KPROCESSOR_MODE Mode)
{
    if (Mode == KernelMode || Address == NULL)
        return STATUS_SUCCESS;

    __try {
        ProbeForWrite(Address, Size, sizeof(ULONG));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

NTSTATUS
ObProbeHandle(PHANDLE Handle, KPROCESSOR_MODE Mode)
{
    return Handle == NULL ? STATUS_ACCESS_VIOLATION : ObProbeOutput(Handle, sizeof(*Handle), Mode);
}

/* The end of a service that made a handle: Status is what making it said. */
NTSTATUS
ObReturnHandle(PHANDLE To, HANDLE Handle, KPROCESSOR_MODE Mode, NTSTATUS Status)
{
    if (!NT_SUCCESS(Status))
        return Status;

    __try {
        *To = Handle;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
        ObpCloseHandleInTable(ObpTableOfHandle(&Handle, KernelMode), Handle, KernelMode, TRUE);
    }
    return Status;
}

NTSTATUS
ObOpenService(PHANDLE Handle, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
              POBJECT_TYPE Type, PVOID ParseContext)
{
    KPROCESSOR_MODE Mode   = KeGetPreviousMode();
    NTSTATUS        Status = ObProbeHandle(Handle, Mode);
    HANDLE          New    = NULL;

    MAY_BLOCK();

    if (NT_SUCCESS(Status))
        Status = ObOpenObjectByName(Attributes, Type, Mode, NULL, Access, ParseContext, &New);
    return ObReturnHandle(Handle, New, Mode, Status);
}

NTSTATUS
ObInsertService(PVOID Object, ACCESS_MASK Access, PHANDLE Handle, KPROCESSOR_MODE Mode)
{
    HANDLE   New    = NULL;
    NTSTATUS Status = ObInsertObject(Object, NULL, Access, 0, NULL, &New);

    return ObReturnHandle(Handle, New, Mode, Status);
}

NTSTATUS
ObReturnBytes(PVOID Buffer, const VOID *Data, ULONG Size, PULONG ReturnLength, KPROCESSOR_MODE Mode)
{
    __try {
        if (Mode != KernelMode) {
            ProbeForWrite(Buffer, Size, Size < sizeof(ULONG) ? 1 : sizeof(ULONG));
            if (ReturnLength != NULL)
                ProbeForWrite(ReturnLength, sizeof(ULONG), sizeof(ULONG));
        }
        RtlCopyMemory(Buffer, Data, Size);
        if (ReturnLength != NULL)
            *ReturnLength = Size;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}
