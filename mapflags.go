package libbpf

import "strconv"

// MapFlags modify a lookup or an update of an element or a batch. The flags that a map is created with are
// [MapCreateFlags].
type MapFlags uint64

// The flags of single operations. Use one of Any, NoExist and Exist; Lock can be added to each.
const (
	Any     MapFlags = 0 // create the element or replace it (BPF_ANY)
	NoExist MapFlags = 1 // create only: ErrKeyExist if it is there (BPF_NOEXIST)
	Exist   MapFlags = 2 // replace only: ErrKeyNotExist if it is not (BPF_EXIST)
	Lock    MapFlags = 4 // hold the value's bpf_spin_lock meanwhile (BPF_F_LOCK, Linux 5.1)
)

// AllCPUs makes Update of a per-CPU map take one value and set it for every CPU (BPF_F_ALL_CPUS, Linux 7.0).
const AllCPUs MapFlags = 16

// onlyCPU says that the upper half of the flags is a CPU's number (BPF_F_CPU).
const onlyCPU MapFlags = 8

// OnCPU makes Lookup and Update of a per-CPU map use the value of one CPU (BPF_F_CPU, Linux 7.0). errors.Is(err,
// unix.ERANGE) when there is no such CPU. It can't be combined with NoExist and Exist.
func OnCPU(cpu uint32) MapFlags { return onlyCPU | MapFlags(cpu)<<32 }

// oneValue tells whether an operation on a per-CPU map has one value, and not one for each CPU.
func (f MapFlags) oneValue() bool { return f&(onlyCPU|AllCPUs) != 0 }

// String returns the names of the flags, such as "noexist|lock", "any" or "cpu 3".
func (f MapFlags) String() string {
	switch {
	case f == Any:
		return "any"
	case f&onlyCPU != 0:
		text := "cpu " + strconv.FormatUint(uint64(f>>32), 10)
		if rest := f & (1<<32 - 1) &^ onlyCPU; rest != 0 {
			text = rest.String() + "|" + text
		}
		return text
	}
	return flagsText(uint64(f), "noexist", "exist", "lock", "", "all_cpus")
}

// MapCreateFlags are the flags with which a map is created. They can't change later.
type MapCreateFlags uint32

// The creation flags, each with the first kernel that has it.
const (
	CreateNoPrealloc       MapCreateFlags = 1 << 0  // allocate elements when they are inserted (Linux 4.6)
	CreateNoCommonLRU      MapCreateFlags = 1 << 1  // an LRU list per CPU instead of a common one (Linux 4.10)
	CreateNUMANode         MapCreateFlags = 1 << 2  // allocate on the given NUMA node (Linux 4.14)
	CreateReadOnly         MapCreateFlags = 1 << 3  // user space can't write (Linux 4.15)
	CreateWriteOnly        MapCreateFlags = 1 << 4  // user space can't read (Linux 4.15)
	CreateStackBuildID     MapCreateFlags = 1 << 5  // stack traces as build ids and offsets (Linux 4.17)
	CreateZeroSeed         MapCreateFlags = 1 << 6  // a hash function without a random seed (Linux 4.20)
	CreateReadOnlyProgram  MapCreateFlags = 1 << 7  // programs can't write (Linux 5.2)
	CreateWriteOnlyProgram MapCreateFlags = 1 << 8  // programs can't read (Linux 5.2)
	CreateClone            MapCreateFlags = 1 << 9  // accepted sockets get a copy of socket storage (Linux 5.4)
	CreateMMapable         MapCreateFlags = 1 << 10 // user space can map the array into memory (Linux 5.5)
	CreatePreserveElements MapCreateFlags = 1 << 11 // perf events outlive the fd they were set through (Linux 5.10)
	CreateInnerMap         MapCreateFlags = 1 << 12 // in a map of maps, arrays may differ in max entries (Linux 5.10)
	CreateStructOpsLink    MapCreateFlags = 1 << 13 // struct_ops that a link attaches (Linux 6.4)
	CreatePathFD           MapCreateFlags = 1 << 14 // a path is relative to an fd (Linux 6.5)
	CreateVTypeBTFObjectFD MapCreateFlags = 1 << 15 // the value's BTF is that of an fd (Linux 6.9)
	CreateTokenFD          MapCreateFlags = 1 << 16 // a BPF token grants the right to create it (Linux 6.9)
	CreateSegvOnFault      MapCreateFlags = 1 << 17 // user space gets SIGSEGV on absent pages of an arena (Linux 6.9)
	CreateNoUserConv       MapCreateFlags = 1 << 18 // do not convert an arena's pointers (Linux 6.9)
	CreateRingBufOverwrite MapCreateFlags = 1 << 19 // a full ring buffer overwrites its oldest records (Linux 6.19)
)

// String returns the names of the flags, such as "no_prealloc|mmapable".
func (f MapCreateFlags) String() string {
	return flagsText(uint64(f), "no_prealloc", "no_common_lru", "numa_node", "rdonly", "wronly", "stack_build_id",
		"zero_seed", "rdonly_prog", "wronly_prog", "clone", "mmapable", "preserve_elems", "inner_map", "link",
		"path_fd", "vtype_btf_obj_fd", "token_fd", "segv_on_fault", "no_user_conv", "rb_overwrite")
}
