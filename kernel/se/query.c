/*
 * What a token says of itself: NtQueryInformationToken for programs, SeQueryInformationToken for
 * drivers, and the small questions SeTokenType, SeTokenIsAdmin, ...
 *
 * Both fill a block of their own (To) whose pointers are already those it will have where it is
 * going (Target): the caller's buffer, or the pool block that a driver gets.
 */
#include "se/sep.h"

/* A block that is being filled. Needed goes on counting when there is no more room. */
typedef struct _SEP_ANSWER {
    PUCHAR To, Target;
    ULONG  Room, Needed;
} SEP_ANSWER, *PSEP_ANSWER;

/* Appends bytes; returns where they will be. */
static PVOID
SepPut(PSEP_ANSWER Answer, const VOID *Data, ULONG Size)
{
    ULONG At = Answer->Needed;

    Answer->Needed += (ULONG)ROUND_UP(Size, sizeof(ULONG));
    if (Answer->Needed <= Answer->Room)
        RtlCopyMemory(Answer->To + At, Data, Size);
    return Answer->Target + At;
}

/* Puts SIDs and attributes at the offset At of the block, which has room for the array. */
static VOID
SepPutSids(PSEP_ANSWER Answer, ULONG At, const SID_AND_ATTRIBUTES *Sids, ULONG Count)
{
    for (ULONG Index = 0; Index < Count; Index++) {
        SID_AND_ATTRIBUTES One = Sids[Index];

        One.Sid = SepPut(Answer, Sids[Index].Sid, RtlLengthSid(Sids[Index].Sid));
        if (At + (Index + 1) * sizeof One <= Answer->Room)
            RtlCopyMemory(Answer->To + At + Index * sizeof One, &One, sizeof One);
    }
}

/* A structure that is one pointer, to Data; NULL for none. */
static VOID
SepPutPointed(PSEP_ANSWER Answer, const VOID *Data, ULONG Size)
{
    PVOID Pointer;

    Answer->Needed = sizeof(PVOID);
    Pointer = Data != NULL ? SepPut(Answer, Data, Size) : NULL;
    if (Answer->Room >= sizeof Pointer)
        *(PVOID *)Answer->To = Pointer;
}

static VOID
SepPutGroups(PSEP_ANSWER Answer, const SID_AND_ATTRIBUTES *Sids, ULONG Count)
{
    ULONG Head = FIELD_OFFSET(TOKEN_GROUPS, Groups);

    Answer->Needed = Head + Count * sizeof(SID_AND_ATTRIBUTES);
    if (Answer->Room >= Head)
        ((PTOKEN_GROUPS)Answer->To)->GroupCount = Count;
    SepPutSids(Answer, Head, Sids, Count);
}

PTOKEN_GROUPS
SepMakeGroups(const SID_AND_ATTRIBUTES *Sids, ULONG Count, PVOID Target, PULONG Size)
{
    SEP_ANSWER Answer = { .Target = Target };

    SepPutGroups(&Answer, Sids, Count);
    *Size = Answer.Room = Answer.Needed;
    Answer.To = ExAllocatePoolWithTag(PagedPool, *Size, SEP_TAG_QUERY);
    if (Answer.To != NULL)
        SepPutGroups(&Answer, Sids, Count);
    return (PTOKEN_GROUPS)Answer.To;
}

static VOID
SepPutPrivileges(PSEP_ANSWER Answer, PTOKEN Token)
{
    ULONG Count = (ULONG)__builtin_popcountll(Token->Present);

    SepPut(Answer, &Count, sizeof Count);
    for (ULONG64 Bits = Token->Present; Bits != 0; Bits &= Bits - 1) {
        ULONG64             Bit = Bits & -Bits;
        LUID_AND_ATTRIBUTES One = { SepLuidOf(__builtin_ctzll(Bits)), 0 };

        if (Token->Enabled & Bit)
            One.Attributes |= SE_PRIVILEGE_ENABLED;
        if (Token->EnabledByDefault & Bit)
            One.Attributes |= SE_PRIVILEGE_ENABLED_BY_DEFAULT;
        SepPut(Answer, &One, sizeof One);
    }
}

static VOID
SepPutStatistics(PSEP_ANSWER Answer, PTOKEN Token)
{
    TOKEN_STATISTICS Statistics = {
        .TokenId = Token->TokenId, .AuthenticationId = Token->AuthenticationId,
        .ExpirationTime = Token->ExpirationTime, .TokenType = Token->TokenType,
        .ImpersonationLevel = Token->ImpersonationLevel,
        .DynamicCharged = Token->DefaultDacl != NULL ? Token->DefaultDacl->AclSize : 0,
        .GroupCount = Token->UserAndGroupCount - 1,
        .PrivilegeCount = (ULONG)__builtin_popcountll(Token->Present),
        .ModifiedId = Token->ModifiedId,
    };

    SepPut(Answer, &Statistics, sizeof Statistics);
}

