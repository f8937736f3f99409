/*
 * ktse.sys: tests of security that run when the driver is loaded. The debug port has the verdicts,
 * one line a promise, and "[done] ktse" at the end.
 */
#include "ktse.h"
#include "../ktest.h"

PACCESS_TOKEN  KtTokens[KtTokenCount];
PDRIVER_OBJECT KtDriver;

static NTSTATUS
KtFilter(ULONG Flags, PSID Disable, PSID Restrict, PACCESS_TOKEN *Token)
{
    TOKEN_GROUPS Disabled = { 1, { { Disable, 0 } } }, Restricting = { 1, { { Restrict, 0 } } };

    return SeFilterToken(KtTokens[KtSystem], Flags, Disable ? &Disabled : NULL, NULL,
                         Restrict ? &Restricting : NULL, Token);
}

static VOID
KtMakeTokens(VOID)
{
    PACCESS_TOKEN None = NULL;

    KtTokens[KtSystem] = PsReferencePrimaryToken(PsInitialSystemProcess);
    EXPECT(KtFilter(1, NULL, NULL, &KtTokens[KtPlain]) == STATUS_SUCCESS);
    EXPECT(KtFilter(0, SeExports->SeAliasAdminsSid, NULL, &KtTokens[KtDenied]) == STATUS_SUCCESS);
    EXPECT(KtFilter(0, NULL, SeExports->SeAliasUsersSid, &KtTokens[KtRestrictedToUsers])
           == STATUS_SUCCESS);
    EXPECT(KtFilter(0x100, NULL, NULL, &None) == STATUS_INVALID_PARAMETER && None == NULL);
    EXPECT(SeTokenType(KtTokens[KtPlain]) == TokenPrimary);
    EXPECT(SeTokenIsAdmin(KtTokens[KtPlain]) && !SeTokenIsAdmin(KtTokens[KtDenied]));
    EXPECT(SeTokenIsRestricted(KtTokens[KtRestrictedToUsers]));
    EXPECT(KT_POINTERS(KtTokens[KtPlain]) == 1);
}

/* The last of all: the tokens go, and nothing of them stays. */
static VOID
KtDropTokens(VOID)
{
    for (ULONG Index = KtPlain; Index < KtTokenCount; Index++) {
        EXPECT(KT_POINTERS(KtTokens[Index]) == 1);
        ObDereferenceObject(KtTokens[Index]);
    }
    PsDereferencePrimaryToken(KtTokens[KtSystem]);
}

static const KT_TEST KtTests[] = {
    { "SeFilterToken makes tokens that have less", KtMakeTokens },
    { "SIDs, lists and descriptors are measured, compared, converted", KtCheckSids },
    { "Each descriptor grants each token what it says, in the order it says it", KtCheckTable },
    { "A set of privileges names those that were needed", KtCheckPrivileges },
    { "A new object's descriptor comes from its maker, its container, its maker's token",
      KtCheckAssign },
    { "Equal descriptors are one, counted", KtCheckSharing },
    { "A device's descriptor decides who opens it, and travels through the services",
      KtCheckDevice },
    { "A server acts for its client and is itself again", KtCheckClient },
    { "Every reference to a token is given back", KtDropTokens },
};

static VOID NTAPI
KtUnload(PDRIVER_OBJECT DriverObject)
{
}

VOID
KtFail(PCSTR Condition, ULONG Line)
{
    KtExpect(FALSE, Condition, Line);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    KtDriver = DriverObject;
    DriverObject->DriverUnload = KtUnload;
    KtRun("ktse", KtTests, RTL_NUMBER_OF(KtTests));
    return STATUS_SUCCESS;
}
