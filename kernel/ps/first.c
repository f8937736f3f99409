/*
 * The first program. It has no creator in user mode, so the kernel plays one: it builds the
 * parameter block a program would build and calls the same service, as a child of the System
 * process.
 */
#include "ps/psp.h"

NTSTATUS NTAPI ZwCreateUserProcess(PHANDLE ProcessHandle, PHANDLE ThreadHandle,
                                   ACCESS_MASK ProcessAccess, ACCESS_MASK ThreadAccess,
                                   POBJECT_ATTRIBUTES ProcessAttributes,
                                   POBJECT_ATTRIBUTES ThreadAttributes, ULONG ProcessFlags,
                                   ULONG ThreadFlags, PRTL_USER_PROCESS_PARAMETERS Parameters,
                                   PVOID CreateInfo, PPS_ATTRIBUTE_LIST AttributeList);

static PVOID
PspAppendString(PUNICODE_STRING String, PVOID Where, PCWSTR Text)
{
    SIZE_T Bytes = wcslen(Text) * sizeof(WCHAR);

    String->Buffer = Where;
    String->Length = (USHORT)Bytes;
    String->MaximumLength = (USHORT)(Bytes + sizeof(WCHAR));
    RtlCopyMemory(Where, Text, Bytes + sizeof(WCHAR));
    return (PUCHAR)Where + Bytes + sizeof(WCHAR);
}

INIT_CODE NTSTATUS
PsStartFirstProgram(PCWSTR ImagePath, PCWSTR CommandLine)
{
    static WCHAR Directory[] = L"\\SystemRoot\\System32\\";
    PRTL_USER_PROCESS_PARAMETERS Parameters;
    PS_ATTRIBUTE_LIST List;
    HANDLE   Process, Thread;
    PVOID    End;
    NTSTATUS Status;

    Parameters = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, PSP_TAG_PARAM);
    if (Parameters == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(Parameters, PAGE_SIZE);
    End = PspAppendString(&Parameters->ImagePathName, Parameters + 1, ImagePath);
    End = PspAppendString(&Parameters->CommandLine, End, CommandLine);
    End = PspAppendString(&Parameters->CurrentDirectory.DosPath, End, Directory);
    Parameters->Flags = RTL_USER_PROC_PARAMS_NORMALIZED;
    Parameters->MaximumLength = Parameters->Length = PAGE_SIZE;

    List.TotalLength = sizeof List;
    List.Attributes[0].Attribute = PS_ATTRIBUTE_IMAGE_NAME;
    List.Attributes[0].Size = Parameters->ImagePathName.Length;
    List.Attributes[0].ValuePtr = Parameters->ImagePathName.Buffer;
    List.Attributes[0].ReturnLength = NULL;

    Status = ZwCreateUserProcess(&Process, &Thread, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, NULL,
                                 NULL, 0, 0, Parameters,
        NULL, &List);
    ExFreePoolWithTag(Parameters, PSP_TAG_PARAM);
    if (NT_SUCCESS(Status)) {
        ZwClose(Thread);
        ZwClose(Process);
    }
    return Status;
}
