/*
 * The TLS directory of a program: the template of its __declspec(thread) variables lies between
 * the two ends of section .tls, and the loader stores the program's index in _tls_index. ld
 * enters _tls_used in the PE header.
 */
#include <windows.h>

ULONG _tls_index;

__attribute__((section(".tls"))) char _tls_start = 0;
__attribute__((section(".tls$ZZZ"))) char _tls_end = 0;

const IMAGE_TLS_DIRECTORY64 _tls_used = {
    .StartAddressOfRawData = (ULONG64)&_tls_start,
    .EndAddressOfRawData   = (ULONG64)&_tls_end,
    .AddressOfIndex        = (ULONG64)&_tls_index,
};
