package pick

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
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

// Ids and pins. Other tests may have the same names in the kernel: see TestFind.
func TestOpen(t *testing.T) {
	o := needs.Load(t, "longname")
	m, err := o.Map("a_map_with_a_long_name")
	check(t, err)
	p, err := o.Program("a_program_with_a_long_name")
	check(t, err)
	mapInfo, err := m.Info()
	check(t, err)
	programInfo, err := p.Info(0)
	check(t, err)
	folder := testutil.BPFFS(t)
	mapPin, programPin := filepath.Join(folder, "map"), filepath.Join(folder, "program")
	check(t, m.Pin(mapPin))
	check(t, p.Pin(programPin))
	for _, what := range []string{fmt.Sprint(mapInfo.ID), fmt.Sprintf("id:%d", mapInfo.ID), mapPin} {
		picked, err := Map(what)
		check(t, err)
		if got, err := picked.Info(); err != nil || got.ID != mapInfo.ID {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
		check(t, picked.Close())
	}
	for _, what := range []string{fmt.Sprint(programInfo.ID), programPin} {
		picked, err := Program(what)
		check(t, err)
		if got, err := picked.Info(0); err != nil || got.ID != programInfo.ID {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
		check(t, picked.Close())
	}
	if _, err := Map(programPin); !errors.Is(err, libbpf.ErrInvalid) {
		t.Errorf("a program as a map: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	for path, want := range map[string]string{folder: "but a folder", file: "not on a BPF file system"} {
		if _, err := Program(path); cli.Status(err) != cli.StatusFailed || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Link("no_program_has_this_name"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no link: %v", err)
	}

	// Their names are whole.
	all, err := programs()
	check(t, err)
	has(t, all, candidate{
		programInfo.ID, names.Name{Text: "a_program_with_a_long_name", Whole: true}, "a_program_with_", programInfo.Tag.String(),
	})
	all, err = maps()
	check(t, err)
	has(t, all, candidate{
		id: mapInfo.ID, name: names.Name{Text: "a_map_with_a_long_name", Whole: true}, kernel: "a_map_with_a_lo",
	})
}

func has(t *testing.T, all []candidate, want candidate) {
	t.Helper()
	if !slices.Contains(all, want) {
		t.Errorf("%+v is missing", want)
	}
}

func TestName(t *testing.T) {
	testutil.Root(t)
	name := fmt.Sprintf("pick%d", os.Getpid())
	id := makeMap(t, name)
	for _, what := range []string{name, "name:" + name} {
		m, err := Map(what)
		check(t, err)
		if info, err := m.Info(); err != nil || info.ID != id {
			t.Errorf("%s: %+v, %v", what, info, err)
		}
		check(t, m.Close())
	}
}

func TestFind(t *testing.T) {
	all := []candidate{
		{3, names.Name{Text: "counts", Whole: true}, "counts", "0011223344556677"},
		{5, names.Name{Text: "counts", Whole: true}, "counts", "0011223344556677"},
		{6, names.Name{Text: "one", Whole: true}, "one", "aa11223344556677"},
		{7, names.Name{Text: "a_map_with_a_long_name", Whole: true}, "a_map_with_a_lo", ""},
		{8, names.Name{Text: "another_with_a_", Whole: false}, "another_with_a_", ""},
		{9, names.Name{Text: "a_map_with_a_lo", Whole: true}, "a_map_with_a_lo", ""},
	}
	for what, want := range map[string]any{
		"one":                         uint32(6),
		"a_map_with_a_long_name":      uint32(7),
		"a_map_with_a_lo":             uint32(9), // a whole name goes before a cut one
		"another_with_a_":             uint32(8),
		"tag:AA11223344556677":        uint32(6),
		"id:77":                       uint32(77), // whether it exists shows when it is opened
		"counts":                      `2 programs are named "counts": programs 3 and 5; use an id`,
		"tag:0011223344556677":        `2 programs have the tag 0011223344556677: programs 3 and 5; use an id`,
		"two":                         `no program is named "two": file does not exist`,
		"a_map_with_a_long_different": `no program is named "a_map_with_a_long_different": file does not exist`,
		"another_with_a_long_name": `no program is known to be named "another_with_a_long_name": the kernel has only the ` +
			`first 15 characters of the name of program 8; use an id`,
	} {
		c, err := parse(program, what)
		check(t, err)
		id, err := c.find(program, func() ([]candidate, error) { return all, nil })
		if err != nil {
			if err.Error() != want {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
		} else if id != want {
			t.Errorf("%s: %d, want %v", what, id, want)
		}
	}
	// Where nothing can be listed, the error is that.
	c, _ := parse(program, "one")
	if _, err := c.find(program, func() ([]candidate, error) { return nil, os.ErrPermission }); !errors.Is(err, os.ErrPermission) {
		t.Error(err)
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
	name := fmt.Sprintf("complete%d", os.Getpid())
	id := makeMap(t, name)
	found, _ := CompleteMap(nil, nil, "")
	for _, want := range []string{fmt.Sprintf("%d\t%s", id, name), fmt.Sprintf("%s\tid %d", name, id)} {
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
