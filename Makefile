# Etude's build. `make help` lists the targets.
#
# Sources are found by folder: kernel/*/*.c and *.S make ntoskrnl.exe; each folder of drivers/ (but common) and tests/drivers/ makes one
# .sys; user/ntdll, kernel32, advapi32 and msvcrt make DLLs; every other folder of user/ (but crt, lib and include), and each
# folder and each .c file of tests/programs/, makes one .exe. Programs get user/crt's start-up code and what they need of user/lib. A driver's
# folder may hold a *.reg file that describes its service, any folder a *.mk file that sets, for its part NAME,
#   SOURCES_NAME   more sources, anywhere in the tree     CFLAGS_NAME   more compiler flags     LIBS_NAME   more libraries

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

BUILD   ?= build
SMP     ?= 4
MEM     ?= 256
APPEND  ?=
CI      ?=
V       ?=
Q       := $(if $(V),,@)

CC      := clang-19
LD      := ld
OBJCOPY := objcopy
PYTHON  := PYTHONDONTWRITEBYTECODE=1 python3
MINGW   := /usr/x86_64-w64-mingw32

# ---- flags -------------------------------------------------------------------------------------------------------------

# <wdm.h> defines two routines that <winnt.h> has declared; told that they are there, the latter leaves them alone.
SDK_INCLUDE := -D__INTRINSIC_DEFINED_InterlockedBitTestAndSet -D__INTRINSIC_DEFINED_InterlockedBitTestAndReset \
               -isystem $(MINGW)/include -isystem $(MINGW)/include/ddk
WARNINGS    := -Wall -Wextra '-Wno-\#warnings' -Wno-unused-parameter -Wno-microsoft -Wno-ignored-attributes -Wno-cast-function-type-mismatch \
               -Wno-unused-command-line-argument $(if $(filter true,$(CI)),-Werror)
COMMON      := --target=x86_64-w64-windows-gnu -std=gnu17 -fms-extensions -Xclang -fasync-exceptions \
               -fasynchronous-unwind-tables -mno-stack-arg-probe -fno-stack-protector -fno-ident -O2 -g $(WARNINGS)
PRIVILEGED  := $(COMMON) -ffreestanding -fno-auto-import -mno-sse -mno-mmx -fno-optimize-sibling-calls

KERNEL_CFLAGS := $(PRIVILEGED) -D_CRTIMP= -D_NTOSKRNL_ -D_NTSYSTEM_ -D_NTHAL_ -Ikernel -I. -I$(BUILD)/gen $(SDK_INCLUDE)
# sdk/wdk has what mingw-w64's driver headers lack of the WDK's.
DRIVER_CFLAGS := $(PRIVILEGED) -isystem sdk/wdk $(SDK_INCLUDE)
USER_CFLAGS   := $(COMMON) -D__USE_MINGW_ANSI_STDIO=0 -Iuser/include -Isdk -I. -isystem $(MINGW)/include
BOOT_CFLAGS   := --target=i386-unknown-none-elf -std=gnu17 -ffreestanding -fno-pic -mno-sse -mno-mmx -fno-stack-protector \
                 -fno-asynchronous-unwind-tables -fno-ident -Os -g $(WARNINGS) -I.

CFLAGS_ntdll    := -ffreestanding -fno-builtin
CFLAGS_msvcrt   := -ffreestanding -fno-builtin

# The part of the kernel's run-time library that ntdll shares; user/ntdll/host stands in for kernel.h.
SHARED_CFLAGS := $(COMMON) $(CFLAGS_ntdll) -Iuser/ntdll/host -Ikernel -I. -Isdk -D_NTOSKRNL_ -D_NTSYSTEM_ $(SDK_INCLUDE)

