/* Message mode: a write is a message, a read returns at most one. */
#include "twait.h"

static HANDLE Reader, Writer;

static BOOL
ReadIs(DWORD Length, NTSTATUS Status, const char *Text)
{
    char     Data[100];
    DWORD    Done;
    NTSTATUS Got = ReadNow(Reader, Data, Length, &Done);

    return Got == Status && Done == strlen(Text) && memcmp(Data, Text, Done) == 0;
}

static NTSTATUS
Send(const char *Text)
{
    DWORD Done;

    return WriteNow(Writer, Text, (DWORD)strlen(Text), &Done);
}

static void
TestBounds(void)
{
    Promise("Messages come out as they went in, one a read, empty ones too");
    Expect(Set(Writer, IOCTL_PIPE_SET_TYPE, PIPE_MESSAGES), "type");
    Expect(NT_SUCCESS(Send("one")) && NT_SUCCESS(Send("")) && NT_SUCCESS(Send("three")), "writes");
    Expect(!Set(Writer, IOCTL_PIPE_SET_TYPE, PIPE_BYTES), "the type changed with data in the pipe");
    Expect(!Set(Writer, IOCTL_PIPE_SET_SIZE, 100), "the size changed with data in the pipe");
    Expect(ReadIs(50, STATUS_SUCCESS, "one") && ReadIs(50, STATUS_SUCCESS, ""), "the first two");
    Expect(ReadIs(50, STATUS_SUCCESS, "three"), "the third");

    Promise("A short buffer gets the beginning of a message, the next read continues in it");
    Expect(NT_SUCCESS(Send("a long message")) && NT_SUCCESS(Send("next")), "writes");
    Expect(ReadIs(2, STATUS_BUFFER_OVERFLOW, "a "), "two bytes");
    Expect(ReadIs(5, STATUS_BUFFER_OVERFLOW, "long "), "five more");
    Expect(ReadIs(50, STATUS_SUCCESS, "message") && ReadIs(50, STATUS_SUCCESS, "next"), "the rest");

    Promise("A message that the pipe can never hold is refused");
    Expect(Set(Writer, IOCTL_PIPE_SET_SIZE, 16), "size 16");
    Expect(Send("0123456789ab") == STATUS_SUCCESS, "12 bytes and a length");
    Expect(ReadIs(50, STATUS_SUCCESS, "0123456789ab"), "what was written");
    Expect(Send("0123456789abc") == STATUS_INVALID_BUFFER_SIZE, "13 bytes and a length");
}

static void
TestMessageWaits(void)
{
    REQUEST Read, Write;
    char    Data[50];

    Promise("A message that does not fit waits whole, and one that is waited for is handed over");
    Expect(NT_SUCCESS(Send("12345678")), "the first");
    Start(&Write, Writer, TRUE, "abcde", 5);
    Expect(ReadIs(50, STATUS_SUCCESS, "12345678") && ReadIs(50, STATUS_SUCCESS, "abcde"), "both");
    Expect(Finish(&Write) == STATUS_SUCCESS && Write.Done == 5, "0x%08lX", Write.Status);
    Start(&Read, Reader, FALSE, Data, 3);
    Expect(NT_SUCCESS(Send("vwxyz")), "the third");
    Expect(Finish(&Read) == STATUS_BUFFER_OVERFLOW && Read.Done == 3 && memcmp(Data, "vwx", 3) == 0,
        "0x%08lX, %lu", Read.Status, Read.Done);
    Expect(ReadIs(50, STATUS_SUCCESS, "yz"), "what was left of it");

    Promise("A message that does not fit and does not wait is lost whole, or costs whole old ones");
    Expect(Set(Writer, IOCTL_PIPE_SET_WAIT, 0), "no waiting");
    Expect(NT_SUCCESS(Send("123")) && NT_SUCCESS(Send("45678")) && NT_SUCCESS(Send("9")), "writes");
    Expect(Traffic(Writer).Lost == 1 && Traffic(Writer).Held == 8, "lost %llu, held %lu",
        Traffic(Writer).Lost, Traffic(Writer).Held);
    Expect(Set(Writer, IOCTL_PIPE_SET_MODE, PIPE_OVERWRITE_OLD) && NT_SUCCESS(Send("abc")), "mode");
    Expect(ReadIs(50, STATUS_SUCCESS, "45678") && ReadIs(50, STATUS_SUCCESS, "abc"), "the newest");
    Expect(Balanced(Writer) && Traffic(Writer).Lost == 4, "lost %llu", Traffic(Writer).Lost);
}

void
TestMessages(void)
{
    Reader = Open("TWAIT", GENERIC_READ, 0, PIPE_WAIT_READ);
    Writer = Open("TWAIT", GENERIC_WRITE, 0, PIPE_WAIT_WRITE);
    TestBounds();
    TestMessageWaits();
    CloseHandle(Reader);
    CloseHandle(Writer);
}
