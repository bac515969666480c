#!/bin/sh
# Gets Debian's kernels for the virtual machines. It downloads and unpacks them into a cache folder, and installs
# nothing.
#
#   kernels.sh NAME [SUITE...]   a kernel of kernels.txt, or the newest such kernel in these suites; prints its folder:
#                                vmlinuz, config, release, lib/modules, and busybox if it is not for x86-64
#   kernels.sh list              the names in kernels.txt
#
# A name is the beginning of a version and, after a "-", Debian's flavour of the kernel: 6.12-arm64-16k. Without a
# flavour it is cloud-amd64.
#
# A kernel that is in the cache needs no network. The exit status is 3 if no suite has the kernel, or none can be
# reached.
#
#   LIBBPF_GO_CACHE=folder       the cache (default: libbpf-go in the user's cache folder)
set -eu
umask 022
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../cmd/bpfgo-vendor/archives.sh"
cache=${LIBBPF_GO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/libbpf-go}/kernels

say() { printf 'kernels: %s\n' "$*" >&2; }

# Runs apt with its own state, so it does not change the machine's. It checks signatures as always, but accepts the old
# index of a suite whose support has ended, because nobody signs that again.
private_apt() {
	cat >"$stage/apt.conf" <<-END
		Dir::State "$stage/apt";
		Dir::State::status "$stage/apt/status";
		Dir::Cache "$stage/apt";
		Dir::Etc::sourcelist "$stage/apt/sources.list";
		Dir::Etc::sourceparts "$stage/apt/none";
		Dir::Etc::preferencesparts "$stage/apt/none";
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Check-Valid-Until "false";
		Acquire::Retries "1";
		Acquire::http::Timeout "20";
		Acquire::https::Timeout "20";
	END
	mkdir -p "$stage/apt/none" "$stage/apt/lists/partial" "$stage/apt/archives/partial"
	: >"$stage/apt/status"
	export APT_CONFIG="$stage/apt.conf"
}

# open SUITE: makes its index the only one, or prints why it cannot.
open() {
	why="this machine's apt is configured for no archive"
	options=
	for keyring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
		[ ! -e $keyring ] || options="[signed-by=$keyring] "
	done
	for base in $bases; do
		echo "deb $options$base $1 main" >"$stage/apt/sources.list"
		if apt-get update >"$stage/log" 2>&1 </dev/null && ! grep -q '^W: Failed' "$stage/log"; then
			return 0
		fi
		why=$(sed -n 's/^[EW]: //p' "$stage/log" | head -n 1)
	done
	say "suite $1 is skipped: $why"
	return 1
}

# newest: prints the release of the newest kernel of the flavour whose version begins with $version; 6.1 does not match
# 6.12. It does not use the meta package, because some suites lack it.
newest() {
	apt-cache pkgnames linux-image- | sed -n 's/^linux-image-\([0-9].*\)-'"$flavour"'$/\1/p' |
		awk -v version="$version" 'index($0, version) == 1 && substr($0, length(version) + 1) ~ /^[^0-9]/ &&
			/^[0-9]+\.[0-9]+[^0-9-]/ && !/-(cloud|rt)$/' |
		sort -V | tail -n 1 | sed "s/\$/-$flavour/"
}