PE_LINK     := $(LD) -m i386pep --no-insert-timestamp
DRIVER_LINK := $(PE_LINK) --subsystem native --dynamicbase --nxcompat --wdmdriver -e DriverEntry
# The last library has every export of the kernel: what mingw-w64's lacks is found there.
WDK_LIB     := $(BUILD)/gen/libwdk.a
DRIVER_LIBS := -L$(MINGW)/lib -lntoskrnl -lhal $(WDK_LIB)
EXE_LINK    := $(PE_LINK) --subsystem console --dynamicbase --nxcompat -e mainCRTStartup
EXE_LIBS    := -L$(MINGW)/lib --start-group -lmingwex -lmsvcrt -ladvapi32 -lkernel32 -lntdll --end-group
DLL_LINK    := $(PE_LINK) -shared --subsystem console --dynamicbase --nxcompat --enable-reloc-section --exclude-all-symbols

ENTRY_ntdll    := 0
ENTRY_kernel32 := DllMain
ENTRY_advapi32 := DllMain
ENTRY_msvcrt   := DllMain
BASE_ntdll     := 0x7FF80000000
BASE_kernel32  := 0x7FF70000000
BASE_advapi32  := 0x7FF50000000
BASE_msvcrt    := 0x7FF60000000

# ---- what there is -----------------------------------------------------------------------------------------------------

-include $(wildcard user/*/*.mk drivers/*/*.mk tests/drivers/*/*.mk tests/programs/*/*.mk)

