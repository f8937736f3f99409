/*
 * The classes of open files and volumes, a row of a table a class: how long its structure is, how
 * aligned, what right the handle needs, and what comes of a call that is right, asked of a file on
 * the RAM disk and of one whose driver has no routine for information. A class without a row must
 * be STATUS_INVALID_INFO_CLASS, whatever else is wrong.
 */
#include "tfiles.h"

#define OK      STATUS_SUCCESS
#define NO      STATUS_INVALID_PARAMETER
#define NONE    STATUS_INVALID_DEVICE_REQUEST
#define PROTECT STATUS_MEDIA_WRITE_PROTECTED
#define CLASSES 80                              // all that were ever there, and more

typedef NTSTATUS (NTAPI *SERVICE)(HANDLE, PIO_STATUS_BLOCK, PVOID, ULONG, ULONG);
typedef enum _KIND { Query, Set, QueryVolume, SetVolume, Kinds } KIND;

static const SERVICE Services[Kinds] = {
    NtQueryInformationFile, NtSetInformationFile, NtQueryVolumeInformationFile,
    NtSetVolumeInformationFile,
};

/* Value: the first eight bytes of what is set. */
static const struct {
    KIND        Kind;
    ULONG       Class, Length, Alignment;
    ACCESS_MASK Access;
    NTSTATUS    Disk, NoDriver;
    ULONG64     Value;
} Rows[] = {
    { Query, 4, 40, 8, FILE_READ_ATTRIBUTES, OK, NONE, 0 },     // basic
    { Query, 5, 24, 8, 0, OK, NONE, 0 },                        // standard
    { Query, 6, 8, 8, 0, OK, NONE, 0 },                         // internal
    { Query, 7, 4, 4, 0, OK, NONE, 0 },                         // extended attributes
    { Query, 8, 4, 4, 0, OK, OK, 0 },                           // access
    { Query, 9, 8, 4, 0, OK, NONE, 0 },                         // name
    { Query, 14, 8, 8, 0, OK, OK, 0 },                          // position
    { Query, 16, 4, 4, 0, OK, OK, 0 },                          // mode
    { Query, 17, 4, 4, 0, OK, OK, 0 },                          // alignment
    { Query, 18, 104, 8, FILE_READ_ATTRIBUTES, OK, NONE, 0 },   // all
    { Query, 21, 8, 4, 0, NO, NONE, 0 },                        // alternate name
    { Query, 22, 32, 8, 0, NO, NONE, 0 },                       // streams
    { Query, 23, 8, 4, FILE_READ_ATTRIBUTES, NO, NONE, 0 },     // pipe
    { Query, 24, 40, 4, FILE_READ_ATTRIBUTES, NO, NONE, 0 },    // local pipe
    { Query, 25, 16, 8, FILE_READ_ATTRIBUTES, NO, NONE, 0 },    // remote pipe
    { Query, 26, 24, 8, 0, NO, NONE, 0 },                       // mailslot
    { Query, 28, 16, 8, 0, NO, NONE, 0 },                       // compression
    { Query, 34, 56, 8, FILE_READ_ATTRIBUTES, OK, NONE, 0 },    // network open
    { Query, 35, 8, 4, FILE_READ_ATTRIBUTES, OK, NONE, 0 },     // attribute tag
    { Query, 41, 4, 4, 0, OK, OK, 0 },                          // completion notification
    { Query, 43, 4, 4, FILE_READ_DATA, OK, OK, 0 },             // priority hint
    { Set, 4, 40, 8, FILE_WRITE_ATTRIBUTES, PROTECT, NONE, 0 }, // basic
    { Set, 10, 24, 8, DELETE, PROTECT, NONE, 0 },               // rename
    { Set, 11, 24, 8, 0, PROTECT, NONE, 0 },                    // link
    { Set, 13, 1, 1, DELETE, PROTECT, NONE, 1 },                // disposition
    { Set, 14, 8, 8, 0, OK, OK, 1234 },                         // position
    { Set, 16, 4, 4, 0, OK, OK, FILE_SYNCHRONOUS_IO_NONALERT }, // mode
    { Set, 19, 8, 8, FILE_WRITE_DATA, PROTECT, NONE, 0 },       // allocation
    { Set, 20, 8, 8, FILE_WRITE_DATA, PROTECT, NONE, 0 },       // end of file
    { Set, 23, 8, 4, FILE_WRITE_ATTRIBUTES, PROTECT, NONE, 0 }, // pipe
    { Set, 27, 8, 8, 0, PROTECT, NONE, 0 },                     // mailslot
    { Set, 30, 16, 8, 0, NO, NO, 0 },                           // completion: not a synchronous one
    { Set, 39, 8, 8, FILE_WRITE_DATA, PROTECT, NONE, 0 },       // valid data length
    { Set, 41, 4, 4, 0, NO, NO, 0 },                            // completion notification
    { Set, 43, 4, 4, 0, OK, OK, 1 },                            // priority hint
    { QueryVolume, 1, 24, 8, 0, OK, NONE, 0 },                  // volume
    { QueryVolume, 3, 24, 8, 0, OK, NONE, 0 },                  // size
    { QueryVolume, 4, 8, 4, 0, OK, OK, 0 },                     // device
    { QueryVolume, 5, 16, 4, 0, OK, NONE, 0 },                  // attributes
    { QueryVolume, 6, 48, 8, FILE_READ_DATA, NO, NONE, 0 },     // control
    { QueryVolume, 7, 32, 8, 0, OK, NONE, 0 },                  // full size
    { QueryVolume, 8, 64, 1, 0, NO, NONE, 0 },                  // object id
    { QueryVolume, 9, 12, 4, 0, NO, NONE, 0 },                  // driver path
    { SetVolume, 2, 8, 4, FILE_WRITE_DATA, PROTECT, NONE, 0 },  // label
    { SetVolume, 6, 48, 8, FILE_WRITE_DATA, PROTECT, NONE, 0 }, // control
    { SetVolume, 8, 64, 1, FILE_WRITE_DATA, PROTECT, NONE, 0 }, // object id
};

