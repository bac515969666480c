#!/usr/bin/env bash
# Tests what a user does whose libbpf-go comes without sources, where no libbpf is installed: run the command that
# the error of the C compiler names, in each kind of module. It needs the archive of this machine's apt.
#
#   vendor_command_test.sh PROXY    a folder with a release without sources, as "dist -bare" writes it
set -euo pipefail
export LC_ALL=C
library=github.com/libbpf-go/libbpf-go
unset CGO_CFLAGS CGO_LDFLAGS GOWORK
export GONOSUMDB=$library GOFLAGS=-buildvcs=false
GOPROXY=file://$1,$(go env GOPROXY)
export GOPROXY

tmp=$(realpath "$(mktemp -d)")
trap 'GOFLAGS="" go clean -modcache; rm -rf "$tmp"' EXIT
export GOMODCACHE=$tmp/modules
app=$tmp/user/app

fail() {
	printf 'vendor_command_test: FAIL: %s\n' "$*" >&2
	[ ! -s "$tmp/out" ] || sed 's/^/    /' "$tmp/out" >&2
	exit 1
}

# does COMMAND...: the command succeeds.
does() { "$@" >"$tmp/out" 2>&1 || fail "$what: $*"; }

# new WHAT: a module that uses libbpf-go. Its name is always the same, so that Go's cache has what was compiled before.
new() {
	what=$1
	rm -rf "$tmp/user"
	mkdir -p "$app/inner"
	cd "$app"
	does go mod init example.org/app
	printf 'package main\n\nimport (\n\t"fmt"\n\n\tlibbpf "%s"\n)\n\nfunc main() { fmt.Println(libbpf.Version()) }\n' \
		$library | tee main.go >inner/main.go
	does go get $library
}

# follow: the build in the current folder fails, and the command in the error succeeds.
follow() {
	! go build -o "$tmp/built" "$app" >"$tmp/out" 2>&1 || fail "$what: it builds without libbpf"
	read -ra command < <(grep -o "go run [^']*" "$tmp/out") || fail "$what: the error names no command"
	does "${command[@]}"
}

# builds: the module has the pinned libbpf now, and the command has no more to do.
builds() {
	does go build -o "$tmp/built" "$app"
	[ "$("$tmp/built")" = "1.7.0 (vendored)" ] || fail "$what: it is $("$tmp/built")"
	cp -R "$app" "$tmp/before"
	does "${command[@]}"
	grep -q 'are in place$' "$tmp/out" && [ "$(wc -l <"$tmp/out")" = 1 ] || fail "$what: a second run"
	diff -r "$tmp/before" "$app" >"$tmp/out" || fail "$what: a second run changes something"
	rm -rf "$tmp/before"
	echo "ok: $what"
}

! echo '#include <bpf/libbpf.h>' | ${CC:-cc} -E -x c - >/dev/null 2>&1 || fail "this machine has libbpf"

new "a module"
follow
grep -qF "=> ./libbpf-go" go.mod || fail "$what: $(cat go.mod)"
builds
does go vet ./...
! go list ./... | grep -q libbpf-go || fail "$what: the copy is part of it"
git init -q . 2>/dev/null && git add . && git ls-files | grep -q upstream/zlib/trees.c || ! command -v git >/dev/null ||
	fail "$what: git would leave out the sources"
does "${command[@]}" -remove
follow
builds

new "a subfolder"
cd inner
follow
grep -qF "=> ./libbpf-go" ../go.mod || fail "$what: $(cat ../go.mod)"
builds

new "a module with a vendor folder"
does go mod vendor
follow
grep -q '"go mod vendor"' "$tmp/out" || fail "$what: nobody tells of the vendor folder"
! go build -o "$tmp/built" . >"$tmp/out" 2>&1 && grep -q 'inconsistent vendoring' "$tmp/out" || fail "$what: the old copy is used"
does go mod vendor
builds

new "a workspace"
mkdir ../other
(cd ../other && does go mod init example.org/other && printf 'package other\n' >other.go)
(cd .. && does go work init ./app ./other)
follow
grep -qF "=> ./libbpf-go" go.mod || fail "$what: $(cat go.mod)"
builds
GOWORK=off does go build -o "$tmp/built" .

new "a workspace, outside of its modules"
cd ..
does go work init ./app
follow
grep -qF "=> ./libbpf-go" go.work || fail "$what: $(cat go.work)"
builds

new "a clone and a replace directive"
cp -R "$(go list -m -f '{{.Dir}}' $library)" libbpf-go
chmod -R u+w libbpf-go
does go mod edit -replace "$library=./libbpf-go"
does go mod tidy
follow
builds

new "a module that replaces one version by another"
version=$(go list -m -f '{{.Version}}' $library)
does go mod edit -replace "$library@$version=$library@$version"
follow
builds

new "a module that does not use libbpf-go"
printf 'package main\n\nfunc main() {}\n' | tee main.go >inner/main.go
(cd "$GOMODCACHE/$library@"* && go build -o "$tmp/bpfgo-vendor" ./cmd/bpfgo-vendor)
does go mod tidy
! "$tmp/bpfgo-vendor" >"$tmp/out" 2>&1 || fail "$what: it succeeds"
grep -q "run \"go get $library\" first" "$tmp/out" || fail "$what: what it says"
echo "ok: $what"
echo "vendor_command_test: ok"
