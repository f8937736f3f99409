#!/usr/bin/env python3
"""Readies a driver's folder for `make drivers/NAME`.

usage: driver.py TEMPLATE NAME FOLDER
  FOLDER, if it is not there yet, becomes a copy of TEMPLATE (drivers/null) under the new name. A folder without a .reg file
  gets one, which has the driver loaded at system start.
"""
import re
import sys
from pathlib import Path

SERVICE = r"""
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\{name}]
"Type"=dword:00000001
"Start"=dword:00000001
"ImagePath"="System32\\drivers\\{name}.sys"
"""


def copy(template, name, folder):
    title, old = name[0].upper() + name[1:], template.name
    folder.mkdir(parents=True)
    for source in template.glob("*.[ch]"):
        text = source.read_text()
        text = text.replace("programs as NUL", rf"programs as \\.\{title}")
        text = text.replace(r"DosDevices\\NUL", rf"DosDevices\\{title}")
        text = text.replace(old.capitalize(), title).replace(f"{old}.sys", f"{name}.sys")
        (folder / source.name.replace(old, name)).write_text(text)
    print(f"{folder} is a copy of {template} under the new name: change what it does")


def main():
    template, name, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    if not re.fullmatch(r"[A-Za-z_]\w{0,30}", name):
        sys.exit(f"drivers/{name}: a driver's name is up to 31 letters, digits and underscores and starts with no digit")
    if folder.exists() and not folder.is_dir():
        sys.exit(f"{folder} is not a folder")
    if not folder.exists():
        copy(template, name, folder)
    if not list(folder.glob("*.c")):
        sys.exit(f"{folder} has no .c file: a driver's sources are the .c files in its folder")
    if not list(folder.glob("*.reg")):
        (folder / f"{name}.reg").write_text(SERVICE.format(name=name))


main()
