/*
 * Private to rtlreg.c, rtlquery.c and rtlreport.c: the registry as drivers reach it through Rtl.
 */
#pragma once

#include "cm/cmp.h"
#include "rtl/rtl.h"

#ifndef RTL_QUERY_REGISTRY_TYPECHECK
#define RTL_QUERY_REGISTRY_TYPECHECK        0x00000100
#define RTL_QUERY_REGISTRY_TYPECHECK_SHIFT  24
#endif

/* A key by name, with a kernel handle; Create: made if need be. */
NTSTATUS RtlpOpenKey(HANDLE Root, PUNICODE_STRING Name, ACCESS_MASK Access, BOOLEAN Create,
                     PHANDLE Key);
/* The same by RelativeTo and Path; given back by RtlpClosePlace. */
NTSTATUS RtlpOpenPlace(ULONG RelativeTo, PCWSTR Path, ACCESS_MASK Access, BOOLEAN Create,
                       PHANDLE Key);
VOID     RtlpClosePlace(ULONG RelativeTo, HANDLE Key);

/* A value on its way to who asked for it. Data has two zero bytes behind Length. */
typedef struct _RTLP_VALUE {
    PCWSTR Name;
    ULONG  Type, Length;
    PVOID  Data;
} RTLP_VALUE, *PRTLP_VALUE;

/* Hands a value to the table entry: stores it, or calls the entry's routine. */
NTSTATUS RtlpReportValue(PRTL_QUERY_REGISTRY_TABLE Entry, const RTLP_VALUE *Value, PVOID Context,
                         PVOID Environment);
