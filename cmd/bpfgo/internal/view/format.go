package view

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf/decode"
)

// Format is how the keys or the values of a map are shown. A [decode.Type] is one, also a nil one.
type Format interface {
	Columns() []decode.Column
	Cells(data []byte) []string
	AppendJSON(dst, data []byte) []byte
	Compare(a, b []byte) int
	CompareColumn(column int, a, b []byte) int
}

// keyFormat is how the keys of a map are shown that have this type, or nil.
func keyFormat(m Map) Format {
	if m.Type == libbpf.MapTypeLPMTrie && (m.KeySize == 4+4 || m.KeySize == 4+16) {
		return prefix{}
	}
	if m.Key == nil && m.KeySize == 4 && m.Indexed() {
		return index{}
	}
	return m.Key
}

// Indexed tells whether the keys are indices, which is so also where their type is not known.
func (m Map) Indexed() bool {
	switch m.Type {
	case libbpf.MapTypeArray, libbpf.MapTypePerCPUArray, libbpf.MapTypeProgArray, libbpf.MapTypeArrayOfMaps,
		libbpf.MapTypeCgroupArray, libbpf.MapTypePerfEventArray, libbpf.MapTypeDevMap, libbpf.MapTypeCPUMap,
		libbpf.MapTypeXSKMap, libbpf.MapTypeSockMap, libbpf.MapTypeReuseportSockArray, libbpf.MapTypeStructOps,
		libbpf.MapTypeStackTrace:
		return true
	}
	return false
}

// index is a key of an array.
type index struct{}

func (index) Columns() []decode.Column { return []decode.Column{{Name: "key", Right: true}} }

func (index) number(data []byte) uint64 { return part{size: 4}.number(data) }

func (i index) Cells(data []byte) []string { return []string{strconv.FormatUint(i.number(data), 10)} }

func (i index) AppendJSON(dst, data []byte) []byte {
	return strconv.AppendUint(dst, i.number(data), 10)
}

func (i index) Compare(a, b []byte) int { return cmp.Compare(i.number(a), i.number(b)) }

func (i index) CompareColumn(_ int, a, b []byte) int { return i.Compare(a, b) }

// valueFormat is how the values of a map are shown that have this type, or nil.
func valueFormat(m Map) Format {
	switch {
	case m.Type == libbpf.MapTypeProgArray:
		return numbers{parts: []part{{"program_id", 4}}, naming: "program_name", name: m.ProgramName}
	case m.Type.IsMapInMap():
		return numbers{parts: []part{{"map_id", 4}}, naming: "map_name", name: m.MapName}
	case m.Value != nil:
		return m.Value
	case m.Type == libbpf.MapTypeDevMap || m.Type == libbpf.MapTypeDevMapHash:
		if m.ValueSize == 8 {
			return numbers{parts: []part{{"ifindex", 4}, {"program_id", 4}}}
		}
		return numbers{parts: []part{{"ifindex", 4}}}
	case m.Type == libbpf.MapTypeCPUMap:
		if m.ValueSize == 8 {
			return numbers{parts: []part{{"queue_size", 4}, {"program_id", 4}}}
		}
		return numbers{parts: []part{{"queue_size", 4}}}
	case IsSocketMap(m.Type) && m.ValueSize == 8:
		return numbers{parts: []part{{"socket_cookie", 8}}}
	}
	return m.Value
}

// IsSocketMap tells whether maps of this type hold sockets. User space reads their cookies, if the values have room.
func IsSocketMap(t libbpf.MapType) bool {
	return t == libbpf.MapTypeSockMap || t == libbpf.MapTypeSockHash || t == libbpf.MapTypeReuseportSockArray
}

// prefix is a key of an LPM trie whose data has the size of an address.
type prefix struct{}

func (prefix) Columns() []decode.Column { return []decode.Column{{Name: "key"}} }

func (prefix) Cells(data []byte) []string { return []string{PrefixText(data)} }

func (prefix) AppendJSON(dst, data []byte) []byte {
	return decode.AppendJSONString(dst, PrefixText(data))
}

