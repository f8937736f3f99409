/*
 * What the query services return, for the kernel and for programs: layouts as published for x64
 * Windows Server 2003. Include it after ntabi.h. mingw-w64's DDK headers have none of these; its
 * <winternl.h> has some, with most of the fields hidden, which is why that header is never
 * included together with this one.
 */
#pragma once

/* NtQuerySystemInformation, class 0 */
typedef struct _SYSTEM_BASIC_INFORMATION {
    ULONG     Reserved;
    ULONG     TimerResolution;              // in 100 ns
    ULONG     PageSize;
    ULONG     NumberOfPhysicalPages;
    ULONG     LowestPhysicalPageNumber;
    ULONG     HighestPhysicalPageNumber;
    ULONG     AllocationGranularity;
    ULONG_PTR MinimumUserModeAddress;
    ULONG_PTR MaximumUserModeAddress;
    ULONG_PTR ActiveProcessorsAffinityMask;
    CHAR      NumberOfProcessors;
} SYSTEM_BASIC_INFORMATION, *PSYSTEM_BASIC_INFORMATION;

/* Class 1 */
typedef struct _SYSTEM_PROCESSOR_INFORMATION {
    USHORT ProcessorArchitecture;           // PROCESSOR_ARCHITECTURE_AMD64
    USHORT ProcessorLevel;                  // family
    USHORT ProcessorRevision;               // model, stepping
    USHORT Reserved;
    ULONG  ProcessorFeatureBits;
} SYSTEM_PROCESSOR_INFORMATION, *PSYSTEM_PROCESSOR_INFORMATION;

/* Class 2: numbers since start-up; what is not counted here is 0 */
typedef struct _SYSTEM_PERFORMANCE_INFORMATION {
    LARGE_INTEGER IdleProcessTime;
    LARGE_INTEGER IoReadTransferCount, IoWriteTransferCount, IoOtherTransferCount;
    ULONG IoReadOperationCount, IoWriteOperationCount, IoOtherOperationCount;
    ULONG AvailablePages, CommittedPages, CommitLimit, PeakCommitment;
    ULONG PageFaultCount, CopyOnWriteCount, TransitionCount, CacheTransitionCount;
    ULONG DemandZeroCount, PageReadCount, PageReadIoCount, CacheReadCount, CacheIoCount;
    ULONG DirtyPagesWriteCount, DirtyWriteIoCount, MappedPagesWriteCount, MappedWriteIoCount;
    ULONG PagedPoolPages, NonPagedPoolPages;
    ULONG PagedPoolAllocs, PagedPoolFrees, NonPagedPoolAllocs, NonPagedPoolFrees;
    ULONG FreeSystemPtes, ResidentSystemCodePage, TotalSystemDriverPages, TotalSystemCodePages;
    ULONG NonPagedPoolLookasideHits, PagedPoolLookasideHits, AvailablePagedPoolPages;
    ULONG ResidentSystemCachePage, ResidentPagedPoolPage, ResidentSystemDriverPage;
    ULONG CacheManager[30];                 // there is none
    ULONG ContextSwitches, FirstLevelTbFills, SecondLevelTbFills, SystemCalls;
} SYSTEM_PERFORMANCE_INFORMATION, *PSYSTEM_PERFORMANCE_INFORMATION;

/* Class 3 */
typedef struct _SYSTEM_TIMEOFDAY_INFORMATION {
    LARGE_INTEGER BootTime;
    LARGE_INTEGER CurrentTime;
    LARGE_INTEGER TimeZoneBias;
    ULONG         TimeZoneId;
    ULONG         Reserved;
} SYSTEM_TIMEOFDAY_INFORMATION, *PSYSTEM_TIMEOFDAY_INFORMATION;

/*
 * Class 5: one after the other, NextEntryOffset apart; NumberOfThreads SYSTEM_THREAD_INFORMATION
 * follow each
 */
