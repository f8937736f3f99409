# The routines that <windows.h> declares as imported are defined here.
CFLAGS_kernel32 += -D_KERNEL32_ -Wno-dll-attribute-on-redeclaration -Wno-inconsistent-dllimport
