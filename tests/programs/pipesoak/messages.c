/*
 * Messages between many writers and many readers of one pipe. Every reader checks what it reads
 * and sends a receipt through a second pipe, to a thread of the parent that keeps a list: no
 * message may be received twice, and none missing but the one that a killed reader had in its
 * hands. After each batch of receipts the parent kills a client, writer or reader, and starts
 * another in its place.
 */
#include "pipesoak.h"

#define WRITERS         6
#define READERS         4
#define KILLS           16                  // of a round, about

static HANDLE        Receipts, Progress;
static UCHAR         Seen[MAX_WRITERS][MESSAGES_EACH];
static LONG          Highest[MAX_WRITERS];
static volatile LONG Received, Twice, Strange;
static LONG          ReceiptsAKill;

static DWORD WINAPI
Collect(PVOID Context)
{
    RECEIPT Receipt;
    DWORD   Done;

    while (ReadFile(Receipts, &Receipt, sizeof Receipt, &Done, NULL) && Done != 0) {
        if (Done != sizeof Receipt || Receipt.Writer >= MAX_WRITERS ||
            Receipt.Sequence >= MESSAGES_EACH) {
            Strange++;
            continue;
        }
        if (Seen[Receipt.Writer][Receipt.Sequence]++)
            Twice++;
        Highest[Receipt.Writer] = max(Highest[Receipt.Writer], (LONG)Receipt.Sequence);
        if (++Received % ReceiptsAKill == 0)
            SetEvent(Progress);
    }
    return 0;
}

/* Messages up to the last one seen of each writer that nobody has received. */
static ULONG
Missing(void)
{
    ULONG Count = 0;

    for (int Writer = 0; Writer < MAX_WRITERS; Writer++)
        for (LONG Sequence = 0; Sequence <= Highest[Writer]; Sequence++)
            Count += Seen[Writer][Sequence] == 0;
    return Count;
}

typedef struct _CLIENTS {
    HANDLE Writers[WRITERS], Readers[READERS];
    ULONG  NextWriter, NextReader;          // numbers that nobody has had
    ULONG  KilledWriters, KilledReaders, Failed, Each;
} CLIENTS;

static HANDLE
NewWriter(CLIENTS *Clients)
{
    return StartClient("writer %lu %lu", Clients->NextWriter++, Clients->Each);
}

static HANDLE
NewReader(CLIENTS *Clients)
{
    return StartClient("reader %lu", Clients->NextReader++);
}

/* Kills a client; TRUE: it was still running. */
static BOOL
Kill(CLIENTS *Clients, HANDLE Client)
{
    ULONG Code;

    TerminateProcess(Client, KILLED);
    Code = EndOf(Client);
    if (Code != 0 && Code != KILLED)
        Clients->Failed++;
    return Code == KILLED;
}

static void
KillOne(CLIENTS *Clients, PULONG Seed)
{
    ULONG Which = Random(Seed) / 16 % (WRITERS + READERS);

    if (Which < WRITERS && Clients->NextWriter < MAX_WRITERS) {
        Clients->KilledWriters += Kill(Clients, Clients->Writers[Which]);
        Clients->Writers[Which] = NewWriter(Clients);
    } else if (Which >= WRITERS && Clients->NextReader < MAX_READERS) {
        Clients->KilledReaders += Kill(Clients, Clients->Readers[Which - WRITERS]);
        Clients->Readers[Which - WRITERS] = NewReader(Clients);
    }
}

/* Kills until the writers have ended: their handles are waited for with the progress event. */
static void
KillSome(CLIENTS *Clients)
{
    HANDLE Waiting[WRITERS + 1];
    ULONG  Seed = 20;

    for (;;) {
        ULONG Count = 1;

        for (int Index = 0; Index < WRITERS; Index++)
            if (WaitForSingleObject(Clients->Writers[Index], 0) != WAIT_OBJECT_0)
                Waiting[Count++] = Clients->Writers[Index];
        Waiting[0] = Progress;                  // first: a kill that is due is not passed over
        if (WaitForMultipleObjects(Count, Waiting, FALSE, Count > 1 ? INFINITE : 0)
            == WAIT_OBJECT_0)
            KillOne(Clients, &Seed);
        else if (Count == 1)
            return;
    }
}

