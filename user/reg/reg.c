/*
 * reg: the registry from the command line.
 *
 *   reg query KEY [/v NAME | /ve] [/s]               values and keys below; /s: all the way down
 *   reg add KEY [/v NAME | /ve] [/t TYPE] [/d DATA]  makes the key, or sets a value
 *   reg delete KEY [/v NAME | /ve | /va]             deletes the key with all below it, or a value
 *
 * KEY begins with HKLM, HKCU, HKU, HKCR or their long names. DATA is text, a number for
 * REG_DWORD and REG_QWORD, hexadecimal digits for REG_BINARY, and A\0B for REG_MULTI_SZ.
 */
#include "sdk/ntapi.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct _ARGUMENTS {
    HKEY        Root;
    const char *Key;                    // below Root
    const char *RootName;
    const char *Value;                  // "" for /ve; NULL: none named
    const char *Type, *Data;
    BOOL        Deep, AllValues;
} ARGUMENTS;

static const struct { const char *Short, *Long; HKEY Key; } Roots[] = {
    { "HKLM", "HKEY_LOCAL_MACHINE", HKEY_LOCAL_MACHINE },
    { "HKCU", "HKEY_CURRENT_USER", HKEY_CURRENT_USER },
    { "HKCR", "HKEY_CLASSES_ROOT", HKEY_CLASSES_ROOT },
    { "HKU", "HKEY_USERS", HKEY_USERS },
};

static const char *const Types[] = { "REG_NONE", "REG_SZ", "REG_EXPAND_SZ", "REG_BINARY",
    "REG_DWORD", "REG_DWORD_BIG_ENDIAN", "REG_LINK", "REG_MULTI_SZ", "REG_RESOURCE_LIST",
    "REG_FULL_RESOURCE_DESCRIPTOR", "REG_RESOURCE_REQUIREMENTS_LIST", "REG_QWORD" };

static int
Usage(void)
{
    fprintf(stderr, "usage: reg query KEY [/v NAME | /ve] [/s]\n"
                    "       reg add KEY [/v NAME | /ve] [/t TYPE] [/d DATA]\n"
                    "       reg delete KEY [/v NAME | /ve | /va]\n"
                    "KEY begins with HKLM, HKCU, HKU or HKCR.\n");
    return 2;
}

static int
Fail(const char *Doing, const char *What, LSTATUS Error)
{
    fflush(stdout);
    fprintf(stderr, "reg: cannot %s %s: %s (%ld)\n", Doing, What,
        Error == ERROR_FILE_NOT_FOUND ? "it is not there" : Error == ERROR_ACCESS_DENIED
        ? "that is not allowed" : Error == ERROR_INVALID_PARAMETER ? "a parameter is wrong"
        : "error", Error);
    return 1;
}

/* Takes HKLM or the like off Text. */
static BOOL
ReadKey(ARGUMENTS *Given, const char *Text)
{
    for (size_t Index = 0; Index < ARRAYSIZE(Roots); Index++) {
        const char *Names[] = { Roots[Index].Short, Roots[Index].Long };

        for (size_t Form = 0; Form < 2; Form++) {
            size_t Length = strlen(Names[Form]);

            if (_strnicmp(Text, Names[Form], Length) || (Text[Length] && Text[Length] != '\\'))
                continue;
            Given->Root = Roots[Index].Key;
            Given->RootName = Roots[Index].Long;
            Given->Key = Text + Length + (Text[Length] == '\\');
            return TRUE;
        }
    }
    return FALSE;
}

static BOOL
ReadOptions(ARGUMENTS *Given, char **Arguments)
{
    for (; *Arguments; Arguments++) {
        const struct { const char *Name; const char **Where; } WithText[] = {
            { "/v", &Given->Value }, { "/t", &Given->Type }, { "/d", &Given->Data } };
        BOOL Known = TRUE;

        if (_stricmp(*Arguments, "/ve") == 0)
            Given->Value = "";
        else if (_stricmp(*Arguments, "/s") == 0)
            Given->Deep = TRUE;
        else if (_stricmp(*Arguments, "/va") == 0)
            Given->AllValues = TRUE;
        else if (_stricmp(*Arguments, "/f") != 0)
            Known = FALSE;
        for (size_t Index = 0; !Known && Index < ARRAYSIZE(WithText); Index++) {
            if (_stricmp(*Arguments, WithText[Index].Name) || Arguments[1] == NULL)
                continue;
            *WithText[Index].Where = *++Arguments;
            Known = TRUE;
        }
        if (!Known)
            return FALSE;
    }
    return TRUE;
}

