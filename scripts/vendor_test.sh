#!/usr/bin/env bash
# Tests scripts/vendor.sh in a copy of the tree, with its own small tarballs and no network.
set -euo pipefail
export LC_ALL=C
unset LIBBPF_TARBALL LIBBPF_VERSION

cd "$(dirname "$0")/.."
root=$PWD
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cc=${CC:-cc}
count=0

fail() {
	printf 'vendor_test: FAIL: %s\n' "$*" >&2
	[ ! -s "$tmp/out" ] || sed 's/^/    /' "$tmp/out" >&2
	exit 1
}

vendor() { PATH=${shim:+$shim:}$PATH scripts/vendor.sh "$@" >"$tmp/out" 2>&1 </dev/null; }

said() { grep -q "$1" "$tmp/out" || fail "$2: it does not say: $1"; }

# Every cgo package gets a marker and includes vendor.h.
scripts/vendor.sh folders >"$tmp/folders"
go list -e -f '{{if .CgoFiles}}{{.Dir}}{{end}}' ./... 2>/dev/null |
	sed "s|^$root\$|.|; s|^$root/|./|" | sort >"$tmp/listed"
cmp -s "$tmp/folders" "$tmp/listed" || fail "cgo folders: vendor.sh has $(tr '\n' ' ' <"$tmp/folders")," \
	"go list has $(tr '\n' ' ' <"$tmp/listed")"
while read -r dir; do
	grep -qsE '^#include ".*vendor\.h"' "$dir"/*.go "$dir"/*.h || fail "cgo package $dir does not include libbpf/vendor.h"
done <"$tmp/folders"

# The tree under test: three cgo folders, and two versions as tarballs and in an archive.
mkdir -p "$tmp/w/scripts" "$tmp/w/libbpf" "$tmp/w/btf" "$tmp/w/other" "$tmp/pool" "$tmp/system/bpf" "$tmp/no/pool"
cp scripts/vendor.sh scripts/archives.sh "$tmp/w/scripts"
cp libbpf/vendor.h "$tmp/w/libbpf"
for dir in . libbpf btf; do
	printf 'package p\n\nimport "C"\n' >"$tmp/w/$dir/p.go"
done
printf 'module other\n' >"$tmp/w/other/go.mod"
cp "$tmp/w/p.go" "$tmp/w/other"
printf '#define LIBBPF_MAJOR_VERSION 1\n#define LIBBPF_MINOR_VERSION 1\n' >"$tmp/system/bpf/libbpf_version.h"
: >"$tmp/system/bpf/libbpf.h"
for v in 9.1.0 9.0.0; do
	mkdir -p "$tmp/libbpf-$v/src" "$tmp/libbpf-$v/include/uapi/linux" "$tmp/libbpf-$v/include/linux"
	(
		cd "$tmp/libbpf-$v"
		echo "licence" >LICENSE
		echo "int version; /* $v */" >src/libbpf.c
		touch include/linux/types.h src/libbpf.map
		for h in bpf bpf_common btf; do echo "/* $v */" >include/uapi/linux/$h.h; done
		for h in bpf libbpf btf libbpf_common libbpf_legacy libbpf_version skel_internal bpf_helpers \
			bpf_helper_defs bpf_tracing bpf_endian bpf_core_read usdt.bpf; do
			echo "/* $v */" >src/$h.h
		done
	)
	tar -czf "$tmp/pool/libbpf_$v.tar.gz" -C "$tmp" "libbpf-$v"
	echo "$v pool/libbpf_$v.tar.gz $(sha256sum <"$tmp/pool/libbpf_$v.tar.gz" | cut -d' ' -f1)"
done >"$tmp/w/libbpf/libbpf.lock"
cd "$tmp/w"

# sync takes seconds on a busy disk. The test kills the script many times, but does not test power loss.
mkdir "$tmp/nosync"
ln -s "$(command -v true)" "$tmp/nosync/sync"
PATH=$tmp/nosync:$PATH

# apt_has BASE...: apt is configured for these archives.
shim=$tmp/bin
mkdir "$shim"
apt_has() {
	{
		echo '#!/bin/sh'
		for base in "$@"; do echo "echo \"'${base}dists/x/InRelease' x 0\""; done
	} >"$shim/apt-get"
	chmod +x "$shim/apt-get"
}

compiles() {
	printf '#include "%s/libbpf/vendor.h"\n' "$PWD" |
		$cc -fsyntax-only -x c -I"$1" -I"$tmp/system" - 2>"$tmp/cc"
}

echo 'int main(void) { return 0; }' >"$tmp/main.c"
links() { $cc -o "$tmp/main" "$tmp/main.c" -Llibbpf/upstream/lib -L"$tmp/system" -lbpf 2>"$tmp/cc"; }
$cc -c -o "$tmp/main.o" "$tmp/main.c"
ar rc "$tmp/system/libbpf.a" "$tmp/main.o"

