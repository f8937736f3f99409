/*
 * The shell's two files: shell.c reads lines and has the built-in commands, run.c runs programs
 * and ends them at Ctrl-C.
 */
#pragma once

#define SHELL_LINE  512

/* Starts the thread that waits for breaks on the console of that name (CONSOLE0, CONSOLE1). */
void WatchBreaks(const char *Console);
void AwaitBreak(void);

/*
 * Runs a command line in the foreground and says how it ended, or in the background and says its
 * number.
 */
void RunForeground(char *CommandLine);
void RunBackground(char *CommandLine);