static HANDLE File;                             // of the running promise, with every right
static BOOL   OnDisk;

static BOOL
Sets(ULONG Row)
{
    return Rows[Row].Kind == Set || Rows[Row].Kind == SetVolume;
}

static NTSTATUS
Wanted(ULONG Row)
{
    return OnDisk ? Rows[Row].Disk : Rows[Row].NoDriver;
}

/* Ends in a name, which may be cut. */
static BOOL
IsName(ULONG Row)
{
    ULONG Class = Rows[Row].Class;

    return OnDisk && Wanted(Row) == OK
        && ((Rows[Row].Kind == Query && (Class == 9 || Class == 18))
            || (Rows[Row].Kind == QueryVolume && (Class == 1 || Class == 5)));
}

static NTSTATUS
Call(ULONG Row, HANDLE Handle, PIO_STATUS_BLOCK Iosb, PVOID Buffer, ULONG Length)
{
    return Services[Rows[Row].Kind](Handle, Iosb, Buffer, Length, Rows[Row].Class);
}

/* What a set takes: its value, zeros, and for a new name the one of a single letter. */
static void
Give(ULONG Row, PUCHAR Buffer)
{
    memset(Buffer, 0, Rows[Row].Length);
    memcpy(Buffer, &Rows[Row].Value, min(Rows[Row].Length, 8));
    if (Rows[Row].Length == 24) {
        *(PULONG)(Buffer + 16) = sizeof(WCHAR);
        *(PWCHAR)(Buffer + 20) = L'x';
    }
}

static void
Ready(ULONG Row, PUCHAR Buffer)
{
    FillRoom();
    if (Sets(Row))
        Give(Row, Buffer);
}

/* Whether the call wrote nothing to Room; what it was given to set lies there yet. */
static BOOL
NotWritten(ULONG Row)
{
    return Sets(Row) ? IsFilled(Rows[Row].Length + 8) : IsFilled(0);
}

#define COMPLAIN(What)  "service %lu, class %lu, %s: 0x%08lX", (ULONG)Rows[Row].Kind, \
    Rows[Row].Class, What, (ULONG)Status

/* How much the class has to say; its length, but for a name. */
static ULONG
Whole(ULONG Row)
{
    IO_STATUS_BLOCK Iosb = FILLED;

    if (!IsName(Row))
        return Sets(Row) ? 0 : Rows[Row].Length;
    Call(Row, File, &Iosb, Room, PAGE);
    return (ULONG)Iosb.Information;
}

