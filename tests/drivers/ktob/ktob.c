/*
 * ktob.sys: tests of the object manager that run when the driver is loaded. It unloads like any
 * other driver; the debug port has the verdicts, one line a promise, and "[done] ktob" at the
 * end.
 */
#include "ktob.h"

static ULONG KtFailed;

/* A sentence is printed once for a run of conditions that hold under it. */
VOID
KtCheck(BOOLEAN Holds, PCSTR Sentence, PCSTR Condition, ULONG Line)
{
    static PCSTR Last;

    if (!Holds) {
        KtFailed++;
        DbgPrint("[fail] %s: %s (line %lu)\n", Sentence, Condition, Line);
    } else if (Sentence != Last) {
        DbgPrint("[pass] %s\n", Sentence);
    }
    Last = Sentence;
}

PVOID
KtPeek(HANDLE Handle)
{
    PVOID Object = NULL;

    if (NT_SUCCESS(ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, NULL)))
        ObDereferenceObject(Object);
    return Object;
}

POBJECT_ATTRIBUTES
KtName(PCWSTR Name, ULONG Attributes, HANDLE Root)
{
    static UNICODE_STRING    String[4];
    static OBJECT_ATTRIBUTES Block[4];
    static ULONG             Next;
    ULONG                    Slot = Next++ % 4;

    if (Name != NULL)
        RtlInitUnicodeString(&String[Slot], Name);
    InitializeObjectAttributes(&Block[Slot], Name ? &String[Slot] : NULL,
                               Attributes | OBJ_KERNEL_HANDLE, Root, NULL);
    return &Block[Slot];
}

static VOID NTAPI
KtUnload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("ktob: unloaded\n");
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = KtUnload;
    KtRememberMemory();
    KtTestCounts();
    KtTestHandles();
    KtTestNames();
    KtTestDirectories();
    KtTestRaces();
    KtTestDeferred();
    KtTestMemory();
    DbgPrint("[done] ktob\n");
    return STATUS_SUCCESS;
}
