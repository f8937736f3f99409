#!/usr/bin/env python3
"""Runs the tests: every @test of every tests/test_*.py, two at a time. Arguments pick those whose name contains one of them.

A line a test; a failed one is followed by the reason and the ends of the guest's consoles and debug port. The last line is
`N passed, N failed` and the exit status matches it.
"""
import importlib
import os
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import etude  # noqa: E402

AT_ONCE = int(os.environ.get("AT_ONCE", "2"))
printing = threading.Lock()


def run(a_test):
    started = time.monotonic()
    context = etude.Context(a_test)
    reason, tails = None, []
    watchdog = threading.Timer(a_test.timeout + 5, lambda: [guest.process.kill() for guest in context.guests])
    watchdog.start()
    try:
        a_test.function(context)
    except etude.Failure as failure:
        reason = str(failure)
    except Exception:
        reason = traceback.format_exc()
    finally:
        watchdog.cancel()
        if reason:
            if time.monotonic() > context.deadline:
                reason = f"hung, ended after {a_test.timeout} s: {reason}"
            tails = [line for guest in context.guests for line in guest.tails()]
        context.end()

    with printing:
        print(f"{'FAIL' if reason else 'ok  '}  {a_test.name}  ({time.monotonic() - started:.1f} s)  {a_test.sentence}")
        if reason:
            print("\n".join("      " + line for line in reason.splitlines() + tails))
        sys.stdout.flush()
    return reason is None


def main():
    os.chdir(Path(__file__).parent.parent)
    for path in sorted(Path("tests").glob("test_*.py")):
        importlib.import_module(path.stem)
    chosen = [a_test for a_test in etude.TESTS
              if not sys.argv[1:] or any(word in a_test.name for word in sys.argv[1:])]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(run, chosen))
    passed, failed = sum(results), len(results) - sum(results)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
