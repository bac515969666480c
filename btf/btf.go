package btf

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// BTF is type information. It never changes. All methods are safe for concurrent use, also with Close: a call that
// races with Close either completes or returns [ErrClosed].
type BTF struct {
	h    *handle.Handle // keeps c, and a use of base's
	c    *cBTF
	what string // what the types are of, for errors
	base *BTF   // the types to which a module's types refer
	ofC  bool   // C code owns it, and frees it

	pointerSize int
	numTypes    int

	rawMu    sync.Mutex // libbpf makes the raw form on first use
	dumpable func() error
}

// Parse reads the type information in the file at path (btf__parse); the caller closes it. The file is an ELF file with
// a .BTF section, such as a compiled BPF object, or has raw BTF, as the files in /sys/kernel/btf do.
//
// errors.Is: [ErrNoBTF] for an ELF file without type information, [os.ErrNotExist], [os.ErrPermission], unix.EINVAL for
// damaged type information.
func Parse(path string) (*BTF, error) {
	var c cArgs
	defer c.Free()
	p := c.Name("path", path)
	if c.Err != nil {
		return nil, fmt.Errorf("btf: parse %q: %w", path, c.Err)
	}
	b, err := newBTF("parse", path, nil, func(ret *cInt) *cBTF { return parseFile(p, ret) })
	switch {
	case lacksBTF(path, err):
		return nil, fmt.Errorf("btf: parse %s: %w", path, ErrNoBTF)
	case err != nil:
		return nil, err
	}
	return b.trustOrCheck()
}

// lacksBTF reports whether the error means an ELF file without type information. Older versions of libbpf return the
// errno of a missing file for it.
func lacksBTF(path string, err error) bool {
	if errors.Is(err, unix.ENOENT) {
		_, err := os.Stat(path)
		return err == nil
	}
	return errors.Is(err, unix.ENODATA)
}

// ParseRaw reads raw type information, which is the content of a .BTF section (btf__new); the caller closes it.
// ParseRaw copies data.
//
// errors.Is: unix.EINVAL for data that is not type information, or is damaged.
func ParseRaw(data []byte) (*BTF, error) {
	const what = "raw data"
	if len(data) == 0 || uint64(len(data)) > math.MaxUint32 {
		return nil, fmt.Errorf("btf: parse %s of %d bytes: %w", what, len(data), fault.Invalidf("it must have from 1 byte to 4 GiB"))
	}
	b, err := newBTF("parse", what, nil, func(ret *cInt) *cBTF { return parseRaw(data, ret) })
	if err != nil {
		return nil, err
	}
	return b.trustOrCheck()
}

// LoadKernel reads the running kernel's type information (btf__load_vmlinux_btf); the caller closes it. It reads
// /sys/kernel/btf/vmlinux or, if that does not exist, the kernel image where distributions install it. It needs Linux
// 5.4, built with CONFIG_DEBUG_INFO_BTF.
//
// errors.Is: [os.ErrNotExist] when there is none.
func LoadKernel() (*BTF, error) {
	return newBTF("load", "the kernel's types", nil, loadKernelTypes)
}

// LoadModule reads the type information of a kernel module (btf__load_module_btf, Linux 5.11); the caller closes it.
// The module's types are numbered after the kernel's, and refer to them. kernel may be closed before the result.
//
// errors.Is: [os.ErrNotExist] when the module does not exist or is not loaded; [ErrClosed] for kernel.
func LoadModule(name string, kernel *BTF) (*BTF, error) {
	if name == "" || strings.ContainsAny(name, "/\x00") || strings.HasPrefix(name, ".") {
		return nil, fmt.Errorf("btf: load types of module %q: %w", name, fault.Invalidf("not a valid module name"))
	}
	if err := kernel.acquire(); err != nil {
		return nil, err
	}
	var c cArgs
	defer c.Free()
	p := c.Of("name", name)
	b, err := newBTF("load", "types of module "+name, kernel, func(ret *cInt) *cBTF {
		return loadModuleTypes(p, kernel.c, ret)
	})
	if err != nil {
		kernel.h.Drop()
	}
	return b, err
}

