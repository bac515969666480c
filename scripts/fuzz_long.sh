#!/bin/sh
# fuzz_long.sh EXECUTIONS [TARGET...]: mutates each seed of the fuzz targets so many times, in a plain loop, and prints a
# table. Slow targets get fewer. FUZZFLAGS are for go test, such as -asan. FUZZKEEP=yes adds what ends in a new way to the
# package's testdata/corpus. An input that fails, or ends the process, goes to its testdata/fuzz.
set -eu
cd "$(dirname "$0")/.."
executions=$1
shift
work=$PWD/bin/fuzz
rm -rf "$work"
mkdir -p "$work"
: >"$work/table"
failed=

# run: one target.
run() {
	(cd "$package" && LIBBPF_GO_FUZZ=$executions LIBBPF_GO_FUZZ_DIR=$dir LIBBPF_GO_FUZZ_KEEP=${FUZZKEEP-} \
		"$dir/test" -test.timeout 0 -test.run "^$target\$") </dev/null >>"$dir/$target.log" 2>&1
}

grep -rl --include='*_test.go' '^func Fuzz' . | grep -v '^./bin/' | sort >"$work/files"
while read -r file; do
	package=$(dirname "$file")
	dir=$work/$(echo "root$package" | tr / _)
	mkdir -p "$dir"
	targets=$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$file")
	for target in $targets; do
		[ $# = 0 ] || case " $* " in *" $target "*) ;; *) continue ;; esac
		# shellcheck disable=SC2086 # flags are several words
		[ -x "$dir/test" ] || ${GO:-go} test -buildvcs=false ${FUZZFLAGS-} -c -o "$dir/test" "$package"
		if ! run; then
			failed="$failed $package:$target"
			# What ended the process is in this file, and the next run writes it as an input.
			[ ! -e "$dir/$target.last" ] || run || :
			tail -n 40 "$dir/$target.log" >&2
		fi
		sed -n "s|^fuzzed |$package |p" "$dir/$target.log" | tee -a "$work/table"
	done
done <"$work/files"
rm -f "$work"/*/test
awk '{ n += $3 } END { printf "%d executions of %d targets\n", n, NR }' "$work/table"
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
