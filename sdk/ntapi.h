/*
 * The system services and ntdll routines as programs call them: include this in place of
 * <windows.h> in a program that talks to the kernel directly. It brings <windows.h>, every
 * STATUS_ code, and the shared structures.
 *
 * The numbers and argument counts of the services are in kernel/ke/services.txt; the stubs are
 * generated from it.
 */
#pragma once

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#define WIN32_NO_STATUS
#include <windows.h>
#undef  WIN32_NO_STATUS
#include <ntstatus.h>
#include <stdarg.h>

#include "ntabi.h"
#include "ntsysinfo.h"

#ifndef NT_SUCCESS
#define NT_SUCCESS(Status)      ((NTSTATUS)(Status) >= 0)
#endif
#define NtCurrentProcess()      ((HANDLE)(LONG_PTR)-1)
#define NtCurrentThread()       ((HANDLE)(LONG_PTR)-2)
#define NtCurrentPeb()          (((PTEB)NtCurrentTeb())->ProcessEnvironmentBlock)

#ifndef OBJ_INHERIT
#define OBJ_INHERIT             0x00000002
#define OBJ_PERMANENT           0x00000010
#define OBJ_EXCLUSIVE           0x00000020
#define OBJ_CASE_INSENSITIVE    0x00000040
#define OBJ_OPENIF              0x00000080
#define OBJ_OPENLINK            0x00000100
#define OBJ_KERNEL_HANDLE       0x00000200
#define DUPLICATE_SAME_ATTRIBUTES 4
#endif

#ifndef InitializeObjectAttributes
#define InitializeObjectAttributes(p, n, a, r, s)                                               \
    do {                                                                                        \
        (p)->Length = sizeof(OBJECT_ATTRIBUTES);                                                \
        (p)->RootDirectory = (r);                                                               \
        (p)->Attributes = (a);                                                                  \
        (p)->ObjectName = (n);                                                                  \
        (p)->SecurityDescriptor = (s);                                                          \
        (p)->SecurityQualityOfService = NULL;                                                   \
    } while (0)
#endif

#define FILE_DIRECTORY_FILE             0x00000001
#define FILE_WRITE_THROUGH              0x00000002
#define FILE_SYNCHRONOUS_IO_ALERT       0x00000010
#define FILE_SYNCHRONOUS_IO_NONALERT    0x00000020
#define FILE_NON_DIRECTORY_FILE         0x00000040
#define FILE_DELETE_ON_CLOSE            0x00001000
#define FILE_OPEN_BY_FILE_ID            0x00002000

#define FILE_OPENED                     1           // IO_STATUS_BLOCK.Information of NtCreateFile
#define FILE_CREATED                    2
#define FILE_OVERWRITTEN                3

#ifndef EVENT_QUERY_STATE
#define EVENT_QUERY_STATE               0x0001
#endif
#ifndef SEMAPHORE_QUERY_STATE
#define SEMAPHORE_QUERY_STATE           0x0001
#endif
#define DIRECTORY_QUERY                 0x0001
#define DIRECTORY_TRAVERSE              0x0002
#define SYMBOLIC_LINK_QUERY             0x0001

/* FILE_INFORMATION_CLASS */
#define EtFileDirectoryInformation      1
#define EtFileBothDirectoryInformation  3
#define EtFileBasicInformation          4
#define EtFileStandardInformation       5
#define EtFileInternalInformation       6
#define EtFileNameInformation           9
#define EtFileRenameInformation         10
#define EtFileDispositionInformation    13
#define EtFilePositionInformation       14
#define EtFileAllInformation            18
#define EtFileAllocationInformation     19
#define EtFileEndOfFileInformation      20
#define EtFileCompletionInformation     30
#define EtFileAttributeTagInformation   35
#define EtFileIoCompletionNotificationInformation 41
#define EtFileIoPriorityHintInformation 43
/* FS_INFORMATION_CLASS */
#define EtFileFsVolumeInformation       1
#define EtFileFsSizeInformation         3
#define EtFileFsDeviceInformation       4
#define EtFileFsAttributeInformation    5
#define EtFileFsFullSizeInformation     7

typedef struct _FILE_BASIC_INFORMATION {
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime;
    ULONG         FileAttributes;
} FILE_BASIC_INFORMATION, *PFILE_BASIC_INFORMATION;

