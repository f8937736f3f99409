/*
 * Tests the routines of share access from inside: what they count in a SHARE_ACCESS and note in a
 * file object, against counts kept here. The file objects are only memory: nothing else of them is
 * looked at.
 */
#include <ntifs.h>
#include "../ktest.h"

#define FILES   8
#define ROUNDS  20000

static FILE_OBJECT  KtFiles[FILES];
static ULONG        KtAccess[FILES], KtShare[FILES];    // 1 read, 2 write, 4 delete
static BOOLEAN      KtOpen[FILES];
static SHARE_ACCESS KtCounts;

static ACCESS_MASK
MaskOf(ULONG Kind)
{
    return (Kind & 1 ? FILE_READ_DATA : 0) | (Kind & 2 ? FILE_WRITE_DATA : 0)
        | (Kind & 4 ? DELETE : 0);
}

/* How many of the open files that ask for anything have Bit in Table. */
static ULONG
CountOf(const ULONG *Table, ULONG Bit)
{
    ULONG Count = 0;

    for (ULONG Index = 0; Index < FILES; Index++)
        if (KtOpen[Index] && KtAccess[Index] != 0 && (Table[Index] & Bit))
            Count++;
    return Count;
}

static BOOLEAN
CountsHold(VOID)
{
    ULONG Opens = 0;

    for (ULONG Index = 0; Index < FILES; Index++)
        Opens += KtOpen[Index] && KtAccess[Index] != 0;
    return KtCounts.OpenCount == Opens && KtCounts.Readers == CountOf(KtAccess, 1)
        && KtCounts.Writers == CountOf(KtAccess, 2) && KtCounts.Deleters == CountOf(KtAccess, 4)
        && KtCounts.SharedRead == CountOf(KtShare, 1)
        && KtCounts.SharedWrite == CountOf(KtShare, 2)
        && KtCounts.SharedDelete == CountOf(KtShare, 4);
}

/* Whether file Index may be opened beside those that are open. */
static BOOLEAN
Agrees(ULONG Index)
{
    for (ULONG Other = 0; Other < FILES; Other++)
        if (KtOpen[Other] && KtAccess[Other] != 0 && KtAccess[Index] != 0
            && ((KtAccess[Index] & ~KtShare[Other]) || (KtAccess[Other] & ~KtShare[Index])))
            return FALSE;
    return TRUE;
}

/* One open in one of three ways that must come to the same; or a close. */
static VOID
Step(ULONG Random)
{
    ULONG        Index = Random % FILES, Way = Random / 8 % 3;
    PFILE_OBJECT File = &KtFiles[Index];
    NTSTATUS     Status, Wanted;

    if (KtOpen[Index]) {
        IoRemoveShareAccess(File, &KtCounts);
        KtOpen[Index] = FALSE;
        EXPECT(CountsHold());
        return;
    }
    KtAccess[Index] = Random / 64 % 8;
    KtShare[Index] = Random / 4096 % 16 < 8 ? 7 : Random / 512 % 8;
    Wanted = Agrees(Index) ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION;
    if (KtCounts.OpenCount == 0 && Way == 0) {
        IoSetShareAccess(MaskOf(KtAccess[Index]), KtShare[Index], File, &KtCounts);
        Status = STATUS_SUCCESS;
    } else {
        Status = IoCheckShareAccess(MaskOf(KtAccess[Index]), KtShare[Index], File, &KtCounts,
                                    Way == 1);
        EXPECT(Way == 1 || CountsHold());
        if (NT_SUCCESS(Status) && Way != 1)
            IoUpdateShareAccess(File, &KtCounts);
    }
    EXPECT(Status == Wanted);
    KtOpen[Index] = NT_SUCCESS(Status);
    EXPECT(CountsHold());
}

static VOID
Counts(VOID)
{
    ULONG Random = 1;

    RtlZeroMemory(&KtCounts, sizeof KtCounts);
    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        Random = Random * 1103515245 + 12345;
        Step(Random >> 8);
    }
    for (ULONG Index = 0; Index < FILES; Index++)
        if (KtOpen[Index])
            IoRemoveShareAccess(&KtFiles[Index], &KtCounts);
    RtlZeroMemory(KtOpen, sizeof KtOpen);
    EXPECT(CountsHold() && KtCounts.OpenCount == 0);
}

static VOID
FileObject(VOID)
{
    FILE_OBJECT  File = { 0 };
    SHARE_ACCESS Share;

    IoSetShareAccess(FILE_EXECUTE | FILE_APPEND_DATA, FILE_SHARE_DELETE, &File, &Share);
    EXPECT(File.ReadAccess && File.WriteAccess && !File.DeleteAccess);
    EXPECT(!File.SharedRead && !File.SharedWrite && File.SharedDelete);
    EXPECT(Share.OpenCount == 1 && Share.Readers == 1 && Share.Writers == 1);
    EXPECT(Share.Deleters == 0 && Share.SharedDelete == 1 && Share.SharedRead == 0);
    EXPECT(IoCheckShareAccess(FILE_READ_ATTRIBUTES | SYNCHRONIZE, 0, &File, &Share, TRUE)
           == STATUS_SUCCESS);
    EXPECT(Share.OpenCount == 1 && !File.ReadAccess && !File.WriteAccess && !File.DeleteAccess);
}

/* Who could not have opened the file for writing cannot shut other readers out. */
static VOID
WritePermission(VOID)
{
    FILE_OBJECT  First = { 0 }, Second = { 0 };
    BOOLEAN      May = FALSE;
    SHARE_ACCESS Share;

    IoSetShareAccessEx(FILE_READ_DATA, 0, &First, &Share, &May);
    EXPECT(Share.SharedRead == 1 && First.SharedRead && !First.SharedWrite);
    EXPECT(IoCheckShareAccessEx(FILE_READ_DATA, 0, &Second, &Share, TRUE, &May)
           == STATUS_SUCCESS && Share.Readers == 2 && Share.SharedRead == 2);
    May = TRUE;
    IoSetShareAccessEx(FILE_READ_DATA, 0, &First, &Share, &May);
    EXPECT(Share.SharedRead == 0);
    EXPECT(IoCheckShareAccessEx(FILE_READ_DATA, FILE_SHARE_READ, &Second, &Share, TRUE, &May)
           == STATUS_SHARING_VIOLATION && Share.OpenCount == 1);
    IoSetShareAccessEx(FILE_READ_DATA, 0, &First, &Share, NULL);
    EXPECT(Share.SharedRead == 0);
}

static const KT_TEST Tests[] = {
    { "Share access is the same checked and counted at once, in two steps, or set", Counts },
    { "A file object notes what it has asked for and shares", FileObject },
    { "Who may not write shares reading whatever he says", WritePermission },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = Unload;
    KtRun("ktshare", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
