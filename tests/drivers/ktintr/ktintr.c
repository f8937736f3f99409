/*
 * Interrupts of real devices, level-triggered, on a line that two of them share: QEMU's `edu`
 * cards, which interrupt when they are told to and go on until they are told that it was seen.
 *
 * A card keeps the line up while its status register is not 0; what is written to Raise is added
 * to the status, what is written to Acknowledge is taken out. The cards are found on PCI bus 0
 * through the configuration ports, and the firmware has given them memory and a line.
 */
#include "../ktest.h"

/* <ntddk.h> hides it on x64. */
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE Bus, ULONG BusNumber, ULONG Level,
                                           ULONG BusVector, PKIRQL Irql, PKAFFINITY Affinity);

#define PCI_ADDRESS     ((PULONG)0xCF8)
#define PCI_DATA        ((PULONG)0xCFC)
#define PCI_ENABLE      0x80000000
#define PCI_COMMAND     0x04
#define PCI_MEMORY_ON   0x02
#define PCI_BAR0        0x10
#define PCI_LINE        0x3C
#define EDU_ID          0x11E81234
#define EDU_BYTES       0x1000
#define EDU_STATUS      0x24
#define EDU_RAISE       0x60
#define EDU_ACKNOWLEDGE 0x64

#define CARDS           2
#define MANY            10000

typedef struct _CARD {
    /* Found once: */
    PUCHAR        Registers;
    ULONG         Line;

    PKINTERRUPT   Interrupt;
    KDPC          Dpc;
    KEVENT        Served;
    volatile LONG Asked, Taken, Dpcs;           // calls of the service routine, ...
    volatile LONG Deaf;                         // calls that shall take it but not serve it
    volatile LONG Pair[2];                      // equal whenever the interrupt is kept out
    volatile LONG Torn;
} CARD;

static CARD       KtCards[CARDS];
static ULONG      KtVector;
static KIRQL      KtIrql;
static KAFFINITY  KtAffinity;
static KSPIN_LOCK KtLock;

static ULONG
ReadConfig(ULONG Slot, ULONG Register)
{
    WRITE_PORT_ULONG(PCI_ADDRESS, PCI_ENABLE | Slot << 11 | Register);
    return READ_PORT_ULONG(PCI_DATA);
}

static ULONG
FindCards(VOID)
{
    PHYSICAL_ADDRESS Address;
    ULONG            Found = 0;

    for (ULONG Slot = 0; Slot < 32 && Found < CARDS; Slot++) {
        if (ReadConfig(Slot, 0) != EDU_ID)
            continue;
        ReadConfig(Slot, PCI_COMMAND);
        WRITE_PORT_ULONG(PCI_DATA, READ_PORT_ULONG(PCI_DATA) | PCI_MEMORY_ON);
        Address.QuadPart = ReadConfig(Slot, PCI_BAR0) & ~0xFUL;
        KtCards[Found].Registers = MmMapIoSpace(Address, EDU_BYTES, MmNonCached);
        KtCards[Found].Line = ReadConfig(Slot, PCI_LINE) & 0xFF;
        Found++;
    }
    return Found;
}

static VOID
Raise(CARD *Card)
{
    WRITE_REGISTER_ULONG((PULONG)(Card->Registers + EDU_RAISE), 1);
}

static BOOLEAN NTAPI
Service(PKINTERRUPT Interrupt, PVOID Context)
{
    CARD *Card = Context;
    ULONG Status = READ_REGISTER_ULONG((PULONG)(Card->Registers + EDU_STATUS));

    Card->Asked++;
    if (Card->Pair[0] != Card->Pair[1])
        Card->Torn++;
    if (KeGetCurrentIrql() != KtIrql || Interrupt != Card->Interrupt)
        Card->Torn++;
    if (Status == 0)
        return FALSE;
    Card->Taken++;
    if (Card->Deaf > 0) {
        Card->Deaf--;
        return TRUE;                            // the line stays up
    }
    WRITE_REGISTER_ULONG((PULONG)(Card->Registers + EDU_ACKNOWLEDGE), Status);
    KeInsertQueueDpc(&Card->Dpc, NULL, NULL);
    return TRUE;
}

