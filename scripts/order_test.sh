#!/usr/bin/env bash
# Looks for the instructions in the C code of ring buffers for arm64 that keep accesses to shared memory in order. The
# emulators that tests run in do not have the memory order of a real arm64. For the Go code, TestInstructionsOfARM64
# does the same.
set -euo pipefail

cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

CC=aarch64-linux-gnu-gcc GOARCH=arm64 CGO_ENABLED=1 go build -buildvcs=false -o "$tmp/bpfgo" ./cmd/bpfgo

# has FUNCTION PATTERN: the function has these instructions, in this order.
has() {
	local found
	found=$(aarch64-linux-gnu-objdump -d --no-show-raw-insn --disassemble="$1" "$tmp/bpfgo" |
		sed -En 's/.*\t(ldr|str|ldar|stlr|ldaxr|stlxr|dmb|ret)\b.*/\1/p; s/.*<(__aarch64_[a-z0-9_]*)>.*/\1/p' | tr '\n' ' ')
	[[ $found =~ $2 ]] || {
		echo "order_test: FAIL: $1 has no '$2' but: $found" >&2
		exit 1
	}
}

# The ends of calls are loaded with acquire, a refused record is given back with release, and before the return is a
# full barrier.
has lbg_rings_consume 'ldar .*stlr dmb '
has lbg_ring_buffer_consume 'dmb ret '
has on_record 'ldar '
# libbpf's loads of positions and headers have a barrier behind them, and its stores one before them.
has ringbuf_process_ring 'ldr dmb .*dmb (ldr )?str '
has user_ring_buffer__reserve 'ldr dmb .*dmb str '
has user_ring_buffer__submit '__aarch64_swp4_acq_rel|ldaxr .*stlxr'
echo "order_test: ok"