typedef struct _FILE_STANDARD_INFORMATION {
    LARGE_INTEGER AllocationSize, EndOfFile;
    ULONG         NumberOfLinks;
    BOOLEAN       DeletePending, Directory;
} FILE_STANDARD_INFORMATION, *PFILE_STANDARD_INFORMATION;

typedef struct _FILE_POSITION_INFORMATION {
    LARGE_INTEGER CurrentByteOffset;
} FILE_POSITION_INFORMATION, *PFILE_POSITION_INFORMATION;

typedef struct _FILE_DIRECTORY_INFORMATION {
    ULONG         NextEntryOffset, FileIndex;
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime;
    LARGE_INTEGER EndOfFile, AllocationSize;
    ULONG         FileAttributes, FileNameLength;
    WCHAR         FileName[1];
} FILE_DIRECTORY_INFORMATION, *PFILE_DIRECTORY_INFORMATION;

typedef struct _FILE_FS_DEVICE_INFORMATION {
    ULONG DeviceType, Characteristics;
} FILE_FS_DEVICE_INFORMATION, *PFILE_FS_DEVICE_INFORMATION;

typedef VOID (NTAPI *PIO_APC_ROUTINE)(PVOID ApcContext, PIO_STATUS_BLOCK Iosb, ULONG Reserved);
typedef VOID (NTAPI *PPS_APC_ROUTINE)(PVOID Argument1, PVOID Argument2, PVOID Argument3);
typedef VOID (NTAPI *PTIMER_APC_ROUTINE)(PVOID TimerContext, ULONG TimerLowValue,
    LONG TimerHighValue);

#include "ntfile.h"

/* Files and drivers */
NTSTATUS NTAPI NtClose(HANDLE Handle);
NTSTATUS NTAPI NtCreateFile(PHANDLE FileHandle, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    PIO_STATUS_BLOCK Iosb, PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
    ULONG Disposition, ULONG Options, PVOID EaBuffer, ULONG EaLength);
NTSTATUS NTAPI NtOpenFile(PHANDLE FileHandle, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    PIO_STATUS_BLOCK Iosb, ULONG ShareAccess, ULONG Options);
NTSTATUS NTAPI NtReadFile(HANDLE File, HANDLE Event, PIO_APC_ROUTINE Apc, PVOID ApcContext,
    PIO_STATUS_BLOCK Iosb, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key);
NTSTATUS NTAPI NtWriteFile(HANDLE File, HANDLE Event, PIO_APC_ROUTINE Apc, PVOID ApcContext,
    PIO_STATUS_BLOCK Iosb, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key);
NTSTATUS NTAPI NtDeviceIoControlFile(HANDLE File, HANDLE Event, PIO_APC_ROUTINE Apc,
    PVOID ApcContext, PIO_STATUS_BLOCK Iosb, ULONG Code, PVOID Input, ULONG InputLength,
    PVOID Output, ULONG OutputLength);
NTSTATUS NTAPI NtFsControlFile(HANDLE File, HANDLE Event, PIO_APC_ROUTINE Apc, PVOID ApcContext,
    PIO_STATUS_BLOCK Iosb, ULONG Code, PVOID Input, ULONG InputLength, PVOID Output,
    ULONG OutputLength);
NTSTATUS NTAPI NtQueryInformationFile(HANDLE File, PIO_STATUS_BLOCK Iosb, PVOID Buffer,
    ULONG Length, ULONG Class);
NTSTATUS NTAPI NtSetInformationFile(HANDLE File, PIO_STATUS_BLOCK Iosb, PVOID Buffer,
    ULONG Length, ULONG Class);
NTSTATUS NTAPI NtQueryVolumeInformationFile(HANDLE File, PIO_STATUS_BLOCK Iosb, PVOID Buffer,
    ULONG Length, ULONG Class);
NTSTATUS NTAPI NtQueryDirectoryFile(HANDLE File, HANDLE Event, PIO_APC_ROUTINE Apc,
    PVOID ApcContext, PIO_STATUS_BLOCK Iosb, PVOID Buffer, ULONG Length, ULONG Class,
    BOOLEAN Single, PUNICODE_STRING Mask, BOOLEAN Restart);
NTSTATUS NTAPI NtQueryAttributesFile(POBJECT_ATTRIBUTES Attributes,
    PFILE_BASIC_INFORMATION Information);
