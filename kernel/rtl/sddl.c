/*
 * The security descriptor definition language: a descriptor written as text,
 *
 *     O:BA G:SY D:P(A;;GA;;;SY)(A;;GRGX;;;WD)(D;;GW;;;S-1-5-21-1-2-3-1001)       (without blanks)
 *
 * owner, group, DACL, SACL, each optional; a list is its flags and then its ACEs, and an ACE is
 * type;flags;rights;;;who. Read here, written by sddltext.c; both go by the tables below. Object
 * and callback ACEs are not known.
 *
 * The kernel describes its own objects in it, IoCreateDeviceSecure and programs take it from
 * others: every character may be wrong, so the text is only walked by RtlpTake and its kin, and
 * the parts are built in a scratch block that is large enough for any text of that length.
 */
#include "rtlp.h"

#define RTLP_TAG_SDDL       'lddS'
#define RTLP_LONGEST_SDDL   4096
#define RTLP_LONGEST_SID    (FIELD_OFFSET(SID, SubAuthority) + 15 * sizeof(ULONG))

#define MACHINE             21, RTL_MACHINE_ID

const RTLP_SDDL_SID RtlpSddlSids[] = {
    { L"WD", 1, 1, { 0 } },            { L"CO", 3, 1, { 0 } },       { L"CG", 3, 1, { 1 } },
    { L"NU", 5, 1, { 2 } },            { L"IU", 5, 1, { 4 } },       { L"SU", 5, 1, { 6 } },
    { L"AN", 5, 1, { 7 } },            { L"PS", 5, 1, { 10 } },      { L"AU", 5, 1, { 11 } },
    { L"RC", 5, 1, { 12 } },           { L"SY", 5, 1, { 18 } },      { L"LS", 5, 1, { 19 } },
    { L"NS", 5, 1, { 20 } },           { L"BA", 5, 2, { 32, 544 } }, { L"BU", 5, 2, { 32, 545 } },
    { L"BG", 5, 2, { 32, 546 } },      { L"PU", 5, 2, { 32, 547 } }, { L"AO", 5, 2, { 32, 548 } },
    { L"SO", 5, 2, { 32, 549 } },      { L"PO", 5, 2, { 32, 550 } }, { L"BO", 5, 2, { 32, 551 } },
    { L"LA", 5, 5, { MACHINE, 500 } }, { L"LG", 5, 5, { MACHINE, 501 } },
    { L"", 0, 0, { 0 } },
};

const RTLP_SDDL_WORD RtlpSddlRights[] = {
    { L"GA", GENERIC_ALL },   { L"GR", GENERIC_READ }, { L"GW", GENERIC_WRITE },
    { L"GX", GENERIC_EXECUTE }, { L"RC", READ_CONTROL }, { L"SD", DELETE }, { L"WD", WRITE_DAC },
    { L"WO", WRITE_OWNER },   { L"CC", 0x1 },  { L"DC", 0x2 },  { L"LC", 0x4 },  { L"SW", 0x8 },
    { L"RP", 0x10 },          { L"WP", 0x20 }, { L"DT", 0x40 }, { L"LO", 0x80 }, { L"CR", 0x100 },
    { L"FA", FILE_ALL_ACCESS },     { L"FR", FILE_GENERIC_READ },
    { L"FW", FILE_GENERIC_WRITE },  { L"FX", FILE_GENERIC_EXECUTE },
    { L"KA", KEY_ALL_ACCESS },      { L"KR", KEY_READ },
    { L"KW", KEY_WRITE },           { L"KX", KEY_EXECUTE },
    { L"", 0 },
};

const RTLP_SDDL_WORD RtlpSddlFlags[] = {
    { L"OI", OBJECT_INHERIT_ACE }, { L"CI", CONTAINER_INHERIT_ACE },
    { L"NP", NO_PROPAGATE_INHERIT_ACE }, { L"IO", INHERIT_ONLY_ACE }, { L"ID", INHERITED_ACE },
    { L"SA", SUCCESSFUL_ACCESS_ACE_FLAG }, { L"FA", FAILED_ACCESS_ACE_FLAG }, { L"", 0 },
};

const RTLP_SDDL_WORD RtlpSddlTypes[] = {
    { L"AU", SYSTEM_AUDIT_ACE_TYPE }, { L"AL", SYSTEM_ALARM_ACE_TYPE },
    { L"A", ACCESS_ALLOWED_ACE_TYPE }, { L"D", ACCESS_DENIED_ACE_TYPE }, { L"", 0 },
};

