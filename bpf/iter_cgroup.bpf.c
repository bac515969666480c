// SPDX-License-Identifier: BSD-2-Clause
/* An iterator over cgroups, which newer kernels have. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("iter/cgroup")
int dump_cgroups(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *cgroup = ctx->cgroup;
	struct kernfs_node *node = cgroup ? cgroup->kn : NULL;
	__u64 id;

	if (!node)
		return 0;
	id = node->id;
	bpf_seq_write(ctx->meta->seq, &id, sizeof(id));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
