/*
 * For programs that test from inside. A promise is a sentence; what is expected under it is
 * checked one by one, and the first thing that does not hold is printed with it:
 *
 *     Promise("A semaphore never exceeds its limit");
 *     Expect(Status == STATUS_SEMAPHORE_LIMIT_EXCEEDED, "status 0x%08X", Status);
 *     ...
 *     return Done("sync");        // [done] sync; 0 if every promise holds
 */
#pragma once

void Promise(const char *Sentence);
BOOL Expect(BOOL Holds, const char *Format, ...);
int  Done(const char *Name);

/* A call of a service with one thing wrong: its status, and that it left no handle behind. */
#define ROW(Wanted, Call)   ExpectRow(#Call, Wanted, Call)
void ExpectRow(const char *Call, NTSTATUS Wanted, NTSTATUS Status);

/* The last error of a call that must have failed. */
#define FAILS(Call, Code)                                                                   \
    do {                                                                                    \
        SetLastError(0);                                                                    \
        BOOL Did = (Call) != 0;                                                             \
        Expect(!Did && GetLastError() == (Code), #Call ": %s, error %lu instead of %lu",    \
            Did ? "succeeded" : "failed", GetLastError(), (ULONG)(Code));                   \
    } while (0)

/*
 * ntdll's locks make an event each when threads first meet at them, and keep it. A program whose
 * threads might do so by chance has some meet on purpose, before it counts handles or events.
 */
void MeetAtLocks(void);

/* Handles open in this process, and a pool tag's allocations and bytes in use in both pools. */
ULONG HandleCount(void);
BOOL  PoolTag(const char *Tag, ULONG64 *Blocks, ULONG64 *Bytes);

/*
 * Expects that no more than Most allocations of a tag are left: a last reference that goes in the
 * background is waited for.
 */
void ExpectTag(const char *Tag, ULONG64 Most);

/* Whether this process acts for the account of that name. */
BOOL IsUser(const char *Name);

/*
 * Runs CommandLine in a process with the given standard handles (or NULL) and returns its exit
 * status.
 */
ULONG RunProgram(const char *CommandLine);

/* Load and unload the driver of a service by the service's name. */
NTSTATUS StartDriver(const char *Service);
NTSTATUS StopDriver(const char *Service);
