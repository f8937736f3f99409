/*
 * Private to the reader of registry text (regtext.c, regline.c): where it is in the text.
 */
#pragma once

#include "cm/cmp.h"
#include "rtl/rtl.h"

typedef struct _CM_TEXT {
    PCWSTR   Next, End;
    ULONG    Line;                  // the number of the line that Next is in
    PCM_NODE Key;                   // that the values are for; NULL: they are passed over
    BOOLEAN  HasKey, HasHeader;     // whether there was a key line, a header
    ULONG    Complaints;
} CM_TEXT, *PCM_TEXT;

VOID CmpComplain(PCM_TEXT Text, PCSTR Sentence);

/* The line's next character that is no blank, left in place; 0 at its end. */
WCHAR   CmpPeek(PCM_TEXT Text);
/* Passes over Word, if the text goes on with it, without regard to case. */
BOOLEAN CmpTakeWord(PCM_TEXT Text, PCWSTR Word);
/* Complains of anything but a comment in the rest of the line. */
BOOLEAN CmpExpectEnd(PCM_TEXT Text);

VOID CmpReadKeyLine(PCM_TEXT Text);
VOID CmpReadValueLine(PCM_TEXT Text);
