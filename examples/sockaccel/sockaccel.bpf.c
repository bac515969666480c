//go:build ignore

/* Moves what is sent between two sockets of this machine directly from one to the other, past TCP. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2

__u64 sockets_added;
__u64 bytes_moved;

/* A socket, as it sees itself. */
struct endpoint {
	__u32 local_address;
	__u32 remote_address;
	__u32 local_port;
	__u32 remote_port;
};

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 65536);
	__type(key, struct endpoint);
	__type(value, __u64);
} sockets SEC(".maps");

/* Runs for the sockets of a cgroup: keeps those that are connected over the loopback. */
SEC("sockops")
int on_socket(struct bpf_sock_ops *ops)
{
	struct endpoint self = {};

	if (ops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB && ops->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		return 1;
	self.local_address = ops->local_ip4;
	self.remote_address = ops->remote_ip4;
	self.local_port = ops->local_port;
	self.remote_port = bpf_ntohl(ops->remote_port);
	if (ops->family != AF_INET || (self.remote_address & bpf_htonl(0xff000000)) != bpf_htonl(0x7f000000))
		return 1;
	if (!bpf_sock_hash_update(ops, &sockets, &self, BPF_NOEXIST))
		__sync_fetch_and_add(&sockets_added, 1);
	return 1;
}

/* Runs for what a socket of the map sends: puts it where the other end receives. */
SEC("sk_msg")
int redirect(struct sk_msg_md *msg)
{
	struct endpoint peer = {
		.local_address = msg->remote_ip4,
		.remote_address = msg->local_ip4,
		.local_port = bpf_ntohl(msg->remote_port),
		.remote_port = msg->local_port,
	};

	/* Where the other end is not in the map, TCP sends it. */
	if (bpf_msg_redirect_hash(msg, &sockets, &peer, BPF_F_INGRESS) == SK_PASS)
		__sync_fetch_and_add(&bytes_moved, msg->size);
	return SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
