/*
 * What rtl/ offers to the kernel beyond the public Rtl* functions. The sources of rtl/ that deal
 * with strings, formatting and exceptions are compiled into ntdll too, so they call nothing of
 * the kernel but the few routines declared at the end as "supplied by the host" and keep no
 * global state.
 *
 * Exceptions travel so: a trap builds a CONTEXT and an EXCEPTION_RECORD and calls
 * RtlDispatchException, which walks the frames with RtlVirtualUnwind and asks each language
 * handler (__C_specific_handler). A handler that takes the exception calls RtlUnwindEx, which
 * runs the __finally blocks on the way and continues at the target frame.
 */
#pragma once

#ifndef _KERNEL_MODE_RTL_
#define _KERNEL_MODE_RTL_

#ifndef RUNTIME_FUNCTION_INDIRECT       /* winnt.h has these; the DDK headers do not */
#define RUNTIME_FUNCTION_INDIRECT 1

#define UNW_FLAG_NHANDLER   0
#define UNW_FLAG_EHANDLER   1
#define UNW_FLAG_UHANDLER   2
#define UNW_FLAG_CHAININFO  4

typedef struct _RUNTIME_FUNCTION {
    ULONG BeginAddress;
    ULONG EndAddress;
    ULONG UnwindData;
} RUNTIME_FUNCTION, *PRUNTIME_FUNCTION;

typedef struct _UNWIND_HISTORY_TABLE UNWIND_HISTORY_TABLE, *PUNWIND_HISTORY_TABLE;

typedef struct _KNONVOLATILE_CONTEXT_POINTERS {
    PM128A   FloatingContext[16];
    PULONG64 IntegerContext[16];
} KNONVOLATILE_CONTEXT_POINTERS, *PKNONVOLATILE_CONTEXT_POINTERS;

typedef struct _DISPATCHER_CONTEXT {
    ULONG64               ControlPc;
    ULONG64               ImageBase;
    PRUNTIME_FUNCTION     FunctionEntry;
    ULONG64               EstablisherFrame;
    ULONG64               TargetIp;
    PCONTEXT              ContextRecord;
    PEXCEPTION_ROUTINE    LanguageHandler;
    PVOID                 HandlerData;
    PUNWIND_HISTORY_TABLE HistoryTable;
    ULONG                 ScopeIndex;
    ULONG                 Fill0;
} DISPATCHER_CONTEXT, *PDISPATCHER_CONTEXT;
#endif

/* The exception bits that public headers of the DDK leave out. */
#ifndef EXCEPTION_UNWINDING
#define EXCEPTION_UNWINDING         0x02
#define EXCEPTION_EXIT_UNWIND       0x04
#define EXCEPTION_STACK_INVALID     0x08
#define EXCEPTION_NESTED_CALL       0x10
#define EXCEPTION_TARGET_UNWIND     0x20
#define EXCEPTION_COLLIDED_UNWIND   0x40
#define EXCEPTION_UNWIND            0x66
#endif
#ifndef EXCEPTION_EXECUTE_HANDLER
#define EXCEPTION_EXECUTE_HANDLER   1
#endif
#ifndef EXCEPTION_NONCONTINUABLE
#define EXCEPTION_NONCONTINUABLE    0x01
#endif

BOOLEAN NTAPI RtlDispatchException(PEXCEPTION_RECORD ExceptionRecord, PCONTEXT ContextRecord);
PEXCEPTION_ROUTINE NTAPI RtlVirtualUnwind(ULONG HandlerType, ULONG64 ImageBase, ULONG64 ControlPc,
    PRUNTIME_FUNCTION FunctionEntry, PCONTEXT ContextRecord, PVOID *HandlerData,
    PULONG64 EstablisherFrame, PKNONVOLATILE_CONTEXT_POINTERS ContextPointers);
VOID NTAPI RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
                       PVOID ReturnValue,
    PCONTEXT OriginalContext, PUNWIND_HISTORY_TABLE HistoryTable);
PRUNTIME_FUNCTION NTAPI RtlLookupFunctionEntry(ULONG64 ControlPc, PULONG64 ImageBase,
                                               PUNWIND_HISTORY_TABLE HistoryTable);
VOID NTAPI RtlCaptureContext(PCONTEXT ContextRecord);
DECLSPEC_NORETURN VOID NTAPI RtlRestoreContext(PCONTEXT ContextRecord,
                                               PEXCEPTION_RECORD ExceptionRecord);
VOID NTAPI RtlUnwind(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
                     PVOID ReturnValue);
DECLSPEC_NORETURN VOID NTAPI RtlRaiseStatus(NTSTATUS Status);
VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord);

