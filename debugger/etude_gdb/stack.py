"""k, kb, kv: the stack as WinDbg prints it. (gdb's own k would kill the machine.)"""
import gdb

from . import modules, target, threads
from .target import Unreadable, safe

RULE = f"{'Child-SP':<17} {'RetAddr':<17}"


class Stack(gdb.Command):
    """k, kb, kv [FRAMES]

    Shows the stack of the selected processor. kb and kv also show, for each frame, the four words in which its arguments may stand: the
    space that a caller leaves for its callee's register arguments. Optimised code often uses it for something else; `info args` knows."""

    def __init__(self, name):
        self.name, self.arguments = name, name != "k"
        super().__init__(name, gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        try:
            if gdb.selected_thread() is None:
                raise Unreadable("there is no target: type `make debug`, or `target remote`")
            self.show(int(argument, 0) if argument.strip() else 64)
        except (Unreadable, gdb.error, gdb.MemoryError, ValueError) as error:
            print(f"{self.name}: {error}")

    def show(self, limit):
        print(f"{RULE} : {'Args to Child':<70} : Call Site" if self.arguments else f"{RULE} Call Site")
        found = list(threads.live_frames(target.processor_number()))
        for index, (sp, returns, pc) in enumerate(found[:limit]):
            where = modules.source_line(pc, returns=index > 0) if pc >= target.KERNEL_START else ""
            site = f"{modules.symbol(pc)}{f' [{where}]' if where else ''}"
            print(f"{sp:016x}  {returns:016x}  " + (f": {self.words(found, index):<70} : {site}" if self.arguments else site))

    @staticmethod
    def words(found, index):
        """The words above the return address, which lies right below the caller's stack pointer."""
        if index + 1 >= len(found):
            return ""
        return safe(lambda: " ".join(f"{word:016x}" for word in target.unpack("<4Q", found[index + 1][0])))


for _name in ("k", "kb", "kv"):
    Stack(_name)