folders = $(sort $(patsubst $(1)/%/,%,$(dir $(wildcard $(1)/*/*.c))))
sources = $(sort $(wildcard $(1)/*.c $(1)/*.S))
objects = $(patsubst %,$(BUILD)/obj/$(1)/%.o,$(2))

KERNEL_SOURCES := $(sort $(wildcard kernel/*.c kernel/*.S kernel/*/*.c kernel/*/*.S))
DRIVERS        := $(filter-out common,$(call folders,drivers))
OUTSIDE        := $(call folders,$(BUILD)/outside)
TEST_DRIVERS   := $(call folders,tests/drivers)
DLLS           := $(filter ntdll kernel32 advapi32 msvcrt,$(call folders,user))
PROGRAMS       := $(filter-out ntdll kernel32 advapi32 msvcrt crt lib include,$(call folders,user))
TEST_PROGRAMS  := $(call folders,tests/programs) $(patsubst tests/programs/%.c,%,$(wildcard tests/programs/*.c))
BOOT_SOURCES   := $(call sources,boot)

KERNEL_OBJECTS := $(call objects,kernel,$(KERNEL_SOURCES)) \
                  $(if $(KERNEL_SOURCES),$(BUILD)/obj/gen/ssdt.o $(BUILD)/obj/gen/zw.o)
BOOT_OBJECTS   := $(call objects,boot,$(BOOT_SOURCES))
CRT_OBJECTS    := $(call objects,exe,$(call sources,user/crt))
LIB_OBJECTS    := $(call objects,exe,$(call sources,user/lib))
LIB            := $(if $(LIB_OBJECTS),$(BUILD)/lib.a)

KERNEL     := $(if $(KERNEL_SOURCES),$(BUILD)/ntoskrnl.exe)
SYS        := $(DRIVERS:%=$(BUILD)/drivers/%.sys) $(OUTSIDE:%=$(BUILD)/drivers/%.sys)
TEST_SYS   := $(TEST_DRIVERS:%=$(BUILD)/tests/drivers/%.sys)
DLL        := $(DLLS:%=$(BUILD)/%.dll)
EXE        := $(PROGRAMS:%=$(BUILD)/%.exe)
TEST_EXE   := $(TEST_PROGRAMS:%=$(BUILD)/tests/programs/%.exe)

stripped = $(patsubst $(BUILD)/%,$(BUILD)/stripped/%,$(1))
DISK_FILES := $(call stripped,$(SYS) $(DLL) $(EXE))
# A driver and a program built by another compiler with its own libraries, where it is installed (tools/setup.sh).
FOREIGN    := $(if $(shell command -v x86_64-w64-mingw32-gcc),$(BUILD)/tests/foreign/foreign.sys $(BUILD)/tests/foreign/foreign.exe)
TEST_FILES := $(call stripped,$(TEST_SYS) $(TEST_EXE)) $(FOREIGN)

# What program $(2) below folder $(1), or DLL $(1), is made of.
program-sources = $(call sources,$(1)/$(2)) $(wildcard $(1)/$(2).c) $(SOURCES_$(2))
dll-objects     = $(call objects,dll/$(1),$(call sources,user/$(1)) $(filter-out kernel/%,$(SOURCES_$(1)))) \
                  $(call objects,shared,$(filter kernel/%,$(SOURCES_$(1))))
SOURCES_ntdll  += $(NTDLL_EXTRA)

# ---- targets -----------------------------------------------------------------------------------------------------------

.PHONY: check-wine all iso run debug attach console2 test bench bench-peers soak clean doctor help setup FORCE

all: $(BUILD)/boot.elf $(KERNEL) $(BUILD)/ramdisk.tar $(BUILD)/ramdisk-test.tar compile_commands.json   ## build everything but the ISO

iso: $(BUILD)/etude.iso                ## build the CD image that GRUB boots

run: setup                             ## build and boot in QEMU; COM1 is this terminal (APPEND="..." SMP=4 MEM=256)
	$(Q)$(MAKE) all iso
	$(Q)BUILD=$(BUILD) SMP=$(SMP) MEM=$(MEM) tools/run.sh

debug: setup                           ## build and boot under gdb, stopped before the first instruction
	$(Q)$(MAKE) all
	$(Q)BUILD=$(BUILD) SMP=$(SMP) MEM=$(MEM) APPEND="$(APPEND)" tools/debug.sh

attach:                                ## gdb on the system that `make run` runs in another terminal
	$(Q)BUILD=$(BUILD) tools/debug.sh attach

console2:                              ## this terminal becomes the second console of `make run`
	$(Q)$(PYTHON) tools/console.py $(BUILD)/console2.sock

# A driver by folder: drivers/NAME, or the folder FROM, which stays where it is (a link in build/outside leads there).
NEW_DRIVER := $(filter drivers/%,$(MAKECMDGOALS))
.PHONY: $(NEW_DRIVER)
$(NEW_DRIVER): setup
	$(Q)$(PYTHON) tools/driver.py drivers/null $(@F) $(or $(FROM),$@)
	$(Q)$(if $(FROM),mkdir -p $(BUILD)/outside && ln -sfn $(abspath $(FROM)) $(BUILD)/outside/$(@F))
	$(Q)$(MAKE) all
	@echo "build/drivers/$(@F).sys is built and on the RAM disk; make run starts the system with it"

test: setup                            ## build and run every test; ends with `N passed, N failed`
	$(Q)$(MAKE) all iso
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/run.py $(TESTS)

bench: all                             ## print what operations cost, in guest instructions: `op NAME N` (OPS="calls pipes")
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/bench.py $(OPS)

bench-peers: all                       ## the same beside Linux, whose kernel is fetched with apt, as a ratio
	$(Q)tests/peers/linux.sh > $(BUILD)/linux.ops
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/bench.py --peers $(BUILD)/linux.ops

soak: all                              ## gigabytes through pipes on four processors while clients are killed (SOAK_MB=4096)
	$(Q)SOAK_MB=$(or $(SOAK_MB),4096) BUILD=$(BUILD) $(PYTHON) tests/run.py "soak.pipe smp=4"

check-wine: setup                      ## the model drivers and their programs, the same binaries, under Debian's wine64
	$(Q)$(MAKE) all
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/wine.py

clean:                                 ## remove everything that was built
	$(Q)rm -rf $(BUILD) compile_commands.json

doctor:                                ## say which tool is missing or too old
	$(Q)tools/setup.sh check

setup:
	$(Q)tools/setup.sh

help:                                  ## this list
	@(sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' Makefile; \
	  echo 'drivers/NAME|build a driver, first made from drivers/null if it is new (FROM=FOLDER: it lives there)') | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

# ---- generated sources -------------------------------------------------------------------------------------------------

GENERATED := $(addprefix $(BUILD)/gen/,zw.S services.exports ntdll_stubs.S ntdll_stubs.def)

$(BUILD)/gen/ssdt.S: kernel/ke/services.txt tools/gen_services.py
	@echo "  GEN     $(BUILD)/gen"
	$(Q)$(PYTHON) tools/gen_services.py $< $(BUILD)/gen

$(GENERATED): $(BUILD)/gen/ssdt.S ;

$(BUILD)/gen/ntoskrnl.def: $(BUILD)/gen/services.exports $(wildcard kernel/*/exports*.txt) tools/gen_def.py
	$(Q)$(PYTHON) tools/gen_def.py ntoskrnl.exe $@ $(filter-out %.py,$^)

# ---- compiling ---------------------------------------------------------------------------------------------------------

# compile-rule: objects under obj/$(1)/, flags $(2). -MJ leaves the entry for compile_commands.json beside the object.
define compile-rule
$(BUILD)/obj/$(1)/%.c.o: %.c Makefile
	@mkdir -p $$(@D)
	@echo "  CC      $$<"
	$$(Q)$(CC) $(2) -MMD -MP -MJ $$@.json -c -o $$@ $$<

$(BUILD)/obj/$(1)/%.S.o: %.S Makefile
	@mkdir -p $$(@D)
	@echo "  AS      $$<"
	$$(Q)$(CC) $(2) -MMD -MP -c -o $$@ $$<
endef

$(eval $(call compile-rule,kernel,$(KERNEL_CFLAGS)))
$(eval $(call compile-rule,boot,$(BOOT_CFLAGS)))
$(foreach name,$(DRIVERS) $(OUTSIDE) $(TEST_DRIVERS),$(eval $(call compile-rule,driver/$(name),$(DRIVER_CFLAGS) $(CFLAGS_$(name)))))
$(foreach name,$(DLLS),$(eval $(call compile-rule,dll/$(name),$(USER_CFLAGS) $(CFLAGS_$(name)))))
$(foreach name,$(PROGRAMS) $(TEST_PROGRAMS),$(eval $(call compile-rule,exe/$(name),$(USER_CFLAGS) $(CFLAGS_$(name)))))
$(eval $(call compile-rule,exe,$(USER_CFLAGS)))
$(eval $(call compile-rule,shared,$(SHARED_CFLAGS)))

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.S Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(PRIVILEGED) -c -o $@ $<

# ---- linking -----------------------------------------------------------------------------------------------------------

$(BUILD)/boot.elf: $(BOOT_OBJECTS) boot/boot.ld
	@echo "  LD      $@"
	$(Q)$(LD) -m elf_i386 -z max-page-size=4096 -z noexecstack --build-id=none -T boot/boot.ld -o $@ $(BOOT_OBJECTS)

$(BUILD)/ntoskrnl.exe: $(KERNEL_OBJECTS) linker.ld $(BUILD)/gen/ntoskrnl.def tools/seal.py
	@echo "  LD      $@"
	$(Q)$(PE_LINK) -T linker.ld --subsystem native --image-base 0xFFFFF80000400000 --disable-reloc-section \
	    -e KiSystemStartup -Map $(BUILD)/ntoskrnl.map -o $@ $(KERNEL_OBJECTS) $(BUILD)/gen/ntoskrnl.def
	$(Q)$(PYTHON) tools/seal.py $@

$(WDK_LIB): $(BUILD)/gen/ntoskrnl.def
	$(Q)x86_64-w64-mingw32-dlltool -d $< -D ntoskrnl.exe -l $@

# driver-rule: $(1) folder of folders, $(2) name, $(3) output folder
define driver-rule
$(3)/$(2).sys: $(call objects,driver/$(2),$(call sources,$(1)/$(2)) $(SOURCES_$(2))) $(WDK_LIB) tools/seal.py Makefile
	@mkdir -p $$(@D)
	@echo "  LD      $$@"
	$$(Q)$(DRIVER_LINK) -o $$@ $$(filter %.o,$$^) $(LIBS_$(2)) $(DRIVER_LIBS)
	$$(Q)$(PYTHON) tools/seal.py $$@
endef
$(foreach name,$(DRIVERS),$(eval $(call driver-rule,drivers,$(name),$(BUILD)/drivers)))
$(foreach name,$(OUTSIDE),$(eval $(call driver-rule,$(BUILD)/outside,$(name),$(BUILD)/drivers)))
$(foreach name,$(TEST_DRIVERS),$(eval $(call driver-rule,tests/drivers,$(name),$(BUILD)/tests/drivers)))

$(BUILD)/lib.a: $(LIB_OBJECTS)
	@echo "  AR      $@"
	$(Q)rm -f $@ && ar rcsD $@ $^

# program-rule: the same for programs
define program-rule
$(3)/$(2).exe: $(CRT_OBJECTS) $(call objects,exe/$(2),$(call program-sources,$(1),$(2))) $(LIB) Makefile
	@mkdir -p $$(@D)
	@echo "  LD      $$@"
	$$(Q)$(EXE_LINK) -o $$@ $$(filter %.o %.a,$$^) $(LIBS_$(2)) $(EXE_LIBS)
	$$(Q)$(PYTHON) tools/seal.py $$@
endef
$(foreach name,$(PROGRAMS),$(eval $(call program-rule,user,$(name),$(BUILD))))
$(foreach name,$(TEST_PROGRAMS),$(eval $(call program-rule,tests/programs,$(name),$(BUILD)/tests/programs)))

# dll-rule: $(1) name, $(2) the DLLs it imports from (linked directly, so that a missing export is found here),
# $(3) more objects, $(4) more exports
define dll-rule
$(BUILD)/gen/$(1).def: user/$(1)/$(1).def $(4) tools/gen_def.py
	@mkdir -p $$(@D)
	$$(Q)$(PYTHON) tools/gen_def.py $(1).dll $$@ $$(filter %.def,$$^)

$(BUILD)/$(1).dll: $(call dll-objects,$(1)) $(3) $(BUILD)/gen/$(1).def \
                   $(patsubst %,$(BUILD)/%.dll,$(2)) Makefile
	@echo "  LD      $$@"
	$$(Q)$(DLL_LINK) --image-base $(BASE_$(1)) -e $(ENTRY_$(1)) -o $$@ $$(filter %.o %.def %.dll,$$^) $(LIBS_$(1))
	$$(Q)$(PYTHON) tools/seal.py $$@
endef
$(eval $(call dll-rule,ntdll,,$(BUILD)/obj/gen/ntdll_stubs.o,$(BUILD)/gen/ntdll_stubs.def))
$(eval $(call dll-rule,kernel32,ntdll,))
$(eval $(call dll-rule,advapi32,kernel32 ntdll,))
$(eval $(call dll-rule,msvcrt,kernel32 ntdll,))

$(BUILD)/tests/foreign/foreign.sys: tests/foreign/driver.c
	@mkdir -p $(@D)
	@echo "  MINGW   $@"
	$(Q)x86_64-w64-mingw32-gcc -O2 -s -nostdlib -Wno-multichar -I$(MINGW)/include/ddk -Wl,--subsystem,native -Wl,--entry,DriverEntry \
	    -Wl,--dynamicbase -Wl,--no-insert-timestamp -o $@ $< -lntoskrnl -lhal

$(BUILD)/tests/foreign/foreign.exe: tests/foreign/program.c
	@mkdir -p $(@D)
	@echo "  MINGW   $@"
	$(Q)x86_64-w64-mingw32-gcc -O2 -s -Wl,--no-insert-timestamp -o $@ $<

# Debug information goes; the COFF symbols, from which a bugcheck prints function names, stay.
$(BUILD)/stripped/%: $(BUILD)/%
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --strip-debug $< $@
	$(Q)$(PYTHON) tools/seal.py $@

# ---- disks -------------------------------------------------------------------------------------------------------------

# Remembers lists that are not files, so that a removed driver or a new APPEND rebuilds what depends on it.
$(BUILD)/disk.list: FORCE
	@mkdir -p $(@D); echo '$(DISK_FILES) $(TEST_FILES) $(REGISTRY) $(TEST_REGISTRY)' > $@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/grub.cfg: boot/grub.cfg FORCE
	@mkdir -p $(@D); sed 's|@APPEND@|$(APPEND)|' $< | cmp -s - $@ || sed 's|@APPEND@|$(APPEND)|' $< > $@

# The services: what the system starts with, then each driver's own NAME.reg.
REGISTRY      := boot/system.reg $(sort $(wildcard drivers/*/*.reg $(BUILD)/outside/*/*.reg))
TEST_REGISTRY := $(sort $(wildcard tests/*.reg tests/drivers/*/*.reg))

$(BUILD)/ramdisk.tar: $(DISK_FILES) $(REGISTRY) $(BUILD)/disk.list tools/mkramdisk.py
	@echo "  TAR     $@"
	$(Q)$(PYTHON) tools/mkramdisk.py $@ $(REGISTRY:%=--registry %) $(DISK_FILES)

$(BUILD)/ramdisk-test.tar: $(DISK_FILES) $(TEST_FILES) $(REGISTRY) $(TEST_REGISTRY) $(BUILD)/disk.list tools/mkramdisk.py
	@echo "  TAR     $@"
	$(Q)$(PYTHON) tools/mkramdisk.py $@ $(REGISTRY:%=--registry %) $(TEST_REGISTRY:%=--registry %) $(DISK_FILES) $(TEST_FILES)

$(BUILD)/etude.iso: $(BUILD)/boot.elf $(call stripped,$(KERNEL)) $(BUILD)/ramdisk.tar $(BUILD)/grub.cfg tools/mkiso.sh
	@echo "  ISO     $@"
	$(Q)tools/mkiso.sh $@ $(BUILD)/grub.cfg $(BUILD)/boot.elf $(BUILD)/stripped/ntoskrnl.exe $(BUILD)/ramdisk.tar

# ---- for editors -------------------------------------------------------------------------------------------------------

ALL_OBJECTS := $(KERNEL_OBJECTS) $(BOOT_OBJECTS) $(CRT_OBJECTS) $(LIB_OBJECTS) \
    $(foreach name,$(DRIVERS),$(call objects,driver/$(name),$(call sources,drivers/$(name)) $(SOURCES_$(name)))) \
    $(foreach name,$(TEST_DRIVERS),$(call objects,driver/$(name),$(call sources,tests/drivers/$(name)) $(SOURCES_$(name)))) \
    $(foreach name,$(DLLS),$(call dll-objects,$(name))) \
    $(foreach name,$(PROGRAMS),$(call objects,exe/$(name),$(call program-sources,user,$(name)))) \
    $(foreach name,$(TEST_PROGRAMS),$(call objects,exe/$(name),$(call program-sources,tests/programs,$(name))))

compile_commands.json: $(ALL_OBJECTS)
	$(Q)(echo '['; cat $(patsubst %,%.json,$(filter %.c.o,$^)) | sed '$$s/,$$//'; echo ']') > $@

-include $(patsubst %.o,%.d,$(ALL_OBJECTS))
