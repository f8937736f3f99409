"""!obwatch: a log of every change of objects' counts, with a stack, while the machine runs on.

A watchpoint lies on the two counts in the object's header; QEMU has no limit of four. When it triggers, the change is printed and the
machine goes on. A watch ends by itself when the object is deleted.
"""
import gdb

from . import memory, modules, objects, target
from .command import Command, show
from .target import Unreadable, safe

FRAMES = 6
_watches = {}                       # body -> _Watch


class _Watch(gdb.Breakpoint):
    def __init__(self, body, name):
        self.body, self.title = body, name
        self.place = objects.checked_header(body).address
        self.counts, self.done = self.read(), False
        super().__init__(f"*(char (*)[16]){self.place:#x}", gdb.BP_WATCHPOINT, gdb.WP_WRITE, internal=True)
        self.silent = True

    def read(self):
        """(PointerCount, HandleCount)"""
        return target.unpack("<qq", self.place)

    def stop(self):
        try:
            self.log()
        except KeyboardInterrupt:                               # Ctrl-C met this, not the machine: it is to stop all the same
            return True
        except Exception as error:                              # the machine must go on whatever happens here
            print(f"!obwatch: {error}")
        return False

    def log(self):
        now = safe(self.read, default=self.counts)
        if self.done or now == self.counts:
            return
        (pointers, handles), self.counts = self.counts, now
        changes = [f"{name} {old} -> {new}" for name, old, new in (("PointerCount", pointers, now[0]), ("HandleCount", handles, now[1]))
                   if old != new]
        print(f"!obwatch {self.title}: {', '.join(changes)}  (processor {target.processor_number()})")
        frame, index = gdb.newest_frame(), 0
        while frame is not None and frame.pc() and index < FRAMES:
            if frame.type() != gdb.INLINE_FRAME:
                where = modules.source_line(frame.pc())
                print(f"    {modules.symbol(frame.pc())}{f' [{where}]' if where else ''}")
                index += 1
            frame = frame.older()
        if now[0] <= 0:
            self.done = True
            self.enabled = False                                # its memory will be something else's; gone at the next stop
            print(f"!obwatch {self.title}: the object is deleted; the watch ends")


def clear(_event=None):
    """A watchpoint cannot be deleted while the machine runs, nor from within its own stop()."""
    for body in [body for body, watch in _watches.items() if watch.done]:
        forget(body)


gdb.events.stop.connect(clear)


def forget(body):
    watch = _watches.pop(body, None)
    if watch is not None and watch.is_valid():
        watch.delete()


class ObWatch(Command):
    """Logs every change of an object's PointerCount and HandleCount with the stack that made it; the machine is not stopped.

    As many objects as you like. Without arguments the list of watches; -d OBJECT ends one, -d alone all. Type `continue` to let the
    machine run; the log appears while it does."""

    name, usage = "obwatch", "!obwatch [ADDRESS|\\PATH | -d [ADDRESS|\\PATH]]"

    def run(self, arguments):
        clear()
        if arguments[:1] == ["-d"] and len(arguments) <= 2:
            for body in [objects.parse(arguments[1])] if len(arguments) > 1 else list(_watches):
                forget(body)
        elif len(arguments) > 1:
            self.wrong()
        elif memory.image():
            raise Unreadable("nothing changes on a dead machine; !obtrace shows what has")
        elif arguments:
            self.add(objects.parse(arguments[0]))
        for body, watch in _watches.items():
            pointers, handles = watch.counts
            show(f"{body:016x}  {watch.title}  PointerCount {pointers} HandleCount {handles}", "!object")

    @staticmethod
    def add(body):
        header = objects.checked_header(body)
        if body not in _watches:
            _watches[body] = _Watch(body, safe(objects.describe, body, default="") or f"{objects.type_name(header)} {body:#x}")


ObWatch()
