package libbpf_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/threads"
)

// newArray makes a map for the time of a test.
func newArray(t testing.TB, name string) *libbpf.MapHandle {
	t.Helper()
	m, err := libbpf.CreateMap(libbpf.MapTypeArray, name, 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	t.Cleanup(func() { check(t, m.Close()) })
	return m
}

// checksOfPins are options that check pins. They are as good as no check for a pin of one's own in a plain folder.
func checksOfPins() map[string]libbpf.PinOptions {
	owners := []int{os.Getuid()}
	return map[string]libbpf.PinOptions{
		"NoSymlinks": {NoSymlinks: true}, "Owners": {Owners: owners}, "both": {NoSymlinks: true, Owners: owners},
	}
}

// mustCheckPins skips the test if the kernel has no openat2.
func mustCheckPins(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "openat2", err)
	}
	check(t, err)
}

// Pins of each kind are opened with checks, by paths and relative to a folder.
func TestOpenCheckedPins(t *testing.T) {
	pins := testutil.BPFFS(t)
	folder, err := os.Open(pins)
	check(t, err)
	defer folder.Close()
	m := newArray(t, "m")
	check(t, m.Pin(filepath.Join(pins, "map")))
	p := findProgram(t, loadTestRun(t, true), "count_packet")
	check(t, p.Pin(filepath.Join(pins, "program")))
	link := pinnableLink(t)
	check(t, link.Pin(filepath.Join(pins, "link")))
	for name, o := range checksOfPins() {
		t.Run(name, func(t *testing.T) {
			for _, in := range []bool{false, true} {
				at := func(name string) string { return filepath.Join(pins, name) }
				if in {
					o.Directory = int(folder.Fd())
					at = func(name string) string { return name }
				}
				opened, err := o.OpenMap(at("map"), libbpf.CreateReadOnly)
				mustCheckPins(t, err)
				if mapID(t, opened) != mapID(t, m) {
					t.Error("another map")
				}
				wantErr(t, opened.Update(u32(0), u32(1), libbpf.Any), unix.EPERM)
				check(t, opened.Close())
				program, err := o.OpenProgram(at("program"))
				check(t, err)
				if program.Name() != p.Name() {
					t.Errorf("program %q", program.Name())
				}
				check(t, program.Close())
				same, err := o.OpenLink(at("link"))
				check(t, err)
				wantPath := at("link")
				if in {
					wantPath = ""
				}
				if linkID(t, same) != linkID(t, link) || same.PinPath() != wantPath {
					t.Errorf("%v, pinned at %q", same, same.PinPath())
				}
				check(t, same.Close())
				pin, err := o.At(at("link"))
				if err != nil || pin.Kind != libbpf.PinnedLink || pin.ID() != linkID(t, link) {
					t.Errorf("%v, %v", pin, err)
				}
				_, err = o.OpenMap(at("program"), 0)
				wantErr(t, err, libbpf.ErrInvalid)
				_, err = o.OpenProgram(at("none"))
				wantErr(t, err, os.ErrNotExist)
				_, err = o.OpenLink("a\x00b")
				wantErr(t, err, libbpf.ErrInvalid)
				_, err = o.OpenLink("")
				wantErr(t, err, libbpf.ErrInvalid)
			}
		})
	}
}

