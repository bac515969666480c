# make demo    shows it at work, from a fresh clone on (as root)
# make test    sets up what is missing and runs the tests (as root)
# make help    lists the rest

GO ?= go
CLANG ?= clang
TESTFLAGS ?= -count=1

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

.PHONY: all
all: ## deps, vendor, build
	@$(MAKE) deps
	@$(MAKE) vendor
	@$(MAKE) build

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		awk -F'|' '{ printf "%-24s %s\n", $$1, $$2 }'

# What is needed

.PHONY: deps
deps: ## install the packages that are missing (Debian, Ubuntu), or name them
	@scripts/install-deps.sh

# It runs on this machine, whatever is built.
VENDOR := GOOS= GOARCH= CGO_ENABLED=0 $(GO) run -buildvcs=false ./cmd/bpfgo-vendor

.PHONY: vendor
vendor: ## lay down the pinned libbpf, libelf and zlib (LIBBPF_VERSION=version FROM=file-or-folder ARCHIVE=url)
	@$(VENDOR) $(if $(LIBBPF_VERSION),-libbpf $(LIBBPF_VERSION)) $(if $(FROM),-from '$(FROM)') \
		$(if $(ARCHIVE),-archive '$(ARCHIVE)')

.PHONY: unvendor
unvendor: ## take these away: builds then link the system's
	@$(VENDOR) -remove

# The Go side

# In a clone that belongs to someone else than who builds, git refuses, and go build with it.
NOVCS := -buildvcs=false

.PHONY: build
build: ## build all packages and bin/bpfgo
	$(GO) build $(NOVCS) ./...
	@$(MAKE) bin/bpfgo

# The same bytes wherever it is built: the build id would have the paths of cgo's flags in it.
.PHONY: bin/bpfgo
bin/bpfgo:
	@mkdir -p bin
	@$(GO) build $(NOVCS) -trimpath -ldflags=-buildid= -o $@ ./cmd/bpfgo

.PHONY: sbom
sbom: ## write the bill of materials of bin/bpfgo to bin/bpfgo.cdx.json
	@$(MAKE) deps
	@$(MAKE) vendor
	@$(MAKE) bin/bpfgo
	@$(GO) -C scripts/sbom run $(NOVCS) . -upstream ../../libbpf/upstream ../../bin/bpfgo >bin/bpfgo.cdx.json.tmp
	@mv bin/bpfgo.cdx.json.tmp bin/bpfgo.cdx.json

.PHONY: man
man: ## write the manual pages of bpfgo into bin/man
	@cd cmd/bpfgo/mkdocs && $(GO) run $(NOVCS) . ../../../bin/man

.PHONY: site
site: ## write the book as web pages into bin/site
	@rm -rf bin/site
	@cd scripts/site && $(GO) run $(NOVCS) . -o ../../bin/site

PREFIX := /usr/local

.PHONY: install
install: bin/bpfgo man ## install bpfgo, its manual pages and its completions (PREFIX=folder DESTDIR=folder)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install bin/bpfgo $(DESTDIR)$(PREFIX)/bin/
	install -m 644 bin/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	bin/bpfgo completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/bpfgo
	bin/bpfgo completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_bpfgo
	bin/bpfgo completion fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/bpfgo.fish

# The BPF side

# The objects are beside their sources, for this machine. Those for another architecture are at the same places in
# bin/ARCH, and are made with its cross compiler's headers and the types of a kernel of scripts/vm/kernels.txt.
BPF_OUT :=
BPF_CC := $(CC)
BPF_TARGET := bpf
BPF_KERNEL :=
MULTIARCH := $(shell $(BPF_CC) -print-multiarch 2>/dev/null)
# The kernel's name of the architecture, as bpf_tracing.h wants it.
ARCH := $(shell echo $(or $(firstword $(subst -, ,$(MULTIARCH))),$$(uname -m)) | sed -e 's/x86_64/x86/' \
	-e 's/i.86/x86/' -e 's/arm[^64]*$$/arm/' -e 's/aarch64/arm64/' -e 's/\(powerpc\|ppc\).*/powerpc/' \
	-e 's/riscv.*/riscv/' -e 's/mips.*/mips/' -e 's/loongarch.*/loongarch/' -e 's/s390x/s390/')
