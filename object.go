package libbpf

import (
	"cmp"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// ObjectBuilder holds the options for opening an object (struct bpf_object_open_opts). The zero value of a field is its
// default. A builder can open any number of objects, also from several goroutines at the same time.
type ObjectBuilder struct {
	// Name is the object's name. By default it is the file's base name up to the first dot, or "memory" for OpenMemory.
	// The kernel names the maps of global data after its first eight characters.
	Name string
	// PinRootPath is the folder on a BPF file system for maps that are defined with LIBBPF_PIN_BY_NAME. Load pins such
	// a map there, or uses the one that is pinned there. The default is "/sys/fs/bpf".
	PinRootPath string
	// BTFCustomPath is a file with kernel BTF, raw or ELF. CO-RE relocations use it instead of the running kernel's BTF,
	// which they do not need then: see [btf.Minimize].
	BTFCustomPath string
	// BTFCustom is the content of such a file, for BTF that is embedded in the program.
	BTFCustom []byte
	// RelaxedMaps makes libbpf ignore attributes of map definitions that it does not know. Otherwise opening fails.
	RelaxedMaps bool
	// Kconfig has lines of a kernel configuration, such as "CONFIG_HZ=250". They override the running kernel's
	// configuration for the object's extern CONFIG_ variables.
	Kconfig string
	// KernelLogLevel makes the verifier write a log also when nothing fails: 1 for its decisions, 2 for each state as
	// well, 4 for statistics. At 0 there is a log only after a failure. The log goes to Print at PrintDebug, or to
	// Object.KernelLog if KernelLogSize is set.
	KernelLogLevel uint32
	// KernelLogSize is the size of a fixed log buffer, in bytes. The log of each program overwrites the one before; a
	// log that does not fit fails the load with unix.ENOSPC. At 0, libbpf uses a buffer that grows as needed, which is
	// the better choice for nearly all users.
	KernelLogSize int
	// TokenPath is the BPF file system from which Load takes a BPF token, in a user namespace (libbpf 1.4, Linux 6.9).
	// The default is $LIBBPF_BPF_TOKEN_PATH, or "/sys/fs/bpf" if that delegates anything. See [Token]. Maps and
	// programs that are loaded with a token have no names in the kernel: libbpf probes for name support without the
	// token, so names are dropped.
	TokenPath string
	// NoToken makes Load use no token.
	NoToken bool
	// Debug sends all messages of opening and loading to the function that [SetPrint] set, including debug messages.
	Debug bool
	// Print receives all messages of opening and loading, including debug messages. The function that [SetPrint] set
	// does not receive them.
	Print PrintFunc
}

// OpenFile opens a compiled object with the default options: see [ObjectBuilder.OpenFile].
func OpenFile(path string) (*OpenObject, error) { return ObjectBuilder{}.OpenFile(path) }

// OpenMemory opens a compiled object in memory, with the default options (bpf_object__open_mem).
func OpenMemory(object []byte) (*OpenObject, error) { return ObjectBuilder{}.OpenMemory(object) }

// OpenFile opens a compiled object, as bpf_object__open_file does: it reads the file once, and libbpf opens what was
// read (bpf_object__open_mem). It needs no privileges, because it does not change the kernel. The caller owns the
// result: load it or close it. errors.Is(err, [ErrNoBTF]) when the object lacks type information that it needs,
// errors.Is(err, [os.ErrNotExist]) when there is no such file, errors.Is(err, [ErrInvalid]) when it is no regular file,
// is larger than 1 GiB, or is damaged so that libbpf would crash or not end.
//
// An object of the other byte order can be opened, to look at it (libbpf 1.6). Load refuses it.
func (b ObjectBuilder) OpenFile(path string) (*OpenObject, error) {
	what := objectName(path)
	image, err := readImage(path)
	if err != nil {
		return nil, &Error{Op: "open", Object: what, Err: err}
	}
	defer image.free()
	return b.open(what, nameOfFile(path), image)
}

// nameOfFile is what libbpf names the object of a file.
func nameOfFile(path string) string {
	base := path[strings.LastIndexByte(path, '/')+1:]
	name, _, _ := strings.Cut(base, ".")
	return name
}

// OpenMemory opens a compiled object in memory (bpf_object__open_mem). It does not change the bytes, nor keep them after
// it returns; nobody may change them meanwhile. The caller owns the result: load it or close it.
func (b ObjectBuilder) OpenMemory(object []byte) (*OpenObject, error) {
	const what = "object in memory"
	return b.open(what, "memory", object)
}

func (b ObjectBuilder) open(what, defaultName string, image objectImage) (*OpenObject, error) {
	const op = "open"
	if err := image.check(); err != nil {
		return nil, &Error{Op: op, Object: what, Err: err}
	}
	var c cArgs
	defer c.Free()
	b.Name = cmp.Or(b.Name, defaultName)
	opts := openOpts(&c, &b)
	if c.Err != nil {
		return nil, &Error{Op: op, Object: what, Err: c.Err}
	}
	if err := b.setToken(&c, &opts); err != nil {
		return nil, &Error{Op: op, Object: what, Err: err}
	}
	o := &OpenObject{what: what, printer: b.printer(), otherOrder: image.otherOrder()}
	complete := false
	defer func() {
		if !complete {
			_ = o.Close()
		}
	}()
	if err := b.setCustomBTF(&c, &opts, o); err != nil {
		return nil, &Error{Op: op, Object: what, Err: err}
	}
	if b.KernelLogSize != 0 {
		if err := checkInt32("KernelLogSize", b.KernelLogSize); err != nil {
			return nil, &Error{Op: op, Object: what, Err: err}
		}
		if o.log = newKernelLog(b.KernelLogSize); o.log.buf == nil {
			return nil, &Error{Op: op, Object: what, Err: unix.ENOMEM}
		}
		setOpenLog(&opts, o.log, b.KernelLogSize)
	}
	said, err := capturing(o.printer, op, what, func() error {
		var errno error
		if o.ptr, errno = openObject(image, &opts); o.ptr == nil {
			return image.explain(fromErrno(errno))
		}
		return nil
	})
	if err != nil {
		o.log.free()
		o.printer.Deliver(said)
		return nil, err
	}
	o.setName()
	if err := checkStructOps(o.ptr); err != nil {
		said, err := failedSaying(said, op, what, err)
		o.printer.Deliver(said)
		return nil, err
	}
	o.printer.Deliver(said)
	complete = true
	return o, nil
}

func (o *OpenObject) setName() {
	o.name = nameOfObject(o.ptr)
	o.what = objectName(o.name)
}

// describe reads the object's maps and programs from libbpf, before their first use. The caller holds the lock.
func (o *OpenObject) describe() {
	if o.described {
		return
	}
	o.described = true
	maps := mapsOf(o.ptr)
	openMaps := make([]OpenMap, len(maps))
	o.maps, o.mapIndex = make([]*OpenMap, len(maps)), make(mapIndex, len(maps))
	for i, m := range maps {
		openMaps[i] = OpenMap{o: o, ptr: m.ptr, name: m.name}
		openMaps[i].takeRecordType(m.typ)
		o.maps[i], o.mapIndex[i] = &openMaps[i], namedMap{m.ptr, m.name}
	}
	programs := programsOf(o.ptr)
	openPrograms := make([]OpenProgram, len(programs))
	o.programs = make([]*OpenProgram, len(programs))
	for i, p := range programs {
		openPrograms[i] = OpenProgram{o: o, ptr: p.ptr, name: p.name, section: p.section}
		o.programs[i] = &openPrograms[i]
	}
}

func (b ObjectBuilder) setToken(c *cArgs, opts *cOpenOpts) error {
	path := c.Of("token path", b.TokenPath)
	switch {
	case c.Err != nil:
		return c.Err
	case b.TokenPath != "" && b.NoToken:
		return fault.Invalidf("TokenPath and NoToken exclude one another")
	case b.TokenPath != "":
		if err := needs("bpf_object_open_opts.bpf_token_path", 1, 4); err != nil {
			return err
		}
	case !b.NoToken:
		return nil
	}
	setOpenToken(opts, path) // for libbpf, "" means no token
	return nil
}

// printer returns where the messages of opening and loading go.
func (b ObjectBuilder) printer() *clib.Printer {
	switch current := clib.CurrentPrinter(); {
	case b.Print != nil:
		own := newPrinter(PrintDebug, b.Print)
		return &own
	case b.Debug && current.Level != clib.LevelNone:
		return &clib.Printer{Level: clib.LevelDebug, Print: current.Print}
	default:
		return current
	}
}

// kernelLog is a buffer to which the kernel writes verifier logs. nil means no buffer.
type kernelLog struct{ buf cString }

func newKernelLog(size int) *kernelLog {
	return &kernelLog{newText(size)}
}

// buffer is the pointer for C.
func (l *kernelLog) buffer() cString {
	if l == nil {
		return nil
	}
	return l.buf
}

func (l *kernelLog) text() string {
	if l == nil {
		return ""
	}
	return textOf(l.buf)
}

func (l *kernelLog) free() {
	if l != nil {
		freeText(l.buf)
	}
}

// OpenObject is an object that was read but is not in the kernel yet, so it can still be changed. Its maps and programs
// are views of it.
//
// All its methods, and those of its views, are safe for concurrent use; they run one at a time. They return [ErrLoaded]
// once Load has begun, and [ErrClosed] after Close.
type OpenObject struct {
	name    string
	what    string // for errors
	printer *clib.Printer
	log     *kernelLog

	otherOrder bool // the object's order of bytes is not this machine's

	mu      sync.Mutex
	ended   error    // why the object can no longer be used
	loading bool     // Load is in progress, and owns the fields below
	ptr     *cObject // owned, unless ofC
	ofC     bool     // C code owns the object, and closes it
	lentFDs []int    // inner map templates, attach targets and BTFCustom; owned until Load has used them
	types   *btf.BTF // a copy of the object's BTF, made when needed; owned

	described bool // the rest is known
	maps      []*OpenMap
	mapIndex  mapIndex // into maps
	programs  []*OpenProgram
}

// use runs f. The object can't be loaded or closed meanwhile.
func (o *OpenObject) use(op, object string, f func() error) error {
	if o == nil || o.printer == nil { // the zero value is a closed object
		return &Error{Op: op, Object: object, Err: ErrClosed}
	}
	return callLocked(&o.mu, o.printer, op, object, func() error {
		if o.ended != nil {
			return o.ended
		}
		o.describe()
		return f()
	})
}

// free frees what the OpenObject still owns. Nobody can use the object any more.
func (o *OpenObject) free() {
	for _, fd := range o.lentFDs {
		_ = unix.Close(fd)
	}
	o.lentFDs = nil
	_ = o.types.Close()
	if o.ptr != nil && !o.ofC {
		closeObject(o.ptr)
	}
	if o.ptr != nil {
		o.log.free()
		for _, p := range o.programs {
			p.log.free()
		}
		o.ptr = nil
	}
}

// Name is the object's name: [ObjectBuilder.Name], or by default the base name of its file up to the first dot, or
// "memory" for an object without a file.
func (o *OpenObject) Name() string {
	if o == nil {
		return ""
	}
	return o.name
}

// String is such as `object "prog"`.
func (o *OpenObject) String() string {
	if o == nil {
		return "object"
	}
	return o.what
}

// Map returns the map with that name (bpf_object__find_map_by_name). Global data has the name of its section:
// ".rodata", ".data", ".bss", or the name of a custom section. errors.Is(err, [ErrNotFound]) when there is no such map.
func (o *OpenObject) Map(name string) (*OpenMap, error) {
	var found *OpenMap
	err := o.use("find map", fmt.Sprintf("%q", name), func() error {
		i, ok := o.mapIndex.find(o.ptr, name)
		if !ok {
			return fault.Newf(ErrNotFound, "object %q has no such map", o.name)
		}
		found = o.maps[i]
		return nil
	})
	return found, err
}

// Maps iterates over the object's maps, including those of global data. After Load or Close there are none.
func (o *OpenObject) Maps() iter.Seq[*OpenMap] {
	return func(yield func(*OpenMap) bool) {
		if !o.open() {
			return
		}
		for _, m := range o.maps {
			if !yield(m) {
				return
			}
		}
	}
}

// Program returns the program with that name, which is the name of its C function (bpf_object__find_program_by_name).
// errors.Is(err, [ErrNotFound]) when there is no such program.
func (o *OpenObject) Program(name string) (*OpenProgram, error) {
	var found *OpenProgram
	err := o.use("find program", fmt.Sprintf("%q", name), func() error {
		for _, p := range o.programs {
			if p.name == name {
				found = p
				return nil
			}
		}
		return fault.Newf(ErrNotFound, "object %q has no such program", o.name)
	})
	return found, err
}

// Programs iterates over the object's programs. After Load or Close there are none.
func (o *OpenObject) Programs() iter.Seq[*OpenProgram] {
	return func(yield func(*OpenProgram) bool) {
		if !o.open() {
			return
		}
		for _, p := range o.programs {
			if !yield(p) {
				return
			}
		}
	}
}

func (o *OpenObject) open() bool {
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended != nil {
		return false
	}
	o.describe()
	return true
}

// BTF returns a copy of the object's type information (bpf_object__btf); the caller closes it. errors.Is(err,
// [ErrNoBTF]) when the object has none.
func (o *OpenObject) BTF() (*btf.BTF, error) {
	const op = "read BTF of"
	if o == nil {
		return nil, &Error{Op: op, Object: "object", Err: ErrClosed}
	}
	var types *btf.BTF
	err := o.use(op, o.what, func() (err error) {
		types, err = copyBTF(o.ptr)
		return err
	})
	return types, err
}

// Load loads the object into the kernel: it creates the maps, applies relocations, and loads the programs
// (bpf_object__load). Load takes over the OpenObject, whether it succeeds or not: other uses return [ErrLoaded] as soon
// as Load has begun, and Close does nothing once Load has returned.
//
// The error is a [*VerifierError] when the verifier rejects a program. errors.Is(err, [os.ErrPermission]) without the
// right to load programs: CAP_BPF and, for most types, CAP_PERFMON or CAP_NET_ADMIN. After a failure nothing remains in
// the kernel, and nothing is pinned.
//
// Loading can take seconds if the verifier has much to check, and libbpf can't stop it; that is why Load takes no
// context. A Close during Load returns at once. Load then closes what it has loaded, and returns [ErrClosed].
func (o *OpenObject) Load() (*Object, error) {
	if o == nil || o.printer == nil {
		return nil, &Error{Op: "load", Object: "object", Err: ErrClosed}
	}
	loaded, said, err := o.load()
	complete := false
	defer func() {
		if !complete {
			_ = loaded.Close()
		}
	}()
	o.printer.Deliver(said)
	complete = true
	return loaded, err
}

func (o *OpenObject) load() (*Object, []clib.Message, error) {
	const op = "load"
	if err := o.beginLoad(); err != nil {
		return nil, nil, &Error{Op: op, Object: o.what, Err: err}
	}
	defer o.endLoad()
	if _, err := PossibleCPUs(); err != nil { // maps need it: fail before anything is in the kernel
		return nil, nil, &Error{Op: op, Object: o.what, Err: err}
	}
	said, err := capturing(o.printer, op, o.what, func() error {
		err := o.loadObject()
		if err == unix.EINVAL {
			return cmp.Or(o.checkSections(), err)
		}
		return err
	})
	if err != nil {
		return nil, said, verifierError(o.explainMap(withoutSkeleton(explainProbe(err))), o.userLog)
	}
	loaded, err := o.loaded()
	if err != nil {
		said, err := failedSaying(said, op, o.what, err)
		return nil, said, err
	}
	return loaded, said, nil
}

// explainProbe says in the error of a Load that the process may load nothing. libbpf finds that out first, with the
// smallest program of two types, and guesses why.
func explainProbe(err error) error {
	if failed, ok := err.(*Error); ok && strings.Contains(strings.Join(failed.Messages, "\n"), "Couldn't load trivial BPF program") {
		failed.Err = fault.Newf(failed.Err, "the process can load no program, not even the smallest: %s", errorText(failed.Err))
	}
	return err
}

// beginLoad gives Load exclusive use of the object, until endLoad.
func (o *OpenObject) beginLoad() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended != nil {
		return o.ended
	}
	o.describe()
	for _, m := range o.maps {
		m.inner = innerMapOf(m.ptr)
	}
	o.ended = ErrLoaded
	o.loading = true
	return nil
}

