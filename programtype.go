package libbpf

import "strconv"

// ProgramType is the type of a program. Its numbers are those of the kernel's enum bpf_prog_type.
type ProgramType uint32

// The kinds of programs.
const (
	ProgramTypeUnspec                ProgramType = iota // BPF_PROG_TYPE_UNSPEC
	ProgramTypeSocketFilter                             // BPF_PROG_TYPE_SOCKET_FILTER
	ProgramTypeKprobe                                   // BPF_PROG_TYPE_KPROBE
	ProgramTypeSchedCls                                 // BPF_PROG_TYPE_SCHED_CLS
	ProgramTypeSchedAct                                 // BPF_PROG_TYPE_SCHED_ACT
	ProgramTypeTracepoint                               // BPF_PROG_TYPE_TRACEPOINT
	ProgramTypeXDP                                      // BPF_PROG_TYPE_XDP
	ProgramTypePerfEvent                                // BPF_PROG_TYPE_PERF_EVENT
	ProgramTypeCgroupSKB                                // BPF_PROG_TYPE_CGROUP_SKB
	ProgramTypeCgroupSock                               // BPF_PROG_TYPE_CGROUP_SOCK
	ProgramTypeLWTIn                                    // BPF_PROG_TYPE_LWT_IN
	ProgramTypeLWTOut                                   // BPF_PROG_TYPE_LWT_OUT
	ProgramTypeLWTXmit                                  // BPF_PROG_TYPE_LWT_XMIT
	ProgramTypeSockOps                                  // BPF_PROG_TYPE_SOCK_OPS
	ProgramTypeSKSKB                                    // BPF_PROG_TYPE_SK_SKB
	ProgramTypeCgroupDevice                             // BPF_PROG_TYPE_CGROUP_DEVICE
	ProgramTypeSKMsg                                    // BPF_PROG_TYPE_SK_MSG
	ProgramTypeRawTracepoint                            // BPF_PROG_TYPE_RAW_TRACEPOINT
	ProgramTypeCgroupSockAddr                           // BPF_PROG_TYPE_CGROUP_SOCK_ADDR
	ProgramTypeLWTSeg6Local                             // BPF_PROG_TYPE_LWT_SEG6LOCAL
	ProgramTypeLircMode2                                // BPF_PROG_TYPE_LIRC_MODE2
	ProgramTypeSKReuseport                              // BPF_PROG_TYPE_SK_REUSEPORT
	ProgramTypeFlowDissector                            // BPF_PROG_TYPE_FLOW_DISSECTOR
	ProgramTypeCgroupSysctl                             // BPF_PROG_TYPE_CGROUP_SYSCTL
	ProgramTypeRawTracepointWritable                    // BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE
	ProgramTypeCgroupSockopt                            // BPF_PROG_TYPE_CGROUP_SOCKOPT
	ProgramTypeTracing                                  // BPF_PROG_TYPE_TRACING
	ProgramTypeStructOps                                // BPF_PROG_TYPE_STRUCT_OPS
	ProgramTypeExt                                      // BPF_PROG_TYPE_EXT
	ProgramTypeLSM                                      // BPF_PROG_TYPE_LSM
	ProgramTypeSKLookup                                 // BPF_PROG_TYPE_SK_LOOKUP
	ProgramTypeSyscall                                  // BPF_PROG_TYPE_SYSCALL
	ProgramTypeNetfilter                                // BPF_PROG_TYPE_NETFILTER
)