// With NoSymlinks no link is followed, and what is no pin is refused in any case.
func TestSymlinksAtPins(t *testing.T) {
	pins := testutil.BPFFS(t)
	elsewhere := t.TempDir()
	m := newArray(t, "m")
	check(t, os.Mkdir(filepath.Join(pins, "folder"), 0o700))
	check(t, m.Pin(filepath.Join(pins, "folder", "pin")))
	link := func(to, name string) string {
		path := filepath.Join(pins, name)
		check(t, os.Symlink(to, path))
		return path
	}
	file := filepath.Join(elsewhere, "file")
	check(t, os.WriteFile(file, nil, 0o600))
	noLinks, anyLinks := libbpf.PinOptions{NoSymlinks: true}, libbpf.PinOptions{Owners: []int{os.Getuid()}}
	for _, path := range []string{
		link("folder/pin", "to_pin"), link(filepath.Join(pins, "folder", "pin"), "to_pin_absolute"),
		filepath.Join(link("folder", "to_folder"), "pin"), filepath.Join(link(pins, "to_pins"), "folder", "pin"),
	} {
		opened, err := libbpf.MapHandleFromPinnedPath(path)
		check(t, err)
		check(t, opened.Close())
		_, err = anyLinks.At(path)
		check(t, err)
		_, err = noLinks.OpenMap(path, 0)
		if !errors.Is(err, errors.ErrUnsupported) {
			wantErrSaying(t, err, unix.ELOOP, "there is a symbolic link in the path", path)
		}
	}
	// Unpin removes neither a link nor what is behind it.
	wantErrSaying(t, m.Unpin(filepath.Join(pins, "to_pin")), libbpf.ErrInvalid, "it is a symbolic link")
	wantPin(t, filepath.Join(pins, "folder", "pin"), libbpf.PinnedMap, mapID(t, m))
	if _, err := os.Lstat(filepath.Join(pins, "to_pin")); err != nil {
		t.Error(err)
	}
	dangling, loop := link("none", "dangling"), link("loop", "loop")
	for path, want := range map[string]error{
		dangling: os.ErrNotExist, loop: unix.ELOOP, link(file, "to_file"): nil, link("folder", "to_a_folder"): nil,
		link("/dev/null", "to_device"): nil, file: nil, pins: nil, filepath.Join(pins, "folder"): nil,
		pins + "/folder/pin/": unix.ENOTDIR, pins + "/folder/.": nil, pins + "/folder/pin/..": unix.ENOTDIR, pins + "/" + strings.Repeat("n", 256): unix.ENAMETOOLONG,
		pins + strings.Repeat("/folder/..", 500): unix.ENAMETOOLONG,
	} {
		for name, o := range map[string]libbpf.PinOptions{"none": {}, "checks": anyLinks, "no links": noLinks} {
			_, err := o.OpenMap(path, 0)
			if err == nil {
				t.Errorf("%s: %q is a map", name, path)
			} else if want != nil && name != "no links" && !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "open pinned map") {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
		}
	}
	// No pin is made through a link.
	for _, path := range []string{dangling, loop} {
		wantErr(t, m.Pin(path), os.ErrExist)
	}
	_, err := os.Lstat(filepath.Join(pins, "none"))
	wantErr(t, err, os.ErrNotExist)
}

// Pins of other users are refused where that is asked for, also in a folder that everybody can write to.
func TestPinsOfOthers(t *testing.T) {
	pins := testutil.BPFFS(t)
	check(t, os.Chmod(pins, 0o777|os.ModeSticky))
	path := filepath.Join(pins, "pin")
	m := newArray(t, "m")
	check(t, m.Pin(path))
	const nobody = 65534
	check(t, os.Chown(path, nobody, nobody))
	_, err := libbpf.PinOptions{Owners: []int{os.Getuid()}}.OpenMap(path, 0)
	wantErrSaying(t, err, os.ErrPermission, "the pin belongs to user 65534")
	_, err = libbpf.PinOptions{Owners: []int{}}.At(path)
	wantErr(t, err, os.ErrPermission)
	opened, err := libbpf.PinOptions{Owners: []int{os.Getuid(), nobody}}.OpenMap(path, 0)
	check(t, err)
	check(t, opened.Close())
	opened, err = libbpf.MapHandleFromPinnedPath(path)
	check(t, err)
	check(t, opened.Close())
	// Another user can neither open nor remove it against its mode and the folder's.
	check(t, os.Chown(path, 0, 0))
	check(t, os.Chmod(path, 0o600))
	asUser(t, nobody, func() {
		for _, o := range []libbpf.PinOptions{{}, {Owners: []int{0}}} {
			_, err := o.OpenMap(path, 0)
			wantErr(t, err, os.ErrPermission)
		}
		wantErr(t, os.Remove(path), os.ErrPermission)
	})
	wantPin(t, path, libbpf.PinnedMap, mapID(t, m))
}

