/*
 * The services the system knows: read once, at start-up, from System32\config\system.reg on the
 * RAM disk, a registry text file in the standard format:
 *
 *   Windows Registry Editor Version 5.00
 *   ; a comment
 *   [HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\pipe]
 *   "Type"=dword:00000001
 *   "Start"=dword:00000001
 *   "ImagePath"="System32\\drivers\\pipe.sys"
 *
 * A service is a key right below Services; Type (1 driver, 2 file system driver), Start (0 boot,
 * 1 system, 2 automatic, 3 on demand, 4 disabled) and ImagePath (below \SystemRoot;
 * System32\drivers\NAME.sys if missing) are looked at, other values and keys are passed over. The
 * file is UTF-8 without other than ASCII characters, or UTF-16 with a byte order mark.
 */
#include "iop.h"

LIST_ENTRY IopServices = { &IopServices, &IopServices };

#define SERVICES_PATH   "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\"
#define LINE_LENGTH     512

/* Where in the text the reader is. */
typedef struct _TEXT {
    const UCHAR *Next, *End;
    ULONG        Step;                          // bytes a character
} TEXT;

/* Copies the next line, without its end and cut to what fits; FALSE at the end of the text. */
static BOOLEAN
IopReadLine(TEXT *Text, PSTR Line)
{
    ULONG Length = 0;

    if (Text->Next >= Text->End)
        return FALSE;
    while (Text->Next < Text->End) {
        CHAR Character = (CHAR)*Text->Next;

        Text->Next += Text->Step;
        if (Character == '\n')
            break;
        if (Character != '\r' && Length < LINE_LENGTH - 1)
            Line[Length++] = Character;
    }
    Line[Length] = 0;
    return TRUE;
}

static BOOLEAN
IopSetText(PUNICODE_STRING String, PCSTR Text, SIZE_T Length)
{
    String->Buffer = ExAllocatePoolWithTag(NonPagedPool, (Length + 1) * sizeof(WCHAR),
                                           IOP_TAG_NAME);
    if (String->Buffer == NULL)
        return FALSE;
    for (SIZE_T Index = 0; Index < Length; Index++)
        String->Buffer[Index] = (UCHAR)Text[Index];
    String->Buffer[Length] = 0;
    String->Length = (USHORT)(Length * sizeof(WCHAR));
    String->MaximumLength = String->Length + sizeof(WCHAR);
    return TRUE;
}

/* [KEY]: the service it opens, made if it is new; NULL if it is another kind of key. */
static PIOP_SERVICE
IopReadKey(PSTR Line)
{
    PSTR           Name = Line + sizeof SERVICES_PATH;
    SIZE_T         Length = strlen(Line);
    PIOP_SERVICE   Service;
    UNICODE_STRING Wanted;

    if (Length <= sizeof SERVICES_PATH || Line[Length - 1] != ']'
        || _strnicmp(Line + 1, SERVICES_PATH, sizeof SERVICES_PATH - 1) != 0)
        return NULL;
    Line[Length - 1] = 0;
    if (strchr(Name, '\\') != NULL)
        return NULL;

    if (!IopSetText(&Wanted, Name, strlen(Name)))
        return NULL;
    Service = IopFindService(&Wanted);
    if (Service == NULL && (Service = ExAllocatePoolWithTag(NonPagedPool, sizeof *Service,
                                                            IOP_TAG_OTHER)) != NULL) {
        RtlZeroMemory(Service, sizeof *Service);
        Service->Name = Wanted;
        Service->Start = 3;
        InsertTailList(&IopServices, &Service->Link);
        return Service;
    }
    ExFreePoolWithTag(Wanted.Buffer, IOP_TAG_NAME);
    return Service;
}

static ULONG
IopReadDword(PCSTR Text)
{
    ULONG Value = 0;

    for (; *Text != 0; Text++) {
        CHAR Digit = *Text | 0x20;

        if (Digit >= '0' && Digit <= '9')
            Value = Value << 4 | (ULONG)(Digit - '0');
        else if (Digit >= 'a' && Digit <= 'f')
            Value = Value << 4 | (ULONG)(Digit - 'a' + 10);
        else
            break;
    }
    return Value;
}

/* "ImagePath"="text": takes the quotes and the escapes away, in place. */
static VOID
IopReadImagePath(PIOP_SERVICE Service, PSTR Text)
{
    PSTR To = Text;

    for (PSTR From = Text; *From != 0 && *From != '"'; From++) {
        if (*From == '\\' && From[1] != 0)
            From++;
        *To++ = *From;
    }
    if (Service->ImagePath.Buffer != NULL)
        ExFreePoolWithTag(Service->ImagePath.Buffer, IOP_TAG_NAME);
    if (!IopSetText(&Service->ImagePath, Text, (SIZE_T)(To - Text)))
        Service->ImagePath = (UNICODE_STRING){ 0 };
}

static VOID
IopReadValue(PIOP_SERVICE Service, PSTR Line)
{
    if (_strnicmp(Line, "\"Type\"=dword:", 13) == 0)
        Service->Type = IopReadDword(Line + 13);
    else if (_strnicmp(Line, "\"Start\"=dword:", 14) == 0)
        Service->Start = IopReadDword(Line + 14);
    else if (_strnicmp(Line, "\"ImagePath\"=\"", 13) == 0)
        IopReadImagePath(Service, Line + 13);
}

/* A service without an ImagePath is System32\drivers\NAME.sys. */
static VOID
IopDefaultImagePaths(VOID)
{
    CHAR Path[LINE_LENGTH];

    for (PLIST_ENTRY Entry = IopServices.Flink; Entry != &IopServices; Entry = Entry->Flink) {
        PIOP_SERVICE Service = CONTAINING_RECORD(Entry, IOP_SERVICE, Link);

        if (Service->ImagePath.Buffer == NULL) {
            _snprintf(Path, sizeof Path, "System32\\drivers\\%wZ.sys", &Service->Name);
            IopSetText(&Service->ImagePath, Path, strlen(Path));
        }
    }
}

VOID
IopReadServices(PCSTR Data, SIZE_T Size)
{
    TEXT         Text = { (const UCHAR *)Data, (const UCHAR *)Data + Size, 1 };
    PIOP_SERVICE Service = NULL;
    CHAR         Line[LINE_LENGTH];

    if (Size >= 2 && Text.Next[0] == 0xFF && Text.Next[1] == 0xFE) {
        Text.Next += 2;
        Text.Step = 2;
    }
    while (IopReadLine(&Text, Line)) {
        if (Line[0] == '[')
            Service = IopReadKey(Line);
        else if (Service != NULL)
            IopReadValue(Service, Line);
    }
    IopDefaultImagePaths();
}

PIOP_SERVICE
IopFindService(PCUNICODE_STRING Name)
{
    for (PLIST_ENTRY Entry = IopServices.Flink; Entry != &IopServices; Entry = Entry->Flink) {
        PIOP_SERVICE Service = CONTAINING_RECORD(Entry, IOP_SERVICE, Link);

        if (RtlEqualUnicodeString(&Service->Name, Name, TRUE))
            return Service;
    }
    return NULL;
}
