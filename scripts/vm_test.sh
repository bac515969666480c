#!/usr/bin/env bash
# Tests that scripts/vm distinguishes success from everything else: it boots a kernel for each way in which a guest can
# end.
#
#   vm_test.sh KERNEL    a name in vm/kernels.txt
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
kernel=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
count=0
go build -buildvcs=false -o "$tmp/vm" ./scripts/vm

fail() {
	printf 'vm_test: FAIL: %s\n' "$*" >&2
	sed 's/^/    /' "$tmp/out" "$tmp/err" >&2
	exit 1
}

# vm STATUS OPTIONS... -- COMMAND: the shell command's output is in $tmp/out, the runner's in $tmp/err.
vm() {
	local want=$1 status=0 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	"$tmp/vm" run -k "$kernel" "${options[@]}" /bin/busybox sh -c "$2" >"$tmp/out" 2>"$tmp/err" || status=$?
	[ $status = "$want" ] || fail "status $status, want $want: $2"
	count=$((count + 1))
}

said() { grep -q "$1" "$tmp/err" || fail "the runner does not say: $1"; }

# The guest behaves like the host: the same output, folder, files and status, and the chosen variables.
printf 'a\r\nb\n\036no newline' >"$tmp/want"
LIBBPF_GO_X="it's" SECRET=x vm 7 -cpus 3 -append libbpf_go.x=1 -bring "$tmp/written" -- \
	"printf 'a\\r\\nb\\n\\036no newline'; [ \"\$PWD\" = '$PWD' ] && [ -f go.mod ] &&
	[ \"\$LIBBPF_GO_X\" = \"it's\" ] && [ -z \"\${SECRET:-}\" ] && ! read -r line && [ \"\$(nproc)\" = 3 ] &&
	grep -q 'libbpf_go.x=1' /proc/cmdline && echo brought >'$tmp/written' && exit 7"
cmp -s "$tmp/want" "$tmp/out" || fail "the output is not what was printed"
[ "$(cat "$tmp/written")" = brought ] || fail "a file that the program wrote is not here"

# The file systems that the tests need are mounted.
# shellcheck disable=SC2016 # the guest expands it
vm 0 -- 'set -e; for fs in "bpf /sys/fs/bpf" "tracefs /sys/kernel/tracing" "cgroup2 /sys/fs/cgroup" \
	"securityfs /sys/kernel/security"; do grep -q "$fs" <<-END
	$(awk "{ print \$3, \$2 }" /proc/mounts)
	END
	done; grep -q bpf /sys/kernel/security/lsm; ip link show lo | grep -q UP; [ "$(nproc)" = 2 ]
	grep -q "^veth " /proc/modules; [ "$(readlink /var/tmp)" = /tmp ]; [ "$(id -u)" = 0 ]'

# A guest that dies, after some output. QEMU exits with 0 in all of these cases.
vm 1 -- 'echo PASS; echo c >/proc/sysrq-trigger'
said 'the machine ended before it did'
said 'Kernel panic'
grep -q PASS "$tmp/out" || fail "what was said before the panic is lost"
vm 1 -- 'echo PASS; poweroff -f'
said 'the machine ended before it did'
vm 1 -limit 15s -- 'echo PASS; sleep 1000'
said 'hung'
vm 1 -limit 1s -- 'true'
said 'it hung'
vm 137 -- 'kill -9 $$'

# If it is ended from outside, nothing stays behind.
"$tmp/vm" run -k "$kernel" /bin/busybox sleep 1000 >"$tmp/out" 2>"$tmp/err" &
pid=$!
qemu=
for _ in $(seq 100); do
	# Its first child. Not by pgrep, which a bare Debian lacks.
	read -r qemu _ <"/proc/$pid/task/$pid/children" || true
	[ -z "$qemu" ] || break
	sleep 0.1
done
[ -n "$qemu" ] || fail "QEMU was not started"
kill -TERM $pid
! wait $pid || fail "a runner that was ended says success"
for _ in $(seq 50); do
	kill -0 "$qemu" 2>/dev/null || break
	sleep 0.1
done
! kill -0 "$qemu" 2>/dev/null || fail "QEMU stays behind"

# "bpfgo verify --kernel" boots a kernel without any of this.
status=0
folder=$(scripts/vm/kernels.sh "$kernel")
bin/bpfgo verify --kernel "$folder" --columns kernel,program,verdict bpf/rejected.bpf.o >"$tmp/out" 2>"$tmp/err" || status=$?
[ $status = 5 ] && grep -q 'accepted  *accepted$' "$tmp/out" && grep -q 'rejected  *rejected$' "$tmp/out" &&
	grep -q 'invalid mem access' "$tmp/out" || fail "bpfgo verify --kernel: status $status"

# Objects, and the current folder, may be where temporary files are, and paths may lead through folders and links.
mkdir -p "$tmp/folder/below"
cp bpf/rejected.bpf.o "$tmp/folder/r.o"
ln -s folder/below "$tmp/link"
bpfgo=$PWD/bin/bpfgo
for path in ../r.o "$tmp/folder/below/../r.o"; do
	status=0
	(cd "$tmp/link" && "$bpfgo" verify --kernel "$folder" --columns file "$path") >"$tmp/out" 2>"$tmp/err" || status=$?
	[ $status = 5 ] || fail "bpfgo verify --kernel of $path: status $status"
	count=$((count + 1))
done

# With go test: a test that fails, and a profile that is copied to the host.
go test -count=1 -exec "$tmp/vm run -k $kernel" -run '^TestPermitted$' -coverprofile "$tmp/cover" \
	./internal/testutil/skips \
	>"$tmp/out" 2>"$tmp/err" || fail "go test -exec"
grep -q '^github.*skips.go:.* 1$' "$tmp/cover" || fail "the coverage is empty"
mkdir "$tmp/module"
printf 'module example\n\ngo 1.25\n' >"$tmp/module/go.mod"
printf 'package example\n\nimport "testing"\n\nfunc TestFails(t *testing.T) { t.Fatal("as it should") }\n' \
	>"$tmp/module/example_test.go"
! (cd "$tmp/module" && go test -exec "$tmp/vm run -k $kernel" .) >"$tmp/out" 2>"$tmp/err" || fail "a failing test passes"
grep -q 'as it should' "$tmp/out" || fail "the failing test's output is lost"

# A suite that no longer exists is named.
status=0
LIBBPF_GO_CACHE=$tmp/cache scripts/vm/kernels.sh "$kernel" no-such-suite >"$tmp/out" 2>"$tmp/err" || status=$?
[ $status = 3 ] || fail "a kernel of no suite: status $status"
said 'suite no-such-suite is skipped: '
echo "vm_test: ok, $count guests ended as they should"
