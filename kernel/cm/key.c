/*
 * The services that open, make and delete keys.
 *
 * NtCreateKey opens a key, and makes it if only the last part of its name is missing. An open of
 * either kind is a walk of the object manager that ends in CmpParseKey. NtDeleteKey takes a key
 * out of the tree at once; handles to it stay valid but useless (STATUS_KEY_DELETED) until they
 * are closed.
 *
 * The registry lives in memory: NtFlushKey finds nothing that waits to be written.
 */
#include "cm/cmp.h"

#define CM_OPEN_OPTIONS     (REG_OPTION_BACKUP_RESTORE | REG_OPTION_OPEN_LINK)

/*
 * System service: STATUS_OBJECT_NAME_NOT_FOUND: it, or a key on the way, is not there;
 * STATUS_INVALID_PARAMETER: a name longer than 255 characters, unknown options.
 */
NTSTATUS NTAPI
NtOpenKeyEx(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
            ULONG OpenOptions)
{
    PAGED_CODE();

    if (OpenOptions & ~CM_OPEN_OPTIONS)
        return STATUS_INVALID_PARAMETER;
    return ObOpenService(KeyHandle, DesiredAccess, ObjectAttributes, CmpKeyObjectType, NULL);
}

NTSTATUS NTAPI
NtOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
    return NtOpenKeyEx(KeyHandle, DesiredAccess, ObjectAttributes, 0);
}

static NTSTATUS
CmpWriteDisposition(PULONG Disposition, ULONG Value)
{
    if (Disposition == NULL)
        return STATUS_SUCCESS;
    __try {
        *Disposition = Value;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/*
 * System service: as NtOpenKey, but a key that is not there is made, below one that is.
 * STATUS_CHILD_MUST_BE_VOLATILE: a lasting key below a volatile one. Disposition and Class may be
 * NULL. Links between keys do not exist.
 */
NTSTATUS NTAPI
NtCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
            ULONG TitleIndex, PUNICODE_STRING Class, ULONG CreateOptions, PULONG Disposition)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();
    CM_CREATE       Create = { .Options = CreateOptions, .TitleIndex = TitleIndex };
    HANDLE          Handle;
    NTSTATUS        Status = ObProbeHandle(KeyHandle, Mode);

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObProbeOutput(Disposition, sizeof *Disposition, Mode);
    if (!NT_SUCCESS(Status))
        return Status;
    if (CreateOptions & ~REG_LEGAL_OPTION)
        return STATUS_INVALID_PARAMETER;
    if (CreateOptions & REG_OPTION_CREATE_LINK)
        return UNIMPLEMENTED();

    Status = CmpCaptureString(Class, MAXUSHORT, &Create.Class);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObOpenObjectByName(ObjectAttributes, CmpKeyObjectType, Mode, NULL, DesiredAccess,
                                &Create, &Handle);
    if (NT_SUCCESS(Status)) {
        NTSTATUS Written = CmpWriteDisposition(Disposition, Create.Disposition);

        if (!NT_SUCCESS(Written))
            ObCloseHandle(Handle, Mode);
        Status = ObReturnHandle(KeyHandle, Handle, Mode, Written);
    }
    CmpFreeString(&Create.Class);
    return Status;
}

/*
 * System service: STATUS_CANNOT_DELETE: it has keys below it, or belongs to the system;
 * STATUS_KEY_DELETED: it is gone already.
 */
NTSTATUS NTAPI
NtDeleteKey(HANDLE KeyHandle)
{
    PCM_KEY  Key;
    NTSTATUS Status = CmpLockKey(KeyHandle, DELETE, &Key);

    if (!NT_SUCCESS(Status))
        return Status;
    Status = CmpDeleteNode(Key->Node);
    CmpUnlockKey(Key);
    return Status;
}

NTSTATUS NTAPI
NtFlushKey(HANDLE KeyHandle)
{
    PCM_KEY  Key;
    NTSTATUS Status = CmpLockKey(KeyHandle, 0, &Key);

    if (NT_SUCCESS(Status))
        CmpUnlockKey(Key);
    return Status;
}

ULONG
CmKeySerial(HANDLE Handle)
{
    ULONG   Serial;
    PCM_KEY Key;

    if (!NT_SUCCESS(CmpLockKey(Handle, 0, &Key)))
        return 0;
    Serial = Key->Node->Serial;
    CmpUnlockKey(Key);
    return Serial;
}