GENERATED := $(BPF_OUT)bpf/generated
# From 7.0 on the kernel's types have members that are structs without a name, but with a tag: an extension of C.
BPF_CFLAGS := -g -O2 -Wall -fms-extensions -Wno-microsoft-anon-tag -target $(BPF_TARGET) -mcpu=v3 \
	-D__TARGET_ARCH_$(ARCH) -Ibpf -I$(GENERATED) -Ilibbpf/upstream/api \
	$(if $(MULTIARCH),$(if $(BPF_OUT),-I/usr/$(MULTIARCH)/include,-I/usr/include/$(MULTIARCH)))
BPF_SOURCES := $(wildcard bpf/*.bpf.c bench/*/*.bpf.c examples/exporter/*/*.bpf.c)
BPF_OBJECTS := $(addprefix $(BPF_OUT),$(BPF_SOURCES:.c=.o))
BPF_DEPENDS := $(foreach object,$(BPF_OBJECTS),$(dir $(object)).$(notdir $(object:.o=.d)))
BPF_HEADERS := $(GENERATED)/vmlinux.h $(GENERATED)/syscall_nr.h

.PHONY: bpf
bpf: $(BPF_OBJECTS) ## compile the BPF objects against the running kernel's types

$(BPF_OUT)%.bpf.o: %.bpf.c $(BPF_HEADERS) $(wildcard libbpf/libbpf_vendored.h) Makefile
	@echo "clang $@"
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@D)/.$(*F).bpf.d -c $< -o $@

# The tests need objects without BTF.
$(BPF_OUT)bpf/nobtf.bpf.o $(BPF_OUT)bpf/nobtf_extern.bpf.o: BPF_CFLAGS := $(filter-out -g,$(BPF_CFLAGS))

# And one of the other order of bytes than the kernel's.
$(BPF_OUT)bpf/other_order.bpf.o: BPF_CFLAGS := $(subst -target $(BPF_TARGET),-target \
	$(if $(filter s390x-%,$(MULTIARCH)),bpfel,bpfeb),$(BPF_CFLAGS))

-include $(BPF_DEPENDS)

$(GENERATED)/vmlinux.h: $(GENERATED)/kernel | bin/bpfgo $(if $(BPF_KERNEL),bin/vm)
ifdef BPF_KERNEL
	bin/vm run -k $(BPF_KERNEL) /bin/busybox cat /sys/kernel/btf/vmlinux >$@.btf
	bin/bpfgo btf dump --file $@.btf >$@.tmp
else
	bin/bpfgo btf dump >$@.tmp
endif
	@mv $@.tmp $@

# What the exporter and its tests load.
.PHONY: bpf-exporter
bpf-exporter: $(filter examples/exporter/%,$(BPF_OBJECTS))

# Says for which kernel vmlinux.h was made, and is new only when that is another one.
.PHONY: force
$(GENERATED)/kernel: force
	@mkdir -p $(@D)
	@$(if $(BPF_KERNEL),cat "$$(scripts/vm/kernels.sh $(BPF_KERNEL))/release",uname -srvm) >$@.tmp
	@cmp -s $@.tmp $@ || cp $@.tmp $@

$(GENERATED)/syscall_nr.h: scripts/gen_syscall_nr.sh
	@mkdir -p $(@D)
	CC="$(BPF_CC)" scripts/gen_syscall_nr.sh >$@

# The selftests are a user's module: what is generated there needs no more than a user has.
.PHONY: selftests
selftests: $(BPF_HEADERS) ## generate the code of the selftests
	cd selftests && CLANG="$(CLANG)" GOFLAGS=$(NOVCS) $(GO) generate ./...

# So are the examples.
.PHONY: examples
examples: $(BPF_HEADERS) ## generate the code of the examples
	cd examples && CLANG="$(CLANG)" GOFLAGS=$(NOVCS) $(GO) generate ./...

# For another architecture it is at the same places in bin/ARCH.
SELFTESTS := $(wildcard selftests/*/*.bpf.c)

.PHONY: selftests-elsewhere
selftests-elsewhere: $(BPF_HEADERS) bin/bpfgo
	@for source in $(SELFTESTS); do \
		mkdir -p $(BPF_OUT)$$(dirname $$source) && \
		CLANG="$(CLANG)" bin/bpfgo gen --target $(BPF_ARCH) -I$(GENERATED) --package main \
			--output $(BPF_OUT)$$(dirname $$source) $$source || exit; \
	done

