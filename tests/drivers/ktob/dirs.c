/*
 * Directories: a thousand names in one, all found again, listed in pieces, and gone afterwards.
 */
#include "ktob.h"

#define NAMES   1000

NTSYSAPI NTSTATUS NTAPI ZwQueryDirectoryObject(HANDLE Directory, PVOID Buffer, ULONG Length,
                                               BOOLEAN Single, BOOLEAN Restart,
    PULONG Context, PULONG Returned);

typedef struct _ENTRY { UNICODE_STRING Name, TypeName; } ENTRY, *PENTRY;

static PCWSTR
KtNumbered(ULONG Number)
{
    static WCHAR Name[] = L"Kt0000";

    for (ULONG Digit = 0; Digit < 4; Digit++, Number /= 10)
        Name[5 - Digit] = L'0' + Number % 10;
    return Name;
}

/*
 * Lists the directory in pieces of Room bytes; returns how many names there were, 0 if one was of
 * the wrong type.
 */
static ULONG
KtCount(HANDLE Directory, PUCHAR Buffer, ULONG Room)
{
    ULONG    Context = 0, Count = 0;
    NTSTATUS Status;

    do {
        Status = ZwQueryDirectoryObject(Directory, Buffer, Room, FALSE, Count == 0, &Context, NULL);
        if (Status == STATUS_NO_MORE_ENTRIES)
            break;
        if (!NT_SUCCESS(Status))
            return 0;
        for (PENTRY Entry = (PENTRY)Buffer; Entry->Name.Length != 0; Entry++, Count++)
            if (Entry->Name.Length != 6 * sizeof(WCHAR) ||
                Entry->TypeName.Length != 5 * sizeof(WCHAR))
                return 0;
    } while (Status == STATUS_MORE_ENTRIES);
    return Count;
}

static VOID
KtThousand(HANDLE Directory, PHANDLE Handles, PUCHAR Buffer)
{
    PCSTR  Sentence = "a thousand names in one directory are counted, found and listed";
    PVOID  Object   = KtPeek(Directory);
    ULONG  Made, Found = 0;
    HANDLE Handle;

    for (Made = 0; Made < NAMES; Made++)
        if (!NT_SUCCESS(ZwCreateEvent(&Handles[Made], EVENT_ALL_ACCESS,
                                      KtName(KtNumbered(Made), 0, Directory),
                                      NotificationEvent, FALSE)))
            break;
    KT_CHECK(Sentence, Made == NAMES);
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 2 + NAMES);
    for (ULONG Index = 0; Index < Made; Index++) {
        if (!NT_SUCCESS(ZwOpenEvent(&Handle, SYNCHRONIZE, KtName(KtNumbered(Index), 0, Directory))))
            continue;
        Found += KtPeek(Handle) == KtPeek(Handles[Index]);
        ZwClose(Handle);
    }
    KT_CHECK(Sentence, Found == NAMES);
    KT_CHECK(Sentence, KtCount(Directory, Buffer, 300) == NAMES);
    KT_CHECK(Sentence, KtCount(Directory, Buffer, 65536) == NAMES);
    for (ULONG Index = 0; Index < Made; Index += 2)
        ZwClose(Handles[Index]);
    KT_CHECK(Sentence, KtCount(Directory, Buffer, 5000) == NAMES / 2);
    for (ULONG Index = 1; Index < Made; Index += 2)
        ZwClose(Handles[Index]);
    KT_CHECK(Sentence, KtCount(Directory, Buffer, 5000) == 0);
    KT_CHECK(Sentence, HANDLES(Object) == 1 && POINTERS(Object) == 2);
}

VOID
KtTestDirectories(VOID)
{
    PCSTR   Sentence = "a directory can be made, filled and lost";
    PHANDLE Handles  = ExAllocatePoolWithTag(PagedPool, NAMES * sizeof(HANDLE), 'obtK');
    PUCHAR  Buffer   = ExAllocatePoolWithTag(PagedPool, 65536, 'obtK');
    ULONG   Context  = 0, Size = 0;
    HANDLE  Directory, Again;

    KT_STATUS(Sentence, STATUS_SUCCESS,
              ZwCreateDirectoryObject(&Directory, DIRECTORY_ALL_ACCESS,
                                      KtName(L"\\KtDirectory", 0, NULL)));
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_COLLISION,
              ZwCreateDirectoryObject(&Again, DIRECTORY_ALL_ACCESS,
                                      KtName(L"\\KtDirectory", 0, NULL)));
    KT_STATUS(Sentence, STATUS_NO_MORE_ENTRIES,
              ZwQueryDirectoryObject(Directory, Buffer, 1000, TRUE, TRUE, &Context, &Size));
    KtThousand(Directory, Handles, Buffer);
    ZwClose(Directory);
    KT_STATUS(Sentence, STATUS_OBJECT_NAME_NOT_FOUND,
              ZwOpenDirectoryObject(&Again, DIRECTORY_ALL_ACCESS,
                                    KtName(L"\\KtDirectory", 0, NULL)));
    ExFreePoolWithTag(Handles, 'obtK');
    ExFreePoolWithTag(Buffer, 'obtK');
}
