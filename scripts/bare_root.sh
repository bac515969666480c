#!/usr/bin/env bash
# Makes a bare Debian 12 that has only Go and the packages that are named, and runs a command in it as root, on this
# machine's kernel. The content of FOLDER is in /root there, where the command runs. Its environment has only what says
# where Go's modules come from, and the variables that are named.
#
#   bare_root.sh PACKAGE,PACKAGE... FOLDER COMMAND [NAME=VALUE...]
#
# It must run as root. It leaves nothing behind: the mounts are in their own namespace, and the root folder is removed.
set -euo pipefail
export LC_ALL=C
here=$(realpath "$(dirname "$0")")
. "$here/../cmd/bpfgo-vendor/archives.sh"
suite=bookworm

die() {
	printf 'bare_root: %s\n' "$*" >&2
	exit 1
}

# The part that runs in the namespace.
if [ "${1:-}" = inner ]; then
	root=$2 packages=$3 folder=$4 command=$5
	shift 5
	mount --bind "$root" "$root"
	# debootstrap installs the "required" packages and apt.
	# shellcheck disable=SC2031,SC2086 # it inherits base; no keyring is no option
	debootstrap --variant=minbase --include="$packages" ${keyring:+--keyring="$keyring"} $suite "$root" "$base" \
		>"$root/debootstrap.log" 2>&1 || {
		tail -n 20 "$root/debootstrap.log" >&2
		die "debootstrap failed"
	}
	cp -R "$folder/." "$root/root"
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
	for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
		[ -z "${!name:-}" ] || environment+=("$name=${!name}")
	done
	# Not chroot: a process in a chroot can't make a user namespace.
	cd "$root"
	pivot_root . mnt
	cd /root
	umount --lazy /mnt
	exec env -i "${environment[@]}" "$@" "$command" </dev/null
fi

[ $# -ge 3 ] || die "usage: bare_root.sh PACKAGE,PACKAGE... FOLDER COMMAND [NAME=VALUE...]"
[ "$(id -u)" = 0 ] || die "run it as root: it makes a root of its own and mounts there"
if ! command -v debootstrap >/dev/null; then
	echo "bare_root: installing debootstrap"
	export DEBIAN_FRONTEND=noninteractive
	said=$(apt-get update && apt-get install -y --no-install-recommends debootstrap 2>&1 </dev/null) ||
		die "debootstrap can't be installed: $said"
fi

root=$(mktemp -d /var/tmp/libbpf-go-root.XXXXXX)
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
chmod 755 "$root"

# The archives that this machine's apt uses and that have this Debian.
base=
sources=
for archive in $(archives); do
	for name in $suite $suite-updates $suite-security; do
		if /usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file "${archive}dists/$name/InRelease" \
			"$root/InRelease" >/dev/null 2>&1 </dev/null; then
			sources+="deb $archive $name main"$'\n'
			[ "$name" != "$suite" ] || base=${base:-$archive}
		fi
	done
done
[ -n "$base" ] || die "none of the archives that apt is configured for has Debian 12"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e $keyring ] || keyring=
export base sources keyring
unshare --mount --propagation private "$here/bare_root.sh" inner "$root" "$@"