// endLoad frees what Load has not handed over.
func (o *OpenObject) endLoad() {
	o.mu.Lock()
	o.loading = false
	o.mu.Unlock()
	o.free()
}

// loaded hands over the loaded object, unless Close was called during Load.
func (o *OpenObject) loaded() (*Object, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended == ErrClosed {
		return nil, ErrClosed
	}
	loaded, err := newObject(o)
	if err != nil {
		return nil, err
	}
	o.ptr = nil // the Object owns it now
	return loaded, nil
}

// userLog is the log of a program that was not loaded, if the log went to a buffer of the user.
func (o *OpenObject) userLog(program string) string {
	for _, p := range o.programs {
		if p.name == program && p.log != nil {
			return p.log.text()
		}
	}
	return o.log.text()
}

// Close frees the object, unless Load has taken it over (bpf_object__close). It is idempotent. It does not wait for a
// Load that is in progress: that Load frees the object when it ends.
func (o *OpenObject) Close() error {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.loading:
		o.ended = ErrClosed
	case o.ended == nil:
		o.ended = ErrClosed
		o.free()
	}
	return nil
}

// Object is an object in the kernel: its maps exist and its programs are verified. Attach the programs with Attach, or
// one by one.
//
// The Object owns its maps, programs and links: Close closes the links, which detaches them, and then the maps and
// programs. Pinned maps, programs and links remain. All methods are safe for concurrent use, also with Close: an
// operation that is in progress in another goroutine completes, and later ones return [ErrClosed].
type Object struct {
	h        *handle.Handle
	name     string
	maps     []*Map
	mapIndex mapIndex // into maps
	programs []*Program
	log      *kernelLog
	prepared atomic.Bool // the programs are not loaded yet: see PreparedObject

	// libbpf changes the object when it attaches and pins; reading it needs no lock.
	mu  sync.Mutex
	ptr *cObject
	ofC bool // C code owns the object, and closes it
}

