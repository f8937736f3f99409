/* What sc's sources share. */
#pragma once

/* Says on standard error that something could not be done, and why; returns 1. */
int Refused(const char *Doing, const char *Name, DWORD Error);
