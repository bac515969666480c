#!/usr/bin/env bash
# Tests the releases that "make dist" writes, from what is committed here and what is vendored here: that they have what
# a build needs and no more, that each run writes the same bytes, what is refused, and that a program builds from one.
#
#   dist_test.sh        runs these tests; fast where an earlier run has filled Go's cache
#   dist_test.sh bare   also uses a release in every way that Go builds, in a bare Debian 12 that has only Go, gcc and
#                       the C library's headers, without a network; then a release without sources, as its error tells
#                       (slow, as root)
set -euo pipefail
export LC_ALL=C
unset GOWORK GOFLAGS VERSION
cd "$(dirname "$0")/.."
library=github.com/libbpf-go/libbpf-go
version=v0.0.1-test
tmp=$(realpath "$(mktemp -d)")
trap 'rm -rf "$tmp"' EXIT

fail() {
	printf 'dist_test: FAIL: %s\n' "$*" >&2
	[ ! -s "$tmp/out" ] || sed 's/^/    /' "$tmp/out" >&2
	exit 1
}

go -C scripts/dist build -buildvcs=false -o "$tmp/dist" .

# dist CLONE FOLDER [ARGUMENTS...]: writes a release of the clone to the folder.
dist() {
	local clone=$1 folder=$2
	shift 2
	(cd "$clone" && "$tmp/dist" -o "$folder" "$@") >"$tmp/out" 2>&1
}

# refuses TEXT ARGUMENTS...: there is no release of the second clone, and the error has the text.
refuses() {
	local text=$1
	shift
	rm -rf "$tmp/refused"
	! dist "$tmp/second" "$tmp/refused" "$@" || fail "it is released: $text"
	grep -qF -e "$text" "$tmp/out" || fail "the error does not say: $text"
	[ -z "$(find "$tmp/refused" -type f 2>/dev/null)" ] || fail "a refused release is there: $text"
}

# Two clones of one commit. The second differs from the first in everything that must not matter.
git clone -q --no-local --no-tags . "$tmp/first"
cp -R libbpf/upstream "$tmp/first/libbpf"
(umask 077 && git clone -q --no-local -c core.autocrlf=true "$tmp/first" "$tmp/second" &&
	cp -R libbpf/upstream "$tmp/second/libbpf")
echo 'package nothing' >"$tmp/second/nothing.go"
echo '/* changed */' >>"$tmp/second/libbpf/vendor.h"
echo 'int x;' >"$tmp/second/libbpf/upstream/libbpf/src/stray.c"
echo '#error "of another time"' >"$tmp/second/btf/libbpf_vendored.h"
find "$tmp/second" -exec touch -h -d 2001-02-03 {} +

