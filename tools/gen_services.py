#!/usr/bin/env python3
"""Generates everything that depends on the numbers of the system services.

kernel/ke/services.txt lists "NtName argument-count"; the line order is the number. From it come
  ssdt.S          KiServiceTable, KiArgumentTable, KiServiceCount
  zw.S            the kernel's ZwX: load the number, jump to KiServiceInternal
  services.exports  NtX and ZwX, for the kernel's export table
  ntdll_stubs.S   NtX and ZwX for programs: syscall
  ntdll_stubs.def the export lines of those
"""
import sys
from pathlib import Path

NOTE = "# Generated from kernel/ke/services.txt by tools/gen_services.py.\n.intel_syntax noprefix\n"


def read_services(path):
    services = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or not words[0].startswith("Nt") or not words[1].isdigit():
            sys.exit(f"{path}:{number}: expected `NtName argument-count`, found `{line}`")
        services.append((words[0], int(words[1])))
    return services


def ssdt(services):
    out = [NOTE, ".section .rdata,\"dr\"", ".globl KiServiceTable, KiArgumentTable, KiServiceCount",
           ".balign 8", "KiServiceTable:"]
    out += [f"    .quad {name}" for name, _ in services]
    out += ["KiArgumentTable:"] + [f"    .byte {count}" for _, count in services]
    out += [".balign 4", "KiServiceCount:", f"    .long {len(services)}"]
    return out


def zw(services):
    out = [NOTE, ".text"]
    for number, (name, _) in enumerate(services):
        zw_name = "Zw" + name[2:]
        out += [f".globl {zw_name}", f".def {zw_name}; .scl 2; .type 32; .endef", ".balign 16",
                f"{zw_name}:", f"    mov eax, {number}", "    jmp KiServiceInternal"]
    return out


def ntdll(services):
    out = [NOTE, ".text"]
    for number, (name, _) in enumerate(services):
        zw_name = "Zw" + name[2:]
        out += [f".globl {name}, {zw_name}", f".def {name}; .scl 2; .type 32; .endef",
                f".def {zw_name}; .scl 2; .type 32; .endef", ".balign 16",
                f"{zw_name}:", f"{name}:", f".seh_proc {name}", ".seh_endprologue",
                "    mov r10, rcx", f"    mov eax, {number}", "    syscall", "    ret",
                ".seh_endproc"]
    return out


def names(services):
    return [name for name, _ in services] + ["Zw" + name[2:] for name, _ in services]


def main():
    source, folder = sys.argv[1], Path(sys.argv[2])
    services = read_services(source)
    folder.mkdir(parents=True, exist_ok=True)
    for file, lines in (("ssdt.S", ssdt(services)), ("zw.S", zw(services)),
                        ("ntdll_stubs.S", ntdll(services)),
                        ("services.exports", names(services)),
                        ("ntdll_stubs.def", ["    " + name for name in names(services)])):
        (folder / file).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
