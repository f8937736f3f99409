/*
 * Private to ke/bugcheck.c and ke/bugcodes.c: the texts of bugcheck codes.
 */
#pragma once

#include "ke/ke.h"

typedef struct _BUGCHECK_TEXT {
    ULONG Code;
    PCSTR Name;
    PCSTR Meaning;
    PCSTR Parameter[4];         // NULL: not used; "@...": the address of code
} BUGCHECK_TEXT;

#ifndef DRIVER_VERIFIER_DETECTED_VIOLATION
#define DRIVER_VERIFIER_DETECTED_VIOLATION 0xC4
#endif
/* First parameter of 0xC4: a routine was called at too high an IRQL (IrqlApcLte and its kin). */
#define VERIFIER_RULE_IRQL  0x20002

const BUGCHECK_TEXT *KiFindBugcheckText(ULONG Code);
