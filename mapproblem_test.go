package libbpf_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// The error of a map that can't be created says which rule the map breaks.
func TestCreateMapSaysWhy(t *testing.T) {
	testutil.Root(t)
	type options = libbpf.MapCreateOptions
	inner, err := libbpf.CreateMap(libbpf.MapTypeHash, "inner", 4, 4, 1, options{})
	check(t, err)
	defer inner.Close()
	for want, c := range map[string]struct {
		typ             libbpf.MapType
		name            string
		key, value, max uint32
		options         options
		errno           error
	}{
		`the name "my-map" has a '-'`:         {libbpf.MapTypeHash, "my-map", 4, 4, 1, options{}, unix.EINVAL},
		"max entries is 0":                    {libbpf.MapTypeHash, "m", 4, 4, 0, options{}, unix.EINVAL},
		"a power of two and a multiple of":    {libbpf.MapTypeRingBuf, "m", 0, 0, 5000, options{}, unix.EINVAL},
		"array keys must have 4 bytes, not 8": {libbpf.MapTypeArray, "m", 8, 8, 1, options{}, unix.EINVAL},
		"a queue has no keys":                 {libbpf.MapTypeQueue, "m", 4, 4, 1, options{}, unix.EINVAL},
		"a lpm_trie needs the flag no_pre":    {libbpf.MapTypeLPMTrie, "m", 8, 4, 1, options{}, unix.EINVAL},
		"does not take the flag mmapable":     {libbpf.MapTypeHash, "m", 4, 4, 1, options{Flags: libbpf.CreateMMapable}, unix.EINVAL},
		"there is no NUMA node 4000":          {libbpf.MapTypeHash, "m", 4, 4, 1, options{NUMANode: 4000}, unix.EINVAL},
		"a map of maps needs InnerMap":        {libbpf.MapTypeArrayOfMaps, "m", 4, 4, 1, options{}, nil},
		"a task_storage needs the BTF types":  {libbpf.MapTypeTaskStorage, "m", 4, 4, 0, options{Flags: libbpf.CreateNoPrealloc}, unix.EINVAL},
		"Extra is 1 and must be 0 for a hash": {libbpf.MapTypeHash, "m", 4, 4, 1, options{Extra: 1}, unix.EINVAL},

		"BTFFD is -1":                        {libbpf.MapTypeHash, "m", 4, 4, 1, options{BTFFD: -1, BTFKeyTypeID: 1}, unix.EBADF},
		"TokenFD is -1":                      {libbpf.MapTypeHash, "m", 4, 4, 1, options{TokenFD: -1}, unix.EBADF},
		"ValueTypeBTFObjectFD is -1":         {libbpf.MapTypeHash, "m", 4, 4, 1, options{ValueTypeBTFObjectFD: -1}, unix.EBADF},
		"BTFFD is set, but no type id":       {libbpf.MapTypeHash, "m", 4, 4, 1, options{BTFFD: 5}, libbpf.ErrInvalid},
		"need BTFFD":                         {libbpf.MapTypeHash, "m", 4, 4, 1, options{BTFKeyTypeID: 5}, libbpf.ErrInvalid},
		"a hash does not hold maps":          {libbpf.MapTypeHash, "m", 4, 4, 1, options{InnerMap: inner}, libbpf.ErrInvalid},
		"ExclusiveProgramHash has 0 bytes":   {libbpf.MapTypeHash, "m", 4, 4, 1, options{ExclusiveProgramHash: []byte{}}, libbpf.ErrInvalid},
		"not take the flag vtype_btf_obj_fd": {libbpf.MapTypeHash, "m", 4, 4, 1, options{ValueTypeBTFObjectFD: 5}, unix.EINVAL},
	} {
		m, err := libbpf.CreateMap(c.typ, c.name, c.key, c.value, c.max, c.options)
		if err == nil {
			_ = m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || c.errno != nil && !errors.Is(err, c.errno) {
			if errors.Is(err, errors.ErrUnsupported) {
				continue // by the linked libbpf
			}
			t.Errorf("%q: %v", want, err)
		}
	}
	// The fd is not a token, but the flag is set nevertheless.
	_, err = libbpf.CreateMap(libbpf.MapTypeHash, "m", 4, 4, 1, options{TokenFD: inner.FD()})
	if err == nil {
		t.Error("a map is taken for a token")
	}
	if _, err := (libbpf.PinOptions{Directory: inner.FD()}).OpenMap("m", 0); err == nil {
		t.Error("a map is taken for a folder")
	}
	_, err = (libbpf.PinOptions{Directory: beyondInt32}).OpenMap("m", 0)
	wantErr(t, err, libbpf.ErrInvalid)
}

// SetNUMANode sets the node of the memory, also for maps of objects.
func TestNUMANode(t *testing.T) {
	testutil.Root(t)
	o := openMaps(t, "")
	m, err := o.Map("hash")
	check(t, err)
	check(t, m.SetNUMANode(0))
	flags, err := m.Flags()
	check(t, err)
	if flags != libbpf.CreateNUMANode {
		t.Errorf("flags %v", flags)
	}
	check(t, m.SetNUMANode(4000))
	_, err = o.Load()
	if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), `map "hash": there is no NUMA node 4000`) {
		t.Error(err)
	}
}

// The error of Load says which map can't be created, and why.
func TestLoadSaysWhatIsWrongWithAMap(t *testing.T) {
	testutil.Root(t)
	for want, change := range map[string]func(m *libbpf.OpenMap) error{
		`map "hash": max entries is 0`: func(m *libbpf.OpenMap) error { return m.SetMaxEntries(0) },
		`map "hash": a hash does not take the flag mmapable`: func(m *libbpf.OpenMap) error {
			return m.SetFlags(libbpf.CreateMMapable)
		},
		`map "hash": a queue has no keys`: func(m *libbpf.OpenMap) error { return m.SetType(libbpf.MapTypeQueue) },
	} {
		o := openMaps(t, "")
		m, err := o.Map("hash")
		check(t, err)
		check(t, change(m))
		_, err = o.Load()
		if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// The error of Load says how a pinned map differs from the definition.
func TestPinMismatch(t *testing.T) {
	pins := testutil.BPFFS(t)
	path := filepath.Join(pins, "pinned")
	other, err := libbpf.CreateMap(libbpf.MapTypeLRUHash, "other", 4, 16, 9, libbpf.MapCreateOptions{})
	check(t, err)
	defer other.Close()
	check(t, other.Pin(path))
	_, err = openMaps(t, pins).Load()
	if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), `map "pinned": the map that is pinned at "`+path+
		`" has type lru_hash instead of hash, value size 16 instead of 8, max entries 9 instead of 8`) {
		t.Error(err)
	}
	check(t, other.Unpin(path))
	check(t, findProgram(t, loadTestRun(t, true), "add_fields").Pin(path))
	_, err = openMaps(t, pins).Load()
	if err == nil || !strings.Contains(err.Error(), `program "add_fields"`) {
		t.Error(err)
	}
	check(t, os.Remove(path))
}
