/*
 * What the lower half of ke/ (processors, traps, interrupts, the clock) shares among its own
 * files.
 */
#pragma once

#include "ke/ke.h"
#include "hal/hal.h"
#include "ke/offsets.h"

#define IST_STACK_SIZE      0x2000
#define IST_DOUBLE_FAULT    1
#define IST_NMI             2
#define IST_MACHINE_CHECK   3

#define EXCEPTION_VECTORS   0x20
#define FAST_FAIL_VECTOR    0x29
#define ASSERTION_VECTOR    0x2C

/* Vectors the processor defines */
enum {
    TrapDivide = 0, TrapDebug = 1, TrapNmi = 2, TrapBreakpoint = 3, TrapOverflow = 4, TrapBound = 5,
    TrapInvalidOpcode = 6, TrapNoCoprocessor = 7, TrapDoubleFault = 8, TrapGeneralProtection = 13,
    TrapPageFault = 14, TrapFloatingPoint = 16, TrapAlignment = 17, TrapMachineCheck = 18,
    TrapSimd = 19
};

#pragma pack(push, 1)
typedef struct _KTSS64 {
    ULONG   Reserved0;
    ULONG64 Rsp0, Rsp1, Rsp2;
    ULONG64 Reserved1;
    ULONG64 Ist[7];                             // Ist[n - 1] is what a gate calls n
    ULONG64 Reserved2;
    USHORT  Reserved3;
    USHORT  IoMapBase;
} KTSS64, *PKTSS64;
#pragma pack(pop)

typedef struct _KINTERRUPT_GATE {
    USHORT OffsetLow;
    USHORT Selector;
    UCHAR  IstIndex;
    UCHAR  Type;                                // GATE_KERNEL or GATE_USER
    USHORT OffsetMiddle;
    ULONG  OffsetHigh;
    ULONG  Reserved;
} KINTERRUPT_GATE, *PKINTERRUPT_GATE;

#pragma pack(push, 2)
typedef struct _KDESCRIPTOR {
    USHORT Limit;
    PVOID  Base;
} KDESCRIPTOR;
#pragma pack(pop)

/*
 * Everything a processor needs before it can take a trap; one static for the boot processor, pool
 * for the others.
 */
typedef struct DECLSPEC_ALIGN(64) _KPROCESSOR_STATE {
    KIPCR   Pcr;
    KTSS64  Tss;
    ULONG64 Gdt[10];
    PVOID   StackBase;                          // of the idle thread,
    ULONG   Number;                             // and the number: told to KiProcessorStartup

    /* A KTHREAD; what follows it in an ETHREAD reads as zero. */
    DECLSPEC_ALIGN(64) UCHAR IdleThread[PAGE_SIZE];
    DECLSPEC_ALIGN(64) UCHAR IstStacks[3][IST_STACK_SIZE];
} KPROCESSOR_STATE, *PKPROCESSOR_STATE;

/* trap.S: 16 bytes of code a vector */
extern UCHAR KiTrapStubs[];
extern UCHAR KiDoubleFault[], KiNmiInterrupt[], KiMachineCheck[];

/* trap.S, syscall.S: three-byte no-ops that become clac or stac on processors with SMAP. */
typedef struct _KI_PATCH {
    ULONG64 Address;
    ULONG64 Code;                               // the three bytes, first lowest
} KI_PATCH;
extern const KI_PATCH KiSmapPatches[];
extern const KI_PATCH KiSmapPatchesEnd[];

/* syscall.S */
extern UCHAR KiSystemCall64[];
extern UCHAR KiCopyArguments[], KiCopyArgumentsEnd[], KiCopyArgumentsFault[];
extern UCHAR KePeekUserLoad[], KePeekUserFault[];

/* swap.S */
extern UCHAR KiBootStackEnd[], KiBootStack[];
VOID KiThreadStartup(VOID);
VOID KiExceptionExit(VOID);

extern PKPROCESSOR_STATE KiProcessorState[MAXIMUM_KERNEL_PROCESSORS];

VOID KiInitializeIdtAndPatches(PLOADER_PARAMETER_BLOCK LoaderBlock);
VOID KiReserveStartPages(PLOADER_PARAMETER_BLOCK LoaderBlock);
VOID KiInterruptDispatch(PKTRAP_FRAME TrapFrame);
VOID KiIpiInterrupt(VOID);
VOID KiFreezeInterrupt(VOID);
VOID KiEnterIdle(PKPRCB Prcb);
VOID KiLeaveIdle(PKPRCB Prcb);
VOID KiFlushLocalTb(PVOID Address, BOOLEAN All);
VOID KiBecomeIdleThread(PKPRCB Prcb, PVOID StackBase, PVOID StackLimit);
VOID KiReturnToUser(PKTRAP_FRAME TrapFrame);
DECLSPEC_NORETURN VOID KiFatalTrap(PKTRAP_FRAME TrapFrame);

/*
 * Lets this thread reach user memory (no effect without SMAP); undone by the next trap's entry.
 */
static inline VOID KiAllowUserAccess(VOID)
{
    __writeeflags(__readeflags() | EFLAGS_AC);
}
