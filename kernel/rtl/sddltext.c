/*
 * Security descriptors as text, the other direction of sddl.c: who is written by two letters
 * where there are any, rights by their letters if these say it exactly, else as a number. What
 * comes out reads back as the same descriptor.
 */
#include "rtlp.h"

/* Text that is being written; Length goes on counting when the room is used up. */
typedef struct _RTLP_TEXT {
    PWSTR Buffer;
    ULONG Room, Length;                 // characters, the closing zero not counted
} RTLP_TEXT, *PRTLP_TEXT;

static VOID
RtlpPut(PRTLP_TEXT Text, PCWSTR Words)
{
    for (; *Words != 0; Words++, Text->Length++)
        if (Text->Length < Text->Room)
            Text->Buffer[Text->Length] = *Words;
}

static BOOLEAN
RtlpIsKnownSid(SID *Sid, const RTLP_SDDL_SID *Known)
{
    const SID_IDENTIFIER_AUTHORITY Authority = { { 0, 0, 0, 0, 0, Known->Authority } };

    return Sid->SubAuthorityCount == Known->Count
        && memcmp(&Sid->IdentifierAuthority, &Authority, sizeof Authority) == 0
        && memcmp(Sid->SubAuthority, Known->Parts, Known->Count * sizeof(ULONG)) == 0;
}

static VOID
RtlpPutSid(PRTLP_TEXT Text, PSID Sid)
{
    WCHAR          Buffer[192];
    UNICODE_STRING Numbers = { 0, sizeof Buffer - sizeof(WCHAR), Buffer };

    for (const RTLP_SDDL_SID *Known = RtlpSddlSids; Known->Text[0] != 0; Known++) {
        if (RtlpIsKnownSid(Sid, Known)) {
            RtlpPut(Text, Known->Text);
            return;
        }
    }
    if (NT_SUCCESS(RtlConvertSidToUnicodeString(&Numbers, Sid, FALSE))) {
        Buffer[Numbers.Length / sizeof(WCHAR)] = 0;
        RtlpPut(Text, Buffer);
    }
}

/* Words for exactly Mask: one that is all of it, else the first ones that it contains. */
static VOID
RtlpPutMask(PRTLP_TEXT Text, const RTLP_SDDL_WORD *Table, ULONG Mask)
{
    RTLP_TEXT Start = *Text;
    ULONG     Left = Mask;
    WCHAR     Number[12];

    for (const RTLP_SDDL_WORD *Word = Table; Word->Text[0] != 0; Word++) {
        if (Word->Value == Mask && Mask != 0) {
            RtlpPut(Text, Word->Text);
            return;
        }
    }
    for (const RTLP_SDDL_WORD *Word = Table; Word->Text[0] != 0 && Left != 0; Word++) {
        if ((Left & Word->Value) == Word->Value) {
            RtlpPut(Text, Word->Text);
            Left &= ~Word->Value;
        }
    }
    if (Left == 0)
        return;
    *Text = Start;
    _snwprintf(Number, RTL_NUMBER_OF(Number), L"0x%x", Mask);
    RtlpPut(Text, Number);
}

static VOID
RtlpPutAce(PRTLP_TEXT Text, ACCESS_ALLOWED_ACE *Ace)
{
    const RTLP_SDDL_WORD *Type = RtlpSddlTypes;

    while (Type->Text[0] != 0 && Type->Value != Ace->Header.AceType)
        Type++;
    if (Type->Text[0] == 0)
        return;                         // of a type that has no text here
    RtlpPut(Text, L"(");
    RtlpPut(Text, Type->Text);
    RtlpPut(Text, L";");
    RtlpPutMask(Text, RtlpSddlFlags, Ace->Header.AceFlags);
    RtlpPut(Text, L";");
    RtlpPutMask(Text, RtlpSddlRights, Ace->Mask);
    RtlpPut(Text, L";;;");
    RtlpPutSid(Text, &Ace->SidStart);
    RtlpPut(Text, L")");
}

static VOID
RtlpPutAcl(PRTLP_TEXT Text, PACL Acl, ULONG Control)
{
    PVOID Ace;

    if (Control & SE_DACL_PROTECTED)
        RtlpPut(Text, L"P");
    if (Control & SE_DACL_AUTO_INHERIT_REQ)
        RtlpPut(Text, L"AR");
    if (Control & SE_DACL_AUTO_INHERITED)
        RtlpPut(Text, L"AI");
    if (Acl == NULL)
        RtlpPut(Text, L"NO_ACCESS_CONTROL");
    for (ULONG Index = 0; Acl != NULL && NT_SUCCESS(RtlGetAce(Acl, Index, &Ace)); Index++)
        RtlpPutAce(Text, Ace);
}

/*
 * Writes the named parts of a valid descriptor to Buffer, with a closing zero; *Characters is the
 * room there is, and becomes what is needed, the zero included. STATUS_BUFFER_TOO_SMALL.
 */
NTSTATUS NTAPI
RtlpDescriptorToSddl(PSECURITY_DESCRIPTOR Descriptor, SECURITY_INFORMATION Information,
                     PWSTR Buffer, PULONG Characters)
{
    RTLP_TEXT          Text = { Buffer, *Characters, 0 };
    RTL_SECURITY_PARTS Parts;

    RtlpGetParts(Descriptor, &Parts);
    if ((Information & OWNER_SECURITY_INFORMATION) && Parts.Owner != NULL) {
        RtlpPut(&Text, L"O:");
        RtlpPutSid(&Text, Parts.Owner);
    }
    if ((Information & GROUP_SECURITY_INFORMATION) && Parts.Group != NULL) {
        RtlpPut(&Text, L"G:");
        RtlpPutSid(&Text, Parts.Group);
    }
    if ((Information & DACL_SECURITY_INFORMATION) && (Parts.Control & SE_DACL_PRESENT)) {
        RtlpPut(&Text, L"D:");
        RtlpPutAcl(&Text, Parts.Dacl, Parts.Control);
    }
    if ((Information & SACL_SECURITY_INFORMATION) && (Parts.Control & SE_SACL_PRESENT)) {
        RtlpPut(&Text, L"S:");
        RtlpPutAcl(&Text, Parts.Sacl, Parts.Control >> 1);
    }
    *Characters = Text.Length + 1;
    if (Text.Length >= Text.Room)
        return STATUS_BUFFER_TOO_SMALL;
    Buffer[Text.Length] = 0;
    return STATUS_SUCCESS;
}
