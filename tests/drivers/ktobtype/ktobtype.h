/* What making an object type takes, and what the files of this driver share. */
#pragma once

/* As published; mingw-w64 has none of it. */
typedef enum { KtCreate, KtOpen, KtDuplicate, KtInherit } KT_REASON;

typedef struct _KT_INITIALIZER {
    USHORT          Length;
    BOOLEAN         UseDefaultObject, CaseInsensitive;
    ULONG           InvalidAttributes;
    GENERIC_MAPPING GenericMapping;
    ULONG           ValidAccessMask;
    BOOLEAN         SecurityRequired, MaintainHandleCount, MaintainTypeList;
    POOL_TYPE       PoolType;
    ULONG           DefaultPagedPoolCharge, DefaultNonPagedPoolCharge;
    PVOID           Dump, Open, Close, Delete, Parse, Security, QueryName, OkayToClose;
} KT_INITIALIZER;

NTSYSAPI NTSTATUS NTAPI ObCreateObjectType(PUNICODE_STRING, KT_INITIALIZER *, PVOID,
                                           POBJECT_TYPE *);
NTSYSAPI NTSTATUS NTAPI ObCreateObject(KPROCESSOR_MODE, POBJECT_TYPE, POBJECT_ATTRIBUTES,
                                       KPROCESSOR_MODE, PVOID, ULONG, ULONG, ULONG, PVOID *);

/* ktobtype.c: EXPECT for the other files. */
VOID ThingExpect(BOOLEAN Holds, PCSTR Condition, ULONG Line);

/* security.c: a type that keeps its objects' descriptors and names itself. */
VOID OwnSecurity(VOID);