# get PACKAGE...: unpacks them into $stage/root.
get() {
	say "getting $*"
	rm -rf "$stage/debs"
	mkdir -p "$stage/debs" "$stage/root"
	(cd "$stage/debs" && apt-get download "$@") >"$stage/log" 2>&1 </dev/null || {
		sed -n 's/^E: /kernels: /p' "$stage/log" >&2
		return 1
	}
	for deb in "$stage"/debs/*.deb; do
		dpkg-deb -x "$deb" "$stage/root" || return 1
	done
}

# unpack RELEASE TO: unpacks the kernel and its modules. Since 6.19 a kernel is several packages, with all files in the
# folder of the modules.
unpack() {
	rm -rf "$stage/root" "$2"
	mkdir -p "$2/lib/modules"
	apt-cache depends "linux-image-$1" --recurse --no-recommends --no-suggests --no-enhances --no-conflicts \
		--no-breaks --no-replaces | grep -E '^linux-(image|binary|modules|base)-' | sort -u >"$stage/packages"
	# shellcheck disable=SC2046 # a list of words
	get $(cat "$stage/packages") || return 1
	for usr in "" usr/; do
		from=$stage/root/${usr}lib/modules/$1
		[ ! -d "$from" ] || mv "$from" "$2/lib/modules" || return 1
	done
	for file in vmlinuz config; do
		for from in "$stage/root/boot/$file-$1" "$2/lib/modules/$1/$file"; do
			[ ! -f "$from" ] || mv "$from" "$2/$file" || return 1
		done
	done
	if [ -s "$2/vmlinuz" ] && [ -s "$2/config" ] && depmod -b "$2" "$1"; then
		echo "$1" >"$2/release"
	else
		say "the packages of $1 are laid out in another way"
		return 1
	fi
}

# busybox TO SUITE...: gets a static busybox of the kernel's architecture, which a security suite does not have.
busybox() {
	to=$1
	shift
	for suite in "$@"; do
		if open "$suite" && [ -n "$(apt-cache madison busybox-static)" ] && get busybox-static; then
			for from in "$stage/root/bin/busybox" "$stage/root/usr/bin/busybox"; do
				[ ! -f "$from" ] || mv "$from" "$to" || return 1
			done
			[ ! -f "$to" ] || return 0
		fi
	done
	say "no suite has busybox-static for $arch"
	return 1
}

case ${1:-} in
'' | -*)
	echo "usage: kernels.sh list | NAME [SUITE...]" >&2
	exit 2
	;;
list)
	awk '!/^#/ && NF { print $1 }' "$here/kernels.txt"
	exit
	;;
esac
name=$1
shift
version=${name%%-*}
flavour=cloud-amd64
[ "$name" = "$version" ] || flavour=${name#*-}
arch=${flavour#cloud-}
arch=${arch%%-*}
kernel=$cache/$name
if [ -e "$kernel/release" ]; then
	echo "$kernel"
	exit
fi
if [ $# = 0 ]; then
	# shellcheck disable=SC2046 # a list of words
	set -- $(awk -v name="$name" '$1 == name { $1 = ""; print }' "$here/kernels.txt")
	[ $# != 0 ] || {
		say "$name is not in kernels.txt: name suites to look for it in"
		exit 3
	}
fi
if [ "$(uname -m)" != x86_64 ]; then
	say "the machines for these kernels are tested on x86-64 only, and this is $(uname -m)"
	exit 3
fi
for tool in apt-get dpkg-deb depmod flock; do
	command -v $tool >/dev/null || {
		say "$tool is missing"
		exit 3
	}
done

# Only one at a time. The lock is on the folder, so no lock file can stay behind.
mkdir -p "$cache"
exec 9<"$cache"
flock 9
if [ -e "$kernel/release" ]; then
	echo "$kernel"
	exit
fi
rm -rf "$cache"/.staging.*
stage=$(mktemp -d "$cache/.staging.XXXXXX")
trap 'rm -rf "$stage"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
bases=$(archives)
private_apt
for suite in "$@"; do
	open "$suite" || continue
	release=$(newest)
	if [ -z "$release" ]; then
		say "suite $suite has no kernel $version of flavour $flavour"
	elif unpack "$release" "$stage/kernel" &&
		{ [ "$arch" = amd64 ] || busybox "$stage/kernel/busybox" "$@"; }; then
		rm -rf "$kernel"
		mv "$stage/kernel" "$kernel"
		echo "$kernel"
		exit
	fi
done
say "no kernel $name to be had"
exit 3
