"""Much data through pipe.sys between many programs, some of which are killed. SOAK_MB says how much; `make soak` sets it."""
import os

from etude import EXIT_SUCCESS, test

MEGABYTES = int(os.environ.get("SOAK_MB", "3"))


@test("Bytes and messages are never lost, doubled or reordered while clients are killed",
      timeout=180 + 4 * MEGABYTES, smp=(1, 4))
def pipe(context):
    guest = context.boot(append=f'run="pipesoak {MEGABYTES}" testexit')
    status = guest.wait_exit()
    text = guest.consoles[0].text.replace("\r", "")
    if "SOAK_MB" in os.environ:
        print(text)
    context.marked(text, "pipesoak")
    context.check(status == EXIT_SUCCESS, f"QEMU ended with {status}")
