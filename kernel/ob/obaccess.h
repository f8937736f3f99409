/*
 * Private to ob/, and included by obp.h: what is asked of whom on the way to an object, and the
 * descriptor a new object gets.
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

/* The descriptor that the maker of an object which is not inserted yet has given for it. */
static inline PSECURITY_DESCRIPTOR
ObpExplicitDescriptor(POBJECT_HEADER Header)
{
    POBJECT_CREATE_INFORMATION Info = Header->ObjectCreateInfo;

    if (!(Header->Flags & OB_FLAG_CREATE_INFO) || OB_IS_SMALL_CREATE_INFO(Info))
        return NULL;
    return Info->SecurityDescriptor;
}
