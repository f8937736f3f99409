/*
 * Ports, device registers and IRQL as exported functions. The headers make most of these inline
 * code, so nothing in this tree calls them; drivers from elsewhere import them by name. Each is
 * defined here under a name of our own and exported under the public one.
 */
#include "hal/halp.h"

#define EXPORTED(Type, Name, Arguments) \
    Type NTAPI Halp##Name Arguments __asm__(#Name); \
    Type NTAPI Halp##Name Arguments

#define PORT_OF(Pointer)    ((USHORT)(ULONG_PTR)(Pointer))

EXPORTED(UCHAR, READ_PORT_UCHAR, (PUCHAR Port))     { return __inbyte(PORT_OF(Port)); }
EXPORTED(USHORT, READ_PORT_USHORT, (PUSHORT Port))  { return __inword(PORT_OF(Port)); }
EXPORTED(ULONG, READ_PORT_ULONG, (PULONG Port))     { return __indword(PORT_OF(Port)); }
EXPORTED(VOID, WRITE_PORT_UCHAR, (PUCHAR Port, UCHAR Value))    { __outbyte(PORT_OF(Port), Value); }
EXPORTED(VOID, WRITE_PORT_USHORT, (PUSHORT Port, USHORT Value)) { __outword(PORT_OF(Port), Value); }
EXPORTED(VOID, WRITE_PORT_ULONG, (PULONG Port, ULONG Value))
{
    __outdword(PORT_OF(Port), Value);
}

EXPORTED(VOID, READ_PORT_BUFFER_UCHAR, (PUCHAR Port, PUCHAR Buffer, ULONG Count))
{
    __inbytestring(PORT_OF(Port), Buffer, Count);
}

EXPORTED(VOID, READ_PORT_BUFFER_USHORT, (PUSHORT Port, PUSHORT Buffer, ULONG Count))
{
    __inwordstring(PORT_OF(Port), Buffer, Count);
}

EXPORTED(VOID, READ_PORT_BUFFER_ULONG, (PULONG Port, PULONG Buffer, ULONG Count))
{
    __indwordstring(PORT_OF(Port), Buffer, Count);
}

EXPORTED(VOID, WRITE_PORT_BUFFER_UCHAR, (PUCHAR Port, PUCHAR Buffer, ULONG Count))
{
    __outbytestring(PORT_OF(Port), Buffer, Count);
}

EXPORTED(VOID, WRITE_PORT_BUFFER_USHORT, (PUSHORT Port, PUSHORT Buffer, ULONG Count))
{
    __outwordstring(PORT_OF(Port), Buffer, Count);
}

EXPORTED(VOID, WRITE_PORT_BUFFER_ULONG, (PULONG Port, PULONG Buffer, ULONG Count))
{
    __outdwordstring(PORT_OF(Port), Buffer, Count);
}

EXPORTED(UCHAR, READ_REGISTER_UCHAR, (volatile UCHAR *Register))    { return *Register; }
EXPORTED(USHORT, READ_REGISTER_USHORT, (volatile USHORT *Register)) { return *Register; }
EXPORTED(ULONG, READ_REGISTER_ULONG, (volatile ULONG *Register))    { return *Register; }

EXPORTED(VOID, WRITE_REGISTER_UCHAR, (volatile UCHAR *Register, UCHAR Value))
{
    *Register = Value;
    __asm__ __volatile__("mfence" : : : "memory");
}

EXPORTED(VOID, WRITE_REGISTER_USHORT, (volatile USHORT *Register, USHORT Value))
{
    *Register = Value;
    __asm__ __volatile__("mfence" : : : "memory");
}

EXPORTED(VOID, WRITE_REGISTER_ULONG, (volatile ULONG *Register, ULONG Value))
{
    *Register = Value;
    __asm__ __volatile__("mfence" : : : "memory");
}

EXPORTED(KIRQL, KeGetCurrentIrql, (VOID))           { return (KIRQL)__readcr8(); }
EXPORTED(VOID, KeLowerIrql, (KIRQL NewIrql))        { __writecr8(NewIrql); }
EXPORTED(VOID, KfLowerIrql, (KIRQL NewIrql))        { __writecr8(NewIrql); }
EXPORTED(PKTHREAD, KeGetCurrentThread, (VOID))      { return (PKTHREAD)__readgsqword(0x188); }
EXPORTED(ULONG, KeGetCurrentProcessorNumber, (VOID)) { return __readgsword(0x184); }

static KIRQL
HalpRaiseIrql(KIRQL NewIrql)
{
    KIRQL OldIrql = (KIRQL)__readcr8();

    __writecr8(NewIrql);
    return OldIrql;
}

EXPORTED(KIRQL, KfRaiseIrql, (KIRQL NewIrql))       { return HalpRaiseIrql(NewIrql); }
EXPORTED(KIRQL, KeRaiseIrqlToDpcLevel, (VOID))      { return HalpRaiseIrql(DISPATCH_LEVEL); }
EXPORTED(KIRQL, KeRaiseIrqlToSynchLevel, (VOID))    { return HalpRaiseIrql(12); }
EXPORTED(ULONGLONG, KeQueryInterruptTime, (VOID))
{
    return *(volatile ULONGLONG *)SharedInterruptTime;
}

EXPORTED(VOID, KeQuerySystemTime, (PLARGE_INTEGER Time))
{
    Time->QuadPart = *(volatile LONGLONG *)SharedSystemTime;
}

EXPORTED(VOID, KeQueryTickCount, (PLARGE_INTEGER Count))
{
    Count->QuadPart = *(volatile LONGLONG *)SharedTickCount;
}
