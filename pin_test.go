package libbpf_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// wantPin checks the kind and id of what is pinned at path.
func wantPin(t *testing.T, path string, kind libbpf.PinKind, id uint32) {
	t.Helper()
	pin, err := libbpf.PinAt(path)
	if err != nil || pin.Kind != kind || pin.ID() != id || pin.Path != path {
		t.Errorf("at %q: %v, %v", path, pin, err)
	}
}

func wantNoPin(t *testing.T, path string) {
	t.Helper()
	_, err := libbpf.PinAt(path)
	wantErr(t, err, os.ErrNotExist)
}

func mapID(t *testing.T, m libbpf.MapCore) uint32 {
	t.Helper()
	info, err := m.Info()
	check(t, err)
	return info.ID
}

// After a failed Pin, the receiver is not pinned, and can be pinned elsewhere.
func TestPinAfterFailure(t *testing.T) {
	pins := testutil.BPFFS(t)
	o := loadTestRun(t, true)
	m := findMap(t, o, "bystander")
	taken := filepath.Join(pins, "taken")
	check(t, findProgram(t, o, "add_fields").Pin(taken))
	p := findProgram(t, o, "count_packet")
	handle, err := libbpf.MapHandleFrom(m)
	check(t, err)
	defer handle.Close()
	program, err := libbpf.ProgramHandleFrom(p)
	check(t, err)
	defer program.Close()
	link := pinnableLink(t)
	for name, pin := range map[string]func(path string) error{
		"map": m.Pin, "map handle": handle.Pin, "program": p.Pin, "program handle": program.Pin, "link": link.Pin,
	} {
		elsewhere := filepath.Join(t.TempDir(), "pin")
		for path, want := range map[string]error{
			taken:     os.ErrExist,
			elsewhere: nil, // the errno differs: the kernel refuses some of these, libbpf the others
			filepath.Join(pins, "no", "folder", "pin"): os.ErrNotExist,
			filepath.Join(pins, "a.period"):            unix.EPERM,
		} {
			err := pin(path)
			if err == nil || want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s at %q: %v", name, path, err)
			}
		}
		wantErr(t, pin(""), libbpf.ErrInvalid)
		if err := pin(elsewhere); !strings.Contains(err.Error(), "is not on a bpf file system") {
			t.Errorf("%s: %v", name, err)
		}
		if err := pin(taken); !strings.Contains(err.Error(), `exists: program "add_fields"`) {
			t.Errorf("%s: %v", name, err)
		}
		if m.PinPath() != "" || m.IsPinned() || link.PinPath() != "" {
			t.Errorf("%s: pinned at %q, %q", name, m.PinPath(), link.PinPath())
		}
	}
	for _, name := range []string{"one", "two"} { // Unpin is no less thorough
		path := filepath.Join(pins, name)
		check(t, m.Pin(path))
		wantPin(t, path, libbpf.PinnedMap, mapID(t, m))
		check(t, m.Pin(path)) // it is there
		wantErr(t, m.Pin(path+"2"), libbpf.ErrInvalid)
		if m.PinPath() != path {
			t.Errorf("pinned at %q", m.PinPath())
		}
		check(t, m.Unpin(""))
		wantNoPin(t, path)
		if m.PinPath() != "" {
			t.Errorf("pinned at %q", m.PinPath())
		}
		wantErr(t, m.Unpin(""), libbpf.ErrInvalid)
	}
	check(t, o.PinMaps(filepath.Join(pins, "folder")))
	check(t, o.UnpinMaps(filepath.Join(pins, "folder")))
	check(t, o.PinMaps(filepath.Join(pins, "folder2")))
	check(t, o.UnpinMaps(""))
}

// pinnableLink is a link that can be pinned.
func pinnableLink(t *testing.T) *libbpf.Link {
	t.Helper()
	o := load(t, open(t, "cgroup"))
	link, err := findProgram(t, o, "egress").AttachCgroup(int(testutil.NewCgroup(t).Fd()), libbpf.PlacementOptions{})
	check(t, err)
	return link
}

