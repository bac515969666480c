package libbpf

import "strconv"

// LinkType is the type of a link, with the numbers of the kernel's enum bpf_link_type.
type LinkType uint32

// The types of links, with the kernel that introduced each.
const (
	LinkTypeUnspec        LinkType = iota // BPF_LINK_TYPE_UNSPEC
	LinkTypeRawTracepoint                 // BPF_LINK_TYPE_RAW_TRACEPOINT (Linux 5.7)
	LinkTypeTracing                       // BPF_LINK_TYPE_TRACING (Linux 5.7)
	LinkTypeCgroup                        // BPF_LINK_TYPE_CGROUP (Linux 5.7)
	LinkTypeIter                          // BPF_LINK_TYPE_ITER (Linux 5.8)
	LinkTypeNetNS                         // BPF_LINK_TYPE_NETNS (Linux 5.8)
	LinkTypeXDP                           // BPF_LINK_TYPE_XDP (Linux 5.9)
	LinkTypePerfEvent                     // BPF_LINK_TYPE_PERF_EVENT (Linux 5.15)
	LinkTypeKprobeMulti                   // BPF_LINK_TYPE_KPROBE_MULTI (Linux 5.18)
	LinkTypeStructOps                     // BPF_LINK_TYPE_STRUCT_OPS (Linux 6.4)
	LinkTypeNetfilter                     // BPF_LINK_TYPE_NETFILTER (Linux 6.4)
	LinkTypeTCX                           // BPF_LINK_TYPE_TCX (Linux 6.6)
	LinkTypeUprobeMulti                   // BPF_LINK_TYPE_UPROBE_MULTI (Linux 6.6)
	LinkTypeNetkit                        // BPF_LINK_TYPE_NETKIT (Linux 6.7)
	LinkTypeSockMap                       // BPF_LINK_TYPE_SOCKMAP (Linux 6.10)
)

var linkTypeNames = [...]string{
	LinkTypeUnspec:        "unspec",
	LinkTypeRawTracepoint: "raw_tracepoint",
	LinkTypeTracing:       "tracing",
	LinkTypeCgroup:        "cgroup",
	LinkTypeIter:          "iter",
	LinkTypeNetNS:         "netns",
	LinkTypeXDP:           "xdp",
	LinkTypePerfEvent:     "perf_event",
	LinkTypeKprobeMulti:   "kprobe_multi",
	LinkTypeStructOps:     "struct_ops",
	LinkTypeNetfilter:     "netfilter",
	LinkTypeTCX:           "tcx",
	LinkTypeUprobeMulti:   "uprobe_multi",
	LinkTypeNetkit:        "netkit",
	LinkTypeSockMap:       "sockmap",
}

// String returns libbpf's name for the type, such as "kprobe_multi" (libbpf_bpf_link_type_str).
func (t LinkType) String() string {
	if t < LinkType(len(linkTypeNames)) {
		return linkTypeNames[t]
	}
	return "link_type(" + strconv.FormatUint(uint64(t), 10) + ")"
}

// canUpdate reports whether the program of a link of this type can be replaced.
func (t LinkType) canUpdate() bool {
	switch t {
	case LinkTypeCgroup, LinkTypeIter, LinkTypeNetNS, LinkTypeXDP, LinkTypeTCX, LinkTypeNetkit, LinkTypeSockMap:
		return true
	}
	return false
}
