#!/usr/bin/env bash
# Builds a program against a vendored tree in the ways that Go and C compilers have: from a module of its own, for other
# architectures, with musl. build_matrix.sh runs it in a copy of the tree. No library of the system may be needed.
#
#   build_ways.sh VENDOR   VENDOR is a built bpfgo-vendor
set -euo pipefail
export LC_ALL=C
unset C_INCLUDE_PATH LIBRARY_PATH LD_LIBRARY_PATH CC
export GOFLAGS=-buildvcs=false

vendor=$1
cd "$(dirname "$0")/.."
root=$PWD
library=github.com/libbpf-go/libbpf-go
version=$(sed -n 's/.*LIBBPF_GO_VENDORED "\(.*\)"/\1/p' libbpf/libbpf_vendored.h)
tmp=$(realpath "$(mktemp -d)")
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT

fail() {
	printf 'build_ways: FAIL: %s\n' "$*" >&2
	[ ! -s "$tmp/out" ] || sed 's/^/    /' "$tmp/out" >&2
	exit 1
}

# The user's module. Its C code has functions with names of libelf and zlib, as if it had its own copy of them.
mkdir "$tmp/app" "$tmp/app/own"
cd "$tmp/app"
cat >go.mod <<END
module example.org/app

go 1.25

require $library v0.0.0

replace $library => $root
END
grep '^golang.org/x/sys' "$root/go.sum" >go.sum
sed -n 's/^\tgolang.org/require golang.org/p; /^require golang.org/p' "$root/go.mod" | sed 's/ *\/\/.*//' >>go.mod
cat >main.go <<'END'
package main

import (
	"C"
	"fmt"

	libbpf "github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"

	"example.org/app/own"
)

//export Report
func Report() *C.char {
	_, err := btf.ParseRaw(nil)
	return C.CString(fmt.Sprint(libbpf.Version(), " ", err != nil, " ", own.Own()))
}

func main() { fmt.Println(C.GoString(Report())) }
END
cat >own/own.go <<'END'
package own

// int elf_begin(void) { return 40; }
// int inflate(void) { return 2; }
import "C"

func Own() int { return int(C.elf_begin() + C.inflate()) }
END
want="$version (vendored) true 42"

# prints PROGRAM [ARGUMENT...]: the program prints what it should.
prints() {
	"$@" >"$tmp/out" 2>&1 || fail "$what: $1 does not run"
	[ "$(cat "$tmp/out")" = "$want" ] || fail "$what: want $want"
}

# builds WHAT [VARIABLE=VALUE...] [FLAG...]: the module builds.
builds() {
	what=$1
	shift
	local environment=()
	while [[ ${1:-} = [A-Z]*=* ]]; do
		environment+=("$1")
		shift
	done
	rm -f "$tmp/program"
	env "${environment[@]}" go build -o "$tmp/program" "$@" . >"$tmp/out" 2>&1 || fail "$what"
}

runs() {
	builds "$@"
	prints "$tmp/program"
	echo "ok: $what"
}

# is MACHINE: the program is for this machine.
is() {
	readelf -h "$tmp/program" | grep -q "Machine:.*$1" || fail "$what: it is for another machine"
	echo "ok: $what"
}

# hidden FILE: none of the names that others may use is a global symbol of libelf or zlib, and no name of the three
# libraries is exported.
hidden() {
	nm "$1" | awk '$2 ~ /[TDBRW]/ { print $3 }' | grep -E '^_*[a-z]' | sort -u >"$tmp/names"
	cat "$root"/libbpf/upstream/libelf/{libelf,gelf,libelfP}.h "$root"/libbpf/upstream/zlib/{zlib,zutil,inftrees,inffast}.h |
		grep -oE '\<[a-z_0-9]+ ?(OF\(|\()' | sed -E 's/ ?(OF)?\($//' | sort -u >"$tmp/declared"
	comm -12 "$tmp/names" "$tmp/declared" | grep -vxE 'elf_begin|inflate|z_.*' >"$tmp/out" &&
		fail "$what: names of libelf or zlib without a prefix"
	[ "$(nm "$1" | grep -c ' libbpf_go_elf_\| z_inflate')" -gt 10 ] || fail "$what: no names to check"
	readelf --dyn-syms -W "$1" | awk '$7 != "UND" { print $8 }' |
		grep -E '^(bpf_|btf_|libbpf_|ring_buffer__|perf_buffer__|z_)' >"$tmp/out" && fail "$what: it exports libbpf's names"
	: >"$tmp/out"
}

