#!/usr/bin/env bash
# Builds bpfgo from what is committed here, in two folders with nothing in common: other paths, times, umasks, users'
# settings and caches. The two programs must have the same bytes.
set -euo pipefail
export LC_ALL=C
unset GOFLAGS GOWORK CGO_CFLAGS CGO_LDFLAGS
cd "$(dirname "$0")/.."
tmp=$(realpath "$(mktemp -d)")
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT

# build FOLDER: clones and builds there, with a cache of its own.
build() {
	mkdir -p "$1"
	git clone -q --no-local . "$1/clone"
	cp -R libbpf/upstream "$1/clone/libbpf"
	for marker in $(git ls-files --others --ignored --exclude-standard '*libbpf_vendored.h'); do
		cp "$marker" "$1/clone/$marker"
	done
	(cd "$1/clone" && GOCACHE=$1/cache HOME=$1 make bin/bpfgo)
}

build "$tmp/first"
(umask 077 && TZ=Asia/Tokyo USER=nobody TMPDIR=/var/tmp build "$tmp/another/folder/that/is/deeper")
cmp "$tmp/first/clone/bin/bpfgo" "$tmp/another/folder/that/is/deeper/clone/bin/bpfgo" || {
	echo "reproducible_test: FAIL: the programs differ" >&2
	exit 1
}
! grep -qF "$tmp" "$tmp/first/clone/bin/bpfgo" || {
	echo "reproducible_test: FAIL: the program names the folder where it was built" >&2
	exit 1
}
echo "reproducible_test: ok: sha256 $(sha256sum <"$tmp/first/clone/bin/bpfgo" | cut -d' ' -f1)"