NTSTATUS NTAPI NtFlushBuffersFile(HANDLE File, PIO_STATUS_BLOCK Iosb);
NTSTATUS NTAPI NtDeleteFile(POBJECT_ATTRIBUTES Attributes);
NTSTATUS NTAPI NtCancelIoFile(HANDLE File, PIO_STATUS_BLOCK Iosb);
NTSTATUS NTAPI NtCancelIoFileEx(HANDLE File, PIO_STATUS_BLOCK Request, PIO_STATUS_BLOCK Iosb);
NTSTATUS NTAPI NtCancelSynchronousIoFile(HANDLE Thread, PIO_STATUS_BLOCK Request,
    PIO_STATUS_BLOCK Iosb);
NTSTATUS NTAPI NtLoadDriver(PUNICODE_STRING ServiceKey);
NTSTATUS NTAPI NtUnloadDriver(PUNICODE_STRING ServiceKey);

/* Dispatcher objects */
NTSTATUS NTAPI NtCreateEvent(PHANDLE Event, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    ULONG Type, BOOLEAN InitialState);
NTSTATUS NTAPI NtOpenEvent(PHANDLE Event, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes);
NTSTATUS NTAPI NtSetEvent(HANDLE Event, PLONG PreviousState);
NTSTATUS NTAPI NtResetEvent(HANDLE Event, PLONG PreviousState);
NTSTATUS NTAPI NtClearEvent(HANDLE Event);
NTSTATUS NTAPI NtPulseEvent(HANDLE Event, PLONG PreviousState);
NTSTATUS NTAPI NtQueryEvent(HANDLE Event, ULONG Class, PVOID Buffer, ULONG Length, PULONG Returned);
NTSTATUS NTAPI NtCreateMutant(PHANDLE Mutant, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    BOOLEAN InitialOwner);
NTSTATUS NTAPI NtOpenMutant(PHANDLE Mutant, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes);
NTSTATUS NTAPI NtReleaseMutant(HANDLE Mutant, PLONG PreviousCount);
NTSTATUS NTAPI NtQueryMutant(HANDLE Mutant, ULONG Class, PVOID Buffer, ULONG Length,
    PULONG Returned);
NTSTATUS NTAPI NtCreateSemaphore(PHANDLE Semaphore, ACCESS_MASK Access,
    POBJECT_ATTRIBUTES Attributes, LONG Count, LONG Maximum);
NTSTATUS NTAPI NtOpenSemaphore(PHANDLE Semaphore, ACCESS_MASK Access,
    POBJECT_ATTRIBUTES Attributes);
NTSTATUS NTAPI NtReleaseSemaphore(HANDLE Semaphore, LONG Count, PLONG PreviousCount);
NTSTATUS NTAPI NtQuerySemaphore(HANDLE Semaphore, ULONG Class, PVOID Buffer, ULONG Length,
    PULONG Returned);
NTSTATUS NTAPI NtCreateTimer(PHANDLE Timer, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    ULONG Type);
NTSTATUS NTAPI NtOpenTimer(PHANDLE Timer, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes);
NTSTATUS NTAPI NtSetTimer(HANDLE Timer, PLARGE_INTEGER DueTime, PTIMER_APC_ROUTINE Apc,
    PVOID Context, BOOLEAN Resume, LONG Period, PBOOLEAN PreviousState);
NTSTATUS NTAPI NtCancelTimer(HANDLE Timer, PBOOLEAN State);
NTSTATUS NTAPI NtQueryTimer(HANDLE Timer, ULONG Class, PVOID Buffer, ULONG Length, PULONG Returned);
NTSTATUS NTAPI NtWaitForSingleObject(HANDLE Object, BOOLEAN Alertable, PLARGE_INTEGER Timeout);
// WaitType: 0 all, 1 any
NTSTATUS NTAPI NtWaitForMultipleObjects(ULONG Count, PHANDLE Handles, ULONG WaitType,
    BOOLEAN Alertable, PLARGE_INTEGER Timeout);
NTSTATUS NTAPI NtSignalAndWaitForSingleObject(HANDLE Signal, HANDLE Object, BOOLEAN Alertable,
    PLARGE_INTEGER Timeout);
NTSTATUS NTAPI NtDelayExecution(BOOLEAN Alertable, PLARGE_INTEGER Interval);
NTSTATUS NTAPI NtYieldExecution(VOID);
ULONG NTAPI NtGetCurrentProcessorNumber(VOID);

/* Objects */
NTSTATUS NTAPI NtDuplicateObject(HANDLE SourceProcess, HANDLE Source, HANDLE TargetProcess,
    PHANDLE Target, ACCESS_MASK Access, ULONG Attributes, ULONG Options);
