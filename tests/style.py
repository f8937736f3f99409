#!/usr/bin/env python3
"""Counts the limits of how the code reads. Prints every excess as `file:line: sentence`; a test runs it.

  a file has at most 400 lines, a line at most 100 columns, a function at most 60 lines of code
  kernel/ has at most 36,100 lines of code, comments and blank lines not counted
  a subsystem's private header (kernel/X/*p.h) is included only from its own folder
  a driver includes nothing of kernel/
  a model driver, one that answers one question, has fewer than 300 lines of code
"""
import re
import sys
from pathlib import Path

FILE_LINES, COLUMNS, FUNCTION_LINES = 400, 100, 60

# DESIGN.md aims at 15,000; what drivers import from an NT kernel takes more.
KERNEL_LINES = 36100
MODELS, MODEL_LINES = ("null", "notify", "inverted", "irptrack", "getdev", "ticker"), 300
FOLDERS = ("boot", "kernel", "drivers", "user", "sdk", "tests/drivers", "tests/programs")
PRIVATE = {path.name: path.parent for path in Path("kernel").glob("*/*p.h")
           if (path.parent / (path.name[:-3] + ".h")).exists() or path.name == path.parent.name + "p.h"
           or path.name == "kip.h"}


def code_lines(text):
    """The lines with comments blanked out, so that line numbers stay."""
    text = re.sub(r"/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), text, flags=re.S)
    return [re.sub(r"//.*", "", line).rstrip() for line in text.split("\n")]


def functions(lines):
    """Yields (first line's number, name, lines of code) of each function whose braces stand at column 0."""
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            heads = [head for head in lines[max(0, start - 8):start] if re.match(r"\w+\(", head)]
            name = heads[-1].split("(")[0] if heads else "a function"
            yield start + 1, name, sum(1 for body in lines[start + 1:number] if body)
            start = None


def check_file(path, text, complaints):
    raw, lines = text.split("\n"), code_lines(text)
    if len(raw) - 1 > FILE_LINES:
        complaints.append(f"{path}:1: the file has {len(raw) - 1} lines")
    for number, line in enumerate(raw, 1):
        if len(line) > COLUMNS:
            complaints.append(f"{path}:{number}: the line has {len(line)} columns")
    for number, name, count in functions(lines):
        if count > FUNCTION_LINES:
            complaints.append(f"{path}:{number}: {name} has {count} lines of code")
    for number, line in enumerate(lines, 1):
        included = re.match(r'\s*#\s*include\s+["<](.+)[">]', line)
        if not included:
            continue
        owner = PRIVATE.get(Path(included[1]).name)
        if owner and owner != path.parent:
            complaints.append(f"{path}:{number}: {included[1]} is private to {owner}")
        if path.parts[0] == "drivers" and "kernel/" in included[1]:
            complaints.append(f"{path}:{number}: a driver includes {included[1]}")


def count(paths):
    """Lines of code: no comments, no blank lines."""
    return sum(1 for path in paths for line in code_lines(path.read_text()) if line.strip())


def main():
    complaints, kernel = [], 0
    for name in MODELS:
        folder = Path("drivers") / name
        if (lines := count([*folder.glob("*.c"), *folder.glob("*.h")])) >= MODEL_LINES:
            complaints.append(f"{folder}: {lines} lines of code")
    for folder in FOLDERS:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix not in (".c", ".h", ".S"):
                continue
            text = path.read_text()
            check_file(path, text, complaints)
            if folder == "kernel":
                kernel += count([path])
    if kernel > KERNEL_LINES:
        complaints.append(f"kernel: {kernel} lines of code, {KERNEL_LINES} are allowed")
    print("\n".join(complaints + [f"kernel: {kernel} lines of code"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
