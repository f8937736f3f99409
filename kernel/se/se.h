/*
 * What se/ offers to the rest of the kernel: tokens, subject contexts, access states, access
 * checks, impersonation.
 *
 * A token says who acts: user and group SIDs, privileges, what new objects are given. Every
 * process has a primary token from its creation to its deletion (EPROCESS.Token; it never
 * changes, so a thread may use its own process' token without counting it). A thread that
 * impersonates somebody has a client token besides, which others may take away: whoever uses it
 * holds a reference.
 *
 * An object's descriptor, a token and the wanted rights make an access check. Descriptors that
 * objects carry are shared, counted and immutable (ob/security.c) and have a serial number; a
 * token remembers for some of them what the whole check came to (SepCheckStored), so that most
 * opens compare two numbers.
 */
#pragma once

#include "ob/ob.h"

VOID SeInitSystem(VOID);

/* Attributes of groups in tokens, which mingw-w64's DDK headers leave out. */
#define SE_GROUP_MANDATORY          0x00000001
#define SE_GROUP_ENABLED_BY_DEFAULT 0x00000002
#define SE_GROUP_ENABLED            0x00000004
#define SE_GROUP_OWNER              0x00000008
#define SE_GROUP_USE_FOR_DENY_ONLY  0x00000010
#define SE_GROUP_LOGON_ID           0xC0000000

#define SE_BIT(Privilege)       (1ULL << (Privilege))

/* The tokens of the System process and of nobody else; se/init.c. */
extern PACCESS_TOKEN SepSystemToken;

/* Self-relative descriptors that many objects start with, logged: see se/init.c. */
typedef enum _SE_STANDARD {
    SeStandardPublic,                   // world may read, write and execute
    SeStandardDirectory,                // world may look
    SeStandardNamed,                    // world may look and create (\BaseNamedObjects)
    SeStandardClosed,                   // the system and administrators alone
    SeStandardCount
} SE_STANDARD;

/*
 * One more reference to a standard descriptor, whose generic rights are Type's. NULL before
 * SeInitSystem, or without memory.
 */
PSECURITY_DESCRIPTOR SeStandardDescriptor(SE_STANDARD Which, POBJECT_TYPE Type);

/*
 * An access state is what an open carries along: who asks (SubjectSecurityContext), for what
 * (OriginalDesiredAccess, RemainingDesiredAccess), and what was granted on the way
 * (PreviouslyGrantedAccess). GenericMapping may be NULL. <= APC_LEVEL.
 *
 * SeBeginAccessState makes one for the running thread on its own stack: the process' token is not
 * counted, and SeEndAccessState must come before the thread goes on to anything else.
 */
NTSTATUS NTAPI SeCreateAccessState(PACCESS_STATE AccessState, PVOID AuxData,
                                   ACCESS_MASK DesiredAccess, PGENERIC_MAPPING GenericMapping);
VOID NTAPI     SeDeleteAccessState(PACCESS_STATE AccessState);
VOID           SeBeginAccessState(PACCESS_STATE AccessState, ACCESS_MASK DesiredAccess,
                                  PGENERIC_MAPPING GenericMapping);
VOID           SeEndAccessState(PACCESS_STATE AccessState);

VOID NTAPI     RtlMapGenericMask(PACCESS_MASK AccessMask, PGENERIC_MAPPING GenericMapping);

/*
 * Checks an access state's remaining rights against a descriptor that an object carries (logged,
 * generic rights mapped; NULL: everything is granted) and moves what is granted to
 * PreviouslyGrantedAccess. On failure nothing changes. <= APC_LEVEL. STATUS_ACCESS_DENIED,
 * STATUS_PRIVILEGE_NOT_HELD, STATUS_BAD_IMPERSONATION_LEVEL.
 */
NTSTATUS SeCheckStored(PACCESS_STATE AccessState, PSECURITY_DESCRIPTOR Descriptor,
                       PGENERIC_MAPPING GenericMapping);

/* Grants all that remains: to whoever has just made the object, and to the kernel. */
VOID     SeGrantRemaining(PACCESS_STATE AccessState, PGENERIC_MAPPING GenericMapping);

/* Whether the running thread, as Mode's caller, holds SE_xxx_PRIVILEGE. PASSIVE_LEVEL. */
BOOLEAN  SeHasPrivilege(ULONG Privilege, KPROCESSOR_MODE Mode);

/*
 * Copies a descriptor of Mode's caller to pool as a self-relative one, checked in every part.
 * Freed with SeReleaseSecurityDescriptor. PASSIVE_LEVEL.
 */
NTSTATUS NTAPI SeCaptureSecurityDescriptor(PSECURITY_DESCRIPTOR Original, KPROCESSOR_MODE Mode,
                                           POOL_TYPE PoolType, BOOLEAN CaptureIfKernel,
                                           PSECURITY_DESCRIPTOR *Captured);
NTSTATUS NTAPI SeReleaseSecurityDescriptor(PSECURITY_DESCRIPTOR Captured, KPROCESSOR_MODE Mode,
                                           BOOLEAN CaptureIfKernel);

/*
 * The token of a process that is being made: a copy of Parent's (a process; NULL: the System
 * process' token), or of Given, a primary token. *Token is referenced.
 */
NTSTATUS SeSubProcessToken(PEPROCESS Parent, PACCESS_TOKEN Given, PACCESS_TOKEN *Token);

/*
 * The primary token behind a handle of the caller's, with which a process may be made: needs
 * SeAssignPrimaryTokenPrivilege, or no more than the caller's own token has. Referenced.
 */
NTSTATUS SeReferencePrimaryHandle(HANDLE Handle, KPROCESSOR_MODE Mode, PACCESS_TOKEN *Token);

/* ThreadImpersonationToken: Token NULL ends the impersonation. */
NTSTATUS SeSetThreadToken(PETHREAD Thread, HANDLE Token, KPROCESSOR_MODE Mode);
VOID     SeDeleteThread(PETHREAD Thread);       // drops what an ended thread impersonated
