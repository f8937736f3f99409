/*
 * The clients. Each says on the debug port what was wrong, if anything was, and ends with 1: then
 * the parent's round has failed.
 */
#include "pipesoak.h"

static int
Wrong(const char *Client, ULONG Number, const char *What, ULONG64 A, ULONG64 B)
{
    DbgPrint("pipesoak: %s %lu: %s (%llu, %llu)\n", Client, Number, What, A, B);
    return 1;
}

/* Sequence numbers 0 to Count - 1, each with data of its own. */
int
WriteMessages(ULONG Writer, ULONG Count)
{
    static MESSAGE Message;
    HANDLE         Pipe = OpenPipe("Example\\SOAKMESSAGES", GENERIC_WRITE, PIPE_WAIT_WRITE);
    ULONG          Seed = Writer + 1;
    DWORD          Done;

    for (ULONG Sequence = 0; Sequence < Count; Sequence++) {
        Message.Writer = Writer;
        Message.Sequence = Sequence;
        Message.Length = Random(&Seed) % (MESSAGE_DATA + 1);
        Fill(Message.Data, Message.Length, (ULONG64)Writer << 32 | Sequence);
        if (!WriteFile(Pipe, &Message, MESSAGE_HEAD + Message.Length, &Done, NULL))
            return Wrong("writer", Writer, "a write failed", Sequence, GetLastError());
        if (Done != MESSAGE_HEAD + Message.Length)
            return Wrong("writer", Writer, "a write was cut short", Sequence, Done);
    }
    return 0;
}

/* A message is whole and behind the last one of its writer that this reader saw. */
int
ReadMessages(ULONG Reader)
{
    static MESSAGE Message;
    static LONG    Last[MAX_WRITERS];
    HANDLE         Pipe = OpenPipe("Example\\SOAKMESSAGES", GENERIC_READ, PIPE_WAIT_READ);
    HANDLE         Receipts = OpenPipe("Example\\SOAKRECEIPTS", GENERIC_WRITE, PIPE_WAIT_WRITE);
    RECEIPT        Receipt = { .Reader = Reader };
    DWORD          Done;

    memset(Last, 0xFF, sizeof Last);
    for (;;) {
        if (!ReadFile(Pipe, &Message, sizeof Message, &Done, NULL))
            return Wrong("reader", Reader, "a read failed", GetLastError(), 0);
        if (Done == 0)
            return 0;
        if (Message.Writer >= MAX_WRITERS || Done != MESSAGE_HEAD + Message.Length)
            return Wrong("reader", Reader, "a message has another length", Done, Message.Length);
        if (!IsFilled(Message.Data, Message.Length,
            (ULONG64)Message.Writer << 32 | Message.Sequence))
            return Wrong("reader", Reader, "data differs", Message.Writer, Message.Sequence);
        if ((LONG)Message.Sequence <= Last[Message.Writer])
            return Wrong("reader", Reader, "out of order", Message.Sequence, Last[Message.Writer]);
        Last[Message.Writer] = (LONG)Message.Sequence;
        Receipt.Writer = Message.Writer;
        Receipt.Sequence = Message.Sequence;
        if (!WriteFile(Receipts, &Receipt, sizeof Receipt, &Done, NULL))
            return Wrong("reader", Reader, "a receipt failed", GetLastError(), 0);
    }
}

#define PIECE 65536

/* What the stream has at Offset is a function of Offset, so whoever reads it can tell. */
int
WriteStream(const char *Name, ULONG Seed, ULONG Kilobytes)
{
    static UCHAR Data[PIECE + 8];
    HANDLE       Pipe = OpenPipe(Name, GENERIC_WRITE, PIPE_WAIT_WRITE);
    ULONG64      Offset = 0, End = Kilobytes * 1024ULL;
    ULONG        Lengths = Seed;
    DWORD        Length, Done;

    while (Offset < End) {
        Length = Random(&Lengths) % PIECE + 1;
        for (DWORD Index = 0; Index < Length; Index++)
            Data[Index] = StreamByte(Offset + Index, Seed);
        if (!WriteFile(Pipe, Data, Length, &Done, NULL))
            return GetLastError() == ERROR_BROKEN_PIPE ? 0
                : Wrong("stream", Seed, "a write failed", Offset, GetLastError());
        if (Done != Length)
            return Wrong("stream", Seed, "a write was cut short", Length, Done);
        Offset += Length;
    }
    return 0;
}

int
ReadStream(const char *Name, ULONG Seed)
{
    static UCHAR Data[PIECE];
    HANDLE       Pipe = OpenPipe(Name, GENERIC_READ, PIPE_WAIT_READ);
    ULONG64      Offset = 0;
    ULONG        Lengths = Seed * 3;
    DWORD        Done;

    for (;;) {
        if (!ReadFile(Pipe, Data, Random(&Lengths) % PIECE + 1, &Done, NULL))
            return Wrong("stream", Seed, "a read failed", Offset, GetLastError());
        if (Done == 0)
            return 0;
        for (DWORD Index = 0; Index < Done; Index++)
            if (Data[Index] != StreamByte(Offset + Index, Seed))
                return Wrong("stream", Seed, "a byte differs", Offset, Index);
        Offset += Done;
    }
}
