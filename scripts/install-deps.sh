#!/bin/sh
# Makes sure that all tools and libraries for building and testing are there. On Debian and Ubuntu, as root, it installs
# what is missing; elsewhere it names it. It looks for files and programs, not for packages. When nothing is missing, it
# prints nothing and needs no network.
#
#   install-deps.sh          what the build and the tests need
#   install-deps.sh bench    what "make bench" also needs, for another library
#   install-deps.sh check    what "make check" also needs
#   install-deps.sh cross    the compilers for other architectures and musl that "make test-build" uses
#   install-deps.sh exporter what "make test-exporter" also needs
#   install-deps.sh image    what "make test-image" also needs
#   install-deps.sh sanitizers  what "make test-sanitizers" also needs
#   install-deps.sh vm       what scripts/vm also needs, to boot other kernels
#   install-deps.sh arm64    what scripts/vm also needs for kernels of that architecture
#   install-deps.sh s390x    the same
set -eu
export LC_ALL=C
cc=${CC:-cc}
clang=${CLANG:-clang}

has_header() { echo "#include <$1>" | $cc -E -x c - >/dev/null 2>&1; }

# clang 14 is the first version that keeps BTF type and declaration tags.
has_clang() {
	major=$(echo __clang_major__ | "$clang" -E -P -x c - 2>/dev/null) && [ "$major" -ge 14 ] 2>/dev/null &&
		echo 'int x;' | "$clang" -target bpf -c -o /dev/null -x c - 2>/dev/null
}

# cross ARCH TRIPLET: the same as missing, for a compiler for another architecture.
cross() {
	command -v "$2-gcc" >/dev/null || echo "gcc-$2 a C compiler for $1 ($2-gcc)"
	for header in "stdlib.h libc6-dev" "asm/unistd.h linux-libc-dev"; do
		echo "#include <${header% *}>" | "$2-gcc" -E -x c - >/dev/null 2>&1 ||
			echo "${header#* }-$1-cross headers for $1 (${header% *})"
	done
}

# missing: prints a line for each missing thing, the Debian package first.
missing() {
	case $1 in
	bench)
		has_header gelf.h || echo "libelf-dev libelf, which libbpfgo links (gelf.h)"
		has_header zlib.h || echo "zlib1g-dev zlib, which libbpfgo links (zlib.h)"
		return
		;;
	check)
		command -v shellcheck >/dev/null || echo "shellcheck a linter for shell scripts (shellcheck)"
		command -v clang-format >/dev/null || echo "clang-format clang's formatter (clang-format)"
		return
		;;
	cross)
		cross arm64 aarch64-linux-gnu
		cross s390x s390x-linux-gnu
		cross i386 i686-linux-gnu
		cross armhf arm-linux-gnueabihf
		command -v musl-gcc >/dev/null || echo "musl-tools a C compiler for musl (musl-gcc)"
		return
		;;
	exporter)
		command -v prometheus >/dev/null || echo "prometheus Prometheus (prometheus)"
		return
		;;
	image)
		command -v buildah >/dev/null || echo "buildah a builder of images (buildah)"
		command -v runc >/dev/null || echo "runc a runtime of containers (runc)"
		command -v debootstrap >/dev/null || echo "debootstrap Debian for a folder (debootstrap)"
		return
		;;
	sanitizers)
		command -v clang-19 >/dev/null || echo "clang-19 a clang whose MemorySanitizer knows the C library (clang-19)"
		echo 'int main(void) { return 0; }' | clang-19 -fsanitize=memory -o /dev/null -x c - 2>/dev/null ||
			echo "libclang-rt-19-dev clang's MemorySanitizer"
		return
		;;
	arm64)
		command -v qemu-system-aarch64 >/dev/null || echo "qemu-system-arm QEMU for arm64 (qemu-system-aarch64)"
		cross arm64 aarch64-linux-gnu
		return
		;;
	s390x)
		# Newer Debians have a package of its own for it.
		package=qemu-system-s390x
		[ -n "$(apt-cache madison $package 2>/dev/null)" ] || package=qemu-system-misc
		command -v qemu-system-s390x >/dev/null || echo "$package QEMU for s390x (qemu-system-s390x)"
		cross s390x s390x-linux-gnu
		return
		;;
	vm)
		command -v qemu-system-x86_64 >/dev/null || echo "qemu-system-x86 QEMU for x86-64 (qemu-system-x86_64)"
		busybox --list 2>/dev/null | grep -qx insmod && ! ldd "$(command -v busybox)" >/dev/null 2>&1 ||
			echo "busybox-static a busybox that is static and has insmod"
		command -v modprobe >/dev/null || echo "kmod modprobe and depmod"
		command -v xz >/dev/null || echo "xz-utils xz"
		command -v flock >/dev/null || echo "util-linux flock"
		return
		;;
	esac
	command -v git >/dev/null || echo "git git"
	command -v make >/dev/null || echo "make make"
	if command -v "$cc" >/dev/null; then
		has_header stdlib.h || echo "libc6-dev the C library's headers"
		has_header asm/unistd.h || echo "linux-libc-dev the kernel's headers for programs (asm/unistd.h)"
	else
		echo "gcc a C compiler ($cc)"
		echo "libc6-dev the C library's headers"
	fi
	has_clang || echo "clang clang 14 or newer with its BPF target ($clang)"
}

report() {
	echo "deps: missing here, with the names of the Debian packages:" >&2
	echo "$1" | while read -r package what; do
		printf '  %-16s %s\n' "$package" "$what" >&2
	done
}

if ! command -v go >/dev/null; then
	echo "deps: Go is missing, $(sed -n 's/^go //p' "$(dirname "$0")/../go.mod") or newer: https://go.dev/dl/" >&2
	exit 1
fi
list=$(missing "${1:-build}")
[ -n "$list" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	report "$list"
	[ "$(id -u)" = 0 ] || ! command -v apt-get >/dev/null || echo "deps: as root, \"make deps\" installs them" >&2
	exit 1
fi

packages=$(echo "$list" | cut -d' ' -f1 | tr '\n' ' ')
echo "deps: installing $packages"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # a list of words
if ! { apt-get -o DPkg::Lock::Timeout=120 update &&
	apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $packages; } >"$log" 2>&1 </dev/null; then
	tail -n 20 "$log" >&2
	echo "deps: apt-get could not install $packages" >&2
	exit 1
fi
list=$(missing "${1:-build}")
if [ -n "$list" ]; then
	report "$list"
	exit 1
fi
