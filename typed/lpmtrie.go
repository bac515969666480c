package typed

import (
	"reflect"
	"unsafe"

	"github.com/libbpf-go/libbpf-go"
)

// LPMTrie finds the V of the longest prefix that matches: a map of type [libbpf.MapTypeLPMTrie]. A key in the map is a
// prefix length of 4 bytes and a K, without padding.
//
// Lookup returns the value of the longest prefix that is in the trie and that key begins with. For the prefix of an
// address, set PrefixLen to all bits of the address. Update, Delete and the batches are about exactly the prefix that
// key is. All and Keys return longer prefixes before those that contain them.
//
// The kernel compares prefixes from the first byte to the last, and each byte from its highest bit. So K is best an
// array of bytes, such as [4]byte for an IPv4 address; an integer must be in big-endian order.
type LPMTrie[K, V any] struct{ table[LPMKey[K], V] }

// LPMKey is a key of an [LPMTrie]: the first PrefixLen bits of Data.
type LPMKey[K any] struct {
	PrefixLen uint32 // in bits; more than a K has is unix.EINVAL
	Data      K
}

// prefixSize is the size of a prefix length.
const prefixSize = 4

// NewLPMTrie returns a typed view of a map of type [libbpf.MapTypeLPMTrie] (Linux 4.11; Linux 4.16 to iterate). The
// error matches [libbpf.ErrInvalid] when the map is of another type, its keys are not 4 bytes larger than a K, or its
// values are not as large as a V.
func NewLPMTrie[K, V any](m libbpf.MapCore) (*LPMTrie[K, V], error) {
	t := new(LPMTrie[K, V])
	err := t.openView(m, libbpf.MapTypeLPMTrie)
	if err == nil {
		var key LPMKey[K]
		data := unsafe.Offsetof(key.Data)
		err = t.setKey(reflect.TypeFor[LPMKey[K]](), span{data - prefixSize, data + unsafe.Sizeof(key.Data)})
	}
	if err == nil {
		err = t.setValue(reflect.TypeFor[V]())
	}
	return orNil(t, err)
}
