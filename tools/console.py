#!/usr/bin/env python3
"""Makes this terminal one of the guest's serial consoles: console.py SOCKET. Ctrl-] leaves."""
import os
import select
import socket
import sys
import termios
import tty

LEAVE = b"\x1d"


def connect(path):
    line = socket.socket(socket.AF_UNIX)
    try:
        line.connect(path)
    except OSError:
        sys.exit(f"nobody answers at {path}: start `make run` in another terminal first")
    return line


def relay(line):
    while True:
        ready, _, _ = select.select([line, 0], [], [])
        if line in ready:
            data = line.recv(4096)
            if not data:
                return "the guest is gone"
            os.write(1, data)
        if 0 in ready:
            data = os.read(0, 4096)
            if not data or LEAVE in data:
                return "left; the guest goes on"
            line.sendall(data)


def main():
    line = connect(sys.argv[1])
    print("Ctrl-] leaves this console; Enter shows the prompt", flush=True)
    saved = termios.tcgetattr(0) if os.isatty(0) else None
    try:
        if saved:
            tty.setraw(0)
        message = relay(line)
    finally:
        if saved:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)
    print("\n" + message)


main()
