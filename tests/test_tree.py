"""Promises about the tree itself, for which no guest is booted."""
import subprocess
import sys

from etude import Failure, test


@test("Files, functions, lines and the kernel as a whole stay within their limits")
def style(context):
    result = subprocess.run([sys.executable, "tests/style.py"], capture_output=True, text=True)
    if result.returncode:
        raise Failure(result.stdout.strip())
