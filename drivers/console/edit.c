/*
 * The line being typed, in line mode. Every key changes Console->Line and echoes the smallest
 * output that makes a VT100 terminal show the change: the cursor only moves by backspaces and by
 * printing what stands under it, so the prompt before the line, which the console does not know,
 * stays. Keys:
 *
 *   Enter                finish the line
 *   Backspace, Delete    remove a character
 *   Ctrl-U, Ctrl-W       remove the line, the word before the cursor
 *   Left, Right          move (also Ctrl-B, Ctrl-F)
 *   Home, End            to the start, the end (also Ctrl-A, Ctrl-E)
 *   Up, Down             earlier lines (also Ctrl-P, Ctrl-N)
 *   Ctrl-D, Ctrl-Z       end of file, on an empty line
 *
 * Text is UTF-8; a character is a byte that is no continuation byte and those after it, and takes
 * one column.
 */
#include "consolep.h"

#define CTRL(Letter)    ((Letter) - '@')
#define ESCAPE          0x1B
#define RUBOUT          0x7F

/* What ESC [ A to ESC [ D mean. */
static const UCHAR ArrowKeys[] = { CTRL('P'), CTRL('N'), CTRL('F'), CTRL('B') };

static BOOLEAN
Echoing(PCONSOLE Console)
{
    return (Console->Mode & ENABLE_ECHO_INPUT) != 0;
}

static BOOLEAN
IsContinuation(UCHAR Byte)
{
    return (Byte & 0xC0) == 0x80;
}

static VOID
EchoBytes(PCONSOLE Console, ULONG From, ULONG To)
{
    for (; Echoing(Console) && From < To; From++)
        ConsolePutLocked(Console, Console->Line.Bytes[From]);
}

/* Moves the terminal's cursor left over the characters in [From, To). */
static VOID
EchoBack(PCONSOLE Console, ULONG From, ULONG To)
{
    for (; Echoing(Console) && From < To; From++) {
        if (!IsContinuation(Console->Line.Bytes[From]))
            ConsolePutLocked(Console, '\b');
    }
}

static VOID
MoveTo(PCONSOLE Console, ULONG Position)
{
    EchoBytes(Console, Console->Line.Cursor, Position);
    EchoBack(Console, Position, Console->Line.Cursor);
    Console->Line.Cursor = Position;
}

static ULONG
Before(PEDIT_LINE Line)
{
    ULONG Position = Line->Cursor;

    while (Position > 0 && IsContinuation(Line->Bytes[--Position]))
        continue;
    return Position;
}

static ULONG
After(PEDIT_LINE Line)
{
    ULONG Position = Line->Cursor;

    if (Position < Line->Length)
        Position++;
    while (Position < Line->Length && IsContinuation(Line->Bytes[Position]))
        Position++;
    return Position;
}

/* Removes the characters in [From, To); the cursor ends up at From. */
static VOID
Remove(PCONSOLE Console, ULONG From, ULONG To)
{
    PEDIT_LINE Line = &Console->Line;

    if (From == To)
        return;
    MoveTo(Console, From);
    RtlMoveMemory(Line->Bytes + From, Line->Bytes + To, Line->Length - To);
    Line->Length -= To - From;
    EchoBytes(Console, From, Line->Length);
    if (Echoing(Console))
        ConsolePutTextLocked(Console, "\033[K");
    EchoBack(Console, From, Line->Length);
}

static VOID
Insert(PCONSOLE Console, UCHAR Byte)
{
    PEDIT_LINE Line = &Console->Line;

    if (Line->Length == CONSOLE_LINE)
        return;
    RtlMoveMemory(Line->Bytes + Line->Cursor + 1, Line->Bytes + Line->Cursor,
                  Line->Length - Line->Cursor);
    Line->Bytes[Line->Cursor++] = Byte;
    Line->Length++;
    EchoBytes(Console, Line->Cursor - 1, Line->Length);
    EchoBack(Console, Line->Cursor, Line->Length);
}

static VOID
RemoveWord(PCONSOLE Console)
{
    PEDIT_LINE Line = &Console->Line;
    ULONG      From = Line->Cursor;

    while (From > 0 && Line->Bytes[From - 1] == ' ')
        From--;
    while (From > 0 && Line->Bytes[From - 1] != ' ')
        From--;
    Remove(Console, From, Line->Cursor);
}

/* Shows another line of the history, or an empty one below the newest. */
static VOID
Recall(PCONSOLE Console, ULONG Number)
{
    ULONG Oldest = Console->HistoryCount > CONSOLE_HISTORY
        ? Console->HistoryCount - CONSOLE_HISTORY : 0;

    // below 0 wraps round and is caught too
    if (Number < Oldest || Number > Console->HistoryCount)
        return;
    Remove(Console, 0, Console->Line.Length);
    if (Number < Console->HistoryCount) {
        Console->Line = Console->History[Number % CONSOLE_HISTORY];
        Console->Line.Cursor = Console->Line.Length;
        EchoBytes(Console, 0, Console->Line.Length);
    }
    Console->HistoryAt = Number;
}

