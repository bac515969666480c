package pick

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

func check(t *testing.T, err error) {
	t.Helper()
	testutil.Check(t, err)
}

// makeMap makes a map without BTF.
func makeMap(t *testing.T, name string) uint32 {
	t.Helper()
	m, err := libbpf.CreateMap(libbpf.MapTypeArray, name, 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	t.Cleanup(func() { _ = m.Close() })
	info, err := m.Info()
	check(t, err)
	return info.ID
}

// load loads the object with long names.
func load(t *testing.T) *libbpf.Object {
	t.Helper()
	testutil.Root(t)
	open, err := libbpf.OpenFile(testutil.Object(t, "longname"))
	check(t, err)
	o, err := open.Load()
	check(t, err)
	t.Cleanup(func() { _ = o.Close() })
	return o
}

func TestMap(t *testing.T) {
	o := load(t)
	m, err := o.Map("a_map_with_a_long_name")
	check(t, err)
	info, err := m.Info()
	check(t, err)
	path := filepath.Join(testutil.BPFFS(t), "pinned")
	check(t, m.Pin(path))
	id := fmt.Sprint(info.ID)
	for _, what := range []string{
		id, "id:" + id, "a_map_with_a_long_name", "name:a_map_with_a_long_name", "a_map_with_a_lo", path,
	} {
		picked, err := Map(what)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if got, err := picked.Info(); err != nil || got.ID != info.ID {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
		check(t, picked.Close())
	}
	if _, err := Map("a_map_with_a_longer_name"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("another name with the same beginning: %v", err)
	}
}

// A name that several maps have is not enough, and neither is one of which the kernel has only a part.
func TestAmbiguousMap(t *testing.T) {
	testutil.Root(t)
	a, b := makeMap(t, "bpfgo_pick_two"), makeMap(t, "bpfgo_pick_two")
	cut := makeMap(t, "bpfgo_pick_a_long_name")
	for what, want := range map[string]string{
		"bpfgo_pick_two":       fmt.Sprintf(`2 maps are named "bpfgo_pick_two": maps %d and %d; use an id`, a, b),
		"bpfgo_pick_a_long_na": fmt.Sprintf("name of map %d; use an id", cut),
	} {
		if _, err := Map(what); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	}
}

func TestProgramAndLink(t *testing.T) {
	o := load(t)
	p, err := o.Program("a_program_with_a_long_name")
	check(t, err)
	info, err := p.Info(0)
	check(t, err)
	path := filepath.Join(testutil.BPFFS(t), "pinned")
	check(t, p.Pin(path))
	tag := hex.EncodeToString(info.Tag[:])
	for _, what := range []string{
		fmt.Sprint(info.ID), "a_program_with_a_long_name", "a_program_with_", path, "tag:" + strings.ToUpper(tag),
	} {
		picked, err := Program(what)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if got, err := picked.Info(0); err != nil || got.ID != info.ID {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
		check(t, picked.Close())
	}
	if _, err := Link("a_program_with_a_long_name"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no link: %v", err)
	}
}

func TestBTF(t *testing.T) {
	testutil.Root(t)
	id, err := BTF("vmlinux")
	if errors.Is(err, os.ErrNotExist) {
		testutil.Skip(t, "btf-names", err) // before Linux 5.11
	}
	check(t, err)
	if again, err := BTF(fmt.Sprintf("id:%d", id)); err != nil || again != id {
		t.Errorf("%d, %v", again, err)
	}
}

func TestUsage(t *testing.T) {
	for _, what := range []string{"", "id:0", "id:x", "id:4294967296", "99999999999", "tag:12", "tag:zz"} {
		if _, err := Program(what); cli.Status(err) != cli.StatusUsage {
			t.Errorf("%q: %v", what, err)
		}
	}
}

// Completion has ids and names, but no name that a shell takes for something else.
func TestComplete(t *testing.T) {
	testutil.Root(t)
	id := makeMap(t, "bpfgo_complete")
	found, _ := CompleteMap(nil, nil, "")
	for _, want := range []string{fmt.Sprintf("%d\tbpfgo_complete", id), fmt.Sprintf("bpfgo_complete\tid %d", id)} {
		if !slices.Contains(found, want) {
			t.Errorf("%q is missing in %q", want, found)
		}
	}
	for _, name := range []string{"a b", "$(x)", "a\x1b", "42", "a;b", "é"} {
		if plain(name) {
			t.Errorf("%q is plain", name)
		}
	}
}
