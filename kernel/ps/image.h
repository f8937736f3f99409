/*
 * Mapping a program into a new process (image.c).
 */
#pragma once

/*
 * Maps ntdll and the program ImageName into Process, and makes its PEB with Parameters (as
 * captured). *Image describes the program. The statuses are those of opening and mapping a file.
 */
NTSTATUS PspMapProgram(PEPROCESS Process, PCUNICODE_STRING ImageName,
                       const RTL_USER_PROCESS_PARAMETERS *Parameters,
                       PMM_IMAGE_INFORMATION Image);