// asUser runs f in a thread of another user, which has no capabilities.
func asUser(t *testing.T, uid int, f func()) {
	t.Helper()
	threads.Run(func() {
		_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0))
		if errno != 0 {
			t.Errorf("become user %d: %v", uid, errno)
			return
		}
		f()
	})
}

// What is checked is what is opened, although somebody replaces the pin by a link to another map all the time.
func TestPinIsReplacedWhileItIsOpened(t *testing.T) {
	pins := testutil.BPFFS(t)
	path, spare := filepath.Join(pins, "pin"), filepath.Join(pins, "spare")
	ours, foreign := newArray(t, "ours"), newArray(t, "foreign")
	check(t, foreign.Pin(filepath.Join(pins, "foreign")))
	check(t, ours.Pin(path))
	_, err := libbpf.PinOptions{NoSymlinks: true}.At(path)
	mustCheckPins(t, err)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			for _, err := range []error{
				os.Symlink("foreign", spare), os.Rename(spare, path), ours.Pin(spare), os.Rename(spare, path),
			} {
				if err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	defer wg.Wait()
	defer close(done)
	opened, refused := 0, 0
	for range 2000 {
		m, err := libbpf.PinOptions{NoSymlinks: true}.OpenMap(path, 0)
		if errors.Is(err, unix.ELOOP) {
			refused++
			continue
		}
		check(t, err)
		if mapID(t, m) != mapID(t, ours) {
			t.Fatal("a link was followed")
		}
		opened++
		check(t, m.Close())
	}
	t.Logf("opened %d times, refused %d times", opened, refused)
}

// Unpin does not remove another pin that somebody moves to the path at the same time.
func TestPinIsReplacedWhileItIsRemoved(t *testing.T) {
	pins := filepath.Join(testutil.BPFFS(t), "folder")
	check(t, os.Mkdir(pins, 0o700))
	path, spare := filepath.Join(pins, "pin"), filepath.Join(pins, "spare")
	ours, foreign := newArray(t, "ours"), newArray(t, "foreign")
	other := findMap(t, loadTestRun(t, true), "bystander")
	for name, m := range map[string]interface {
		Pin(string) error
		Unpin(string) error
	}{"handle": ours, "map of an object": other} {
		t.Run(name, func(t *testing.T) {
			for range 1000 {
				check(t, m.Pin(path))
				check(t, foreign.Pin(spare))
				var wg sync.WaitGroup
				wg.Go(func() {
					if err := os.Rename(spare, path); err != nil {
						t.Error(err)
					}
				})
				err := m.Unpin(path)
				wg.Wait()
				if err != nil && !errors.Is(err, libbpf.ErrInvalid) {
					t.Fatal(err)
				}
				pin, err := libbpf.PinAt(path)
				if err != nil || pin.ID() != mapID(t, foreign) {
					t.Fatalf("the other pin is gone: %v, %v", pin, err)
				}
				check(t, foreign.Unpin(path))
			}
			if left := pinned(t, pins); len(left) > 0 {
				t.Errorf("%q remain", left)
			}
		})
	}
}

// Without /proc a pin can't be checked. That is not the error of a pin that does not exist.
func TestPinsWithoutProc(t *testing.T) {
	pins := testutil.BPFFS(t)
	path := filepath.Join(pins, "pin")
	m := newArray(t, "m")
	check(t, m.Pin(path))
	threads.Run(func() {
		for _, err := range []error{
			unix.Unshare(unix.CLONE_NEWNS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("none", "/proc", "tmpfs", unix.MS_RDONLY, ""),
		} {
			if err != nil {
				t.Error(err)
				return
			}
		}
		for _, o := range []libbpf.PinOptions{{}, {NoSymlinks: true}, {Owners: []int{0}}} {
			_, err := o.OpenMap(path, 0)
			wantErrSaying(t, err, errors.ErrUnsupported, "needs /proc, which is not mounted")
			if errors.Is(err, os.ErrNotExist) {
				t.Errorf("%v looks like a missing pin", err)
			}
		}
		wantErrSaying(t, m.Unpin(path), errors.ErrUnsupported, "needs /proc")
	})
	wantPin(t, path, libbpf.PinnedMap, mapID(t, m))
}

// What stands in the way of a map that Load pins by its name makes Load fail, and stays as it is. A map that fits is
// used, whoever pinned it.
func TestLoadPinsInTheWay(t *testing.T) {
	pins := testutil.BPFFS(t)
	path := filepath.Join(pins, "pinned")
	program := findProgram(t, loadTestRun(t, true), "count_packet")
	others := func(typ libbpf.MapType, key, value, entries uint32) func(t *testing.T) {
		return func(t *testing.T) {
			m, err := libbpf.CreateMap(typ, "other", key, value, entries, libbpf.MapCreateOptions{})
			check(t, err)
			check(t, m.Pin(path))
			check(t, m.Close())
		}
	}
	definition := mapDefinition(t, "pinned")
	for what, c := range map[string]struct {
		put  func(t *testing.T)
		says string
	}{
		"a program":         {func(t *testing.T) { check(t, program.Pin(path)) }, "which is not a map"},
		"another type":      {others(libbpf.MapTypePerCPUHash, definition.KeySize, definition.ValueSize, 1), "type"},
		"other keys":        {others(definition.Type, definition.KeySize, definition.ValueSize+4, 1), "has"},
		"a folder":          {func(t *testing.T) { check(t, os.Mkdir(path, 0o700)) }, ""},
		"a link to nothing": {func(t *testing.T) { check(t, os.Symlink("nothing", path)) }, ""},
		"a link to itself":  {func(t *testing.T) { check(t, os.Symlink("pinned", path)) }, ""},
		"a link to a file":  {func(t *testing.T) { check(t, os.Symlink("/etc/passwd", path)) }, ""},
	} {
		t.Run(what, func(t *testing.T) {
			c.put(t)
			before, err := os.Lstat(path)
			check(t, err)
			o, err := openMaps(t, pins).Load()
			if err == nil {
				t.Fatal(o.Close())
			}
			if !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "load object") || !strings.Contains(err.Error(), path) {
				t.Error(err)
			}
			after, err := os.Lstat(path)
			if err != nil || !os.SameFile(before, after) {
				t.Errorf("replaced: %v", err)
			}
			check(t, os.Remove(path))
		})
	}
	m, err := definition.Create()
	check(t, err)
	defer m.Close()
	check(t, m.Pin(path))
	check(t, os.Chown(path, 65534, 65534))
	o := load(t, openMaps(t, pins))
	if mapID(t, findMap(t, o, "pinned")) != mapID(t, m) {
		t.Error("the pinned map was not used")
	}
	// To use it only if one's own, open it with a check first.
	_, err = libbpf.PinOptions{NoSymlinks: true, Owners: []int{os.Getuid()}}.OpenMap(path, 0)
	if !errors.Is(err, errors.ErrUnsupported) {
		wantErr(t, err, os.ErrPermission)
	}
}

// mapDefinition is the definition of a map in maps.bpf.o.
func mapDefinition(t *testing.T, name string) libbpf.MapDefinition {
	t.Helper()
	m, err := open(t, "maps").Map(name)
	check(t, err)
	d, err := m.Definition()
	check(t, err)
	return d
}
