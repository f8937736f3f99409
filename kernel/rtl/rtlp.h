/*
 * Private to rtl/: the layout of x64 unwind information and the two assembly stubs that call a
 * language handler.
 *
 * A function's RUNTIME_FUNCTION in .pdata points to an UNWIND_INFO in .xdata: how many bytes of
 * prologue, which instructions of it change the stack (newest first, each with the offset of its
 * end), and, after the codes, either another RUNTIME_FUNCTION (UNW_FLAG_CHAININFO) or the RVA of
 * a language handler followed by the handler's own data.
 */
#pragma once

#include "kernel.h"
#include "rtl.h"

// operations of an unwind code; the number of 2-byte slots each takes
enum {
    UWOP_PUSH_NONVOL     = 0,   // 1
    UWOP_ALLOC_LARGE     = 1,   // 2, or 3 if OpInfo is 1
    UWOP_ALLOC_SMALL     = 2,   // 1
    UWOP_SET_FPREG       = 3,   // 1
    UWOP_SAVE_NONVOL     = 4,   // 2
    UWOP_SAVE_NONVOL_FAR = 5,   // 3
    UWOP_EPILOG          = 6,   // 1, version 2 only
    UWOP_SPARE           = 7,   // 2
    UWOP_SAVE_XMM128     = 8,   // 2
    UWOP_SAVE_XMM128_FAR = 9,   // 3
    UWOP_PUSH_MACHFRAME  = 10   // 1
};

typedef union _UNWIND_CODE {
    struct {
        UCHAR CodeOffset;
        UCHAR UnwindOp : 4;
        UCHAR OpInfo : 4;
    };
    USHORT FrameOffset;
} UNWIND_CODE, *PUNWIND_CODE;

typedef struct _UNWIND_INFO {
    UCHAR       Version : 3;
    UCHAR       Flags : 5;
    UCHAR       SizeOfProlog;
    UCHAR       CountOfCodes;
    UCHAR       FrameRegister : 4;
    UCHAR       FrameOffset : 4;        // in units of 16 bytes
    UNWIND_CODE UnwindCode[];
} UNWIND_INFO, *PUNWIND_INFO;

#define MAXIMUM_UNWIND_CHAIN    32      // a longer chain of UNWIND_INFO is taken as damaged

/*
 * Decodes an epilogue at ControlPc and carries out the rest of it on Context (epilogue.c). FALSE:
 * it is not one.
 */
BOOLEAN RtlpUnwindEpilogue(ULONG64 ImageBase, ULONG64 ControlPc, PRUNTIME_FUNCTION FunctionEntry,
    PUNWIND_INFO Info, PCONTEXT Context, PKNONVOLATILE_CONTEXT_POINTERS Pointers);

/*
 * Undoes a call without unwind data (a leaf function): FALSE if Context's stack pointer is
 * outside Low..High.
 */
BOOLEAN RtlpUnwindLeaf(PCONTEXT Context, ULONG64 Low, ULONG64 High);

/*
 * Call Dispatcher->LanguageHandler so that an exception inside it is recognised as nested
 * (context.S).
 */
EXCEPTION_DISPOSITION RtlpExecuteHandlerForException(PEXCEPTION_RECORD ExceptionRecord,
                                                     PVOID EstablisherFrame,
    PCONTEXT ContextRecord, PDISPATCHER_CONTEXT Dispatcher);
EXCEPTION_DISPOSITION RtlpExecuteHandlerForUnwind(PEXCEPTION_RECORD ExceptionRecord,
                                                  PVOID EstablisherFrame,
    PCONTEXT ContextRecord, PDISPATCHER_CONTEXT Dispatcher);

#ifndef IMAGE_REL_BASED_DIR64           /* types of base relocations */
#define IMAGE_REL_BASED_ABSOLUTE    0
#define IMAGE_REL_BASED_HIGHLOW     3
#define IMAGE_REL_BASED_DIR64       10
#endif

// buffers that RtlFreeUnicodeString and RtlFreeAnsiString free
#define RTL_STRING_TAG  'grtS'
#define RTL_MAX_STRING  0xFFFE          // bytes of the longest UNICODE_STRING

/* The words of SDDL (sddl.c). Each table ends with an empty word. */
typedef struct _RTLP_SDDL_SID {
    WCHAR Text[3];
    UCHAR Authority, Count;
    ULONG Parts[5];
} RTLP_SDDL_SID;

typedef struct _RTLP_SDDL_WORD {
    WCHAR Text[3];
    ULONG Value;
} RTLP_SDDL_WORD;

extern const RTLP_SDDL_SID  RtlpSddlSids[];
extern const RTLP_SDDL_WORD RtlpSddlRights[], RtlpSddlFlags[], RtlpSddlTypes[];
