"""Security: access checks from inside (ktse.sys), runas and access at the shell."""
import re

from etude import test

HELD = "Enter closes it"


@test("Access checks, descriptors and impersonation are right from inside", timeout=90, smp=(1, 4))
def checks(context):
    guest = context.boot()
    guest.prompts()
    guest.command("sc start ktse")
    context.marked(guest.debug_text(), "ktse")


@test("At the shell the student is refused what runas and access say he is", timeout=60, smp=(1,))
def shell(context):
    guest = context.boot()
    guest.prompt()
    for line, wanted in (
            ("access \\Device\\Null", r"File(.|\n)*owner BUILTIN\\Administrators(.|\n)*allow Everyone(.|\n)*"
                                      r"administrator may: .*write-dac"),
            ("access -u student \\Device\\Null", r"student may: .* read write(?!.*write-dac)"),
            ("access -u student \\Driver", r"student may: 0x000000 nothing \(STATUS_ACCESS_DENIED\)"),
            ("access \\BaseNamedObjects", r"SDDL  O:BAG:SYD:P"),
            ("access \\Driver\\null", r"no program can open an object of its type: STATUS_OBJECT_TYPE_MISMATCH"),
            ("access 4x", r"usage: access"),
            ("runas student objdir \\Driver", r"STATUS_ACCESS_DENIED"),
            ("runas student objdir \\Device", r"Null"),
            ("runas student sc stop pipe", r"STATUS_(PRIVILEGE_NOT_HELD|ACCESS_DENIED)|denied|privilege"),
            ("runas student runas administrator ps", r"STATUS_LOGON_FAILURE"),
            ("runas student runas student access 4", r"student may: 0x000000 nothing"),
            ("runas nobody ps", r"STATUS_NO_SUCH_USER"),
            ("runas administrator access 4", r"administrator may: 0x")):
        printed = guest.command(line)
        context.check(re.search(wanted, printed), f"`{line}` printed {printed!r}")


STUDENTS = ("thandles", "tobargs", "tobjects", "tbadargs", "tseargs", "tinfo", "ttoolhelp", "tsync", "tthreads", "tsuspend", "tquota", "tprocess", "torder", "tends", "tseh",
            "tlibrary", "tpipe", "twait")


@test("Names, handles, rights, waits, services, processes, their ends and pipes hold for the student, or refuse him as documented",
      timeout=240, smp=(1, 4))
def student(context):
    guest = context.boot()
    guest.prompts()
    guest.command("sc start closelog")      # which torder asks
    for name in STUDENTS:
        context.marked(guest.command(f"runas student {name}"), name)


@test("The races for handles and names hold for the student", timeout=900, smp=(1, 4))
def student_races(context):
    guest = context.boot()
    guest.prompts()
    context.marked(guest.command(f"runas student tobrace {1000000 if context.smp > 1 else 10000}"), "tobrace")


@test("The programs that show objects, handles and processes serve the student, and refuse him what is not his", smp=(1, 4))
def student_tools(context):
    guest = context.boot()
    guest.prompts()
    for line, wanted in (
            ("objdir -r", r"(?m)^  Null +Device +0 +2$(.|\n)*^Driver +Directory +\d+ +\d+$\n^\S(.|\n)*^  NUL +SymbolicLink +0 +1 -> \\Device\\Null$"),
            ("objdir \\Driver", r"STATUS_ACCESS_DENIED"),
            ("objdir --dot \\Device", r'"\\\\Device" -> "\\\\Device\\\\Null";'),
            ("handle -s", r"File +\d+(.|\n)*total +\d+"),
            ("handle -a -p shell", r"Event *\n(.|\n)*File +\\Device\\Console0"),
            ("ps", r"smss\.exe\n(.|\n)*shell\.exe\n(.|\n)*    runas\.exe\n.*      ps\.exe"),
            ("kill smss", r"STATUS_ACCESS_DENIED"),
            ("kill 4", r"STATUS_ACCESS_DENIED"),
            ("access \\Device\\Null", r"student may: 0x1201BF"),
            ("access -u administrator \\Device\\Null", r"STATUS_LOGON_FAILURE"),
            ("access \\Driver", r"STATUS_ACCESS_DENIED"),
            ("access \\Driver\\Null", r"STATUS_OBJECT_TYPE_MISMATCH"),
            ("sc query null", r"null +running"),
            ("sc stop null", r"STATUS_ACCESS_DENIED"),
            ("sc start getdev", r"STATUS_ACCESS_DENIED")):
        printed = guest.command(f"runas student {line}")
        context.check(re.search(wanted, printed), f"`{line}` as the student printed {printed!r}")
    context.check("null                     running" in guest.command("sc query null"), "the student has stopped a driver")


@test("The student counts a driver's clients; what he holds keeps a driver that the administrator stops, and a device that he had taken",
      smp=(1, 4))
def student_investigates(context):
    guest = context.boot()
    guest.prompt(0)
    guest.prompt(1)

    def says(line, *patterns):
        printed = guest.command(line)
        for wanted in patterns:
            context.check(re.search(wanted, printed), f"`{line}` printed {printed!r}")

    says("runas student clients NUL", r"Null: 0 clients, 0 handles")
    guest.send("runas student shell\r", 1)
    guest.prompt(1)
    for number in range(1, 5):              # one in the background has NUL as its standard input too
        guest.send("start clients -o NUL\r", 1)
        guest.expect(rf"started as process \d+(.|\n)*{HELD}|{HELD}(.|\n)*started as process \d+", 1)
        says("runas student clients NUL", rf"Null: {2 * number} clients, {2 * number} handles in {number} process")
    says("kill clients")
    says("runas student clients NUL", r"Null: 0 clients, 0 handles")
    guest.send("clients -o NUL\r", 1)
    guest.expect(HELD, 1)
    says("runas student clients NUL", r"Null: 1 client, 1 handle in 1 process", r"clients\.exe \(\d+\), access")
    says("sc stop null", r"stop pending")
    says(r"runas student clients \Driver\Null", r"STATUS_OBJECT_TYPE_MISMATCH")
    says(r"runas student clients -o \Device\Null", r"STATUS_NO_SUCH_DEVICE")
    says("runas student clients NUL", r"Null: 1 client, 1 handle in 1 process")
    context.check(not re.search(r"\\Driver\\null is unloaded", guest.debug_text()), "it left before its file was closed")
    guest.send("\r", 1)
    guest.prompt(1)
    says(r"runas student clients -w \Driver\Null", r"STATUS_OBJECT_NAME_NOT_FOUND")
    guest.expect_debug(r"\\Driver\\null is unloaded")

    says("sc start null", "running")
    says("sc start getdev", "running")
    says(r"runas student getdev take \Device\Null", r"taken and kept")
    says("runas student clients NUL", r"Null: 1 client, 0 handles in 0 processes", r"HandleCount 0 +PointerCount 1\n")
    says("sc stop null", r"stop pending")
    says("runas student getdev drop", r"let go")
    says(r"runas student clients -w \Driver\Null", r"STATUS_OBJECT_NAME_NOT_FOUND")