// newObject takes over the pointer and the log of a loaded OpenObject, unless it returns an error.
func newObject(from *OpenObject) (*Object, error) {
	o := &Object{name: from.name, mapIndex: from.mapIndex, ptr: from.ptr, ofC: from.ofC, log: from.log}
	o.h = handle.New(handle.Resource{Release: func() error {
		if !o.ofC {
			closeObject(o.ptr)
			for _, m := range o.maps {
				m.arena.unmapped()
			}
		}
		o.log.free()
		for _, p := range o.programs {
			p.log.free()
		}
		return nil
	}})
	for _, m := range from.maps {
		loaded, err := newMap(o, m)
		if err != nil {
			return nil, err
		}
		o.maps = append(o.maps, loaded)
	}
	for _, p := range from.programs {
		o.programs = append(o.programs, newProgram(o, p))
	}
	return o, nil
}

// String is such as `object "prog"`.
func (o *Object) String() string { return fmt.Sprintf("object %q", o.Name()) }

// Name is the object's name.
func (o *Object) Name() string {
	if o == nil {
		return ""
	}
	return o.name
}

func (o *Object) acquire(op, object string) error {
	if o != nil && o.h.Acquire() == nil {
		return nil
	}
	return &Error{Op: op, Object: object, Err: ErrClosed}
}

