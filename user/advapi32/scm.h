/*
 * What the service functions share. There is no process that manages services: each program does
 * it itself, on what all of them see. A service is its key in the registry, below Services; a
 * driver runs while there is a \Driver\NAME. Two named objects say what the registry does not:
 *
 *   \BaseNamedObjects\ServiceDatabase       a mutant, held while services are made, changed,
 *                                           deleted or looked over
 *   \BaseNamedObjects\ServiceHandle-NAME    an event that nobody waits for: every SC_HANDLE of the
 *                                           service holds a handle of it, so that its handle count
 *                                           tells how many there are in all programs
 *
 * How the last start ended is a value, by the service's name, of the volatile key ServiceCurrent
 * below Control.
 *
 * DeleteService writes DeleteFlag = 1 into the key. The key goes with the service's last handle,
 * or, if the service still runs then, when it is looked at after it has stopped.
 */
#pragma once

#include "advapi.h"
#include "sdk/ntreg.h"
#include <winsvc.h>

#define SCM_MAX_NAME    256

typedef struct _SCM_HANDLE {
    struct _SCM_HANDLE *Next;           // in the list of all handles of the process
    BOOL                IsManager;
    ACCESS_MASK         Access;         // SC_MANAGER_ or SERVICE_ rights
    HANDLE              Key;            // of Services, or of the service
    HANDLE              Mark;           // ServiceHandle-NAME
    WCHAR               Name[SCM_MAX_NAME + 1];
} SCM_HANDLE, *PSCM_HANDLE;

/* Sets the last error and returns FALSE: for `return ScmFail(...)`. */
BOOL        ScmFail(DWORD Error);

/* scmhandle.c. ScmCheck: the handle, if it is one of the kind and has the rights. */
PSCM_HANDLE ScmCheck(SC_HANDLE Handle, BOOL IsManager, ACCESS_MASK Access);
SC_HANDLE   ScmMakeHandle(PSCM_HANDLE New);
BOOL        ScmDropHandle(PSCM_HANDLE Scm);
BOOL        ScmIsName(PCWSTR Name);
// generic rights and MAXIMUM_ALLOWED become SERVICE_ rights
ACCESS_MASK ScmMapServiceAccess(ACCESS_MASK Access);
ACCESS_MASK ScmMapManagerAccess(ACCESS_MASK Access);
// the rights to a key that SERVICE_ rights to its service need
ACCESS_MASK ScmKeyAccess(ACCESS_MASK Access);

/* scmdata.c: keys and values */
HANDLE   ScmLockDatabase(void);
VOID     ScmUnlockDatabase(HANDLE Lock);
NTSTATUS ScmOpenKey(HANDLE Services, PCWSTR Name, ACCESS_MASK Access, PHANDLE Key);
NTSTATUS ScmOpenMark(PCWSTR Name, PHANDLE Mark);
ULONG    ScmCountHandles(HANDLE Mark);
DWORD    ScmReadNumber(HANDLE Key, PCWSTR Name, DWORD Default);
// on the heap, ended by two zeros; NULL if it is not there
PWSTR    ScmReadText(HANDLE Key, PCWSTR Name, PULONG Size);
DWORD    ScmWriteNumber(HANDLE Key, PCWSTR Name, DWORD Value);
DWORD    ScmWriteText(HANDLE Key, PCWSTR Name, DWORD Type, PCWSTR Text);
DWORD    ScmDeleteKey(PCWSTR Name);
// the service at *Index below Services or after it, opened for reading; moves *Index behind it
BOOL     ScmNextService(HANDLE Services, PULONG Index, PWSTR Name, PHANDLE Key);
// how the last start of the service ended; noted for all programs
VOID     ScmNoteExit(PCWSTR Name, DWORD Error);
DWORD    ScmReadExit(PCWSTR Name);
BOOL     ScmIsStale(HANDLE Key, HANDLE Mark, PCWSTR Name);

/* scmconfig.c: what a service's key holds; SERVICE_NO_CHANGE and NULL leave things as they are. */
typedef struct _SCM_CONFIG {
    DWORD   Type, Start, ErrorControl;
    LPCWSTR Path, Group, Dependencies, Account, DisplayName;
    LPDWORD Tag;
} SCM_CONFIG, *PSCM_CONFIG;
DWORD    ScmCheckConfig(const SCM_CONFIG *Config, BOOL New);
DWORD    ScmWriteConfig(HANDLE Key, const SCM_CONFIG *Config);

/* scmquery.c: a list that is being made */
typedef struct _SCM_LIST {
    DWORD  Type, State;                 // what is wanted
    PCWSTR Group;                       // or NULL
    BOOL   Wide, Process;               // the kind of entry
    PUCHAR Next, End;                   // the room between the entries and the strings
    DWORD  Count, Missing;              // entries made; bytes that the others need
} SCM_LIST, *PSCM_LIST;
// adds a service, if it is wanted and there is room; FALSE: there was none
BOOL     ScmListOne(PSCM_LIST List, HANDLE Key, PCWSTR Name);

/* scmdepend.c: whether a service that depends on this one is not stopped; whether one of Names, or
   what they depend on, is Target */
BOOL     ScmIsNeeded(PCWSTR Name);
BOOL     ScmLeadsTo(PCWSTR Names, PCWSTR Target);

/* scmstate.c */
DWORD    ScmState(HANDLE Key, PCWSTR Name);             // SERVICE_STOPPED, ...
VOID     ScmFillStatus(HANDLE Key, PCWSTR Name, LPSERVICE_STATUS_PROCESS Status);
