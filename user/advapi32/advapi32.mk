# The routines that <windows.h> declares as imported are defined here.
CFLAGS_advapi32 += -D_ADVAPI32_ -Wno-dll-attribute-on-redeclaration -Wno-inconsistent-dllimport
