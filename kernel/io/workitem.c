/*
 * Work items of drivers: a routine to be called at PASSIVE_LEVEL by a system thread.
 *
 * A queued item holds a reference to its device (or driver) object, which keeps the driver's
 * image, until the routine has returned. The routine may free or queue its item again: nothing of
 * it is looked at after the call.
 */
#include "iop.h"

typedef struct _IO_WORKITEM {
    WORK_QUEUE_ITEM        Item;
    PVOID                  Object;              // device or driver object
    PIO_WORKITEM_ROUTINE   Routine;             // one of the two, by Extended
    PIO_WORKITEM_ROUTINE_EX RoutineEx;
    PVOID                  Context;
} IO_WORKITEM;

static PDRIVER_OBJECT
IopDriverOf(PVOID Object)
{
    PDEVICE_OBJECT Device = Object;

    return Device->Type == IO_TYPE_DEVICE ? Device->DriverObject : Object;
}

static VOID NTAPI
IopRunWorkItem(PVOID Parameter)
{
    IO_WORKITEM Item = *(PIO_WORKITEM)Parameter;
    ULONG64     State = KiCalloutState();
    PVOID       Routine = Item.RoutineEx != NULL ? (PVOID)Item.RoutineEx : (PVOID)Item.Routine;

    if (Item.RoutineEx != NULL)
        Item.RoutineEx(Item.Object, Item.Context, Parameter);
    else
        Item.Routine(Item.Object, Item.Context);
    KiCheckCallout(KiWorkRoutine, Routine, Parameter, PASSIVE_LEVEL, State);
    InterlockedDecrement(&IopDriverExtension(IopDriverOf(Item.Object))->WorkItems);
    ObDereferenceObject(Item.Object);
}

static VOID
IopQueueWorkItem(PIO_WORKITEM Item, PIO_WORKITEM_ROUTINE Routine, PIO_WORKITEM_ROUTINE_EX RoutineEx,
                 WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);

    ObReferenceObject(Item->Object);
    InterlockedIncrement(&IopDriverExtension(IopDriverOf(Item->Object))->WorkItems);
    Item->Routine = Routine;
    Item->RoutineEx = RoutineEx;
    Item->Context = Context;
    ExQueueWorkItem(&Item->Item, QueueType);
}

/* For drivers that keep the item in memory of their own: IoSizeofWorkItem() bytes, nonpaged. */
VOID NTAPI
IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem)
{
    RtlZeroMemory(IoWorkItem, sizeof *IoWorkItem);
    IoWorkItem->Object = IoObject;
    ExInitializeWorkItem(&IoWorkItem->Item, IopRunWorkItem, IoWorkItem);
}

ULONG NTAPI
IoSizeofWorkItem(VOID)
{
    return sizeof(IO_WORKITEM);
}

VOID NTAPI
IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem)
{
    if (IoWorkItem->Item.List.Flink != NULL)
        IopStop(DRIVER_VERIFIER_DETECTED_VIOLATION, 0xE5, (ULONG_PTR)IoWorkItem, 0,
                __builtin_return_address(0),
                "freed a work item that is still queued");
}

/* A work item for DeviceObject, or NULL. Freed with IoFreeWorkItem when it is not queued. */
PIO_WORKITEM NTAPI
IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject)
{
    PIO_WORKITEM Item = ExAllocatePoolWithTag(NonPagedPool, sizeof *Item, IOP_TAG_OTHER);

    if (Item != NULL)
        IoInitializeWorkItem(DeviceObject, Item);
    return Item;
}

VOID NTAPI
IoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
    IoUninitializeWorkItem(IoWorkItem);
    ExFreePoolWithTag(IoWorkItem, IOP_TAG_OTHER);
}

/* Has WorkerRoutine(DeviceObject, Context) called soon. IRQL <= DISPATCH_LEVEL. */
VOID NTAPI
IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    IopQueueWorkItem(IoWorkItem, WorkerRoutine, NULL, QueueType, Context);
}

/* The same; the routine is given the item too. */
VOID NTAPI
IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                  WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    IopQueueWorkItem(IoWorkItem, NULL, WorkerRoutine, QueueType, Context);
}
