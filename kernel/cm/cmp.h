/*
 * Private to cm/: nodes, key objects and what its files share.
 *
 * A node is a key of the tree; a key object (CM_KEY) is one open of it, with a handle's rights,
 * and there may be many of a node or none. The life of a node, a protocol that the sites cite:
 *   (1) made by CmpCreateChild with one reference, the tree's, and linked into its parent;
 *   (2) each key object has one more, taken under CmpLock by the walk that finds the node;
 *   (3) CmpDeleteNode unlinks a node without children, sets CM_DELETED and drops the tree's
 *       reference: nobody finds it any more, and every service that meets it through an older
 *       handle says STATUS_KEY_DELETED;
 *   (4) the last reference frees it.
 * So a node that is not deleted has a parent that is not, and a name.
 *
 * Everything in the tree is guarded by CmpLock, a fast mutex. It is never held while a caller's
 * memory is touched: input is captured before, output built in pool and copied out afterwards.
 */
#pragma once

#include "kernel.h"
#include "cm/cm.h"
#include "sdk/ntreg.h"

#define CM_TAG_NODE     'oNmC'      // CmNo: nodes, their tables and names
#define CM_TAG_VALUE    'aVmC'      // CmVa: values
#define CM_TAG_BUFFER   'uBmC'      // CmBu: for the length of one call
#define CM_TAG_KEY      ' yeK'      // Key:  key objects

#define CM_MAX_KEY_NAME     (255 * sizeof(WCHAR))
#define CM_MAX_VALUE_NAME   (16383 * sizeof(WCHAR))

/* Name and data follow in the same block of pool. */
typedef struct _CM_VALUE {
    UNICODE_STRING Name;
    ULONG          Type, Size;
    PUCHAR         Data;
} CM_VALUE, *PCM_VALUE;

typedef struct _CM_NODE {
    /* Set at creation, never changed: */
    UNICODE_STRING    Name, Class;
    ULONG             TitleIndex;
    ULONG             Serial;               // in the order in which nodes were made

    /* Guarded by CmpLock: */
    struct _CM_NODE  *Parent;               // NULL: \Registry itself, or deleted
    ULONG             References;
    ULONG             Flags;                // CM_*
    LARGE_INTEGER     LastWriteTime;
    struct _CM_NODE **Children;             // in the order of their upcased names
    ULONG             ChildCount, ChildRoom;
    PCM_VALUE        *Values;               // in the order they were made
    ULONG             ValueCount, ValueRoom;

    /* A slot of ob/'s (ObHoldDescriptor); NULL only at start-up: */
    PVOID volatile    Descriptor;
} CM_NODE, *PCM_NODE;

#define CM_VOLATILE     1                   // and so is all that is below it
#define CM_FIXED        2                   // cannot be deleted
#define CM_DELETED      4

typedef struct _CM_KEY {
    PCM_NODE Node;                          // referenced; NULL while it is being opened
} CM_KEY, *PCM_KEY;

/* What NtCreateKey gives the parse procedure. */
typedef struct _CM_CREATE {
    ULONG          Options, TitleIndex;
    UNICODE_STRING Class;
    ULONG          Disposition;             // out: REG_CREATED_NEW_KEY, REG_OPENED_EXISTING_KEY
} CM_CREATE, *PCM_CREATE;

extern FAST_MUTEX   CmpLock;
extern PCM_NODE     CmpRoot;
extern POBJECT_TYPE CmpKeyObjectType;

/*
 * The tree (node.c), with CmpLock held. CmpFindChild returns NULL if there is none. CmpCreateChild
 * is for a name that is free; the child has its parent's descriptor. CmpDeleteNode:
 * STATUS_CANNOT_DELETE, STATUS_KEY_DELETED.
 */
PCM_NODE CmpFindChild(PCM_NODE Node, PCUNICODE_STRING Name);
NTSTATUS CmpCreateChild(PCM_NODE Parent, PCUNICODE_STRING Name, ULONG Flags,
                        const CM_CREATE *Create, PCM_NODE *Child);
