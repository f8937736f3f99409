#!/bin/sh
# Builds the CD image: mkiso.sh OUTPUT GRUB.CFG FILE...; the files go to /boot. Only GRUB's modules for a PC with a
# BIOS are put on it, which keeps the image small and its building fast.
set -eu
output=$1 config=$2
shift 2
tree=$output.tree
rm -rf "$tree"
mkdir -p "$tree/boot/grub"
cp "$config" "$tree/boot/grub/grub.cfg"
cp "$@" "$tree/boot/"
if ! grub-mkrescue -d /usr/lib/grub/i386-pc -o "$output" --locales= --fonts= --themes= \
     --install-modules="normal multiboot iso9660 biosdisk part_msdos" "$tree" >"$output.log" 2>&1; then
    cat "$output.log" >&2
    exit 1
fi
rm -rf "$tree"
