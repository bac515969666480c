package btf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Ext is what a compiled object has beside its types, in the section .BTF.ext: the types of functions, the source lines
// of instructions, and the CO-RE relocations. They refer to the types by number, and to their strings by offset. libbpf
// shows nothing of the content. [Builder.Dedup] and [Builder.Permute] change it with the types. An Ext is safe for
// concurrent use.
type Ext struct {
	mu sync.Mutex
	c  *cExt // nil after Close
}

// ParseExt reads the content of a section .BTF.ext (btf_ext__new); the caller closes it. ParseExt copies data.
//
// errors.Is: unix.EINVAL for data that is not such a section, or is damaged.
func ParseExt(data []byte) (*Ext, error) {
	if len(data) == 0 || uint64(len(data)) > math.MaxUint32 {
		return nil, fmt.Errorf("btf: parse ext of %d bytes: %w", len(data), fault.Invalidf("it must have from 1 byte to 4 GiB"))
	}
	var c *cExt
	err := saying(func() error {
		if err := checkTables(data); err != nil {
			return err
		}
		var ret cInt
		c = parseExt(data, &ret)
		return clib.FromRet(int(ret))
	})
	if err != nil {
		return nil, fmt.Errorf("btf: parse ext: %w", err)
	}
	return &Ext{c: c}, nil
}

// ParseWithExt is [Parse] for an ELF file that has a section .BTF.ext beside its types; the caller closes both. ext is
// nil if the file does not have the section.
//
// errors.Is: as for [Parse].
func ParseWithExt(path string) (types *BTF, ext *Ext, err error) {
	types, err = Parse(path)
	if err != nil {
		return nil, nil, err
	}
	// btf__parse reads the section too, but nothing checks it then.
	data, err := extSection(path)
	if err == nil && data != nil {
		ext, err = ParseExt(data)
	}
	if err != nil {
		_ = types.Close()
		return nil, nil, fmt.Errorf("btf: parse %s: %w", path, err)
	}
	return types, ext, nil
}

// extSection is nil for files without it, such as those that have raw types.
func extSection(path string) ([]byte, error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, nil
	}
	defer file.Close()
	return sectionData(file, ".BTF.ext")
}

// extTables is how many tables a section has: functions, lines, relocations.
const extTables = 3

// extTable returns where the header of a section says that a table is. The size is 0 for a table that is not there.
func extTable(data []byte, order binary.ByteOrder, i int) (from, size uint64) {
	const headerLen, firstTable = 4, 8
	at := firstTable + 8*i
	header := uint64(order.Uint32(data[headerLen:]))
	if uint64(at+8) > header || at+8 > len(data) {
		return 0, 0
	}
	return header + uint64(order.Uint32(data[at:])), uint64(order.Uint32(data[at+4:]))
}

// checkTables checks that no table overlaps another: libbpf changes one after the other, with what it reads of them.
func checkTables(data []byte) error {
	const magic = 0xeb9f
	if len(data) < 8 {
		return unix.EINVAL
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if order.Uint16(data) != magic {
		order = binary.BigEndian
	}
	for i := range extTables {
		from, size := extTable(data, order, i)
		for j := range i {
			other, otherSize := extTable(data, order, j)
			if size != 0 && otherSize != 0 && from < other+otherSize && other < from+size {
				return fmt.Errorf("tables %d and %d overlap: %w", j, i, unix.EINVAL)
			}
		}
	}
	return nil
}

// with runs f with libbpf's struct.
func (e *Ext) with(f func(c *cExt) error) error {
	if e == nil {
		return ErrClosed
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil {
		return ErrClosed
	}
	return f(e.c)
}

// change is with for an operation that changes the ext. libbpf keeps a copy in the other byte order, which would not
// change.
func (e *Ext) change(f func(c *cExt) error) error {
	return e.with(func(c *cExt) error {
		if clib.Needs("btf_ext__set_endianness", 1, 5) != nil {
			return f(c)
		}
		order := extByteOrder(c)
		setExtByteOrder(c, nativeOrder)
		defer setExtByteOrder(c, order)
		return f(c)
	})
}

// Close frees it (btf_ext__free). Close is idempotent.
func (e *Ext) Close() error {
	_ = e.with(func(c *cExt) error {
		freeExt(c)
		e.c = nil
		return nil
	})
	return nil
}

// Raw returns a copy in the form that [ParseExt] reads (btf_ext__raw_data).
//
// errors.Is: [ErrClosed], unix.ENOMEM.
func (e *Ext) Raw() ([]byte, error) {
	var raw []byte
	err := e.with(func(c *cExt) error {
		if raw = bytes.Clone(rawExt(c)); raw == nil {
			return unix.ENOMEM
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("btf: raw data of an ext: %w", err)
	}
	return raw, nil
}

// ByteOrder is the byte order of [Ext.Raw] (btf_ext__endianness). It is nil after Close.
func (e *Ext) ByteOrder() (order binary.ByteOrder) {
	_ = e.with(func(c *cExt) error {
		order = extByteOrder(c)
		return nil
	})
	return order
}

// SetByteOrder sets the byte order of Raw (btf_ext__set_endianness): [binary.LittleEndian] or [binary.BigEndian].
//
// errors.Is: [ErrClosed], unix.EINVAL for another order, [errors.ErrUnsupported] before libbpf 1.5.
func (e *Ext) SetByteOrder(order binary.ByteOrder) error {
	err := e.with(func(c *cExt) error {
		if order != binary.LittleEndian && order != binary.BigEndian {
			return fault.Invalidf("%v is neither binary.LittleEndian nor binary.BigEndian", order)
		}
		if err := clib.Needs("btf_ext__set_endianness", 1, 5); err != nil {
			return err
		}
		return clib.FromRet(int(setExtByteOrder(c, order)))
	})
	if err != nil {
		return fmt.Errorf("btf: set the byte order of an ext: %w", err)
	}
	return nil
}

// checkExt checks that the types and strings to which an ext refers exist: libbpf does not. Its lengths are checked
// when it is parsed.
func checkExt(c *cExt, types *cBTF) error {
	raw := rawExt(c)
	if raw == nil {
		return unix.ENOMEM
	}
	order, last := extByteOrder(c), numTypes(types)
	word := func(at uint64) uint32 { return order.Uint32(raw[at:]) }
	checkString := func(at uint64) error {
		if _, ok := nameByOffset(types, word(at)); !ok {
			return fmt.Errorf("a string at %d: %w", word(at), unix.EINVAL)
		}
		return nil
	}
	checkType := func(at uint64) error {
		if int64(word(at)) > int64(last) {
			return fmt.Errorf("type %d of %d: %w", word(at), last, unix.EINVAL)
		}
		return nil
	}
	// The places of numbers and offsets in the records of each table.
	places := [extTables]struct{ types, strings []uint64 }{
		{types: []uint64{4}}, {strings: []uint64{4, 8}}, {[]uint64{4}, []uint64{8}},
	}
	for i, place := range places {
		from, size := extTable(raw, order, i)
		if size == 0 {
			continue
		}
		recordSize, end := uint64(word(from)), from+size
		for at := from + 4; at < end; {
			if err := checkString(at); err != nil {
				return err
			}
			n := word(at + 4)
			at += 8
			for range n {
				for _, off := range place.types {
					if err := checkType(at + off); err != nil {
						return err
					}
				}
				for _, off := range place.strings {
					if err := checkString(at + off); err != nil {
						return err
					}
				}
				at += recordSize
			}
		}
	}
	return nil
}
