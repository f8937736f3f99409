/*
 * What se/ offers to the rest of the kernel: subject contexts, tokens, access checks. Access checks grant what is asked for
 * (mapped by the type's generic mapping) as long as no object carries a descriptor.
 */
#pragma once

#include "ob/ob.h"

VOID SeInitSystem(VOID);