static BOOLEAN
RtlpTake(PCWSTR *At, PCWSTR Word)
{
    SIZE_T Length = wcslen(Word);

    if (Length == 0 || wcsncmp(*At, Word, Length) != 0)
        return FALSE;
    *At += Length;
    return TRUE;
}

/* The value of the word at *At, which is taken; FALSE: none of the table. */
static BOOLEAN
RtlpTakeWord(PCWSTR *At, const RTLP_SDDL_WORD *Table, PULONG Value)
{
    for (; Table->Text[0] != 0; Table++) {
        if (RtlpTake(At, Table->Text)) {
            *Value = Table->Value;
            return TRUE;
        }
    }
    return FALSE;
}

static ULONG
RtlpDigit(WCHAR Character)
{
    if (Character >= '0' && Character <= '9')
        return Character - '0';
    Character |= 0x20;
    return Character >= 'a' && Character <= 'f' ? Character - 'a' + 10u : 16;
}

/* A number in decimal or with 0x, up to 32 bits. */
static BOOLEAN
RtlpTakeNumber(PCWSTR *At, PULONG Value)
{
    ULONG   Base = RtlpTake(At, L"0x") || RtlpTake(At, L"0X") ? 16 : 10;
    ULONG64 Number = 0;
    PCWSTR  First = *At;

    for (; RtlpDigit(**At) < Base; (*At)++) {
        Number = Number * Base + RtlpDigit(**At);
        if (Number > MAXULONG)
            return FALSE;
    }
    *Value = (ULONG)Number;
    return *At != First;
}

/* S-1-5-32-544; the authority has at most 32 bits. */
static BOOLEAN
RtlpTakeNumericSid(PCWSTR *At, SID *Sid)
{
    SID_IDENTIFIER_AUTHORITY Authority = { { 0 } };
    ULONG                    Value;

    if (!RtlpTake(At, L"S-1-") || !RtlpTakeNumber(At, &Value))
        return FALSE;
    for (ULONG Index = 0; Index < 4; Index++)
        Authority.Value[2 + Index] = (UCHAR)(Value >> (24 - 8 * Index));
    RtlInitializeSid(Sid, &Authority, 0);
    while (RtlpTake(At, L"-")) {
        if (Sid->SubAuthorityCount == SID_MAX_SUB_AUTHORITIES || !RtlpTakeNumber(At, &Value))
            return FALSE;
        Sid->SubAuthority[Sid->SubAuthorityCount++] = Value;
    }
    return Sid->SubAuthorityCount != 0;
}

/* A SID in either form. Room for RTLP_LONGEST_SID bytes. */
BOOLEAN
RtlpTakeSid(PCWSTR *At, PSID Sid)
{
    for (const RTLP_SDDL_SID *Known = RtlpSddlSids; Known->Text[0] != 0; Known++) {
        if (RtlpTake(At, Known->Text)) {
            SID_IDENTIFIER_AUTHORITY Authority = { { 0, 0, 0, 0, 0, Known->Authority } };

            RtlInitializeSid(Sid, &Authority, Known->Count);
            memcpy(((SID *)Sid)->SubAuthority, Known->Parts, Known->Count * sizeof(ULONG));
            return TRUE;
        }
    }
    return RtlpTakeNumericSid(At, Sid);
}

/* Words of a table, or'ed, up to the next semicolon; or, if Number, a number. */
static BOOLEAN
RtlpTakeMask(PCWSTR *At, const RTLP_SDDL_WORD *Table, BOOLEAN Number, PULONG Mask)
{
    ULONG Value;

    *Mask = 0;
    if (Number && RtlpDigit(**At) < 10)
        return RtlpTakeNumber(At, Mask) && RtlpTake(At, L";");
    while (RtlpTakeWord(At, Table, &Value))
        *Mask |= Value;
    return RtlpTake(At, L";");
}

/* type;flags;rights;;;who) */
static BOOLEAN
RtlpTakeAce(PCWSTR *At, PACL Acl)
{
    UCHAR       Sid[RTLP_LONGEST_SID];
    ULONG       Type, Flags;
    ACCESS_MASK Rights;

    return RtlpTakeWord(At, RtlpSddlTypes, &Type) && RtlpTake(At, L";")
        && RtlpTakeMask(At, RtlpSddlFlags, FALSE, &Flags)
        && RtlpTakeMask(At, RtlpSddlRights, TRUE, &Rights)
        && RtlpTake(At, L";;") && RtlpTakeSid(At, Sid) && RtlpTake(At, L")")
        && NT_SUCCESS(RtlpAppendAce(Acl, ACL_REVISION, (UCHAR)Type, Flags, Rights, Sid));
}

