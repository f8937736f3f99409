/*
 * Names: what a path may look like, links, roots, and the name an object says it has.
 */
#include "ktob.h"

NTSYSAPI NTSTATUS NTAPI ZwCreateSymbolicLinkObject(PHANDLE Handle, ACCESS_MASK Access,
                                                   POBJECT_ATTRIBUTES Attributes,
    PUNICODE_STRING Target);

static NTSTATUS
KtOpen(PCWSTR Name, ULONG Attributes, HANDLE Root, PHANDLE Handle)
{
    return ZwOpenEvent(Handle, EVENT_ALL_ACCESS, KtName(Name, Attributes, Root));
}

static HANDLE
KtLink(PCWSTR Name, PCWSTR Target)
{
    UNICODE_STRING String;
    HANDLE         Handle = NULL;

    RtlInitUnicodeString(&String, Target);
    ZwCreateSymbolicLinkObject(&Handle, SYMBOLIC_LINK_ALL_ACCESS, KtName(Name, 0, NULL), &String);
    return Handle;
}

static VOID
KtPaths(VOID)
{
    PCSTR  Sentence = "each way a path can be wrong has its status";
    HANDLE Handle, Root;

    KT_STATUS(Sentence, STATUS_OBJECT_PATH_SYNTAX_BAD,
              KtOpen(L"BaseNamedObjects\\X", 0, NULL, &Handle));
    KT_STATUS(Sentence, STATUS_OBJECT_PATH_SYNTAX_BAD, KtOpen(L"", 0, NULL, &Handle));
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_NOT_FOUND,
              KtOpen(L"\\BaseNamedObjects\\KtNot", 0, NULL, &Handle));
    KT_STATUS(Sentence, STATUS_OBJECT_PATH_NOT_FOUND, KtOpen(L"\\KtNot\\X", 0, NULL, &Handle));
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_INVALID,
              KtOpen(L"\\BaseNamedObjects\\", 0, NULL, &Handle));
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_INVALID,
              KtOpen(L"\\BaseNamedObjects\\\\X", 0, NULL, &Handle));
    KT_STATUS(Sentence, STATUS_OBJECT_TYPE_MISMATCH,
              KtOpen(L"\\BaseNamedObjects", 0, NULL, &Handle));
    KT_STATUS(Sentence, STATUS_OBJECT_TYPE_MISMATCH, KtOpen(L"\\", 0, NULL, &Handle));
    KT_STATUS(Sentence, STATUS_OBJECT_TYPE_MISMATCH,
              KtOpen(L"\\ObjectTypes\\Event\\X", 0, NULL, &Handle));

    KT_STATUS(Sentence, STATUS_SUCCESS,
              ZwOpenDirectoryObject(&Root, DIRECTORY_ALL_ACCESS,
                                    KtName(L"\\BaseNamedObjects", 0, NULL)));
    KT_STATUS(Sentence, STATUS_OBJECT_PATH_SYNTAX_BAD, KtOpen(L"\\X", 0, Root, &Handle));
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_NOT_FOUND, KtOpen(L"X", 0, Root, &Handle));
    ZwClose(Root);
}

static VOID
KtCase(VOID)
{
    PCSTR  Sentence = "case matters unless OBJ_CASE_INSENSITIVE says otherwise";
    HANDLE Handle, Second;

    KT_STATUS(Sentence, STATUS_SUCCESS, ZwCreateEvent(&Handle, EVENT_ALL_ACCESS,
        KtName(L"\\BaseNamedObjects\\KtCase", 0, NULL),
              NotificationEvent, FALSE));
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_NOT_FOUND,
              KtOpen(L"\\BaseNamedObjects\\KTCASE", 0, NULL, &Second));
    KT_STATUS(Sentence, STATUS_SUCCESS, KtOpen(L"\\basenamedobjects\\ktCASE",
                                               OBJ_CASE_INSENSITIVE, NULL, &Second));
    KT_CHECK(Sentence, KtPeek(Second) == KtPeek(Handle));
    ZwClose(Second);
    ZwClose(Handle);
}