static void
PrintData(DWORD Type, const BYTE *Data, DWORD Length)
{
    if (Type == REG_DWORD && Length == sizeof(DWORD)) {
        printf("0x%lx", *(const DWORD *)Data);
    } else if (Type == REG_QWORD && Length == sizeof(ULONG64)) {
        printf("0x%llx", *(const ULONG64 *)Data);
    } else if (Type == REG_SZ || Type == REG_EXPAND_SZ || Type == REG_MULTI_SZ) {
        for (DWORD Index = 0; Index < Length && (Data[Index] || Index + 2 < Length); Index++)
            if (Data[Index])
                putchar(Data[Index]);
            else
                printf("\\0");
    } else {
        for (DWORD Index = 0; Index < Length; Index++)
            printf("%02X", Data[Index]);
    }
}

static void
PrintValue(const char *Name, DWORD Type, const BYTE *Data, DWORD Length)
{
    printf("    %-24s  ", *Name ? Name : "(Default)");
    if (Type < ARRAYSIZE(Types))
        printf("%-13s  ", Types[Type]);
    else
        printf("type %-8lx  ", Type);
    PrintData(Type, Data, Length);
    putchar('\n');
}

/* Prints the key's values (or the one named Wanted) and the keys below; Deep: and theirs. */
static LSTATUS
PrintKey(HKEY Key, const char *Path, const char *Wanted, BOOL Deep)
{
    static BYTE Data[65536];
    char        Name[1024], Below[2048];
    DWORD       Count, Length, Type;
    LSTATUS     Error = ERROR_SUCCESS;
    BOOL        Found = FALSE;
    HKEY        Child;

    printf("%s\n", Path);
    for (DWORD Index = 0; Error == ERROR_SUCCESS; Index++) {
        Count = sizeof Name;
        Length = sizeof Data;
        Error = RegEnumValueA(Key, Index, Name, &Count, NULL, &Type, Data, &Length);
        if (Error == ERROR_SUCCESS && (Wanted == NULL || _stricmp(Wanted, Name) == 0)) {
            PrintValue(Name, Type, Data, Length);
            Found = TRUE;
        }
    }
    if (Wanted != NULL && !Deep)
        return Found ? ERROR_SUCCESS : ERROR_FILE_NOT_FOUND;
    for (DWORD Index = 0;; Index++) {
        Count = sizeof Name;
        Error = RegEnumKeyExA(Key, Index, Name, &Count, NULL, NULL, NULL, NULL);
        if (Error != ERROR_SUCCESS)
            return Error == ERROR_NO_MORE_ITEMS ? ERROR_SUCCESS : Error;
        snprintf(Below, sizeof Below, "%s\\%s", Path, Name);
        if (!Deep)
            printf("%s\n", Below);
        else if (RegOpenKeyExA(Key, Name, 0, KEY_READ, &Child) == ERROR_SUCCESS) {
            PrintKey(Child, Below, Wanted, TRUE);
            RegCloseKey(Child);
        }
    }
}

static int
Query(ARGUMENTS *Given)
{
    char    Path[2048];
    HKEY    Key;
    LSTATUS Error = RegOpenKeyExA(Given->Root, Given->Key, 0, KEY_READ, &Key);

    if (Error == ERROR_SUCCESS) {
        snprintf(Path, sizeof Path, "%s%s%s", Given->RootName, *Given->Key ? "\\" : "",
            Given->Key);
        Error = PrintKey(Key, Path, Given->Value, Given->Deep);
        RegCloseKey(Key);
    }
    return Error == ERROR_SUCCESS ? 0 : Fail("query", Given->Value ? Given->Value : Given->Key,
        Error);
}

