/*
 * What the bugcheck codes mean, for the report: a name, a sentence on what went wrong, and what
 * each of the four parameters holds. A parameter whose text is NULL is not used; '@' as the first
 * character marks one that is the address of code, which the report follows with the function's
 * name. The codes and their parameters are Windows'.
 */
#include "bugcheck.h"

static const BUGCHECK_TEXT KiBugcheckTexts[] = {
    { 0x01, "APC_INDEX_MISMATCH",
     "A system call returned with APCs disabled, or with another balance than before.",
      { "@the system call or worker routine", "APC state index", "APC disable counts", NULL } },
    { 0x0A, "IRQL_NOT_LESS_OR_EQUAL",
      "The kernel touched pageable or unmapped memory at an IRQL that forbids a page fault.",
      { "memory referenced", "IRQL", "0 read, 1 write, 8 execute", "@code that referenced it" } },
    { 0x18, "REFERENCE_BY_POINTER", "An object's reference count went below what its users hold.",
      { "object type", "object", "1 handles, 2 pointers", "the count" } },
    { 0x19, "BAD_POOL_HEADER",
     "A pool block's header was overwritten, most likely by the block before it.",
      { "kind of damage", "block", "what was found", "what was expected" } },
    { 0x1E, "KMODE_EXCEPTION_NOT_HANDLED", "Kernel code raised an exception that nothing handles.",
      { "exception code", "@where it happened", "exception parameter 0",
       "exception parameter 1" } },
    { 0x35, "NO_MORE_IRP_STACK_LOCATIONS",
      "A driver passed on an IRP that has no stack location left for the driver below.",
      { "IRP", NULL, NULL, NULL } },
    { 0x3B, "SYSTEM_SERVICE_EXCEPTION", "An exception in a system call that nothing handles.",
      { "exception code", "@where it happened", "context record", NULL } },
    { 0x3D, "INTERRUPT_EXCEPTION_NOT_HANDLED", "An exception in an interrupt routine.",
      { "exception record", "context record", NULL, NULL } },
    { 0x44, "MULTIPLE_IRP_COMPLETE_REQUESTS",
     "A driver completed an IRP that was complete already.",
      { "IRP", NULL, NULL, NULL } },
    { 0x48, "CANCEL_STATE_IN_COMPLETED_IRP",
     "An IRP was completed with its cancel routine still set.",
      { "IRP", "@cancel routine", NULL, NULL } },
    { 0x4E, "PFN_LIST_CORRUPT", "The records of physical pages contradict each other.",
      { "kind of damage", "detail", "detail", "detail" } },
    { 0x50, "PAGE_FAULT_IN_NONPAGED_AREA", "Kernel code touched memory that does not exist.",
      { "memory referenced", "0 read, 1 write, 8 execute", "@code that referenced it",
       "reserved" } },
    { 0x51, "REGISTRY_ERROR", "The registry is damaged.",
     { "detail", "detail", "detail", "detail" } },
    { 0x6B, "PROCESS1_INITIALIZATION_FAILED", "The first program could not be started.",
      { "status", "detail", NULL, NULL } },
    { 0x76, "PROCESS_HAS_LOCKED_PAGES", "A driver left pages of an ended process locked.",
      { "reserved", "process", "pages still locked", "detail" } },
    { 0x77, "KERNEL_STACK_INPAGE_ERROR", "A kernel stack could not be read.",
     { "status", "detail", "detail", "detail" } },
    { 0x7A, "KERNEL_DATA_INPAGE_ERROR", "Kernel data could not be read.",
     { "kind", "status", "detail", "address" } },
    { 0x7E, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
     "A system thread raised an exception that nothing handles.",
      { "exception code", "@where it happened", "exception record", "context record" } },
    { 0x7F, "UNEXPECTED_KERNEL_MODE_TRAP",
      "A trap the kernel cannot resume from; 8, a double fault, is mostly a used-up stack.",
      { "trap number", "detail", "detail", "@where it happened" } },
    { 0x8E, "KERNEL_MODE_EXCEPTION_NOT_HANDLED",
     "Kernel code raised an exception that nothing handles.",
      { "exception code", "@where it happened", "trap frame", NULL } },
    { 0x93, "INVALID_KERNEL_HANDLE",
     "Kernel code closed a handle that is not open, or is protected.",
      { "handle", "0 protected, 1 not open", NULL, NULL } },
    { 0xA0, "INTERNAL_POWER_ERROR", "Power management failed.",
     { "detail", "detail", "detail", "detail" } },
    { 0xBE, "ATTEMPTED_WRITE_TO_READONLY_MEMORY", "Code wrote to memory that is read-only.",
      { "memory written", "page table entry", "@code that wrote", "reserved" } },
    { 0xC1, "SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION",
     "A driver wrote outside its block in special pool.",
      { "address", "block", "detail", "kind" } },
    { 0xC2, "BAD_POOL_CALLER",
     "A pool routine was called wrongly: freed twice, a wrong address, a wrong IRQL.",
      { "kind of mistake", "detail", "detail", "block" } },
    { 0xC4, "DRIVER_VERIFIER_DETECTED_VIOLATION",
     "A rule was broken; the first parameter says which.",
      { "rule: 0x1000 a routine was called at too high an IRQL", "IRQL", "highest IRQL allowed",
        "@caller of the routine" } },
    { 0xC5, "DRIVER_CORRUPTED_EXPOOL", "Pool was damaged by a driver at too high an IRQL.",
      { "memory referenced", "IRQL", "0 read, 1 write", "@code that referenced it" } },
    { 0xC7, "TIMER_OR_DPC_INVALID",
     "Freed or unloaded memory holds a timer or DPC that is still queued.",
      { "0 timer, 1 DPC", "address", "start of the memory", "its end" } },
    { 0xC8, "IRQL_UNEXPECTED_VALUE", "A routine returned at another IRQL than it was called at.",
      { "IRQL now and before", "detail", "@routine", "detail" } },
    { 0xC9, "DRIVER_VERIFIER_IOMANAGER_VIOLATION", "A driver broke a rule of the I/O manager.",
      { "rule", "detail", "detail", "detail" } },
    { 0xCB, "DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS",
     "A driver left pages of an ended process locked.",
      { "@code that locked them", "its caller", "MDL", "pages" } },
    { 0xCE, "DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS",
      "Code of an unloaded driver was called: it left something queued.",
      { "memory referenced", "0 read, 1 write, 8 execute", "@code that referenced it",
       "reserved" } },
    { 0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL",
      "A driver touched pageable or unmapped memory at an IRQL that forbids a page fault.",
      { "memory referenced", "IRQL", "0 read, 1 write, 8 execute", "@code that referenced it" } },
    { 0xD5, "DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL", "A driver used memory it had freed.",
      { "memory referenced", "0 read, 1 write", "@code that referenced it", "reserved" } },
    { 0xE2, "MANUALLY_INITIATED_CRASH", "Somebody asked for it.", { NULL, NULL, NULL, NULL } },
    { 0xE3, "RESOURCE_NOT_OWNED", "A thread released a resource it does not hold.",
      { "resource", "thread", "owner table", "kind" } },
    { 0xEF, "CRITICAL_PROCESS_DIED", "A process the system cannot do without has ended.",
      { "process", "0 process, 1 thread", NULL, NULL } },
    { 0xF7, "DRIVER_OVERRAN_STACK_BUFFER", "A driver wrote past a variable on its stack.",
      { "cookie found", "cookie expected", "its complement", NULL } },
    { 0xFC, "ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY",
     "The processor was sent to memory that holds no code.",
      { "address", "page table entry", "reserved", "reserved" } },
    { 0x133, "DPC_WATCHDOG_VIOLATION", "A DPC ran too long.",
     { "kind", "ticks", "ticks allowed", NULL } },
    { 0x139, "KERNEL_SECURITY_CHECK_FAILURE",
      "Code found a data structure damaged and stopped (fast fail); 3 is a damaged LIST_ENTRY.",
      { "kind of damage", "trap frame", "exception record", "reserved" } },
    { 0xDEADDEAD, "MANUALLY_INITIATED_CRASH1", "Somebody asked for it.",
     { NULL, NULL, NULL, NULL } },
};

/*
 * The text of Code, its 0x10000000 bit (a variant of 0x7E and 0x8E) ignored; NULL if there is
 * none.
 */
const BUGCHECK_TEXT *
KiFindBugcheckText(ULONG Code)
{
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(KiBugcheckTexts); Index += 1) {
        if (KiBugcheckTexts[Index].Code == Code ||
            (KiBugcheckTexts[Index].Code | 0x10000000) == Code)
            return &KiBugcheckTexts[Index];
    }
    return NULL;
}
