/*
 * Shared by the parts of the program access.
 */
#pragma once

#include "sdk/ntapi.h"
#include <sddl.h>

#define TYPE_NAME   32

/* Prints the rights of Mask as the type names them, with the number. */
void PrintRights(const char *Type, ACCESS_MASK Mask);