static VOID
KtLinks(VOID)
{
    PCSTR  Sentence = "links are followed, one after the other, and a loop ends";
    HANDLE Links[3], Loop[2], Handle, Second;

    KT_STATUS(Sentence, STATUS_SUCCESS, ZwCreateEvent(&Handle, EVENT_ALL_ACCESS,
        KtName(L"\\BaseNamedObjects\\KtEnd", 0, NULL),
              NotificationEvent, FALSE));
    Links[0] = KtLink(L"\\BaseNamedObjects\\KtLink1", L"\\BaseNamedObjects\\KtLink2");
    Links[1] = KtLink(L"\\BaseNamedObjects\\KtLink2", L"\\BaseNamedObjects\\KtEnd");
    Links[2] = KtLink(L"\\KtLink3", L"\\BaseNamedObjects");
    KT_CHECK(Sentence, Links[0] != NULL && Links[1] != NULL && Links[2] != NULL);
    KT_STATUS(Sentence, STATUS_SUCCESS, KtOpen(L"\\KtLink3\\KtLink1", 0, NULL, &Second));
    KT_CHECK(Sentence, KtPeek(Second) == KtPeek(Handle) && POINTERS(KtPeek(Handle)) == 3);
    ZwClose(Second);
    KT_STATUS(Sentence, STATUS_SUCCESS,
              ZwOpenSymbolicLinkObject(&Second, SYMBOLIC_LINK_QUERY,
                                       KtName(L"\\KtLink3\\KtLink1", 0, NULL)));
    KT_CHECK(Sentence, KtPeek(Second) == KtPeek(Links[0]));
    ZwClose(Second);

    Loop[0] = KtLink(L"\\KtLoop1", L"\\KtLoop2");
    Loop[1] = KtLink(L"\\KtLoop2", L"\\KtLoop1");
    KT_STATUS(Sentence, STATUS_OBJECT_PATH_INVALID, KtOpen(L"\\KtLoop1\\X", 0, NULL, &Second));
    for (ULONG Index = 0; Index < 3; Index++)
        ZwClose(Links[Index]);
    ZwClose(Loop[0]);
    ZwClose(Loop[1]);
    ZwClose(Handle);
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_NOT_FOUND, KtOpen(L"\\KtLink3", 0, NULL, &Second));
}

static VOID
KtSaysItsName(VOID)
{
    struct { OBJECT_NAME_INFORMATION Name; WCHAR Text[64]; } Buffer;
    UNICODE_STRING Wanted = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\KtSays");
    PCSTR          Sentence =
        "an object says its full name, and what it needs when the buffer is too small";
    HANDLE         Handle;
    ULONG          Size;

    KT_STATUS(Sentence, STATUS_SUCCESS, ZwCreateEvent(&Handle, EVENT_ALL_ACCESS,
                                                      KtName(Wanted.Buffer, 0, NULL),
              NotificationEvent, FALSE));
    KT_STATUS(Sentence, STATUS_SUCCESS, ObQueryNameString(KtPeek(Handle), &Buffer.Name,
                                                          sizeof(Buffer), &Size));
    KT_CHECK(Sentence, RtlEqualUnicodeString(&Buffer.Name.Name, &Wanted, FALSE));
    KT_CHECK(Sentence, Size == sizeof(UNICODE_STRING) + Wanted.Length + sizeof(WCHAR));
    KT_STATUS(Sentence, STATUS_INFO_LENGTH_MISMATCH,
              ObQueryNameString(KtPeek(Handle), &Buffer.Name, Size - 1, &Size));
    KT_CHECK(Sentence, Size == sizeof(UNICODE_STRING) + Wanted.Length + sizeof(WCHAR));
    ZwClose(Handle);
}

VOID
KtTestNames(VOID)
{
    KtPaths();
    KtCase();
    KtLinks();
    KtSaysItsName();
}