NTSTATUS NTAPI NtQueryObject(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length,
    PULONG Returned);
NTSTATUS NTAPI NtSetInformationObject(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length);
NTSTATUS NTAPI NtMakeTemporaryObject(HANDLE Handle);
NTSTATUS NTAPI NtMakePermanentObject(HANDLE Handle);
NTSTATUS NTAPI NtCreateDirectoryObject(PHANDLE Directory, ACCESS_MASK Access,
    POBJECT_ATTRIBUTES Attributes);
NTSTATUS NTAPI NtOpenDirectoryObject(PHANDLE Directory, ACCESS_MASK Access,
    POBJECT_ATTRIBUTES Attributes);
NTSTATUS NTAPI NtQueryDirectoryObject(HANDLE Directory, PVOID Buffer, ULONG Length,
    BOOLEAN Single, BOOLEAN Restart, PULONG Context, PULONG Returned);
NTSTATUS NTAPI NtCreateSymbolicLinkObject(PHANDLE Link, ACCESS_MASK Access,
    POBJECT_ATTRIBUTES Attributes, PUNICODE_STRING Target);
NTSTATUS NTAPI NtOpenSymbolicLinkObject(PHANDLE Link, ACCESS_MASK Access,
    POBJECT_ATTRIBUTES Attributes);
NTSTATUS NTAPI NtQuerySymbolicLinkObject(HANDLE Link, PUNICODE_STRING Target, PULONG Returned);

/* Processes and threads */
NTSTATUS NTAPI NtCreateUserProcess(PHANDLE Process, PHANDLE Thread, ACCESS_MASK ProcessAccess,
    ACCESS_MASK ThreadAccess, POBJECT_ATTRIBUTES ProcessAttributes,
        POBJECT_ATTRIBUTES ThreadAttributes,
    ULONG ProcessFlags, ULONG ThreadFlags, PRTL_USER_PROCESS_PARAMETERS Parameters,
        PVOID CreateInfo,
    PPS_ATTRIBUTE_LIST Attributes);
NTSTATUS NTAPI NtCreateThreadEx(PHANDLE Thread, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    HANDLE Process, PVOID Start, PVOID Parameter, ULONG Flags, SIZE_T ZeroBits, SIZE_T StackCommit,
    SIZE_T StackReserve, PPS_ATTRIBUTE_LIST AttributeList);
NTSTATUS NTAPI NtOpenProcess(PHANDLE Process, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    CLIENT_ID *Id);
NTSTATUS NTAPI NtOpenThread(PHANDLE Thread, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    CLIENT_ID *Id);
// NULL: the caller's other threads
NTSTATUS NTAPI NtTerminateProcess(HANDLE Process, NTSTATUS Status);
NTSTATUS NTAPI NtTerminateThread(HANDLE Thread, NTSTATUS Status);
NTSTATUS NTAPI NtSuspendThread(HANDLE Thread, PULONG PreviousCount);
NTSTATUS NTAPI NtResumeThread(HANDLE Thread, PULONG PreviousCount);
NTSTATUS NTAPI NtSuspendProcess(HANDLE Process);
NTSTATUS NTAPI NtResumeProcess(HANDLE Process);
NTSTATUS NTAPI NtQueryInformationProcess(HANDLE Process, ULONG Class, PVOID Buffer, ULONG Length,
    PULONG Returned);
NTSTATUS NTAPI NtSetInformationProcess(HANDLE Process, ULONG Class, PVOID Buffer, ULONG Length);
NTSTATUS NTAPI NtQueryInformationThread(HANDLE Thread, ULONG Class, PVOID Buffer, ULONG Length,
    PULONG Returned);
NTSTATUS NTAPI NtSetInformationThread(HANDLE Thread, ULONG Class, PVOID Buffer, ULONG Length);
NTSTATUS NTAPI NtContinue(PCONTEXT Context, BOOLEAN TestAlert);
NTSTATUS NTAPI NtRaiseException(PEXCEPTION_RECORD Record, PCONTEXT Context, BOOLEAN FirstChance);
NTSTATUS NTAPI NtAlertThread(HANDLE Thread);
NTSTATUS NTAPI NtTestAlert(VOID);
NTSTATUS NTAPI NtQueueApcThread(HANDLE Thread, PPS_APC_ROUTINE Routine, PVOID Argument1,
    PVOID Argument2, PVOID Argument3);

