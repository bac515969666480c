// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes to a program's standard output and standard error, and returns the kernel's result. The kernel's
 * function has had two names.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

extern int bpf_stream_vprintk___four(int stream_id, const char *fmt__str, const void *args,
				     __u32 len__sz) __weak __ksym;
extern int bpf_stream_vprintk_impl___five(int stream_id, const char *fmt__str, const void *args, __u32 len__sz,
					  void *aux__prog) __weak __ksym;

static const char line[] = "packet of %llu bytes\n";

static __always_inline int print(int stream, __u64 number)
{
	__u64 args[] = { number };

	if (bpf_ksym_exists(bpf_stream_vprintk_impl___five))
		return bpf_stream_vprintk_impl___five(stream, line, args, sizeof(args), NULL);
	if (bpf_ksym_exists(bpf_stream_vprintk___four))
		return bpf_stream_vprintk___four(stream, line, args, sizeof(args));
	return -1;
}

SEC("tc")
int print_length(struct __sk_buff *skb)
{
	int ret = print(BPF_STDOUT, skb->len);

	return ret < 0 ? ret : print(BPF_STDERR, skb->len + 1);
}

char LICENSE[] SEC("license") = "GPL";
