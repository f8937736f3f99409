"""Promises about the tree itself, for which no guest is booted."""
import re
import subprocess
import sys
from pathlib import Path

from etude import BUILD, Failure, test
from pe import Image


@test("Files, functions, lines and the kernel as a whole stay within their limits", smp=(None,))
def style(context):
    result = subprocess.run([sys.executable, "tests/style.py"], capture_output=True, text=True)
    if result.returncode:
        raise Failure(result.stdout.strip())


@test("Everything a driver, a program or a DLL of the tree imports is exported by the tree", smp=(None,))
def imports(context):
    exports = {path.name: Image(path).exports() for path in (*BUILD.glob("*.dll"), BUILD / "ntoskrnl.exe")}
    exports["hal.dll"] = exports["ntoskrnl.exe"]
    missing = [f"{path.name} imports {name} from {module}"
               for path in sorted((*BUILD.glob("drivers/*.sys"), *BUILD.glob("*.exe"), *BUILD.glob("*.dll")))
               for module, name in Image(path).imports() if name not in exports.get(module, ())]
    context.check(not missing, "; ".join(missing))


@test("Every `file:/^Name/` of the chapters and the README leads to the line that begins with that name", smp=(None,))
def anchors(context):
    stale = []
    for page in (Path("README.md"), *sorted(Path("docs").glob("*.md"))):
        for name, start in re.findall(r"`([\w./-]+):/\^(\w+\(?)/`", page.read_text()):
            path = Path(name)
            first = path.exists() and re.search(rf"^{re.escape(start)}.?", path.read_text(), re.M)      # where an editor goes
            if not first or re.fullmatch(r"\w\w", first[0][-2:]):
                stale.append(f"{page}: {name}:/^{start}/")
    context.check(not stale, "; ".join(stale))
