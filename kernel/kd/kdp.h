/*
 * Private to kd/: the print ring as the debugger reads it, and the doors to the two UARTs.
 */
#pragma once

#include "kd/kd.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "rtl/rtl.h"

#define KD_RING_SIZE    0x10000         // a power of two
#define KD_LINE_SIZE    512             // what one DbgPrint can print

/*
 * The last KD_RING_SIZE characters of debug output: Written counts all there ever were, modulo
 * 2^32.
 */
typedef struct _KD_PRINT_RING {
    volatile LONG Written;
    CHAR          Text[KD_RING_SIZE];
} KD_PRINT_RING, *PKD_PRINT_RING;

/* A record of a COFF symbol table; the DDK headers have none. */
#pragma pack(push, 2)
typedef struct _COFF_SYMBOL {
    union {
        CHAR ShortName[8];
        struct {
            ULONG Zeroes;               // 0: the name is Offset bytes into the string table
            ULONG Offset;
        };
    };
    ULONG  Value;
    SHORT  SectionNumber;               // from 1
    USHORT Type;
    UCHAR  StorageClass;
    UCHAR  NumberOfAuxSymbols;
} COFF_SYMBOL, *PCOFF_SYMBOL;
#pragma pack(pop)
_Static_assert(sizeof(COFF_SYMBOL) == 18, "a COFF symbol has 18 bytes");

enum { COFF_CLASS_EXTERNAL = 2, COFF_CLASS_STATIC = 3, COFF_CLASS_LABEL = 6 };

extern KD_PRINT_RING KdPrintRing;

VOID KdpInitializeUarts(VOID);
VOID KdpPutUarts(PCSTR String);
