//go:build ignore

/* Counts the connections that the processes of a cgroup open, by port. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Load pins the map, or takes the one that is pinned. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u64);
} ports SEC(".maps");

static int count(struct bpf_sock_addr *ctx)
{
	__u32 port = bpf_ntohs(ctx->user_port);
	__u64 none = 0, *n = bpf_map_lookup_elem(&ports, &port);

	if (!n) {
		/* This fails if another CPU was faster. */
		bpf_map_update_elem(&ports, &port, &none, BPF_NOEXIST);
		n = bpf_map_lookup_elem(&ports, &port);
	}
	if (n)
		__sync_fetch_and_add(n, 1);
	return 1; /* go on */
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	return count(ctx);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	return count(ctx);
}

char LICENSE[] SEC("license") = "GPL";