static void
Good(ULONG Row)
{
    static const ULONG More[] = { 0, 1, 7, 60, 512, PAGE };
    ULONG              All = Whole(Row);

    for (ULONG Index = 0; Index < ARRAYSIZE(More); Index++) {
        IO_STATUS_BLOCK Iosb = FILLED;
        ULONG           Length = Rows[Row].Length + More[Index];
        NTSTATUS        Status;

        Ready(Row, Room);
        Status = Call(Row, File, &Iosb, Room, Length);
        Expect(Status == (Length < All ? STATUS_BUFFER_OVERFLOW : Wanted(Row)),
            COMPLAIN(More[Index] != 0 ? "longer" : "good"));
        if (Status < 0 && Status != STATUS_BUFFER_OVERFLOW) {
            Expect(IsUntold(&Iosb) && NotWritten(Row), COMPLAIN("failed, but something written"));
            continue;
        }
        Expect(Iosb.Status == Status && (Length < All ? Iosb.Information + 1 >= Length
            && Iosb.Information <= Length : Iosb.Information == All), COMPLAIN("status block"));
        if (!Sets(Row))
            Expect(IsFilled((ULONG)Iosb.Information), COMPLAIN("more written"));
    }
}

static void
Short(ULONG Row)
{
    for (ULONG Length = 0; Length < Rows[Row].Length; Length++) {
        IO_STATUS_BLOCK Iosb = FILLED;
        NTSTATUS        Status;

        Ready(Row, Room);
        Status = Call(Row, File, &Iosb, Room, Length);
        Expect(Status == STATUS_INFO_LENGTH_MISMATCH && IsUntold(&Iosb) && NotWritten(Row),
            COMPLAIN("short"));
    }
}

static void
BadBuffers(ULONG Row)
{
    ULONG           Length = Rows[Row].Length, Alignment = Rows[Row].Alignment;
    PUCHAR          Edge = Room + 2 * PAGE - Alignment;
    IO_STATUS_BLOCK Iosb = FILLED;
    NTSTATUS        Status;

    Ready(Row, Room);
    for (ULONG Index = 0; Index < BAD; Index++) {
        Status = Call(Row, File, &Iosb, Bad[Index], Length);
        Expect(Status == AV && NotWritten(Row), COMPLAIN("bad buffer"));
    }
    for (ULONG Odd = 1; Odd < Alignment; Odd++) {
        Status = Call(Row, File, &Iosb, Room + Odd, Length);
        Expect(Status == STATUS_DATATYPE_MISALIGNMENT && NotWritten(Row), COMPLAIN("misaligned"));
    }
    if (Length > Alignment) {
        Status = Call(Row, File, &Iosb, Edge, Length);
        Expect(Status == AV && NotWritten(Row), COMPLAIN("over the end"));
    }
    if (!Sets(Row)) {
        Status = Call(Row, File, &Iosb, ReadOnly, Length);
        Expect(Status == AV, COMPLAIN("read-only"));
    }
    Expect(IsUntold(&Iosb), COMPLAIN("status block written"));
}

static void
BadStatusBlocks(ULONG Row)
{
    NTSTATUS Status;

    Ready(Row, Room);
    for (ULONG Index = 0; Index < BAD; Index++) {
        Status = Call(Row, File, Bad[Index], Room, Rows[Row].Length);
        Expect(Status == AV && NotWritten(Row), COMPLAIN("bad status block"));
    }
    Status = Call(Row, File, (PIO_STATUS_BLOCK)ReadOnly, Room, Rows[Row].Length);
    Expect(Status == AV && NotWritten(Row), COMPLAIN("read-only status block"));
    Status = Call(Row, File, (PIO_STATUS_BLOCK)(Room + PAGE + 1), Room, Rows[Row].Length);
    Expect(Status == STATUS_DATATYPE_MISALIGNMENT && NotWritten(Row),
        COMPLAIN("misaligned status block"));
}

static void
BadHandles(ULONG Row)
{
    IO_STATUS_BLOCK Iosb = FILLED;
    HANDLE          Event = NewEvent();
    HANDLE          Weak = Weaken(File, FILE_ALL_ACCESS & ~Rows[Row].Access);
    NTSTATUS        Status;

    Ready(Row, Room);
    Status = Call(Row, Event, &Iosb, Room, Rows[Row].Length);
    Expect(Status == STATUS_OBJECT_TYPE_MISMATCH, COMPLAIN("an event"));
    CloseHandle(Event);
    Status = Call(Row, Event, &Iosb, Room, Rows[Row].Length);
    Expect(Status == STATUS_INVALID_HANDLE, COMPLAIN("a closed handle"));
    Status = Call(Row, NULL, &Iosb, Room, Rows[Row].Length);
    Expect(Status == STATUS_INVALID_HANDLE, COMPLAIN("no handle"));
    Status = Call(Row, (HANDLE)(LONG_PTR)(LONG)0x80000004, &Iosb, Room, Rows[Row].Length);
    Expect(Status == STATUS_INVALID_HANDLE, COMPLAIN("a handle of the kernel"));
    if (Rows[Row].Access != 0) {
        Status = Call(Row, Weak, &Iosb, Room, Rows[Row].Length);
        Expect(Status == STATUS_ACCESS_DENIED, COMPLAIN("without the right"));
    }
    CloseHandle(Weak);
    Weak = Weaken(File, Rows[Row].Access | SYNCHRONIZE);
    Expect(IsUntold(&Iosb) && NotWritten(Row), COMPLAIN("something written"));
    Status = Call(Row, Weak, &Iosb, Room, Rows[Row].Length);
    Expect(Status == Wanted(Row) || Status == STATUS_BUFFER_OVERFLOW,
        COMPLAIN("with no other right"));
    CloseHandle(Weak);
}