NTSTATUS CmpDeleteNode(PCM_NODE Node);
VOID     CmpDereferenceNode(PCM_NODE Node);
// \REGISTRY\MACHINE\..., in pool
NTSTATUS CmpFullName(PCM_NODE Node, PUNICODE_STRING Name);

/* Cuts the next part off a path, passing over separators; FALSE at its end. */
BOOLEAN  CmpNextPart(PUNICODE_STRING Rest, PUNICODE_STRING Part);

/* Values (value.c), with CmpLock held. Type, Size and Data belong to the caller. */
PCM_VALUE CmpFindValue(PCM_NODE Node, PCUNICODE_STRING Name);
NTSTATUS  CmpSetValue(PCM_NODE Node, PCUNICODE_STRING Name, ULONG Type, const VOID *Data,
                      ULONG Size);
NTSTATUS  CmpDeleteValue(PCM_NODE Node, PCUNICODE_STRING Name);
VOID      CmpFreeValues(PCM_NODE Node);

/* One more entry for a table that holds Count pointers; FALSE if memory is short. */
BOOLEAN   CmpGrowTable(PVOID **Table, ULONG Count, PULONG Room);

/* The key object behind a handle, for the previous mode; CmpUnlockKey gives it back. */
NTSTATUS CmpLockKey(HANDLE Handle, ACCESS_MASK Access, PCM_KEY *Key);
VOID     CmpUnlockKey(PCM_KEY Key);

/* A caller's string, read for the previous mode, in pool; freed by CmpFreeString. NULL: empty. */
NTSTATUS CmpCaptureString(PUNICODE_STRING String, ULONG Longest, PUNICODE_STRING Captured);
VOID     CmpFreeString(PUNICODE_STRING Captured);

/*
 * An answer (answer.c): a fixed part, then parts of variable length, of which as much is kept as
 * the caller's buffer takes. Begun and added to under CmpLock, sent without.
 */
typedef struct _CM_ANSWER {
    PUCHAR Buffer;                          // Room bytes of pool; NULL: nothing fits
    ULONG  Room, Needed;
    ULONG  Fixed;
} CM_ANSWER, *PCM_ANSWER;

// Total: of all parts; Fixed: the least that is of use; Room: of the caller's buffer
NTSTATUS CmpBeginAnswer(PCM_ANSWER Answer, ULONG Fixed, ULONG Total, ULONG Room);
VOID     CmpAddToAnswer(PCM_ANSWER Answer, ULONG Offset, const VOID *Data, ULONG Size);
/*
 * STATUS_BUFFER_TOO_SMALL: not even the fixed part fits, nothing is copied.
 * STATUS_BUFFER_OVERFLOW: cut.
 */
NTSTATUS CmpSendAnswer(PCM_ANSWER Answer, NTSTATUS Status, PVOID Buffer, PULONG ResultLength);
NTSTATUS CmpProbeAnswer(PVOID Buffer, ULONG Length, PULONG ResultLength);

/* Procedures of the type Key (parse.c). */
NTSTATUS CmpParseKey(PVOID ParseObject, POBJECT_TYPE ObjectType, PACCESS_STATE AccessState,
                     KPROCESSOR_MODE Mode, ULONG Attributes, PUNICODE_STRING CompleteName,
                     PUNICODE_STRING RemainingName, PVOID Context,
                     PSECURITY_QUALITY_OF_SERVICE SecurityQos, PVOID *Object);
NTSTATUS CmpQueryKeyName(PVOID Object, BOOLEAN HasName, POBJECT_NAME_INFORMATION Information,
                         ULONG Length, PULONG ReturnLength, KPROCESSOR_MODE Mode);
VOID     CmpDeleteKeyObject(PVOID Object);
NTSTATUS CmpKeySecurity(PVOID Object, SECURITY_OPERATION_CODE Operation,
                        PSECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Descriptor,
                        PULONG Length, PSECURITY_DESCRIPTOR *ObjectsDescriptor,
                        POOL_TYPE PoolType, PGENERIC_MAPPING Mapping);
