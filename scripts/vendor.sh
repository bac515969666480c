#!/bin/sh
# Unpacks the libbpf that libbpf/libbpf.lock pins, for cgo to compile.
#
#   vendor.sh           unpacks it, or does nothing if it is complete
#   vendor.sh remove    removes it
#   vendor.sh folders   lists the folders that get a marker, those of cgo packages
#
#   LIBBPF_VERSION=v    the pinned version to unpack (default: the one in place; else the first, or the next if the
#                       archive no longer has the first)
#   LIBBPF_TARBALL=f    the tarball to use instead of downloading one; its hash must be in the lock
#
# The script may be killed at any moment, and Go's build cache may have anything in it. No build may succeed with an
# incomplete tree. Hence this order:
#
#   1. upstream/ is prepared elsewhere and renamed into place, with two guards in it. interrupted.h makes vendor.h fail
#      to compile. A lib/libbpf.a that asks for a missing file fails the link of what Go compiled earlier.
#   2. The marker libbpf_vendored.h is renamed into the folder of every cgo package.
#   3. The real lib/libbpf.a is renamed over the guard, and interrupted.h is removed.
#
# Removing does the same in reverse order.
set -eu
umask 022
export LC_ALL=C

case ${LIBBPF_TARBALL:-} in
'' | /*) tarball=${LIBBPF_TARBALL:-} ;;
*) tarball=$PWD/$LIBBPF_TARBALL ;;
esac
want=${LIBBPF_VERSION:-}

cd "$(dirname "$0")/.."
. scripts/archives.sh
lock=libbpf/libbpf.lock
tree=libbpf/upstream
stage=

say() { printf 'vendor: %s\n' "$*"; }

die() {
	say "$@" >&2
	exit 1
}

# pin VERSION FIELD: prints a field of the version's line in the lock: 2 is the file in the archive, 3 the hash.
pin() { awk -v v="$1" -v f="$2" '$1 == v { print $f }' $lock; }

versions() { awk '!/^#/ && NF == 3 { print $1 }' $lock; }

sum_of() { sha256sum <"$1" | cut -d' ' -f1; }

# Go ignores names that begin with . or _, and testdata. A folder with a go.mod is another module.
folders() {
	find . -mindepth 1 \( -name '.*' -o -name '_*' -o -name testdata -o -path ./$tree \) -prune \
		-o -type d -exec test -e '{}/go.mod' \; -prune \
		-o -type f -name '*.go' -exec grep -lE '^(import)?[[:space:]]*"C"' '{}' + |
		sed 's|/[^/]*$||' | sort -u
}

marker() {
	echo "#define LIBBPF_GO_VENDORED \"$1\""
	echo "#define LIBBPF_GO_BUILD libbpf_go_vendored_$1" | tr . _
}

# Prints the pinned version whose sources are in place, if each file is unchanged.
laid_down() {
	[ -f $tree/SHA256SUMS ] && read -r version sum <$tree/PIN && [ "$(pin "$version" 3)" = "$sum" ] &&
		(cd $tree && sha256sum --check --status SHA256SUMS) && echo "$version"
} 2>/dev/null

# Succeeds if the rest is complete too: no guard, and every marker.
finished() {
	[ ! -e $tree/interrupted.h ] && [ "$(cat $tree/lib/libbpf.a)" = '!<arch>' ] || return 1
	folders | while IFS= read -r dir; do
		[ "$(cat "$dir/libbpf_vendored.h")" = "$(marker "$1")" ] || exit 1
	done
} 2>/dev/null

# put FILE: atomically replaces FILE by stdin.
put() {
	cat >"$stage/put"
	mv -f "$stage/put" "$1"
}

guard() {
	mkdir -p "$1/lib"
	: >"$1/interrupted.h"
	echo 'INPUT("vendoring libbpf was interrupted, run make vendor again")' | put "$1/lib/libbpf.a"
}

finish() {
	folders | while IFS= read -r dir; do
		marker "$1" | put "$dir/libbpf_vendored.h"
	done
	echo '!<arch>' | put $tree/lib/libbpf.a
	rm $tree/interrupted.h
}

remove() {
	if [ -d $tree ]; then
		guard $tree
	fi
	find . -name .git -prune -o -name libbpf_vendored.h -exec rm -f '{}' +
	if [ -d $tree ]; then
		mv $tree "$stage/removed"
	fi
}

# Puts a pinned tarball at $stage/tarball and its version into $version. It uses the next version only if an archive
# answers and does not have the version before: a network that is down must not change what is built.
fetch() {
	bases=$(archives)
	before=
	for version in ${want:-$(versions)}; do
		[ -z "$before" ] || [ -z "$bases" ] || say "libbpf $before IS GONE FROM THE ARCHIVE: falling back to $version"
		before=$version
		file=$(pin "$version" 2)
		gone=
		for base in $bases; do
			say "getting $base$file"
			if /usr/lib/apt/apt-helper -o APT::Sandbox::User=root -o Acquire::Retries=1 \
				-o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
				download-file "$base$file" "$stage/tarball" </dev/null >"$stage/log" 2>&1 9>&-; then
				[ "$(sum_of "$stage/tarball")" != "$(pin "$version" 3)" ] || return 0
				say "$base$file has not the sha256 that the lock states" >&2
			elif grep -qE '^ +(404|410) |^ +File not found' "$stage/log"; then
				say "not there" >&2
				gone="$gone $base"
			else
				sed -n 's/^E: /vendor: /p' "$stage/log" >&2
			fi
		done
		bases=$gone
	done
	return 1
}

unpack() {
	mkdir "$stage/x" "$stage/tree"
	# Without the dates in the archive, so that make sees that the headers are new.
	tar -xzmf "$1" -C "$stage/x" --strip-components=1 --no-same-owner --no-same-permissions
	echo "$version $(pin "$version" 3)" >"$stage/tree/PIN"
	(
		cd "$stage/tree"
		mkdir -p src api/bpf api/linux
		cp ../x/LICENSE* .
		cp ../x/src/*.[ch] ../x/src/libbpf.map src
		cp -R ../x/include .
		# The headers that libbpf installs, and the kernel headers that they include. Other packages may see only these.
		for header in bpf libbpf btf libbpf_common libbpf_legacy libbpf_version skel_internal \
			bpf_helpers bpf_helper_defs bpf_tracing bpf_endian bpf_core_read usdt.bpf; do
			cp src/$header.h api/bpf
		done
		cp include/uapi/linux/bpf.h include/uapi/linux/bpf_common.h include/uapi/linux/btf.h api/linux
		find . -type f ! -name SHA256SUMS -exec sha256sum '{}' + >SHA256SUMS
	)
	guard "$stage/tree"
	sync -f "$stage/tree" 2>/dev/null || sync
}

case ${1:-} in
folders)
	folders
	exit
	;;
'' | remove) ;;
*) die "usage: vendor.sh [remove | folders]" ;;
esac

# Only one at a time. The lock is on the folder, so no lock file can stay behind.
if command -v flock >/dev/null; then
	exec 9<libbpf
	flock -n 9 || {
		say "another one is at work, waiting for it"
		flock 9
	}
	rm -rf libbpf/.staging.* || true
fi
trap '[ -z "$stage" ] || rm -rf "$stage"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
stage=$PWD/$(mktemp -d libbpf/.staging.XXXXXX)

if [ "${1:-}" = remove ]; then
	remove
	exit
fi

if [ -n "$want" ] && [ -z "$(pin "$want" 3)" ]; then
	die "LIBBPF_VERSION=$want is not pinned; the lock has: $(versions | tr '\n' ' ')"
fi
if [ -n "$tarball" ]; then
	[ -f "$tarball" ] && [ -r "$tarball" ] || die "LIBBPF_TARBALL=$tarball cannot be read"
	sum=$(sum_of "$tarball")
	version=$(awk -v s="$sum" '$3 == s { print $1 }' $lock)
	[ -n "$version" ] || die "LIBBPF_TARBALL=$tarball is not a pinned one: its sha256 is $sum, and $lock has" \
		"$(versions | while read -r v; do printf '\n  %s %s' "$(pin "$v" 3)" "$(basename "$(pin "$v" 2)")"; done)"
	[ "${want:-$version}" = "$version" ] || die "LIBBPF_TARBALL=$tarball is $version, not LIBBPF_VERSION=$want"
	want=$version
fi

have=$(laid_down || true)
if [ -n "$have" ] && [ "${want:-$have}" = "$have" ]; then
	if ! finished "$have"; then
		guard $tree
		finish "$have"
	fi
	say "libbpf $have is in place"
	exit
fi

if [ -n "$tarball" ]; then
	cp "$tarball" "$stage/tarball"
elif ! fetch; then
	first=${want:-$(versions | head -n 1)}
	die "libbpf $first could not be downloaded${have:+, $have stays in place}. One of these helps:
  - Give this machine a way to its Debian or Ubuntu package archive, the one that apt is configured for, and run
    \"make vendor\" again.
  - Bring $(basename "$(pin "$first" 2)") from elsewhere and run
    \"make vendor LIBBPF_TARBALL=/path/to/it\". Its sha256 has to be
    $(pin "$first" 3).
  - Do without: install libbpf 1.1 or newer (Debian: apt-get install libbpf-dev), then \"go build ./...\" links it."
fi
unpack "$stage/tarball"
remove
mv "$stage/tree" $tree
finish "$version"
say "libbpf $version is in place"
