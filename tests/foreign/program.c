/*
 * A console program that nothing of this tree has touched: built by x86_64-w64-mingw32-gcc with
 * its own start-up code and C library. It uses that library as programs do, and is the installer
 * and the client of foreign.sys.
 */
#include <windows.h>
#include <winioctl.h>
#include <errno.h>
#include <math.h>
#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IOCTL_REVERSE   CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

static int         failures, leaving;
static const char *complaint;

#define HOLDS(condition) ((condition) || complaint || (complaint = #condition, 0))

static void
verdict(const char *sentence)
{
    if (complaint)
        printf("[fail] %s: %s (error %lu)\n", sentence, complaint, GetLastError());
    else
        printf("[pass] %s\n", sentence);
    failures += complaint != NULL;
    complaint = NULL;
}

static __thread int  mine = 5;
static volatile LONG sum;

static int
by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void
library(void)
{
    int    numbers[] = { 5, 3, 9, 1 }, parsed = 0;
    char   text[80], *copy = strdup("a copy");
    FILE  *file = fopen("C:\\System32\\ntdll.dll", "rb");
    double root;

    HOLDS(file != NULL && fgetc(file) == 'M' && fseek(file, 0, SEEK_END) == 0 && ftell(file) > 4096);
    fclose(file);
    HOLDS(fopen("C:\\nothing", "r") == NULL && errno == ENOENT);
    qsort(numbers, 4, sizeof numbers[0], by_number);
    HOLDS(numbers[0] == 1 && numbers[3] == 9);
    snprintf(text, sizeof text, "%05d|%-6s|%lld|%x|%.4f|%e", 42, "ab", 1LL << 40, 0xBEEF, sqrt(2.0), 1e-10);
    HOLDS(strcmp(text, "00042|ab    |1099511627776|beef|1.4142|1.000000e-010") == 0
          || strcmp(text, "00042|ab    |1099511627776|beef|1.4142|1.000000e-10") == 0);
    HOLDS(sscanf("x=77 y", "x=%d", &parsed) == 1 && parsed == 77);
    root = strtod("2.25", NULL);
    HOLDS(sqrt(root) == 1.5 && copy && strcmp(copy, "a copy") == 0);
    HOLDS(time(NULL) > 1000000 && getenv("SystemRoot") != NULL);
    free(copy);
    verdict("The C library of another compiler finds what it imports");
}

static unsigned __stdcall
worker(void *argument)
{
    for (int i = 0; i < 1000; i++)
        InterlockedAdd(&sum, mine++ >= 5);
    return (unsigned)(size_t)argument;
}

static void
threads(void)
{
    HANDLE handles[4];
    DWORD  code = 0;

    for (size_t i = 0; i < 4; i++)
        handles[i] = (HANDLE)_beginthreadex(NULL, 0, worker, (void *)(i + 10), 0, NULL);
    HOLDS(WaitForMultipleObjects(4, handles, TRUE, 30000) == WAIT_OBJECT_0);
    HOLDS(GetExitCodeThread(handles[2], &code) && code == 12);
    HOLDS(sum == 4000 && mine == 5);
    for (int i = 0; i < 4; i++)
        CloseHandle(handles[i]);
    verdict("Its threads have variables of their own");
}

static void
driver(void)
{
    SC_HANDLE      manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    SC_HANDLE      service = CreateServiceA(manager, "foreign", "A foreign driver", SERVICE_ALL_ACCESS,
                       SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL,
                       "C:\\System32\\drivers\\foreign.sys", NULL, NULL, NULL, NULL, NULL);
    SERVICE_STATUS status;
    OVERLAPPED     overlapped = { 0 };
    HANDLE         device;
    HKEY           key;
    DWORD          first = 100, count = 0, number = 0;
    char           text[32] = "desrever";

    HOLDS(service != NULL);
    HOLDS(RegCreateKeyExA(HKEY_LOCAL_MACHINE, "System\\CurrentControlSet\\Services\\foreign\\Parameters", 0, NULL, 0,
        KEY_ALL_ACCESS, NULL, &key, NULL) == 0);
    HOLDS(RegSetValueExA(key, "First", 0, REG_DWORD, (BYTE *)&first, sizeof first) == 0);
    RegCloseKey(key);
    HOLDS(StartServiceA(service, 0, NULL));
    device = CreateFileA("\\\\.\\Foreign", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    HOLDS(device != INVALID_HANDLE_VALUE);
    overlapped.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    HOLDS(DeviceIoControl(device, IOCTL_REVERSE, text, 8, text, sizeof text, &count, &overlapped) || (GetLastError()
        == ERROR_IO_PENDING && GetOverlappedResult(device, &overlapped, &count, TRUE)));
    HOLDS(strcmp(text, "reversed") == 0);
    HOLDS(!DeviceIoControl(device, 0x1234, NULL, 0, NULL, 0, &count, &overlapped) && GetLastError() == ERROR_INVALID_FUNCTION);
    for (DWORD i = 0; i < 50; i++) {
        HOLDS(ReadFile(device, &number, sizeof number, NULL, &overlapped) || GetLastError() == ERROR_IO_PENDING);
        HOLDS(GetOverlappedResult(device, &overlapped, &count, TRUE) && count == sizeof number && number == 100 + i);
    }
    CloseHandle(device);
    HOLDS(ControlService(service, SERVICE_CONTROL_STOP, &status));
    HOLDS(QueryServiceStatus(service, &status) && status.dwCurrentState == SERVICE_STOPPED);
    HOLDS(DeleteService(service));
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
    CloseHandle(overlapped.hEvent);
    verdict("A driver of another compiler is installed, started, used, stopped and removed");
}

static void
at_exit(void)
{
    if (leaving)
        printf("[done] foreign\n");
}

int
main(int argc, char **argv)
{
    atexit(at_exit);
    HOLDS(argc == 1 && strstr(argv[0], "foreign") != NULL);
    library();
    threads();
    driver();
    leaving = 1;
    return failures != 0;
}
