// SPDX-License-Identifier: BSD-2-Clause
/* An LSM program for a cgroup: it counts the sockets that are made in it, and allows them. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

__u64 hits = 0;

SEC("lsm_cgroup/socket_post_create")
int BPF_PROG(post_create, struct socket *sock, int family, int type, int protocol, int kern)
{
	__sync_fetch_and_add(&hits, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
