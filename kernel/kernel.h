/*
 * Included first by every file of the kernel: the public declarations, which are mingw-w64's, and
 * the few macros that state a routine's calling context and check it.
 *
 *   IRQL_AT_MOST(DISPATCH_LEVEL);     may be called at up to that IRQL
 *   PAGED_CODE();                     may be called below DISPATCH_LEVEL (touches pageable
 *                                     memory)
 *   MAY_BLOCK();                      may wait: below DISPATCH_LEVEL, no spin lock held
 *   UNIMPLEMENTED();                  names the routine on the debug port and returns the status
 *
 * They are always on: a violation is a bugcheck 0xC4 that names the routine, the IRQL and the
 * caller.
 */
#pragma once

#define _NTHALDLL_             /* the HAL and the C library's functions are part of this image */
#define _CRTIMP
#include <ntifs.h>
#include <ntimage.h>
#include <stdarg.h>
#include <intrin.h>

/* mingw-w64 declares these and leaves them to its library. */
#define _enable()       __asm__ __volatile__("sti" : : : "memory")
#define _disable()      __asm__ __volatile__("cli" : : : "memory")
#define __invlpg(Va)    __asm__ __volatile__("invlpg (%0)" : : "r"(Va) : "memory")

#define KERNEL_BASE_OF_SYSTEM   0xFFFF800000000000ULL

DECLSPEC_NORETURN VOID KiIrqlViolation(PCSTR Routine, KIRQL Highest, PVOID Caller);

#define IRQL_AT_MOST(Highest)                                                       \
    do {                                                                            \
        if (KeGetCurrentIrql() > (Highest))                                         \
            KiIrqlViolation(__func__, (Highest), __builtin_return_address(0));      \
    } while (0)

#undef  PAGED_CODE
#define PAGED_CODE()    IRQL_AT_MOST(APC_LEVEL)
#define MAY_BLOCK()     IRQL_AT_MOST(APC_LEVEL)

#define UNIMPLEMENTED()                                                             \
    (DbgPrint("%s: not implemented\n", __func__), STATUS_NOT_IMPLEMENTED)

#undef  ASSERT
#define ASSERT(Condition)                                                           \
    do {                                                                            \
        if (!(Condition))                                                           \
            RtlAssert((PVOID)#Condition, (PVOID)__FILE__, __LINE__, NULL);          \
    } while (0)

/* Code that runs only at start-up: its section is freed by MmInitializePhase1. */
#define INIT_CODE       __attribute__((section("INIT"), noinline))

#define ROUND_UP(Value, Unit)   (((Value) + (Unit) - 1) & ~((ULONG_PTR)(Unit) - 1))
#define ROUND_DOWN(Value, Unit) ((Value) & ~((ULONG_PTR)(Unit) - 1))
