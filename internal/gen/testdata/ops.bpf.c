//go:build ignore

/* A struct_ops, with fields of all kinds. No kernel has it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct state;

struct example_ops {
	int (*start)(struct state *state);
	int (*stop)(struct state *state, int why);
	__u32 flags;
	long limit;
	char name[16];
	void *private;
	__u32 bits : 3;
	struct {
		int inside;
	} more;
};

SEC("struct_ops")
int start(unsigned long long *ctx) { return 0; }

SEC("struct_ops")
int stop(unsigned long long *ctx) { return 0; }

SEC(".struct_ops.link")
struct example_ops example = {
	.start = (void *)start,
	.flags = 3,
	.name = "example",
};

char LICENSE[] SEC("license") = "GPL";
