#!/usr/bin/env python3
"""Boots a guest that counts instructions and prints what the bench program in it measures: a line `op NAME N` an operation, N guest
instructions. Arguments pick the program's subjects (tests/programs/bench/bench.c).

With --peers FILE the same beside the lines of tests/peers/linux.sh, read from FILE, and the ratio of the two.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

BUILD = Path(os.environ.get("BUILD", "build"))
COUNTING = ["-cpu", "qemu64", "-smp", "1", "-m", "256", "-icount", "shift=0,sleep=off"]


class BenchFailure(Exception):
    """The guest did not get to the end of the program."""


def operations(text):
    return {name: int(figure) for name, figure in re.findall(r"^op (\S+) (\d+)\s*$", text, re.M)}


def run(subjects=(), timeout=300):
    """Runs the program; returns the operations and their figures in the order it measured them."""
    command = ["qemu-system-x86_64", *COUNTING, "-no-reboot", "-display", "none", "-monitor", "none", "-net", "none",
               "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
               "-kernel", str(BUILD / "boot.elf"), "-initrd", f"{BUILD}/ntoskrnl.exe,{BUILD}/ramdisk-test.tar",
               "-append", f'run="{" ".join(["bench", *subjects])}" testexit bugcheckexit']
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False)
        text, status = result.stdout, result.returncode
    except subprocess.TimeoutExpired as expired:
        text, status = expired.stdout or b"", "no status: time ran out"
    text = text.decode("utf-8", "replace").replace("\r", "")
    if status != 33 or "\ndone\n" not in text:
        raise BenchFailure(f"QEMU ended with {status}; the console said:\n" + "\n".join(text.splitlines()[-15:]))
    return operations(text)


def limits():
    """tests/bench.limits: operation -> (most allowed, Linux's figure or None)."""
    table = {}
    for line in Path("tests/bench.limits").read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            table[words[0]] = (int(words[1]), int(words[2]) if len(words) > 2 else None)
    return table


def main():
    words = sys.argv[1:]
    peers = operations(Path(words[1]).read_text()) if words[:1] == ["--peers"] else None
    try:
        figures = run(words if peers is None else ())
    except BenchFailure as failure:
        sys.exit(f"bench: {failure}")
    for name, figure in figures.items():
        if peers is None:
            print(f"op {name} {figure}")
        elif name in peers:
            print(f"op {name} {figure:>12}   linux {peers[name]:>12}   ratio {figure / peers[name]:.2f}")


if __name__ == "__main__":
    main()