// newBTF takes ownership of the C object that read returns, and of the use of base that was acquired for it.
func newBTF(op, what string, base *BTF, read func(ret *cInt) *cBTF) (*BTF, error) {
	var c *cBTF
	err := saying(func() error {
		var ret cInt
		if c = read(&ret); c != nil {
			return nil
		}
		return cmp.Or(clib.FromRet(int(ret)), error(unix.EINVAL))
	})
	if err != nil {
		return nil, fmt.Errorf("btf: %s %s: %w", op, what, err)
	}
	b := &BTF{c: c, what: what, base: base, numTypes: numTypes(c)}
	// libbpf determines the pointer size on first use and stores it. After this call, later uses only read it. If no
	// type tells the size, libbpf would take that of this machine. But the kernel's types tell it, and for BPF programs
	// it is 8.
	if b.pointerSize = pointerSize(c); b.pointerSize == 0 {
		b.pointerSize = 8
		setPointerSize(c, 8)
	}
	b.dumpable = sync.OnceValue(b.checkDump)
	b.h = handle.New(handle.Resource{Release: b.free})
	return b, nil
}

// trustOrCheck checks type numbers and names, because libbpf before 1.4 did not. On error it closes b.
func (b *BTF) trustOrCheck() (*BTF, error) {
	if libbpfBefore(1, 4) {
		if err := b.checkReferences(); err != nil {
			_ = b.Close()
			return nil, fmt.Errorf("btf: parse %s: %w", b.what, err)
		}
	}
	return b, nil
}

// acquire begins an operation. When it returns nil, b.h.Drop must follow.
func (b *BTF) acquire() error {
	if b == nil {
		return ErrClosed
	}
	return b.h.Acquire()
}

// free is called by the handle.
func (b *BTF) free() error {
	if !b.ofC {
		freeBTF(b.c)
	}
	if b.base != nil {
		b.base.h.Drop()
	}
	return nil
}

// Close frees the type information (btf__free). If calls use it, the last of them frees it. Close is idempotent. [Type]
// values that were read before stay valid.
func (b *BTF) Close() error {
	if b == nil {
		return nil
	}
	return b.h.Close()
}

// NumTypes is the number of types, without void (btf__type_cnt). Types are numbered from 1 to NumTypes. It is 0 for a
// nil BTF.
func (b *BTF) NumTypes() int {
	if b == nil {
		return 0
	}
	return b.numTypes
}

// PointerSize is the size of a pointer, in bytes, on the machine that the types describe (btf__pointer_size). If they do
// not tell it, which only those of BPF programs may, it is 8 (btf__set_pointer_size). It is 0 for a nil BTF.
func (b *BTF) PointerSize() int {
	if b == nil {
		return 0
	}
	return b.pointerSize
}

// TypeByID returns the type with that number (btf__type_by_id). Number 0 is [Void].
//
// errors.Is: [ErrNotFound], [ErrClosed]; unix.EINVAL for a damaged type.
func (b *BTF) TypeByID(id TypeID) (Type, error) {
	if err := b.acquire(); err != nil {
		return nil, err
	}
	defer b.h.Drop()
	return b.typeByID(id)
}

func (b *BTF) typeByID(id TypeID) (Type, error) {
	if int64(id) > int64(b.numTypes) {
		return nil, fmt.Errorf("btf: type %d: %w", id, ErrNotFound)
	}
	p := typeByID(b.c, id)
	if p == nil {
		return nil, fmt.Errorf("btf: type %d: %w", id, ErrNotFound)
	}
	words := unsafe.Slice((*uint32)(p), typeWords(unsafe.Slice((*uint32)(p), wordsFixed)[wordInfo]))
	t, err := decodeType(id, words, b.name)
	if err != nil {
		return nil, fmt.Errorf("btf: type %d: %w", id, err)
	}
	return t, nil
}

func (b *BTF) name(off uint32) (string, error) {
	if off == 0 {
		return "", nil
	}
	name, ok := nameByOffset(b.c, off)
	if !ok {
		return "", fmt.Errorf("name at offset %d: %w", off, unix.EINVAL)
	}
	return name, nil
}

