"""Files from programs: how requests travel and end, what is known about files, completion ports."""
from etude import test
from test_programs import run_program


def program(name, sentence, timeout=90):
    def run(context):
        run_program(context, name)
    run.__name__, run.__module__ = name, __name__
    test(sentence, timeout=timeout)(run)


program("tports", "Completion ports, APCs and status blocks tell the end of requests")
program("ttransfer", "Every way data travels, with every kind of buffer")
program("tfiles", "Every class of information about files and volumes, with every kind of buffer")