typedef struct _SYSTEM_THREAD_INFORMATION {
    LARGE_INTEGER KernelTime;
    LARGE_INTEGER UserTime;
    LARGE_INTEGER CreateTime;
    ULONG         WaitTime;
    PVOID         StartAddress;
    CLIENT_ID     ClientId;
    LONG          Priority;
    LONG          BasePriority;
    ULONG         ContextSwitches;
    ULONG         ThreadState;              // KTHREAD_STATE
    ULONG         WaitReason;               // KWAIT_REASON
} SYSTEM_THREAD_INFORMATION, *PSYSTEM_THREAD_INFORMATION;

typedef struct _SYSTEM_PROCESS_INFORMATION {
    ULONG          NextEntryOffset;         // 0 in the last one
    ULONG          NumberOfThreads;
    LARGE_INTEGER  Spare[3];
    LARGE_INTEGER  CreateTime;
    LARGE_INTEGER  UserTime;
    LARGE_INTEGER  KernelTime;
    // characters inside the caller's buffer; empty for the system process
    UNICODE_STRING ImageName;
    LONG           BasePriority;
    HANDLE         UniqueProcessId;
    HANDLE         InheritedFromUniqueProcessId;
    ULONG          HandleCount;
    ULONG          SessionId;
    ULONG_PTR      PageDirectoryBase;
    SIZE_T         PeakVirtualSize;
    SIZE_T         VirtualSize;
    ULONG          PageFaultCount;
    SIZE_T         PeakWorkingSetSize;
    SIZE_T         WorkingSetSize;
    SIZE_T         QuotaPeakPagedPoolUsage;
    SIZE_T         QuotaPagedPoolUsage;
    SIZE_T         QuotaPeakNonPagedPoolUsage;
    SIZE_T         QuotaNonPagedPoolUsage;
    SIZE_T         PagefileUsage;
    SIZE_T         PeakPagefileUsage;
    SIZE_T         PrivatePageCount;
    LARGE_INTEGER  IoCounters[6];
} SYSTEM_PROCESS_INFORMATION, *PSYSTEM_PROCESS_INFORMATION;

/* Class 8: one for each processor; KernelTime has IdleTime in it */
typedef struct _SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION {
    LARGE_INTEGER IdleTime, KernelTime, UserTime, DpcTime, InterruptTime;
    ULONG         InterruptCount;
} SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION, *PSYSTEM_PROCESSOR_PERFORMANCE_INFORMATION;

/* Class 9: a ULONG, NtGlobalFlag */

/* Class 11 */
/* Flags: a driver that is unloaded when the last file of its devices is closed */
#define LDRP_UNLOAD_IN_PROGRESS         0x00001000

typedef struct _RTL_PROCESS_MODULE_INFORMATION {
    HANDLE Section;
    PVOID  MappedBase;
    PVOID  ImageBase;
    ULONG  ImageSize;
    ULONG  Flags;
    USHORT LoadOrderIndex;
    USHORT InitOrderIndex;
    USHORT LoadCount;
    USHORT OffsetToFileName;
    CHAR   FullPathName[256];
} RTL_PROCESS_MODULE_INFORMATION, *PRTL_PROCESS_MODULE_INFORMATION;

typedef struct _RTL_PROCESS_MODULES {
    ULONG                          NumberOfModules;
    RTL_PROCESS_MODULE_INFORMATION Modules[1];
} RTL_PROCESS_MODULES, *PRTL_PROCESS_MODULES;

/* Class 16 */
typedef struct _SYSTEM_HANDLE_TABLE_ENTRY_INFO {
    USHORT UniqueProcessId;
    USHORT CreatorBackTraceIndex;
    UCHAR  ObjectTypeIndex;
    UCHAR  HandleAttributes;
    USHORT HandleValue;
    PVOID  Object;
    ULONG  GrantedAccess;
} SYSTEM_HANDLE_TABLE_ENTRY_INFO, *PSYSTEM_HANDLE_TABLE_ENTRY_INFO;

typedef struct _SYSTEM_HANDLE_INFORMATION {
    ULONG                          NumberOfHandles;
    SYSTEM_HANDLE_TABLE_ENTRY_INFO Handles[1];
} SYSTEM_HANDLE_INFORMATION, *PSYSTEM_HANDLE_INFORMATION;

