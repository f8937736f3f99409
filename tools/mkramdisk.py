#!/usr/bin/env python3
"""Packs the RAM disk: a plain ustar archive that is the same, byte for byte, for the same files.

usage: mkramdisk.py OUTPUT [--registry FILE]... FILE...
  *.sys go to System32/drivers, *.exe and *.dll to System32; the registry files are joined, in order, to
  System32/config/system.reg.
"""
import argparse
import io
import os
import tarfile


def add(archive, name, data):
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(data), 0o644, 0
    archive.addfile(info, io.BytesIO(data))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--registry", action="append", default=[])
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_intermixed_args()

    contents = {}
    registry = b""
    for path in arguments.registry:
        with open(path, "rb") as file:
            registry += file.read()
    contents["System32/config/system.reg"] = registry
    for path in arguments.files:
        folder = "System32/drivers/" if path.endswith(".sys") else "System32/"
        with open(path, "rb") as file:
            contents[folder + os.path.basename(path)] = file.read()

    with tarfile.open(arguments.output, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(contents):
            add(archive, name, contents[name])


main()