.PHONY: bpf-arm64 bpf-s390x
bpf-arm64: ## compile the BPF objects, and generate code, for the kernels of an architecture in QEMU
	@$(MAKE) bpf selftests-elsewhere BPF_OUT=bin/arm64/ BPF_CC=aarch64-linux-gnu-gcc BPF_TARGET=bpfel BPF_ARCH=arm64 \
		BPF_KERNEL=7-arm64-16k
bpf-s390x: ## the same
	@$(MAKE) bpf selftests-elsewhere BPF_OUT=bin/s390x/ BPF_CC=s390x-linux-gnu-gcc BPF_TARGET=bpfeb BPF_ARCH=s390x \
		BPF_KERNEL=7-s390x

# At work

.PHONY: root
root:
	@[ "$$(id -u)" = 0 ] || { echo "make $(MAKECMDGOALS) loads BPF programs into the kernel: run it as root" >&2; exit 1; }

.PHONY: setup
setup: ## deps, vendor, build, bpf, selftests, examples: all that the demo and the tests need
	@$(MAKE) deps
	@$(MAKE) vendor
	@$(MAKE) build
	@$(MAKE) bpf selftests examples

.PHONY: demo
demo: root ## trace the system calls of a workload: a table of real numbers (as root)
	@$(MAKE) setup
	bin/bpfgo run bpf/syscalls.bpf.o --event events=slow_call --dump stats --sort total_ns:desc --top 20 -- \
		find /usr/share -xdev -newermt 2100-01-01

.PHONY: test
test: root ## set up and run all tests (as root; LIBBPF_GO_STRICT=1: each test, on some kernel)
	@$(MAKE) setup
	@$(MAKE) fmt-check test-vendor test-cgo test-site
	$(GO) vet ./...
	cd selftests && $(GO) vet ./...
	cd examples && $(GO) vet ./...
	@: >$(SKIPPED)
	LIBBPF_GO_SKIPPED=$(SKIPPED) $(GO) test -race $(TESTFLAGS) $$($(GO) list ./... | grep -v $(NOT_RACED:%=-e %))
	LIBBPF_GO_SKIPPED=$(SKIPPED) $(GO) test $(TESTFLAGS) ./...
	$(ASAN) ./libbpf ./typed ./internal/cmem ./internal/testutil/sanitize
	cd selftests && LIBBPF_GO_SKIPPED=$(SKIPPED) $(GO) test $(TESTFLAGS) ./...
	cd examples && LIBBPF_GO_SKIPPED=$(SKIPPED) $(GO) test $(TESTFLAGS) ./...
	cd examples/exporter && $(GO) test $(TESTFLAGS) $(EXPORTER_QUICK)
	@scripts/dist_test.sh
	@$(MAKE) test-vm-runner test-elsewhere

# Their tests build and run other programs, of which the race detector sees nothing.
NOT_RACED := /cmd/bpfgo-vendor$$ /internal/gen$$ /scripts/docs$$ /scripts/mutate$$

# Which tests the kernel of this machine refused, and why.
SKIPPED := $(CURDIR)/bin/skipped.json

# OpenTelemetry takes minutes to compile, and Prometheus is a large package: what needs them is in test-exporter.
EXPORTER_QUICK := $(addprefix ./internal/,bucket config decoder exporter prom serve series source)

.PHONY: test-exporter
test-exporter: root ## run the exporter with Prometheus, with a collector of OpenTelemetry, and with 10,000 series (as root)
	@$(MAKE) setup
	@scripts/install-deps.sh exporter
	cd examples/exporter && $(GO) vet ./... && $(GO) test $(TESTFLAGS) ./internal/...
	cd examples/exporter && $(GO) test $(TESTFLAGS) -v .

.PHONY: test-image
test-image: root ## build the images of deploy/Dockerfile without a daemon, and run them (slow, as root; IMAGE=bpfgo)
	@$(MAKE) deps
	@scripts/install-deps.sh image
	@scripts/image_test.sh $(IMAGE)

