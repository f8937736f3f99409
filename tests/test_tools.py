"""The programs that show processes, handles and objects, typed at the consoles."""
import re

import dot
from etude import PROMPT, test

HELD = "Enter closes it"


def two_consoles(context):
    guest = context.boot()
    guest.prompt(0)
    guest.prompt(1)
    return guest


@test("`handle` lists, filters, counts and closes handles, and shows what was opened and closed in between")
def handle(context):
    guest = two_consoles(context)
    guest.send("handle -d\r", 0)
    guest.expect("Ctrl-D ends", 0)
    guest.send("clients -o NUL 2\r", 1)
    guest.expect(HELD, 1)
    guest.send("\r", 0)
    opened = guest.expect(r"\d+ opened, (\d+) closed(.|\n)*type File: (\d+), now (\d+)\r", 0)
    context.check(len(re.findall(r"(?m)^\+ clients\.exe .*File +\\Device\\Null", opened)) == 2, f"the difference was {opened!r}")
    files = re.search(r"type File: (\d+), now (\d+)", opened)
    context.check(int(files[2]) - int(files[1]) == 2, f"of two opened files {files[0]!r}")
    guest.send("\x04", 0)
    guest.prompt(0)

    held = re.findall(r"(?m)^ +([0-9A-F]+): File +([0-9A-F]{8}) \\Device\\Null$", guest.command(r"handle -g \device\null"))
    context.check(len(held) == 2, f"of two files `handle` shows {held}")
    rights = guest.command(r"handle -g -a -p clients")
    for line in (r"Event +001F0003.*\n +query modify delete read-control write-dac write-owner synchronize$",
                 r"File +00120089 \\Device\\Console1.*\n +read read-ea read-attributes read-control synchronize$"):
        context.check(re.search(line, rights, re.M), f"no {line!r} in {rights!r}")
    process = re.search(r"clients\.exe \((\d+)\)", guest.command(r"handle \Device\Null"))[1]
    summed = int(re.search(r"File +(\d+)", guest.command(f"handle -s -p {process}"))[1])
    closed = guest.command(f"handle -c {held[0][0]} -p {process}")
    context.check("is closed" in closed, f"`handle -c` printed {closed!r}")
    again = guest.command(f"handle -c {held[0][0]} -p {process}")
    context.check("STATUS_INVALID_HANDLE" in again, f"closing it twice printed {again!r}")
    left = int(re.search(r"File +(\d+)", guest.command(f"handle -s -p {process}"))[1])
    context.check(left == summed - 1, f"{summed} files became {left}")
    context.check("1 client," in guest.command("clients NUL"), "the closed handle's file is still there")

    total = int(re.search(r"total +(\d+)", guest.command("handle -s"))[1])
    shown = re.search(r"(\d+) handles$", guest.command("ps").strip())
    context.check(abs(total - int(shown[1])) <= 1, f"`handle -s` counts {total}, `ps` {shown[1]}")
    for line in ("handle -p nosuch", "handle -s -p 99999"):
        context.check("there is no process" in guest.command(line), f"`{line}` does not say that nobody is")
    for line in ("handle -q", "handle -c", "handle -c 10", "handle -s -d", "handle a b"):
        context.check("usage: handle" in guest.command(line), f"`{line}` does not say how it is used")


