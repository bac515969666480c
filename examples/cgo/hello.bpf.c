//go:build ignore

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("socket")
int hello(struct __sk_buff *skb)
{
	return skb->len;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
