/*
 * The order in which the system comes up.
 *
 * Phase 0 runs on the boot processor's idle thread at DISPATCH_LEVEL with no scheduling:
 * processor, debug output, memory, pool, object manager, the System process and its first thread.
 * Phase 1 is that thread, at PASSIVE_LEVEL: clock, other processors, drivers, first program.
 */
#pragma once

#include "kernel.h"
#include "boot/loader.h"

// valid for good: phase 0 copies it out of the loader's memory
extern PLOADER_PARAMETER_BLOCK KeLoaderBlock;

/*
 * Called by KiSystemStartup (ke/startup.c) when the boot processor can take traps; returns, then
 * the idle loop starts.
 */
VOID ExpInitializePhase0(PLOADER_PARAMETER_BLOCK LoaderBlock);

/*
 * TRUE if Name stands on the kernel command line as a word of its own or as NAME=...; *Value (may
 * be NULL) is what follows '=' up to the next blank (or the closing quote when it is quoted).
 */
BOOLEAN KeCommandLineOption(PCSTR Name, PSTR Value, SIZE_T Size);
