#!/usr/bin/env bash
# Tests the errors where libbpf-go can't be built: without cgo, for another system, without libbpf. It compiles only the
# files with these errors.
set -euo pipefail
export LC_ALL=C
unset GOOS GOARCH GOFLAGS CGO_ENABLED

cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() {
	printf 'nobuild_test: FAIL: %s\n' "$*" >&2
	sed 's/^/    /' "$tmp/out" >&2
	exit 1
}

# says TEXT COMMAND...: the command fails, and prints TEXT and nothing misleading.
says() {
	local text=$1
	shift
	! "$@" >"$tmp/out" 2>&1 || fail "it succeeds: $*"
	grep -qF -e "$text" "$tmp/out" || fail "it does not say '$text': $*"
	! grep -e 'build constraints' -e 'undefined:' "$tmp/out" >/dev/null || fail "it says more: $*"
}

says 'libbpf-go needs cgo: install a C compiler, and set CGO_ENABLED=1' env CGO_ENABLED=0 go vet ./...
says 'set CC to its C compiler as well' env CGO_ENABLED=0 go build -buildvcs=false ./...
for os in darwin windows freebsd; do
	says 'libbpf-go works on Linux only' env GOOS=$os CGO_ENABLED=0 go build ./libbpf
done

# Without cgo, all packages can be listed, and all packages that a program imports depend on the one that does not build.
go list ./... >"$tmp/cgo"
for environment in "GOOS=linux" "GOOS=darwin" "GOOS=windows"; do
	# Apart, go tells which modules it downloads: that depends on the machine.
	env $environment CGO_ENABLED=0 go list ./... >"$tmp/out" 2>"$tmp/err" || { cat "$tmp/err"; fail "go list: $environment"; }
	cmp -s "$tmp/cgo" "$tmp/out" || fail "go list: $environment lacks packages"
	for package in . ./btf ./typed; do
		env $environment CGO_ENABLED=0 go list -deps $package >"$tmp/out" 2>&1 || fail "go list $package: $environment"
		grep -q '^github.com/libbpf-go/libbpf-go/libbpf$' "$tmp/out" || fail "$package: $environment builds without libbpf"
	done
done

# The errors from the C compiler.
cp libbpf/vendor.h "$tmp"
mkdir -p "$tmp/old/bpf" "$tmp/none"
: >"$tmp/old/bpf/libbpf.h"
preprocess() { ${CC:-cc} -E -nostdinc "$@" "$tmp/vendor.h"; }
says 'libbpf-go works on Linux only' preprocess -U__linux__ -I"$tmp/none"
says 'apt-get install libbpf-dev' preprocess -I"$tmp/none"
says 'go run -mod=readonly github.com/libbpf-go/libbpf-go/cmd/bpfgo-vendor' preprocess -I"$tmp/none"
says "this system's libbpf is older than 1.1" preprocess -I"$tmp/old"
printf '#define LIBBPF_MAJOR_VERSION 1\n#define LIBBPF_MINOR_VERSION 0\n' >"$tmp/old/bpf/libbpf_version.h"
says "this system's libbpf is older than 1.1" preprocess -I"$tmp/old"
sed -i 's/VERSION 0/VERSION 1/' "$tmp/old/bpf/libbpf_version.h"
preprocess -I"$tmp/old" >"$tmp/out" 2>&1 || fail "libbpf 1.1 is refused"
echo "nobuild_test: ok"
