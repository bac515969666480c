package features

import (
	"fmt"

	"github.com/libbpf-go/libbpf-go"
)

// The versions of Linux that brought the types of maps, programs and links, and the helpers.

var mapTypeVersions = map[libbpf.MapType]string{
	libbpf.MapTypeHash:                "3.19",
	libbpf.MapTypeArray:               "3.19",
	libbpf.MapTypeProgArray:           "4.2",
	libbpf.MapTypePerfEventArray:      "4.3",
	libbpf.MapTypePerCPUHash:          "4.6",
	libbpf.MapTypePerCPUArray:         "4.6",
	libbpf.MapTypeStackTrace:          "4.6",
	libbpf.MapTypeCgroupArray:         "4.8",
	libbpf.MapTypeLRUHash:             "4.10",
	libbpf.MapTypeLRUPerCPUHash:       "4.10",
	libbpf.MapTypeLPMTrie:             "4.11",
	libbpf.MapTypeArrayOfMaps:         "4.12",
	libbpf.MapTypeHashOfMaps:          "4.12",
	libbpf.MapTypeDevMap:              "4.14",
	libbpf.MapTypeSockMap:             "4.14",
	libbpf.MapTypeCPUMap:              "4.15",
	libbpf.MapTypeXSKMap:              "4.18",
	libbpf.MapTypeSockHash:            "4.18",
	libbpf.MapTypeCgroupStorage:       "4.19",
	libbpf.MapTypeReuseportSockArray:  "4.19",
	libbpf.MapTypePerCPUCgroupStorage: "4.20",
	libbpf.MapTypeQueue:               "4.20",
	libbpf.MapTypeStack:               "4.20",
	libbpf.MapTypeSKStorage:           "5.2",
	libbpf.MapTypeDevMapHash:          "5.4",
	libbpf.MapTypeStructOps:           "5.6",
	libbpf.MapTypeRingBuf:             "5.8",
	libbpf.MapTypeInodeStorage:        "5.10",
	libbpf.MapTypeTaskStorage:         "5.11",
	libbpf.MapTypeBloomFilter:         "5.16",
	libbpf.MapTypeUserRingBuf:         "6.1",
	libbpf.MapTypeCgrpStorage:         "6.2",
	libbpf.MapTypeArena:               "6.9",
	libbpf.MapTypeInsnArray:           "6.19",
}

var programTypeVersions = map[libbpf.ProgramType]string{
	libbpf.ProgramTypeSocketFilter:          "3.19",
	libbpf.ProgramTypeKprobe:                "4.1",
	libbpf.ProgramTypeSchedCls:              "4.1",
	libbpf.ProgramTypeSchedAct:              "4.1",
	libbpf.ProgramTypeTracepoint:            "4.7",
	libbpf.ProgramTypeXDP:                   "4.8",
	libbpf.ProgramTypePerfEvent:             "4.9",
	libbpf.ProgramTypeCgroupSKB:             "4.10",
	libbpf.ProgramTypeCgroupSock:            "4.10",
	libbpf.ProgramTypeLWTIn:                 "4.10",
	libbpf.ProgramTypeLWTOut:                "4.10",
	libbpf.ProgramTypeLWTXmit:               "4.10",
	libbpf.ProgramTypeSockOps:               "4.13",
	libbpf.ProgramTypeSKSKB:                 "4.14",
	libbpf.ProgramTypeCgroupDevice:          "4.15",
	libbpf.ProgramTypeSKMsg:                 "4.17",
	libbpf.ProgramTypeRawTracepoint:         "4.17",
	libbpf.ProgramTypeCgroupSockAddr:        "4.17",
	libbpf.ProgramTypeLWTSeg6Local:          "4.18",
	libbpf.ProgramTypeLircMode2:             "4.18",
	libbpf.ProgramTypeSKReuseport:           "4.19",
	libbpf.ProgramTypeFlowDissector:         "4.20",
	libbpf.ProgramTypeCgroupSysctl:          "5.2",
	libbpf.ProgramTypeRawTracepointWritable: "5.2",
	libbpf.ProgramTypeCgroupSockopt:         "5.3",
	libbpf.ProgramTypeTracing:               "5.5",
	libbpf.ProgramTypeStructOps:             "5.6",
	libbpf.ProgramTypeExt:                   "5.6",
	libbpf.ProgramTypeLSM:                   "5.7",
	libbpf.ProgramTypeSKLookup:              "5.9",
	libbpf.ProgramTypeSyscall:               "5.14",
	libbpf.ProgramTypeNetfilter:             "6.4",
}

