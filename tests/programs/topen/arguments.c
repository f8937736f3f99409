/* The arguments of NtCreateFile, one thing wrong at a time, or several that do not go together. */
#include "topen.h"

#define BAD     STATUS_INVALID_PARAMETER
#define OK      STATUS_SUCCESS
#define READ    (FILE_READ_DATA | SYNCHRONIZE)
#define ALERT   FILE_SYNCHRONOUS_IO_ALERT
#define NOALERT FILE_SYNCHRONOUS_IO_NONALERT
#define TREE    FILE_CREATE_TREE_CONNECTION

/* Asked of a driver that opens whatever it is given. */
static const struct {
    ACCESS_MASK Access;
    ULONG       FileAttributes, Share, Disposition, Options;
    NTSTATUS    Status;
} Cases[] = {
    { READ, 0, 0, FILE_OPEN, 0, OK },
    { READ, 0, 0, FILE_SUPERSEDE, 0, OK },
    { READ, 0, 0, FILE_OVERWRITE_IF, 0, OK },
    { READ, 0, 0, FILE_OVERWRITE_IF + 1, 0, BAD },
    { READ, 0, 0, 0xFFFFFFFF, 0, BAD },
    { READ, 0, 7, FILE_OPEN, 0, OK },
    { READ, 0, 8, FILE_OPEN, 0, BAD },
    { READ, 0, 0x80000001, FILE_OPEN, 0, BAD },
    { READ, 0x7FB7, 0, FILE_OPEN, 0, OK },
    { READ, 0x8, 0, FILE_OPEN, 0, BAD },        // a volume's label
    { READ, 0x40, 0, FILE_OPEN, 0, BAD },       // a device
    { READ, 0x8000, 0, FILE_OPEN, 0, BAD },
    { READ, 0, 0, FILE_OPEN, 0x01000000, BAD },
    { READ, 0, 0, FILE_OPEN, 0x80000000, BAD },
    { READ, 0, 0, FILE_OPEN, ALERT, OK },
    { READ, 0, 0, FILE_OPEN, NOALERT, OK },
    { READ, 0, 0, FILE_OPEN, ALERT | NOALERT, BAD },
    { FILE_READ_DATA, 0, 0, FILE_OPEN, ALERT, BAD },
    { FILE_READ_DATA, 0, 0, FILE_OPEN, NOALERT, BAD },
    { FILE_READ_DATA, 0, 0, FILE_OPEN, 0, OK },
    { GENERIC_READ, 0, 0, FILE_OPEN, NOALERT, BAD },    // not mapped yet
    { READ, 0, 0, FILE_OPEN, FILE_DELETE_ON_CLOSE, BAD },
    { READ | DELETE, 0, 0, FILE_OPEN, FILE_DELETE_ON_CLOSE, OK },
    { READ, 0, 0, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE, BAD },
    { READ, 0, 0, FILE_OPEN, FILE_DIRECTORY_FILE, OK },
    { READ, 0, 0, FILE_OPEN_IF, FILE_DIRECTORY_FILE, OK },
    { READ, 0, 0, FILE_CREATE, FILE_DIRECTORY_FILE, OK },
    { READ, 0, 0, FILE_SUPERSEDE, FILE_DIRECTORY_FILE, BAD },
    { READ, 0, 0, FILE_OVERWRITE, FILE_DIRECTORY_FILE, BAD },
    { READ, 0, 0, FILE_OVERWRITE_IF, FILE_DIRECTORY_FILE, BAD },
    { READ, 0, 0, FILE_OPEN, FILE_DIRECTORY_FILE | NOALERT | FILE_WRITE_THROUGH
      | FILE_OPEN_FOR_BACKUP_INTENT | FILE_OPEN_BY_FILE_ID | FILE_NO_COMPRESSION
      | FILE_OPEN_REPARSE_POINT | FILE_COMPLETE_IF_OPLOCKED, OK },
    { READ, 0, 0, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_SEQUENTIAL_ONLY, BAD },
    { READ, 0, 0, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_RANDOM_ACCESS, BAD },
    { READ, 0, 0, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_NO_INTERMEDIATE_BUFFERING, BAD },
    { READ, 0, 0, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_RESERVE_OPFILTER, BAD },
    { READ, 0, 0, FILE_OPEN, FILE_COMPLETE_IF_OPLOCKED | FILE_RESERVE_OPFILTER, BAD },
    { READ, 0, 0, FILE_OPEN, FILE_RESERVE_OPFILTER, OK },
    { READ, 0, 0, FILE_OPEN, FILE_NO_INTERMEDIATE_BUFFERING, OK },
    { READ | FILE_APPEND_DATA, 0, 0, FILE_OPEN, FILE_NO_INTERMEDIATE_BUFFERING, BAD },
    { READ | GENERIC_WRITE, 0, 0, FILE_OPEN, FILE_NO_INTERMEDIATE_BUFFERING, OK },
};