/* Data's bytes by its type; the length, 0 if it is malformed. Room is as long as Data and more. */
static DWORD
Encode(DWORD Type, const char *Data, BYTE *Room)
{
    DWORD Length = 0;

    if (Type == REG_DWORD || Type == REG_QWORD) {
        char *End;

        *(ULONG64 *)Room = strtoull(Data, &End, 0);
        return *End || End == Data ? 0 : Type == REG_DWORD ? sizeof(DWORD) : sizeof(ULONG64);
    }
    if (Type == REG_BINARY) {
        unsigned Byte;

        for (; *Data; Data += 2, Length++) {
            if (sscanf(Data, "%2x", &Byte) != 1 || !Data[1])
                return 0;
            Room[Length] = (BYTE)Byte;
        }
        return Length;
    }
    for (; *Data; Data++) {
        if (Type == REG_MULTI_SZ && Data[0] == '\\' && Data[1] == '0') {
            Room[Length++] = 0;
            Data++;
        } else {
            Room[Length++] = (BYTE)*Data;
        }
    }
    Room[Length++] = 0;
    if (Type == REG_MULTI_SZ)
        Room[Length++] = 0;
    return Length;
}

static int
Add(ARGUMENTS *Given)
{
    const char *Data = Given->Data ? Given->Data : "";
    BYTE       *Room = malloc(strlen(Data) + 16);
    DWORD       Type = REG_SZ, Length;
    HKEY        Key;
    LSTATUS     Error;

    if (Given->Type)
        for (Type = 0; Type < ARRAYSIZE(Types) && _stricmp(Given->Type, Types[Type]); Type++)
            ;
    if (Room == NULL || Type == ARRAYSIZE(Types))
        return Fail("add", Given->Type ? Given->Type : Given->Key, ERROR_INVALID_PARAMETER);
    Error = RegCreateKeyExA(Given->Root, Given->Key, 0, NULL, 0, KEY_WRITE, NULL, &Key, NULL);
    if (Error != ERROR_SUCCESS)
        return Fail("add", Given->Key, Error);
    if (Given->Value) {
        Length = Encode(Type, Data, Room);
        Error = Length == 0 && *Data ? ERROR_INVALID_PARAMETER
              : RegSetValueExA(Key, Given->Value, 0, Type, Room, Length);
    }
    RegCloseKey(Key);
    free(Room);
    return Error == ERROR_SUCCESS ? 0 : Fail("add", Given->Value, Error);
}

static int
Delete(ARGUMENTS *Given)
{
    char    Name[1024];
    DWORD   Count = sizeof Name;
    HKEY    Key;
    LSTATUS Error;

    if (Given->Value == NULL && !Given->AllValues) {
        Error = *Given->Key ? RegDeleteTreeA(Given->Root, Given->Key) : ERROR_ACCESS_DENIED;
        return Error == ERROR_SUCCESS ? 0 : Fail("delete", Given->Key, Error);
    }
    Error = RegOpenKeyExA(Given->Root, Given->Key, 0, KEY_READ | KEY_SET_VALUE, &Key);
    if (Error != ERROR_SUCCESS)
        return Fail("delete", Given->Key, Error);
    if (!Given->AllValues)
        Error = RegDeleteValueA(Key, Given->Value);
    while (Given->AllValues && RegEnumValueA(Key, 0, Name, &Count, NULL, NULL, NULL, NULL)
            == ERROR_SUCCESS && Error == ERROR_SUCCESS) {
        Error = RegDeleteValueA(Key, Name);
        Count = sizeof Name;
    }
    RegCloseKey(Key);
    return Error == ERROR_SUCCESS ? 0 : Fail("delete", Given->Value ? Given->Value : Given->Key,
        Error);
}

int
main(int Count, char **Arguments)
{
    ARGUMENTS Given = { 0 };

    if (Count < 3 || !ReadKey(&Given, Arguments[2]) || !ReadOptions(&Given, Arguments + 3))
        return Usage();
    if (_stricmp(Arguments[1], "query") == 0)
        return Query(&Given);
    if (_stricmp(Arguments[1], "add") == 0)
        return Add(&Given);
    if (_stricmp(Arguments[1], "delete") == 0)
        return Delete(&Given);
    return Usage();
}
