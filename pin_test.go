package libbpf_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	check(t, m.Pin(""))
	wantPin(t, defined, libbpf.PinnedMap, mapID(t, m))
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
}