typedef struct _CALL {
    PHANDLE            File;
    POBJECT_ATTRIBUTES Attributes;
    PIO_STATUS_BLOCK   Iosb;
    PLARGE_INTEGER     Size;
    PVOID              Ea;
    ULONG              EaLength;
} CALL;

static HANDLE            File;
static IO_STATUS_BLOCK   Iosb;
static UNICODE_STRING    Name;
static OBJECT_ATTRIBUTES Attributes;

static const CALL Good = { &File, &Attributes, &Iosb, NULL, NULL, 0 };

static NTSTATUS
Create(const CALL *Call)
{
    NTSTATUS Status = NtCreateFile(Call->File, READ, Call->Attributes, Call->Iosb, Call->Size, 0,
        0, FILE_OPEN, 0, Call->Ea, Call->EaLength);

    if (NT_SUCCESS(Status))
        CloseHandle(File);
    return Status;
}

void
Arguments(void)
{
    RtlInitUnicodeString(&Name, DEVICE);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Promise("Numbers and combinations of NtCreateFile that make no sense are refused");
    for (ULONG Index = 0; Index < ARRAYSIZE(Cases); Index++) {
        NTSTATUS Status;

        File = (HANDLE)77;
        Iosb.Information = 77;
        Status = NtCreateFile(&File, Cases[Index].Access, &Attributes, &Iosb, NULL,
            Cases[Index].FileAttributes, Cases[Index].Share, Cases[Index].Disposition,
            Cases[Index].Options, NULL, 0);
        Expect(Status == Cases[Index].Status, "case %lu: 0x%08lX", Index, (ULONG)Status);
        if (NT_SUCCESS(Status))
            CloseHandle(File);
        else
            Expect(File == (HANDLE)77 && Iosb.Information == 77, "case %lu writes", Index);
    }
}

static void
Sizes(void)
{
    LARGE_INTEGER Size = { .QuadPart = 0x7FFFFFFFFFFFFFFF };
    CALL          Call = Good;

    Call.Size = &Size;
    Expect(Create(&Call) == OK, "an allocation size");
    Size.QuadPart = -1;
    Expect(Create(&Call) == BAD, "a negative allocation size");
}

typedef struct _EA {
    ULONG  Next;
    UCHAR  Flags, NameLength;
    USHORT ValueLength;
    CHAR   Name[8];
} EA;

