#include "../../../libbpf/vendor.h"
#include "cuser_cgo.h"
#include <string.h>

/* Their names are those of the cycles in Go. */
static const struct {
	const char *name;
	cuser_cycle *run;
} cycles[] = {
#ifndef LIBBPF_GO_SYSTEM /* which may be too old for some functions */
	{ "open from memory", cuser_open_memory },
	{ "open a file", cuser_open_file },
	{ "load and attach", cuser_load_attach },
	{ "load maps, pinned", cuser_load_pinned },
	{ "load each type of map", cuser_load_types },
	{ "load and attach struct_ops", cuser_struct_ops },
	{ "pin and open pins", cuser_pins },
	{ "a hash map", cuser_hash },
	{ "a queue", cuser_queue },
	{ "a per-CPU map", cuser_per_cpu },
	{ "memory of a map", cuser_memory },
	{ "ring buffer with callbacks", cuser_ring },
	{ "perf buffer with callbacks", cuser_perf },
	{ "user ring buffer", cuser_user_ring },
	{ "link objects into a file", cuser_link_file },
	{ "types of the kernel", cuser_kernel_types },
	{ "types of an object", cuser_object_types },
	{ "queries", cuser_queries },
	{ "run a program", cuser_test_run },
	{ "attach xdp by netlink", cuser_xdp_netlink },
	{ "attach tc", cuser_tc },
	{ "load and attach USDT", cuser_load_attach },
	{ "attach socket filter", cuser_socket_filter },
	{ "attach tracepoint", cuser_tracepoint },
	{ "attach tracepoint-section", cuser_section },
	{ "attach raw_tp", cuser_raw_tracepoint },
	{ "attach tp_btf", cuser_trace },
	{ "attach uprobe", cuser_uprobe },
	{ "attach uprobe-legacy", cuser_uprobe_legacy },
	{ "attach uprobe-perf", cuser_uprobe_perf },
	{ "attach uprobe-library", cuser_uprobe_library },
	{ "attach uprobe.multi", cuser_uprobe_multi },
	{ "attach uprobe.multi-pattern", cuser_uprobe_pattern },
	{ "attach uprobe-section", cuser_section },
	{ "attach kprobe", cuser_kprobe },
	{ "attach kprobe-legacy", cuser_kprobe_legacy },
	{ "attach kprobe-perf", cuser_kprobe_perf },
	{ "attach ksyscall", cuser_ksyscall },
	{ "attach kprobe.multi", cuser_kprobe_multi },
	{ "attach kprobe.multi-pattern", cuser_kprobe_pattern },
	{ "attach fentry", cuser_trace },
	{ "attach fexit", cuser_trace },
	{ "attach fmod_ret", cuser_trace },
	{ "attach freplace", cuser_trace },
	{ "attach lsm", cuser_lsm },
	{ "attach perf event", cuser_perf_event },
	{ "attach xdp", cuser_xdp },
	{ "attach tcx", cuser_tcx },
	{ "attach netkit", cuser_netkit },
	{ "attach netfilter", cuser_netfilter },
	{ "attach netns (sk_lookup)", cuser_netns },
	{ "attach sockmap", cuser_sockmap },
	{ "attach iter", cuser_iter },
#endif
	{ 0 },
};

cuser_cycle *cuser_find(const char *name)
{
	int i = 0;

	while (cycles[i].name && strcmp(cycles[i].name, name))
		i++;
	return cycles[i].run;
}