// use runs a call into libbpf that may print, or change the object.
func (o *Object) use(op, object string, f func() error) error {
	if err := o.acquire(op, object); err != nil {
		return err
	}
	defer o.h.Drop()
	return callLocked(&o.mu, clib.CurrentPrinter(), op, object, f)
}

// Map returns the map with that name (bpf_object__find_map_by_name). Global data has the name of its section:
// ".rodata", ".data", ".bss", or the name of a custom section. errors.Is(err, [ErrNotFound]) when there is no such map,
// or it was not created.
func (o *Object) Map(name string) (*Map, error) {
	op, object := "find map", fmt.Sprintf("%q", name)
	if err := o.acquire(op, object); err != nil {
		return nil, err
	}
	defer o.h.Drop()
	i, ok := o.mapIndex.find(o.ptr, name)
	if !ok {
		return nil, &Error{Op: op, Object: object, Err: fault.Newf(ErrNotFound, "object %q has no such map", o.name)}
	}
	if o.maps[i].fd < 0 {
		return nil, &Error{Op: op, Object: object, Err: fault.Newf(ErrNotFound, "the map was not created (autocreate is off)")}
	}
	return o.maps[i], nil
}

// Maps iterates over the object's maps, including those of global data. It skips maps that were not created. After
// Close there are none.
func (o *Object) Maps() iter.Seq[*Map] {
	return func(yield func(*Map) bool) {
		if o.acquire("", "") != nil {
			return
		}
		o.h.Drop()
		for _, m := range o.maps {
			if m.fd >= 0 && !yield(m) {
				return
			}
		}
	}
}