static void
Others(void)
{
    IO_STATUS_BLOCK Iosb = FILLED;

    Promise("A class that is none, or only the other way, is STATUS_INVALID_INFO_CLASS");
    FillRoom();
    for (ULONG Kind = 0; Kind < Kinds; Kind++) {
        for (ULONG Class = 0; Class <= CLASSES; Class++) {
            ULONG    Row = 0, Number = Class < CLASSES ? Class : 0xFFFFFFFF;
            NTSTATUS Status;

            while (Row < ARRAYSIZE(Rows)
                && (Rows[Row].Kind != (KIND)Kind || Rows[Row].Class != Number))
                Row++;
            if (Row < ARRAYSIZE(Rows))
                continue;
            Status = Services[Kind](File, &Iosb, Room, 1024, Number);
            Expect(Status == STATUS_INVALID_INFO_CLASS, "service %lu, class %lu: 0x%08lX", Kind,
                Number, (ULONG)Status);
            Status = Services[Kind](NULL, NULL, Bad[2], 0, Number);
            Expect(Status == STATUS_INVALID_INFO_CLASS, "service %lu, class %lu, all wrong: "
                "0x%08lX", Kind, Number, (ULONG)Status);
        }
    }
    Expect(IsUntold(&Iosb) && IsFilled(0), "something is written");
}

/* What the I/O manager itself knows of the file. */
typedef struct _KNOWN {
    ULONG64 Position;
    ULONG   Mode, Hint, Access;
} KNOWN;

static KNOWN
Known(void)
{
    KNOWN           Now = { 0, 0, 0, 0 };
    IO_STATUS_BLOCK Iosb;

    NtQueryInformationFile(File, &Iosb, &Now.Position, 8, EtFilePositionInformation);
    NtQueryInformationFile(File, &Iosb, &Now.Mode, 4, 16);
    NtQueryInformationFile(File, &Iosb, &Now.Hint, 4, EtFileIoPriorityHintInformation);
    NtQueryInformationFile(File, &Iosb, &Now.Access, 4, 8);
    return Now;
}

static void
Each(const char *Sentence, void (*Check)(ULONG Row))
{
    Promise(Sentence);
    for (ULONG Row = 0; Row < ARRAYSIZE(Rows); Row++)
        Check(Row);
}

static void
Refusals(void)
{
    KNOWN Before = Known(), After;

    Each("Every class refuses each length that is too short", Short);
    Each("Every class refuses bad, read-only and misaligned buffers", BadBuffers);
    Each("Every class refuses a bad status block", BadStatusBlocks);
    After = Known();
    Promise("What was refused has changed nothing");
    Expect(memcmp(&Before, &After, sizeof After) == 0, "position %llu, mode %lu, hint %lu",
        After.Position, After.Mode, After.Hint);
}

void
Classes(void)
{
    KNOWN Now;

    for (ULONG Target = 0; Target < 2; Target++) {
        OnDisk = Target == 0;
        File = XferOpen(OnDisk ? DISK_FILE : NO_DRIVER, OnDisk ? MAXIMUM_ALLOWED : FILE_ALL_ACCESS,
            FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_SYNCHRONOUS_IO_NONALERT);
        Refusals();
        Each(OnDisk ? "Every class of a file on the RAM disk: what is right works, and no more"
            : "Every class of a file whose driver knows no information", Good);
        Now = Known();
        Expect(Now.Position == 1234 && Now.Mode == FILE_SYNCHRONOUS_IO_NONALERT && Now.Hint == 1,
            "position %llu, mode %lu, hint %lu", Now.Position, Now.Mode, Now.Hint);
        Each("Every class looks at the handle's life, type and right", BadHandles);
        Others();
        CloseHandle(File);
    }
}
