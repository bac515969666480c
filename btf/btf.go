package btf

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// BTF is type information. It never changes. All methods are safe for concurrent use, also with Close: a call that
// races with Close either completes or returns [ErrClosed].
type BTF struct {
	h     *handle.Handle // keeps c, and a use of base's
	c     *cBTF
	frees *cBTF  // what the last use frees; nil if others free c
	what  string // what the types are of, for errors

	base     *BTF // the types to which a module's types refer
	ownsBase bool // Close closes the base too

	pointerSize int
	numTypes    int
	order       binary.ByteOrder

	rawMu    sync.Mutex // libbpf makes the raw form on first use
	fdMu     sync.Mutex // for the descriptor that libbpf keeps
	dumpable func() error
	names    nameIndex
}

// newBTF takes ownership of the C object that read returns, and of the use of base that was acquired for it.
func newBTF(op, what string, base *BTF, read func(ret *cInt) *cBTF) (*BTF, error) {
	c, err := newC(read)
	if err != nil {
		return nil, fmt.Errorf("btf: %s %s: %w", op, what, err)
	}
	b := makeBTF(c, what)
	b.base = base
	if own := baseOf(c); base == nil && own != nil {
		b.adoptBase(own)
	}
	return b, nil
}

func newC(read func(ret *cInt) *cBTF) (*cBTF, error) {
	var c *cBTF
	err := saying(func() error {
		var ret cInt
		if c = read(&ret); c != nil {
			return nil
		}
		return cmp.Or(clib.FromRet(int(ret)), error(unix.EINVAL))
	})
	return c, err
}

// newSplitBTF is newBTF for types that refer to those of base. It acquires the use of base.
func newSplitBTF(op, what string, base *BTF, read func(base *cBTF, ret *cInt) *cBTF) (*BTF, error) {
	if err := base.acquire(); err != nil {
		return nil, fmt.Errorf("btf: %s %s: the base: %w", op, what, err)
	}
	b, err := newBTF(op, what, base, func(ret *cInt) *cBTF { return read(base.c, ret) })
	if err != nil {
		base.h.Drop()
	}
	return b, err
}

func makeBTF(c *cBTF, what string) *BTF {
	b := &BTF{c: c, frees: c, what: what, numTypes: numTypes(c), order: byteOrder(c)}
	// libbpf determines the pointer size on first use and stores it. After this call, later uses only read it. If no
	// type tells the size, libbpf would take that of this machine. But the kernel's types tell it, and for BPF programs
	// it is 8.
	if b.pointerSize = pointerSize(c); b.pointerSize == 0 {
		b.setPointerSize(8)
	}
	b.dumpable = sync.OnceValue(b.checkDump)
	b.h = handle.New(handle.Resource{Release: b.free})
	return b
}

func (b *BTF) setPointerSize(size int) {
	b.pointerSize = size
	setPointerSize(b.c, size)
}

// adoptBase is for types that brought their base with them: libbpf frees the two together. So the base, which may be in
// use for longer, frees both.
func (b *BTF) adoptBase(c *cBTF) {
	b.base, b.ownsBase = makeBTF(c, "the base of "+b.what), true
	b.base.frees, b.frees = b.frees, nil
	_ = b.base.acquire()
}

// trustOrCheck checks type numbers and names, because libbpf before 1.4 did not. On error it closes b.
func (b *BTF) trustOrCheck() (*BTF, error) {
	if err := trustOrCheck(b.c); err != nil {
		_ = b.Close()
		return nil, fmt.Errorf("btf: parse %s: %w", b.what, err)
	}
	return b, nil
}