var programTypeNames = [...]string{
	ProgramTypeUnspec:                "unspec",
	ProgramTypeSocketFilter:          "socket_filter",
	ProgramTypeKprobe:                "kprobe",
	ProgramTypeSchedCls:              "sched_cls",
	ProgramTypeSchedAct:              "sched_act",
	ProgramTypeTracepoint:            "tracepoint",
	ProgramTypeXDP:                   "xdp",
	ProgramTypePerfEvent:             "perf_event",
	ProgramTypeCgroupSKB:             "cgroup_skb",
	ProgramTypeCgroupSock:            "cgroup_sock",
	ProgramTypeLWTIn:                 "lwt_in",
	ProgramTypeLWTOut:                "lwt_out",
	ProgramTypeLWTXmit:               "lwt_xmit",
	ProgramTypeSockOps:               "sock_ops",
	ProgramTypeSKSKB:                 "sk_skb",
	ProgramTypeCgroupDevice:          "cgroup_device",
	ProgramTypeSKMsg:                 "sk_msg",
	ProgramTypeRawTracepoint:         "raw_tracepoint",
	ProgramTypeCgroupSockAddr:        "cgroup_sock_addr",
	ProgramTypeLWTSeg6Local:          "lwt_seg6local",
	ProgramTypeLircMode2:             "lirc_mode2",
	ProgramTypeSKReuseport:           "sk_reuseport",
	ProgramTypeFlowDissector:         "flow_dissector",
	ProgramTypeCgroupSysctl:          "cgroup_sysctl",
	ProgramTypeRawTracepointWritable: "raw_tracepoint_writable",
	ProgramTypeCgroupSockopt:         "cgroup_sockopt",
	ProgramTypeTracing:               "tracing",
	ProgramTypeStructOps:             "struct_ops",
	ProgramTypeExt:                   "ext",
	ProgramTypeLSM:                   "lsm",
	ProgramTypeSKLookup:              "sk_lookup",
	ProgramTypeSyscall:               "syscall",
	ProgramTypeNetfilter:             "netfilter",
}

// String is libbpf's name for the type, such as "sched_cls" (libbpf_bpf_prog_type_str).
func (t ProgramType) String() string {
	if t < ProgramType(len(programTypeNames)) {
		return programTypeNames[t]
	}
	return "prog_type(" + strconv.FormatUint(uint64(t), 10) + ")"
}

// ProgramAttachType says what a program attaches to, if its [ProgramType] allows several. Its numbers are those of the
// kernel's enum bpf_attach_type.
type ProgramAttachType uint32

