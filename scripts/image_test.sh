#!/usr/bin/env bash
# Builds the images of deploy/Dockerfile from what is committed here, without a daemon and without a registry, and runs
# each with few capabilities, the seccomp profile and a read-only root. It must run as root, with buildah, runc and
# debootstrap (install-deps.sh image), and needs 10 GB in /var/tmp. It leaves nothing behind.
#
#   image_test.sh           # bpfgo and exporter
#   image_test.sh bpfgo     # one of them
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
# shellcheck source=/dev/null
. cmd/bpfgo-vendor/archives.sh
suite=bookworm

die() {
	printf 'image_test: %s\n' "$*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || die "run it as root"
tmp=$(mktemp -d /var/tmp/libbpf-go-image.XXXXXX)
running=
cleanup() {
	[ -z "$running" ] || runc --root "$tmp/runc" delete --force "$running" || true
	build umount --all >/dev/null 2>&1 || true
	rm -rf --one-file-system "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# build: buildah with storage of its own.
build() { buildah --root "$tmp/storage" --runroot "$tmp/run" --storage-driver vfs "$@"; }

# image NAME FOLDER PLACE: an image that has the folder there.
image() {
	local container
	container=$(build from scratch)
	build copy -q "$container" "$2" "$3" >/dev/null
	build commit -q --rm "$container" "$1" >/dev/null
}

# base: what the registry would have, with the packages that the Dockerfile installs.
base() {
	local archive found=
	for archive in $(archives); do
		/usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file "${archive}dists/$suite/InRelease" \
			"$tmp/InRelease" >/dev/null 2>&1 </dev/null && found=$archive && break
	done
	[ -n "$found" ] || die "none of the archives that apt is configured for has Debian 12"
	debootstrap --variant=minbase --include=ca-certificates,clang,gcc,git,libc6-dev,linux-libc-dev,make $suite "$tmp/base" \
		"$found" >"$tmp/debootstrap.log" 2>&1 || {
		tail -n 20 "$tmp/debootstrap.log" >&2
		die "debootstrap failed"
	}
	printf 'deb %s %s main\n' "$found" $suite >"$tmp/base/etc/apt/sources.list"
	apt-config dump | grep '^Acquire::' >"$tmp/base/etc/apt/apt.conf.d/99host" || true
	for file in /etc/apt/auth.conf /etc/apt/auth.conf.d; do
		[ ! -e $file ] || cp -LR $file "$tmp/base/etc/apt/"
	done
	cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$tmp/base/etc/ssl/certs/ca-certificates.crt"
	image localhost/base "$tmp/base" /
	rm -rf --one-file-system "$tmp/base"
	image localhost/golang "$(go env GOROOT)" /usr/local/go
}

# contained NAME ROOT ARGUMENT...: runs a command in a container: uid 0 with CAP_BPF and CAP_PERFMON only, no new
# privileges, deploy/seccomp.json, and nothing that can be written but /tmp.
contained() {
	local name=$1 root=$2 bundle=$tmp/bundle-$1 arguments
	shift 2
	mkdir -p "$bundle"
	arguments=$(printf ',"%s"' "$@")
	cat >"$bundle/config.json" <<-JSON
		{"ociVersion": "1.0.0", "hostname": "test",
		 "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": [${arguments#,}], "env": ["PATH=/"],
		  "noNewPrivileges": true, "capabilities": {
		   "bounding": ["CAP_BPF", "CAP_PERFMON"], "effective": ["CAP_BPF", "CAP_PERFMON"],
		   "permitted": ["CAP_BPF", "CAP_PERFMON"]}},
		 "root": {"path": "$root", "readonly": true},
		 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
		  {"destination": "/sys", "type": "none", "source": "/sys", "options": ["rbind", "ro"]}],
		 "linux": {"namespaces": [{"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "pid"}],
		  "seccomp": $(cat deploy/seccomp.json)}}
	JSON
	running=$name
	runc --root "$tmp/runc" run --bundle "$bundle" "$name"
	running=
}

# scrape PORT: what the exporter answers.
scrape() {
	exec 3<>"/dev/tcp/127.0.0.1/$1" || return
	printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
	cat <&3
	exec 3>&-
}

# exports ROOT: the exporter exports system calls of this machine.
exports() {
	local port=19435 tries=0
	contained exporter "$1" /exporter -config /etc/bpf-exporter/exporter.yml -listen "127.0.0.1:$port" &
	local contained=$!
	running=exporter
	until scrape $port 2>/dev/null | grep -q '^syscalls_total{.*} [1-9]'; do
		tries=$((tries + 1))
		[ $tries -lt 60 ] || die "the exporter exports nothing"
		sleep 1
	done
	runc --root "$tmp/runc" kill exporter INT
	wait $contained || die "the exporter failed"
	running=
}

mkdir "$tmp/source"
git archive HEAD | tar -x -C "$tmp/source"
base
for target in "${@:-bpfgo exporter}"; do
	for name in $target; do
		began=$SECONDS
		build build --isolation chroot --network host --layers=false -f "$tmp/source/deploy/Dockerfile" --target "$name" \
			-v "$(go env GOMODCACHE):/root/go/pkg/mod" -v "$(go env GOCACHE):/root/.cache/go-build" \
			--build-arg BASE=localhost/base --build-arg GOLANG=localhost/golang --build-arg GOPROXY="$(go env GOPROXY)" \
			-t "localhost/$name" "$tmp/source" >"$tmp/build.log" 2>&1 || {
			tail -n 40 "$tmp/build.log" >&2
			die "$name does not build"
		}
		container=$(build from "localhost/$name")
		root=$(build mount "$container")
		echo "image_test: $name: built in $((SECONDS - began)) s, $(du -sb "$root" | cut -f1) bytes in" \
			"$(find "$root" -type f | wc -l) files"
		case $name in
		bpfgo) contained bpfgo "$root" /bpfgo --version ;;
		exporter) exports "$root" ;;
		esac
		echo "image_test: $name: ok"
	done
done
