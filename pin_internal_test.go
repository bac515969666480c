package libbpf

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// C code that shares the object asks libbpf where it pins a map. Unless the map is pinned, that is where its definition
// says.
func TestPinPathOfLibbpf(t *testing.T) {
	pins := testutil.BPFFS(t)
	defined, other := filepath.Join(pins, "pinned"), filepath.Join(pins, "other")
	open, err := OpenFile(testutil.Object(t, "testrun"))
	testutil.Check(t, err)
	opened, err := open.Map("bystander")
	testutil.Check(t, err)
	testutil.Check(t, opened.SetPinPath(defined))
	o, err := open.Load()
	testutil.Check(t, err)
	defer o.Close()
	m, err := o.Map("bystander")
	testutil.Check(t, err)
	want := func(path string) {
		t.Helper()
		if got := mapPinPath(m.ptr); got != path {
			t.Errorf("%q, want %q", got, path)
		}
	}
	want(defined)
	testutil.Check(t, m.Unpin(""))
	want(defined)
	testutil.Check(t, m.Pin(other))
	want(other)
	testutil.Check(t, m.Unpin(other))
	want(defined)
	testutil.WantErr(t, m.Pin(filepath.Join(pins, "no", "folder", "pin")), os.ErrNotExist)
	want(defined)
	testutil.Check(t, m.Pin(other))
	testutil.Check(t, os.Remove(other))
	testutil.WantErr(t, m.Unpin(""), os.ErrNotExist)
	want(defined)
}
