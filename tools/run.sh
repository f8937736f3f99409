#!/bin/sh
# Boots build/etude.iso in QEMU with COM1 on this terminal. Environment: BUILD, SMP, MEM.
set -eu
build=${BUILD:-build}
rm -f "$build/console2.sock" "$build/gdb.sock"
echo "Ctrl-A X leaves QEMU, \`shutdown\` powers off; the second console: \`make console2\` in another terminal"
exec qemu-system-x86_64 -cpu max -m "${MEM:-256}" -smp "${SMP:-4}" -boot d -cdrom "$build/etude.iso" -no-reboot \
    -display none -serial mon:stdio \
    -serial "unix:$build/console2.sock,server=on,wait=off" \
    -debugcon "file:$build/debug.log" \
    -chardev "socket,id=gdb0,path=$build/gdb.sock,server=on,wait=off" -gdb chardev:gdb0 \
    -device isa-debug-exit,iobase=0xf4,iosize=4
