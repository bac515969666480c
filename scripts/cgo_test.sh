#!/usr/bin/env bash
# Tests what docs/interop.md tells users with their own cgo package: "bpfgo cflags" in each place where libbpf-go can
# be, and the module of examples/cgo. It builds that module in a separate folder with the libbpf that is linked here,
# dynamically and statically.
#
#   cgo_test.sh                 runs these tests
#   cgo_test.sh go-mod-vendor   also with the dependencies in the module's vendor folder (slow: it compiles all again)
set -euo pipefail
export LC_ALL=C
unset CGO_CFLAGS CGO_LDFLAGS GOWORK
export GOFLAGS=-buildvcs=false

cd "$(dirname "$0")/.."
root=$PWD
library=github.com/libbpf-go/libbpf-go
tmp=$(realpath "$(mktemp -d)")
trap 'rm -rf "$tmp"' EXIT

fail() {
	printf 'cgo_test: FAIL: %s\n' "$*" >&2
	[ ! -s "$tmp/out" ] || sed 's/^/    /' "$tmp/out" >&2
	exit 1
}

go build -o "$tmp/bpfgo" ./cmd/bpfgo

# says TEXT FOLDER [ARGUMENTS...]: bpfgo cflags prints TEXT in FOLDER.
says() {
	local want=$1 folder=$2
	shift 2
	(cd "$folder" && "$tmp/bpfgo" cflags "$@") >"$tmp/out" 2>&1 || fail "bpfgo cflags $*"
	[ "$(cat "$tmp/out")" = "$want" ] || fail "bpfgo cflags $*: want '$want'"
}

# file_says TEXT FOLDER: the file that bpfgo cflags writes in FOLDER has the line TEXT.
file_says() {
	says '' "$2" --output libbpf_flags.go
	grep -qxF -e "$1" "$2/libbpf_flags.go" || { cp "$2/libbpf_flags.go" "$tmp/out" && fail "no line '$1'"; }
}

# refuses TEXT FOLDER: bpfgo cflags fails in FOLDER, with one line that has TEXT.
refuses() {
	! (cd "$2" && "$tmp/bpfgo" cflags) >"$tmp/out" 2>&1 || fail "it succeeds, not: $1"
	grep -qF -e "$1" "$tmp/out" && [ "$(wc -l <"$tmp/out")" = 1 ] || fail "it does not say '$1'"
}

# A libbpf-go that has only what distinguishes the states, and a module that depends on it.
lib=$tmp/places/libbpf-go
app=$tmp/places/app
mkdir -p "$lib/libbpf" "$app/inner"
printf 'module %s\n\ngo 1.25\n' $library >"$lib/go.mod"
echo 'package libbpf' >"$lib/libbpf.go"
echo 'package clib' >"$lib/libbpf/libbpf.go"
printf 'module example.org/app\n\ngo 1.25\n\nrequire %s v0.0.0\n\nreplace %s => ../libbpf-go\n' \
	$library $library >"$app/go.mod"
printf 'package app\n\nimport _ "%s/libbpf"\n' $library | tee "$app/app.go" >"$app/inner/inner.go"
api=libbpf/upstream/api

says '' "$app"
file_says "package app" "$app"
file_says "extern const char libbpf_go_system[];" "$app"
! grep -q '#cgo' "$app/libbpf_flags.go" || fail "flags for the system's libbpf"

mkdir -p "$lib/$api" "$lib/libbpf/upstream/libbpf/src"
: >"$lib/libbpf/upstream/libbpf/src/libbpf.c"
refuses "is incomplete" "$app"
printf '#define LIBBPF_GO_VENDORED "9.1.0"\n#define LIBBPF_GO_BUILD libbpf_go_vendored_9_1_0\n' \
	>"$lib/libbpf/libbpf_vendored.h"
: >"$lib/libbpf/upstream/interrupted.h"
refuses "is incomplete" "$app"
rm "$lib/libbpf/upstream/interrupted.h"

says "-I$lib/$api" "$app"
says "-I$lib/$api" "$lib"
file_says "#cgo CFLAGS: -I\${SRCDIR}/../libbpf-go/$api" "$app"
file_says "#cgo CFLAGS: -I\${SRCDIR}/../../libbpf-go/$api" "$app/inner"
file_says "extern const char libbpf_go_vendored_9_1_0[];" "$app/inner"
printf 'package clib\n\n// #cgo libbpf_system CFLAGS: -DLIBBPF_GO_SYSTEM\nimport "C"\n' >"$lib/libbpf/libbpf.go"
GOFLAGS=-tags=libbpf_system says '' "$app"
says "-I$lib/$api" "$app"
mkdir -p "$tmp/deep/er"
cp -R "$app/inner" "$tmp/deep/er"
ln -s "$tmp/deep/er/inner" "$app/link"
file_says "#cgo CFLAGS: -I\${SRCDIR}/../../../places/libbpf-go/$api" "$app/link"
rm "$app/link"
says '' "$app" --output inner/elsewhere.go
grep -qx 'package app' "$app/inner/elsewhere.go" || fail "the package's name is not that of the file's folder"

