package libbpf_test

import (
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// A map can be made by a definition alone, and compared with one.
func TestMapDefinition(t *testing.T) {
	testutil.Root(t)
	o := openMaps(t, testutil.BPFFS(t))
	hash, err := o.Map("hash")
	check(t, err)
	definition, err := hash.Definition()
	check(t, err)
	if definition.Name != "hash" || definition.Type != libbpf.MapTypeHash || definition.MaxEntries == 0 {
		t.Errorf("definition %+v", definition)
	}
	m, err := definition.Create()
	check(t, err)
	defer m.Close()
	check(t, definition.Compatible(m))
	check(t, hash.Reuse(m))
	loaded := load(t, o)
	check(t, definition.Compatible(findMap(t, loaded, "hash")))

	other := definition
	other.MaxEntries++
	other.Flags = libbpf.CreateNoPrealloc
	wantErrSaying(t, other.Compatible(m), libbpf.ErrInvalid, "max entries")
	wantErrSaying(t, other.Compatible(m), libbpf.ErrInvalid, "no_prealloc")
	check(t, m.Close())
	wantErr(t, definition.Compatible(m), libbpf.ErrClosed)
	wantErr(t, definition.Compatible(nil), libbpf.ErrClosed)
	check(t, loaded.Close())
	_, err = hash.Definition()
	wantErr(t, err, libbpf.ErrLoaded)
}
