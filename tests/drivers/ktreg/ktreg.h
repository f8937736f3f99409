/* What the sources of ktreg share: keys below the driver's own, made for a test. */
#pragma once

#include <ntifs.h>

/* KtExpect is ktest.h's, which one source includes; the others come to it through this. */
VOID KtregExpect(BOOLEAN Holds, PCSTR Condition, ULONG Line);
#define CHECK(Condition) KtregExpect(!!(Condition), #Condition, __LINE__)

#define TAG             'gReK'

extern UNICODE_STRING KtregPath;            // the driver's key, terminated

/* By a path below the driver's key ("" for itself); handles are kernel handles. */
NTSTATUS OpenBelow(PCWSTR Path, ACCESS_MASK Access, PHANDLE Key);
NTSTATUS CreateBelow(PCWSTR Path, ULONG Options, PULONG Disposition, PHANDLE Key);
NTSTATUS SetNumber(HANDLE Key, PCWSTR Name, ULONG Number);

/* Query by name; Needed is what the service said. */
NTSTATUS QueryValue(HANDLE Key, PCWSTR Name, ULONG Class, PVOID Buffer, ULONG Length,
                    PULONG Needed);

VOID TestText(VOID);
VOID TestKeys(VOID);
VOID TestDelete(VOID);
VOID TestKeyClasses(VOID);
VOID TestValueClasses(VOID);
VOID TestRights(VOID);
VOID TestMany(VOID);
VOID TestCheck(VOID);
VOID TestQueryDirect(VOID);
VOID TestQueryRoutines(VOID);
VOID TestQueryFaults(VOID);