// Program returns the program with that name, which is the name of its C function. errors.Is(err, [ErrNotFound]) when
// there is no such program, or it was not loaded.
func (o *Object) Program(name string) (*Program, error) {
	op, object := "find program", fmt.Sprintf("%q", name)
	if err := o.acquire(op, object); err != nil {
		return nil, err
	}
	defer o.h.Drop()
	for _, p := range o.programs {
		switch {
		case p.name != name:
		case p.fd < 0:
			return nil, &Error{Op: op, Object: object, Err: fault.Newf(ErrNotFound, "the program was not loaded (autoload is off)")}
		default:
			return p, nil
		}
	}
	return nil, &Error{Op: op, Object: object, Err: fault.Newf(ErrNotFound, "object %q has no such program", o.name)}
}

// Programs iterates over the object's programs. It skips programs that were not loaded. After Close there are none.
func (o *Object) Programs() iter.Seq[*Program] {
	return func(yield func(*Program) bool) {
		if o.acquire("", "") != nil {
			return
		}
		o.h.Drop()
		for _, p := range o.programs {
			if p.fd >= 0 && !yield(p) {
				return
			}
		}
	}
}

// BTF returns a copy of the object's type information (bpf_object__btf); the caller closes it. errors.Is(err,
// [ErrNoBTF]) when the object has none.
func (o *Object) BTF() (*btf.BTF, error) {
	const op = "read BTF of"
	object := fmt.Sprintf("object %q", o.Name())
	if err := o.acquire(op, object); err != nil {
		return nil, err
	}
	defer o.h.Drop()
	var types *btf.BTF
	err := call(op, object, func() (err error) {
		types, err = copyBTF(o.ptr)
		return err
	})
	return types, err
}

