#!/usr/bin/env bash
# Runs the README's first two commands in a bare Debian 12 that has only Go, gcc, make and git, on this machine's
# kernel, in a fresh clone of what is committed here. It must run as root, takes as long as the commands do, and needs 4
# GB in /var/tmp. It leaves nothing behind.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

die() {
	printf 'fresh_test: %s\n' "$*" >&2
	exit 1
}

tmp=$(mktemp -d /var/tmp/libbpf-go-fresh.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
git clone -q --no-local . "$tmp/libbpf-go"
sed -n 's/^    \(make [a-z]*\) *# as root:.*/\1/p' README.md >"$tmp/commands"
[ "$(wc -l <"$tmp/commands")" = 2 ] || die "the README does not begin with two commands"
cat >"$tmp/run" <<'INNER'
#!/bin/bash
cd /root/libbpf-go
while read -r command; do
	echo "fresh_test: $command"
	began=$SECONDS
	$command </dev/null || { echo "fresh_test: \"$command\" failed in a bare Debian 12" >&2; exit 1; }
	echo "fresh_test: $command: ok, $((SECONDS - began)) s"
done </root/commands
INNER
chmod +x "$tmp/run"
# gcc does not bring the headers of the C library: make demo does.
scripts/bare_root.sh gcc,make,git "$tmp" /root/run ${LIBBPF_GO_STRICT:+LIBBPF_GO_STRICT="$LIBBPF_GO_STRICT"}
echo "fresh_test: ok, in a bare Debian 12 on Linux $(uname -r), $(date -u +%F): $SECONDS s in all"
