/*
 * Share access. The rule, as documented: of two opens, each must share what the other has asked
 * for of read, write and delete, whichever came first; an open that asks for none of the three
 * neither refuses nor is refused. Executing counts as reading, appending as writing.
 */
#include "topen.h"

#define SHARES  8                               // read, write, delete: each or not

/* Bits of a kind of access: 1 read, 2 write, 4 delete, like those of sharing. */
static const struct { ACCESS_MASK Access; ULONG Kind; } Accesses[] = {
    { FILE_READ_ATTRIBUTES, 0 },
    { FILE_READ_DATA, 1 },
    { FILE_EXECUTE, 1 },
    { FILE_WRITE_DATA, 2 },
    { FILE_APPEND_DATA, 2 },
    { FILE_READ_DATA | FILE_APPEND_DATA, 3 },
    { DELETE, 4 },
    { DELETE | FILE_EXECUTE, 5 },
    { DELETE | FILE_WRITE_DATA, 6 },
    { DELETE | FILE_READ_DATA | FILE_WRITE_DATA, 7 },
};

#define OPENS   (ARRAYSIZE(Accesses) * SHARES)

static ULONG
KindOf(ULONG Open)
{
    return Accesses[Open / SHARES].Kind;
}

static BOOL
Agree(ULONG First, ULONG Second)
{
    if (KindOf(First) == 0 || KindOf(Second) == 0)
        return TRUE;
    return (KindOf(First) & ~(Second % SHARES)) == 0 && (KindOf(Second) & ~(First % SHARES)) == 0;
}

static NTSTATUS
OpenAs(PCWSTR Path, ULONG Open, PHANDLE File)
{
    return OpenStatus(Path, Accesses[Open / SHARES].Access, Open % SHARES, 0, File);
}

static void
Pairs(PCWSTR Path, ULONG Kinds)
{
    for (ULONG First = 0; First < OPENS; First++) {
        HANDLE One = NULL, Two = NULL;

        if (KindOf(First) & ~Kinds)
            continue;
        Expect(OpenAs(Path, First, &One) == STATUS_SUCCESS, "first open %lu", First);
        for (ULONG Second = 0; Second < OPENS; Second++) {
            NTSTATUS Status, Wanted = Agree(First, Second)
                ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION;

            if (KindOf(Second) & ~Kinds)
                continue;
            Status = OpenAs(Path, Second, &Two);
            Expect(Status == Wanted, "0x%lX shares %lu, then 0x%lX shares %lu: 0x%08lX",
                Accesses[First / SHARES].Access, First % SHARES,
                Accesses[Second / SHARES].Access, Second % SHARES, (ULONG)Status);
            if (NT_SUCCESS(Status))
                CloseHandle(Two);
        }
        CloseHandle(One);
    }
}

/* A third open must agree with both of two that agree. */
static void
Triples(void)
{
    ULONG Tried = 0;

    for (ULONG Number = 1; Tried < 3000; Number = Number * 1103515245 + 12345) {
        ULONG    Opens[3] = { Number / 7 % OPENS, Number / 4099 % OPENS, Number / 262147 % OPENS };
        HANDLE   Files[3];
        NTSTATUS Status;
        BOOL     Fits = Agree(Opens[0], Opens[2]) && Agree(Opens[1], Opens[2]);

        if (!Agree(Opens[0], Opens[1]))
            continue;
        Tried++;
        OpenAs(SHARED, Opens[0], &Files[0]);
        OpenAs(SHARED, Opens[1], &Files[1]);
        Status = OpenAs(SHARED, Opens[2], &Files[2]);
        Expect(Status == (Fits ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION),
            "%lu, %lu, %lu: 0x%08lX", Opens[0], Opens[1], Opens[2], (ULONG)Status);
        if (NT_SUCCESS(Status))
            CloseHandle(Files[2]);
        CloseHandle(Files[Tried & 1]);
        CloseHandle(Files[~Tried & 1]);
    }
}

void
Sharing(void)
{
    HANDLE File;

    Promise("Two opens: every access and share mode of the one against every of the other");
    Pairs(SHARED, 7);
    Promise("The same on the RAM disk, with what can be done there");
    Pairs(DISK, 1);
    Promise("Three opens: the third must agree with both");
    Triples();
    Promise("When all are closed the file can be had alone again");
    Expect(OpenStatus(SHARED, DELETE | FILE_READ_DATA | FILE_WRITE_DATA, 0, 0, &File)
        == STATUS_SUCCESS, "refused");
    CloseHandle(File);
}
