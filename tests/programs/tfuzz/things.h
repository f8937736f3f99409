/* Shared by things.c, which makes them, and values.c, which makes arguments of them. */
#pragma once

#include "tfuzz.h"

#define PAGES       8                           // that can be written
#define PAGE        0x1000u
#define OF_A_KIND   8                           // handles of one kind, at most
#define KINDS       "FQJECSMTWNODLKHP"          // the letters that signatures have for them

extern const char Kinds[];
extern HANDLE     Things[sizeof KINDS - 1][OF_A_KIND];

extern PUCHAR     Memory;                       // PAGES to write, one to read, one not there
extern PUCHAR     Descriptor;                   // a security descriptor, self-relative
extern ULONG      DescriptorLength;

/* Serves as a thread and as an APC. */
DWORD WINAPI ComeBack(PVOID Parameter);
