# Routines that the kernel and ntdll share, and the table of status names that programs use too.
NTDLL_EXTRA := $(wildcard kernel/rtl/*.c kernel/rtl/*.S) user/lib/status.c \
               user/crt/chkstk.S
