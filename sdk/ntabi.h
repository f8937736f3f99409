/*
 * The structures and numbers that Etude's kernel and its ntdll share and that mingw-w64's headers
 * do not publish in full: PEB, TEB, process parameters, the start of a process, information
 * classes. Field names and offsets are those of x64 Windows, as far as a program can reach them
 * (gs:[0x30], gs:[0x60], ...).
 *
 * Include it after <ntifs.h> (kernel) or <windows.h> (ntdll, kernel32, programs that call Nt*
 * directly), never together with <winternl.h>.
 */
#pragma once

#ifndef _NTIFS_INCLUDED_                /* set by kernel.h's user, ntifs.h */
#ifndef _NTDEF_
typedef LONG NTSTATUS, *PNTSTATUS;
typedef struct _UNICODE_STRING { USHORT Length, MaximumLength; PWSTR Buffer; } UNICODE_STRING;
typedef UNICODE_STRING *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;
typedef struct _ANSI_STRING { USHORT Length, MaximumLength; PCHAR Buffer; } ANSI_STRING;
typedef ANSI_STRING *PANSI_STRING;
typedef struct _OBJECT_ATTRIBUTES {
    ULONG Length; HANDLE RootDirectory; PUNICODE_STRING ObjectName; ULONG Attributes;
    PVOID SecurityDescriptor; PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;
typedef struct _CLIENT_ID { HANDLE UniqueProcess, UniqueThread; } CLIENT_ID, *PCLIENT_ID;
#endif
#ifndef _IO_STATUS_BLOCK_DEFINED
#define _IO_STATUS_BLOCK_DEFINED
typedef struct _IO_STATUS_BLOCK {
    union { NTSTATUS Status; PVOID Pointer; };
    ULONG_PTR Information;
} IO_STATUS_BLOCK, *PIO_STATUS_BLOCK;
#endif
#endif

typedef struct _CURDIR {
    UNICODE_STRING DosPath;
    HANDLE         Handle;
} CURDIR;

/*
 * One block: the strings' characters follow the structure; their Buffers are real pointers in the
 * process that owns it.
 */
typedef struct _RTL_USER_PROCESS_PARAMETERS {
    ULONG          MaximumLength;           // of the whole block, characters included
    ULONG          Length;
    ULONG          Flags;                   // RTL_USER_PROC_PARAMS_NORMALIZED
    ULONG          DebugFlags;
    HANDLE         ConsoleHandle;           // the console device's file, inherited; 0 if none
    ULONG          ConsoleFlags;
    HANDLE         StandardInput;
    HANDLE         StandardOutput;
    HANDLE         StandardError;
    CURDIR         CurrentDirectory;
    UNICODE_STRING DllPath;
    UNICODE_STRING ImagePathName;           // NT path of the image
    UNICODE_STRING CommandLine;
    PVOID          Environment;             // UTF-16 "NAME=value" strings and an empty one; or NULL
} RTL_USER_PROCESS_PARAMETERS, *PRTL_USER_PROCESS_PARAMETERS;

#define RTL_USER_PROC_PARAMS_NORMALIZED 1       // the Buffers are pointers, not offsets

typedef struct _PEB_LDR_DATA {
    ULONG      Length;
    BOOLEAN    Initialized;
    HANDLE     SsHandle;
    LIST_ENTRY InLoadOrderModuleList;
    LIST_ENTRY InMemoryOrderModuleList;
    LIST_ENTRY InInitializationOrderModuleList;
} PEB_LDR_DATA, *PPEB_LDR_DATA;

typedef struct _LDR_DATA_TABLE_ENTRY {
    LIST_ENTRY     InLoadOrderLinks;
    LIST_ENTRY     InMemoryOrderLinks;
    LIST_ENTRY     InInitializationOrderLinks;
    PVOID          DllBase;
    PVOID          EntryPoint;
    ULONG          SizeOfImage;
    UNICODE_STRING FullDllName;
    UNICODE_STRING BaseDllName;
    ULONG          Flags;
    USHORT         LoadCount;
    USHORT         TlsIndex;
} LDR_DATA_TABLE_ENTRY, *PLDR_DATA_TABLE_ENTRY;

typedef struct _PEB {
    BOOLEAN                      InheritedAddressSpace;         // 0x00
    BOOLEAN                      ReadImageFileExecOptions;
    BOOLEAN                      BeingDebugged;
    BOOLEAN                      BitField;
    HANDLE                       Mutant;                        // 0x08
    PVOID                        ImageBaseAddress;              // 0x10
    PPEB_LDR_DATA                Ldr;                           // 0x18
    PRTL_USER_PROCESS_PARAMETERS ProcessParameters;             // 0x20
    PVOID                        SubSystemData;
    PVOID                        ProcessHeap;                   // 0x30
    PVOID                        FastPebLock;                   // 0x38
    PVOID                        Reserved1[11];
    ULONG                        Reserved2[8];                  // 0x98
    ULONG                        NumberOfProcessors;            // 0xB8
    ULONG                        NtGlobalFlag;                  // 0xBC
    ULONG64                      Reserved3[12];
    ULONG                        OSMajorVersion;                // 0x120 (ours; 5.2, Server 2003)
    ULONG                        OSMinorVersion;
    PVOID                        NtdllBase;
    PVOID                        Reserved4[16];
} PEB, *PPEB;

typedef struct _TEB {
    NT_TIB    NtTib;                                            // 0x00; Self at 0x30
    PVOID     EnvironmentPointer;                               // 0x38
    CLIENT_ID ClientId;                                         // 0x40
    PVOID     ActiveRpcHandle;                                  // 0x50
    PVOID     ThreadLocalStoragePointer;                        // 0x58
    PPEB      ProcessEnvironmentBlock;                          // 0x60
    ULONG     LastErrorValue;                                   // 0x68
    ULONG     CountOfOwnedCriticalSections;                     // 0x6C
    UCHAR     Reserved1[0x1250 - 0x70];
    ULONG     LastStatusValue;                                  // 0x1250: behind LastErrorValue
    UCHAR     Reserved3[0x1480 - 0x1254];
    PVOID     TlsSlots[64];                                     // 0x1480
    LIST_ENTRY TlsLinks;                                        // 0x1680
    PVOID     DeallocationStack;                                // 0x1690: low end (ours)
    UCHAR     Reserved2[0x1800 - 0x1698];
} TEB, *PTEB;

/*
 * The first thread of a process starts at ntdll!LdrInitializeThunk(Context, NtdllBase), as every
 * later one does; Context (on the thread's stack) has Rip = ntdll!RtlUserThreadStart, Rcx = start
 * address, Rdx = parameter, and LdrInitializeThunk ends with NtContinue(Context, TRUE). The
 * kernel looks these up among ntdll's exports: LdrInitializeThunk, RtlUserThreadStart,
 * KiUserExceptionDispatcher, KiUserApcDispatcher.
 *
 * KiUserExceptionDispatcher: rsp -> CONTEXT (16-byte aligned), followed by EXCEPTION_RECORD at
 * rsp + sizeof(CONTEXT). KiUserApcDispatcher: rsp -> CONTEXT, whose P1Home..P4Home hold
 * NormalContext, SystemArgument1, SystemArgument2, NormalRoutine; it calls
 * NormalRoutine(NormalContext, Arg1, Arg2) and ends with NtContinue(Context, TRUE).
 */

/* NtCreateUserProcess: the documented PS_ATTRIBUTE_LIST, of which these attributes are known. */
typedef struct _PS_ATTRIBUTE {
    ULONG_PTR Attribute;
    SIZE_T    Size;
    union { ULONG_PTR Value; PVOID ValuePtr; };
    PSIZE_T   ReturnLength;
} PS_ATTRIBUTE, *PPS_ATTRIBUTE;

typedef struct _PS_ATTRIBUTE_LIST {
    SIZE_T       TotalLength;
    PS_ATTRIBUTE Attributes[1];
} PS_ATTRIBUTE_LIST, *PPS_ATTRIBUTE_LIST;

#define PS_ATTRIBUTE_CLIENT_ID      0x00010003      // out: CLIENT_ID of the first thread
#define PS_ATTRIBUTE_TEB_ADDRESS    0x00010004      // out
#define PS_ATTRIBUTE_TOKEN          0x00060002      // in: handle of a primary token
#define PS_ATTRIBUTE_IMAGE_NAME     0x00020005      // in: NT path of the image, UTF-16; required

#define PROCESS_CREATE_FLAGS_INHERIT_HANDLES    0x00000004
#define THREAD_CREATE_FLAGS_CREATE_SUSPENDED    0x00000001

/* SYSTEM_INFORMATION_CLASS values that NtQuerySystemInformation knows: */
#define EtSystemBasicInformation          0
#define EtSystemProcessorInformation      1
#define EtSystemPerformanceInformation    2
#define EtSystemTimeOfDayInformation      3
#define EtSystemProcessInformation        5
#define EtSystemProcessorTimes            8
#define EtSystemFlagsInformation          9
#define EtSystemModuleInformation         11
#define EtSystemHandleInformation         16
#define EtSystemObjectInformation         17
#define EtSystemPoolTagInformation        22
#define EtSystemInterruptInformation      23
#define EtSystemKernelDebuggerInformation 35
#define EtSystemExtendedHandleInformation 64