# whole: succeeds if the tree is complete.
whole() {
	for dir in . btf; do
		cmp -s $dir/libbpf_vendored.h libbpf/libbpf_vendored.h || return 1
	done
	[ ! -e other/libbpf_vendored.h ] && (cd libbpf/upstream && sha256sum --check --status SHA256SUMS)
}

# state: prints "none", "half" or the version in place. The compiler and the linker must agree.
state() {
	if [ ! -e libbpf/upstream ] && [ -z "$(find . -name libbpf_vendored.h)" ]; then
		compiles btf || fail "$1: with nothing vendored, btf does not compile: $(cat "$tmp/cc")"
		echo none
	elif [ ! -e libbpf/upstream/interrupted.h ]; then
		whole || fail "$1: markers or sources are missing"
		for dir in . btf; do
			compiles $dir || fail "$1: with all vendored, $dir does not compile: $(cat "$tmp/cc")"
		done
		links || fail "$1: with all vendored, nothing links: $(cat "$tmp/cc")"
		sed -n 's/.*VENDORED "\(.*\)"/\1/p' btf/libbpf_vendored.h
	else
		for dir in . btf; do
			! compiles $dir || fail "$1: half vendored, and $dir compiles"
			grep -q 'make vendor' "$tmp/cc" || fail "$1: the error does not name make vendor"
		done
		if links; then
			whole || fail "$1: half vendored, and it links"
		else
			grep -q 'make vendor' "$tmp/cc" || fail "$1: the linker's error does not name make vendor"
		fi
		echo half
	fi
}

# is STATE WHAT: fails unless the state is STATE.
is() {
	got=$(state "$2")
	[ "$got" = "$1" ] || fail "$2: the tree is $got, want $1"
	[ -z "$(find libbpf -name '.staging.*')" ] || fail "$2: staging is left"
	count=$((count + 1))
}

# A tarball from the user.
apt_has
is none "start"
! LIBBPF_TARBALL=$tmp/none.tar.gz vendor || fail "a tarball that is not there is taken"
said 'cannot be read' "no tarball"
! LIBBPF_TARBALL=$tmp/main.c vendor || fail "a tarball with another hash is taken"
said 'not a pinned one' "other hash"
! LIBBPF_VERSION=9.1.0 LIBBPF_TARBALL=$tmp/pool/libbpf_9.0.0.tar.gz vendor || fail "another version is taken"
said 'is 9.0.0, not' "other version"
! LIBBPF_VERSION=8.0.0 vendor || fail "a version that is not pinned is taken"
said 'not pinned' "version"
is none "refusals"
LIBBPF_TARBALL=../pool/libbpf_9.0.0.tar.gz vendor || fail "tarball of 9.0.0"
is 9.0.0 "tarball"

# What is in place stays, without a network. What is damaged is repaired.
stamps() { stat -c '%Y %Z %i' libbpf/upstream/src/libbpf.c libbpf/libbpf_vendored.h libbpf/upstream/lib/libbpf.a; }
before=$(stamps)
vendor || fail "nothing to do"
[ "$before" = "$(stamps)" ] || fail "a whole tree is touched"
is 9.0.0 "offline"
for file in libbpf_vendored.h btf/libbpf_vendored.h libbpf/upstream/lib/libbpf.a; do
	rm $file
	vendor || fail "offline, without $file"
	is 9.0.0 "without $file"
done
rm btf/libbpf_vendored.h
! compiles btf || fail "a package without its marker compiles"
vendor || fail "a missing marker"
echo "int broken;" >>libbpf/upstream/src/libbpf.c
! vendor || fail "changed sources pass for whole"
said 'LIBBPF_TARBALL=' "no archive: what helps"
said 'libbpf-dev' "no archive: what helps"
LIBBPF_TARBALL=$tmp/pool/libbpf_9.0.0.tar.gz vendor || fail "changed sources"
is 9.0.0 "changed sources"
rm -rf libbpf/upstream
! compiles . || fail "markers without sources compile"
vendor remove || fail "remove"
is none "remove"
vendor remove || fail "remove twice"
is none "remove twice"
mkdir libbpf/.staging.old
LIBBPF_TARBALL=$tmp/pool/libbpf_9.1.0.tar.gz vendor || fail "old staging"
is 9.1.0 "old staging"
vendor remove

# Several runs at the same time.
for i in 1 2 3 4; do
	LIBBPF_TARBALL=$tmp/pool/libbpf_9.$((i % 2)).0.tar.gz scripts/vendor.sh >"$tmp/out.$i" 2>&1 &
	eval "pid$i=$!"
done
for i in 1 2 3 4; do
	eval "wait \$pid$i" || fail "at once: $(cat "$tmp/out.$i")"
