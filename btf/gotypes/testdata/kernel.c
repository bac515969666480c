// Structs that the kernel alone may access.

typedef unsigned int u32;
typedef unsigned long long u64;

struct bpf_spin_lock {
	u32 val;
};
struct bpf_timer {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_wq {
	u64 : 64;
	u64 : 64;
} __attribute__((aligned(8)));
struct bpf_list_head {
	u64 : 64;
	u64 : 64;
} __attribute__((aligned(8)));
struct bpf_rb_root {
	u64 : 64;
	u64 : 64;
} __attribute__((aligned(8)));
struct bpf_rb_node {
	u64 : 64;
	u64 : 64;
	u64 : 64;
	u64 : 64;
} __attribute__((aligned(8)));
struct bpf_refcount {
	u32 : 32;
} __attribute__((aligned(4)));

struct element {
	struct bpf_spin_lock lock;
	struct bpf_refcount refs;
	struct bpf_timer timer;
	struct bpf_wq wq;
	struct bpf_list_head list;
	struct bpf_rb_root root;
	struct bpf_rb_node node;
	u64 value;
};

struct element element = { .value = 1 };
