/*
 * Drivers' sins against reference counts: each must stop the machine with 0x18. The part of the
 * service's name behind the dash says which one DriverEntry commits.
 */
#include <ntifs.h>

DRIVER_INITIALIZE DriverEntry;

/* A routine that shall stand on the stack when the machine stops. */
#define SIN static DECLSPEC_NOINLINE VOID
#define STAY() __asm__ __volatile__("")

/* An event with one handle and one reference. */
static PVOID
MakeEvent(PHANDLE Handle)
{
    OBJECT_ATTRIBUTES Attributes;
    PVOID             Event = NULL;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    ObReferenceObjectByHandle(*Handle, 0, *ExEventObjectType, KernelMode, &Event, NULL);
    return Event;
}

/* The last reference goes at DISPATCH_LEVEL, so that the object is still there to be looked at. */
static PVOID
MakeDying(VOID)
{
    HANDLE Handle;
    PVOID  Event = MakeEvent(&Handle);
    KIRQL  Irql;

    ZwClose(Handle);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    ObDereferenceObject(Event);
    return Event;
}

SIN
BadBelow(VOID)
{
    ObDereferenceObject(MakeDying());
    STAY();
}

SIN
BadZero(VOID)
{
    ObReferenceObject(MakeDying());
    STAY();
}

SIN
BadOpen(VOID)
{
    HANDLE Handle;
    PVOID  Event = MakeEvent(&Handle);

    ObDereferenceObject(Event);
    ObDereferenceObject(Event);
    STAY();
}

SIN
BadObject(VOID)
{
    PUCHAR Block = ExAllocatePoolWithTag(NonPagedPool, 256, 'boaB');

    RtlZeroMemory(Block, 256);
    ObReferenceObject(Block + 128);
    STAY();
}

SIN
BadFreed(VOID)
{
    HANDLE Handle;
    PVOID  Event = MakeEvent(&Handle);

    ZwClose(Handle);
    ObDereferenceObject(Event);
    ObDereferenceObject(Event);
    STAY();
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static const struct { PCWSTR Name; VOID (*Sin)(VOID); } Sins[] = {
        { L"below", BadBelow }, { L"zero", BadZero }, { L"open", BadOpen },
        { L"object", BadObject }, { L"freed", BadFreed },
    };
    PCWSTR Word = RegistryPath->Buffer + RegistryPath->Length / sizeof(WCHAR);

    while (Word > RegistryPath->Buffer && Word[-1] != '-')
        Word--;
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Sins); Index++) {
        UNICODE_STRING Name, Wanted;

        RtlInitUnicodeString(&Name, Sins[Index].Name);
        Wanted.Buffer = (PWSTR)Word;
        Wanted.Length = Wanted.MaximumLength = (USHORT)((PUCHAR)RegistryPath->Buffer
            + RegistryPath->Length - (PUCHAR)Word);
        if (RtlEqualUnicodeString(&Name, &Wanted, TRUE))
            Sins[Index].Sin();
    }
    return STATUS_UNSUCCESSFUL;
}