cp libbpf/sources.go libbpf/upstream.lock "$lib/libbpf"
mkdir "$lib/libbpf/system"
: >"$lib/libbpf/system/libbpf_go.a"
: >"$lib/$api/header.h"
(cd "$app" && go mod vendor) || fail "go mod vendor"
file_says "#cgo CFLAGS: -I\${SRCDIR}/../vendor/$library/$api" "$app/inner"
rm -r "$app/vendor"

sed -i '/^replace/d' "$app/go.mod"
printf 'go 1.25\n\nuse (\n\t./app\n\t./libbpf-go\n)\n' >"$tmp/places/go.work"
file_says "#cgo CFLAGS: -I\${SRCDIR}/../libbpf-go/$api" "$app"
rm "$tmp/places/go.work"
refuses "go list: " "$app"

cp -R "$lib" "$lib@v1.0.0"
printf '\nreplace %s => ../libbpf-go@v1.0.0\n' $library >>"$app/go.mod"
file_says "#cgo CFLAGS: -I$lib@v1.0.0/$api" "$app"
mv "$tmp/places" "$tmp/pla ces"
says "'-I$tmp/pla ces/libbpf-go@v1.0.0/$api'" "$tmp/pla ces/app"

# The module, as a user has it, beside this tree.
mkdir "$tmp/user"
cp -R examples/cgo "$tmp/user/app"
cd "$tmp/user/app"
go mod edit -replace "$library=$(realpath --relative-to=. "$root")"
# shellcheck disable=SC2046 # flags are words
${CLANG:-clang} -g -O2 -target bpf $("$tmp/bpfgo" cflags) $(printf ' -I%s' /usr/include/*-linux-gnu*) \
	-c hello.bpf.c -o hello.bpf.o >"$tmp/out" 2>&1 || fail "the BPF program"
case $("$tmp/bpfgo" cflags) in
'') state=system ;;
*) state=vendored ;;
esac

# builds WHAT [FLAGS...]: the module builds, C describes what Go opened, and there is only one libbpf.
builds() {
	local what="$state, $1" needed
	shift
	go build -o app "$@" . >"$tmp/out" 2>&1 || fail "$what"
	./app hello.bpf.o >"$tmp/out" 2>&1 || fail "$what: it does not run"
	[ "$(sed '$d' "$tmp/out")" = $'hello:\n  hello in section socket' ] || fail "$what: what C says"
	grep -q "^1 programs, libbpf .*($state)$" "$tmp/out" || fail "$what: the libbpf"
	needed=$(readelf -d app | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
	case $what in
	*static*) [ -z "$needed" ] ;;
	system*) [[ $needed = *libbpf* ]] ;;
	*) [[ $needed != *libbpf* ]] ;;
	esac || fail "$what: it needs $needed"
	echo "ok: $what: $(tail -n 1 "$tmp/out")"
}
static=(-ldflags '-extldflags "-static"')

go generate ./... >"$tmp/out" 2>&1 || fail "go generate"
builds "dynamic"
builds "static" "${static[@]}"

if [ "${1:-}" = go-mod-vendor ]; then
	go mod vendor >"$tmp/out" 2>&1 || fail "go mod vendor"
	go generate ./... >"$tmp/out" 2>&1 || fail "go generate with a vendor folder"
	builds "dynamic, in the vendor folder"
	rm -r vendor
	go generate ./... >"$tmp/out" 2>&1 || fail "go generate without it again"
fi

# The same with an archive that the user built.
(
	cd describe
	# shellcheck disable=SC2046 # flags are words
	${CC:-cc} -O2 $("$tmp/bpfgo" cflags) -c describe.c
	ar rc libdescribe.a describe.o
	rm describe.c describe.o
	sed -i "s|^// #include|// #cgo LDFLAGS: \${SRCDIR}/libdescribe.a $("$tmp/bpfgo" ldflags)\n&|" describe.go
)
builds "archive, dynamic"
builds "archive, static" "${static[@]}"

# The flags of another libbpf do not link.
sed -i 's/\(libbpf_go_\)[a-z0-9_]*\(\[\]\)\?;/\1another\2;/' describe/libbpf_flags.go
! go build -o app . >"$tmp/out" 2>&1 && grep -q libbpf_go_another "$tmp/out" || fail "two of them link"
echo "cgo_test: ok"
