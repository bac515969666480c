#!/usr/bin/env bash
# Says whether HEAD can be released as a version, as far as its number, the changelog and the API go:
#
#   release_check.sh v0.2.0
#
# Everything is looked at, also behind a failure. "make release-check" also makes what belongs to a release.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C GOFLAGS=-buildvcs=false
unset GOWORK
cd "$(dirname "$0")/.."
root=$PWD
version=${1:?usage: release_check.sh vMAJOR.MINOR.PATCH}
library=$(go list -m)
apidiff=golang.org/x/exp/cmd/apidiff@v0.0.0-20261113113407-e3970619a1a4

tmp=$(realpath "$(mktemp -d)")
trap 'rm -rf "$tmp"; git worktree prune' EXIT
failed=0

ok() { printf 'ok: %s\n' "$*"; }
fail() {
	printf 'FAIL: %s\n' "$*" >&2
	failed=1
}

# order VERSION...: the versions from the lowest to the highest. A pre-release comes before its release.
order() { printf '%s\n' "$@" | sed 's/-/~/' | sort -V | sed 's/~/-/'; }

# The version, and the one before.

number='(0|[1-9][0-9]*)'
[[ $version =~ ^v$number\.$number\.$number(-[0-9A-Za-z.-]+)?$ ]] || {
	fail "$version is not a semantic version such as v0.2.0"
	exit 1
}
mapfile -t tags < <(git tag --list 'v[0-9]*.[0-9]*.[0-9]*')
last=
[ ${#tags[@]} = 0 ] || last=$(order "${tags[@]}" | tail -n 1)
if git rev-parse -q --verify "refs/tags/$version" >/dev/null; then
	fail "$version has been released"
elif [ -n "$last" ] && [ "$(order "$last" "$version" | tail -n 1)" != "$version" ]; then
	fail "$version is lower than $last, which has been released"
else
	ok "$version follows ${last:-no release}"
fi

# A release has what is committed.

changed=$(git status --porcelain)
if [ -n "$changed" ]; then
	fail "this is not committed, and would not be in the release:"$'\n'"$changed"
else
	ok "all is committed"
fi

# The changelog: the first section is this version's, with the day.

heading=$(grep -m 1 '^## ' CHANGELOG.md || true)
section=$(awk -v heading="$heading" '$0 == heading { inside = 1; next } /^## / { inside = 0 } inside' CHANGELOG.md)
if ! [[ $heading =~ ^"## $version ("20[0-9]{2}-[01][0-9]-[0-3][0-9]")"$ ]]; then
	fail "CHANGELOG.md begins with '$heading' and not with '## $version ($(date +%F))'"
elif ! grep -q '^- ' <<<"$section"; then
	fail "CHANGELOG.md says nothing of $version"
else
	ok "the changelog"
fi

# The API: what users have to change asks for another minor version before 1.0, then for another major version, and for a
# word in the changelog.

# api FOLDER FILE: writes what the module in the folder exports.
api() { (cd "$1" && "$tools/apidiff" -m -w "$2" "$library") >"$tmp/out" 2>&1 || { cat "$tmp/out" >&2; false; }; }

# breaks OLD NEW: whether users of OLD expect changes that they must follow in NEW.
breaks() {
	local old=${1#v} new=${2#v}
	local oldMajor=${old%%.*} newMajor=${new%%.*}
	if [ "$newMajor" = 0 ] && [ "$oldMajor" = 0 ]; then
		[ "$(cut -d . -f 2 <<<"$old")" != "$(cut -d . -f 2 <<<"$new")" ]
	else
		[ "$oldMajor" != "$newMajor" ]
	fi
}

tools=$tmp/tools
if [ -z "$last" ]; then
	ok "no release before this one has an API"
elif ! GOBIN=$tools GOFLAGS='' go install "$apidiff"; then
	fail "apidiff does not build: the API was not compared"
elif ! git worktree add -q --detach "$tmp/old" "$last" || ! api "$tmp/old" "$tmp/old.api" || ! api "$root" "$tmp/new.api"; then
	fail "the API could not be read"
else
	incompatible=$("$tools/apidiff" -m -incompatible "$tmp/old.api" "$tmp/new.api")
	if [ -z "$incompatible" ]; then
		ok "the API: programs for $last compile"
	elif ! breaks "$last" "$version"; then
		fail "programs for $last may not compile, which $version must not do:"$'\n'"$incompatible"
	elif ! grep -qE '^### (Changed|Removed)' <<<"$section"; then
		fail "CHANGELOG.md has no '### Changed' or '### Removed', but programs for $last may not compile:"$'\n'"$incompatible"
	else
		ok "the API: $version may ask programs for $last to change, and does:"$'\n'"$incompatible"
	fi
	git worktree remove --force "$tmp/old"
fi

exit "$failed"
