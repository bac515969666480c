package libbpf

import "strconv"

// HelperID is the number of a kernel function that programs call, as in the kernel's enum bpf_func_id. The kernel adds
// no more helpers: new functions, since 2022, are kfuncs, which have a name and no number.
type HelperID uint32

// The helpers, by their names in C without bpf_.
const (
	HelperUnspec                     HelperID = iota // no helper
	HelperMapLookupElem                              // bpf_map_lookup_elem
	HelperMapUpdateElem                              // bpf_map_update_elem
	HelperMapDeleteElem                              // bpf_map_delete_elem
	HelperProbeRead                                  // bpf_probe_read
	HelperKtimeGetNS                                 // bpf_ktime_get_ns
	HelperTracePrintk                                // bpf_trace_printk
	HelperGetPrandomU32                              // bpf_get_prandom_u32
	HelperGetSMPProcessorID                          // bpf_get_smp_processor_id
	HelperSKBStoreBytes                              // bpf_skb_store_bytes
	HelperL3CsumReplace                              // bpf_l3_csum_replace
	HelperL4CsumReplace                              // bpf_l4_csum_replace
	HelperTailCall                                   // bpf_tail_call
	HelperCloneRedirect                              // bpf_clone_redirect
	HelperGetCurrentPIDTGID                          // bpf_get_current_pid_tgid
	HelperGetCurrentUIDGID                           // bpf_get_current_uid_gid
	HelperGetCurrentComm                             // bpf_get_current_comm
	HelperGetCgroupClassID                           // bpf_get_cgroup_classid
	HelperSKBVLANPush                                // bpf_skb_vlan_push
	HelperSKBVLANPop                                 // bpf_skb_vlan_pop
	HelperSKBGetTunnelKey                            // bpf_skb_get_tunnel_key
	HelperSKBSetTunnelKey                            // bpf_skb_set_tunnel_key
	HelperPerfEventRead                              // bpf_perf_event_read
	HelperRedirect                                   // bpf_redirect
	HelperGetRouteRealm                              // bpf_get_route_realm
	HelperPerfEventOutput                            // bpf_perf_event_output
	HelperSKBLoadBytes                               // bpf_skb_load_bytes
	HelperGetStackID                                 // bpf_get_stackid
	HelperCsumDiff                                   // bpf_csum_diff
	HelperSKBGetTunnelOpt                            // bpf_skb_get_tunnel_opt
	HelperSKBSetTunnelOpt                            // bpf_skb_set_tunnel_opt
	HelperSKBChangeProto                             // bpf_skb_change_proto
	HelperSKBChangeType                              // bpf_skb_change_type
	HelperSKBUnderCgroup                             // bpf_skb_under_cgroup
	HelperGetHashRecalc                              // bpf_get_hash_recalc
	HelperGetCurrentTask                             // bpf_get_current_task
	HelperProbeWriteUser                             // bpf_probe_write_user
	HelperCurrentTaskUnderCgroup                     // bpf_current_task_under_cgroup
	HelperSKBChangeTail                              // bpf_skb_change_tail
	HelperSKBPullData                                // bpf_skb_pull_data
	HelperCsumUpdate                                 // bpf_csum_update
	HelperSetHashInvalid                             // bpf_set_hash_invalid
	HelperGetNUMANodeID                              // bpf_get_numa_node_id
	HelperSKBChangeHead                              // bpf_skb_change_head
	HelperXDPAdjustHead                              // bpf_xdp_adjust_head
	HelperProbeReadStr                               // bpf_probe_read_str
	HelperGetSocketCookie                            // bpf_get_socket_cookie
	HelperGetSocketUID                               // bpf_get_socket_uid
	HelperSetHash                                    // bpf_set_hash
	HelperSetsockopt                                 // bpf_setsockopt
	HelperSKBAdjustRoom                              // bpf_skb_adjust_room
	HelperRedirectMap                                // bpf_redirect_map
	HelperSKRedirectMap                              // bpf_sk_redirect_map
	HelperSockMapUpdate                              // bpf_sock_map_update
	HelperXDPAdjustMeta                              // bpf_xdp_adjust_meta
	HelperPerfEventReadValue                         // bpf_perf_event_read_value
	HelperPerfProgReadValue                          // bpf_perf_prog_read_value
	HelperGetsockopt                                 // bpf_getsockopt
	HelperOverrideReturn                             // bpf_override_return
	HelperSockOpsCBFlagsSet                          // bpf_sock_ops_cb_flags_set
	HelperMsgRedirectMap                             // bpf_msg_redirect_map
	HelperMsgApplyBytes                              // bpf_msg_apply_bytes
	HelperMsgCorkBytes                               // bpf_msg_cork_bytes
	HelperMsgPullData                                // bpf_msg_pull_data
	HelperBind                                       // bpf_bind
	HelperXDPAdjustTail                              // bpf_xdp_adjust_tail
	HelperSKBGetXfrmState                            // bpf_skb_get_xfrm_state
	HelperGetStack                                   // bpf_get_stack
	HelperSKBLoadBytesRelative                       // bpf_skb_load_bytes_relative
	HelperFIBLookup                                  // bpf_fib_lookup
	HelperSockHashUpdate                             // bpf_sock_hash_update
	HelperMsgRedirectHash                            // bpf_msg_redirect_hash
	HelperSKRedirectHash                             // bpf_sk_redirect_hash
	HelperLWTPushEncap                               // bpf_lwt_push_encap
	HelperLWTSeg6StoreBytes                          // bpf_lwt_seg6_store_bytes
	HelperLWTSeg6AdjustSRH                           // bpf_lwt_seg6_adjust_srh
	HelperLWTSeg6Action                              // bpf_lwt_seg6_action
	HelperRCRepeat                                   // bpf_rc_repeat
	HelperRCKeydown                                  // bpf_rc_keydown
	HelperSKBCgroupID                                // bpf_skb_cgroup_id
	HelperGetCurrentCgroupID                         // bpf_get_current_cgroup_id
	HelperGetLocalStorage                            // bpf_get_local_storage
	HelperSKSelectReuseport                          // bpf_sk_select_reuseport
	HelperSKBAncestorCgroupID                        // bpf_skb_ancestor_cgroup_id
	HelperSKLookupTCP                                // bpf_sk_lookup_tcp
	HelperSKLookupUDP                                // bpf_sk_lookup_udp
	HelperSKRelease                                  // bpf_sk_release
	HelperMapPushElem                                // bpf_map_push_elem
	HelperMapPopElem                                 // bpf_map_pop_elem
	HelperMapPeekElem                                // bpf_map_peek_elem
	HelperMsgPushData                                // bpf_msg_push_data
	HelperMsgPopData                                 // bpf_msg_pop_data
	HelperRCPointerRel                               // bpf_rc_pointer_rel
	HelperSpinLock                                   // bpf_spin_lock
	HelperSpinUnlock                                 // bpf_spin_unlock
	HelperSKFullsock                                 // bpf_sk_fullsock
	HelperTCPSock                                    // bpf_tcp_sock
	HelperSKBECNSetCE                                // bpf_skb_ecn_set_ce
	HelperGetListenerSock                            // bpf_get_listener_sock
	HelperSKCLookupTCP                               // bpf_skc_lookup_tcp
	HelperTCPCheckSyncookie                          // bpf_tcp_check_syncookie
	HelperSysctlGetName                              // bpf_sysctl_get_name
	HelperSysctlGetCurrentValue                      // bpf_sysctl_get_current_value
	HelperSysctlGetNewValue                          // bpf_sysctl_get_new_value
	HelperSysctlSetNewValue                          // bpf_sysctl_set_new_value
	HelperStrtol                                     // bpf_strtol
	HelperStrtoul                                    // bpf_strtoul
	HelperSKStorageGet                               // bpf_sk_storage_get
	HelperSKStorageDelete                            // bpf_sk_storage_delete
	HelperSendSignal                                 // bpf_send_signal
	HelperTCPGenSyncookie                            // bpf_tcp_gen_syncookie
	HelperSKBOutput                                  // bpf_skb_output
	HelperProbeReadUser                              // bpf_probe_read_user
	HelperProbeReadKernel                            // bpf_probe_read_kernel
	HelperProbeReadUserStr                           // bpf_probe_read_user_str
	HelperProbeReadKernelStr                         // bpf_probe_read_kernel_str
	HelperTCPSendAck                                 // bpf_tcp_send_ack
	HelperSendSignalThread                           // bpf_send_signal_thread
	HelperJiffies64                                  // bpf_jiffies64
	HelperReadBranchRecords                          // bpf_read_branch_records
	HelperGetNSCurrentPIDTGID                        // bpf_get_ns_current_pid_tgid
	HelperXDPOutput                                  // bpf_xdp_output
	HelperGetNetNSCookie                             // bpf_get_netns_cookie
	HelperGetCurrentAncestorCgroupID                 // bpf_get_current_ancestor_cgroup_id
	HelperSKAssign                                   // bpf_sk_assign
	HelperKtimeGetBootNS                             // bpf_ktime_get_boot_ns
	HelperSeqPrintf                                  // bpf_seq_printf
	HelperSeqWrite                                   // bpf_seq_write
	HelperSKCgroupID                                 // bpf_sk_cgroup_id
	HelperSKAncestorCgroupID                         // bpf_sk_ancestor_cgroup_id
	HelperRingBufOutput                              // bpf_ringbuf_output
	HelperRingBufReserve                             // bpf_ringbuf_reserve
	HelperRingBufSubmit                              // bpf_ringbuf_submit
	HelperRingBufDiscard                             // bpf_ringbuf_discard
	HelperRingBufQuery                               // bpf_ringbuf_query
	HelperCsumLevel                                  // bpf_csum_level
	HelperSKCToTCP6Sock                              // bpf_skc_to_tcp6_sock
	HelperSKCToTCPSock                               // bpf_skc_to_tcp_sock
	HelperSKCToTCPTimewaitSock                       // bpf_skc_to_tcp_timewait_sock
	HelperSKCToTCPRequestSock                        // bpf_skc_to_tcp_request_sock
	HelperSKCToUDP6Sock                              // bpf_skc_to_udp6_sock
	HelperGetTaskStack                               // bpf_get_task_stack
	HelperLoadHdrOpt                                 // bpf_load_hdr_opt
	HelperStoreHdrOpt                                // bpf_store_hdr_opt
	HelperReserveHdrOpt                              // bpf_reserve_hdr_opt
	HelperInodeStorageGet                            // bpf_inode_storage_get
	HelperInodeStorageDelete                         // bpf_inode_storage_delete
	HelperDPath                                      // bpf_d_path
	HelperCopyFromUser                               // bpf_copy_from_user
	HelperSnprintfBTF                                // bpf_snprintf_btf
	HelperSeqPrintfBTF                               // bpf_seq_printf_btf
	HelperSKBCgroupClassID                           // bpf_skb_cgroup_classid
	HelperRedirectNeigh                              // bpf_redirect_neigh
	HelperPerCPUPtr                                  // bpf_per_cpu_ptr
	HelperThisCPUPtr                                 // bpf_this_cpu_ptr
	HelperRedirectPeer                               // bpf_redirect_peer
	HelperTaskStorageGet                             // bpf_task_storage_get
	HelperTaskStorageDelete                          // bpf_task_storage_delete
	HelperGetCurrentTaskBTF                          // bpf_get_current_task_btf
	HelperBprmOptsSet                                // bpf_bprm_opts_set
	HelperKtimeGetCoarseNS                           // bpf_ktime_get_coarse_ns
	HelperIMAInodeHash                               // bpf_ima_inode_hash
	HelperSockFromFile                               // bpf_sock_from_file
	HelperCheckMTU                                   // bpf_check_mtu
	HelperForEachMapElem                             // bpf_for_each_map_elem
	HelperSnprintf                                   // bpf_snprintf
	HelperSysBPF                                     // bpf_sys_bpf
	HelperBTFFindByNameKind                          // bpf_btf_find_by_name_kind
	HelperSysClose                                   // bpf_sys_close
	HelperTimerInit                                  // bpf_timer_init
	HelperTimerSetCallback                           // bpf_timer_set_callback
	HelperTimerStart                                 // bpf_timer_start
	HelperTimerCancel                                // bpf_timer_cancel
	HelperGetFuncIP                                  // bpf_get_func_ip
	HelperGetAttachCookie                            // bpf_get_attach_cookie
	HelperTaskPTRegs                                 // bpf_task_pt_regs
	HelperGetBranchSnapshot                          // bpf_get_branch_snapshot
	HelperTraceVprintk                               // bpf_trace_vprintk
	HelperSKCToUnixSock                              // bpf_skc_to_unix_sock
	HelperKallsymsLookupName                         // bpf_kallsyms_lookup_name
	HelperFindVMA                                    // bpf_find_vma
	HelperLoop                                       // bpf_loop
	HelperStrncmp                                    // bpf_strncmp
	HelperGetFuncArg                                 // bpf_get_func_arg
	HelperGetFuncRet                                 // bpf_get_func_ret
	HelperGetFuncArgCnt                              // bpf_get_func_arg_cnt
	HelperGetRetval                                  // bpf_get_retval
	HelperSetRetval                                  // bpf_set_retval
	HelperXDPGetBuffLen                              // bpf_xdp_get_buff_len
	HelperXDPLoadBytes                               // bpf_xdp_load_bytes
	HelperXDPStoreBytes                              // bpf_xdp_store_bytes
	HelperCopyFromUserTask                           // bpf_copy_from_user_task
	HelperSKBSetTstamp                               // bpf_skb_set_tstamp
	HelperIMAFileHash                                // bpf_ima_file_hash
	HelperKptrXchg                                   // bpf_kptr_xchg
	HelperMapLookupPerCPUElem                        // bpf_map_lookup_percpu_elem
	HelperSKCToMPTCPSock                             // bpf_skc_to_mptcp_sock
	HelperDynptrFromMem                              // bpf_dynptr_from_mem
	HelperRingBufReserveDynptr                       // bpf_ringbuf_reserve_dynptr
	HelperRingBufSubmitDynptr                        // bpf_ringbuf_submit_dynptr
	HelperRingBufDiscardDynptr                       // bpf_ringbuf_discard_dynptr
	HelperDynptrRead                                 // bpf_dynptr_read
	HelperDynptrWrite                                // bpf_dynptr_write
	HelperDynptrData                                 // bpf_dynptr_data
	HelperTCPRawGenSyncookieIPv4                     // bpf_tcp_raw_gen_syncookie_ipv4
	HelperTCPRawGenSyncookieIPv6                     // bpf_tcp_raw_gen_syncookie_ipv6
	HelperTCPRawCheckSyncookieIPv4                   // bpf_tcp_raw_check_syncookie_ipv4
	HelperTCPRawCheckSyncookieIPv6                   // bpf_tcp_raw_check_syncookie_ipv6
	HelperKtimeGetTAINS                              // bpf_ktime_get_tai_ns
	HelperUserRingBufDrain                           // bpf_user_ringbuf_drain
	HelperCgrpStorageGet                             // bpf_cgrp_storage_get
	HelperCgrpStorageDelete                          // bpf_cgrp_storage_delete
)