// A map that was defined with a path is pinned at that path by default.
func TestPinWhereDefined(t *testing.T) {
	pins := testutil.BPFFS(t)
	defined, other := filepath.Join(pins, "pinned"), filepath.Join(pins, "other")
	o := load(t, openMaps(t, pins))
	m := findMap(t, o, "pinned")
	wantPin(t, defined, libbpf.PinnedMap, mapID(t, m))
	wantErr(t, m.Pin(other), libbpf.ErrInvalid)
	check(t, m.Unpin(""))
	check(t, m.Pin(other))
	if m.PinPath() != other {
		t.Errorf("pinned at %q", m.PinPath())
	}
	check(t, m.Unpin(""))
	check(t, os.Symlink("/", defined)) // in the way
	wantErr(t, m.Pin(""), os.ErrExist)
	wantErr(t, o.PinMaps(""), os.ErrExist)
	check(t, os.Remove(defined))
	if m.PinPath() != "" {
		t.Errorf("pinned at %q", m.PinPath())
	}
	check(t, o.PinMaps(""))
	wantPin(t, defined, libbpf.PinnedMap, mapID(t, m))
	check(t, o.UnpinMaps(""))
	check(t, o.UnpinMaps("")) // none is pinned
	wantErr(t, m.Unpin(""), libbpf.ErrInvalid)
	check(t, m.Pin(""))
	wantPin(t, defined, libbpf.PinnedMap, mapID(t, m))
	if err := findMap(t, o, "hash").Pin(""); !errors.Is(err, libbpf.ErrInvalid) || !strings.Contains(err.Error(), "no path is given") {
		t.Errorf("without a path: %v", err)
	}
}

// A map's own pin stays known while another map's is at its path, which is not taken for it.
func TestPinUnderAnother(t *testing.T) {
	pins := testutil.BPFFS(t)
	path, other := filepath.Join(pins, "path"), filepath.Join(pins, "other")
	m, foreign := findMap(t, loadTestRun(t, true), "bystander"), newArray(t, "foreign")
	check(t, m.Pin(path))
	check(t, foreign.Pin(other))
	check(t, os.Rename(other, path))
	for _, at := range []string{path, other} {
		wantErrSaying(t, m.Pin(at), libbpf.ErrInvalid, "the map was pinned at", path, "something else", "foreign")
	}
	wantErrSaying(t, m.Unpin(""), libbpf.ErrInvalid, path, "foreign")
	wantErrSaying(t, m.Unpin(other), libbpf.ErrInvalid, "the map is pinned at", path)
	if m.PinPath() != path {
		t.Errorf("pinned at %q", m.PinPath())
	}
	wantPin(t, path, libbpf.PinnedMap, mapID(t, foreign))
	wantNoPin(t, other)
}

// Unpin removes a pin of the map whoever made it.
func TestUnpinWhatAnotherPinned(t *testing.T) {
	path := filepath.Join(testutil.BPFFS(t), "path")
	m := findMap(t, loadTestRun(t, true), "bystander")
	handle, err := libbpf.MapHandleFrom(m)
	check(t, err)
	defer handle.Close()
	wantErrSaying(t, m.Unpin(path), os.ErrNotExist, path)
	check(t, handle.Pin(path))
	check(t, m.Unpin(path))
	wantNoPin(t, path)
}

// An error of Pin says what is wrong with the path.
func TestPinErrorsExplain(t *testing.T) {
	pins := testutil.BPFFS(t)
	m := newArray(t, "m")
	at := func(names ...string) string { return filepath.Join(append([]string{pins}, names...)...) }
	check(t, os.Mkdir(at("folder"), 0o700))
	check(t, os.Symlink("none", at("link")))
	long := strings.Repeat("n", unix.PathMax)
	for path, want := range map[string]string{
		at(long + ".b"):    "file name too long",
		at("none", "pin"):  fmt.Sprintf("there is no folder %q", at("none")),
		at("folder"):       fmt.Sprintf("%q exists", at("folder")),
		at("link"):         fmt.Sprintf("%q exists", at("link")),
		at("a.b"):          "names on a bpf file system can't have periods",
		at("link", "pin"):  fmt.Sprintf("there is no folder %q", at("link")),
		t.TempDir() + "/x": "is not on a bpf file system",
		"":                 "the path is empty",
	} {
		if err := m.Pin(path); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", path, err, want)
		}
	}
	letOthersIn(t, pins)
	asUser(t, 65534, func() {
		err := m.Pin(at("pin"))
		wantErr(t, err, os.ErrPermission)
		if text := err.Error(); !strings.HasSuffix(text, "denied") && !strings.HasSuffix(text, "not permitted") {
			t.Error(text)
		}
	})
}