/* Memory */
NTSTATUS NTAPI NtAllocateVirtualMemory(HANDLE Process, PVOID *Base, ULONG_PTR ZeroBits,
    PSIZE_T Size, ULONG Type, ULONG Protect);
NTSTATUS NTAPI NtFreeVirtualMemory(HANDLE Process, PVOID *Base, PSIZE_T Size, ULONG Type);
NTSTATUS NTAPI NtProtectVirtualMemory(HANDLE Process, PVOID *Base, PSIZE_T Size, ULONG Protect,
    PULONG OldProtect);
NTSTATUS NTAPI NtQueryVirtualMemory(HANDLE Process, PVOID Base, ULONG Class, PVOID Buffer,
    SIZE_T Length, PSIZE_T Returned);
NTSTATUS NTAPI NtReadVirtualMemory(HANDLE Process, PVOID Base, PVOID Buffer, SIZE_T Size,
    PSIZE_T Done);
NTSTATUS NTAPI NtWriteVirtualMemory(HANDLE Process, PVOID Base, PVOID Buffer, SIZE_T Size,
    PSIZE_T Done);
NTSTATUS NTAPI NtFlushInstructionCache(HANDLE Process, PVOID Base, SIZE_T Size);

/* The system */
NTSTATUS NTAPI NtQuerySystemInformation(ULONG Class, PVOID Buffer, ULONG Length, PULONG Returned);
NTSTATUS NTAPI NtQuerySystemTime(PLARGE_INTEGER Time);
NTSTATUS NTAPI NtQueryPerformanceCounter(PLARGE_INTEGER Counter, PLARGE_INTEGER Frequency);
NTSTATUS NTAPI NtShutdownSystem(ULONG Action);
NTSTATUS NTAPI NtDisplayString(PUNICODE_STRING String);

/* ntdll: strings (kernel/rtl) */
VOID     NTAPI RtlInitUnicodeString(PUNICODE_STRING String, PCWSTR Source);
VOID     NTAPI RtlInitAnsiString(PANSI_STRING String, PCSTR Source);
NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING To, const ANSI_STRING *From,
    BOOLEAN Allocate);
NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING To, const UNICODE_STRING *From,
    BOOLEAN Allocate);
VOID     NTAPI RtlFreeUnicodeString(PUNICODE_STRING String);
VOID     NTAPI RtlFreeAnsiString(PANSI_STRING String);
BOOLEAN  NTAPI RtlEqualUnicodeString(PCUNICODE_STRING A, PCUNICODE_STRING B,
    BOOLEAN CaseInsensitive);
LONG     NTAPI RtlCompareUnicodeString(PCUNICODE_STRING A, PCUNICODE_STRING B,
    BOOLEAN CaseInsensitive);
WCHAR    NTAPI RtlUpcaseUnicodeChar(WCHAR Character);

/* ntdll: loader, start and end of threads, heap, locks */
NTSTATUS NTAPI LdrLoadDll(PWSTR SearchPath, PULONG Characteristics, PUNICODE_STRING Name,
    PVOID *Base);
NTSTATUS NTAPI LdrUnloadDll(PVOID Base);
NTSTATUS NTAPI LdrGetDllHandle(PWSTR SearchPath, PULONG Characteristics, PUNICODE_STRING Name,
    PVOID *Base);
NTSTATUS NTAPI LdrGetProcedureAddress(PVOID Base, PANSI_STRING Name, ULONG Ordinal, PVOID *Address);
#define LDR_LOCK_LOADER_LOCK_FLAG_RAISE_ON_ERRORS   1
#define LDR_LOCK_LOADER_LOCK_FLAG_TRY_ONLY          2
NTSTATUS NTAPI LdrLockLoaderLock(ULONG Flags, PULONG Disposition, PULONG_PTR Cookie);
NTSTATUS NTAPI LdrUnlockLoaderLock(ULONG Flags, ULONG_PTR Cookie);
VOID     NTAPI LdrShutdownProcess(VOID);
VOID     NTAPI LdrShutdownThread(VOID);
DECLSPEC_NORETURN VOID NTAPI RtlExitUserProcess(NTSTATUS Status);
DECLSPEC_NORETURN VOID NTAPI RtlExitUserThread(NTSTATUS Status);
NTSTATUS NTAPI RtlCreateUserThread(HANDLE Process, PVOID SecurityDescriptor, BOOLEAN Suspended,
    ULONG ZeroBits, SIZE_T StackReserve, SIZE_T StackCommit, PVOID Start, PVOID Parameter,
    PHANDLE Thread, CLIENT_ID *Id);
