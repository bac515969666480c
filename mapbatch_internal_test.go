package libbpf

import (
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// Batches stay in use after a batch failed because of flags that only single elements take, or because the kernel
// refused an element.
func TestNothingEndsBatches(t *testing.T) {
	testutil.Root(t)
	tooLong := append(binary.NativeEndian.AppendUint32(nil, 99), 0, 0, 0, 99)
	for _, c := range []struct {
		name    string
		typ     MapType
		flags   MapCreateFlags
		do      func(m *MapHandle) (int, error)
		n       int
		without batchOp
		errno   error
	}{
		{"a flag", MapTypeHash, 0, func(m *MapHandle) (int, error) {
			return m.UpdateBatch(make([]byte, 8), make([]byte, 4), NoExist)
		}, 1, 0, nil},
		{"a wrong flag", MapTypeHash, 0, func(m *MapHandle) (int, error) {
			return m.UpdateBatch(make([]byte, 8), make([]byte, 4), 1<<40)
		}, 0, 0, unix.EINVAL},
		{"a prefix that is too long", MapTypeLPMTrie, CreateNoPrealloc, func(m *MapHandle) (int, error) {
			return m.UpdateBatch(tooLong, make([]byte, 4), Any)
		}, 0, 0, unix.EINVAL},
		{"the same to delete", MapTypeLPMTrie, CreateNoPrealloc, func(m *MapHandle) (int, error) {
			return m.DeleteBatch(tooLong)
		}, 0, 0, unix.EINVAL},
		{"one batch that the type does not have", MapTypeLPMTrie, CreateNoPrealloc, func(m *MapHandle) (int, error) {
			return m.LookupAndDeleteBatch(new(MapCursor), make([]byte, 8), make([]byte, 4), Any)
		}, 0, batchTake, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := CreateMap(c.typ, "batches", 8, 4, 4, MapCreateOptions{Flags: c.flags})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if c.typ == MapTypeLPMTrie {
				_, _ = m.UpdateBatch(make([]byte, 8), make([]byte, 4), Any)
				_, _ = m.DeleteBatch(make([]byte, 8))
				if m.noBatch.Load() != 0 {
					testutil.Skip(t, "lpm_trie-batch", errors.ErrUnsupported)
				}
			}
			n, err := c.do(m)
			if n != c.n || c.errno != nil && !errors.Is(err, c.errno) {
				t.Errorf("%d, %v", n, err)
			}
			if got := batchOp(m.noBatch.Load()); got != c.without {
				t.Errorf("ended the batches %b, want %b", got, c.without)
			}
		})
	}
}
