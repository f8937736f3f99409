/*
 * The names of access rights, for programs that show them.
 */
#pragma once

#include "sdk/ntapi.h"

/* Prints the rights of Mask as the type names them, a blank before each; "nothing" for 0. */
void PrintRights(const char *Type, ACCESS_MASK Mask);
