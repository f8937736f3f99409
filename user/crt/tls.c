/*
 * The TLS directory of a program: the template of its __declspec(thread) variables lies between
 * the two ends of section .tls, and the loader stores the program's index in _tls_index. ld
 * enters _tls_used in the PE header. A program's TLS callbacks are the pointers that it puts into
 * sections .CRT$XLB to .CRT$XLY, which ld sorts between the two here.
 */
#include <windows.h>

ULONG _tls_index;

__attribute__((section(".tls"))) char _tls_start = 0;
__attribute__((section(".tls$ZZZ"))) char _tls_end = 0;

__attribute__((section(".CRT$XLA"))) const PIMAGE_TLS_CALLBACK __xl_a = NULL;
__attribute__((section(".CRT$XLZ"))) const PIMAGE_TLS_CALLBACK __xl_z = NULL;

const IMAGE_TLS_DIRECTORY64 _tls_used = {
    .StartAddressOfRawData = (ULONG64)&_tls_start,
    .EndAddressOfRawData   = (ULONG64)&_tls_end,
    .AddressOfIndex        = (ULONG64)&_tls_index,
    .AddressOfCallBacks    = (ULONG64)(&__xl_a + 1),
};
