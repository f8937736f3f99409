"""The programs of tests/programs, each run by smss as the only program, with its exit status ending QEMU."""
import subprocess
import sys

from etude import BUILD, EXIT_SUCCESS, test


def run_program(context, name):
    guest = context.boot(append=f'run="{name}" testexit')
    text = guest.expect(rf"\[done\] {name}|smss: .*ended with", timeout=context.test.timeout)
    status = guest.wait_exit()
    context.marked(guest.consoles[0].text if hasattr(guest, "consoles") else text, name)
    context.check(status == EXIT_SUCCESS, f"QEMU ended with {status}")


def program_test(name, sentence, timeout, smp):
    def run(context):
        run_program(context, name)
    run.__name__, run.__module__ = name, __name__
    test(sentence, timeout=timeout, smp=smp)(run)


for _name, _sentence, _timeout in (
        ("tbadargs", "Bad arguments to every system service do no harm", 90),
        ("thandles", "Handles are checked for life, type and access", 60),
        ("tsync", "Events, mutants, semaphores, timers and waits", 60),
        ("tthreads", "Threads, their TLS, APCs and registers", 120),
        ("tprocess", "Processes, their ends and what they inherit", 120),
        ("tseh", "Structured exceptions in programs", 60),
        ("tlibrary", "The C library, the heap, files and DLLs", 90),
        ("tpipe", "pipe.sys: data, counts, names, ten thousand opens", 120)):
    program_test(_name, _sentence, _timeout, (1, 4))


@test("Every import of a program or DLL is exported by Etude's DLLs", timeout=30)
def imports(context):
    result = subprocess.run([sys.executable, "tools/check_imports.py", str(BUILD)],
                            capture_output=True, text=True, check=False)
    context.check(result.returncode == 0, result.stdout.strip().replace("\n", "; "))