static VOID NTAPI
ServedDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    CARD *Card = Context;

    Card->Dpcs++;
    KeSetEvent(&Card->Served, 0, FALSE);
}

static NTSTATUS
Connect(CARD *Card, PKSPIN_LOCK Lock, KINTERRUPT_MODE Mode, BOOLEAN Share, PKINTERRUPT *Interrupt)
{
    return IoConnectInterrupt(Interrupt, Service, Card, Lock, KtVector, KtIrql, KtIrql, Mode,
                              Share, KtAffinity, FALSE);
}

static VOID
ConnectBoth(PKSPIN_LOCK Lock)
{
    for (ULONG Index = 0; Index < CARDS; Index++) {
        CARD *Card = &KtCards[Index];

        KeInitializeDpc(&Card->Dpc, ServedDpc, Card);
        KeInitializeEvent(&Card->Served, SynchronizationEvent, FALSE);
        Card->Asked = Card->Taken = Card->Dpcs = Card->Torn = 0;
        EXPECT(Connect(Card, Lock, LevelSensitive, TRUE, &Card->Interrupt) == STATUS_SUCCESS);
    }
}

static VOID
DisconnectBoth(VOID)
{
    for (ULONG Index = 0; Index < CARDS; Index++) {
        IoDisconnectInterrupt(KtCards[Index].Interrupt);
        EXPECT(KtCards[Index].Torn == 0);
    }
    KeFlushQueuedDpcs();
}

static VOID
RaiseAndWait(CARD *Card)
{
    Raise(Card);
    EXPECT(KtWait(&Card->Served, 10000) == STATUS_SUCCESS);
}

/* Who is asked first is not said; each takes what is its own. */
static VOID
SharedLine(VOID)
{
    CARD       *First = &KtCards[0], *Second = &KtCards[1];
    PKINTERRUPT Third;

    ConnectBoth(NULL);
    EXPECT(Connect(First, NULL, LevelSensitive, FALSE, &Third) == STATUS_INVALID_PARAMETER);
    EXPECT(Third == NULL);
    EXPECT(Connect(First, NULL, Latched, TRUE, &Third) == STATUS_INVALID_PARAMETER);
    RaiseAndWait(First);
    EXPECT(First->Taken == 1 && Second->Taken == 0);
    RaiseAndWait(Second);
    EXPECT(First->Taken == 1 && Second->Taken == 1);
    EXPECT(First->Asked + Second->Asked >= 3);  // one of them was asked in vain
    Raise(First);
    RaiseAndWait(Second);
    EXPECT(KtWait(&First->Served, 10000) == STATUS_SUCCESS);
    EXPECT(First->Taken == 2 && Second->Taken == 2);
    DisconnectBoth();
}

/* A service routine that takes it but does not serve the device is called again. */
static VOID
LevelStays(VOID)
{
    CARD *Card = &KtCards[0];

    ConnectBoth(NULL);
    Card->Deaf = 5;
    RaiseAndWait(Card);
    EXPECT(Card->Taken == 6 && Card->Dpcs == 1);
    DisconnectBoth();
}

static VOID
ManyInterrupts(VOID)
{
    ConnectBoth(NULL);
    for (LONG Round = 1; Round <= MANY; Round++)
        RaiseAndWait(&KtCards[Round % CARDS]);
    for (ULONG Index = 0; Index < CARDS; Index++) {
        EXPECT(KtCards[Index].Taken == MANY / CARDS);
        EXPECT(KtCards[Index].Dpcs == MANY / CARDS);
    }
    DisconnectBoth();
}