var helperNames = [...]string{
	HelperUnspec:                     "unspec",
	HelperMapLookupElem:              "map_lookup_elem",
	HelperMapUpdateElem:              "map_update_elem",
	HelperMapDeleteElem:              "map_delete_elem",
	HelperProbeRead:                  "probe_read",
	HelperKtimeGetNS:                 "ktime_get_ns",
	HelperTracePrintk:                "trace_printk",
	HelperGetPrandomU32:              "get_prandom_u32",
	HelperGetSMPProcessorID:          "get_smp_processor_id",
	HelperSKBStoreBytes:              "skb_store_bytes",
	HelperL3CsumReplace:              "l3_csum_replace",
	HelperL4CsumReplace:              "l4_csum_replace",
	HelperTailCall:                   "tail_call",
	HelperCloneRedirect:              "clone_redirect",
	HelperGetCurrentPIDTGID:          "get_current_pid_tgid",
	HelperGetCurrentUIDGID:           "get_current_uid_gid",
	HelperGetCurrentComm:             "get_current_comm",
	HelperGetCgroupClassID:           "get_cgroup_classid",
	HelperSKBVLANPush:                "skb_vlan_push",
	HelperSKBVLANPop:                 "skb_vlan_pop",
	HelperSKBGetTunnelKey:            "skb_get_tunnel_key",
	HelperSKBSetTunnelKey:            "skb_set_tunnel_key",
	HelperPerfEventRead:              "perf_event_read",
	HelperRedirect:                   "redirect",
	HelperGetRouteRealm:              "get_route_realm",
	HelperPerfEventOutput:            "perf_event_output",
	HelperSKBLoadBytes:               "skb_load_bytes",
	HelperGetStackID:                 "get_stackid",
	HelperCsumDiff:                   "csum_diff",
	HelperSKBGetTunnelOpt:            "skb_get_tunnel_opt",
	HelperSKBSetTunnelOpt:            "skb_set_tunnel_opt",
	HelperSKBChangeProto:             "skb_change_proto",
	HelperSKBChangeType:              "skb_change_type",
	HelperSKBUnderCgroup:             "skb_under_cgroup",
	HelperGetHashRecalc:              "get_hash_recalc",
	HelperGetCurrentTask:             "get_current_task",
	HelperProbeWriteUser:             "probe_write_user",
	HelperCurrentTaskUnderCgroup:     "current_task_under_cgroup",
	HelperSKBChangeTail:              "skb_change_tail",
	HelperSKBPullData:                "skb_pull_data",
	HelperCsumUpdate:                 "csum_update",
	HelperSetHashInvalid:             "set_hash_invalid",
	HelperGetNUMANodeID:              "get_numa_node_id",
	HelperSKBChangeHead:              "skb_change_head",
	HelperXDPAdjustHead:              "xdp_adjust_head",
	HelperProbeReadStr:               "probe_read_str",
	HelperGetSocketCookie:            "get_socket_cookie",
	HelperGetSocketUID:               "get_socket_uid",
	HelperSetHash:                    "set_hash",
	HelperSetsockopt:                 "setsockopt",
	HelperSKBAdjustRoom:              "skb_adjust_room",
	HelperRedirectMap:                "redirect_map",
	HelperSKRedirectMap:              "sk_redirect_map",
	HelperSockMapUpdate:              "sock_map_update",
	HelperXDPAdjustMeta:              "xdp_adjust_meta",
	HelperPerfEventReadValue:         "perf_event_read_value",
	HelperPerfProgReadValue:          "perf_prog_read_value",
	HelperGetsockopt:                 "getsockopt",
	HelperOverrideReturn:             "override_return",
	HelperSockOpsCBFlagsSet:          "sock_ops_cb_flags_set",
	HelperMsgRedirectMap:             "msg_redirect_map",
	HelperMsgApplyBytes:              "msg_apply_bytes",
	HelperMsgCorkBytes:               "msg_cork_bytes",
	HelperMsgPullData:                "msg_pull_data",
	HelperBind:                       "bind",
	HelperXDPAdjustTail:              "xdp_adjust_tail",
	HelperSKBGetXfrmState:            "skb_get_xfrm_state",
	HelperGetStack:                   "get_stack",
	HelperSKBLoadBytesRelative:       "skb_load_bytes_relative",
	HelperFIBLookup:                  "fib_lookup",
	HelperSockHashUpdate:             "sock_hash_update",
	HelperMsgRedirectHash:            "msg_redirect_hash",
	HelperSKRedirectHash:             "sk_redirect_hash",
	HelperLWTPushEncap:               "lwt_push_encap",
	HelperLWTSeg6StoreBytes:          "lwt_seg6_store_bytes",
	HelperLWTSeg6AdjustSRH:           "lwt_seg6_adjust_srh",
	HelperLWTSeg6Action:              "lwt_seg6_action",
	HelperRCRepeat:                   "rc_repeat",
	HelperRCKeydown:                  "rc_keydown",
	HelperSKBCgroupID:                "skb_cgroup_id",
	HelperGetCurrentCgroupID:         "get_current_cgroup_id",
	HelperGetLocalStorage:            "get_local_storage",
	HelperSKSelectReuseport:          "sk_select_reuseport",
	HelperSKBAncestorCgroupID:        "skb_ancestor_cgroup_id",
	HelperSKLookupTCP:                "sk_lookup_tcp",
	HelperSKLookupUDP:                "sk_lookup_udp",
	HelperSKRelease:                  "sk_release",
	HelperMapPushElem:                "map_push_elem",
	HelperMapPopElem:                 "map_pop_elem",
	HelperMapPeekElem:                "map_peek_elem",
	HelperMsgPushData:                "msg_push_data",
	HelperMsgPopData:                 "msg_pop_data",
	HelperRCPointerRel:               "rc_pointer_rel",
	HelperSpinLock:                   "spin_lock",
	HelperSpinUnlock:                 "spin_unlock",
	HelperSKFullsock:                 "sk_fullsock",
	HelperTCPSock:                    "tcp_sock",
	HelperSKBECNSetCE:                "skb_ecn_set_ce",
	HelperGetListenerSock:            "get_listener_sock",
	HelperSKCLookupTCP:               "skc_lookup_tcp",
	HelperTCPCheckSyncookie:          "tcp_check_syncookie",
	HelperSysctlGetName:              "sysctl_get_name",
	HelperSysctlGetCurrentValue:      "sysctl_get_current_value",
	HelperSysctlGetNewValue:          "sysctl_get_new_value",
	HelperSysctlSetNewValue:          "sysctl_set_new_value",
	HelperStrtol:                     "strtol",
	HelperStrtoul:                    "strtoul",
	HelperSKStorageGet:               "sk_storage_get",
	HelperSKStorageDelete:            "sk_storage_delete",
	HelperSendSignal:                 "send_signal",
	HelperTCPGenSyncookie:            "tcp_gen_syncookie",
	HelperSKBOutput:                  "skb_output",
	HelperProbeReadUser:              "probe_read_user",
	HelperProbeReadKernel:            "probe_read_kernel",
	HelperProbeReadUserStr:           "probe_read_user_str",
	HelperProbeReadKernelStr:         "probe_read_kernel_str",
	HelperTCPSendAck:                 "tcp_send_ack",
	HelperSendSignalThread:           "send_signal_thread",
	HelperJiffies64:                  "jiffies64",
	HelperReadBranchRecords:          "read_branch_records",
	HelperGetNSCurrentPIDTGID:        "get_ns_current_pid_tgid",
	HelperXDPOutput:                  "xdp_output",
	HelperGetNetNSCookie:             "get_netns_cookie",
	HelperGetCurrentAncestorCgroupID: "get_current_ancestor_cgroup_id",
	HelperSKAssign:                   "sk_assign",
	HelperKtimeGetBootNS:             "ktime_get_boot_ns",
	HelperSeqPrintf:                  "seq_printf",
	HelperSeqWrite:                   "seq_write",
	HelperSKCgroupID:                 "sk_cgroup_id",
	HelperSKAncestorCgroupID:         "sk_ancestor_cgroup_id",
	HelperRingBufOutput:              "ringbuf_output",
	HelperRingBufReserve:             "ringbuf_reserve",
	HelperRingBufSubmit:              "ringbuf_submit",
	HelperRingBufDiscard:             "ringbuf_discard",
	HelperRingBufQuery:               "ringbuf_query",
	HelperCsumLevel:                  "csum_level",
	HelperSKCToTCP6Sock:              "skc_to_tcp6_sock",
	HelperSKCToTCPSock:               "skc_to_tcp_sock",
	HelperSKCToTCPTimewaitSock:       "skc_to_tcp_timewait_sock",
	HelperSKCToTCPRequestSock:        "skc_to_tcp_request_sock",
	HelperSKCToUDP6Sock:              "skc_to_udp6_sock",
	HelperGetTaskStack:               "get_task_stack",
	HelperLoadHdrOpt:                 "load_hdr_opt",
	HelperStoreHdrOpt:                "store_hdr_opt",
	HelperReserveHdrOpt:              "reserve_hdr_opt",
	HelperInodeStorageGet:            "inode_storage_get",
	HelperInodeStorageDelete:         "inode_storage_delete",
	HelperDPath:                      "d_path",
	HelperCopyFromUser:               "copy_from_user",
	HelperSnprintfBTF:                "snprintf_btf",
	HelperSeqPrintfBTF:               "seq_printf_btf",
	HelperSKBCgroupClassID:           "skb_cgroup_classid",
	HelperRedirectNeigh:              "redirect_neigh",
	HelperPerCPUPtr:                  "per_cpu_ptr",
	HelperThisCPUPtr:                 "this_cpu_ptr",
	HelperRedirectPeer:               "redirect_peer",
	HelperTaskStorageGet:             "task_storage_get",
	HelperTaskStorageDelete:          "task_storage_delete",
	HelperGetCurrentTaskBTF:          "get_current_task_btf",
	HelperBprmOptsSet:                "bprm_opts_set",
	HelperKtimeGetCoarseNS:           "ktime_get_coarse_ns",
	HelperIMAInodeHash:               "ima_inode_hash",
	HelperSockFromFile:               "sock_from_file",
	HelperCheckMTU:                   "check_mtu",
	HelperForEachMapElem:             "for_each_map_elem",
	HelperSnprintf:                   "snprintf",
	HelperSysBPF:                     "sys_bpf",
	HelperBTFFindByNameKind:          "btf_find_by_name_kind",
	HelperSysClose:                   "sys_close",
	HelperTimerInit:                  "timer_init",
	HelperTimerSetCallback:           "timer_set_callback",
	HelperTimerStart:                 "timer_start",
	HelperTimerCancel:                "timer_cancel",
	HelperGetFuncIP:                  "get_func_ip",
	HelperGetAttachCookie:            "get_attach_cookie",
	HelperTaskPTRegs:                 "task_pt_regs",
	HelperGetBranchSnapshot:          "get_branch_snapshot",
	HelperTraceVprintk:               "trace_vprintk",
	HelperSKCToUnixSock:              "skc_to_unix_sock",
	HelperKallsymsLookupName:         "kallsyms_lookup_name",
	HelperFindVMA:                    "find_vma",
	HelperLoop:                       "loop",
	HelperStrncmp:                    "strncmp",
	HelperGetFuncArg:                 "get_func_arg",
	HelperGetFuncRet:                 "get_func_ret",
	HelperGetFuncArgCnt:              "get_func_arg_cnt",
	HelperGetRetval:                  "get_retval",
	HelperSetRetval:                  "set_retval",
	HelperXDPGetBuffLen:              "xdp_get_buff_len",
	HelperXDPLoadBytes:               "xdp_load_bytes",
	HelperXDPStoreBytes:              "xdp_store_bytes",
	HelperCopyFromUserTask:           "copy_from_user_task",
	HelperSKBSetTstamp:               "skb_set_tstamp",
	HelperIMAFileHash:                "ima_file_hash",
	HelperKptrXchg:                   "kptr_xchg",
	HelperMapLookupPerCPUElem:        "map_lookup_percpu_elem",
	HelperSKCToMPTCPSock:             "skc_to_mptcp_sock",
	HelperDynptrFromMem:              "dynptr_from_mem",
	HelperRingBufReserveDynptr:       "ringbuf_reserve_dynptr",
	HelperRingBufSubmitDynptr:        "ringbuf_submit_dynptr",
	HelperRingBufDiscardDynptr:       "ringbuf_discard_dynptr",
	HelperDynptrRead:                 "dynptr_read",
	HelperDynptrWrite:                "dynptr_write",
	HelperDynptrData:                 "dynptr_data",
	HelperTCPRawGenSyncookieIPv4:     "tcp_raw_gen_syncookie_ipv4",
	HelperTCPRawGenSyncookieIPv6:     "tcp_raw_gen_syncookie_ipv6",
	HelperTCPRawCheckSyncookieIPv4:   "tcp_raw_check_syncookie_ipv4",
	HelperTCPRawCheckSyncookieIPv6:   "tcp_raw_check_syncookie_ipv6",
	HelperKtimeGetTAINS:              "ktime_get_tai_ns",
	HelperUserRingBufDrain:           "user_ringbuf_drain",
	HelperCgrpStorageGet:             "cgrp_storage_get",
	HelperCgrpStorageDelete:          "cgrp_storage_delete",
}

// String is the helper's name in C without bpf_, such as "map_lookup_elem".
func (id HelperID) String() string {
	if id < HelperID(len(helperNames)) {
		return helperNames[id]
	}
	return "helper(" + strconv.FormatUint(uint64(id), 10) + ")"
}
