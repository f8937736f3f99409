/*
 * pipesoak [MEGABYTES]: pipe.sys carries about that much, half of it as messages between many
 * writers and readers, half as streams of bytes, while clients are killed; nothing may be lost,
 * doubled or reordered, and nothing left over.
 */
#include "pipesoak.h"

static int
Client(int Count, char **Words)
{
    if (Count == 4 && strcmp(Words[1], "writer") == 0)
        return WriteMessages(strtoul(Words[2], NULL, 10), strtoul(Words[3], NULL, 10));
    if (Count == 3 && strcmp(Words[1], "reader") == 0)
        return ReadMessages(strtoul(Words[2], NULL, 10));
    if (Count == 5 && strcmp(Words[1], "write") == 0)
        return WriteStream(Words[2], strtoul(Words[3], NULL, 10), strtoul(Words[4], NULL, 10));
    if (Count == 4 && strcmp(Words[1], "read") == 0)
        return ReadStream(Words[2], strtoul(Words[3], NULL, 10));
    fprintf(stderr, "usage: pipesoak [MEGABYTES]\n");
    return 2;
}

int
main(int Count, char **Words)
{
    ULONG   Megabytes = Count == 2 ? strtoul(Words[1], NULL, 10) : 8;
    ULONG64 Blocks, Bytes;

    if (Count > 2)
        return Client(Count, Words);
    PoolTag("Pipe", &Blocks, &Bytes);
    SoakMessages(max(Megabytes / 2, 1));
    SoakStreams(max(Megabytes / 2, 1));
    Promise("Nothing of the pipes is left");
    ExpectTag("Pipe", Blocks);
    return Done("pipesoak");
}
