#!/usr/bin/env bash
# Uses a release in a module of its own, as its users do, with nothing but Go, a C compiler and the proxy that "make
# dist" wrote. It makes no use of a network, of a module cache that was there, or of a library of the system.
#
#   dist_uses.sh PROXY VERSION          in every way that Go builds
#   dist_uses.sh PROXY VERSION FOLDER   builds one program in a new FOLDER. If the FOLDER of the next run has the same
#                                       name, Go's cache has what this run compiled.
set -euo pipefail
export LC_ALL=C
proxy=$1
version=$2
library=github.com/libbpf-go/libbpf-go
unset CGO_CFLAGS CGO_LDFLAGS GOWORK GONOPROXY GOPRIVATE
# The checksum database does not know the release, and without a network nobody can ask it about other modules.
export GOPROXY=file://$proxy GOSUMDB=off GOFLAGS=-buildvcs=false GOTOOLCHAIN=local

tmp=${3:-$(mktemp -d)}
mkdir -p "$tmp"
tmp=$(realpath "$tmp")
trap 'GOFLAGS="" go clean -modcache; rm -rf "$tmp"' EXIT
export GOMODCACHE=$tmp/modules GOBIN=$tmp/bin
mkdir "$tmp/app"
cd "$tmp/app"

fail() {
	printf 'dist_uses: FAIL: %s\n' "$*" >&2
	[ ! -s "$tmp/out" ] || sed 's/^/    /' "$tmp/out" >&2
	exit 1
}

# does WHAT COMMAND...: the command succeeds.
does() {
	local what=$1
	shift
	"$@" >"$tmp/out" 2>&1 || fail "$what"
}

# says WHAT PROGRAM...: the program says that it has the vendored libbpf, and it needs no library but the C library.
says() {
	local what=$1 needed
	shift
	"$@" >"$tmp/out" 2>&1 || fail "$what: it does not run"
	grep -q '1\.7\.0 (vendored)' "$tmp/out" || fail "$what: the libbpf"
	needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
	[ -z "$needed" ] || ! grep -vqxE "lib(c|m|pthread|dl|resolv)\.so\.[0-9]|libapp\.so|ld-.*" <<<"$needed" || fail "$what: it needs $needed"
	echo "ok: $what"
}

cat >main.go <<'GO'
package main

import (
	"errors"
	"fmt"
	"os"

	libbpf "github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
)

func main() {
	if _, err := btf.ParseRaw(nil); err == nil {
		fmt.Println("no error")
	}
	if _, err := libbpf.OpenFile("nothing.bpf.o"); !errors.Is(err, os.ErrNotExist) {
		fmt.Println(err)
	}
	fmt.Println(libbpf.Version())
}
GO
does "go mod init" go mod init example.org/app
does "go get" go get "$library"
grep -qF "$library $version" go.mod || fail "go get: $(cat go.mod)"
if [ -n "${3:-}" ]; then
	# Without Go's index of modules, which takes it that a version in a folder has always the same files.
	does "go build" env GODEBUG=goindex=0 go build -o app .
	says "go get, go build" ./app
	exit
fi

for header in bpf/libbpf.h libelf.h gelf.h zlib.h; do
	! echo "#include <$header>" | ${CC:-cc} -E -x c - >/dev/null 2>&1 || fail "this machine has $header"
done
does "go build" go build -o app .
says "go get, go build" ./app
does "go mod tidy" go mod tidy
does "go build -trimpath" go build -trimpath -o app .
says "go build -trimpath" ./app
does "go build -race" go build -race -o app .
says "go build -race" ./app
does "static" go build -ldflags '-extldflags "-static"' -o app .
says "static" ./app
[ -z "$(readelf -d app)" ] || ! readelf -d app | grep -q NEEDED || fail "static: it needs shared libraries"

does "go install" go install "$library/cmd/bpfgo@$version"
says "go install $library/cmd/bpfgo@$version" "$GOBIN/bpfgo" version
does "go run bpfgo-vendor" go run "$library/cmd/bpfgo-vendor"
grep -q 'in place\|already' "$tmp/out" || fail "bpfgo-vendor"
echo "ok: $(cat "$tmp/out")"

mkdir lib "$tmp/lib"
cat >lib/lib.go <<'GO'
package main

import "C"

import libbpf "github.com/libbpf-go/libbpf-go"

//export app_version
func app_version() *C.char { return C.CString(libbpf.Version().String()) }

func main() {}
GO
cat >"$tmp/host.c" <<'GO'
#include <stdio.h>
#include "libapp.h"

int main(void)
{
	puts(app_version());
	return 0;
}
GO
does "c-archive" go build -buildmode=c-archive -o "$tmp/lib/libapp.a" ./lib
# shellcheck disable=SC2086 # a compiler with its options
does "c-archive: the host" ${CC:-cc} -I"$tmp/lib" -o host "$tmp/host.c" "$tmp/lib/libapp.a" -pthread
says "c-archive" ./host
rm host
does "c-shared" go build -buildmode=c-shared -o "$tmp/lib/libapp.so" ./lib
# shellcheck disable=SC2086
does "c-shared: the host" ${CC:-cc} -I"$tmp/lib" -o host "$tmp/host.c" -L"$tmp/lib" -lapp -Wl,-rpath,"$tmp/lib"
says "c-shared" ./host

does "go get -tool" go get -tool "$library/cmd/bpfgo"
does "go tool bpfgo cflags" go tool bpfgo cflags
[ -e "$(sed 's/^-I//' "$tmp/out")/bpf/bpf_helpers.h" ] || fail "go tool bpfgo cflags"
echo "ok: go tool bpfgo cflags"

! go build -tags libbpf_system . >"$tmp/out" 2>&1 && grep -q 'no libbpf: run' "$tmp/out" || fail "libbpf_system"
echo "ok: libbpf_system: the system's libbpf would be linked"

does "go mod vendor" go mod vendor
chmod -R u+w "$GOMODCACHE"
rm -rf "$GOMODCACHE"
does "-mod=vendor" go build -mod=vendor -o app .
says "go mod vendor, go build -mod=vendor, without the module cache" ./app
