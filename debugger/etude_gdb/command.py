"""The `!` commands: a base class that registers one, reads its arguments and never lets a Python traceback out.

gdb's own `!` runs a shell command, and still does for words that are no command of ours. Addresses may be written as
WinDbg prints them (ffffc000`00001230), as C expressions ($rdi, Pipe->Device), or, where a command takes objects, as \\Paths.
Numbers of a command's flags are C's: 10 is ten, 0x10 sixteen.

A line that shows addresses ends with the commands that explain them, in brackets, in the order of the addresses: what is wanted
can be typed at once.
"""
import re

import gdb

from . import target

COMMANDS = {}


class _Prefix(gdb.Command):
    """Etude's commands (type !help), or a shell command."""

    def __init__(self):
        super().__init__("!", gdb.COMMAND_USER, prefix=True)

    def invoke(self, argument, from_tty):
        gdb.execute(f"shell {argument}")


_Prefix()


def number(text):
    """An address or number as the user wrote it."""
    plain = text.replace("`", "")
    if re.fullmatch(r"[0-9a-fA-F]{9,16}", plain):
        return int(plain, 16)
    try:
        return target.integer(gdb.parse_and_eval(plain)) & target.MASK
    except (gdb.error, OverflowError) as error:
        raise target.Unreadable(f"{text}: {error}") from None


def words_of(argument):
    """The arguments: parentheses and quotation marks keep what they enclose together."""
    words, depth, quoted, current = [], 0, False, ""
    for letter in argument:
        if letter == '"':
            quoted = not quoted
        depth += (letter in "([") - (letter in ")]") if not quoted else 0
        if letter.isspace() and not quoted and depth <= 0:
            if current:
                words.append(current)
            current = ""
        else:
            current += letter
    return words + [current] if current else words


def show(text, *commands):
    """Prints a line, and behind it the commands that explain its addresses."""
    hint = "; ".join(command for command in commands if command)
    print(f"{text.rstrip()}   [{hint}]" if hint else text.rstrip())


class Command(gdb.Command):
    """Subclasses set `name`, `usage` and a docstring, and write run(arguments), a list of words."""

    name = usage = ""
    needs_target = True

    def __init__(self):
        self.__doc__ = f"{self.usage}\n\n{type(self).__doc__.strip()}"
        super().__init__(f"! {self.name}", gdb.COMMAND_USER)
        COMMANDS[self.name] = self

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        try:
            if self.needs_target and gdb.selected_thread() is None:
                raise target.Unreadable("there is no target: type `make debug`, or `target remote`")
            self.run(words_of(argument))
        except (target.Unreadable, gdb.error, gdb.MemoryError) as error:
            print(f"!{self.name}: {error}")
        except KeyboardInterrupt:
            print(f"!{self.name}: interrupted")
        except RecursionError:
            print(f"!{self.name}: what is to be shown contains itself")
        except Exception as error:                              # a defect here must not look like one of the target's
            print(f"!{self.name}: internal error, {type(error).__name__}: {error}")

    def wrong(self):
        raise target.Unreadable(f"usage: {self.usage}")


class Help(Command):
    """Lists these commands; `!help NAME` and `help !NAME` explain one."""

    name, usage, needs_target = "help", "!help [COMMAND]", False

    def run(self, arguments):
        for name in sorted(arguments or COMMANDS):
            name = name.lstrip("!")
            if name not in COMMANDS:
                raise target.Unreadable(f"there is no command !{name}")
            command = COMMANDS[name]
            lines = type(command).__doc__.strip().splitlines()
            print(f"{command.usage:<50} {lines[0] if arguments else re.split('[.:,;] |[.:]$', lines[0])[0]}")
            for line in lines[1:] if arguments else ():
                print("    " + line.strip())
        if not arguments:
            print("\nA line that shows addresses ends with the commands that explain them, in brackets, in the same order.")


Help()


class _NotHere(gdb.Command):
    def __init__(self, name, instead):
        self.instead = instead
        super().__init__(name, gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        print(self.instead)


for _name in ("run", "start", "starti"):
    _NotHere(_name, "The kernel runs in QEMU, not here: type `continue`; to start again, leave and type `make debug`.")