.PHONY: test-vendor
test-vendor: ## test what is said where nothing can be built
	@scripts/nobuild_test.sh

.PHONY: test-cgo
test-cgo: root ## build the examples as users do, against the libbpf that is linked here, and run them (as root)
	@scripts/cgo_test.sh
	@scripts/tool_test.sh

.PHONY: test-site
test-site: ## test that the links of all pages lead somewhere, as Markdown and as web pages
	cd scripts/site && $(GO) vet . && $(GO) test $(NOVCS) $(TESTFLAGS) .

# Other kernels

# Kernels by names of scripts/vm/kernels.txt, separated by commas; none: all.
KERNEL ?=
# Where "make test" runs what the host's kernel refused: on the first all, on the next what that lacks.
OTHER_KERNELS := 6.12,7
# The kernels of test-vm, and those of their architectures that this machine does not have.
VM_KERNELS = $(or $(KERNEL),$(shell scripts/vm/kernels.sh list))
OTHER_ARCHS = $(foreach arch,arm64 s390x,$(if $(findstring -$(arch),$(VM_KERNELS)),$(arch)))
# What runs under the race detector there too. All packages would take an hour.
RACE_KERNEL := 6.12-arm64
RACE_PACKAGES := ./internal/...,./typed

.PHONY: bin/vm
bin/vm:
	@mkdir -p bin
	@$(GO) build $(NOVCS) -o $@ ./scripts/vm

.PHONY: test-vm
test-vm: ## run all tests on other kernels in QEMU, and write docs/kernels.md (KERNEL=6.1: on that one)
	@$(MAKE) deps vendor
	@scripts/install-deps.sh vm
	@for arch in $(OTHER_ARCHS); do scripts/install-deps.sh $$arch || exit; done
	@$(MAKE) bin/vm
	@$(MAKE) bpf selftests examples $(addprefix bpf-,$(OTHER_ARCHS))
	bin/vm test $(if $(KERNEL),-k $(KERNEL),-page docs/kernels.md)
	$(if $(findstring $(RACE_KERNEL),$(VM_KERNELS)),bin/vm test -race -k $(RACE_KERNEL) -packages $(RACE_PACKAGES) \
		-logs bin/kernels/race)

# Where no QEMU or no kernel is to be had, that is said, and fails in CI only.
.PHONY: test-vm-runner
test-vm-runner:
	@if scripts/install-deps.sh vm && scripts/vm/kernels.sh 6.12 >/dev/null; then \
		scripts/vm_test.sh 6.12; \
	elif [ "$$LIBBPF_GO_STRICT" = 1 ]; then \
		exit 1; \
	else \
		echo "NOT TESTED: scripts/vm: no QEMU or no kernel"; \
	fi

.PHONY: test-elsewhere
test-elsewhere:
	@$(MAKE) bpf selftests examples bin/vm
	bin/vm test -k $(OTHER_KERNELS) -skipped $(SKIPPED)

# Those that selftests/privileges has results of, and how each is locked down. With UPDATE=yes the results are written.
PRIVILEGES_KERNELS := 5.10 6.1 6.12 7
PRIVILEGES_RUN := ../../bin/privileges.test -test.v -test.run '^(TestRefusals|TestMorePrivilegesAllowMore|TestMeasured)$$'

.PHONY: test-privileges
test-privileges: root ## measure in QEMU what processes with fewer privileges can do (UPDATE=yes: write docs/privileges.md)
	@$(MAKE) setup
	@scripts/install-deps.sh vm
	@$(MAKE) bin/vm
	cd selftests && $(GO) test $(NOVCS) -c -o ../bin/privileges.test ./privileges
	cd selftests/privileges && for kernel in $(or $(KERNEL),$(PRIVILEGES_KERNELS)); do \
		for mode in '' lockdown=integrity lockdown=confidentiality; do \
			../../bin/vm run -k $$kernel $(if $(UPDATE),-bring "$$PWD/testdata/$$kernel.txt") -append "$$mode" \
				$(PRIVILEGES_RUN) -disposable $(if $(UPDATE),-update) || exit; \
		done; \
	done
	cd selftests && $(GO) test $(NOVCS) $(TESTFLAGS) -v ./privileges $(if $(UPDATE),-update)