// Pins that somebody else removed.
func TestPinThatVanished(t *testing.T) {
	pins := testutil.BPFFS(t)
	path, other := filepath.Join(pins, "path"), filepath.Join(pins, "other")
	m := findMap(t, loadTestRun(t, true), "bystander")
	link := pinnableLink(t)
	byID, err := libbpf.LinkFromID(linkID(t, link))
	check(t, err)
	defer byID.Close()
	for name, c := range map[string]struct {
		pin   func(path string) error
		unpin func() error
		path  func() string
	}{
		"map":        {m.Pin, func() error { return m.Unpin("") }, m.PinPath},
		"link":       {link.Pin, link.Unpin, link.PinPath},
		"link by id": {byID.Pin, byID.Unpin, byID.PinPath},
	} {
		check(t, c.pin(path))
		check(t, os.Remove(path))
		if name == "map" {
			check(t, c.pin(path))
			if _, err := libbpf.PinAt(path); err != nil {
				t.Errorf("%s: nothing was pinned: %v", name, err)
			}
			check(t, os.Remove(path))
		}
		wantErr(t, c.unpin(), os.ErrNotExist)
		wantNoPin(t, path)
		if c.path() != "" {
			t.Errorf("%s: pinned at %q", name, c.path())
		}
		check(t, c.pin(other))
		check(t, c.unpin())
	}
}

func linkID(t *testing.T, l *libbpf.Link) uint32 {
	t.Helper()
	info, err := l.Info()
	check(t, err)
	return info.ID
}

// Unpin removes only the receiver's own pin.
func TestUnpinWhatIsNotOnes(t *testing.T) {
	pins := testutil.BPFFS(t)
	o := loadTestRun(t, true)
	m, other := findMap(t, o, "bystander"), findMap(t, o, ".bss")
	p, otherProgram := findProgram(t, o, "count_packet"), findProgram(t, o, "add_fields")
	mapPath, programPath, linkPath := filepath.Join(pins, "m"), filepath.Join(pins, "p"), filepath.Join(pins, "l")
	check(t, m.Pin(mapPath))
	check(t, p.Pin(programPath))
	link := pinnableLink(t)
	check(t, link.Pin(linkPath))
	handle, err := libbpf.MapHandleFrom(other)
	check(t, err)
	defer handle.Close()
	program, err := libbpf.ProgramHandleFrom(otherProgram)
	check(t, err)
	defer program.Close()
	for _, path := range []string{mapPath, programPath, linkPath} {
		for name, unpin := range map[string]func(path string) error{
			"map": other.Unpin, "map handle": handle.Unpin, "program": otherProgram.Unpin, "program handle": program.Unpin,
		} {
			if err := unpin(path); !errors.Is(err, libbpf.ErrInvalid) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s at %q: %v", name, path, err)
			}
		}
	}
	check(t, os.Rename(mapPath, linkPath))
	wantErr(t, link.Unpin(), libbpf.ErrInvalid)
	wantPin(t, linkPath, libbpf.PinnedMap, mapID(t, m))
	check(t, os.Remove(linkPath))
}

// When pinning an object fails, the pins that existed before remain, and the new ones are removed.
func TestObjectPinKeepsEarlierPins(t *testing.T) {
	pins := testutil.BPFFS(t)
	folder := filepath.Join(pins, "object")
	o := loadTestRun(t, true)
	m := findMap(t, o, "bystander")
	check(t, os.Mkdir(folder, 0o700))
	check(t, m.Pin(filepath.Join(folder, "bystander")))
	check(t, findProgram(t, o, "count_packet").Pin(filepath.Join(folder, "count_packet")))
	before := pinned(t, folder)
	for _, pin := range []func(string) error{o.Pin, o.PinPrograms} {
		wantErr(t, pin(folder), os.ErrExist)
		if got := pinned(t, folder); !slices.Equal(got, before) {
			t.Errorf("pinned %q, before %q", got, before)
		}
	}
	if m.PinPath() != filepath.Join(folder, "bystander") {
		t.Errorf("pinned at %q", m.PinPath())
	}
	// Unpin removes all existing pins, even if one is missing.
	wantErr(t, o.Unpin(folder), os.ErrNotExist)
	if got := pinned(t, folder); len(got) > 0 {
		t.Errorf("%q remain", got)
	}
}

// An object can be pinned and unpinned although it has a map that was not created, or the folder's name has a period.
func TestObjectPinInAnyFolder(t *testing.T) {
	mount := filepath.Join(t.TempDir(), "a.b")
	check(t, os.Mkdir(mount, 0o700))
	testutil.Root(t)
	check(t, unix.Mount("bpf", mount, "bpf", 0, ""))
	defer func() { check(t, unix.Unmount(mount, unix.MNT_DETACH)) }()
	open := open(t, "testrun")
	m, err := open.Map("bystander")
	check(t, err)
	check(t, m.SetAutocreate(false))
	o := load(t, open)
	folder := filepath.Join(mount, "object")
	check(t, o.PinMaps(folder))
	if got := pinned(t, folder); !slices.Equal(got, []string{"testrun_bss"}) {
		t.Errorf("pinned %q", got)
	}
	check(t, o.UnpinMaps(folder))
	if got := pinned(t, folder); len(got) > 0 {
		t.Errorf("%q remain", got)
	}
}

