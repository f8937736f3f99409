#!/usr/bin/env python3
"""`make check-wine`: the model drivers and their programs, the same binaries, under Wine, an independent implementation of the same
interfaces. Each .sys is installed as a kernel service and started, its client .exe is run, and what comes out is compared with what
it says on Etude. Where Wine lacks a function, the line says which; that is no failure of the driver.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

BUILD = Path(os.environ.get("BUILD", "build")).resolve()
PREFIX = BUILD / "wine"
DRIVE = PREFIX / "drive_c"
ENVIRONMENT = dict(os.environ, WINEPREFIX=str(PREFIX), WINEDLLOVERRIDES="mscoree,mshtml=", WINEDEBUG="fixme-all,err-all,fixme+ntoskrnl", DISPLAY="")
LACK = re.compile(r"unimplemented function (\S+?),|fixme:ntoskrnl:(\w+) ")

# driver, [(client's command line, what it must say)]; "&" before a line starts it in the background, to be looked at last
CASES = (
    ("notify", [("notify 0.2", r"The event is set\.")]),
    ("inverted", [("&inverted wait 1", r"1: hello"), ("inverted tell hello", r"1 were waiting\.")]),
    ("ticker", [("ticker 60 20 1", r"tick 1: 60 ms(.|\n)*tick 3: 1 ms")]),
    ("pipe", [("pipectl HELLO", r"pipe HELLO: size 4096, held 0")]),
    ("irptrack", [("&irptrack -n 2 \\Device\\Notify", r"CREATE(.|\n)*DEVICE_CONTROL"), ("notify 0.1", "")]),
    ("getdev", [("getdev peek \\Device\\Notify", r"taken and let go: file object 0*[1-9a-f]")]),
)
# What Wine lacks without saying so: driver, how it shows, what it is. (null.sys is not tried: Wine has a \\Device\\Null of its own.)
SILENT = (
    ("pipe", "STATUS_OBJECT_NAME_NOT_FOUND", "names that go on behind a device's"),
    ("irptrack", "STATUS_OBJECT_NAME_NOT_FOUND", "names that go on behind a device's"),
)


def wine_binary():
    for name in ("wine64", "/usr/lib/wine/wine64"):
        if found := shutil.which(name):
            return found
    if os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "wine64"], check=True,
                       stdout=subprocess.DEVNULL)
        if found := shutil.which("/usr/lib/wine/wine64"):
            return found
    sys.exit("check-wine needs wine64: sudo apt-get install --no-install-recommends wine64")


class Wine:
    def __init__(self):
        self.binary = wine_binary()
        self.server = shutil.which("wineserver64") or "/usr/lib/wine/wineserver64"
        subprocess.run([self.server, "-k"], env=ENVIRONMENT, check=False)
        shutil.rmtree(PREFIX, ignore_errors=True)
        PREFIX.mkdir(parents=True)
        self.run("wineboot -i", timeout=300)
        for driver, _ in CASES:
            image = f"etude-{driver}.sys"
            shutil.copy(BUILD / "stripped" / "drivers" / f"{driver}.sys", DRIVE / "windows/system32/drivers" / image)
            self.run(f"sc create {driver} type= kernel start= demand binPath= C:\\windows\\system32\\drivers\\{image}")
        # a new server starts them; drivers live as long as it does, so it is kept between commands
        self.end()
        subprocess.run([self.server, "-p"], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)

    def start(self, line, log):
        # a file, not a pipe: services that a command starts inherit it and would keep a pipe open
        with open(log, "w") as file:
            return subprocess.Popen([self.binary, *line.split(" ")], cwd=DRIVE if DRIVE.exists() else None, env=ENVIRONMENT,
                                    stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    def run(self, line, timeout=30):
        log = PREFIX / "log"
        process = self.start(line, log)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
        return log.read_text(errors="replace")

    def said(self):
        """What the drivers made Wine print: it comes out of the processes that started them."""
        return "".join(log.read_text(errors="replace") for log in PREFIX.glob("*.log"))

    def end(self):
        subprocess.run([self.server, "-k"], env=ENVIRONMENT, check=False)


def try_driver(wine, driver, clients):
    """Returns (verdict, what to say): True works, None needs what Wine lacks, False fails."""
    background, failed, before = [], [], wine.said()
    wine.start(f"sc start {driver}", PREFIX / f"{driver}.log").wait(60)
    state = wine.run(f"sc query {driver}")
    if "RUNNING" not in state:
        failed.append("it does not start")
    for line, expected in clients if not failed else ():
        program = line.lstrip("&").split()[0]
        shutil.copy(BUILD / "stripped" / f"{program}.exe", DRIVE / f"{program}.exe")
        if line.startswith("&"):
            output = PREFIX / f"{program}.client"
            background.append((line, expected, wine.start(line[1:], output), output))
            continue
        text = wine.run(line)
        if not re.search(expected, text):
            failed.append(f"`{line}` says: {' '.join(text.split())[:160]}")
    for line, expected, process, output in background:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        if not re.search(expected, output.read_text(errors="replace")):
            failed.append(f"`{line[1:]}` says: {' '.join(output.read_text(errors='replace').split())[:160]}")
    lacking = sorted({match[0] or match[1] for match in LACK.findall(wine.said())} - {match[0] or match[1] for match in LACK.findall(before)})
    lacking += [what for name, sign, what in SILENT if name == driver and sign in "".join(failed)]
    if not failed:
        return True, "works"
    if lacking:
        return None, f"needs what Wine lacks: {', '.join(lacking)} ({failed[0]})"
    return False, failed[0]


def main():
    wine = Wine()
    print(f"{subprocess.run([wine.binary, '--version'], capture_output=True, text=True).stdout.strip()}, no display")
    verdicts = []
    try:
        for driver, clients in CASES:
            verdict, sentence = try_driver(wine, driver, clients)
            verdicts.append(verdict)
            print(f"{driver:10} {sentence}", flush=True)
    finally:
        wine.end()
    print(f"{verdicts.count(True)} work, {verdicts.count(None)} need what Wine lacks, {verdicts.count(False)} fail")
    return verdicts.count(False) != 0


sys.exit(main())