/*
 * Class 17: the types one after the other, each followed by its objects; NextEntryOffset counts
 * from the start of the buffer and is 0 in the last one. Types that keep no list of their objects,
 * and types without any, are not among them.
 */
typedef struct _SYSTEM_OBJECTTYPE_INFORMATION {
    ULONG           NextEntryOffset;        // of the next type
    ULONG           NumberOfObjects;
    ULONG           NumberOfHandles;
    ULONG           TypeIndex;
    ULONG           InvalidAttributes;
    GENERIC_MAPPING GenericMapping;
    ULONG           ValidAccessMask;
    ULONG           PoolType;
    BOOLEAN         SecurityRequired;
    BOOLEAN         WaitableObject;
    UNICODE_STRING  TypeName;
} SYSTEM_OBJECTTYPE_INFORMATION, *PSYSTEM_OBJECTTYPE_INFORMATION;

typedef struct _SYSTEM_OBJECT_INFORMATION {
    ULONG          NextEntryOffset;         // of the type's next object
    PVOID          Object;
    HANDLE         CreatorUniqueProcess;
    USHORT         CreatorBackTraceIndex;
    USHORT         Flags;                   // 1: made, but not inserted yet
    LONG           PointerCount;
    LONG           HandleCount;
    ULONG          PagedPoolCharge;
    ULONG          NonPagedPoolCharge;
    HANDLE         ExclusiveProcessId;
    PVOID          SecurityDescriptor;
    UNICODE_STRING NameInfo;                // characters follow
} SYSTEM_OBJECT_INFORMATION, *PSYSTEM_OBJECT_INFORMATION;

/* Class 22 */
typedef struct _SYSTEM_POOLTAG {
    union {
        UCHAR Tag[4];
        ULONG TagUlong;
    };
    ULONG  PagedAllocs;
    ULONG  PagedFrees;
    SIZE_T PagedUsed;
    ULONG  NonPagedAllocs;
    ULONG  NonPagedFrees;
    SIZE_T NonPagedUsed;
} SYSTEM_POOLTAG, *PSYSTEM_POOLTAG;

typedef struct _SYSTEM_POOLTAG_INFORMATION {
    ULONG          Count;
    SYSTEM_POOLTAG TagInfo[1];
} SYSTEM_POOLTAG_INFORMATION, *PSYSTEM_POOLTAG_INFORMATION;

/* Class 23: one for each processor */
typedef struct _SYSTEM_INTERRUPT_INFORMATION {
    ULONG ContextSwitches, DpcCount, DpcRate, TimeIncrement, DpcBypassCount, ApcBypassCount;
} SYSTEM_INTERRUPT_INFORMATION, *PSYSTEM_INTERRUPT_INFORMATION;

/* Class 35 */
typedef struct _SYSTEM_KERNEL_DEBUGGER_INFORMATION {
    BOOLEAN KernelDebuggerEnabled;
    BOOLEAN KernelDebuggerNotPresent;
} SYSTEM_KERNEL_DEBUGGER_INFORMATION, *PSYSTEM_KERNEL_DEBUGGER_INFORMATION;

/* Class 64: class 16 with room for numbers beyond 65,535 */
typedef struct _SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX {
    PVOID     Object;
    ULONG_PTR UniqueProcessId;
    ULONG_PTR HandleValue;
    ULONG     GrantedAccess;
    USHORT    CreatorBackTraceIndex;
    USHORT    ObjectTypeIndex;
    ULONG     HandleAttributes;
    ULONG     Reserved;
} SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX, *PSYSTEM_HANDLE_TABLE_ENTRY_INFO_EX;

typedef struct _SYSTEM_HANDLE_INFORMATION_EX {
    ULONG_PTR                         NumberOfHandles;
    ULONG_PTR                         Reserved;
    SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX Handles[1];
} SYSTEM_HANDLE_INFORMATION_EX, *PSYSTEM_HANDLE_INFORMATION_EX;

/* Class 200 (ours): the kernel's command line, WCHARs with a terminating zero */
#define EtSystemCommandLine             200