func (prefix) Compare(a, b []byte) int {
	return cmp.Or(bytes.Compare(a[4:], b[4:]), cmp.Compare(PrefixLength(a), PrefixLength(b)))
}

func (p prefix) CompareColumn(_ int, a, b []byte) int { return p.Compare(a, b) }

// PrefixLength is the number of bits of a key of an LPM trie that count.
func PrefixLength(key []byte) uint32 { return binary.NativeEndian.Uint32(key) }

// PrefixText is a key of an LPM trie as a prefix, such as 10.0.0.0/8.
func PrefixText(key []byte) string {
	address, ok := netip.AddrFromSlice(key[4:])
	if !ok {
		return decode.Hex(key)
	}
	return address.String() + "/" + strconv.FormatUint(uint64(PrefixLength(key)), 10)
}

// PrefixContains tells whether a key of an LPM trie contains another one: all its bits are also those of the other.
func PrefixContains(key, other []byte) bool {
	bits := int(PrefixLength(key))
	if PrefixLength(other) < uint32(bits) || bits > 8*(len(key)-4) {
		return false
	}
	whole := 4 + bits/8
	if !bytes.Equal(key[4:whole], other[4:whole]) {
		return false
	}
	rest := bits % 8
	return rest == 0 || (key[whole]^other[whole])>>(8-rest) == 0
}

// numbers are values that the kernel defines: numbers one after another.
type numbers struct {
	parts  []part
	naming string                 // the name of the column for the name of what the first number is the id of, or ""
	name   func(id uint32) string // the name, or ""; may be nil
}

type part struct {
	name string
	size int
}

func (n numbers) Columns() []decode.Column {
	columns := make([]decode.Column, 0, len(n.parts)+1)
	for _, p := range n.parts {
		columns = append(columns, decode.Column{Name: p.name, Right: true})
	}
	if n.naming != "" {
		columns = append(columns, decode.Column{Name: n.naming})
	}
	return columns
}

// number is the number that begins at data.
func (p part) number(data []byte) uint64 {
	switch {
	case len(data) < p.size:
		return 0
	case p.size == 8:
		return binary.NativeEndian.Uint64(data)
	}
	return uint64(binary.NativeEndian.Uint32(data))
}

func (n numbers) Cells(data []byte) []string {
	cells := make([]string, 0, len(n.parts)+1)
	at := 0
	for _, p := range n.parts {
		cells = append(cells, strconv.FormatUint(p.number(data[min(at, len(data)):]), 10))
		at += p.size
	}
	if n.naming != "" {
		cells = append(cells, n.named(data))
	}
	return cells
}

// named is the name of what the first number is the id of, or "".
func (n numbers) named(data []byte) string {
	if n.name == nil {
		return ""
	}
	return n.name(uint32(n.parts[0].number(data)))
}

func (n numbers) AppendJSON(dst, data []byte) []byte {
	dst = append(dst, '{')
	at := 0
	for i, p := range n.parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(decode.AppendJSONString(dst, p.name), ':')
		dst = strconv.AppendUint(dst, p.number(data[min(at, len(data)):]), 10)
		at += p.size
	}
	if n.naming != "" {
		if name := n.named(data); name != "" {
			dst = append(decode.AppendJSONString(append(dst, ','), n.naming), ':')
			dst = decode.AppendJSONString(dst, name)
		}
	}
	return append(dst, '}')
}

func (n numbers) Compare(a, b []byte) int {
	for i := range n.parts {
		if c := n.CompareColumn(i, a, b); c != 0 {
			return c
		}
	}
	return 0
}

func (n numbers) CompareColumn(column int, a, b []byte) int {
	if column >= len(n.parts) {
		return cmp.Compare(n.named(a), n.named(b))
	}
	at := 0
	for _, p := range n.parts[:column] {
		at += p.size
	}
	p := n.parts[column]
	return cmp.Compare(p.number(a[min(at, len(a)):]), p.number(b[min(at, len(b)):]))
}
