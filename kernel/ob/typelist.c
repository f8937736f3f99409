/*
 * All objects of all types, for those who ask what there is (NtQuerySystemInformation's
 * SystemObjectInformation, and with it the programs objdir, handle and clients).
 *
 * A type with MaintainTypeList keeps its objects in a list, linked through the creator header,
 * from their allocation until their memory goes. A walker holds a reference to the object it is
 * at, so that its place in the list stays; between two steps it holds no lock, and objects may
 * come and go around it. An object whose last reference has gone is still in the list and is
 * passed over (ObReferenceObjectSafe).
 *
 * An object that is not inserted yet (OB_FLAG_CREATE_INFO) is still being filled by its creator:
 * it is described by its header, and nothing looks into its body.
 */
#include "kernel.h"
#include "ob/obp.h"
#include "sdk/ntsysinfo.h"

static POBJECT_HEADER
ObpHeaderOfLink(PLIST_ENTRY Link)
{
    return (POBJECT_HEADER)(CONTAINING_RECORD(Link, OBJECT_HEADER_CREATOR_INFO, TypeList) + 1);
}

POBJECT_TYPE
ObGetType(ULONG Number)
{
    return Number < ObpTypeCount ? ObpTypes[Number] : NULL;
}

PVOID
ObGetNextObject(POBJECT_TYPE Type, PVOID Object)
{
    PLIST_ENTRY Link;
    PVOID       Next = NULL;
    KIRQL       OldIrql;

    PAGED_CODE();

    if (!Type->TypeInfo.MaintainTypeList)
        return NULL;

    OldIrql = ObpLockTypeList(Type);
    Link = Object == NULL
        ? Type->TypeList.Flink : ObpCreatorInfo(OBJECT_TO_HEADER(Object))->TypeList.Flink;
    for (; Link != &Type->TypeList && Next == NULL; Link = Link->Flink) {
        PVOID Candidate = &ObpHeaderOfLink(Link)->Body;

        if (ObReferenceObjectSafe(Candidate))
            Next = Candidate;
    }
    ObpUnlockTypeList(Type, OldIrql);
    if (Object != NULL)
        ObDereferenceObject(Object);
    return Next;
}

BOOLEAN
ObDescribeObject(PVOID Object, PSYSTEM_OBJECT_INFORMATION Entry)
{
    POBJECT_HEADER              Header  = OBJECT_TO_HEADER(Object);
    POBJECT_HEADER_CREATOR_INFO Creator = ObpCreatorInfo(Header);
    POBJECT_HEADER_QUOTA_INFO   Quota   = ObpQuotaInfo(Header);
    PEPROCESS                   Owner   = Quota != NULL ? Quota->ExclusiveProcess : NULL;

    Entry->Object               = Object;
    Entry->CreatorUniqueProcess = Creator != NULL ? Creator->CreatorUniqueProcess : NULL;
    Entry->Flags                = Header->Flags;
    Entry->PointerCount         = (LONG)Header->PointerCount - 1;
    Entry->HandleCount          = (LONG)Header->HandleCount;
    Entry->PagedPoolCharge      = ObpCharges(Header)[0];
    Entry->NonPagedPoolCharge   = ObpCharges(Header)[1];
    Entry->ExclusiveProcessId   = Owner != NULL ? Owner->UniqueProcessId : NULL;
    Entry->SecurityDescriptor   = Header->SecurityDescriptor;
    return (Entry->Flags & OB_FLAG_CREATE_INFO) == 0;
}
