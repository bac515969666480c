#!/usr/bin/env bash
# Builds a copy of the tree in each supported way, one after the other with the same build cache, and runs a program
# that prints its libbpf. The ways are: vendored (all pinned versions), the system's, none, incompletely vendored; linked
# dynamically and statically; with other compilers, for other architectures, with musl; in all ways that Go builds. It
# takes minutes. Without libbpf-dev it needs the archive of this machine's apt.
set -euo pipefail
export LC_ALL=C
unset LIBBPF_VERSION CGO_CFLAGS CGO_LDFLAGS C_INCLUDE_PATH LIBRARY_PATH LD_LIBRARY_PATH
unset GOOS GOARCH GOFLAGS GOWORK CC

cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mkdir "$tmp/w" "$tmp/system"
tar -c --exclude=./.git --exclude=./bin --exclude=./bench --exclude=./libbpf/upstream --exclude='./libbpf/.staging.*' \
	--exclude=libbpf_vendored.h . | tar -x -C "$tmp/w"
cd "$tmp/w"
mkdir probe
cat >probe/main.go <<'END'
package main

import (
	"fmt"

	libbpf "github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
)

func main() {
	_, err := btf.ParseRaw(nil)
	fmt.Println(libbpf.Version(), err != nil)
}
END

fail() {
	printf 'build_matrix: FAIL: %s\n' "$*" >&2
	[ ! -s "$tmp/out" ] || sed 's/^/    /' "$tmp/out" >&2
	exit 1
}

# builds WHAT WANT [FLAGS...]: everything builds, and the probe prints WANT.
builds() {
	local what=$1 want=$2
	shift 2
	go build -buildvcs=false ./... >"$tmp/out" 2>&1 || fail "$what"
	go build -buildvcs=false -o "$tmp/probe" "$@" ./probe >"$tmp/out" 2>&1 || fail "$what: probe"
	"$tmp/probe" >"$tmp/out" 2>&1 || fail "$what: the probe does not run"
	[ "$(cat "$tmp/out")" = "$want true" ] || fail "$what: want $want"
	echo "ok: $what: $want"
}

# fails WHAT TEXT...: the build fails, and the error has each TEXT.
fails() {
	local what=$1
	shift
	rm -f "$tmp/probe"
	! go build -buildvcs=false -o "$tmp/probe" ./probe >"$tmp/out" 2>&1 || fail "$what: it builds"
	for text in "$@"; do
		grep -q -e "$text" "$tmp/out" || fail "$what: the error does not say: $text"
	done
	echo "ok: $what: $(grep -m 1 -e "$1" "$tmp/out" | cut -c1-150)"
}

# interop [ARGUMENT]: a user's module builds its own C code against this tree.
interop() {
	scripts/cgo_test.sh "$@" >"$tmp/out" 2>&1 || fail "cgo_test.sh $*"
	sed -n '/^ok/p' "$tmp/out"
}

# needed: prints the shared libraries that the probe needs.
needed() { readelf -d "$tmp/probe" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | tr '\n' ' '; }

# vendor [ARGUMENT...]: runs bpfgo-vendor. Tarballs that were downloaded are kept for the next time.
vendor() { "$tmp/vendor" "$@" >"$tmp/out" 2>&1 || fail "bpfgo-vendor $*"; }

# pinned LIBRARY N: prints the Nth pinned version.
pinned() { awk -v library="$1" '$1 == library { print $2 }' libbpf/upstream.lock | sed -n "$2p"; }

static=(-ldflags '-extldflags "-static"')
first=$(pinned libbpf 1)
second=$(pinned libbpf 2)
CGO_ENABLED=0 go build -buildvcs=false -o "$tmp/vendor" ./cmd/bpfgo-vendor

# The system's libbpf. Debian 12 has the oldest that is supported. If it is not installed, take it from its package.
system=
if echo '#include <bpf/libbpf.h>' | ${CC:-cc} -E -x c - >/dev/null 2>&1; then
	system=installed