// BTFFD is the descriptor of the object's type information in the kernel, for [MapCreateOptions] (bpf_object__btf_fd).
// The object owns it: do not close it. It is -1 if there is no type information in the kernel, and after Close.
func (o *Object) BTFFD() int {
	if o.acquire("", "") != nil {
		return -1
	}
	defer o.h.Drop()
	return max(objectBTFFD(o.ptr), -1)
}

// KernelLog is the last log that the kernel wrote to the buffer of [ObjectBuilder.KernelLogSize]; "" without that
// buffer, and after Close.
func (o *Object) KernelLog() string {
	if o.acquire("", "") != nil {
		return ""
	}
	defer o.h.Drop()
	return o.log.text()
}

// TokenFD is the descriptor of the BPF token that the object was loaded with, or -1 (bpf_object__token_fd). The object
// owns it: do not close it. After Close the number may be another file's.
func (o *Object) TokenFD() int {
	fd := -1
	_ = o.use("get token of", o.String(), func() error {
		if token := objectTokenFD(o.ptr); token > 0 {
			fd = token
		}
		return nil
	})
	return fd
}

// Close closes the object's links, and then its programs and maps (bpf_object__close). It is idempotent. An error says
// which link could not be detached; the object is closed nevertheless.
func (o *Object) Close() error {
	if o == nil {
		return nil
	}
	return closing(o.String(), o.h.Close())
}

func copyBTF(object *cObject) (*btf.BTF, error) {
	types := objectBTF(object)
	if types == nil {
		return nil, ErrNoBTF
	}
	raw := rawBTF(types)
	if raw == nil {
		return nil, unix.ENOMEM
	}
	return btf.ParseRaw(raw)
}
