/*
 * Privileges: the right to do something to the system rather than to an object. A token has some,
 * and of these some are enabled; only those count. Kernel mode holds all of them.
 *
 * Between programs and the kernel a privilege is a LUID whose lower half is its number,
 * SE_xxx_PRIVILEGE; in a token it is a bit.
 */
#include "se/sep.h"

/* The bit of a LUID, or 0: there is no such privilege. */
ULONG64
SepPrivilegeBit(LUID Luid)
{
    if (Luid.HighPart != 0 || Luid.LowPart > SE_MAX_WELL_KNOWN_PRIVILEGE)
        return 0;
    return SE_BIT(Luid.LowPart) & SEP_ALL_PRIVILEGES;
}

PPRIVILEGE_SET
SepMakePrivilegeSet(ULONG64 Bits)
{
    ULONG          Count = (ULONG)__builtin_popcountll(Bits), Index = 0;
    PPRIVILEGE_SET Set;

    if (Count == 0)
        return NULL;
    Set = ExAllocatePoolWithTag(PagedPool, FIELD_OFFSET(PRIVILEGE_SET, Privilege[Count]),
                                SEP_TAG_PRIVILEGE);
    if (Set == NULL)
        return NULL;
    Set->PrivilegeCount = Count;
    Set->Control        = PRIVILEGE_SET_ALL_NECESSARY;
    for (; Bits != 0; Bits &= Bits - 1) {
        Set->Privilege[Index].Luid       = SepLuidOf(__builtin_ctzll(Bits));
        Set->Privilege[Index].Attributes = SE_PRIVILEGE_USED_FOR_ACCESS;
        Index++;
    }
    return Set;
}

/* Frees what SeAccessCheck returned through Privileges. */
VOID NTAPI
SeFreePrivileges(PPRIVILEGE_SET Privileges)
{
    if (Privileges != NULL)
        ExFreePoolWithTag(Privileges, SEP_TAG_PRIVILEGE);
}

/*
 * Whether the token holds the privileges of the set, all of them or, without
 * PRIVILEGE_SET_ALL_NECESSARY, one; marks those it holds.
 */
BOOLEAN
SepCheckPrivileges(PTOKEN Token, PLUID_AND_ATTRIBUTES Privileges, ULONG Count, BOOLEAN All)
{
    ULONG Held = 0;

    for (ULONG Index = 0; Index < Count; Index++) {
        if (Token->Enabled & SepPrivilegeBit(Privileges[Index].Luid)) {
            Privileges[Index].Attributes |= SE_PRIVILEGE_USED_FOR_ACCESS;
            Held++;
        }
    }
    return All ? Held == Count : Held != 0;
}

/* Documented: the privileges of a subject. TRUE in kernel mode. PASSIVE_LEVEL. */
BOOLEAN NTAPI
SePrivilegeCheck(PPRIVILEGE_SET RequiredPrivileges, PSECURITY_SUBJECT_CONTEXT SubjectContext,
                 KPROCESSOR_MODE AccessMode)
{
    PAGED_CODE();

    if (AccessMode == KernelMode)
        return TRUE;
    if (SepCannotAct(SubjectContext))
        return FALSE;
    return SepCheckPrivileges(SepEffective(SubjectContext), RequiredPrivileges->Privilege,
                              RequiredPrivileges->PrivilegeCount,
                              (RequiredPrivileges->Control & PRIVILEGE_SET_ALL_NECESSARY) != 0);
}

/* Whether the caller holds a privilege; kernel mode holds all. PASSIVE_LEVEL. */
BOOLEAN NTAPI
SeSinglePrivilegeCheck(LUID PrivilegeValue, KPROCESSOR_MODE PreviousMode)
{
    SECURITY_SUBJECT_CONTEXT Context;
    BOOLEAN                  Held;

    PAGED_CODE();

    if (PreviousMode == KernelMode)
        return TRUE;
    SeCaptureSubjectContext(&Context);
    Held = !SepCannotAct(&Context)
        && (SepEffective(&Context)->Enabled & SepPrivilegeBit(PrivilegeValue)) != 0;
    SeReleaseSubjectContext(&Context);
    return Held;
}

BOOLEAN
SeHasPrivilege(ULONG Privilege, KPROCESSOR_MODE Mode)
{
    return SeSinglePrivilegeCheck(SepLuidOf(Privilege), Mode);
}
