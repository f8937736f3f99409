/*
 * What the firmware's tables say about the machine: processors, I/O APIC, how the ISA interrupts
 * are wired (MADT), and where the power-off register is (FADT). Read once, in phase 0, through
 * the direct map. Without tables, or with damaged ones, the machine is taken for one processor
 * with the classic wiring.
 *
 * Every length in a table is checked against the table that holds it.
 */
#include "hal/halp.h"
#include "kd/kd.h"

#define APIC_DEFAULT        0xFEE00000
#define IO_APIC_DEFAULT     0xFEC00000

#pragma pack(push, 1)
typedef struct _ACPI_RSDP {
    CHAR    Signature[8];
    UCHAR   Checksum;
    CHAR    OemId[6];
    UCHAR   Revision;
    ULONG   Rsdt;
} ACPI_RSDP;

typedef struct _ACPI_HEADER {
    ULONG   Signature;
    ULONG   Length;
    UCHAR   Revision, Checksum;
    UCHAR   Oem[26];
} ACPI_HEADER, *PACPI_HEADER;

typedef struct _ACPI_MADT {
    ACPI_HEADER Header;
    ULONG       LocalApic;
    ULONG       Flags;
    UCHAR       Entries[];
} ACPI_MADT, *PACPI_MADT;

typedef struct _ACPI_MADT_ENTRY {
    UCHAR Type, Length;
    union {
        struct { UCHAR Uid, ApicId; ULONG Flags; } Processor;                       // type 0
        struct { UCHAR Id, Reserved; ULONG Address, Base; } IoApic;                 // type 1
        struct { UCHAR Bus, Source; ULONG Line; USHORT Flags; } Override;           // type 2
    };
} ACPI_MADT_ENTRY, *PACPI_MADT_ENTRY;

typedef struct _ACPI_FADT {
    ACPI_HEADER Header;
    UCHAR       Before[28];
    ULONG       Pm1aControl;                    // offset 64
} ACPI_FADT, *PACPI_FADT;
#pragma pack(pop)

HALP_PLATFORM HalpPlatform;

static BOOLEAN
HalpSumIsZero(const VOID *Data, ULONG Length)
{
    UCHAR Sum = 0;

    for (ULONG Index = 0; Index < Length; Index++)
        Sum += ((const UCHAR *)Data)[Index];
    return Sum == 0;
}

/* A table at a physical address the firmware gave, or NULL if it is not a whole table. */
static PACPI_HEADER
HalpAcpiTable(ULONG Physical)
{
    PACPI_HEADER Header = (PACPI_HEADER)(PHYSICAL_MAP_BASE + Physical);

    if (Physical == 0 || Header->Length < sizeof *Header || Header->Length > 0x100000 ||
        !HalpSumIsZero(Header, Header->Length))
        return NULL;
    return Header;
}

static VOID
HalpAddProcessor(UCHAR ApicId)
{
    if (ApicId == HalpPlatform.ApicId[0] || HalpPlatform.ProcessorCount == HALP_MAXIMUM_PROCESSORS)
        return;
    HalpPlatform.ApicId[HalpPlatform.ProcessorCount++] = ApicId;
}

static VOID
HalpParseMadtEntry(PACPI_MADT_ENTRY Entry)
{
    switch (Entry->Type) {
    case 0:
        if (Entry->Length >= 8 && (Entry->Processor.Flags & 1))
            HalpAddProcessor(Entry->Processor.ApicId);
        break;
    case 1:
        if (Entry->Length >= 12 && Entry->IoApic.Base == 0)
            HalpPlatform.IoApic = Entry->IoApic.Address;
        break;
    case 2:
        if (Entry->Length >= 10 && Entry->Override.Source < HALP_ISA_IRQS) {
            HalpPlatform.Isa[Entry->Override.Source].Line = (UCHAR)Entry->Override.Line;
            HalpPlatform.Isa[Entry->Override.Source].Flags = (UCHAR)Entry->Override.Flags;
        }
        break;
    }
}

static VOID
HalpParseMadt(PACPI_HEADER Table)
{
    PACPI_MADT Madt = (PACPI_MADT)Table;
    PUCHAR     Next = Madt->Entries;
    PUCHAR     End = (PUCHAR)Madt + Table->Length;

    HalpPlatform.LocalApic = Madt->LocalApic;
    while (Next + 2 <= End && Next[1] >= 2 && Next + Next[1] <= End) {
        HalpParseMadtEntry((PACPI_MADT_ENTRY)Next);
        Next += Next[1];
    }
}

static VOID
HalpParseTable(PACPI_HEADER Table)
{
    if (Table->Signature == 'CIPA' && Table->Length >= sizeof(ACPI_MADT))
        HalpParseMadt(Table);
    else if (Table->Signature == 'PCAF' && Table->Length >= sizeof(ACPI_FADT))
        HalpPlatform.PowerPort = (USHORT)((PACPI_FADT)Table)->Pm1aControl;
}

VOID
HalpParseAcpi(PLOADER_PARAMETER_BLOCK LoaderBlock)
{
    const ACPI_RSDP *Rsdp = (const ACPI_RSDP *)(PHYSICAL_MAP_BASE + LoaderBlock->Rsdp);
    PACPI_HEADER     Rsdt, Table;

    HalpPlatform.LocalApic = APIC_DEFAULT;
    HalpPlatform.IoApic = IO_APIC_DEFAULT;
    HalpPlatform.PowerPort = 0x604;
    for (ULONG Irq = 0; Irq < HALP_ISA_IRQS; Irq++)
        HalpPlatform.Isa[Irq].Line = (UCHAR)Irq;
    HalpPlatform.ProcessorCount = 1;
    HalpPlatform.ApicId[0] = (UCHAR)HalpLocalApicId();

    if (LoaderBlock->Rsdp == 0 || !HalpSumIsZero(Rsdp, sizeof *Rsdp) ||
        (Rsdt = HalpAcpiTable(Rsdp->Rsdt)) == NULL) {
        DbgPrint("No ACPI tables: one processor, ISA wiring\n");
        return;
    }
    for (ULONG Index = 0; Index < (Rsdt->Length - sizeof *Rsdt) / sizeof(ULONG); Index++) {
        Table = HalpAcpiTable(((ULONG *)(Rsdt + 1))[Index]);
        if (Table != NULL)
            HalpParseTable(Table);
    }
}

ULONG
HalpProcessorCount(VOID)
{
    return HalpPlatform.ProcessorCount;
}

ULONG
HalpApicIdOf(ULONG Number)
{
    return HalpPlatform.ApicId[Number];
}
