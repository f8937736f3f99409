/*
 * ntdll's own declarations: what its files offer each other and nobody else.
 *
 * A process begins in init.c (LdrInitializeThunk), which makes the heap, enters the two images
 * the kernel mapped (the program and ntdll) in the module lists and asks ldr.c to load what the
 * program imports. ldr.c keeps the lists, map.c brings a file into memory, snap.c binds imports,
 * tls.c gives threads their TLS blocks, except.c and dispatch.S receive exceptions and APCs from
 * the kernel, heap.c and critsec.c are what their names say.
 *
 * Locks: LdrpLoaderLock guards the module lists and every call of a DllMain; a heap's own lock is
 * a leaf.
 */
#pragma once

#include "sdk/ntapi.h"
#include "list.h"

#define LDRP_STATIC         0x0001      // reached from the program's imports: never unloaded
#define LDRP_ATTACHED       0x0002      // DllMain was told of the process
#define LDRP_EXE            0x0004
#define LDRP_KERNEL_MAPPED  0x0008      // mapped, relocated and protected by the kernel
#define LDRP_BOUND          0x0010      // imports are bound, or being bound

typedef BOOL (WINAPI *PDLL_INIT_ROUTINE)(PVOID Base, ULONG Reason, PVOID Reserved);

extern RTL_CRITICAL_SECTION LdrpLoaderLock;
extern PLDR_DATA_TABLE_ENTRY LdrpProgram;       // the .exe
extern PVOID LdrpNtdllBase;
extern BOOLEAN LdrpShutdownInProgress;          // the thread that ends the process is the only one
extern NTSTATUS LdrpExitStatus;                 // and it ends it with this

/* ldr.c */
PLDR_DATA_TABLE_ENTRY LdrpEnterModule(PVOID Base, PCWSTR BaseName, USHORT Length, ULONG Flags);
PLDR_DATA_TABLE_ENTRY LdrpFindByName(PCWSTR Name, USHORT Length);
PLDR_DATA_TABLE_ENTRY LdrpFindByBase(PVOID Base);
PLDR_DATA_TABLE_ENTRY LdrpFindByAddress(PVOID Address);
NTSTATUS LdrpLoadModule(PCWSTR Name, USHORT Length, ULONG Flags, PLDR_DATA_TABLE_ENTRY *Module);
VOID     LdrpDereferenceModule(PLDR_DATA_TABLE_ENTRY Module);
NTSTATUS LdrpCallInitRoutines(ULONG Reason);
VOID     LdrpCallOne(PLDR_DATA_TABLE_ENTRY Module, ULONG Reason, BOOL *Result);

/* map.c */
NTSTATUS LdrpMapFile(PCWSTR Name, USHORT Length, PVOID *Base);
NTSTATUS LdrpProtectSections(PVOID Base);
PIMAGE_NT_HEADERS LdrpHeaders(PVOID Base);
PVOID    LdrpDirectory(PVOID Base, ULONG Directory, PULONG Size);

/* snap.c */
NTSTATUS LdrpBindImports(PLDR_DATA_TABLE_ENTRY Module);
NTSTATUS LdrpResolve(PVOID Base, PCSTR Name, ULONG Ordinal, PVOID *Address);

/* tls.c */
NTSTATUS LdrpTlsAddModule(PLDR_DATA_TABLE_ENTRY Module);
NTSTATUS LdrpTlsInitializeThread(VOID);
VOID     LdrpTlsFreeThread(VOID);
VOID     LdrpTlsCallbacks(PLDR_DATA_TABLE_ENTRY Module, ULONG Reason);

/* heap.c */
VOID     RtlpRenewHeapLock(PVOID Heap);

/* debug.c: one sentence for a person, on standard error and on the debug port */
VOID     RtlpSay(PCSTR Format, ...);
PCSTR    RtlpProgramName(VOID);

/* user/lib/status.c */
PCSTR    RtlpStatusName(NTSTATUS Status);       // "STATUS_ACCESS_VIOLATION", or "unknown status"

/* except.c */
LONG     RtlpTopLevelFilter(PEXCEPTION_POINTERS Pointers);

/* environ.c */
NTSTATUS RtlpEnsureEnvironment(VOID);

/* kernel/rtl, host side */
BOOLEAN NTAPI RtlDispatchException(PEXCEPTION_RECORD Record, PCONTEXT Context);
BOOLEAN RtlpRelocateImage(PVOID ImageBase, ULONG64 PreferredBase, ULONG SizeOfImage);
PVOID NTAPI RtlFindExportedRoutineByName(PVOID ImageBase, PCSTR Name, PCSTR *Forwarder);
PVOID RtlpFindExportedRoutineByOrdinal(PVOID ImageBase, ULONG Ordinal, PCSTR *Forwarder);
typedef VOID (*PRTL_PUT_CHAR)(PVOID Context, WCHAR Character);
int RtlpFormat(PRTL_PUT_CHAR Put, PVOID Context, const char *Format, va_list Arguments);

/* C library routines that ntdll uses itself */
void  *memcpy(void *To, const void *From, size_t Size);
void  *memmove(void *To, const void *From, size_t Size);
void  *memset(void *To, int Value, size_t Size);
int    memcmp(const void *A, const void *B, size_t Size);
size_t strlen(const char *String);
size_t wcslen(const wchar_t *String);