else
	fails "neither vendored nor installed" "cmd/bpfgo-vendor" "make vendor" 'apt-get install libbpf-dev'
	if (cd "$tmp/system" && apt-get -o APT::Sandbox::User=root download libbpf-dev libbpf1 libelf-dev libelf1 zlib1g-dev \
		zlib1g) >"$tmp/out" 2>&1; then
		for deb in "$tmp"/system/*.deb; do dpkg -x "$deb" "$tmp/system"; done
		lib=$(dirname "$(find "$tmp/system" -name libbpf.a)")
		export C_INCLUDE_PATH=$tmp/system/usr/include LIBRARY_PATH=$lib LD_LIBRARY_PATH=$lib
		system=unpacked
	else
		echo "skipped: the system's libbpf: no package is available"
	fi
fi
if [ -n "$system" ]; then
	version=$(printf '#include <bpf/libbpf_version.h>\nLIBBPF_MAJOR_VERSION LIBBPF_MINOR_VERSION\n' |
		${CC:-cc} -E -P -x c - | tr ' ' .)
	builds "system" "$version (system)"
	[[ $(needed) = *libbpf* ]] || fail "system: libbpf is not linked"
	builds "system, static" "$version (system)" "${static[@]}"
	interop
fi

vendor -libbpf "$first"
builds "vendored" "$first (vendored)"
[[ $(needed) != *libbpf* && $(needed) != *libelf* && $(needed) != *libz* ]] || fail "vendored: it needs $(needed)"
builds "vendored, static" "$first (vendored)" "${static[@]}"
[ -z "$(needed)" ] || fail "vendored, static: it needs $(needed)"
builds "vendored, for a debugger" "$first (vendored)" -tags libbpf_debug
interop go-mod-vendor
CC=clang interop
if [ -n "$system" ]; then
	builds "the system's, beside the vendored one" "$version (system)" -tags libbpf_system
	[[ $(needed) = *libbpf* ]] || fail "libbpf_system: libbpf is not linked"
fi
scripts/build_ways.sh "$tmp/vendor" || fail "build_ways.sh"

# Incompletely vendored, with Go's cache filled for both states: killed after, before and between the markers.
echo 'INPUT("make vendor")' >libbpf/upstream/lib/libbpf_go.a
touch libbpf/upstream/interrupted.h
fails "half: all markers" 'make vendor'
rm btf/libbpf_vendored.h
fails "half: a marker is missing" 'make vendor'
rm libbpf/libbpf_vendored.h libbpf_vendored.h
fails "half: no markers" 'make vendor'
vendor
builds "mended" "$first (vendored)"

# Files that somebody removed. Go may have a package in its cache that was built for the system's libbpf; it must not be
# linked with the vendored one.
for dir in . btf libbpf; do
	rm $dir/libbpf_vendored.h
	fails "no marker in $dir" "libbpf_go_\|make vendor"
	vendor
done

vendor -libbpf "$second"
builds "the second version" "$second (vendored)"
builds "the second version, static" "$second (vendored)" "${static[@]}"
vendor -libbpf "$first"
builds "back to the first" "$first (vendored)"
for library in libelf zlib; do
	sed -i "/^$library *$(pinned $library 1 | sed 's/\./\\./g') /d" libbpf/upstream.lock
done
vendor
builds "with libelf $(pinned libelf 1) and zlib $(pinned zlib 1)" "$first (vendored)"
builds "the same, static" "$first (vendored)" "${static[@]}"

vendor -remove
if [ -n "$system" ]; then
	builds "back to the system's" "$version (system)"
fi
if [ "$system" != installed ]; then
	unset C_INCLUDE_PATH LIBRARY_PATH LD_LIBRARY_PATH
	fails "neither, with all in the cache" 'cannot find -lbpf\|libbpf-dev'
fi
echo "build_matrix: ok"
