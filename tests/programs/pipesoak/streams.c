/*
 * Streams of bytes, one writer and one reader each, through pipes of odd sizes, some of them read
 * by direct I/O. Some writers are killed in the middle: their readers get exactly what was
 * written, then the end of the file. Some readers are: their writers meet a broken pipe.
 */
#include "pipesoak.h"

#define STREAMS 4

typedef struct _STREAM {
    char   Name[32];
    HANDLE Watch, Writer, Reader;
    ULONG  Fate;                            // 0: nobody is killed, 1: the writer, 2: the reader
} STREAM;

static void
Begin(STREAM *Stream, ULONG Number, ULONG Kilobytes)
{
    static const ULONG Sizes[STREAMS] = { 997, 4096, 65536, 1 << 20 };
    const char        *Device = Number & 1 ? "ExampleDirect" : "Example";
    HANDLE             Setter;

    _snprintf(Stream->Name, sizeof Stream->Name, "SOAKSTREAM%lu", Number);
    Stream->Fate = Number / STREAMS % 3;
    {
        char Path[60];

        _snprintf(Path, sizeof Path, "Example\\%s", Stream->Name);
        Stream->Watch = OpenPipe(Path, FILE_READ_ATTRIBUTES, 0);
        Setter = OpenPipe(Path, GENERIC_WRITE, 0);
        SetPipe(Setter, IOCTL_PIPE_SET_SIZE, Sizes[Number % STREAMS]);
    }
    Stream->Writer = StartClient("write %s\\%s %lu %lu", Device, Stream->Name, Number, Kilobytes);
    Stream->Reader = StartClient("read %s\\%s %lu", Device, Stream->Name, Number);
    // until the real writer is there, the reader must not meet the end
    while (Traffic(Stream->Watch).Writers < 2 &&
        WaitForSingleObject(Stream->Writer, 0) == WAIT_TIMEOUT)
        Sleep(1);
    CloseHandle(Setter);
}

/* When half of it is through. */
static void
Interfere(STREAM *Stream, ULONG Kilobytes)
{
    HANDLE Victim = Stream->Fate == 1 ? Stream->Writer : Stream->Reader;

    if (Stream->Fate == 0)
        return;
    while (Traffic(Stream->Watch).Read < Kilobytes * 512ULL &&
        WaitForSingleObject(Victim, 0) == WAIT_TIMEOUT)
        Sleep(1);
    TerminateProcess(Victim, KILLED);
}

static void
End(STREAM *Stream)
{
    ULONG        Writer = EndOf(Stream->Writer), Reader = EndOf(Stream->Reader);
    PIPE_TRAFFIC Figures = Traffic(Stream->Watch);

    Expect((Writer == 0 || (Writer == KILLED && Stream->Fate == 1)) &&
        (Reader == 0 || (Reader == KILLED && Stream->Fate == 2)),
        "%s: the writer ended with %lu, the reader with %lu", Stream->Name, Writer, Reader);
    Expect(Figures.Written == Figures.Read + Figures.Held && Figures.Lost == 0,
        "%s: %llu in, %llu out, %lu held", Stream->Name, Figures.Written, Figures.Read,
        Figures.Held);
    if (Reader == 0)
        Expect(Figures.Held == 0, "%s: %lu bytes were left", Stream->Name, Figures.Held);
    CloseHandle(Stream->Watch);
}

void
SoakStreams(ULONG Megabytes)
{
    ULONG  Kilobytes = min(Megabytes * 1024 / STREAMS, 65536), Number = 0;
    STREAM Streams[STREAMS];

    Promise("Streams carry each byte once and in order, to the end or until one side is killed");
    for (ULONG Done = 0; Done < Megabytes * 1024; Done += STREAMS * Kilobytes)
        for (int Fate = 0; Fate < 3; Fate++) {
            for (int Index = 0; Index < STREAMS; Index++)
                Begin(&Streams[Index], Number++, Kilobytes / 3 + 1);
            for (int Index = 0; Index < STREAMS; Index++)
                Interfere(&Streams[Index], Kilobytes / 3 + 1);
            for (int Index = 0; Index < STREAMS; Index++)
                End(&Streams[Index]);
        }
    printf("streams: %lu, of %lu KiB each\n", Number, Kilobytes / 3 + 1);
}
