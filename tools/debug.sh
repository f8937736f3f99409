#!/bin/sh
# debug.sh          starts QEMU stopped, with gdb in this terminal; the consoles are on unix sockets
# debug.sh attach   gdb on the system that `make run` runs in another terminal
# Environment: BUILD, SMP, MEM, APPEND. QEMU gets a session of its own (setsid), so that Ctrl-C in gdb
# stops the guest and does not end QEMU.
set -eu
build=${BUILD:-build}
extension=
[ ! -f debugger/etude.py ] || extension="-x debugger/etude.py"

if [ "${1:-}" = attach ]; then
    if [ ! -S "$build/gdb.sock" ]; then
        echo "nothing to attach to: start \`make run\` in another terminal first" >&2
        exit 1
    fi
    exec gdb -q "$build/ntoskrnl.exe" $extension -ex "target remote $build/gdb.sock"
fi

rm -f "$build/console1.sock" "$build/console2.sock"
qemu="exec setsid qemu-system-x86_64 -cpu max -m ${MEM:-256} -smp ${SMP:-4} -no-reboot -display none -monitor none
 -kernel $build/boot.elf -initrd $build/ntoskrnl.exe,$build/ramdisk.tar
 -serial unix:$build/console1.sock,server=on,wait=off -serial unix:$build/console2.sock,server=on,wait=off
 -debugcon file:$build/debug.log -device isa-debug-exit,iobase=0xf4,iosize=4 -S -gdb stdio"
[ -z "${APPEND:-}" ] || qemu="$qemu -append '$APPEND'"
echo "the first console: python3 tools/console.py $build/console1.sock     the second: make console2     (other terminals)"
exec gdb -q "$build/ntoskrnl.exe" $extension -ex "target remote | $(echo "$qemu" | tr -d '\n')"
