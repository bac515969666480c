// Package typed gives maps Go types: a Hash[uint32, Event] reads and writes Events under uint32s, where a
// [libbpf.MapCore] has bytes.
//
//	counts, err := object.Map("counts")              // *libbpf.Map
//	hits, err := typed.NewHash[uint32, uint64](counts)
//	n, err := hits.Get(7)                            // errors.Is(err, libbpf.ErrKeyNotExist)
//	for key, n := range hits.All(&err) { ... }       // in batches underneath
//
// A [Global] does the same for a global variable of an object.
//
// # Making one
//
// Each New function takes a [libbpf.Map] or a [libbpf.MapHandle], and checks once that the map is of the right kind
// and that the sizes of its keys and values are those of the Go types. Otherwise the error says what was wanted and
// what was found, and errors.Is(err, [libbpf.ErrInvalid]). The result does not own the map: whoever owns that closes
// it, and from then on every operation returns [libbpf.ErrClosed], as do all methods of nil pointers and zero values.
// Map gives the map back.
//
// # Types
//
// Keys and values may be of any type of fixed size without pointers: bool, int8 to uint64, floats and complex numbers,
// and arrays and structs of these. int, uint and uintptr are refused, because their size depends on the machine, while
// the layout of a map does not. Bytes are in the machine's order, and a struct must have the fields that the program's
// has, at the same offsets. On 64-bit machines Go lays structs out as C does, short of packed ones and bit fields.
//
// Go leaves anything in the padding of a struct, and a map compares keys byte by byte. So padding is zeroed in what
// goes to the kernel, as C programs must do on their side, and so are fields called _: a key that a program wrote with
// something in its padding can be iterated over but is not found by Get. Likewise a float's negative zero is not its
// zero, and is not found under it. A bool is true for every byte but 0.
//
// # Cost
//
// Types are looked at when a map is made, not when it is used. An operation on one element is the system call and a
// few nanoseconds, and allocates nothing, also when there is no such key, unless it says so. Iterations read many
// elements with each system call and allocate only their buffers.
//
// # Errors
//
// The map's own errors come through: see [libbpf.MapCore]. Among them are [libbpf.ErrKeyNotExist],
// [libbpf.ErrKeyExist], [libbpf.ErrMapFull], [libbpf.ErrIndexRange] and [libbpf.ErrClosed].
//
// Everything is safe for concurrent use, a concurrent Close of the map included.
package typed