func trustOrCheck(c *cBTF) error {
	if clib.Needs("the check of references", 1, 4) == nil {
		return nil
	}
	b := makeBTF(c, "")
	b.frees = nil
	defer b.Close()
	return b.checkReferences()
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
	freeNames(b.names.made.Load())
	if b.frees != nil {
		freeBTF(b.frees)
	}
	if b.ownsBase {
		_ = b.base.Close()
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

// Base returns the BTF to which the types refer, whose numbers come before theirs (btf__base_btf). It is nil for types
// that refer to no others. It is the BTF that was given as the base. If none was given, because a file or the kernel
// had it, Close of b closes it too.
func (b *BTF) Base() *BTF {
	if b == nil {
		return nil
	}
	return b.base
}

// ByteOrder is the byte order of the machine that the types describe, and of [BTF.Raw] (btf__endianness):
// [binary.LittleEndian] or [binary.BigEndian]. It is nil for a nil BTF.
func (b *BTF) ByteOrder() binary.ByteOrder {
	if b == nil {
		return nil
	}
	return b.order
}

// NumTypes is the number of types, without void (btf__type_cnt). Types are numbered from 1 to NumTypes. The types of
// the base are the first of them. It is 0 for a nil BTF.
func (b *BTF) NumTypes() int {
	if b == nil {
		return 0
	}
	return b.numTypes
}

// PointerSize is the size of a pointer, in bytes, on the machine that the types describe (btf__pointer_size). If they
// do not tell it, which only those of BPF programs may, it is 8 (btf__set_pointer_size). It is 0 for a nil BTF.
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

func (b *BTF) typeByID(id TypeID) (Type, error) { return b.decode(id, b.name) }

// decode is typeByID with a function for names.
func (b *BTF) decode(id TypeID, name func(off uint32) (string, error)) (Type, error) {
	if int64(id) > int64(b.numTypes) {
		return nil, fmt.Errorf("btf: type %d: %w", id, ErrNotFound)
	}
	p := typeByID(b.c, id)
	if p == nil {
		return nil, fmt.Errorf("btf: type %d: %w", id, ErrNotFound)
	}
	words := unsafe.Slice((*uint32)(p), typeWords(unsafe.Slice((*uint32)(p), wordsFixed)[wordInfo]))
	t, err := decodeType(id, words, name)
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
		return "", noName(off)
	}
	return name, nil
}

func noName(off uint32) error { return fmt.Errorf("name at offset %d: %w", off, unix.EINVAL) }

// TypeByName returns the type with that name (btf__find_by_name_kind). With several kinds, the first kind that has such
// a type decides. Without a kind, it returns the first type with that name (btf__find_by_name). A name does not include
// the keyword: "task_struct".
//
// libbpf compares the names of all types. After some searches, b makes an index of the names, of 8 to 12 bytes for each
// type, and keeps it until Close.
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
		if name == "void" {
			return b.typeByID(0)
		}
		if id := b.findNamed(n, anyKind); id > 0 {
			return b.typeByID(id)
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
		if id := b.findNamed(n, int(kind)); id > 0 {
			return b.typeByID(id)
		}
	}
	return nil, notFound()
}

// iterate makes an iterator over types. walk calls yield for each until that returns false, and returns the error that
// ends the loop. Without one, *err keeps what the loop's body left there.
func (b *BTF) iterate(err *error, walk func(yield func(Type) bool) error) iter.Seq[Type] {
	return func(yield func(Type) bool) {
		err := err
		if err == nil {
			err = new(error)
		}
		if *err = b.acquire(); *err != nil {
			return
		}
		defer b.h.Drop()
		if failed := walk(yield); failed != nil {
			*err = failed
		}
	}
}

// TypesByName iterates over all types with that name, of any kind, in the order of their numbers. If an error ends the
// loop, such as [ErrClosed], it is in *err; otherwise *err is nil. err may be nil.
func (b *BTF) TypesByName(name string, err *error) iter.Seq[Type] {
	return b.iterate(err, func(yield func(Type) bool) error {
		if name == "" || strings.IndexByte(name, 0) >= 0 {
			return nil
		}
		var c cArgs
		defer c.Free()
		n := c.Of("name", name)
		for id := b.nextNamed(0, n); id != 0; id = b.nextNamed(id, n) {
			if t, err := b.typeByID(id); err != nil || !yield(t) {
				return err
			}
		}
		return nil
	})
}

// Types iterates over all types except void, in the order of their numbers. If an error ends the loop, such as
// [ErrClosed], it is in *err; otherwise *err is nil. err may be nil.
func (b *BTF) Types(err *error) iter.Seq[Type] {
	return b.iterate(err, func(yield func(Type) bool) error {
		name := b.manyNames()
		for id := 1; id <= b.numTypes; id++ {
			if t, err := b.decode(TypeID(id), name); err != nil || !yield(t) {
				return err
			}
		}
		return nil
	})
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
	return b.resolve(id)
}

func (b *BTF) resolve(id TypeID) (Type, error) {
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
// that is only declared, and for a cycle; unix.E2BIG for an array of more than 4 GiB, and in a 32-bit
// program for each type of 2 GiB or more.
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
	if size > math.MaxInt { // in a 32-bit program
		return 0, fmt.Errorf("btf: size of type %d: %w", id, unix.E2BIG)
	}
	return int(size), nil
}

// Raw returns a copy of the type information in the form that [ParseRaw] reads, in its [BTF.ByteOrder] (btf__raw_data).
// The types of the base are not in it. [BTF.Builder] has the raw form in the other byte order.
//
// errors.Is: [ErrClosed], unix.ENOMEM.
func (b *BTF) Raw() ([]byte, error) {
	if err := b.acquire(); err != nil {
		return nil, err
	}
	defer b.h.Drop()
	raw, err := b.raw()
	if err != nil {
		return nil, fmt.Errorf("btf: raw data: %w", err)
	}
	return bytes.Clone(raw), nil
}

// raw is in libbpf's memory, until b is closed.
func (b *BTF) raw() ([]byte, error) {
	b.rawMu.Lock()
	defer b.rawMu.Unlock()
	raw := rawData(b.c)
	if raw == nil {
		return nil, unix.ENOMEM
	}
	return raw, nil
}

// String returns a description such as "BTF of the kernel's types".
func (b *BTF) String() string {
	if b == nil {
		return "BTF"
	}
	return "BTF of " + b.what
}
