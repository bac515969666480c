package libbpf_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// pinned returns the names in a folder.
func pinned(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	check(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestObjectPin(t *testing.T) {
	folder := filepath.Join(testutil.BPFFS(t), "testrun")
	o := loadTestRun(t, true)
	maps := []string{"bystander", "testrun_bss"}
	programs := []string{"add_arguments", "add_fields", "change_mark", "count_packet", "grow_packet"}
	all := slices.Concat(programs, maps)
	slices.Sort(all)
	for _, c := range []struct {
		name       string
		pin, unpin func(string) error
		want       []string
	}{
		{"maps", o.PinMaps, o.UnpinMaps, maps},
		{"programs", o.PinPrograms, o.UnpinPrograms, programs},
		{"all", o.Pin, o.Unpin, all},
	} {
		check(t, c.pin(folder))
		if got := pinned(t, folder); !slices.Equal(got, c.want) {
			t.Errorf("%s: pinned %q, want %q", c.name, got, c.want)
		}
		if c.name == "programs" { // maps know where they are pinned
			wantErr(t, c.pin(folder), os.ErrExist)
		}
		check(t, c.unpin(folder))
		if got := pinned(t, folder); len(got) > 0 {
			t.Errorf("%s: %q are pinned after all", c.name, got)
		}
		wantErr(t, c.pin("a\x00b"), libbpf.ErrInvalid)
		wantErr(t, c.pin(t.TempDir()), unix.EINVAL) // not on a BPF file system
	}
	for _, f := range []func(string) error{o.Pin, o.Unpin, o.PinPrograms, o.UnpinPrograms} {
		wantErrSaying(t, f(""), libbpf.ErrInvalid, "no folder is given")
	}
	check(t, o.Close())
	wantErr(t, o.Pin(folder), libbpf.ErrClosed)
	wantErr(t, (*libbpf.Object)(nil).Unpin(folder), libbpf.ErrClosed)
	if fd := (*libbpf.Object)(nil).TokenFD(); fd != -1 {
		t.Errorf("token %d", fd)
	}
}

// A program that was not loaded can't be pinned. Pin then leaves no pins.
func TestObjectPinUndoes(t *testing.T) {
	folder := filepath.Join(testutil.BPFFS(t), "testrun")
	o := loadTestRun(t, false)
	if err := o.Pin(folder); err == nil {
		t.Error("a program that was not loaded is pinned")
	}
	if got := pinned(t, folder); len(got) > 0 {
		t.Errorf("%q are pinned", got)
	}
	// Unpin takes what there can be, and tells the first pin that is missing.
	check(t, o.PinMaps(folder))
	check(t, findProgram(t, o, "count_packet").Pin(filepath.Join(folder, "count_packet")))
	wantErrSaying(t, o.Unpin(folder), os.ErrNotExist, `unpin object "testrun": program "grow_packet": `)
	if got := pinned(t, folder); len(got) > 0 {
		t.Errorf("%q remain", got)
	}
	wantErrSaying(t, o.PinPrograms(folder), libbpf.ErrInvalid, `program "add_fields": the program was not loaded`)
	for _, name := range []string{"add_arguments", "change_mark", "count_packet", "grow_packet"} {
		check(t, findProgram(t, o, name).Pin(filepath.Join(folder, name)))
	}
	check(t, o.UnpinPrograms(folder)) // but for the program that was not loaded
}

// PinMaps("") pins maps at their own paths.
func TestObjectPinMapsByTheirPaths(t *testing.T) {
	path := filepath.Join(testutil.BPFFS(t), "mine")
	o := loadTestRun(t, false)
	check(t, o.PinMaps("")) // none has one
	m := findMap(t, o, "bystander")
	check(t, m.Pin(path))
	check(t, o.UnpinMaps(""))
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("after UnpinMaps: %v", err)
	}
}
