"""The model drivers of drivers/ with their programs."""
from etude import test
from test_programs import program_test


for _name, _sentence, _timeout in (
        ("tnotify", "notify.sys: an event handle turned into a pointer, set from a DPC, let go", 90),
        ("tinverted", "inverted.sys: thousands of parked requests, each ended once", 120),
        ("tticker", "ticker.sys: StartIo, a device queue, a timer, a DPC, cancelled in every state", 120),
        ("tirptrack", "irptrack.sys: a filter that sees every IRP, comes and goes under load", 120)):
    program_test(_name, _sentence, _timeout, (1, 4))
