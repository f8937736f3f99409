"""The model drivers of drivers/ with their programs."""
import threading

from etude import EXIT_SUCCESS, Console, Failure, test
from test_programs import program_test


for _name, _sentence, _timeout in (
        ("tnotify", "notify.sys: an event handle turned into a pointer, set from a DPC, let go", 90),
        ("tinverted", "inverted.sys: thousands of parked requests, each ended once", 120),
        ("tticker", "ticker.sys: StartIo, a device queue, a timer, a DPC, cancelled in every state", 120),
        ("tirptrack", "irptrack.sys: a filter that sees every IRP, comes and goes under load", 120)):
    program_test(_name, _sentence, _timeout, (1, 4))


@test("serial.sys keeps the time-outs of a port whose line echoes, falls silent or waits")
def serial_timeouts(context):
    line = Console(context.scratch("com3", b"").with_name("line"))
    line.start()

    def echo():
        sent = 0
        while not line.ended:
            with line.changed:
                line.changed.wait(0.2)
                text, sent = line.text[sent:], len(line.text)
            if text and not line.ended:
                try:
                    line.send(text)
                except Failure:                     # the guest has ended meanwhile
                    return

    threading.Thread(target=echo, daemon=True).start()
    path = line.listener.getsockname()
    guest = context.boot(append='run="tserial" testexit', extra=[
        "-chardev", f"socket,id=com3,path={path},server=off", "-device", "isa-serial,iobase=0x3e8,irq=5,chardev=com3"])
    status = guest.wait_exit()
    line.close()
    context.marked(guest.consoles[0].text, "tserial")
    context.check(status == EXIT_SUCCESS, f"QEMU ended with {status}")
