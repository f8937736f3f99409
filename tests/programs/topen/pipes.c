/*
 * The arguments of NtCreateNamedPipeFile and NtCreateMailslotFile. There is no driver of pipes and
 * mailslots with names; what is right reaches a driver that does not know the request.
 */
#include "topen.h"

#define BAD     STATUS_INVALID_PARAMETER
#define PASS    STATUS_INVALID_DEVICE_REQUEST
#define ACCESS  (FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE)

NTSTATUS NTAPI NtCreateNamedPipeFile(PHANDLE File, ULONG Access, POBJECT_ATTRIBUTES Attributes,
    PIO_STATUS_BLOCK Iosb, ULONG Share, ULONG Disposition, ULONG Options, ULONG Type, ULONG Mode,
    ULONG Completion, ULONG Instances, ULONG InQuota, ULONG OutQuota, PLARGE_INTEGER Timeout);
NTSTATUS NTAPI NtCreateMailslotFile(PHANDLE File, ULONG Access, POBJECT_ATTRIBUTES Attributes,
    PIO_STATUS_BLOCK Iosb, ULONG Options, ULONG Quota, ULONG Most, PLARGE_INTEGER Timeout);

static const struct {
    ULONG    Share, Disposition, Options, Type, Mode, Completion, Instances;
    LONG64   Timeout;
    NTSTATUS Status;
} Pipes[] = {
    { 3, FILE_OPEN_IF, 0x20, 1, 1, 0, 5, -500000, PASS },
    { 1, FILE_CREATE, 0x10, 0, 0, 1, 0xFFFFFFFF, -1, PASS },
    { 3, FILE_OPEN, 0x02, 1, 0, 0, 1, -1, PASS },
    { 7, FILE_OPEN_IF, 0x20, 1, 1, 0, 5, -1, BAD },         // pipes do not share deletion
    { 3, FILE_SUPERSEDE, 0x20, 1, 1, 0, 5, -1, BAD },
    { 3, FILE_OVERWRITE, 0x20, 1, 1, 0, 5, -1, BAD },
    { 3, FILE_OVERWRITE_IF, 0x20, 1, 1, 0, 5, -1, BAD },
    { 3, FILE_OPEN_IF, 0x21, 1, 1, 0, 5, -1, BAD },
    { 3, FILE_OPEN_IF, 0x60, 1, 1, 0, 5, -1, BAD },
    { 3, FILE_OPEN_IF, 0x30, 1, 1, 0, 5, -1, BAD },
    { 3, FILE_OPEN_IF, 0x20, 2, 1, 0, 5, -1, BAD },
    { 3, FILE_OPEN_IF, 0x20, 1, 2, 0, 5, -1, BAD },
    { 3, FILE_OPEN_IF, 0x20, 0, 1, 0, 5, -1, BAD },         // messages out of a pipe of bytes
    { 3, FILE_OPEN_IF, 0x20, 1, 1, 2, 5, -1, BAD },
    { 3, FILE_OPEN_IF, 0x20, 1, 1, 0, 0, -1, BAD },
    { 3, FILE_OPEN_IF, 0x20, 1, 1, 0, 5, 1, BAD },          // not a relative time
};

static HANDLE            File;
static IO_STATUS_BLOCK   Iosb;
static UNICODE_STRING    Name;
static OBJECT_ATTRIBUTES Attributes;

static NTSTATUS
Pipe(PLARGE_INTEGER Timeout)
{
    return NtCreateNamedPipeFile(&File, ACCESS, &Attributes, &Iosb, 3, FILE_OPEN_IF, 0x20, 1, 1, 0,
        5, 512, 512, Timeout);
}

static NTSTATUS
Mailslot(ULONG Options, PLARGE_INTEGER Timeout)
{
    return NtCreateMailslotFile(&File, ACCESS, &Attributes, &Iosb, Options, 0, 0, Timeout);
}

void
PipesAndMailslots(void)
{
    LARGE_INTEGER Timeout = { .QuadPart = -1 };
    NTSTATUS      Status;

    RtlInitUnicodeString(&Name, DEVICE);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Promise("Named pipes and mailslots: arguments that make no sense are refused");
    for (ULONG Index = 0; Index < ARRAYSIZE(Pipes); Index++) {
        Timeout.QuadPart = Pipes[Index].Timeout;
        Status = NtCreateNamedPipeFile(&File, ACCESS, &Attributes, &Iosb, Pipes[Index].Share,
            Pipes[Index].Disposition, Pipes[Index].Options, Pipes[Index].Type, Pipes[Index].Mode,
            Pipes[Index].Completion, Pipes[Index].Instances, 512, 512, &Timeout);
        Expect(Status == Pipes[Index].Status, "pipe %lu: 0x%08lX", Index, (ULONG)Status);
    }
    Timeout.QuadPart = -1;
    Expect(Mailslot(0x20, &Timeout) == PASS && Mailslot(0, NULL) == PASS, "a good mailslot");
    Expect(Mailslot(0x21, NULL) == BAD && Mailslot(0x40, NULL) == BAD && Mailslot(0x30, NULL)
        == BAD, "options of a mailslot");
    for (ULONG_PTR Bad = 0xFFFFF80000401000; Bad != 0; Bad = Bad == 0x6660000 ? 0 : 0x6660000) {
        Expect(Pipe((PVOID)Bad) == STATUS_ACCESS_VIOLATION, "a pipe's time-out at %llx", Bad);
        Expect(Mailslot(0x20, (PVOID)Bad) == STATUS_ACCESS_VIOLATION, "a mailslot's");
    }
    Expect(Pipe((PVOID)((ULONG_PTR)&Timeout + 1)) == STATUS_DATATYPE_MISALIGNMENT, "misaligned");
    Expect(Pipe(NULL) == PASS, "no time-out");
}
