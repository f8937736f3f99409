#!/bin/sh
# Makes sure that what the build and the tests need is installed.
#   setup.sh         installs what is missing when it may (root, or sudo without a password), otherwise prints the line to type
#   setup.sh check   says what is missing or too old, and changes nothing
set -eu

packages="clang-19 binutils make mingw-w64-x86-64-dev qemu-system-x86 grub-pc-bin grub-common xorriso mtools gdb python3 gcc-mingw-w64-x86-64-win32"

# Prints the package of everything that is not there.
missing() {
    command -v clang-19 >/dev/null            || echo clang-19
    command -v ld >/dev/null                  || echo binutils
    command -v objcopy >/dev/null             || echo binutils
    [ -f /usr/x86_64-w64-mingw32/include/ddk/ntifs.h ] || echo mingw-w64-x86-64-dev
    [ -f /usr/x86_64-w64-mingw32/lib/libntoskrnl.a ]   || echo mingw-w64-x86-64-dev
    command -v qemu-system-x86_64 >/dev/null  || echo qemu-system-x86
    [ -d /usr/lib/grub/i386-pc ]              || echo grub-pc-bin
    command -v grub-mkrescue >/dev/null       || echo grub-common
    command -v xorriso >/dev/null             || echo xorriso
    command -v mformat >/dev/null             || echo mtools
    command -v gdb >/dev/null                 || echo gdb
    command -v python3 >/dev/null             || echo python3
    command -v x86_64-w64-mingw32-gcc >/dev/null || echo gcc-mingw-w64-x86-64-win32
}

# Prints a sentence for everything that is there but not good enough.
too_old() {
    if command -v ld >/dev/null && ! ld -V | grep -q i386pep; then
        echo "ld cannot link PE images (no i386pep in ld -V): install Debian's binutils"
    fi
    if command -v python3 >/dev/null && ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
        echo "python3 is older than 3.9"
    fi
    if command -v gdb >/dev/null && ! gdb -batch -ex 'python import gdb.unwinder' >/dev/null 2>&1; then
        echo "gdb has no Python support: install gdb, not gdb-minimal"
    fi
}

lacking=$(missing | sort -u | tr '\n' ' ')

if [ "${1:-}" = check ]; then
    [ -z "$lacking" ] || echo "missing: $lacking"
    complaints=$(too_old)
    [ -z "$complaints" ] || echo "$complaints"
    if [ -n "$lacking$complaints" ]; then
        [ -z "$lacking" ] || echo "install with: sudo apt-get install -y --no-install-recommends $lacking"
        exit 1
    fi
    echo "everything is there"
    exit 0
fi

[ -n "$lacking" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Etude needs: $packages" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=sudo
else
    echo "Etude needs some packages. Type this line, then the command again:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $lacking" >&2
    exit 1
fi
echo "installing $lacking"
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $lacking >/dev/null