/* A list and its flags; Shift moves the DACL's control bits to the SACL's. */
static BOOLEAN
RtlpTakeAcl(PCWSTR *At, PACL Acl, PUSHORT Control, ULONG Shift, PACL *Result)
{
    *Control |= SE_DACL_PRESENT << (Shift ? 2 : 0);
    if (RtlpTake(At, L"NO_ACCESS_CONTROL"))
        return TRUE;
    for (;;) {
        if (RtlpTake(At, L"P"))
            *Control |= SE_DACL_PROTECTED << Shift;
        else if (RtlpTake(At, L"AR"))
            *Control |= SE_DACL_AUTO_INHERIT_REQ << Shift;
        else if (RtlpTake(At, L"AI"))
            *Control |= SE_DACL_AUTO_INHERITED << Shift;
        else
            break;
    }
    while (RtlpTake(At, L"("))
        if (!RtlpTakeAce(At, Acl))
            return FALSE;
    Acl->AclSize = (USHORT)RtlpAclUsed(Acl);
    *Result = Acl;
    return TRUE;
}

/* Scratch has room for two SIDs, then for two lists of Half bytes. */
static BOOLEAN
RtlpTakeParts(PCWSTR At, PUCHAR Scratch, ULONG Half, PRTL_SECURITY_PARTS Parts)
{
    PACL Dacl = (PACL)(Scratch + 2 * RTLP_LONGEST_SID), Sacl = (PACL)((PUCHAR)Dacl + Half);

    RtlZeroMemory(Parts, sizeof *Parts);
    RtlCreateAcl(Dacl, Half, ACL_REVISION);
    RtlCreateAcl(Sacl, Half, ACL_REVISION);
    if (RtlpTake(&At, L"O:") && !RtlpTakeSid(&At, Parts->Owner = Scratch))
        return FALSE;
    if (RtlpTake(&At, L"G:") && !RtlpTakeSid(&At, Parts->Group = Scratch + RTLP_LONGEST_SID))
        return FALSE;
    if (RtlpTake(&At, L"D:") && !RtlpTakeAcl(&At, Dacl, &Parts->Control, 0, &Parts->Dacl))
        return FALSE;
    if (RtlpTake(&At, L"S:") && !RtlpTakeAcl(&At, Sacl, &Parts->Control, 1, &Parts->Sacl))
        return FALSE;
    return *At == 0;
}

/*
 * The self-relative descriptor that Text describes, in paged pool (ntdll: the heap); freed with
 * ExFreePoolWithTag(..., 0). PASSIVE_LEVEL. STATUS_INVALID_PARAMETER: Text is not SDDL.
 */
NTSTATUS NTAPI
RtlpSddlToDescriptor(PCWSTR Text, PSECURITY_DESCRIPTOR *Descriptor, PULONG Length)
{
    ULONG              Half = (ULONG)ROUND_UP(wcslen(Text) * 8 + sizeof(ACL), 8);
    RTL_SECURITY_PARTS Parts;
    PUCHAR             Scratch;
    NTSTATUS           Status = STATUS_INVALID_PARAMETER;

    PAGED_CODE();

    *Descriptor = NULL;
    *Length     = 0;
    if (wcslen(Text) > RTLP_LONGEST_SDDL)
        return STATUS_INVALID_PARAMETER;
    Scratch = ExAllocatePoolWithTag(PagedPool, 2 * RTLP_LONGEST_SID + 2 * Half, RTLP_TAG_SDDL);
    if (Scratch == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    if (RtlpTakeParts(Text, Scratch, Half, &Parts)) {
        RtlpBuildDescriptor(&Parts, NULL, Length);
        *Descriptor = ExAllocatePoolWithTag(PagedPool, *Length, RTLP_TAG_SDDL);
        Status = *Descriptor == NULL ? STATUS_INSUFFICIENT_RESOURCES
                                     : RtlpBuildDescriptor(&Parts, *Descriptor, Length);
    }
    ExFreePoolWithTag(Scratch, RTLP_TAG_SDDL);
    return Status;
}

/* A SID of text, S-1-... or two letters, into Room bytes. STATUS_INVALID_SID. */
NTSTATUS NTAPI
RtlpTextToSid(PCWSTR Text, PSID Sid, ULONG Room)
{
    UCHAR Found[RTLP_LONGEST_SID];

    if (!RtlpTakeSid(&Text, Found) || *Text != 0)
        return STATUS_INVALID_SID;
    return RtlCopySid(Room, Sid, Found);
}
