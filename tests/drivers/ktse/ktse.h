/*
 * Shared by the parts of ktse.sys, which tests security from inside: access checks by a table of
 * descriptors, tokens and wanted rights; the making, changing and sharing of descriptors; acting
 * for a client.
 */
#pragma once

#include <ntifs.h>

/* Missing in mingw-w64's headers of this version. */
NTSTATUS NTAPI ObLogSecurityDescriptor(PSECURITY_DESCRIPTOR Input, PSECURITY_DESCRIPTOR *Output,
                                       ULONG RefBias);
VOID NTAPI     ObDereferenceSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, ULONG Count);

/* Tokens that the system's was filtered to, referenced; and the SIDs the tests speak of. */
typedef enum _KT_TOKEN { KtSystem, KtPlain, KtDenied, KtRestrictedToUsers, KtTokenCount } KT_TOKEN;

extern PACCESS_TOKEN KtTokens[KtTokenCount];

#define KT_POINTERS(Object)     (((volatile LONG64 *)(Object))[-6])

/* An absolute descriptor of up to three entries; KT_DENY in Mask denies. Owner may be NULL. */
#define KT_DENY     0x08000000

typedef struct _KT_ACE {
    ULONG  Mask;                                // 0 ends the list
    PSID  *Sid;                                 // a member of *SeExports
} KT_ACE;

typedef struct _KT_DESCRIPTOR {
    SECURITY_DESCRIPTOR Descriptor;
    UCHAR               Acl[256];
} KT_DESCRIPTOR, *PKT_DESCRIPTOR;

VOID KtMakeDescriptor(PKT_DESCRIPTOR To, PSID Owner, BOOLEAN WithDacl, const KT_ACE *Aces,
                      ULONG Count);
VOID KtCheckTable(VOID);                        // check.c
VOID KtCheckPrivileges(VOID);
VOID KtCheckSids(VOID);                         // descriptor.c
VOID KtCheckAssign(VOID);
VOID KtCheckSharing(VOID);
VOID KtCheckDevice(VOID);                       // device.c
VOID KtCheckClient(VOID);

extern PDRIVER_OBJECT KtDriver;

/* ktest.h is in ktse.c: a condition of the running test. */
VOID KtFail(PCSTR Condition, ULONG Line);
#define HOLDS(Condition)                    \
    do {                                    \
        if (!(Condition))                   \
            KtFail(#Condition, __LINE__);   \
    } while (0)
