/*
 * Start-up of security: the well-known SIDs and privileges (SeExports), the type Token, the token
 * of the System process, and the descriptors that objects of the system start with.
 *
 * The descriptors are written in SDDL (rtl/sddl.c), because that is how one reads them:
 *
 *   Public      devices, symbolic links: everybody may use them, administrators may change them
 *   Directory   \, \Device, \??, ...: everybody may look and pass
 *   Named       \BaseNamedObjects: everybody may also create
 *   Closed      \Driver, ...: only the system and administrators may even look
 *
 * Until SeInitSystem has run there are no descriptors and no tokens, and only the kernel runs.
 */
#include "se/sep.h"

typedef struct _SEP_SID {
    UCHAR                    Revision, Count;
    SID_IDENTIFIER_AUTHORITY Authority;
    ULONG                    Parts[2];
} SEP_SID;

#define SEP_WELL_KNOWN(Name, Authority, ...)                                                    \
    static SEP_SID Name = { SID_REVISION, sizeof((ULONG[]){ __VA_ARGS__ }) / sizeof(ULONG),     \
                            { { 0, 0, 0, 0, 0, Authority } }, { __VA_ARGS__ } };

SEP_WELL_KNOWN(SepNull, 0, 0)           SEP_WELL_KNOWN(SepWorld, 1, 0)
SEP_WELL_KNOWN(SepLocal, 2, 0)          SEP_WELL_KNOWN(SepCreatorOwner, 3, 0)
SEP_WELL_KNOWN(SepCreatorGroup, 3, 1)   SEP_WELL_KNOWN(SepOwnerRights, 3, 4)
SEP_WELL_KNOWN(SepDialup, 5, 1)         SEP_WELL_KNOWN(SepNetwork, 5, 2)
SEP_WELL_KNOWN(SepBatch, 5, 3)          SEP_WELL_KNOWN(SepInteractive, 5, 4)
SEP_WELL_KNOWN(SepAnonymous, 5, 7)      SEP_WELL_KNOWN(SepAuthenticated, 5, 11)
SEP_WELL_KNOWN(SepRestricted, 5, 12)    SEP_WELL_KNOWN(SepIUser, 5, 17)
SEP_WELL_KNOWN(SepSystem, 5, 18)        SEP_WELL_KNOWN(SepLocalService, 5, 19)
SEP_WELL_KNOWN(SepNetworkService, 5, 20) SEP_WELL_KNOWN(SepAdmins, 5, 32, 544)
SEP_WELL_KNOWN(SepUsers, 5, 32, 545)    SEP_WELL_KNOWN(SepGuests, 5, 32, 546)
SEP_WELL_KNOWN(SepPowerUsers, 5, 32, 547) SEP_WELL_KNOWN(SepAccountOps, 5, 32, 548)
SEP_WELL_KNOWN(SepSystemOps, 5, 32, 549) SEP_WELL_KNOWN(SepPrintOps, 5, 32, 550)
SEP_WELL_KNOWN(SepBackupOps, 5, 32, 551) SEP_WELL_KNOWN(SepUntrusted, 16, 0)
SEP_WELL_KNOWN(SepLow, 16, 0x1000)      SEP_WELL_KNOWN(SepMedium, 16, 0x2000)
SEP_WELL_KNOWN(SepHigh, 16, 0x3000)     SEP_WELL_KNOWN(SepSystemLevel, 16, 0x4000)
static SID SepNtAuthority = { SID_REVISION, 0, { SECURITY_NT_AUTHORITY }, { 0 } };

#define P(Name)     { SE_##Name##_PRIVILEGE, 0 }

SE_EXPORTS SepExports = {
    P(CREATE_TOKEN), P(ASSIGNPRIMARYTOKEN), P(LOCK_MEMORY), P(INCREASE_QUOTA),
    P(UNSOLICITED_INPUT), P(TCB), P(SECURITY), P(TAKE_OWNERSHIP), P(LOAD_DRIVER),
    P(CREATE_PAGEFILE), P(INC_BASE_PRIORITY), P(SYSTEM_PROFILE), P(SYSTEMTIME),
    P(PROF_SINGLE_PROCESS), P(CREATE_PERMANENT), P(BACKUP), P(RESTORE), P(SHUTDOWN), P(DEBUG),
    P(AUDIT), P(SYSTEM_ENVIRONMENT), P(CHANGE_NOTIFY), P(REMOTE_SHUTDOWN),
    &SepNull, &SepWorld, &SepLocal, &SepCreatorOwner, &SepCreatorGroup, &SepNtAuthority,
    &SepDialup, &SepNetwork, &SepBatch, &SepInteractive, &SepSystem, &SepAdmins, &SepUsers,
    &SepGuests, &SepPowerUsers, &SepAccountOps, &SepSystemOps, &SepPrintOps, &SepBackupOps,
    &SepAuthenticated, &SepRestricted, &SepAnonymous,
    P(UNDOCK), P(SYNC_AGENT), P(ENABLE_DELEGATION), &SepLocalService, &SepNetworkService,
    P(MANAGE_VOLUME), P(IMPERSONATE), P(CREATE_GLOBAL), P(TRUSTED_CREDMAN_ACCESS), P(RELABEL),
    P(INC_WORKING_SET), P(TIME_ZONE), P(CREATE_SYMBOLIC_LINK),
    &SepIUser, &SepUntrusted, &SepLow, &SepMedium, &SepHigh, &SepSystemLevel, &SepOwnerRights,
};
#undef P