/* Two attributes, 12 and 16 bytes long: A is 12345, B is empty; then what is wrong with them. */
static void
Eas(void)
{
    static const struct {
        ULONG    Offset, Value, Size, Length;
        NTSTATUS Status;
        ULONG    Error;
    } Eas[] = {
        { 0, 16, 4, 28, OK, 0 },
        { 0, 16, 4, 27, OK, 0 },                // the last one's name and its end are enough
        { 0, 16, 4, 24, STATUS_EA_LIST_INCONSISTENT, 16 },
        { 0, 16, 4, 7, STATUS_EA_LIST_INCONSISTENT, 0 },
        { 0, 16, 4, 1, STATUS_EA_LIST_INCONSISTENT, 0 },
        { 0, 12, 4, 28, STATUS_EA_LIST_INCONSISTENT, 0 },   // not where the first one ends
        { 0, 20, 4, 28, STATUS_EA_LIST_INCONSISTENT, 0 },
        { 0, 15, 4, 28, STATUS_EA_LIST_INCONSISTENT, 0 },
        { 0, 0xFFFFFFF0, 4, 28, STATUS_EA_LIST_INCONSISTENT, 0 },
        { 16, 16, 4, 28, STATUS_EA_LIST_INCONSISTENT, 16 }, // the last one is not
        { 5, 2, 1, 28, STATUS_EA_LIST_INCONSISTENT, 0 },    // the name does not end
        { 5, 200, 1, 28, STATUS_EA_LIST_INCONSISTENT, 0 },
        { 6, 6, 2, 28, OK, 0 },
        { 6, 7, 2, 28, STATUS_EA_LIST_INCONSISTENT, 0 },
        { 22, 0xFFFF, 2, 28, STATUS_EA_LIST_INCONSISTENT, 16 },
    };
    static UCHAR List[64] __attribute__((aligned(8)));
    CALL         Call = Good;

    Call.Ea = List;
    for (ULONG Index = 0; Index < ARRAYSIZE(Eas); Index++) {
        EA       First = { 16, 0, 1, 5, "A\00012345" }, Last = { 0, 0, 2, 0, "BB" };
        NTSTATUS Status;

        memcpy(List, &First, sizeof First);
        memcpy(List + 16, &Last, 12);
        memcpy(List + Eas[Index].Offset, &Eas[Index].Value, Eas[Index].Size);
        Call.EaLength = Eas[Index].Length;
        Iosb.Information = 77;
        Status = Create(&Call);
        Expect(Status == Eas[Index].Status, "list %lu: 0x%08lX", Index, (ULONG)Status);
        Expect(NT_SUCCESS(Status) || Iosb.Information == Eas[Index].Error, "list %lu: error at "
            "%llu", Index, (ULONG64)Iosb.Information);
    }
    Call.Ea = List + 1;
    Expect(Create(&Call) == STATUS_DATATYPE_MISALIGNMENT, "a misaligned list");
    Call.EaLength = 0;
    Expect(Create(&Call) == OK, "an empty list");
}

void
Capture(void)
{
    static const ULONG_PTR Pointers[] = { 0x8, 0x6660000, 0xFFFFF80000401000, 0xFFFFC00000000000,
        0x0000800000000000, 0xFFFFFFFFFFFFFFF0 };

    Promise("Sizes and lists of extended attributes are checked, and the wrong entry is named");
    Sizes();
    Eas();
    Promise("NtCreateFile refuses each pointer that is bad");
    for (ULONG Index = 0; Index < 2 * ARRAYSIZE(Pointers); Index++) {
        BOOL     Odd = Index >= ARRAYSIZE(Pointers);
        PVOID    Bad = Odd ? (PUCHAR)&Good + 1 : (PVOID)Pointers[Index];
        NTSTATUS Wanted = Odd ? STATUS_DATATYPE_MISALIGNMENT : STATUS_ACCESS_VIOLATION;
        CALL     Calls[] = { Good, Good, Good, Good, Good };

        Calls[0].File = Bad;
        Calls[1].Attributes = Bad;
        Calls[2].Iosb = Bad;
        Calls[3].Size = Bad;
        Calls[4].Ea = Bad;
        Calls[4].EaLength = 24;
        for (ULONG Which = 0; Which < ARRAYSIZE(Calls); Which++) {
            NTSTATUS Status = Create(&Calls[Which]);

            Expect(Status == Wanted, "pointer %lu at %p: 0x%08lX", Which, Bad, (ULONG)Status);
        }
    }
}
