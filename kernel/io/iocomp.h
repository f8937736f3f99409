/* What the two files of completion ports share: iocomp.c and iocompsvc.c. */
#pragma once

#include "iop.h"
#include "sdk/ntfile.h"

typedef enum _PACKET_TYPE { PacketIrp, PacketMini, PacketClosed } PACKET_TYPE;

typedef struct _IOP_PACKET_LINK {
    LIST_ENTRY Entry;
    ULONG      Type;                            // PACKET_TYPE
} IOP_PACKET_LINK, *PIOP_PACKET_LINK;
C_ASSERT(FIELD_OFFSET(IRP, Tail.Overlay.PacketType) - FIELD_OFFSET(IRP, Tail.Overlay.ListEntry)
         == FIELD_OFFSET(IOP_PACKET_LINK, Type));

typedef struct _IOP_PORT {
    KQUEUE          Queue;
    IOP_PACKET_LINK Closed;
} IOP_PORT, *PIOP_PORT;

/*
 * Takes one packet. STATUS_TIMEOUT, STATUS_USER_APC, STATUS_ALERTED, STATUS_ABANDONED when the
 * port's last handle is closed.
 */
NTSTATUS IopTakePacket(PIOP_PORT Port, KPROCESSOR_MODE Mode, BOOLEAN Alertable,
                       PLARGE_INTEGER Timeout, PFILE_IO_COMPLETION_INFORMATION Result);
