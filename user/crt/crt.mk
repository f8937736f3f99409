# Programs and DLLs probe their stacks (chkstk.S), as the stack grows page by page; the kernel's does not.
USER_CFLAGS += -mstack-arg-probe
SOURCES_kernel32 += user/crt/chkstk.S
SOURCES_msvcrt   += user/crt/chkstk.S
