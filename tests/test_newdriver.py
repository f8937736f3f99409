"""A driver of one's own: `make drivers/NAME`, as the README tells people to start."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from etude import BUILD, Failure, test


def make(folder, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "BUILD"))}
    result = subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    if result.returncode:
        raise Failure(f"make {' '.join(arguments)}: {(result.stdout + result.stderr)[-600:]}")
    return result.stdout


@test("`make drivers/mine` makes a driver from the template, and the next start has it loaded; also from outside the tree",
      timeout=180, smp=(1, 4))
def from_template(context):
    folder = Path(tempfile.mkdtemp(prefix="etude-test-"))
    context.folders.append(folder)
    tree, outside = folder / "tree", folder / "elsewhere" / "other"
    shutil.copytree(".", tree, ignore=shutil.ignore_patterns(".git", "__pycache__"), symlinks=True)
    if BUILD.resolve() != Path("build").resolve():
        shutil.copytree(BUILD, tree / "build", dirs_exist_ok=True)
    make(tree, "drivers/mine")
    make(tree, "drivers/other", f"FROM={outside}")
    context.check((tree / "drivers/mine/mine.c").exists() and (outside / "other.c").exists(), "the folders are not there")

    guest = context.boot(ramdisk=tree / "build" / "ramdisk.tar")
    guest.prompt()
    names = guest.command("objdir \\Device")
    context.check("Mine" in names and "Other" in names, f"\\Device has {names}")
    guest.command("sc stop other")
    names = guest.command("objdir \\Device")
    context.check("Mine" in names and "Other" not in names, f"after `sc stop other`, \\Device has {names}")
