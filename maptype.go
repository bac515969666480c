package libbpf

import "strconv"

// MapType is the kind of a map. Its numbers are those of the kernel's enum bpf_map_type. This package defines them
// itself, so a program can use a kind that the kernel headers of its build did not have. A kernel that lacks the kind
// refuses to create the map: errors.Is(err, [errors.ErrUnsupported]).
type MapType uint32

// The kinds of maps, each with the first kernel that has it.
const (
	// MapTypeUnspec: no type; no map has it.
	MapTypeUnspec MapType = iota
	// MapTypeHash: hash table (Linux 3.19).
	MapTypeHash
	// MapTypeArray: fixed-size array of values, keyed by a 4-byte index (Linux 3.19).
	MapTypeArray
	// MapTypeProgArray: programs for tail calls, keyed by a 4-byte index; a value is written as a program's fd and read
	// as its id (Linux 4.2).
	MapTypeProgArray
	// MapTypePerfEventArray: perf events, one per CPU: what a [PerfBuffer] reads (Linux 4.3).
	MapTypePerfEventArray
	// MapTypePerCPUHash: hash table with one value per possible CPU (Linux 4.6).
	MapTypePerCPUHash
	// MapTypePerCPUArray: array with one value per possible CPU (Linux 4.6).
	MapTypePerCPUArray
	// MapTypeStackTrace: stack traces by id, written by bpf_get_stackid (Linux 4.6).
	MapTypeStackTrace
	// MapTypeCgroupArray: cgroups, by 4-byte index, for bpf_skb_under_cgroup (Linux 4.8).
	MapTypeCgroupArray
	// MapTypeLRUHash: hash table that evicts the least recently used element when full (Linux 4.10).
	MapTypeLRUHash
	// MapTypeLRUPerCPUHash: per-CPU hash table that evicts the least recently used element when full (Linux 4.10).
	MapTypeLRUPerCPUHash
	// MapTypeLPMTrie: longest-prefix match; a key is a 4-byte prefix length in bits and the data (Linux 4.11).
	MapTypeLPMTrie
	// MapTypeArrayOfMaps: maps by 4-byte index; a value is written as a map's fd and read as its id (Linux 4.12).
	MapTypeArrayOfMaps
	// MapTypeHashOfMaps: maps by key; a value is written as a map's fd and read as its id (Linux 4.12).
	MapTypeHashOfMaps
	// MapTypeDevMap: network devices by 4-byte index, for XDP redirects (Linux 4.14).
	MapTypeDevMap
	// MapTypeSockMap: sockets by 4-byte index, for redirects between them (Linux 4.14).
	MapTypeSockMap
	// MapTypeCPUMap: CPUs, for XDP redirects to their queues (Linux 4.15).
	MapTypeCPUMap
	// MapTypeXSKMap: AF_XDP sockets by 4-byte index, for XDP redirects (Linux 4.18).
	MapTypeXSKMap
	// MapTypeSockHash: sockets by key, for redirects between them (Linux 4.18).
	MapTypeSockHash
	// MapTypeCgroupStorage: storage per cgroup and program; replaced by [MapTypeCgrpStorage] (Linux 4.19).
	MapTypeCgroupStorage
	// MapTypeReuseportSockArray: sockets of SO_REUSEPORT groups by 4-byte index (Linux 4.19).
	MapTypeReuseportSockArray
	// MapTypePerCPUCgroupStorage: storage per cgroup, program and CPU; replaced by [MapTypeCgrpStorage] (Linux 4.20).
	MapTypePerCPUCgroupStorage
	// MapTypeQueue: first in, first out; has no key (Linux 4.20).
	MapTypeQueue
	// MapTypeStack: last in, first out; has no key (Linux 4.20).
	MapTypeStack
	// MapTypeSKStorage: storage per socket; user space names a socket by its fd (Linux 5.2).
	MapTypeSKStorage
	// MapTypeDevMapHash: network devices by any 4-byte key, for XDP redirects (Linux 5.4).
	MapTypeDevMapHash
	// MapTypeStructOps: an implementation of a kernel struct of callbacks (Linux 5.6).
	MapTypeStructOps
	// MapTypeRingBuf: ring buffer from programs to user space: what a [RingBuffer] reads (Linux 5.8).
	MapTypeRingBuf
	// MapTypeInodeStorage: storage per inode; user space names an inode by an fd of the file (Linux 5.10).
	MapTypeInodeStorage
	// MapTypeTaskStorage: storage per task; user space names a task by its pidfd (Linux 5.11).
	MapTypeTaskStorage
	// MapTypeBloomFilter: set that answers "maybe" or "no"; has no key (Linux 5.16).
	MapTypeBloomFilter
	// MapTypeUserRingBuf: ring buffer from user space to programs (Linux 6.1).
	MapTypeUserRingBuf
	// MapTypeCgrpStorage: storage per cgroup; user space names a cgroup by an fd of its folder (Linux 6.2).
	MapTypeCgrpStorage
	// MapTypeArena: sparse memory shared by programs and user space (Linux 6.9).
	MapTypeArena
	// MapTypeInsnArray: addresses of a program's instructions, for indirect jumps (Linux 6.19).
	MapTypeInsnArray
)