.PHONY: test-fresh
test-fresh: root ## run the README's commands in a bare Debian 12, with what is committed here (slow, as root)
	@scripts/fresh_test.sh

.PHONY: test-reproducible
test-reproducible: ## build bpfgo in two folders with nothing in common, and compare the bytes (slow)
	@$(MAKE) deps vendor
	@scripts/reproducible_test.sh

.PHONY: test-dist
test-dist: root ## build from a release in every way, in a bare Debian 12 without a network (slow, as root)
	@$(MAKE) vendor
	@scripts/dist_test.sh bare

.PHONY: test-build
test-build: ## build in every way: against each libbpf and none, static, for other architectures, with musl (slow)
	@$(MAKE) deps
	@$(MAKE) vendor
	@scripts/install-deps.sh cross
	@scripts/build_matrix.sh
	@$(MAKE) bpf examples
	cd examples && LIBBPF_GO_CROSS=yes $(GO) test $(TESTFLAGS) -run '^TestKillsnoopStatic$$' .
	@scripts/order_test.sh

# Left out are those of what x86-64 kernels take only from 64-bit programs (docs/32-bit.md), and those that attach to
# functions of the test binary, which Go links here without symbols.
.PHONY: test-386
test-386: root ## run the tests as a 32-bit program, on this kernel (as root)
	@$(MAKE) setup
	@scripts/install-deps.sh cross
	CC=i686-linux-gnu-gcc GOARCH=386 CGO_ENABLED=1 $(GO) test $(NOVCS) $(TESTFLAGS) -short \
		-ldflags '-linkmode external -extldflags -static' \
		-skip 'USDT|Uprobe|racepoint|Kprobe|Tracing|Cookies|(TCX|Netkit|Cgroup)Order|LinkConformance|AttachCgroup$$|QueryTaskFD|WithoutTracefs|^TestGo$$' \
		. ./btf/... ./ctypes ./libbpf ./skeleton ./typed ./internal/...

# Not undefined for who compiles it: libelf reads structs where they are if the CPU can (ALLOW_UNALIGNED), and libbpf
# shifts a bit into an int's sign, where gcc and clang have it.
UNDEFINED := -fsanitize=undefined -fno-sanitize=alignment,shift-base -fno-sanitize-recover=undefined
ASAN = CGO_CFLAGS="-O2 -g $(UNDEFINED)" CGO_LDFLAGS=-lubsan $(GO) test -asan $(TESTFLAGS)
ASAN_PACKAGES := . ./typed ./skeleton ./libbpf ./btf/... ./ctypes ./internal/... ./cmd/bpfgo/...
# gcc has no MemorySanitizer, and that of older clangs does not know what fstat writes.
MSAN = CC=clang-19 CGO_CFLAGS="-O2 -g -Wno-deprecated-non-prototype" $(GO) test -msan $(TESTFLAGS)
MSAN_PACKAGES := . ./typed ./skeleton ./libbpf ./btf ./internal/cmem ./internal/testutil/sanitize

.PHONY: test-sanitizers
test-sanitizers: root ## run the tests under Address-, Leak-, UndefinedBehavior- and MemorySanitizer (slow, as root)
	@$(MAKE) setup
	@scripts/install-deps.sh sanitizers
	$(ASAN) $(ASAN_PACKAGES)
	$(MSAN) $(MSAN_PACKAGES)

.PHONY: test-interop
test-interop: root ## share objects between Go and C under AddressSanitizer (slow)
	@$(MAKE) setup
	@mkdir -p bin
	cd selftests && $(GO) build $(NOVCS) -asan -o ../bin/interop-asan ./interop
	bin/interop-asan

RACES ?= 20

# cgocheck2 looks at pointers that Go hands to C, checkptr at unsafe ones; libc overwrites what is freed.
.PHONY: test-races
test-races: root ## run each method at the same time as each other and Close, as often as RACES says (slow, as root)
	@$(MAKE) setup
	LIBBPF_GO_RACES=$(RACES) GOGC=1 GOEXPERIMENT=cgocheck2 GLIBC_TUNABLES=glibc.malloc.perturb=165 \
		$(GO) test -race -gcflags=all=-d=checkptr $(TESTFLAGS) -timeout 0 -v -run '^TestRaces$$' . ./btf ./typed ./skeleton