if ! dist "$tmp/first" "$tmp/d1" -version $version; then
	# The archive may not have the preferred versions any more; then "make vendor" falls back to others.
	grep -q 'upstream.lock prefers' "$tmp/out" && [ "${LIBBPF_GO_STRICT:-}" != 1 ] && [ $# = 0 ] || fail "a release"
	echo "NOT TESTED: releases: libbpf/upstream does not have the preferred versions"
	exit
fi
(umask 077 && TZ=Asia/Tokyo TMPDIR=/var/tmp dist "$tmp/second" "$tmp/d2" -version $version) || fail "a second release"
grep -q 'only what is committed' "$tmp/out" || fail "changes in the working tree are not told"
diff -r "$tmp/d1" "$tmp/d2" >"$tmp/out" || fail "two runs differ"
[ -z "$(find "$tmp/d2" -type f ! -perm -444)" ] || fail "not everybody may read the release"
proxy=$tmp/d1/$library/@v
[ "$(cat "$proxy/list")" = $version ] || fail "the list"
time=$(TZ=UTC git -C "$tmp/first" show -s --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ HEAD)
[ "$(cat "$proxy/$version.info")" = "{\"Version\":\"$version\",\"Time\":\"$time\"}" ] || fail "the time"
git -C "$tmp/first" show HEAD:go.mod | cmp -s - "$proxy/$version.mod" || fail "go.mod"
echo "ok: two runs write the same: $(sha256sum <"$proxy/$version.zip" | cut -c1-16)... $(wc -c <"$proxy/$version.zip") bytes"

# The module has what git has, without other modules, and the sources, and a marker for each package with C code.
(cd "$tmp" && GOFLAGS=-modcacherw GOMODCACHE=$tmp/modules GOPROXY=file://$tmp/d1 GOSUMDB=off \
	go mod download $library@$version) >"$tmp/out" 2>&1 || fail "go mod download"
{
	git -C "$tmp/first" ls-tree -r --name-only HEAD
	(cd "$tmp/first" && find libbpf/upstream -type f)
	(cd "$tmp/first" && go list -f '{{if .CgoFiles}}{{.Dir}}/libbpf_vendored.h{{end}}' ./...) | sed "s|^$tmp/first/||"
} | sort -u >"$tmp/all"
git -C "$tmp/first" ls-tree -r --name-only HEAD | sed -n 's|^\(.*/\)go.mod$|^\1|p' >"$tmp/modules.re"
grep -v -f "$tmp/modules.re" "$tmp/all" >"$tmp/want"
(cd "$tmp/modules/$library@$version" && find . -type f | sed 's|^\./||' | sort) >"$tmp/has"
diff "$tmp/want" "$tmp/has" >"$tmp/out" || fail "the files of the release"
for file in LICENSE docs/licences.md; do
	grep -qxF $file "$tmp/has" || fail "the release lacks $file"
done
echo "ok: it has $(wc -l <"$tmp/has") files"

# Of the tag, the go command makes the same module. It is the same commit in each run.
dist "$tmp/first" "$tmp/d1" -version $version -tag || fail "a tag"
cp "$tmp/out" "$tmp/said"
dist "$tmp/first" "$tmp/d1" -version $version -tag && cmp -s "$tmp/out" "$tmp/said" || fail "the tag a second time"
[ -z "$(git -C "$tmp/first" status --porcelain)" ] || fail "a tag changes the working tree"
(cd "$tmp" && GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=url.$tmp/first.insteadOf GIT_CONFIG_VALUE_0=https://$library \
	GOFLAGS=-modcacherw GOMODCACHE=$tmp/tagged GOPROXY=direct GOSUMDB=off go mod download -json $library@$version) \
	>"$tmp/out" 2>&1 || fail "the tag's module"
sum=$(sed -n 's/.*as go.sum has it: //p' "$tmp/said")
grep -qF "\"Sum\": \"$sum\"" "$tmp/out" || fail "the tag's module is another"
echo "ok: a tag"

# What is refused, and what a release is called.
refuses "\"0.1.0\" is not a version" -version 0.1.0
refuses "should be v0 or v1, not v2" -version v2.0.0
git -C "$tmp/second" -c core.safecrlf=false -c user.name=test -c user.email=test@example.org commit -qam changed
git -C "$tmp/second" tag v0.4.0 HEAD~
refuses "v0.4.0 is the tag of another commit" -version v0.4.0
! dist "$tmp/second" "$tmp/d1" -version $version && grep -q 'already, with other content' "$tmp/out" ||
	fail "a version changes"
dist "$tmp/second" "$tmp/d3" || fail "a pseudo-version"
grep -qE "$library v0\.4\.1-0\.[0-9]{14}-$(git -C "$tmp/second" rev-parse --short=12 HEAD)\$" "$tmp/out" ||
	fail "a pseudo-version"
[ ! -s "$tmp/d3/$library/@v/list" ] && [ -s "$tmp/d3/$library/@latest" ] || fail "the list has a pseudo-version"
git -C "$tmp/second" tag v0.5.0
dist "$tmp/second" "$tmp/d3" && grep -q "$library v0.5.0\$" "$tmp/out" || fail "a tag"
echo >>"$tmp/second/libbpf/upstream/zlib/trees.c"
refuses "zlib/trees.c was changed"
rm "$tmp/second/libbpf/upstream/zlib/trees.c"
refuses "zlib/trees.c"
cp libbpf/upstream/zlib/trees.c "$tmp/second/libbpf/upstream/zlib"
sed -i '/COPYING-LGPLV3/d' "$tmp/second/libbpf/upstream/SHA256SUMS"
refuses "libelf/COPYING-LGPLV3"
git -C "$tmp/second" checkout -q HEAD~
rm -rf "$tmp/second/libbpf/upstream"
refuses "libbpf is not vendored here"
cp -R libbpf/upstream "$tmp/second/libbpf"
(cd "$tmp/second/libbpf/upstream" && sed -i 's/^libbpf [^ ]*/libbpf 1.5.0/' PIN &&
	sed -i "s/.*  PIN/$(sha256sum PIN)/" SHA256SUMS)
refuses "libbpf/upstream.lock prefers"
echo "ok: what is refused"

scripts/dist_uses.sh "$tmp/d1" $version bin/dist || fail "a program"

if [ "${1:-}" = bare ]; then
	mkdir "$tmp/bare"
	cp scripts/dist_uses.sh scripts/dist_bare.sh scripts/vendor_command_test.sh "$tmp/bare"
	cp -R "$tmp/d1" "$tmp/bare/dist"
	dist "$tmp/first" "$tmp/bare/without" -version $version -bare || fail "a release without sources"
	scripts/bare_root.sh gcc,libc6-dev "$tmp/bare" ./dist_bare.sh VERSION=$version
fi
echo "dist_test: ok"