var mapTypeNames = [...]string{
	MapTypeUnspec:              "unspec",
	MapTypeHash:                "hash",
	MapTypeArray:               "array",
	MapTypeProgArray:           "prog_array",
	MapTypePerfEventArray:      "perf_event_array",
	MapTypePerCPUHash:          "percpu_hash",
	MapTypePerCPUArray:         "percpu_array",
	MapTypeStackTrace:          "stack_trace",
	MapTypeCgroupArray:         "cgroup_array",
	MapTypeLRUHash:             "lru_hash",
	MapTypeLRUPerCPUHash:       "lru_percpu_hash",
	MapTypeLPMTrie:             "lpm_trie",
	MapTypeArrayOfMaps:         "array_of_maps",
	MapTypeHashOfMaps:          "hash_of_maps",
	MapTypeDevMap:              "devmap",
	MapTypeSockMap:             "sockmap",
	MapTypeCPUMap:              "cpumap",
	MapTypeXSKMap:              "xskmap",
	MapTypeSockHash:            "sockhash",
	MapTypeCgroupStorage:       "cgroup_storage",
	MapTypeReuseportSockArray:  "reuseport_sockarray",
	MapTypePerCPUCgroupStorage: "percpu_cgroup_storage",
	MapTypeQueue:               "queue",
	MapTypeStack:               "stack",
	MapTypeSKStorage:           "sk_storage",
	MapTypeDevMapHash:          "devmap_hash",
	MapTypeStructOps:           "struct_ops",
	MapTypeRingBuf:             "ringbuf",
	MapTypeInodeStorage:        "inode_storage",
	MapTypeTaskStorage:         "task_storage",
	MapTypeBloomFilter:         "bloom_filter",
	MapTypeUserRingBuf:         "user_ringbuf",
	MapTypeCgrpStorage:         "cgrp_storage",
	MapTypeArena:               "arena",
	MapTypeInsnArray:           "insn_array",
}

// String is libbpf's name for the type, such as "percpu_hash" (libbpf_bpf_map_type_str).
func (t MapType) String() string {
	if t < MapType(len(mapTypeNames)) {
		return mapTypeNames[t]
	}
	return "map_type(" + strconv.FormatUint(uint64(t), 10) + ")"
}

// IsPerCPU reports whether the map holds one value per possible CPU under each key, so that it is read with
// LookupPerCPU and written with UpdatePerCPU.
func (t MapType) IsPerCPU() bool {
	switch t {
	case MapTypePerCPUHash, MapTypePerCPUArray, MapTypeLRUPerCPUHash, MapTypePerCPUCgroupStorage:
		return true
	}
	return false
}

// IsKeyless reports whether the map has values only: queues, stacks and bloom filters. Their operations take an empty
// or nil key.
func (t MapType) IsKeyless() bool {
	return t == MapTypeQueue || t == MapTypeStack || t == MapTypeBloomFilter
}

// IsHash reports whether the map is a hash table, whose elements can be added and removed.
func (t MapType) IsHash() bool {
	switch t {
	case MapTypeHash, MapTypePerCPUHash, MapTypeLRUHash, MapTypeLRUPerCPUHash, MapTypeHashOfMaps, MapTypeSockHash,
		MapTypeDevMapHash:
		return true
	}
	return false
}

// IsMapInMap reports whether the map's values are maps.
func (t MapType) IsMapInMap() bool { return t == MapTypeArrayOfMaps || t == MapTypeHashOfMaps }
