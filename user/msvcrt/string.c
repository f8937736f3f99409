/*
 * Strings of bytes: <string.h>. mem* and str* of the standard, and Windows' _stricmp and friends.
 * ASCII case only.
 */
#include "crt.h"

void * __cdecl
memcpy(void *To, const void *From, size_t Size)
{
    void *Result = To;

    __asm__ volatile ("rep movsb" : "+D" (To), "+S" (From), "+c" (Size) : : "memory");
    return Result;
}

void * __cdecl
memmove(void *To, const void *From, size_t Size)
{
    char       *Target = (char *)To + Size;
    const char *Source = (const char *)From + Size;

    if ((uintptr_t)To - (uintptr_t)From >= Size)
        return memcpy(To, From, Size);
    while (Size--)
        *--Target = *--Source;
    return To;
}

void * __cdecl
memset(void *To, int Value, size_t Size)
{
    void *Result = To;

    __asm__ volatile ("rep stosb" : "+D" (To), "+c" (Size) : "a" (Value) : "memory");
    return Result;
}

int __cdecl
memcmp(const void *A, const void *B, size_t Size)
{
    const unsigned char *Left = A, *Right = B;

    for (; Size; Size--, Left++, Right++)
        if (*Left != *Right)
            return *Left - *Right;
    return 0;
}

void * __cdecl
memchr(const void *Block, int Value, size_t Size)
{
    const unsigned char *Next = Block;

    for (; Size; Size--, Next++)
        if (*Next == (unsigned char)Value)
            return (void *)Next;
    return NULL;
}

size_t __cdecl
strlen(const char *Text)
{
    size_t Length = 0;

    while (Text[Length])
        Length++;
    return Length;
}

size_t __cdecl
strnlen(const char *Text, size_t Limit)
{
    size_t Length = 0;

    while (Length < Limit && Text[Length])
        Length++;
    return Length;
}

char * __cdecl
strcpy(char *To, const char *From)
{
    memcpy(To, From, strlen(From) + 1);
    return To;
}

char * __cdecl
strncpy(char *To, const char *From, size_t Size)
{
    size_t Length = strnlen(From, Size);

    memcpy(To, From, Length);
    memset(To + Length, 0, Size - Length);
    return To;
}

char * __cdecl
strcat(char *To, const char *From)
{
    strcpy(To + strlen(To), From);
    return To;
}

char * __cdecl
strncat(char *To, const char *From, size_t Size)
{
    size_t At = strlen(To), Length = strnlen(From, Size);

    memcpy(To + At, From, Length);
    To[At + Length] = 0;
    return To;
}

int __cdecl
strcmp(const char *A, const char *B)
{
    while (*A && *A == *B)
        A++, B++;
    return (unsigned char)*A - (unsigned char)*B;
}

int __cdecl
strncmp(const char *A, const char *B, size_t Size)
{
    while (Size && *A && *A == *B)
        A++, B++, Size--;
    return Size ? (unsigned char)*A - (unsigned char)*B : 0;
}

int __cdecl
_stricmp(const char *A, const char *B)
{
    while (*A && tolower((unsigned char)*A) == tolower((unsigned char)*B))
        A++, B++;
    return tolower((unsigned char)*A) - tolower((unsigned char)*B);
}

int __cdecl
_strnicmp(const char *A, const char *B, size_t Size)
{
    while (Size && *A && tolower((unsigned char)*A) == tolower((unsigned char)*B))
        A++, B++, Size--;
    return Size ? tolower((unsigned char)*A) - tolower((unsigned char)*B) : 0;
}

char * __cdecl
strchr(const char *Text, int Character)
{
    for (;; Text++) {
        if (*Text == (char)Character)
            return (char *)Text;
        if (*Text == 0)
            return NULL;
    }
}

char * __cdecl
strrchr(const char *Text, int Character)
{
    for (const char *Next = Text + strlen(Text); Next >= Text; Next--)
        if (*Next == (char)Character)
            return (char *)Next;
    return NULL;
}

char * __cdecl
strstr(const char *Text, const char *Part)
{
    size_t Length = strlen(Part);

    for (; strncmp(Text, Part, Length); Text++)
        if (*Text == 0)
            return NULL;
    return (char *)Text;
}

size_t __cdecl
strspn(const char *Text, const char *Set)
{
    size_t Count = 0;

    while (Text[Count] && strchr(Set, Text[Count]))
        Count++;
    return Count;
}

size_t __cdecl
strcspn(const char *Text, const char *Set)
{
    size_t Count = 0;

    while (Text[Count] && !strchr(Set, Text[Count]))
        Count++;
    return Count;
}

char * __cdecl
strpbrk(const char *Text, const char *Set)
{
    Text += strcspn(Text, Set);
    return *Text ? (char *)Text : NULL;
}

char * __cdecl
strtok(char *Text, const char *Set)
{
    PCRT_THREAD Thread = CrtThread();
    char       *End;

    if (Text == NULL)
        Text = Thread->Token;
    if (Text == NULL)
        return NULL;
    Text += strspn(Text, Set);
    End = Text + strcspn(Text, Set);
    Thread->Token = *End ? End + 1 : NULL;
    *End = 0;
    return End == Text ? NULL : Text;
}

char * __cdecl
_strdup(const char *Text)
{
    char *Copy = malloc(strlen(Text) + 1);

    return Copy ? strcpy(Copy, Text) : NULL;
}

char * __cdecl
_strlwr(char *Text)
{
    for (char *Next = Text; *Next; Next++)
        *Next = (char)tolower((unsigned char)*Next);
    return Text;
}

char * __cdecl
_strupr(char *Text)
{
    for (char *Next = Text; *Next; Next++)
        *Next = (char)toupper((unsigned char)*Next);
    return Text;
}

int __cdecl
strcoll(const char *A, const char *B)
{
    return strcmp(A, B);
}
