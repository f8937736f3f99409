/*
 * What cm/ offers to the rest of the kernel: the registry, a tree of keys with values, in memory.
 *
 * \Registry is an object of the type Key; what is below it is found by that type's parse
 * procedure, so a key is opened by the same walk as a device. The tree is read once, at start-up,
 * from the RAM disk's System32\config\system.reg; what is written later lasts until the machine
 * goes off.
 */
#pragma once

#include "ob/ob.h"

// phase 0, after ob/: the type Key, \Registry and the keys that are always there
VOID CmInitSystem(VOID);

/*
 * Reads a registry text file (regtext.c has the format) into the tree. A line that cannot be
 * understood is named on the console, with its number, and passed over. PASSIVE_LEVEL, start-up
 * only.
 */
VOID CmReadText(const VOID *Data, SIZE_T Size);

/*
 * A number that grows with each key that is made: keys read from a file are in its order. 0 if
 * Handle is no key's. PASSIVE_LEVEL.
 */
ULONG CmKeySerial(HANDLE Handle);
