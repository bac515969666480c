// Package typed gives maps, buffers and global variables Go types: a Hash[uint32, Event] reads and writes Events under
// uint32s, where a [libbpf.MapCore] reads and writes bytes.
//
//	counts, err := object.Map("counts")              // *libbpf.Map
//	hits, err := typed.NewHash[uint32, uint64](counts)
//	n, err := hits.Lookup(7, libbpf.Any)             // errors.Is(err, libbpf.ErrKeyNotExist)
//	err = hits.Update(7, n+1, libbpf.Any)
//	for key, n := range hits.All(&err) { ... }       // in batches underneath
//
// Methods have the names, the arguments and the errors of MapCore's. What differs is written at the method.
//
//   - [Array], [Hash], [LRUHash], [LPMTrie] and their per-CPU kinds [PerCPUArray], [PerCPUHash] and [LRUPerCPUHash]
//     have values of Go types. In the per-CPU kinds, Lookup and Update are about the values of all possible CPUs;
//     LookupOnCPU, UpdateOnCPU and UpdateAllCPUs are about one value.
//   - [Queue] and [Stack] have Push, Peek and Pop. A [BloomFilter] has Update, and a Lookup that returns a bool.
//   - [SKStorage], [InodeStorage], [TaskStorage] and [CgrpStorage] are keyed by file descriptors.
//     [CgroupStorage] and [PerCPUCgroupStorage] are the older storage of cgroups.
//   - [ProgArray], [CgroupArray], [ArrayOfMaps], [HashOfMaps], [SockMap], [SockHash], [ReuseportSockArray], [XSKMap],
//     [DevMap], [DevMapHash] and [CPUMap] hold something of the kernel's. Update takes what user space has, such as a
//     program or a descriptor, and Lookup returns what the kernel tells, such as an id or a cookie.
//   - A [StackTrace] has traces under ids.
//   - [RingReader] and [PerfReader] read records in place, [NewRingSource] makes a callback for a [libbpf.RingBuffer],
//     and a [UserRingBuf] sends records to programs.
//   - A [Global] is no map but a variable, which has Get and Set.
//
// # Views
//
// Each New function takes a [libbpf.Map] or a [libbpf.MapHandle], and checks once that the map is of the right type and
// that its keys and values are as large as the Go types. Otherwise the error matches [libbpf.ErrInvalid], and says what
// is and what must be. The view of a map does not own the map. Whoever opened the map closes it; from then on all
// operations of the view return [libbpf.ErrClosed], as those of a zero value do. Map returns the map itself, for what
// does not depend on types.
//
// Readers, user rings and global variables are resources of their own, which the caller closes.
//
// # Types
//
// Keys, values and records can be of any type of fixed size without pointers: bool, int8 to uint64, floats and complex
// numbers, and arrays and structs of these. int, uint and uintptr are refused, because their size depends on the
// machine, while a map's layout does not. Bytes are in the machine's order. A struct must have the fields of the
// program's struct, at the same offsets. On 64-bit machines Go lays structs out as C does, unless they are packed or
// have bit fields.
//
// Go leaves anything in the padding of a struct, and the kernel compares keys byte by byte. So padding, and fields
// called _, are zeroed in what goes to the kernel. C programs must do the same: a key that a program wrote with
// something in its padding is found by an iteration, and not by Lookup. A float's negative zero is another key than its
// zero. A bool is true for every byte but 0.
//
// # Cost
//
// Types are looked at when a view is made, and not when it is used. An operation on one element is the system call and
// a few nanoseconds. It allocates nothing, also when there is no such key, unless its documentation says so. An
// iteration reads many elements with each system call, and allocates only its buffers.
//
// # Errors and concurrency
//
// Test errors with [errors.Is]. An index beyond the end of an array is [libbpf.ErrIndexRange] in all operations on one
// element. All methods are safe for concurrent use, a concurrent Close of the map included. A method of a nil pointer
// panics.
package typed
