#!/usr/bin/env bash
# Tests release_check.sh in a clone that has a release.
set -euo pipefail
export LC_ALL=C
unset GOWORK GOFLAGS
cd "$(dirname "$0")/.."
tmp=$(realpath "$(mktemp -d)")
trap 'rm -rf "$tmp"' EXIT

fail() {
	printf 'release_check_test: FAIL: %s\n' "$*" >&2
	sed 's/^/    /' "$tmp/out" >&2
	exit 1
}

# check VERSION: the script's answer is in $tmp/out.
check() { (cd "$tmp/clone" && scripts/release_check.sh "$1") >"$tmp/out" 2>&1; }

# says TEXT...: so does the answer, also as the beginning of a line.
says() {
	local text
	for text; do grep -qF -e "$text" "$tmp/out" || fail "it does not say: $text"; done
}

# commit CHANGELOG: all that there is, with a changelog that begins so.
commit() {
	printf '# Changelog\n\n%b\n\n## v0.0.1 (2026-01-01)\n\n- All.\n' "$1" >"$tmp/clone/CHANGELOG.md"
	git -C "$tmp/clone" add -A
	git -C "$tmp/clone" -c user.name=test -c user.email=test@example.org commit -q -m test
}

git clone -q --no-tags . "$tmp/clone"
cp scripts/release_check.sh "$tmp/clone/scripts"
cp -R libbpf/upstream "$tmp/clone/libbpf"
make -s -C "$tmp/clone" vendor >"$tmp/out"
today=$(date +%F)
printf 'package libbpf\n\nfunc Leaves() {}\n' >"$tmp/clone/leaves.go"
commit "## v0.2.0 ($today)\n\n- Much."
check v0.2.0 || fail "the first release"
says "ok: v0.2.0 follows no release" "ok: all is committed" "ok: the changelog"
(cd "$tmp/clone" && go -C scripts/dist run -buildvcs=false . -o "$tmp/dist" -version v0.2.0 -tag) >"$tmp/out" 2>&1 || fail "a tag"

touch "$tmp/clone/new"
check v0.2 && fail "v0.2"
says "FAIL: v0.2 is not a semantic version"
check v0.2.0 && fail "a release again"
says "FAIL: v0.2.0 has been released" "FAIL: this is not committed" "?? new" "ok: the API: programs for v0.2.0 compile"
check v0.2.0-rc.1 && fail "a lower version"
says "FAIL: v0.2.0-rc.1 is lower than v0.2.0" "FAIL: CHANGELOG.md begins with '## v0.2.0 ($today)'"
rm "$tmp/clone/new"

rm "$tmp/clone/leaves.go"
commit "## v0.2.1 ($today)\n\n### Removed\n\n- Leaves."
check v0.2.1 && fail "a patch that breaks programs"
says "ok: v0.2.1 follows v0.2.0" "FAIL: programs for v0.2.0 may not compile, which v0.2.1 must not do" "Leaves"
commit "## v0.3.0 ($today)\n\n### Added\n\n- Nothing."
check v0.3.0 && fail "a changelog that is silent about what breaks programs"
says "FAIL: CHANGELOG.md has no '### Changed' or '### Removed'" "Leaves"
commit "## v0.3.0 ($today)"
check v0.3.0 && fail "an empty changelog"
says "FAIL: CHANGELOG.md says nothing of v0.3.0"
commit "## v0.3.0 ($today)\n\n### Removed\n\n- Leaves."
check v0.3.0 || fail "a minor version that breaks programs"
says "ok: the API: v0.3.0 may ask programs for v0.2.0 to change, and does" "Leaves"
echo 'release_check_test: ok'