/* Classes of a fixed size. */
static NTSTATUS
SepPutPlain(PSEP_ANSWER Answer, PTOKEN Token, TOKEN_INFORMATION_CLASS Class)
{
    ULONG Value = 0;

    switch (Class) {
    case TokenSource:
        SepPut(Answer, &Token->TokenSource, sizeof Token->TokenSource);
        return STATUS_SUCCESS;
    case TokenStatistics:
        SepPutStatistics(Answer, Token);
        return STATUS_SUCCESS;
    case TokenType:
        Value = Token->TokenType;
        break;
    case TokenImpersonationLevel:
        if (Token->TokenType != TokenImpersonation)
            return STATUS_INVALID_INFO_CLASS;
        Value = Token->ImpersonationLevel;
        break;
    case TokenSessionId:
        Value = Token->SessionId;
        break;
    case TokenHasRestrictions:
        Value = Token->RestrictedSidCount != 0;
        break;
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
    SepPut(Answer, &Value, sizeof Value);
    return STATUS_SUCCESS;
}

static NTSTATUS
SepAnswer(PSEP_ANSWER Answer, PTOKEN Token, TOKEN_INFORMATION_CLASS Class)
{
    PSID Owner = Token->UserAndGroups[Token->DefaultOwnerIndex].Sid;

    switch (Class) {
    case TokenUser:
        Answer->Needed = sizeof(TOKEN_USER);
        SepPutSids(Answer, 0, Token->UserAndGroups, 1);
        return STATUS_SUCCESS;
    case TokenGroups:
        SepPutGroups(Answer, Token->UserAndGroups + 1, Token->UserAndGroupCount - 1);
        return STATUS_SUCCESS;
    case TokenRestrictedSids:
        SepPutGroups(Answer, Token->RestrictedSids, Token->RestrictedSidCount);
        return STATUS_SUCCESS;
    case TokenPrivileges:
        SepPutPrivileges(Answer, Token);
        return STATUS_SUCCESS;
    case TokenOwner:
        SepPutPointed(Answer, Owner, RtlLengthSid(Owner));
        return STATUS_SUCCESS;
    case TokenPrimaryGroup:
        SepPutPointed(Answer, Token->PrimaryGroup, RtlLengthSid(Token->PrimaryGroup));
        return STATUS_SUCCESS;
    case TokenDefaultDacl:
        SepPutPointed(Answer, Token->DefaultDacl,
                      Token->DefaultDacl != NULL ? Token->DefaultDacl->AclSize : 0);
        return STATUS_SUCCESS;
    default:
        return SepPutPlain(Answer, Token, Class);
    }
}

/* Fills Room bytes at To. STATUS_BUFFER_TOO_SMALL; *Needed says how many it takes. */
NTSTATUS
SepQueryToken(PTOKEN Token, TOKEN_INFORMATION_CLASS Class, PUCHAR To, PVOID Target, ULONG Room,
              PULONG Needed)
{
    SEP_ANSWER Answer = { To, Target, Room, 0 };
    NTSTATUS   Status;

    SepLockToken(Token, FALSE);
    Status = SepAnswer(&Answer, Token, Class);
    SepUnlockToken(Token);
    *Needed = Answer.Needed;
    return NT_SUCCESS(Status) && Answer.Needed > Room ? STATUS_BUFFER_TOO_SMALL : Status;
}

/*
 * Documented: *TokenInformation becomes a block of paged pool that the caller frees with
 * ExFreePool; for TokenSessionId and TokenImpersonationLevel it is the value itself, at
 * *TokenInformation as a ULONG. PASSIVE_LEVEL. STATUS_INVALID_INFO_CLASS.
 */
NTSTATUS NTAPI
SeQueryInformationToken(PACCESS_TOKEN Token, TOKEN_INFORMATION_CLASS TokenInformationClass,
                        PVOID *TokenInformation)
{
    ULONG    Room, Needed, Value;
    PUCHAR   Block;
    NTSTATUS Status;

    PAGED_CODE();

    if (TokenInformationClass == TokenSessionId
        || TokenInformationClass == TokenImpersonationLevel) {
        Status = SepQueryToken(Token, TokenInformationClass, (PUCHAR)&Value, NULL, sizeof Value,
                               &Needed);
        if (NT_SUCCESS(Status))
            *(PULONG)TokenInformation = Value;
        return Status;
    }
    Status = SepQueryToken(Token, TokenInformationClass, NULL, NULL, 0, &Room);
    while (Status == STATUS_BUFFER_TOO_SMALL) {
        Block = ExAllocatePoolWithTag(PagedPool, Room, SEP_TAG_QUERY);
        if (Block == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        Status = SepQueryToken(Token, TokenInformationClass, Block, Block, Room, &Needed);
        if (NT_SUCCESS(Status))
            *TokenInformation = Block;
        else
            ExFreePoolWithTag(Block, SEP_TAG_QUERY);
        Room = Needed;                          // it may have grown meanwhile
    }
    return Status;
}

static NTSTATUS
SepQueryTo(PTOKEN Token, TOKEN_INFORMATION_CLASS Class, PVOID To, ULONG Length,
           PULONG ReturnLength, KPROCESSOR_MODE Mode)
{
    ULONG    Room = Length < 0x10000 ? Length : 0x10000, Needed = 0;
    PUCHAR   Buffer = Room != 0 ? ExAllocatePoolWithTag(PagedPool, Room, SEP_TAG_QUERY) : NULL;
    NTSTATUS Status;

    if (Room != 0 && Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = SepQueryToken(Token, Class, Buffer, To, Room, &Needed);
    if (NT_SUCCESS(Status))
        Status = ObReturnBytes(To, Buffer, Needed, ReturnLength, Mode);
    else if (Status == STATUS_BUFFER_TOO_SMALL
             && !NT_SUCCESS(ObReturnBytes(ReturnLength, &Needed, sizeof Needed, NULL, Mode)))
        Status = STATUS_ACCESS_VIOLATION;
    if (Buffer != NULL)
        ExFreePoolWithTag(Buffer, SEP_TAG_QUERY);
    return Status;
}

/*
 * System service. The handle needs TOKEN_QUERY, for TokenSource TOKEN_QUERY_SOURCE.
 * STATUS_BUFFER_TOO_SMALL: *ReturnLength says how much it takes. STATUS_INVALID_INFO_CLASS.
 */
NTSTATUS NTAPI
NtQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                        PVOID TokenInformation, ULONG TokenInformationLength, PULONG ReturnLength)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();
    ACCESS_MASK     Access = TokenInformationClass == TokenSource
        ? TOKEN_QUERY_SOURCE : TOKEN_QUERY;
    PTOKEN          Token;
    NTSTATUS        Status;

    PAGED_CODE();

    if (ReturnLength == NULL)
        return STATUS_ACCESS_VIOLATION;
    Status = ObProbeOutput(ReturnLength, sizeof *ReturnLength, Mode);
    if (NT_SUCCESS(Status) && TokenInformationLength != 0)
        Status = TokenInformation == NULL ? STATUS_ACCESS_VIOLATION
            : ObProbeOutput(TokenInformation, TokenInformationLength, Mode);
    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(TokenHandle, Access, SepTokenObjectType, Mode,
                                           (PVOID *)&Token, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = SepQueryTo(Token, TokenInformationClass, TokenInformation, TokenInformationLength,
                        ReturnLength, Mode);
    ObDereferenceObject(Token);
    return Status;
}

TOKEN_TYPE NTAPI
SeTokenType(PACCESS_TOKEN Token)
{
    return ((PTOKEN)Token)->TokenType;
}

SECURITY_IMPERSONATION_LEVEL NTAPI
SeTokenImpersonationLevel(PACCESS_TOKEN Token)
{
    return ((PTOKEN)Token)->ImpersonationLevel;
}

BOOLEAN NTAPI
SeTokenIsAdmin(PACCESS_TOKEN Token)
{
    return SepSidInToken(Token, SepExports.SeAliasAdminsSid, FALSE, FALSE);
}

BOOLEAN NTAPI
SeTokenIsRestricted(PACCESS_TOKEN Token)
{
    return ((PTOKEN)Token)->RestrictedSidCount != 0;
}

NTSTATUS NTAPI
SeQueryAuthenticationIdToken(PACCESS_TOKEN Token, PLUID AuthenticationId)
{
    *AuthenticationId = ((PTOKEN)Token)->AuthenticationId;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
SeQuerySessionIdToken(PACCESS_TOKEN Token, PULONG SessionId)
{
    *SessionId = ((PTOKEN)Token)->SessionId;
    return STATUS_SUCCESS;
}