func TestPins(t *testing.T) {
	pins := testutil.BPFFS(t)
	folder := filepath.Join(pins, "tree")
	o := loadTestRun(t, true)
	m, p, link := findMap(t, o, "bystander"), findProgram(t, o, "count_packet"), pinnableLink(t)
	check(t, os.MkdirAll(filepath.Join(folder, "b", "c"), 0o700))
	check(t, m.Pin(filepath.Join(folder, "a")))
	check(t, p.Pin(filepath.Join(folder, "b", "c", "program")))
	check(t, link.Pin(filepath.Join(folder, "b", "link")))
	check(t, os.Symlink(filepath.Join(folder, "a"), filepath.Join(folder, "symlink")))
	info, err := p.Info(0)
	check(t, err)
	var got []string
	for pin := range libbpf.Pins(folder, &err) {
		path, err := filepath.Rel(folder, pin.Path)
		check(t, err)
		got = append(got, fmt.Sprintf("%s: %s", path, pin))
	}
	check(t, err)
	want := []string{
		fmt.Sprintf(`a: map "bystander" with id %d`, mapID(t, m)),
		fmt.Sprintf(`b/c/program: program "count_packet" with id %d`, info.ID),
		fmt.Sprintf("b/link: cgroup link with id %d", linkID(t, link)),
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	for range libbpf.Pins(folder, nil) {
		break
	}
	pin, err := libbpf.PinAt(filepath.Join(folder, "b", "c", "program"))
	check(t, err)
	if !reflect.DeepEqual(*pin.Program, info) {
		t.Errorf("%+v, want %+v", *pin.Program, info)
	}
	for path, want := range map[string]error{
		filepath.Join(folder, "none"): os.ErrNotExist, t.TempDir(): libbpf.ErrInvalid, "a\x00b": unix.EINVAL,
	} {
		var err error
		for pin := range libbpf.Pins(path, &err) {
			t.Errorf("%q: %v", path, pin)
		}
		wantErr(t, err, want)
	}
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	_, err = libbpf.PinAt(file)
	wantErr(t, err, os.ErrPermission)
	_, err = libbpf.PinAt("a\x00b")
	wantErr(t, err, libbpf.ErrInvalid)
	if text := libbpf.PinKind(9).String() + (libbpf.Pin{}).String(); text != "pin_kind(9)pin_kind(0)" {
		t.Error(text)
	}
	if id := (libbpf.Pin{}).ID(); id != 0 {
		t.Errorf("nothing has the id %d", id)
	}
}

// letOthersIn lets other users read a folder of [testutil.BPFFS].
func letOthersIn(t *testing.T, folder string) {
	t.Helper()
	check(t, os.Chmod(folder, 0o755))
	check(t, os.Chmod(filepath.Dir(folder), 0o755))
}

// Pins that go during the iteration are left out, and those that can't be read are told at the end.
func TestPinsThatCannotBeRead(t *testing.T) {
	pins := testutil.BPFFS(t)
	at := func(names ...string) string { return filepath.Join(append([]string{pins}, names...)...) }
	m := newArray(t, "m")
	for _, name := range []string{"b", "d"} {
		check(t, os.Mkdir(at(name), 0o700))
	}
	for _, path := range []string{at("a"), at("b", "x"), at("c"), at("d", "x"), at("e")} {
		check(t, m.Pin(path))
	}
	list := func(each func()) (got []string, err error) {
		for pin := range libbpf.Pins(pins, &err) {
			name, _ := filepath.Rel(pins, pin.Path)
			got = append(got, name)
			each()
		}
		return got, err
	}
	got, err := list(func() {
		check(t, os.RemoveAll(at("b")))
		check(t, os.RemoveAll(at("c")))
	})
	check(t, err)
	if want := []string{"a", "d/x", "e"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	letOthersIn(t, pins)
	asUser(t, 65534, func() {
		_, err := list(func() {})
		wantErrSaying(t, err, os.ErrPermission, fmt.Sprintf("list pins of %q: permission denied", at("d")), fmt.Sprintf("open pin %q", at("e")))
	})
}
