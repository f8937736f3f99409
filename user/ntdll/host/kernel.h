/*
 * Stands in for kernel/kernel.h when a source of kernel/rtl is compiled into ntdll: the same
 * public declarations, and the calling-context macros, which have nothing to check in a program.
 * user/ntdll is the "host" that rtl.h speaks of: it supplies RtlpGetStackLimits, RtlpFindImage,
 * the pool routines and RtlAssert.
 */
#pragma once

#ifndef _NTOSKRNL_
#define _NTOSKRNL_
#endif
#ifndef _NTSYSTEM_
#define _NTSYSTEM_
#endif

#include <ntifs.h>
#include <ntimage.h>
#include <stdarg.h>
#include <intrin.h>

#define IRQL_AT_MOST(Highest)   ((VOID)0)
#undef  PAGED_CODE
#define PAGED_CODE()            ((VOID)0)
#define MAY_BLOCK()             ((VOID)0)
#define INIT_CODE

#undef  ASSERT
#define ASSERT(Condition)                                                           \
    do {                                                                            \
        if (!(Condition))                                                           \
            RtlAssert((PVOID)#Condition, (PVOID)__FILE__, __LINE__, NULL);          \
    } while (0)

#define ROUND_UP(Value, Unit)   (((Value) + (Unit) - 1) & ~((ULONG_PTR)(Unit) - 1))
#define ROUND_DOWN(Value, Unit) ((Value) & ~((ULONG_PTR)(Unit) - 1))