static void
EndClients(CLIENTS *Clients, HANDLE Messages)
{
    for (int Index = 0; Index < WRITERS; Index++)
        Clients->Failed += EndOf(Clients->Writers[Index]) != 0;
    CloseHandle(Messages);                      // the last writer: the readers come to the end
    for (int Index = 0; Index < READERS; Index++)
        Clients->Failed += EndOf(Clients->Readers[Index]) != 0;
}

/* One round: MAX_WRITERS numbers are used up at most. */
static void
Round(ULONG Each)
{
    HANDLE  Watch = OpenPipe("Example\\SOAKMESSAGES", FILE_READ_ATTRIBUTES, 0);
    HANDLE  Messages = OpenPipe("Example\\SOAKMESSAGES", GENERIC_WRITE, 0);
    HANDLE  Replies = OpenPipe("Example\\SOAKRECEIPTS", GENERIC_WRITE, 0), Collector;
    CLIENTS Clients = { .Each = Each };

    Receipts = OpenPipe("Example\\SOAKRECEIPTS", GENERIC_READ, PIPE_WAIT_READ);
    memset(Seen, 0, sizeof Seen);
    memset(Highest, 0xFF, sizeof Highest);
    Received = Twice = Strange = 0;
    ReceiptsAKill = (LONG)max(Each * WRITERS / KILLS, 1);
    Expect(SetPipe(Messages, IOCTL_PIPE_SET_SIZE, 20000) &&
        SetPipe(Messages, IOCTL_PIPE_SET_TYPE, PIPE_MESSAGES) &&
        SetPipe(Replies, IOCTL_PIPE_SET_TYPE, PIPE_MESSAGES), "the pipes");
    Collector = CreateThread(NULL, 0, Collect, NULL, 0, NULL);
    for (int Index = 0; Index < READERS; Index++)
        Clients.Readers[Index] = NewReader(&Clients);
    for (int Index = 0; Index < WRITERS; Index++)
        Clients.Writers[Index] = NewWriter(&Clients);
    KillSome(&Clients);
    EndClients(&Clients, Messages);
    CloseHandle(Replies);
    WaitForSingleObject(Collector, INFINITE);
    CloseHandle(Collector);

    Expect(Clients.Failed == 0, "%lu clients found something wrong", Clients.Failed);
    Expect(Twice == 0 && Strange == 0, "%ld came twice, %ld were none", Twice, Strange);
    Expect(Missing() <= Clients.KilledReaders, "%lu are missing, %lu readers were killed",
        Missing(), Clients.KilledReaders);
    Expect(Clients.KilledWriters + Clients.KilledReaders > 0, "nobody was killed");
    Expect(Traffic(Watch).Lost == 0 && Traffic(Watch).Held == 0 &&
        Traffic(Watch).Written == Traffic(Watch).Read, "%llu in, %llu out, %llu lost",
        Traffic(Watch).Written, Traffic(Watch).Read, Traffic(Watch).Lost);
    printf("messages: %ld received, %llu bytes, %lu writers and %lu readers killed\n", Received,
        Traffic(Watch).Read, Clients.KilledWriters, Clients.KilledReaders);
    CloseHandle(Receipts);
    CloseHandle(Watch);
}

void
SoakMessages(ULONG Megabytes)
{
    ULONG Messages = Megabytes * 256, Each;     // of 4 KiB in the mean

    Progress = CreateEventW(NULL, FALSE, FALSE, NULL);
    Promise("Messages come once, whole and in order while writers and readers are killed");
    while (Messages >= WRITERS) {
        Each = min(Messages / WRITERS, MESSAGES_EACH);
        Round(Each);
        Messages -= Each * WRITERS;
    }
    CloseHandle(Progress);
}
