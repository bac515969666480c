// Package libbpf is libbpf for Go: it loads compiled BPF objects into the Linux kernel, attaches their programs, and
// exchanges data with them through maps, ring buffers and perf buffers. The C library does the work; this package gives
// it Go's manners, under the names of libbpf-rs.
//
// # Phases
//
// An object goes through three phases, each with a type of its own:
//
//	ObjectBuilder  --OpenFile, OpenMemory-->  OpenObject  --Load-->  Object  --Attach-->  []*Link
//	(options)                                 may still be changed   in the kernel        running
//
// Load takes the OpenObject over. Its views, [OpenMap] and [OpenProgram], and itself then answer with [ErrLoaded].
//
// # Ownership
//
// Close is on everything that owns something. It is idempotent and may be deferred at once. It does not wait for what
// other goroutines do with the same thing, but for one call of libbpf's at most; the last of them frees the resource.
// An [Object] owns its maps, programs and links: its Close closes the links first, which detaches the programs, and
// then the rest. [MapHandle], [RingBuffer], [RingReader], [PerfBuffer], [PerfReader],
// [UserRingBuffer] and links from [LinkFromPinnedPath] stand by themselves. Nothing is closed by the garbage collector.
//
// What is pinned on a bpf file system, and legacy attachments that were disconnected, outlast the process.
//
// C code in the same program can share objects with Go: Pointer, UsePointer and Release give them to C, Adopt and Borrow
// take them. The page docs/interop.md has the rules, and how to build it.
//
// # Concurrent use
//
//	ObjectBuilder                    copy it freely; methods do not change it
//	RingBufferBuilder                the same
//	PerfBufferBuilder                the same
//	OpenObject, OpenMap, OpenProgram safe: they take turns
//	Object, Program, Link            safe; calls that change the object take turns
//	Program, ProgramHandle           test runs and infos are parallel
//	Map, MapHandle (MapCore)         safe, and parallel: each operation is one call of libbpf's
//	RingBuffer, PerfBuffer           safe; one Poll or Consume at a time
//	RingReader, PerfReader           safe; one loop at a time
//	RingChannel                      safe; one Run at a time
//	UserRingBuffer, UserRingSample   safe; filling a sample is its holder's
//	SetPrint, PossibleCPUs, Version  safe
//
// Everything is safe against a concurrent Close: an operation either completes or returns [ErrClosed]. It never uses a
// descriptor that has become another file's, nor memory that libbpf has freed.
//
// # Lost records
//
// Buffers that programs fill faster than they are read overflow. Each way to lose a record has a count:
//
//	ring buffer               bpf_ringbuf_reserve or bpf_ringbuf_output fails, which only the program sees
//	RingReader, RingBuffer    lose nothing that is in the ring, however a loop or a callback ends, but for up to 32 KiB
//	                          that a RingBuffer has in hand when it is closed: see its Close
//	RingChannel               Dropped
//	PerfBuffer                Lost, and the Lost callback once the CPU writes again
//	PerfReader                Lost
//	UserRingBuffer            Reserve fails with unix.ENOSPC
//
// A program counts in a global variable, which NewGlobal of the package typed reads, and [Object.GlobalMemory]:
//
//	__u64 lost = 0;
//	...
//	if (bpf_ringbuf_output(&events, &record, sizeof(record), 0))
//		__sync_fetch_and_add(&lost, 1);
//
// # Errors
//
// Errors name the operation and the object, quote libbpf's message, and are tested for with [errors.Is]: against this
// package's Err values, errnos such as unix.EPERM, and [os.ErrPermission], [os.ErrNotExist], [os.ErrExist],
// [os.ErrClosed] and [errors.ErrUnsupported]. A program that the verifier rejects is a [*VerifierError].
//
// # Messages
//
// libbpf's warnings go to [log/slog] unless they are part of a returned error; see [SetPrint].
package libbpf