go mod tidy >"$tmp/out" 2>&1 || fail "go mod tidy"
runs "replace"
hidden "$tmp/program"
runs "-trimpath" -trimpath
runs "-race" -race
runs "pie" -buildmode=pie
runs "clang" CC=clang
runs "stripped" -ldflags '-s -w'

what="c-shared"
go build -buildmode=c-shared -o libapp.so . >"$tmp/out" 2>&1 || fail "$what"
hidden libapp.so
printf '#include <stdio.h>\n#include "libapp.h"\nint main(void) { puts(Report()); }\n' >"$tmp/host.c"
cc -I. -o "$tmp/host" "$tmp/host.c" -L. -lapp -Wl,-rpath,"$PWD" >"$tmp/out" 2>&1 || fail "$what: the host"
prints "$tmp/host"
echo "ok: $what"
what="c-archive"
go build -buildmode=c-archive -o libapp.a . >"$tmp/out" 2>&1 || fail "$what"
rm libapp.so
cc -I. -o "$tmp/host" "$tmp/host.c" -L. -lapp -lpthread -lresolv >"$tmp/out" 2>&1 || fail "$what: the host"
prints "$tmp/host"
cc -static -I. -o "$tmp/host" "$tmp/host.c" -L. -lapp >"$tmp/out" 2>&1 || fail "$what: the static host"
prints "$tmp/host"
echo "ok: $what"

mkdir both
printf 'go 1.25.0\n\nuse (\n\t..\n\t%s\n)\n' "$root" >both/go.work
runs "workspace" GOWORK="$PWD/both/go.work"

# The vendor folder, with the tree gone. It is whole, and the licences are in it.
what="go mod vendor"
go mod vendor >"$tmp/out" 2>&1 || fail "$what"
mv "$root" "$root.gone"
runs "go mod vendor" -mod=vendor -trimpath
mv "$root.gone" "$root"
(cd vendor/$library/libbpf/upstream && sha256sum --check --quiet SHA256SUMS) >"$tmp/out" 2>&1 || fail "$what: the sources"
for licence in LICENSE libbpf/upstream/libbpf/LICENSE.BSD-2-Clause libbpf/upstream/libelf/COPYING-LGPLV3 \
	libbpf/upstream/zlib/LICENSE; do
	[ -s vendor/$library/$licence ] || fail "$what: no $licence"
done
rm -r vendor

# Two trees of different states, with one build cache and without paths in it.
cp -R "$root" "$tmp/other"
(cd "$tmp/other" && "$vendor" -remove) >"$tmp/out" 2>&1 || fail "bpfgo-vendor -remove"
(cd "$tmp/other" && go build -trimpath ./btf) >"$tmp/out" 2>&1 || true
runs "beside a tree without libbpf, one cache" -trimpath
mv "$root" "$root.gone"
mv "$tmp/other" "$root"
! go build -trimpath -o "$tmp/program" . >"$tmp/out" 2>&1 && grep -q 'bpfgo-vendor\|make vendor' "$tmp/out" ||
	grep -q '(system)' <("$tmp/program" 2>&1) || fail "the tree without libbpf, in the same place"
rm -r "$root"
mv "$root.gone" "$root"
runs "with it again" -trimpath

# Other architectures, with nothing but their compilers.
for cross in arm64:aarch64-linux-gnu-gcc:AArch64 s390x:s390x-linux-gnu-gcc:S/390 \
	386:i686-linux-gnu-gcc:80386 arm:arm-linux-gnueabihf-gcc:ARM; do
	IFS=: read -r arch cc machine <<<"$cross"
	! echo 'int main(void) { return 0; }' | $cc -o "$tmp/host" -x c - -lelf >/dev/null 2>&1 ||
		fail "$cc has a libelf, this shows nothing"
	builds "$arch" GOARCH="$arch" CC="$cc" CGO_ENABLED=1
	is "$machine"
	builds "$arch, static" GOARCH="$arch" CC="$cc" CGO_ENABLED=1 -ldflags '-extldflags "-static"'
	is "$machine"
done

# musl's compiler does not look where the kernel's headers are.
kernel="-idirafter /usr/include -idirafter /usr/include/$(gcc -print-multiarch)"
runs "musl" CC=musl-gcc CGO_CFLAGS="$kernel" -ldflags '-extldflags "-static"'
! readelf -d "$tmp/program" | grep -q NEEDED || fail "$what: it is not static"
echo "build_ways: ok"