/* NtQueryObject */
#define EtObjectBasicInformation        0
#define EtObjectNameInformation         1
#define EtObjectTypeInformation         2
#define EtObjectTypesInformation        3       // a ULONG64, their number, and one after the other
#define EtObjectHandleFlagInformation   4

#ifndef _NTIFS_INCLUDED_
typedef struct _OBJECT_BASIC_INFORMATION {
    ULONG         Attributes;
    ACCESS_MASK   GrantedAccess;
    ULONG         HandleCount;
    ULONG         PointerCount;
    ULONG         PagedPoolCharge;
    ULONG         NonPagedPoolCharge;
    ULONG         Reserved[3];
    ULONG         NameInfoSize;
    ULONG         TypeInfoSize;
    ULONG         SecurityDescriptorSize;
    LARGE_INTEGER CreationTime;
} OBJECT_BASIC_INFORMATION, *POBJECT_BASIC_INFORMATION;

typedef struct _OBJECT_NAME_INFORMATION {
    UNICODE_STRING Name;
} OBJECT_NAME_INFORMATION, *POBJECT_NAME_INFORMATION;
#endif

typedef struct _OBJECT_TYPE_INFORMATION {
    UNICODE_STRING  TypeName;
    ULONG           TotalNumberOfObjects;
    ULONG           TotalNumberOfHandles;
    ULONG           TotalPagedPoolUsage;
    ULONG           TotalNonPagedPoolUsage;
    ULONG           TotalNamePoolUsage;
    ULONG           TotalHandleTableUsage;
    ULONG           HighWaterNumberOfObjects;
    ULONG           HighWaterNumberOfHandles;
    ULONG           HighWaterPagedPoolUsage;
    ULONG           HighWaterNonPagedPoolUsage;
    ULONG           HighWaterNamePoolUsage;
    ULONG           HighWaterHandleTableUsage;
    ULONG           InvalidAttributes;
    GENERIC_MAPPING GenericMapping;
    ULONG           ValidAccessMask;
    BOOLEAN         SecurityRequired;
    BOOLEAN         MaintainHandleCount;
    ULONG           PoolType;
    ULONG           DefaultPagedPoolCharge;
    ULONG           DefaultNonPagedPoolCharge;
} OBJECT_TYPE_INFORMATION, *POBJECT_TYPE_INFORMATION;

typedef struct _OBJECT_HANDLE_FLAG_INFORMATION {
    BOOLEAN Inherit;
    BOOLEAN ProtectFromClose;
} OBJECT_HANDLE_FLAG_INFORMATION, *POBJECT_HANDLE_FLAG_INFORMATION;

/*
 * NtQueryDirectoryObject: an array that ends with an entry of empty names; characters follow in
 * the same buffer
 */
typedef struct _OBJECT_DIRECTORY_INFORMATION {
    UNICODE_STRING Name;
    UNICODE_STRING TypeName;
} OBJECT_DIRECTORY_INFORMATION, *POBJECT_DIRECTORY_INFORMATION;

/* NtQueryEvent, NtQueryMutant, NtQuerySemaphore, NtQueryTimer, class 0 each */
typedef struct _EVENT_BASIC_INFORMATION {
    ULONG EventType;                        // 0 notification, 1 synchronization
    LONG  EventState;
} EVENT_BASIC_INFORMATION, *PEVENT_BASIC_INFORMATION;

typedef struct _MUTANT_BASIC_INFORMATION {
    LONG    CurrentCount;
    BOOLEAN OwnedByCaller;
    BOOLEAN AbandonedState;
} MUTANT_BASIC_INFORMATION, *PMUTANT_BASIC_INFORMATION;

typedef struct _SEMAPHORE_BASIC_INFORMATION {
    LONG CurrentCount;
    LONG MaximumCount;
} SEMAPHORE_BASIC_INFORMATION, *PSEMAPHORE_BASIC_INFORMATION;

typedef struct _TIMER_BASIC_INFORMATION {
    LARGE_INTEGER RemainingTime;
    BOOLEAN       TimerState;
} TIMER_BASIC_INFORMATION, *PTIMER_BASIC_INFORMATION;

