/*
 * What se/ offers to the rest of the kernel: subject contexts, access states, access checks.
 * Access checks grant what is asked for (mapped by the type's generic mapping) as long as no
 * object carries a descriptor.
 */
#pragma once

#include "ob/ob.h"

VOID SeInitSystem(VOID);

#define SE_CREATE_PERMANENT_PRIVILEGE_LUID  RtlConvertUlongToLuid(SE_CREATE_PERMANENT_PRIVILEGE)
#define SE_SECURITY_PRIVILEGE_LUID          RtlConvertUlongToLuid(SE_SECURITY_PRIVILEGE)

/*
 * An access state is what an open carries along: who asks (SubjectSecurityContext), for what
 * (OriginalDesiredAccess, RemainingDesiredAccess), and what was granted on the way
 * (PreviouslyGrantedAccess). GenericMapping may be NULL; AuxData is not used. <= APC_LEVEL.
 */
NTSTATUS NTAPI SeCreateAccessState(PACCESS_STATE AccessState, PVOID AuxData,
                                   ACCESS_MASK DesiredAccess,
    PGENERIC_MAPPING GenericMapping);
VOID NTAPI     SeDeleteAccessState(PACCESS_STATE AccessState);

VOID NTAPI     RtlMapGenericMask(PACCESS_MASK AccessMask, PGENERIC_MAPPING GenericMapping);
