/* What the files of clients share. */
#pragma once

#include "../lib/snapshot.h"

#define PROGRAM         "clients"
#define MAX_NAME        512                     // characters of an object's name

/*
 * The name of a device in the object namespace: "NUL", "\\.\NUL" and "\??\NUL" all lead to
 * \Device\Null. What is not a link is left as it is. Name has MAX_NAME characters.
 */
NTSTATUS ResolveName(const char *Text, PUNICODE_STRING Name);

/* Counts the open files of the device at Name (or of a name on it) and prints them, or only says
 * how many there are when that has changed since *Before. */
NTSTATUS ShowClients(PUNICODE_STRING Name, BOOL Brief, ULONG *Before);

/*
 * What an open of \Driver\NAME says: no program can open a driver object, so it fails in any case.
 * STATUS_OBJECT_TYPE_MISMATCH: it is there; STATUS_OBJECT_NAME_NOT_FOUND: it is not.
 */
NTSTATUS ProbeDriver(PUNICODE_STRING Name);
