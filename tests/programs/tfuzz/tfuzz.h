/*
 * tfuzz's files: tfuzz.c starts children and counts what they leave behind, child.c calls services
 * at random, values.c makes up their arguments, of what things.c has made.
 */
#pragma once

#include "sdk/ntapi.h"

#define CALLS       1500                        // of each thread
#define THREADS     4
#define MOST        14                          // arguments of any service

/* A thread's own random numbers: the same seed calls the same services with the same arguments. */
typedef struct _DICE {
    ULONG64       State;
    LARGE_INTEGER Time;
} DICE, *PDICE;

ULONG64 Roll(PDICE Dice);                       // 64 bits
ULONG   Below(PDICE Dice, ULONG Limit);

/* What the threads of a child share: objects of every kind, and memory with every fault. */
BOOL MakeThings(void);

/* An argument of the kind that a letter of a service's signature stands for (values.c). */
ULONG_PTR MakeUp(PDICE Dice, char Kind);

/* Calls services until CALLS are made or the process ends; all of them or what a user may harm. */
int Child(ULONG64 Seed, BOOL Harmless);
