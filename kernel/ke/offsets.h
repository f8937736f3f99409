/*
 * What the assembly sources know of the kernel's structures: offsets and bit values. trap.c
 * asserts every one of them against the C declarations, so a structure that moves breaks the
 * build and not a register.
 */
#pragma once

/* KTRAP_FRAME */
#define TF_XMM0             0x000
#define TF_MXCSR            0x060
#define TF_PREVIOUS_IRQL    0x064
#define TF_IS_SYSTEM_CALL   0x066
#define TF_FAULT_ADDRESS    0x068
#define TF_RAX              0x070
#define TF_RBX              0x0A8
#define TF_VECTOR           0x0E8
#define TF_RIP              0x0F8
#define TF_CS               0x100
#define TF_EFLAGS           0x108
#define TF_RSP              0x110
#define TF_LENGTH           0x120

/* PreviousIrql 0, PreviousMode UserMode, IsSystemCall TRUE: the four bytes at TF_PREVIOUS_IRQL */
#define TF_SYSTEM_CALL_MARK 0x00010100

/* KTHREAD */
#define TH_INITIAL_STACK    0x038
#define TH_NPX_AREA         0x040
#define TH_TEB              0x048
#define TH_KERNEL_STACK     0x050
#define TH_TRAP_FRAME       0x058
#define TH_PREVIOUS_MODE    0x060
#define TH_SERVICE_FRAME    0x068
#define TH_APC_PROCESS      0x098
#define TH_APC_PENDING      0x0A1           /* KernelApcPending and, one byte on, UserApcPending */

/* KPROCESS */
#define PR_DIRECTORY        0x018

/* KIPCR, behind gs */
#define PCR_SELF            0x018
#define PCR_CURRENT_PRCB    0x020
#define PCR_MXCSR           0x180
#define PCR_NUMBER          0x184
#define PCR_CURRENT_THREAD  0x188
#define PCR_USER_RSP        0x1A0
#define PCR_RSP_BASE        0x1A8
#define PCR_TSS             0x1C8
#define PCR_SYSTEM_CALLS    0x404
#define TSS_RSP0            0x004

/* Selectors */
#define SEL_R0_CODE         0x10
#define SEL_R3_DATA         0x2B
#define SEL_R3_CODE         0x33

#define MSR_EFER            0xC0000080
#define MSR_GS_BASE         0xC0000101
#define MSR_KERNEL_GS_BASE  0xC0000102

#define EFLAGS_IF           0x200
#define EFLAGS_AC           0x40000

/*
 * A system call takes at most this many arguments; the areas below the frames have room for the
 * ones on the stack.
 */
#define SERVICE_ARGUMENTS   16
#define SERVICE_AREA        (SERVICE_ARGUMENTS * 8)
/* Where KiServiceInternal's frame has the address it returns to. */
#define SERVICE_RETURN      (SERVICE_AREA + 0x10 + 0x18)

#define USER_PROBE_ADDRESS  0x000007FFFFFF0000
