package typed

import (
	"reflect"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Bind makes *kind, which is the zero value of one of this package's kinds of maps, a view of a map, as the kind's New
// function does. It is for code that learns types at run time: everybody else calls the New function. A kind that
// stands for several types of maps, as [Hash] does, takes each of them.
//
// The error is that of the New function. It matches [libbpf.ErrInvalid] if kind is not a pointer to a kind of maps.
func Bind(kind any, m libbpf.MapCore) error {
	b, ok := kind.(binder)
	if !ok || reflect.ValueOf(kind).IsNil() {
		name := ""
		if m != nil {
			name = m.Name()
		}
		return fail(name, fault.Invalidf("a %T is not a pointer to a view of a map", kind))
	}
	return b.bind(m)
}

// IsKind tells whether Bind takes values of a type, which is a pointer.
func IsKind(t reflect.Type) bool { return t.Implements(reflect.TypeFor[binder]()) }

// binder is what Bind needs of a kind.
type binder interface{ bind(m libbpf.MapCore) error }

// bindBy sets *to to what a New function makes.
func bindBy[T any](to *T, m libbpf.MapCore, open func(libbpf.MapCore) (*T, error)) error {
	made, err := open(m)
	if err == nil {
		*to = *made
	}
	return err
}

// typeOf is the type of a map, which may be nil.
func typeOf(m libbpf.MapCore) libbpf.MapType {
	if m == nil {
		return libbpf.MapTypeUnspec
	}
	return m.Type()
}

func (v *Array[V]) bind(m libbpf.MapCore) error       { return bindBy(v, m, NewArray[V]) }
func (v *BloomFilter[V]) bind(m libbpf.MapCore) error { return bindBy(v, m, NewBloomFilter[V]) }
func (v *CgroupArray) bind(m libbpf.MapCore) error    { return bindBy(v, m, NewCgroupArray) }
func (v *CgroupStorage[K, V]) bind(m libbpf.MapCore) error {
	return bindBy(v, m, NewCgroupStorage[K, V])
}
func (v *PerCPUCgroupStorage[K, V]) bind(m libbpf.MapCore) error {
	return bindBy(v, m, NewPerCPUCgroupStorage[K, V])
}
func (v *CPUMap) bind(m libbpf.MapCore) error             { return bindBy(v, m, NewCPUMap) }
func (v *DevMap) bind(m libbpf.MapCore) error             { return bindBy(v, m, NewDevMap) }
func (v *DevMapHash) bind(m libbpf.MapCore) error         { return bindBy(v, m, NewDevMapHash) }
func (v *LPMTrie[K, V]) bind(m libbpf.MapCore) error      { return bindBy(v, m, NewLPMTrie[K, V]) }
func (v *ArrayOfMaps) bind(m libbpf.MapCore) error        { return bindBy(v, m, NewArrayOfMaps) }
func (v *HashOfMaps[K]) bind(m libbpf.MapCore) error      { return bindBy(v, m, NewHashOfMaps[K]) }
func (v *PerCPUArray[V]) bind(m libbpf.MapCore) error     { return bindBy(v, m, NewPerCPUArray[V]) }
func (v *ProgArray) bind(m libbpf.MapCore) error          { return bindBy(v, m, NewProgArray) }
func (v *Queue[V]) bind(m libbpf.MapCore) error           { return bindBy(v, m, NewQueue[V]) }
func (v *Stack[V]) bind(m libbpf.MapCore) error           { return bindBy(v, m, NewStack[V]) }
func (v *SockMap) bind(m libbpf.MapCore) error            { return bindBy(v, m, NewSockMap) }
func (v *ReuseportSockArray) bind(m libbpf.MapCore) error { return bindBy(v, m, NewReuseportSockArray) }
func (v *SockHash[K]) bind(m libbpf.MapCore) error        { return bindBy(v, m, NewSockHash[K]) }
func (v *XSKMap) bind(m libbpf.MapCore) error             { return bindBy(v, m, NewXSKMap) }
func (v *StackTrace) bind(m libbpf.MapCore) error         { return bindBy(v, m, NewStackTrace) }

func (v *Hash[K, V]) bind(m libbpf.MapCore) error {
	if typeOf(m) == libbpf.MapTypeLRUHash {
		return bindBy(v, m, NewLRUHash[K, V])
	}
	return bindBy(v, m, NewHash[K, V])
}

func (v *PerCPUHash[K, V]) bind(m libbpf.MapCore) error {
	if typeOf(m) == libbpf.MapTypeLRUPerCPUHash {
		return bindBy(v, m, NewLRUPerCPUHash[K, V])
	}
	return bindBy(v, m, NewPerCPUHash[K, V])
}

func (v *Storage[V]) bind(m libbpf.MapCore) error {
	switch typ := typeOf(m); typ {
	case libbpf.MapTypeInodeStorage, libbpf.MapTypeTaskStorage, libbpf.MapTypeCgrpStorage:
		return bindBy(v, m, func(m libbpf.MapCore) (*Storage[V], error) { return newStorage[V](m, typ) })
	}
	return bindBy(v, m, NewSKStorage[V])
}