PSE_EXPORTS   SeExports = &SepExports;
POBJECT_TYPE  SepTokenObjectType;
POBJECT_TYPE *SeTokenObjectType = &SepTokenObjectType;
PACCESS_TOKEN SepSystemToken;

static const PCWSTR SepStandards[SeStandardCount] = {
    [SeStandardPublic]    = L"O:BAG:SYD:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGWGX;;;WD)(A;;GRGX;;;RC)",
    [SeStandardDirectory] = L"O:BAG:SYD:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGX;;;WD)(A;;GRGX;;;RC)",
    [SeStandardNamed]     = L"O:BAG:SYD:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGWGX;;;WD)(A;;GRGX;;;RC)",
    [SeStandardClosed]    = L"O:BAG:SYD:P(A;;GA;;;SY)(A;;GA;;;BA)",
};

PSECURITY_DESCRIPTOR
SeStandardDescriptor(SE_STANDARD Which, POBJECT_TYPE Type)
{
    PSECURITY_DESCRIPTOR Descriptor = NULL;

    if (SepSystemToken != NULL)
        ObDescriptorFromText(SepStandards[Which], &Type->TypeInfo.GenericMapping, &Descriptor);
    return Descriptor;
}

/* The System process' token: it may do everything, and nothing is refused to administrators. */
static INIT_CODE VOID
SepMakeSystemToken(VOID)
{
    SID_AND_ATTRIBUTES Sids[] = {
        { &SepSystem, 0 },
        { &SepAdmins, SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED | SE_GROUP_OWNER },
        { &SepWorld, SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED },
        { &SepAuthenticated, SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED },
    };
    UCHAR         Buffer[128];
    PACL          Dacl = (PACL)Buffer;
    SEP_NEW_TOKEN New = {
        .Type = TokenPrimary, .Level = SecurityAnonymous, .Sids = Sids,
        .SidCount = RTL_NUMBER_OF(Sids), .Present = SEP_ALL_PRIVILEGES,
        .Enabled = SEP_ALL_PRIVILEGES, .EnabledByDefault = SEP_ALL_PRIVILEGES,
        .DefaultOwnerIndex = 1, .PrimaryGroupIndex = 0, .DefaultDacl = Dacl,
        .AuthenticationId = SYSTEM_LUID, .ExpirationTime.QuadPart = MAXLONGLONG,
        .Source = { "*SYSTEM*", { 0, 0 } },
    };
    NTSTATUS Status;

    RtlCreateAcl(Dacl, sizeof Buffer, ACL_REVISION);
    RtlAddAccessAllowedAce(Dacl, ACL_REVISION, GENERIC_ALL, &SepSystem);
    RtlAddAccessAllowedAce(Dacl, ACL_REVISION, GENERIC_READ | GENERIC_EXECUTE, &SepAdmins);
    Dacl->AclSize = (USHORT)RtlpAclUsed(Dacl);

    Status = SepNewLogon(New.AuthenticationId) != NULL ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    if (NT_SUCCESS(Status))
        Status = SepCreateToken(&New, NULL, KernelMode, (PTOKEN *)&SepSystemToken);
    if (NT_SUCCESS(Status))
        Status = ObAssignByToken(SepSystemToken, SepSystemToken);
    if (!NT_SUCCESS(Status))
        KeBugCheckEx(SECURITY_INITIALIZATION_FAILED, Status, 0, 0, 0);
    PsIdleProcess->Token = SepSystemToken;
}

VOID INIT_CODE
SeInitSystem(VOID)
{
    OBJECT_TYPE_INITIALIZER Token = {
        .GenericMapping   = { TOKEN_READ, TOKEN_WRITE, TOKEN_EXECUTE, TOKEN_ALL_ACCESS },
        .ValidAccessMask  = TOKEN_ALL_ACCESS | SYNCHRONIZE,
        .PoolType         = NonPagedPool,
        .SecurityRequired = TRUE,
        .DeleteProcedure  = SepDeleteToken,
    };

    ExInitializeFastMutex(&SepImpersonationLock);
    ExInitializeFastMutex(&SepLogonLock);
    if (!NT_SUCCESS(ObpCreateType(L"Token", &Token, 'ekoT', OB_WAIT_NEVER, &SepTokenObjectType)))
        KeBugCheckEx(SECURITY_INITIALIZATION_FAILED, 1, 0, 0, 0);
    SepMakeSystemToken();
    ObSecureNamespace();
}
