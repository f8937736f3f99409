/*
 * Offsets in the CONTEXT of x64 and the frame that dispatch.S makes below it. except.c asserts
 * the offsets.
 */
#define CxSegCs     0x38
#define CxSegSs     0x42
#define CxEFlags    0x44
#define CxRbx       0x90
#define CxRsp       0x98
#define CxRbp       0xA0
#define CxRsi       0xA8
#define CxRdi       0xB0
#define CxR12       0xD8
#define CxR13       0xE0
#define CxR14       0xE8
#define CxR15       0xF0
#define CxRip       0xF8
#define CxXmm6      0x200
#define CxSize      0x4D0

#define FRAME_CALL  0x28            /* home space of four arguments, and 8 to keep rsp aligned */
#define FRAME_SIZE  0x50            /* that and the machine frame's 0x28 */

#ifdef __ASSEMBLER__
    .intel_syntax noprefix
#endif