NTSTATUS NTAPI RtlCreateProcessParametersEx(PRTL_USER_PROCESS_PARAMETERS *Parameters,
    PUNICODE_STRING ImagePath, PUNICODE_STRING DllPath, PUNICODE_STRING CurrentDirectory,
    PUNICODE_STRING CommandLine, PVOID Environment, PUNICODE_STRING Title,
    PUNICODE_STRING Desktop, PUNICODE_STRING Shell, PUNICODE_STRING Runtime, ULONG Flags);
NTSTATUS NTAPI RtlDestroyProcessParameters(PRTL_USER_PROCESS_PARAMETERS Parameters);
BOOLEAN  NTAPI RtlDosPathNameToNtPathName_U(PCWSTR DosName, PUNICODE_STRING NtName,
    PWSTR *FilePart, PVOID Reserved);
ULONG    NTAPI RtlNtStatusToDosError(NTSTATUS Status);
ULONG    NTAPI RtlGetLastWin32Error(VOID);
VOID     NTAPI RtlSetLastWin32Error(ULONG Error);
NTSTATUS NTAPI RtlQueryEnvironmentVariable_U(PWSTR Environment, PUNICODE_STRING Name,
    PUNICODE_STRING Value);
NTSTATUS NTAPI RtlSetEnvironmentVariable(PWSTR *Environment, PUNICODE_STRING Name,
    PUNICODE_STRING Value);
PVOID    NTAPI RtlCreateHeap(ULONG Flags, PVOID Base, SIZE_T Reserve, SIZE_T Commit, PVOID Lock,
    PVOID Parameters);
PVOID    NTAPI RtlDestroyHeap(PVOID Heap);
PVOID    NTAPI RtlAllocateHeap(PVOID Heap, ULONG Flags, SIZE_T Size);
BOOLEAN  NTAPI RtlFreeHeap(PVOID Heap, ULONG Flags, PVOID Block);
PVOID    NTAPI RtlReAllocateHeap(PVOID Heap, ULONG Flags, PVOID Block, SIZE_T Size);
SIZE_T   NTAPI RtlSizeHeap(PVOID Heap, ULONG Flags, PVOID Block);
BOOLEAN  NTAPI RtlValidateHeap(PVOID Heap, ULONG Flags, PVOID Block);
BOOLEAN  NTAPI RtlLockHeap(PVOID Heap);
BOOLEAN  NTAPI RtlUnlockHeap(PVOID Heap);
VOID     NTAPI RtlAcquirePebLock(VOID);
VOID     NTAPI RtlReleasePebLock(VOID);
NTSTATUS NTAPI RtlInitializeCriticalSection(PRTL_CRITICAL_SECTION Section);
NTSTATUS NTAPI RtlInitializeCriticalSectionAndSpinCount(PRTL_CRITICAL_SECTION Section,
    ULONG SpinCount);
NTSTATUS NTAPI RtlEnterCriticalSection(PRTL_CRITICAL_SECTION Section);
NTSTATUS NTAPI RtlLeaveCriticalSection(PRTL_CRITICAL_SECTION Section);
BOOLEAN  NTAPI RtlTryEnterCriticalSection(PRTL_CRITICAL_SECTION Section);
NTSTATUS NTAPI RtlDeleteCriticalSection(PRTL_CRITICAL_SECTION Section);
PVOID    NTAPI RtlAddVectoredExceptionHandler(ULONG First, PVECTORED_EXCEPTION_HANDLER Handler);
ULONG    NTAPI RtlRemoveVectoredExceptionHandler(PVOID Handle);
LONG     NTAPI RtlUnhandledExceptionFilter(PEXCEPTION_POINTERS Pointers);
VOID     NTAPI RtlSetUnhandledExceptionFilter(PTOP_LEVEL_EXCEPTION_FILTER Filter);
VOID     NTAPI RtlRaiseStatus(NTSTATUS Status);
VOID     NTAPI RtlRaiseException(PEXCEPTION_RECORD Record);
NTSTATUS NTAPI RtlGetLastNtStatus(VOID);
ULONG    __cdecl DbgPrint(PCSTR Format, ...);

#ifdef __cplusplus
#error "Etude's own programs are C"
#endif