// The attach types.
const (
	AttachTypeCgroupInetIngress          ProgramAttachType = iota // BPF_CGROUP_INET_INGRESS
	AttachTypeCgroupInetEgress                                    // BPF_CGROUP_INET_EGRESS
	AttachTypeCgroupInetSockCreate                                // BPF_CGROUP_INET_SOCK_CREATE
	AttachTypeCgroupSockOps                                       // BPF_CGROUP_SOCK_OPS
	AttachTypeSKSKBStreamParser                                   // BPF_SK_SKB_STREAM_PARSER
	AttachTypeSKSKBStreamVerdict                                  // BPF_SK_SKB_STREAM_VERDICT
	AttachTypeCgroupDevice                                        // BPF_CGROUP_DEVICE
	AttachTypeSKMsgVerdict                                        // BPF_SK_MSG_VERDICT
	AttachTypeCgroupInet4Bind                                     // BPF_CGROUP_INET4_BIND
	AttachTypeCgroupInet6Bind                                     // BPF_CGROUP_INET6_BIND
	AttachTypeCgroupInet4Connect                                  // BPF_CGROUP_INET4_CONNECT
	AttachTypeCgroupInet6Connect                                  // BPF_CGROUP_INET6_CONNECT
	AttachTypeCgroupInet4PostBind                                 // BPF_CGROUP_INET4_POST_BIND
	AttachTypeCgroupInet6PostBind                                 // BPF_CGROUP_INET6_POST_BIND
	AttachTypeCgroupUDP4Sendmsg                                   // BPF_CGROUP_UDP4_SENDMSG
	AttachTypeCgroupUDP6Sendmsg                                   // BPF_CGROUP_UDP6_SENDMSG
	AttachTypeLircMode2                                           // BPF_LIRC_MODE2
	AttachTypeFlowDissector                                       // BPF_FLOW_DISSECTOR
	AttachTypeCgroupSysctl                                        // BPF_CGROUP_SYSCTL
	AttachTypeCgroupUDP4Recvmsg                                   // BPF_CGROUP_UDP4_RECVMSG
	AttachTypeCgroupUDP6Recvmsg                                   // BPF_CGROUP_UDP6_RECVMSG
	AttachTypeCgroupGetsockopt                                    // BPF_CGROUP_GETSOCKOPT
	AttachTypeCgroupSetsockopt                                    // BPF_CGROUP_SETSOCKOPT
	AttachTypeTraceRawTP                                          // BPF_TRACE_RAW_TP
	AttachTypeTraceFentry                                         // BPF_TRACE_FENTRY
	AttachTypeTraceFexit                                          // BPF_TRACE_FEXIT
	AttachTypeModifyReturn                                        // BPF_MODIFY_RETURN
	AttachTypeLSMMac                                              // BPF_LSM_MAC
	AttachTypeTraceIter                                           // BPF_TRACE_ITER
	AttachTypeCgroupInet4Getpeername                              // BPF_CGROUP_INET4_GETPEERNAME
	AttachTypeCgroupInet6Getpeername                              // BPF_CGROUP_INET6_GETPEERNAME
	AttachTypeCgroupInet4Getsockname                              // BPF_CGROUP_INET4_GETSOCKNAME
	AttachTypeCgroupInet6Getsockname                              // BPF_CGROUP_INET6_GETSOCKNAME
	AttachTypeXDPDevMap                                           // BPF_XDP_DEVMAP
	AttachTypeCgroupInetSockRelease                               // BPF_CGROUP_INET_SOCK_RELEASE
	AttachTypeXDPCPUMap                                           // BPF_XDP_CPUMAP
	AttachTypeSKLookup                                            // BPF_SK_LOOKUP
	AttachTypeXDP                                                 // BPF_XDP
	AttachTypeSKSKBVerdict                                        // BPF_SK_SKB_VERDICT
	AttachTypeSKReuseportSelect                                   // BPF_SK_REUSEPORT_SELECT
	AttachTypeSKReuseportSelectOrMigrate                          // BPF_SK_REUSEPORT_SELECT_OR_MIGRATE
	AttachTypePerfEvent                                           // BPF_PERF_EVENT
	AttachTypeTraceKprobeMulti                                    // BPF_TRACE_KPROBE_MULTI
	AttachTypeLSMCgroup                                           // BPF_LSM_CGROUP
	AttachTypeStructOps                                           // BPF_STRUCT_OPS
	AttachTypeNetfilter                                           // BPF_NETFILTER
	AttachTypeTCXIngress                                          // BPF_TCX_INGRESS
	AttachTypeTCXEgress                                           // BPF_TCX_EGRESS
	AttachTypeTraceUprobeMulti                                    // BPF_TRACE_UPROBE_MULTI
	AttachTypeCgroupUnixConnect                                   // BPF_CGROUP_UNIX_CONNECT
	AttachTypeCgroupUnixSendmsg                                   // BPF_CGROUP_UNIX_SENDMSG
	AttachTypeCgroupUnixRecvmsg                                   // BPF_CGROUP_UNIX_RECVMSG
	AttachTypeCgroupUnixGetpeername                               // BPF_CGROUP_UNIX_GETPEERNAME
	AttachTypeCgroupUnixGetsockname                               // BPF_CGROUP_UNIX_GETSOCKNAME
	AttachTypeNetkitPrimary                                       // BPF_NETKIT_PRIMARY
	AttachTypeNetkitPeer                                          // BPF_NETKIT_PEER
	AttachTypeTraceKprobeSession                                  // BPF_TRACE_KPROBE_SESSION
	AttachTypeTraceUprobeSession                                  // BPF_TRACE_UPROBE_SESSION
	AttachTypeTraceFsession                                       // BPF_TRACE_FSESSION
)

