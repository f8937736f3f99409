/*
 * Process parameters: capture from the creator, placement in the new process (param.c).
 */
#pragma once

/*
 * The captured block is paged pool, tag PSP_TAG_PARAM, and the caller's; its pointers are offsets
 * from its start.
 */
NTSTATUS PspCaptureParameters(PRTL_USER_PROCESS_PARAMETERS Source, KPROCESSOR_MODE Mode,
    PRTL_USER_PROCESS_PARAMETERS *Captured);

/* Runs attached to the new process; *Placed is the block's address there. */
NTSTATUS PspPlaceParameters(const RTL_USER_PROCESS_PARAMETERS *Captured,
                            PRTL_USER_PROCESS_PARAMETERS *Placed);
