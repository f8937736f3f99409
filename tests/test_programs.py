"""The programs of tests/programs, each run by smss as the only program, with its exit status ending QEMU."""
import re
import subprocess
import sys
import tarfile

from etude import BUILD, EXIT_SUCCESS, test


def run_program(context, name, append=""):
    guest = context.boot(append=f'run="{name}" testexit {append}')
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
        ("tfuzz", "Services called at random, as administrator and student, do no harm and leave nothing", 120),
        ("thandles", "Handles are checked for life, type and access", 60),
        ("tobargs", "Every object service refuses what is wrong with its documented status", 60),
        ("tseargs", "Every service of processes, threads and security refuses what is wrong with its documented status", 60),
        ("tobjects", "Objects of every kind by name: directories, links, counts, what a name leads to", 60),
        ("tsync", "Events, mutants, semaphores, timers and waits", 60),
        ("tthreads", "Threads, their TLS, APCs and registers", 120),
        ("ttoolhelp", "Snapshots of processes, threads and modules by tool help", 60),
        ("tinfo", "Every information class with good and bad buffers", 60),
        ("tends", "Every way a process may end, and what it leaves behind: nothing", 180),
        ("torder", "The order in which a process that ends gives back its handles", 60),
        ("tsuspend", "Suspension, opening by number, affinity, priority classes, limits", 120),
        ("tquota", "What objects cost their maker, and what he is refused at his limit", 60),
        ("tprocess", "Processes, their ends and what they inherit", 120),
        ("tseh", "Structured exceptions in programs", 60),
        ("ttrap", "System calls, hostile contexts and forbidden instructions", 60),
        ("tlibrary", "The C library, the heap, files and DLLs", 90),
        ("tservice", "Installers of drivers, and the registry as programs see it", 90),
        ("tdepend", "Services that depend on each other, and exit codes", 60),
        ("tsecurity", "Tokens, rights and impersonation; what a student may and may not do", 90),
        ("twdkstyle", "A driver written as the samples of the WDK are builds from its source and works", 60),
        ("tpipe", "pipe.sys: data, counts, names, ten thousand opens", 120),
        ("twait", "pipe.sys: reads and writes that wait, their ends, messages, cancel", 60)):
    program_test(_name, _sentence, _timeout, (1, 4))


@test("Every import of a program or DLL is exported by Etude's DLLs", timeout=30, smp=(None,))
def imports(context):
    result = subprocess.run([sys.executable, "tools/check_imports.py", str(BUILD)],
                            capture_output=True, text=True, check=False)
    context.check(result.returncode == 0, result.stdout.strip().replace("\n", "; "))


def patched(context, program, old, new):
    """The RAM disk with one string of one program replaced by another of the same length."""
    with tarfile.open(BUILD / "ramdisk-test.tar") as archive:
        member = archive.getmember(f"System32/{program}")
    disk = bytearray((BUILD / "ramdisk-test.tar").read_bytes())
    start = disk.find(old, member.offset_data, member.offset_data + member.size)
    context.check(start >= 0, f"{program} has no {old!r}")
    disk[start:start + len(old)] = new
    return context.scratch("patched.tar", bytes(disk))


@test("A program whose DLL, or whose import, is missing says which")
def missing(context):
    for old, new, sentence in (
            (b"msvcrt.dll\0", b"msvcrx.dll\0", "there is no msvcrx.dll.*STATUS_DLL_NOT_FOUND"),
            (b"NtQuerySystemInformation\0", b"NtQuerySystemInformatiox\0",
             "ntdll.dll has no NtQuerySystemInformatiox.*STATUS_ENTRYPOINT_NOT_FOUND")):
        guest = context.boot(ramdisk=patched(context, "ps.exe", old, new))
        guest.prompt()
        guest.send("ps\r")
        guest.expect(sentence)
        guest.expect(r"ps: exited with 0xC0000")
        guest.end()


@test("The shell names what a program did, ends it at Ctrl-C, and comes back when it is ended",
      smp=(1, 4))
def shell(context):
    guest = context.boot()
    guest.prompt()
    for line, wanted in (
            ("nosuch", r"nosuch: there is no such program"),
            ("help", r"usedriver2"),
            ("usedriver2", r"usage: usedriver2 NAME(.|\n)*exited with 2"),
            ("usedriver2 " + "x" * 90, r"STATUS_\w+ \(0x"),
            ("tprocess read", r"STATUS_ACCESS_VIOLATION"),
            ("tprocess stack", r"STATUS_STACK_OVERFLOW"),
            ("sc query pipe", r"pipe +running"),
            ("sc start nosuch", "no such service.*ERROR_SERVICE_DOES_NOT_EXIST"),
            ("sc stop ramdisk", r"no unload routine.*ERROR_INVALID_SERVICE_CONTROL"),
            ("sc stop serial", r"stop pending(.|\n)*last one open"),
            ("sc query serial", r"serial +stop pending"),
            ("sc start serial", r"serial +running"),
            ("objdir \\", r"SystemRoot +SymbolicLink .*-> \\Device\\Ramdisk"),
            ("objdir \\nosuch", r"STATUS_OBJECT_NAME_NOT_FOUND"),
            ("type config\\system.reg", r"Windows Registry Editor"),
            ("type nosuch", r"cannot open nosuch: .*NOT_FOUND"),
            ("type", r"without a name"),
            ("kill 99999", r"STATUS_INVALID_CID"),
            ("access \\Device\\Example\\HELLO", r"administrator may: .*write"),
            ("irptrack \\Device\\Null", r"cannot attach above \\Device\\Null: .*NOT_FOUND(.|\n)*sc start irptrack"),
            ("sc start irptrack", r"irptrack +running"),
            ("irptrack \\Device\\Nosuch", r"Nosuch: STATUS_OBJECT_NAME_NOT_FOUND \(0xC0000034\)\s+irptrack: exited"),
            ("irptrack Null", r"usage: irptrack"),
            ("sc stop irptrack", r"irptrack +stopped"),
            ("ps", r"System(.|\n)*smss.exe(.|\n)*shell.exe(.|\n)*ps.exe")):
        printed = guest.command(line)
        context.check(re.search(wanted, printed), f"`{line}` printed {printed!r}")
    for line, running in (("usedriver2 CTRLC", "Ctrl-D ends"), ("tprocess sleep", "asleep")):
        guest.send(line + "\r")
        guest.expect(running)
        guest.send("\x03")
        guest.expect(r"STATUS_CONTROL_C_EXIT")
        guest.prompt()
    guest.send("exit\r")
    guest.expect("here is another")
    guest.prompt()


@test("A driver and a program of another compiler, with its own start-up code and libraries, run", timeout=60, smp=(1, 4))
def foreign(context):
    context.check((BUILD / "tests/foreign/foreign.exe").exists(), "x86_64-w64-mingw32-gcc is not there: tools/setup.sh")
    run_program(context, "foreign")