static VOID
Remember(PCONSOLE Console)
{
    PEDIT_LINE Line = &Console->Line;
    PEDIT_LINE Last = &Console->History[(Console->HistoryCount - 1) % CONSOLE_HISTORY];

    if (Line->Length == 0 || !Echoing(Console))
        return;
    if (Console->HistoryCount > 0 && Last->Length == Line->Length &&
        RtlCompareMemory(Last->Bytes, Line->Bytes, Line->Length) == Line->Length)
        return;
    Console->History[Console->HistoryCount++ % CONSOLE_HISTORY] = *Line;
}

VOID
EditResetLocked(PCONSOLE Console)
{
    Console->Line.Length = Console->Line.Cursor = 0;
    Console->LineDone = FALSE;
    Console->LineRead = 0;
    Console->Escape = 0;
    Console->HistoryAt = Console->HistoryCount;
}

static VOID
Finish(PCONSOLE Console)
{
    PEDIT_LINE Line = &Console->Line;

    MoveTo(Console, Line->Length);
    if (Echoing(Console))
        ConsolePutTextLocked(Console, "\r\n");
    Remember(Console);
    Line->Bytes[Line->Length++] = '\r';
    Line->Bytes[Line->Length++] = '\n';
    Console->LineDone = TRUE;
}

/* Keys that send ESC [ letter or ESC [ digit ~; TRUE if the byte belonged to one. */
static BOOLEAN
EscapeByte(PCONSOLE Console, UCHAR Byte)
{
    PEDIT_LINE Line = &Console->Line;
    UCHAR      Before = Console->Escape;

    if (Byte == ESCAPE) {
        Console->Escape = ESCAPE;
        return TRUE;
    }
    Console->Escape = 0;
    if (Before == 0)
        return FALSE;
    if (Before == ESCAPE && (Byte == '[' || Byte == 'O')) {
        Console->Escape = '[';
        return TRUE;
    }
    if (Before == ESCAPE)
        return FALSE;
    if (Byte >= '0' && Byte <= '9') {
        Console->Escape = Byte;
        return TRUE;
    }

    if (Byte == '~' && Before == '3')
        Remove(Console, Line->Cursor, After(Line));
    else if (Byte == 'H' || (Byte == '~' && (Before == '1' || Before == '7')))
        MoveTo(Console, 0);
    else if (Byte == 'F' || (Byte == '~' && (Before == '4' || Before == '8')))
        MoveTo(Console, Line->Length);
    else if (Byte >= 'A' && Byte <= 'D')
        EditByteLocked(Console, ArrowKeys[Byte - 'A']);
    return TRUE;
}

/* Removes or moves; FALSE if the key does neither. */
static BOOLEAN
EditKey(PCONSOLE Console, UCHAR Byte)
{
    PEDIT_LINE Line = &Console->Line;

    switch (Byte) {
    case '\b':
    case RUBOUT:    Remove(Console, Before(Line), Line->Cursor);    return TRUE;
    case CTRL('U'): Remove(Console, 0, Line->Length);               return TRUE;
    case CTRL('W'): RemoveWord(Console);                            return TRUE;
    case CTRL('A'): MoveTo(Console, 0);                             return TRUE;
    case CTRL('B'): MoveTo(Console, Before(Line));                  return TRUE;
    case CTRL('E'): MoveTo(Console, Line->Length);                  return TRUE;
    case CTRL('F'): MoveTo(Console, After(Line));                   return TRUE;
    case CTRL('P'): Recall(Console, Console->HistoryAt - 1);        return TRUE;
    case CTRL('N'): Recall(Console, Console->HistoryAt + 1);        return TRUE;
    }
    return FALSE;
}

/* One byte from the terminal in line mode. */
VOID
EditByteLocked(PCONSOLE Console, UCHAR Byte)
{
    BOOLEAN AfterReturn = Console->AfterReturn;

    Console->AfterReturn = Byte == '\r';
    if (Byte == '\n' && AfterReturn)
        return;
    if (EscapeByte(Console, Byte) || EditKey(Console, Byte))
        return;

    if (Byte == '\r' || Byte == '\n')
        Finish(Console);
    else if ((Byte == CTRL('D') || Byte == CTRL('Z')) && Console->Line.Length == 0)
        Console->LineDone = TRUE;
    else if (Byte == '\t')
        Insert(Console, ' ');
    else if (Byte >= ' ')
        Insert(Console, Byte);
}
