CFLAGS_badpool := -fno-optimize-sibling-calls
