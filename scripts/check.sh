#!/usr/bin/env bash
# Looks for what tests do not find: known vulnerabilities, suspicious Go, shell and C. Each tool has one configuration:
# .golangci.yml (which includes staticcheck), .shellcheckrc and .clang-format.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C
cd "$(dirname "$0")/.."
root=$PWD

# The versions change when somebody has tried new ones.
golangci=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
govulncheck=golang.org/x/vuln/cmd/govulncheck@v1.9.0
# This one has the vulnerabilities, so it is the newest.
database=golang.org/x/vulndb

tools=$root/bin/tools
failed=0

# tool PACKAGE@VERSION: builds it, if it is not there in that version. It is for this machine, whatever is checked.
tool() {
	local name=${1%@*}
	name=$tools/${name##*/}@${1##*@}
	[ -x "$name" ] || {
		GOBIN=$tools GOFLAGS='' GOOS='' GOARCH='' GOWORK=off go install "$1"
		mv "${name%@*}" "$name"
	}
	echo "$name"
}

# checks WHAT COMMAND...: the command succeeds.
checks() {
	local what=$1
	shift
	if "$@"; then echo "ok: $what"; else
		echo "FAIL: $what" >&2
		failed=1
	fi
}

# Those whose code needs nothing else that is generated or installed, but for one file.
(cd examples/cgo && GOFLAGS=-buildvcs=false go generate ./describe)
modules=(. scripts/dist scripts/sbom scripts/site cmd/bpfgo/mkdocs selftests examples examples/cgo examples/exporter)

# shellcheck disable=SC2317 # it is called through "checks"
# lint: golangci-lint finds nothing in any module.
lint() {
	local module ok=0
	for module in "${modules[@]}"; do
		(cd "$module" && "$linter" run --config "$root/.golangci.yml" ./...) || ok=1
	done
	return "$ok"
}

export GOFLAGS=-buildvcs=false
linter=$(tool $golangci)
scanner=$(tool $govulncheck)
go build -o "$tools/vulnerabilities" ./scripts/vulnerabilities

download=$(GOFLAGS=-mod=mod GOWORK=off go mod download -json $database@latest) || {
	echo "$download" >&2
	exit 1
}
folder=$(sed -n 's/.*"Dir": "\(.*\)",\?$/\1/p' <<<"$download")
checks "vulnerabilities of modules" "$tools/vulnerabilities" -osv "$folder/data/osv" "$scanner" "${modules[@]}"
checks "Go" lint
checks "the bill of materials" go -C scripts/sbom test -count=1 .

# Everything but what libbpf and others have written, and test data that is meant to be odd.
mapfile -t files < <(git ls-files)
scripts=() sources=()
for file in "${files[@]}"; do
	case $file in
	*/testdata/*) ;;
	*.sh) scripts+=("$file") ;;
	*.c | *.h) sources+=("$file") ;;
	esac
done
checks "shell" shellcheck .ci/run "${scripts[@]}"
checks "C" clang-format --dry-run --Werror "${sources[@]}"
exit "$failed"