// TypeByName returns the type with that name (btf__find_by_name_kind). With several kinds, the first kind that has such
// a type decides. Without a kind, it returns the first type with that name (btf__find_by_name). A name does not include
// the keyword: "task_struct".
//
// errors.Is: [ErrNotFound], [ErrClosed].
func (b *BTF) TypeByName(name string, kinds ...Kind) (Type, error) {
	if err := b.acquire(); err != nil {
		return nil, err
	}
	defer b.h.Drop()

	notFound := func() error {
		what := make([]string, len(kinds))
		for i, k := range kinds {
			what[i] = k.String() + " "
		}
		return fmt.Errorf("btf: %s%s: %w", strings.Join(what, "or "), name, ErrNotFound)
	}
	if name == "" || strings.IndexByte(name, 0) >= 0 {
		return nil, notFound()
	}
	var c cArgs
	defer c.Free()
	n := c.Of("name", name)
	if len(kinds) == 0 {
		if id := findByName(b.c, n); id > 0 || name == "void" {
			return b.typeByID(TypeID(max(id, 0)))
		}
	}
	for _, kind := range kinds {
		if kind == KindVoid {
			if name == "void" {
				return b.typeByID(0)
			}
			continue
		}
		// libbpf returns 0 for the name "void", whatever the kind.
		if id := findByNameKind(b.c, n, kind); id > 0 {
			return b.typeByID(TypeID(id))
		}
	}
	return nil, notFound()
}

// Types iterates over all types except void, in the order of their numbers. If an error ends the loop, such as
// [ErrClosed], it is in *err; otherwise *err is nil. err may be nil.
func (b *BTF) Types(err *error) iter.Seq[Type] {
	return func(yield func(Type) bool) {
		var failed error
		if err == nil {
			err = &failed
		}
		if *err = b.acquire(); *err != nil {
			return
		}
		defer b.h.Drop()
		for id := 1; id <= b.numTypes; id++ {
			var t Type
			if t, *err = b.typeByID(TypeID(id)); *err != nil || !yield(t) {
				return
			}
		}
	}
}

// Resolve follows typedefs, const, volatile, restrict, type tags and variables, and returns the type behind them
// (btf__resolve_type).
//
// errors.Is: [ErrNotFound], [ErrClosed]; unix.ELOOP when there are more than 32 of them, which is a cycle.
func (b *BTF) Resolve(id TypeID) (Type, error) {
	if err := b.acquire(); err != nil {
		return nil, err
	}
	defer b.h.Drop()
	at := id
	for range maxResolve {
		t, err := b.typeByID(at)
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case *Typedef:
			at = t.Target
		case *Modifier:
			at = t.Target
		case *Var:
			at = t.Type
		default:
			return t, nil
		}
	}
	return nil, fmt.Errorf("btf: resolve type %d: %w", id, errCycle)
}

// maxResolve is how many typedefs and modifiers libbpf follows.
const maxResolve = 32

// Size is the size of a type in bytes, after resolving typedefs and qualifiers (btf__resolve_size).
//
// errors.Is: [ErrNotFound], [ErrClosed]; unix.EINVAL for a type without a size, such as void, a function or a struct
// that is only declared, and for a cycle; unix.E2BIG for an array of more than 4 GiB.
func (b *BTF) Size(id TypeID) (int, error) {
	if err := b.acquire(); err != nil {
		return 0, err
	}
	defer b.h.Drop()
	return b.size(id)
}

func (b *BTF) size(id TypeID) (int, error) {
	if int64(id) > int64(b.numTypes) {
		return 0, fmt.Errorf("btf: size of type %d: %w", id, ErrNotFound)
	}
	size := resolveSize(b.c, id)
	if size < 0 {
		return 0, fmt.Errorf("btf: size of type %d: %w", id, clib.FromRet(int(size)))
	}
	return int(size), nil
}

// Raw returns a copy of the type information in the form that [ParseRaw] reads (btf__raw_data). The raw form of a
// module does not include the kernel's types.
//
// errors.Is: [ErrClosed], unix.ENOMEM.
func (b *BTF) Raw() ([]byte, error) {
	if err := b.acquire(); err != nil {
		return nil, err
	}
	defer b.h.Drop()
	b.rawMu.Lock()
	defer b.rawMu.Unlock()
	raw := rawData(b.c)
	if raw == nil {
		return nil, fmt.Errorf("btf: raw data: %w", unix.ENOMEM)
	}
	return bytes.Clone(raw), nil
}

// String returns a description such as "BTF of the kernel's types".
func (b *BTF) String() string {
	if b == nil {
		return "BTF"
	}
	return "BTF of " + b.what
}