PIMAGE_NT_HEADERS NTAPI RtlImageNtHeader(PVOID ImageBase);
PVOID NTAPI RtlImageDirectoryEntryToData(PVOID ImageBase, BOOLEAN MappedAsImage, USHORT Directory,
                                         PULONG Size);
PVOID NTAPI RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage);

/*
 * Finds an export by name. ImageBase is a mapped image whose headers were checked when it was
 * loaded. Returns its address, or NULL; a forwarder ("OTHER.Name") is returned through *Forwarder
 * when that is not NULL.
 */
PVOID NTAPI RtlFindExportedRoutineByName(PVOID ImageBase, PCSTR Name, PCSTR *Forwarder);
PVOID RtlpFindExportedRoutineByOrdinal(PVOID ImageBase, ULONG Ordinal, PCSTR *Forwarder);

/*
 * Relocates a mapped image from the base its headers name to ImageBase; FALSE if the table is
 * malformed.
 */
BOOLEAN RtlpRelocateImage(PVOID ImageBase, ULONG64 PreferredBase, ULONG SizeOfImage);

/*
 * vsnprintf's core: %c %s %d %i %u %x %X %p %o %ld %lld %I64 %wZ %Z %ws %S %ls %C, flags, width,
 * precision; no floating point in the kernel.
 */
typedef VOID (*PRTL_PUT_CHAR)(PVOID Context, WCHAR Character);
int RtlpFormat(PRTL_PUT_CHAR Put, PVOID Context, const char *Format, va_list Arguments);
int RtlpFormatWide(PRTL_PUT_CHAR Put, PVOID Context, const WCHAR *Format, va_list Arguments);

int _snprintf(char *Buffer, size_t Limit, const char *Format, ...);
int _snwprintf(wchar_t *Buffer, size_t Limit, const wchar_t *Format, ...);
int _vsnprintf(char *Buffer, size_t Limit, const char *Format, va_list Arguments);

/* ---- security: SIDs, ACLs, descriptors (sid.c, acl.c, secdesc.c, secset.c, sddl.c) ---- */

/* What a descriptor of either form consists of. A list that is present and NULL: see Control. */
typedef struct _RTL_SECURITY_PARTS {
    USHORT Control;
    PSID   Owner, Group;
    PACL   Dacl, Sacl;
} RTL_SECURITY_PARTS, *PRTL_SECURITY_PARTS;

BOOLEAN  RtlpSidFits(PSID Sid, ULONG Room);
BOOLEAN  RtlpAclFits(PACL Acl, ULONG Room);
ULONG    RtlpAclUsed(PACL Acl);
NTSTATUS RtlpAppendAce(PACL Acl, ULONG Revision, UCHAR Type, ULONG Flags, ACCESS_MASK Mask,
                       PSID Sid);
VOID     RtlpGetParts(PSECURITY_DESCRIPTOR Descriptor, PRTL_SECURITY_PARTS Parts);
NTSTATUS RtlpBuildDescriptor(const RTL_SECURITY_PARTS *Parts, PSECURITY_DESCRIPTOR Descriptor,
                             PULONG Length);

/* Descriptors and SIDs as text: see sddl.c. */
NTSTATUS NTAPI RtlpSddlToDescriptor(PCWSTR Text, PSECURITY_DESCRIPTOR *Descriptor, PULONG Length);
NTSTATUS NTAPI RtlpDescriptorToSddl(PSECURITY_DESCRIPTOR Descriptor,
                                    SECURITY_INFORMATION Information, PWSTR Buffer,
                                    PULONG Characters);
NTSTATUS NTAPI RtlpTextToSid(PCWSTR Text, PSID Sid, ULONG Room);

/* The sub-authorities, after 21, that all accounts of this machine have in common. */
#define RTL_MACHINE_ID  1970412, 3390218, 2003

/* What the DDK headers of mingw-w64 leave out, published all the same. */
BOOLEAN  NTAPI RtlValidAcl(PACL Acl);
BOOLEAN  NTAPI RtlFirstFreeAce(PACL Acl, PVOID *FirstFree);
NTSTATUS NTAPI RtlAddAccessAllowedAceEx(PACL Acl, ULONG AceRevision, ULONG AceFlags,
                                        ACCESS_MASK AccessMask, PSID Sid);

/* Supplied by the host (kernel: ke/ and mm/; ntdll: its own): */
// of the running thread; frames outside end a walk
BOOLEAN RtlpGetStackLimits(PULONG64 Low, PULONG64 High);
// base of the loaded image that holds Pc, or NULL
PVOID   RtlpFindImage(PVOID Pc, PULONG SizeOfImage);
DECLSPEC_NORETURN VOID RtlpUnhandledException(PEXCEPTION_RECORD ExceptionRecord,
                                              PCONTEXT ContextRecord);

#endif