/*
 * NtQueryInformationProcess and NtSetInformationProcess. Longer ones: 0 PROCESS_BASIC_INFORMATION,
 * 1 QUOTA_LIMITS, 3 VM_COUNTERS, 4 KERNEL_USER_TIMES, 27 UNICODE_STRING and characters.
 */
#define EtProcessBasicInformation       0
#define EtProcessQuotaLimits            1       // and set
#define EtProcessVmCounters             3
#define EtProcessTimes                  4
#define EtProcessBasePriority           5       // set: LONG
#define EtProcessDebugPort              7       // HANDLE, 0: no debugger
#define EtProcessDefaultHardErrorMode   12      // and set: ULONG
#define EtProcessPriorityClass          18      // and set: BOOLEAN Foreground; UCHAR PriorityClass
#define EtProcessHandleCount            20      // ULONG
#define EtProcessAffinityMask           21      // set: KAFFINITY
#define EtProcessSessionInformation     24      // ULONG
#define EtProcessWow64Information       26      // ULONG_PTR
#define EtProcessImageFileName          27
#define EtProcessHandleTracing          32      // and set: nthtrace.h

#ifndef _NTIFS_INCLUDED_
typedef struct _PROCESS_BASIC_INFORMATION {
    NTSTATUS  ExitStatus;                   // STATUS_PENDING while it runs
    PPEB      PebBaseAddress;
    ULONG_PTR AffinityMask;
    LONG      BasePriority;
    ULONG_PTR UniqueProcessId;
    ULONG_PTR InheritedFromUniqueProcessId;
} PROCESS_BASIC_INFORMATION, *PPROCESS_BASIC_INFORMATION;

typedef struct _KERNEL_USER_TIMES {
    LARGE_INTEGER CreateTime, ExitTime, KernelTime, UserTime;
} KERNEL_USER_TIMES, *PKERNEL_USER_TIMES;

typedef struct _VM_COUNTERS {
    SIZE_T PeakVirtualSize, VirtualSize;
    ULONG  PageFaultCount;
    SIZE_T PeakWorkingSetSize, WorkingSetSize;
    SIZE_T QuotaPeakPagedPoolUsage, QuotaPagedPoolUsage;
    SIZE_T QuotaPeakNonPagedPoolUsage, QuotaNonPagedPoolUsage;
    SIZE_T PagefileUsage, PeakPagefileUsage;
} VM_COUNTERS, *PVM_COUNTERS;
#endif

/* NtQueryInformationThread and NtSetInformationThread; 1 is KERNEL_USER_TIMES. */
#define EtThreadBasicInformation        0
#define EtThreadTimes                   1
#define EtThreadPriority                2       // set: LONG
#define EtThreadBasePriority            3       // set: LONG, relative to the process' base
#define EtThreadAffinityMask            4       // set: KAFFINITY
#define EtThreadWin32StartAddress       9       // and set: PVOID
#define EtThreadAmILastThread           12      // ULONG: 1 if it is its process' last one
#define EtThreadIsIoPending             16      // ULONG
#define EtThreadIsTerminated            20      // ULONG
#define EtThreadSuspendCount            35      // ULONG

typedef struct _THREAD_BASIC_INFORMATION {
    NTSTATUS  ExitStatus;                   // STATUS_PENDING while it runs
    PVOID     TebBaseAddress;
    CLIENT_ID ClientId;
    ULONG_PTR AffinityMask;
    LONG      Priority;
    LONG      BasePriority;
} THREAD_BASIC_INFORMATION, *PTHREAD_BASIC_INFORMATION;

/* NtQueryVirtualMemory, class 0, returns the MEMORY_BASIC_INFORMATION of the public headers. */

/* NtShutdownSystem: Windows' actions, and two that end QEMU through isa-debug-exit for tests. */
#define EtShutdownNoReboot              0
#define EtShutdownReboot                1
#define EtShutdownPowerOff              2
#define EtShutdownTestPassed            0x100       // QEMU exits with 33
#define EtShutdownTestFailed            0x101       // QEMU exits with 35
