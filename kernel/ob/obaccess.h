/*
 * Private to ob/, and included by obp.h: what is asked of whom on the way to an object, the
 * descriptor a new object gets, and whom it is charged to.
 */
#pragma once

/* ---- access.c ---- */

/*
 * Grants what AccessState asks for, if Check is KernelMode or the object is New (its maker's), or
 * its descriptor allows it.
 */
NTSTATUS ObpGrantAccess(PACCESS_STATE AccessState, POBJECT_HEADER Header, KPROCESSOR_MODE Check,
                        BOOLEAN New, PACCESS_MASK Granted);

/*
 * Before the next part is looked up in Directory: may the walk pass? Before the Last part of an
 * insertion: gives Insert its descriptor, and sets CreateStatus.
 */
NTSTATUS ObpCheckDirectory(POB_WALK Walk, POBJECT_DIRECTORY Directory, BOOLEAN Last);

static inline KPROCESSOR_MODE
ObpCheckMode(KPROCESSOR_MODE Mode, ULONG Attributes)
{
    return Attributes & OBJ_FORCE_ACCESS_CHECK ? UserMode : Mode;
}

/* ---- security.c, secsvc.c ---- */

VOID     ObpInitializeSecurity(VOID);
VOID     ObpInitializeSecurityServices(VOID);
NTSTATUS ObpAssignDescriptor(POBJECT_HEADER Header, PSECURITY_DESCRIPTOR Explicit,
                             PSECURITY_DESCRIPTOR Parent, PSECURITY_SUBJECT_CONTEXT Subject);

/* The type's security procedure, or the default: ObDefaultSecurityMethod with Header's slot. */
NTSTATUS ObpSecurityMethod(POBJECT_HEADER Header, SECURITY_OPERATION_CODE Operation,
                           PSECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Descriptor,
                           PULONG Length);

/* The descriptor that the maker of an object which is not inserted yet has given for it. */
static inline PSECURITY_DESCRIPTOR
ObpExplicitDescriptor(POBJECT_HEADER Header)
{
    POBJECT_CREATE_INFORMATION Info = Header->ObjectCreateInfo;

    if (!(Header->Flags & OB_FLAG_CREATE_INFO) || OB_IS_SMALL_CREATE_INFO(Info))
        return NULL;
    return Info->SecurityDescriptor;
}

/* ---- charges ---- */

/* What the object costs: [0] paged, [1] nonpaged pool. */
static inline PULONG
ObpCharges(POBJECT_HEADER Header)
{
    return UNLIKELY(Header->QuotaInfoOffset != 0) ? &ObpQuotaInfo(Header)->PagedPoolCharge
        : &Header->Type->TypeInfo.DefaultPagedPoolCharge;
}

/*
 * Charges the current process with an object that is being inserted and has no creation
 * information any more. FALSE: it has no quota left.
 */
static inline BOOLEAN
ObpChargeQuota(POBJECT_HEADER Header)
{
    PULONG Charges = ObpCharges(Header);

    Header->QuotaBlockCharged = PsChargeSharedPoolQuota(ObpCurrentProcess(), Charges[0],
                                                        Charges[1]);
    return Header->QuotaBlockCharged != NULL;
}

static inline VOID
ObpReturnQuota(POBJECT_HEADER Header)
{
    PULONG Charges = ObpCharges(Header);

    if (Header->QuotaBlockCharged != NULL)
        PsReturnSharedPoolQuota(Header->QuotaBlockCharged, Charges[0], Charges[1]);
}