done
LIBBPF_VERSION=9.1.0 LIBBPF_TARBALL=$tmp/pool/libbpf_9.1.0.tar.gz vendor
is 9.1.0 "several at once"
vendor remove

# The archive. A network that is down, or a wrong file, never leads to the other version.
if [ -x /usr/lib/apt/apt-helper ]; then
	down=http://127.0.0.1:1/debian/
	apt_has "$down"
	! vendor || fail "no network"
	said 'Could not connect' "no network"
	said 'LIBBPF_TARBALL=' "no network: what helps"
	is none "no network"
	apt_has "$down" "file:$tmp/"
	vendor || fail "the second archive"
	is 9.1.0 "the second archive"
	LIBBPF_VERSION=9.0.0 vendor || fail "LIBBPF_VERSION"
	is 9.0.0 "LIBBPF_VERSION"
	vendor || fail "the version in place"
	is 9.0.0 "the version in place"
	vendor remove
	cp "$tmp/pool/libbpf_9.1.0.tar.gz" "$tmp/good"
	echo damaged >>"$tmp/pool/libbpf_9.1.0.tar.gz"
	! vendor || fail "a damaged file is taken"
	said 'has not the sha256' "damaged"
	is none "damaged"
	rm "$tmp/pool/libbpf_9.1.0.tar.gz"
	! LIBBPF_VERSION=9.1.0 vendor || fail "another version than LIBBPF_VERSION"
	is none "LIBBPF_VERSION is gone"
	vendor || fail "the first version is gone"
	said '9.1.0 IS GONE' "falling back"
	is 9.0.0 "falling back"
	vendor remove
	apt_has "$down" "file:$tmp/no/"
	! vendor || fail "an archive without libbpf"
	is none "an archive without libbpf"
	mv "$tmp/good" "$tmp/pool/libbpf_9.1.0.tar.gz"
	apt_has "file:$tmp-security/"
	vendor || fail "beside a security archive"
	is 9.1.0 "beside a security archive"
	vendor remove
	printf '# mirrors\n%s\tpriority:1\nfile:%s\n' "$down" "$tmp" >"$tmp/mirrors"
	apt_has "mirror+file:$tmp/mirrors/"
	vendor || fail "a list of mirrors"
	is 9.1.0 "a list of mirrors"
	vendor remove
else
	echo "vendor_test: no apt here, the archive is not tested"
fi

# Killed before each command that changes the tree, on every path through the script.
shim=$tmp/kill
mkdir "$shim"
cp "$tmp/bin/apt-get" "$shim"
for cmd in mv rm tar; do
	cat >"$shim/$cmd" <<-END
		#!/bin/sh
		step=\$((\$(cat $tmp/step) + 1))
		echo \$step >$tmp/step
		[ \$step != \$KILL_AT ] || { kill -9 \$(cat $tmp/pid); exit 1; }
		PATH=\${PATH#*:} exec $cmd "\$@"
	END
	chmod +x "$shim/$cmd"
done

# killed N [ARG]: runs vendor.sh and kills it at the Nth command; fails if the script ends before.
killed() {
	echo 0 >"$tmp/step"
	KILL_AT=$1 PATH=$tmp/kill:$PATH sh -c 'echo $$ >"$0"; exec scripts/vendor.sh $1' "$tmp/pid" "$2" >"$tmp/out" 2>&1 &
	! wait $! 2>/dev/null
}

shim=
steps=0
for way in "none lay" "9.0.0 lay" "9.1.0 remove" "half lay"; do
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		at="killed at $n of \"$way\""
		case $way in
		none*) vendor remove ;;
		9.0.0*) LIBBPF_TARBALL=$tmp/pool/libbpf_9.0.0.tar.gz vendor ;;
		*) LIBBPF_TARBALL=$tmp/pool/libbpf_9.1.0.tar.gz vendor ;;
		esac
		case $way in
		half*)
			rm btf/libbpf_vendored.h
			touch libbpf/upstream/interrupted.h
			echo 'INPUT("make vendor")' >libbpf/upstream/lib/libbpf.a
			;;
		esac
		case $way in
		*remove) killed "$n" remove || break ;;
		*) LIBBPF_TARBALL=$tmp/pool/libbpf_9.1.0.tar.gz killed "$n" "" || break ;;
		esac
		steps=$((steps + 1))
		got=$(state "$at")
		case $way:$got in
		*:half | none*:none | *lay:9.1.0 | 9*:none | 9.0.0*:9.0.0 | *remove:9.1.0) ;;
		*) fail "$at: the tree is $got" ;;
		esac
		LIBBPF_TARBALL=$tmp/pool/libbpf_9.1.0.tar.gz vendor || fail "$at, and it cannot be mended"
		whole || fail "$at, and mending left it half"
	done
done
[ "$steps" -ge 25 ] || fail "only $steps steps were found to kill at"
echo "vendor_test: ok, $count checks, killed at $steps points"
