# The C headers declare these routines as imported and some as built in; here they are defined.
CFLAGS_msvcrt += -D_CRTIMP= -Wno-incompatible-library-redeclaration -Wno-builtin-requires-header