var programAttachTypeNames = [...]string{
	AttachTypeCgroupInetIngress:          "cgroup_inet_ingress",
	AttachTypeCgroupInetEgress:           "cgroup_inet_egress",
	AttachTypeCgroupInetSockCreate:       "cgroup_inet_sock_create",
	AttachTypeCgroupSockOps:              "cgroup_sock_ops",
	AttachTypeSKSKBStreamParser:          "sk_skb_stream_parser",
	AttachTypeSKSKBStreamVerdict:         "sk_skb_stream_verdict",
	AttachTypeCgroupDevice:               "cgroup_device",
	AttachTypeSKMsgVerdict:               "sk_msg_verdict",
	AttachTypeCgroupInet4Bind:            "cgroup_inet4_bind",
	AttachTypeCgroupInet6Bind:            "cgroup_inet6_bind",
	AttachTypeCgroupInet4Connect:         "cgroup_inet4_connect",
	AttachTypeCgroupInet6Connect:         "cgroup_inet6_connect",
	AttachTypeCgroupInet4PostBind:        "cgroup_inet4_post_bind",
	AttachTypeCgroupInet6PostBind:        "cgroup_inet6_post_bind",
	AttachTypeCgroupUDP4Sendmsg:          "cgroup_udp4_sendmsg",
	AttachTypeCgroupUDP6Sendmsg:          "cgroup_udp6_sendmsg",
	AttachTypeLircMode2:                  "lirc_mode2",
	AttachTypeFlowDissector:              "flow_dissector",
	AttachTypeCgroupSysctl:               "cgroup_sysctl",
	AttachTypeCgroupUDP4Recvmsg:          "cgroup_udp4_recvmsg",
	AttachTypeCgroupUDP6Recvmsg:          "cgroup_udp6_recvmsg",
	AttachTypeCgroupGetsockopt:           "cgroup_getsockopt",
	AttachTypeCgroupSetsockopt:           "cgroup_setsockopt",
	AttachTypeTraceRawTP:                 "trace_raw_tp",
	AttachTypeTraceFentry:                "trace_fentry",
	AttachTypeTraceFexit:                 "trace_fexit",
	AttachTypeModifyReturn:               "modify_return",
	AttachTypeLSMMac:                     "lsm_mac",
	AttachTypeTraceIter:                  "trace_iter",
	AttachTypeCgroupInet4Getpeername:     "cgroup_inet4_getpeername",
	AttachTypeCgroupInet6Getpeername:     "cgroup_inet6_getpeername",
	AttachTypeCgroupInet4Getsockname:     "cgroup_inet4_getsockname",
	AttachTypeCgroupInet6Getsockname:     "cgroup_inet6_getsockname",
	AttachTypeXDPDevMap:                  "xdp_devmap",
	AttachTypeCgroupInetSockRelease:      "cgroup_inet_sock_release",
	AttachTypeXDPCPUMap:                  "xdp_cpumap",
	AttachTypeSKLookup:                   "sk_lookup",
	AttachTypeXDP:                        "xdp",
	AttachTypeSKSKBVerdict:               "sk_skb_verdict",
	AttachTypeSKReuseportSelect:          "sk_reuseport_select",
	AttachTypeSKReuseportSelectOrMigrate: "sk_reuseport_select_or_migrate",
	AttachTypePerfEvent:                  "perf_event",
	AttachTypeTraceKprobeMulti:           "trace_kprobe_multi",
	AttachTypeLSMCgroup:                  "lsm_cgroup",
	AttachTypeStructOps:                  "struct_ops",
	AttachTypeNetfilter:                  "netfilter",
	AttachTypeTCXIngress:                 "tcx_ingress",
	AttachTypeTCXEgress:                  "tcx_egress",
	AttachTypeTraceUprobeMulti:           "trace_uprobe_multi",
	AttachTypeCgroupUnixConnect:          "cgroup_unix_connect",
	AttachTypeCgroupUnixSendmsg:          "cgroup_unix_sendmsg",
	AttachTypeCgroupUnixRecvmsg:          "cgroup_unix_recvmsg",
	AttachTypeCgroupUnixGetpeername:      "cgroup_unix_getpeername",
	AttachTypeCgroupUnixGetsockname:      "cgroup_unix_getsockname",
	AttachTypeNetkitPrimary:              "netkit_primary",
	AttachTypeNetkitPeer:                 "netkit_peer",
	AttachTypeTraceKprobeSession:         "trace_kprobe_session",
	AttachTypeTraceUprobeSession:         "trace_uprobe_session",
	AttachTypeTraceFsession:              "trace_fsession",
}

// String is libbpf's name for the attach type, such as "cgroup_inet_ingress" (libbpf_bpf_attach_type_str).
func (t ProgramAttachType) String() string {
	if t < ProgramAttachType(len(programAttachTypeNames)) {
		return programAttachTypeNames[t]
	}
	return "attach_type(" + strconv.FormatUint(uint64(t), 10) + ")"
}
