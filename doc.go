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
// C code in the same program can share objects with Go. Pointer, UsePointer and Release give a value to C; Adopt and
// Borrow functions take one from C. docs/interop.md explains the rules and the build.
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
// # Lost records
//
// A buffer overflows when programs write faster than it is read. Each way to lose a record has a count:
//
//	ring buffer               bpf_ringbuf_reserve or bpf_ringbuf_output fails; only the program sees it
//	RingReader                loses no record that is in the ring, however the loop ends
//	RingBuffer                loses none, except the records in its batch (at most 32 KiB) when it is closed
//	RingChannel               Dropped
//	PerfBuffer                Lost; the Lost callback when the CPU writes again
//	PerfReader                Lost
//	UserRingBuffer            Reserve fails with unix.ENOSPC
//
// A program can count its own losses in a global variable. Read it with NewGlobal of the package typed, or with
// [Object.GlobalMemory]:
//
//	__u64 lost = 0;
//	...
//	if (bpf_ringbuf_output(&events, &record, sizeof(record), 0))
//		__sync_fetch_and_add(&lost, 1);
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
package libbpf
