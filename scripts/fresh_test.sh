#!/usr/bin/env bash
# Runs the README's first two commands in a bare Debian 12 that has only Go, gcc, make and git, on this machine's
# kernel, in a fresh clone of what is committed here. It must run as root, takes as long as the commands do, and needs 4
# GB in /var/tmp. It leaves nothing behind: the mounts are in their own namespace, and the root folder is removed.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
. cmd/bpfgo-vendor/archives.sh
suite=bookworm

die() {
	printf 'fresh_test: %s\n' "$*" >&2
	exit 1
}

# The part that runs in the namespace.
if [ "${1:-}" = inner ]; then
	root=$2
	mount --bind "$root" "$root"
	# debootstrap installs the "required" packages and apt. gcc does not bring the headers of the C library.
	debootstrap --variant=minbase --include=gcc,make,git ${keyring:+--keyring="$keyring"} $suite "$root" "$base" \
		>"$root/debootstrap.log" 2>&1 || {
		tail -n 20 "$root/debootstrap.log" >&2
		die "debootstrap failed"
	}
	# The root gets packages and modules from the same places as this machine.
	printf '%s\n' "$sources" >"$root/etc/apt/sources.list"
	apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/99host" || true
	for file in /etc/apt/auth.conf /etc/apt/auth.conf.d /etc/resolv.conf /etc/hosts; do
		[ ! -e $file ] || cp -LR $file "$root$(dirname $file)"
	done
	mkdir -p "$root/etc/ssl/certs" "$root/usr/local/go"
	cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
	mount --bind "$(go env GOROOT)" "$root/usr/local/go"
	mount -o remount,bind,ro "$root/usr/local/go"
	mount -t proc proc "$root/proc"
	for dir in sys dev; do
		mount --rbind /$dir "$root/$dir"
	done
	environment=(HOME=/root TERM=dumb PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
	for name in GOPROXY GOSUMDB GONOSUMDB GONOPROXY GOPRIVATE GOINSECURE GOTOOLCHAIN; do
		environment+=("$name=$(go env $name)")
	done
	for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY LIBBPF_GO_STRICT; do
		[ -z "${!name:-}" ] || environment+=("$name=${!name}")
	done
	# Not chroot: a process in a chroot can't make a user namespace.
	cd "$root"
	pivot_root . mnt
	cd /root/libbpf-go
	umount --lazy /mnt
	while read -r command; do
		echo "fresh_test: $command"
		began=$SECONDS
		env -i "${environment[@]}" $command </dev/null || die "\"$command\" failed in a bare Debian 12"
		echo "fresh_test: $command: ok, $((SECONDS - began)) s"
	done </commands
	exit
fi

[ "$(id -u)" = 0 ] || die "run it as root: it makes a root of its own and mounts there"
if ! command -v debootstrap >/dev/null; then
	echo "fresh_test: installing debootstrap"
	export DEBIAN_FRONTEND=noninteractive
	said=$(apt-get update && apt-get install -y --no-install-recommends debootstrap 2>&1 </dev/null) ||
		die "debootstrap can't be installed: $said"
fi

root=$(mktemp -d /var/tmp/libbpf-go-fresh.XXXXXX)
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
chmod 755 "$root"
sed -n 's/^    \(make [a-z]*\) *# as root:.*/\1/p' README.md >"$root/commands"
[ "$(wc -l <"$root/commands")" = 2 ] || die "the README does not begin with two commands"
git clone -q --no-local . "$root/root/libbpf-go"

# The archives that this machine's apt uses and that have this Debian.
base=
sources=
for archive in $(archives); do
	for name in $suite $suite-updates $suite-security; do
		if /usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file "${archive}dists/$name/InRelease" \
			"$root/InRelease" >/dev/null 2>&1 </dev/null; then
			sources+="deb $archive $name main"$'\n'
			[ $name != $suite ] || base=${base:-$archive}
		fi
	done
done
[ -n "$base" ] || die "none of the archives that apt is configured for has Debian 12"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e $keyring ] || keyring=
export base sources keyring
unshare --mount --propagation private "$0" inner "$root"
echo "fresh_test: ok, in a bare Debian 12 on Linux $(uname -r), $(date -u +%F): $SECONDS s in all"
