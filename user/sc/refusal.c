/*
 * Why the service functions refuse, in words: by the error code, or where that says little, by the
 * status of the system service behind it.
 */
#include "sdk/ntapi.h"
#include "../lib/status.h"
#include "sc.h"
#include <stdio.h>

#define E(Error, Reason) { Error, #Error, Reason }

static const struct { DWORD Error; const char *Name, *Reason; } Errors[] = {
    E(ERROR_SERVICE_ALREADY_RUNNING,    "it is running already"),
    E(ERROR_SERVICE_NOT_ACTIVE,         "no driver of that name is loaded"),
    E(ERROR_SERVICE_DOES_NOT_EXIST,     "there is no such service in the registry"),
    E(ERROR_SERVICE_EXISTS,             "there is a service of that name"),
    E(ERROR_SERVICE_MARKED_FOR_DELETE,  "it is to be deleted, and goes when nobody uses it"),
    E(ERROR_SERVICE_DISABLED,           "its Start value is 4: disabled"),
    E(ERROR_INVALID_SERVICE_CONTROL,    "it has no unload routine, or is part of the system"),
    E(ERROR_SERVICE_CANNOT_ACCEPT_CTRL, "it is on its way out already"),
    E(ERROR_SERVICE_DEPENDENCY_FAIL,    "something that it depends on would not start"),
    E(ERROR_DEPENDENT_SERVICES_RUNNING, "a service that depends on it is running"),
    E(ERROR_SERVICE_DEPENDENCY_DELETED, "something that it depends on is not there"),
    E(ERROR_CIRCULAR_DEPENDENCY,        "it depends on itself"),
    E(ERROR_FILE_NOT_FOUND,             "there is no .sys file where its ImagePath points"),
    E(ERROR_PATH_NOT_FOUND,             "there is no .sys file where its ImagePath points"),
    E(ERROR_INVALID_NAME,               "that is no name for a service"),
    E(ERROR_ACCESS_DENIED,              "that is not allowed"),
};

static const char *
StatusReason(NTSTATUS Status)
{
    switch (Status) {
    case STATUS_DRIVER_ENTRYPOINT_NOT_FOUND:
    case STATUS_PROCEDURE_NOT_FOUND:
    case STATUS_DLL_NOT_FOUND:
        return "it imports a routine that the kernel does not export; the debug port names it";
    case STATUS_INVALID_IMAGE_FORMAT:
    case STATUS_INVALID_IMAGE_NOT_MZ:
    case STATUS_INVALID_IMAGE_WIN_32:
    case STATUS_INVALID_IMAGE_WIN_64:
    case STATUS_IMAGE_CHECKSUM_MISMATCH:
        return "its file is damaged or not a driver for x64";
    case STATUS_INVALID_DEVICE_REQUEST:
        return "its DriverEntry refused";
    case STATUS_ILL_FORMED_SERVICE_ENTRY:
        return "its key does not describe a driver";
    case STATUS_DEVICE_BUSY:
        return "something still uses it";
    case STATUS_OBJECT_NAME_COLLISION:
        return "another driver already has the name of one of its devices";
    }
    return "it would not";
}

int
Refused(const char *Doing, const char *Name, DWORD Error)
{
    NTSTATUS    Status = RtlGetLastNtStatus();
    const char *Reason = NULL, *Word = "error";

    for (ULONG Index = 0; Index < ARRAYSIZE(Errors) && Reason == NULL; Index++)
        if (Errors[Index].Error == Error) {
            Reason = Errors[Index].Reason;
            Word = Errors[Index].Name;
        }
    if (Status < 0 && RtlNtStatusToDosError(Status) == Error)
        return FailStatus("sc", Status, "cannot %s %s: %s", Doing, Name,
            Reason ? Reason : StatusReason(Status));
    fflush(stdout);
    fprintf(stderr, "sc: cannot %s %s: %s: %s (%lu)\n", Doing, Name, Reason ? Reason
        : "it would not", Word, Error);
    return 1;
}
