// Package libbpf is libbpf for Go. It loads compiled BPF objects into the Linux kernel, attaches their programs, and
// exchanges data with them through maps, ring buffers and perf buffers. libbpf, the C library, does the work. The names
// are those of libbpf-rs, in Go's style.
//
// # Phases
//
// An object goes through three phases. Each phase has a type:
//
//	ObjectBuilder  --OpenFile, OpenMemory-->  OpenObject  --Load-->  Object  --Attach-->  []*Link
//	(options)                                 can be changed         in the kernel        running
//
// After Load, the OpenObject and its views, [OpenMap] and [OpenProgram], return [ErrLoaded].
//
// # Ownership
//
// Every type that owns a resource has a Close method. Close is idempotent, so it can be deferred at once. It does not
// wait for operations in other goroutines: the last operation that uses the resource releases it. Close waits for at
// most one libbpf call that is in progress.
//
// An [Object] owns its maps, programs and links. Its Close closes the links first, which detaches the programs. A
// [MapHandle], [ProgramHandle], [RingBuffer], [RingReader], [PerfBuffer], [PerfReader] or [UserRingBuffer], and a Link
// that was opened by a pin, an id or a descriptor, is independent of objects. The garbage collector closes nothing.
//
// Pins on a bpf file system outlive the process. So do legacy attachments that were disconnected from their link.
//
// C code in the same program can share objects with Go: see docs/interop.md.
//
// # Names
//
// CreateMap, LoadProgram and CreateToken make something new in the kernel. TypeFromID, TypeFromPinnedPath and
// TypeFromFD open what is there, such as [LinkFromID]. Settings are the fields of a struct: an Options argument, or a
// builder where libbpf-rs has one.
//
// Iterators take a pointer to an error and set it when the loop ends: one form fits iterations over one value and over
// two, and costs the loop nothing for each step. nil is allowed.
//
//	for key, value := range m.All(&err) {
//		...
//	}
//	if err != nil {
//		...
//	}
//
// # Concurrent use
//
//	ObjectBuilder, RingBufferBuilder safe to copy; methods do not change them
//	PerfBufferBuilder                the same
//	OpenObject, OpenMap, OpenProgram safe; calls take turns
//	Object, Program, Link            safe; calls that change the object take turns
//	Program, ProgramHandle           safe; test runs and infos run in parallel
//	Map, MapHandle                   safe; operations run in parallel, each is one call of libbpf
//	RingBuffer, PerfBuffer           safe; one Poll or Consume at a time, a second one fails with unix.EBUSY
//	RingReader, PerfReader           safe; one loop at a time, a second one fails with unix.EBUSY
//	RingChannel                      safe; one Run at a time
//	Linker                           safe; calls take turns
//	UserRingBuffer, UserRingSample   safe; only the holder of a sample fills it
//	SetPrint, PossibleCPUs, Version  safe
//
// Close can be called at any time: an operation in progress either completes or returns [ErrClosed]. It never uses a
// descriptor that became another file's, nor memory that libbpf has freed. The zero value of a map, program or handle
// is a closed one.
//
// # Errors
//
// An error names the operation and the object, and quotes the message of libbpf that explains it. Test errors with
// [errors.Is] against this package's Err values, errnos such as unix.EPERM, or [os.ErrPermission], [os.ErrNotExist],
// [os.ErrExist], [os.ErrClosed] and [errors.ErrUnsupported]. If the verifier rejects a program, the error is a
// [*VerifierError].
//
// # Messages
//
// libbpf's warnings go to [log/slog] if they are not part of a returned error: see [SetPrint].
//
// # More
//
// Package typed has maps, records and variables as Go types, btf type information, and skeleton what generated code runs
// on. The folder docs has a book: docs/getting-started.md leads to a first tool, docs/maps.md and docs/hooks.md show each
// kind, docs/readers.md says which reader to take and what counts lost records.
package libbpf