SOAK ?= 1h

.PHONY: soak
soak: root ## keep everything busy at once, account for each record, and see that nothing grows (SOAK=1h)
	@$(MAKE) setup
	@$(MAKE) bin/soak
	nice -n 19 bin/soak -time $(SOAK)

.PHONY: soak-hotplug
soak-hotplug: root ## the same in QEMU, while CPUs go offline and come back (SOAK=1h KERNEL=6.12)
	@$(MAKE) setup
	@scripts/install-deps.sh vm
	@$(MAKE) bin/soak bin/vm
	nice -n 19 bin/vm run -k $(or $(KERNEL),6.12) -cpus 4 -limit 48h bin/soak -time $(SOAK) -hotplug

.PHONY: bin/soak
bin/soak:
	@mkdir -p bin
	@cd selftests && $(GO) build $(NOVCS) -o ../$@ ./soak

# Packages or files of scripts/mutate/targets.txt; none: all.
MUTATE ?=

.PHONY: mutate
mutate: root ## change the code in one place after the other, and see that a test fails (slow; MUTATE=internal/ring)
	@$(MAKE) setup
	nice -n 19 $(GO) run $(NOVCS) ./scripts/mutate $(MUTATE)

# Which cycles; on another kernel those of the hooks that a machine's own kernel may refuse, but kprobe.multi by a pattern,
# which takes a minute for each point there.
FAULTS ?= $(if $(KERNEL),^attach_(kprobe(-.*|.multi|.session)?|ksyscall|f.*|lsm|netkit)$$)

# The symbols tell who asked for the memory that there was not.
.PHONY: test-faults
test-faults: root ## let each system call and allocation of the library's work fail, in Go and in C (slow, as root; KERNEL=6.12)
	@$(MAKE) setup
	@$(if $(KERNEL),scripts/install-deps.sh vm && $(MAKE) bin/vm)
	LIBBPF_GO_FAULTS=all $(GO) test $(TESTFLAGS) -ldflags=-s=false -v -timeout 0 -run '^TestFaults(InC)?$$/$(FAULTS)' \
		$(if $(KERNEL),-exec '$(CURDIR)/bin/vm run -k $(KERNEL) -limit 10h') .

FUZZTIME ?= 60s

.PHONY: fuzz
fuzz: ## look for damaged objects, BTF, buffers and values that bring anything down (FUZZTIME=60s each)
	@$(MAKE) setup
	@for target in $$(grep -r --include='*_test.go' -o '^func Fuzz[A-Za-z0-9_]*' . | sed 's|/[^/]*:func |:|' | sort); do \
		$(GO) test -run '^$$' -fuzz "^$${target#*:}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x "$${target%:*}" || exit; \
	done

FUZZCOUNT ?= 1000000

.PHONY: fuzz-long
fuzz-long: root ## mutate the seeds of all fuzz targets in plain loops (as root; FUZZCOUNT=times FUZZTARGETS=names FUZZFLAGS=-asan FUZZKEEP=yes)
	@$(MAKE) setup
	@FUZZFLAGS='$(FUZZFLAGS)' FUZZKEEP=$(FUZZKEEP) GO='$(GO)' scripts/fuzz_long.sh $(FUZZCOUNT) $(FUZZTARGETS)

.PHONY: bench-generated
bench-generated: bin/bpfgo ## compile and generate what the code of bench needs
	@$(MAKE) $(BENCH_OBJECTS)
	@bin/bpfgo gen --package globals --output bench/globals bench/globals/globals.bpf.o
	@bin/bpfgo gen --package main --record events='struct event' -Ibpf/generated \
		--output bench/first/ours bench/first/first.bpf.c
	@cp bench/first/ours/first_bpf.o bench/first/cilium/first_bpf.o

# What users of C write, Go's package libbpf without Go.
BENCH_CFLAGS := -O2 -w -std=gnu11 -fvisibility=hidden -D_LARGEFILE64_SOURCE -D_FILE_OFFSET_BITS=64 -Ilibbpf \
	$(addprefix -Ilibbpf/upstream/,libbpf/src libbpf/include libbpf/include/uapi libelf zlib api)

