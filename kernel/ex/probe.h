/*
 * ProbeForRead and ProbeForWrite for the few bytes that every service probes. What is right is
 * seen in line; anything else is left to the documented routines, which raise. Macros, because
 * clang calls nothing in line from a __try. The caller has stated its IRQL (below DISPATCH_LEVEL).
 */
#pragma once

#include "mm/mm.h"

/* Whether Length bytes at Address, of which there is one, are aligned user memory. */
#define EX_IS_USER_RANGE(Address, Length, Alignment)                                \
    (((ULONG_PTR)(Address) & ((Alignment) - 1)) == 0 &&                             \
     (ULONG_PTR)(Address) <= MM_USER_PROBE - (Length))

#define EX_PROBE_READ(Address, Length, Alignment)                                   \
    do {                                                                            \
        if (!EX_IS_USER_RANGE(Address, Length, Alignment))                          \
            ProbeForRead(Address, Length, Alignment);                               \
    } while (0)

/* Length is a constant: the first and the last byte are written. */
#define EX_PROBE_WRITE(Address, Length, Alignment)                                  \
    do {                                                                            \
        volatile UCHAR *First_ = (volatile UCHAR *)(Address);                       \
                                                                                    \
        if (!EX_IS_USER_RANGE(First_, Length, Alignment))                           \
            ProbeForWrite(Address, Length, Alignment);                              \
        *First_ = *First_;                                                          \
        First_[(Length) - 1] = First_[(Length) - 1];                                \
    } while (0)