/* The pairs of both cards, because they share a lock. */
static BOOLEAN NTAPI
Tear(PVOID Context)
{
    for (ULONG Index = 0; Index < CARDS; Index++)
        KtCards[Index].Pair[0]++;
    if (KeGetCurrentIrql() != KtIrql)
        KtCards[0].Torn++;
    for (ULONG Spin = 0; Spin < 50; Spin++)
        YieldProcessor();
    for (ULONG Index = 0; Index < CARDS; Index++)
        KtCards[Index].Pair[1]++;
    return KtCards[0].Pair[0] % 2 == 0;
}

static volatile LONG KtStop;

/* On another processor than the one the interrupts go to, if there is one. */
static VOID NTAPI
TearOften(PVOID Context)
{
    KAFFINITY Others = KeQueryActiveProcessors() & ~(KAFFINITY)1;

    if (Others != 0)
        KeSetSystemAffinityThread(Others);
    while (!KtStop) {
        BOOLEAN Even = (KtCards[0].Pair[0] + 1) % 2 == 0;

        EXPECT(KeSynchronizeExecution(KtCards[0].Interrupt, Tear, NULL) == Even);
    }
}

static VOID
Synchronized(VOID)
{
    PKTHREAD Thread;

    KtStop = FALSE;
    KeInitializeSpinLock(&KtLock);
    ConnectBoth(&KtLock);
    Thread = KtStart(TearOften, NULL);
    KeSetPriorityThread(Thread, KeQueryPriorityThread(KeGetCurrentThread()));   // they take turns
    for (LONG Round = 1; Round <= MANY / 2 || KtCards[0].Pair[0] < MANY / 10; Round++)
        RaiseAndWait(&KtCards[Round % CARDS]);
    KtStop = TRUE;
    KtJoin(Thread);
    EXPECT(KtCards[0].Pair[0] > 0 && KtCards[0].Pair[0] == KtCards[0].Pair[1]);
    DisconnectBoth();
}

static VOID
Disconnected(VOID)
{
    CARD *First = &KtCards[0], *Second = &KtCards[1];

    ConnectBoth(NULL);
    IoDisconnectInterrupt(Second->Interrupt);
    RaiseAndWait(First);
    EXPECT(Second->Asked == 0);                 // the other goes on alone
    IoDisconnectInterrupt(First->Interrupt);
    Raise(First);
    KeStallExecutionProcessor(50000);
    EXPECT(First->Taken == 1 && Second->Asked == 0);
    WRITE_REGISTER_ULONG((PULONG)(First->Registers + EDU_ACKNOWLEDGE), 1);
    KeFlushQueuedDpcs();
}

static VOID
Cards(VOID)
{
    EXPECT(FindCards() == CARDS);
    EXPECT(KtCards[0].Line == KtCards[1].Line);
    KtVector = HalGetInterruptVector(PCIBus, 0, KtCards[0].Line, KtCards[0].Line, &KtIrql,
                                     &KtAffinity);
    EXPECT(KtVector != 0 && KtIrql > DISPATCH_LEVEL);
}

static const KT_TEST Tests[] = {
    { "Two cards are there, on one line", Cards },
    { "Each of two devices on a line takes its own interrupts; who does not share is refused",
      SharedLine },
    { "A level-triggered line interrupts until it is served", LevelStays },
    { "Each of ten thousand interrupts is served once and has its DPC", ManyInterrupts },
    { "KeSynchronizeExecution keeps out the interrupts of all that share the lock, everywhere",
      Synchronized },
    { "After IoDisconnectInterrupt the service routine is not called", Disconnected },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    for (ULONG Index = 0; Index < CARDS; Index++)
        if (KtCards[Index].Registers != NULL)
            MmUnmapIoSpace(KtCards[Index].Registers, EDU_BYTES);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = Unload;
    KtRun("ktintr", Tests, FindCards() == CARDS ? RTL_NUMBER_OF(Tests) : 1);
    return STATUS_SUCCESS;
}