@test("`objdir` shows the tree with types, targets and counts, what changes in it, and draws it")
def objdir(context):
    guest = two_consoles(context)
    tree = guest.command("objdir -r")
    for line in (r"^Device +Directory +0 +\d+$", r"^  Null +Device +0 +2$", r"^  null +Driver +0 +3$",
                 r"^  NUL +SymbolicLink +0 +1 -> \\Device\\Null$", r"^  File +Type +0 +2$", r"^  Type +Type +0 +2$",
                 r"^REGISTRY +Key +0 +1$", r"^  PowerState +Callback +0 +1$"):
        context.check(re.search(line, tree, re.M), f"no line {line!r} in {tree!r}")
    devices = guest.command(r"objdir -r -t Device")
    names = re.findall(r"(?m)^\\Device\\\w+ +(\w+) +\d", devices)
    context.check(names and set(names) == {"Device"}, f"`objdir -r -t Device` printed {devices!r}")
    links = guest.command(r"objdir \GLOBAL??")
    for line in (r"objdir \??", "objdir \\dosdevices\\"):
        context.check(guest.command(line) == links, f"`{line}` is not what `objdir \\GLOBAL??` shows: {links!r}")

    nodes, edges = dot.read(guest.command(r"objdir --dot \Driver"))
    context.check(nodes[r"\Driver"] == {"shape": "box"} and nodes[r"\Driver\null"]["label"] == "null\nDriver 0/3", f"nodes: {nodes}")
    context.check((r"\Driver", r"\Driver\null") in edges, f"no edge to null in {edges}")
    nodes, edges = dot.read(guest.command("objdir --dot"))
    entries = re.findall(r"(?m)^ *(\S+) +[A-Z]\w+ ", tree)[1:]
    context.check(sorted(node["label"].split("\n")[0] for name, node in nodes.items() if "label" in node) == sorted(entries),
                  f"the graph has {sorted(nodes)}, the tree {entries}")
    context.check({child for parent, child in edges if not edges[parent, child]} == {name for name in nodes if name != "\\"},
                  "not every object has an edge from its directory")
    context.check(edges[r"\GLOBAL??\NUL", r"\Device\Null"] == {"style": "dashed"}, f"the link's arrow: {edges}")

    guest.send("objdir -r -w\r", 1)
    guest.expect("Ctrl-C ends", 1)
    guest.command("sc stop null")
    guest.expect(r"- \\Device\\Null +Device", 1)
    guest.command("sc start null")
    guest.expect(r"\+ \\Device\\Null +Device +handles 0 pointers 2", 1)
    guest.send("\x03", 1)
    guest.prompt(1)
    context.check("STATUS_OBJECT_NAME_NOT_FOUND" in guest.command(r"objdir \no"), "a directory that is not there")
    for line in ("objdir -x", "objdir nobackslash", "objdir -t", r"objdir \ \Device"):
        context.check("usage: objdir" in guest.command(line), f"`{line}` does not say how it is used")


@test("`ps` shows who created whom and what each has; `kill` ends processes by number and by name")
def processes(context):
    guest = two_consoles(context)
    guest.send("clients -o NUL\r", 1)
    guest.expect(HELD, 1)
    for _ in range(2):                      # each says that it is there, before or after the next prompt
        guest.send("start tprocess sleep\r")
        guest.expect(rf"asleep(.|\n)*{PROMPT}|{PROMPT}(.|\n)*asleep")
    tree = guest.command("ps")
    context.check(re.search(r"System\n.*  smss\.exe\n(.*\n)*.*    shell\.exe\n(.*\n)*.*      clients\.exe\n", tree), f"no tree: {tree!r}")
    row = re.search(r"(?m)^ *(\d+) +(\d+) +(\d+) .* clients\.exe$", tree)
    handles = re.search(r"total +(\d+)", guest.command(f"handle -s -p {row[1]}"))
    context.check(row[2] == "2" and row[3] == handles[1], f"`ps` says {row[0]!r}, `handle` {handles[0]!r}")
    threads = guest.command("ps -t")
    context.check(re.search(r"clients\.exe\n +thread +\d+ +waiting .*\n +thread +\d+ +waiting", threads), f"threads: {threads!r}")

    guest.command("kill tprocess")
    context.check("tprocess" not in guest.until("ps", lambda text: "tprocess" not in text), "`kill tprocess` left one")
    guest.command(f"kill {row[1]}")
    guest.prompt(1)
    context.check("clients.exe" not in guest.until("ps", lambda text: "clients.exe" not in text), f"`kill {row[1]}` left it")
    context.check("there is no process" in guest.command("kill nosuch"), "a name nobody has")
    context.check("STATUS_INVALID_CID" in guest.command("kill 99999"), "a number nobody has")
    context.check("STATUS_ACCESS_DENIED" in guest.command("kill 4"), "the System process")
    for line in ("kill", "kill -9", "ps -x"):
        context.check("usage: " in guest.command(line), f"`{line}` does not say how it is used")


@test("The student sees what there is, but ends no other's process and closes no other's handle")
def student(context):
    guest = two_consoles(context)
    guest.send("clients -o NUL\r", 1)
    guest.expect(HELD, 1)
    process = re.search(r"clients\.exe \((\d+)\)", guest.command("runas student handle -a -p clients"))
    context.check(process, "the student does not see the administrator's handles")
    held = re.search(r"(?m)^ +([0-9A-F]+): File +\\Device\\Null$", guest.command(rf"handle \Device\Null"))
    for line in (f"kill {process[1]}", f"handle -c {held[1]} -p {process[1]}"):
        printed = guest.command(f"runas student {line}")
        context.check("STATUS_ACCESS_DENIED" in printed, f"`{line}` as the student printed {printed!r}")
    context.check("1 client, 1 handle" in guest.command("runas student clients NUL"), "the file is not open any more")
    context.check("1 client, 1 handle" in guest.command("clients NUL"), "the file is not open any more")
