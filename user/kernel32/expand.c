/*
 * %NAME% in a text replaced by the environment's values. A name that is not there stays as it is.
 */
#include "k32.h"

/* The characters that Text becomes, its end included; written to To as long as they fit. */
static SIZE_T
BasepExpand(PCWSTR Text, PWSTR To, SIZE_T Room)
{
    WCHAR  Name[128];
    SIZE_T Count = 0;

    for (;;) {
        PCWSTR End = Text + 1;
        SIZE_T Length = 0;
        DWORD  Needed = 0;

        while (*Text == L'%' && *End && *End != L'%' && Length < ARRAYSIZE(Name) - 1)
            Name[Length++] = *End++;
        Name[Length] = 0;
        if (Length != 0 && *End == L'%')
            Needed = GetEnvironmentVariableW(Name, NULL, 0);
        if (Needed != 0) {
            if (Count + Needed <= Room)
                GetEnvironmentVariableW(Name, To + Count, Needed);
            Count += Needed - 1;
            Text = End + 1;
            continue;
        }
        if (Count < Room)
            To[Count] = *Text;
        Count++;
        if (*Text++ == 0)
            return Count;
    }
}

/* The size that is needed, in characters with the end; more than Size: not all was written. */
DWORD WINAPI
ExpandEnvironmentStringsW(LPCWSTR Source, LPWSTR Target, DWORD Size)
{
    return (DWORD)BasepExpand(Source, Target, Target != NULL ? Size : 0);
}

DWORD WINAPI
ExpandEnvironmentStringsA(LPCSTR Source, LPSTR Target, DWORD Size)
{
    PWSTR Wide = BaseWiden(Source), Result = NULL;
    DWORD Count = 0;

    if (Wide != NULL) {
        Count = (DWORD)BasepExpand(Wide, NULL, 0);
        Result = BaseAllocate(Count * sizeof(WCHAR));
    }
    if (Result == NULL) {
        Count = 0;
    } else {
        BasepExpand(Wide, Result, Count);
        for (DWORD Index = 0; Index < Count && Target != NULL && Index < Size; Index++)
            Target[Index] = Result[Index] <= 0xFF ? (CHAR)Result[Index] : '?';
    }
    BaseFree(Result);
    BaseFree(Wide);
    return Count;
}
