#!/usr/bin/env python3
"""Joins lists of exports (`Name`, `Name DATA`, `Alias=Target`, one a line) to a module definition file.

usage: gen_def.py MODULE OUTPUT LIST...    A name listed twice is exported once.
"""
import sys
from pathlib import Path

module, output, lists = sys.argv[1], sys.argv[2], sys.argv[3:]
seen = {}
for path in lists:
    for line in Path(path).read_text().splitlines():
        entry = line.split("#")[0].split(";")[0].strip()
        if entry and entry.split()[0].upper() not in ("EXPORTS", "LIBRARY", "NAME"):
            seen.setdefault(entry.split()[0].split("=")[0], entry)
keyword = "NAME" if module.endswith(".exe") else "LIBRARY"
lines = [f'{keyword} "{module}"', "EXPORTS"] + ["    " + seen[name] for name in sorted(seen)]
Path(output).write_text("\n".join(lines) + "\n")