var linkTypeVersions = map[libbpf.LinkType]string{
	libbpf.LinkTypeRawTracepoint: "5.7",
	libbpf.LinkTypeTracing:       "5.7",
	libbpf.LinkTypeCgroup:        "5.7",
	libbpf.LinkTypeIter:          "5.8",
	libbpf.LinkTypeNetNS:         "5.8",
	libbpf.LinkTypeXDP:           "5.9",
	libbpf.LinkTypePerfEvent:     "5.15",
	libbpf.LinkTypeKprobeMulti:   "5.18",
	libbpf.LinkTypeStructOps:     "6.4",
	libbpf.LinkTypeNetfilter:     "6.4",
	libbpf.LinkTypeTCX:           "6.6",
	libbpf.LinkTypeUprobeMulti:   "6.6",
	libbpf.LinkTypeNetkit:        "6.7",
	libbpf.LinkTypeSockMap:       "6.10",
}

// helperVersions are the versions with the last helper of each: helpers have ascending numbers.
var helperVersions = []struct {
	last    libbpf.HelperID
	version string
}{
	{libbpf.HelperMapDeleteElem, "3.19"},
	{libbpf.HelperL4CsumReplace, "4.1"},
	{libbpf.HelperGetCurrentComm, "4.2"},
	{libbpf.HelperPerfEventRead, "4.3"},
	{libbpf.HelperPerfEventOutput, "4.4"},
	{libbpf.HelperSKBLoadBytes, "4.5"},
	{libbpf.HelperSKBSetTunnelOpt, "4.6"},
	{libbpf.HelperProbeWriteUser, "4.8"},
	{libbpf.HelperSetHashInvalid, "4.9"},
	{libbpf.HelperXDPAdjustHead, "4.10"},
	{libbpf.HelperProbeReadStr, "4.11"},
	{libbpf.HelperGetSocketUID, "4.12"},
	{libbpf.HelperSKBAdjustRoom, "4.13"},
	{libbpf.HelperSockMapUpdate, "4.14"},
	{libbpf.HelperGetsockopt, "4.15"},
	{libbpf.HelperSockOpsCBFlagsSet, "4.16"},
	{libbpf.HelperBind, "4.17"},
	{libbpf.HelperGetCurrentCgroupID, "4.18"},
	{libbpf.HelperSKBAncestorCgroupID, "4.19"},
	{libbpf.HelperMsgPushData, "4.20"},
	{libbpf.HelperRCPointerRel, "5.0"},
	{libbpf.HelperGetListenerSock, "5.1"},
	{libbpf.HelperSKStorageDelete, "5.2"},
	{libbpf.HelperTCPGenSyncookie, "5.3"},
	{libbpf.HelperProbeReadKernelStr, "5.5"},
	{libbpf.HelperJiffies64, "5.6"},
	{libbpf.HelperSKAssign, "5.7"},
	{libbpf.HelperCsumLevel, "5.8"},
	{libbpf.HelperGetTaskStack, "5.9"},
	{libbpf.HelperRedirectPeer, "5.10"},
	{libbpf.HelperSockFromFile, "5.11"},
	{libbpf.HelperCheckMTU, "5.12"},
	{libbpf.HelperSnprintf, "5.13"},
	{libbpf.HelperSysClose, "5.14"},
	{libbpf.HelperTaskPTRegs, "5.15"},
	{libbpf.HelperKallsymsLookupName, "5.16"},
	{libbpf.HelperGetFuncArgCnt, "5.17"},
	{libbpf.HelperIMAFileHash, "5.18"},
	{libbpf.HelperDynptrData, "5.19"},
	{libbpf.HelperTCPRawCheckSyncookieIPv6, "6.0"},
	{libbpf.HelperUserRingBufDrain, "6.1"},
	{libbpf.HelperCgrpStorageDelete, "6.2"},
}

// helperVersion is the version that brought a helper.
func helperVersion(id libbpf.HelperID) string {
	for _, v := range helperVersions {
		if id <= v.last {
			return v.version
		}
	}
	return ""
}

// lastHelper is the last one that there is: the kernel adds no more.
const lastHelper = libbpf.HelperCgrpStorageDelete

// command is a command of the system call bpf that stands for a feature.
type command struct {
	name    string
	number  int64 // in the kernel's enum bpf_cmd
	version string
	what    string
}

var commands = []command{
	{"batches", 24, "5.6", "operations on many elements of a map"},
	{"links", 28, "5.7", "attachments that end with their descriptors"},
	{"stats", 32, "5.8", "counting how long programs run"},
	{"iterators", 33, "5.8", "programs that walk over the kernel's objects"},
	{"link_detach", 34, "5.9", "detaching links of others"},
	{"bind_map", 35, "5.10", "programs that keep maps that they do not use"},
	{"tokens", 36, "6.9", "rights for user namespaces"},
	{"streams", 37, "6.17", "standard output and error of programs"},
	{"assoc_struct_ops", 38, "7.0", "programs that belong to a struct_ops map"},
}

// since is the version in words.
func since(version string) string {
	if version == "" {
		return ""
	}
	return fmt.Sprintf("Linux %s", version)
}