bin/first/c: bench/first/c/first.c bench/first/ours/first_bpf.o $(wildcard libbpf/*.c libbpf/*.h)
	@mkdir -p bin/first
	$(CC) $(BENCH_CFLAGS) -DOBJECT='"$(CURDIR)/bench/first/ours/first_bpf.o"' -o $@ $< $(wildcard libbpf/c_*.c) libbpf/vendor.c

.PHONY: bench-tools
bench-tools: bin/first/c ## build the tools whose first record bench waits for
	@cd bench && $(GO) build $(NOVCS) -o ../bin/first/ ./first/... github.com/cilium/ebpf/cmd/bpf2go

BENCH_OBJECTS := $(patsubst %.c,%.o,$(wildcard bench/*/*.bpf.c))

.PHONY: bench
bench: root ## measure side by side with C's libbpf, cilium/ebpf and libbpfgo (as root; BENCHFLAGS=-help BENCHBUILDS=yes)
	@$(MAKE) setup
	@scripts/install-deps.sh bench
	@$(MAKE) bench-generated
	@$(MAKE) bench-tools
	@# libbpfgo brings no libbpf and no way to its headers: it uses ours.
	cd bench && CGO_CFLAGS="-O2 -g -I$(CURDIR)/libbpf/upstream/api" $(GO) build $(NOVCS) -o ../bin/bench .
	cd bench && ../bin/bench $(if $(BENCHBUILDS),-builds) $(BENCHFLAGS)

.PHONY: bench-docs
bench-docs: ## measure, and write bench/results.json, docs/benchmarks.md and its charts (as root)
	@$(MAKE) bench BENCHFLAGS='-json results.json $(BENCHFLAGS)'
	@$(MAKE) bench BENCHFLAGS='-json results.json -docs ../docs'

.PHONY: bench-check
bench-check: ## measure, and say which ratios are worse than in bench/results.json (as root)
	@$(MAKE) bench BENCHFLAGS='-json ../bin/bench.json $(BENCHFLAGS)'
	@$(MAKE) bench BENCHFLAGS='-json ../bin/bench.json -check results.json'

# Releases

.PHONY: dist
dist: ## write a release of HEAD with the vendored sources, a module proxy, to dist (VERSION=v0.1.0 TAG=yes: and tag it)
	@GOOS= GOARCH= CGO_ENABLED=0 $(GO) -C scripts/dist run $(NOVCS) . -o '$(CURDIR)/dist' \
		$(if $(VERSION),-version '$(VERSION)') $(if $(TAG),-tag)

# The source

.PHONY: release-check
release-check: ## say whether HEAD can be released (VERSION=v0.1.0): number, changelog, API, and what belongs to it
	@scripts/release_check.sh '$(or $(VERSION),$(error VERSION is not set: make release-check VERSION=v0.1.0))'
	@$(MAKE) check man site test-site
	$(GO) test $(TESTFLAGS) ./scripts/docs ./cmd/bpfgo/internal/commands
	@scripts/dist_test.sh

.PHONY: test-release
test-release: ## test release-check in a clone that has a release
	@scripts/release_check_test.sh

.PHONY: vet
vet: ## go vet
	@$(MAKE) setup
	$(GO) vet ./...
	cd selftests && $(GO) vet ./...
	cd examples && $(GO) vet ./...

# Go's own, which need not be on the path.
GOFMT = "$$($(GO) env GOROOT)/bin/gofmt"

.PHONY: fmt
fmt: ## gofmt
	$(GOFMT) -l -w .

.PHONY: fmt-check
fmt-check:
	@out=$$($(GOFMT) -l .) || exit; [ -z "$$out" ] || { printf 'not as gofmt has it:\n%s\n' "$$out" >&2; exit 1; }

.PHONY: check
check: ## look for known vulnerabilities, and suspicious Go, shell and C; write bin/bpfgo.cdx.json
	@$(MAKE) setup
	@scripts/install-deps.sh check
	@$(MAKE) sbom
	@scripts/check.sh

.PHONY: clean
clean: ## remove what was built, but not the vendored libbpf
	rm -rf bin bpf/generated $(BPF_OBJECTS) $(BPF_DEPENDS) $(wildcard selftests/*/*_bpf.* examples/*/*_bpf.*) selftests/interop/libbpf_flags.go examples/syslat/names.go
