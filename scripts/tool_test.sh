#!/usr/bin/env bash
# Makes the tool of the README's section "A tool of your own" as the section says, in a folder of its own with the
# libbpf-go of this tree, and runs it (as root).
set -euo pipefail
export LC_ALL=C
unset CGO_CFLAGS CGO_LDFLAGS GOWORK
export GOFLAGS=-buildvcs=false

cd "$(dirname "$0")/.."
root=$PWD
tmp=$(realpath "$(mktemp -d)")
watched=
trap '[ -z "$watched" ] || kill "$watched" 2>/dev/null; rm -rf "$tmp"' EXIT

fail() {
	printf 'tool_test: FAIL: %s\n' "$*" >&2
	[ ! -s "$tmp/out" ] || sed 's/^/    /' "$tmp/out" >&2
	exit 1
}

cp -R examples/count "$tmp/count"
cp examples/go.mod examples/go.sum "$tmp/count"
rm -f "$tmp"/count/vmlinux.h "$tmp"/count/count "$tmp"/count/*_bpf.*
cd "$tmp/count"
go mod edit -module example.org/count -replace "github.com/libbpf-go/libbpf-go=$(realpath --relative-to=. "$root")"
go generate >"$tmp/out" 2>&1 || fail "go generate"
go build >"$tmp/out" 2>&1 || fail "go build"
# A process that makes system calls and nothing else, until it is killed.
while :; do [ -e "$tmp" ]; done &
watched=$!
./count $watched >"$tmp/out" 2>&1 || fail "count"
grep -qE '^[1-9][0-9]* system calls$' "$tmp/out" || fail "what it says"
./count 0 >"$tmp/out" 2>&1 || fail "count of nobody"
grep -qx '0 system calls' "$tmp/out" || fail "it counts where nobody is"
echo "tool_test: ok"
