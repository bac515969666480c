package libbpf

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// libbpf keeps one pin path for each map of an object. It stores the path before it tries to pin, and keeps it when it
// fails and after it has removed the pin. These functions restore the path of the definition, or none.

// IsPinned tells whether this object pinned the map, by Load or by Pin (bpf_map__is_pinned). It is false after Close.
func (m *Map) IsPinned() bool { return m.PinPath() != "" }

// PinPath is the path at which this object pinned the map, by Load or by Pin (bpf_map__pin_path). It is "" if it did
// not, and after Close.
func (m *Map) PinPath() string {
	var path string
	_ = m.use("get pin of", func() error {
		path = m.pinnedAt()
		return nil
	})
	return path
}

// pinnedAt is PinPath for a caller that holds the object's lock. So are the functions below.
func (m *Map) pinnedAt() string {
	return mapPinnedAt(m.ptr)
}

// Pin pins the map at a path on a BPF file system, so that the kernel keeps it (bpf_map__pin). "" is the path of the
// definition. errors.Is(err, [os.ErrExist]) when the path is taken. A map of an object has one pin: the error is
// [ErrInvalid] when it is pinned at another path. For a second pin, use [MapHandleFrom] and pin the handle.
func (m *Map) Pin(path string) error {
	return m.use("pin", func() error {
		_, err := m.pin(path)
		return err
	})
}

// pin pins the map. made is false if the map was pinned at path before.
func (m *Map) pin(path string) (made bool, err error) {
	if path == "" {
		path = m.definedPin
	}
	if path == "" {
		return false, errNoDefinedPin
	}
	at := m.pinnedAt()
	if at != "" {
		info, err := mapInfo(m.fd)
		if err != nil {
			return false, err
		}
		switch err := checkPin(at, PinnedMap, info.ID); {
		case errors.Is(err, os.ErrNotExist):
			if err := m.forgetPin(at); err != nil {
				return false, err
			}
		case at == path && err == nil:
			return false, nil
		case err == nil:
			return false, fault.Invalidf("the map is pinned at %q", at)
		default:
			return false, fmt.Errorf("the map was pinned at %q: %w", at, err)
		}
	}
	m.setPinPath("")
	err = pinning(path, func(p cString) cInt { return pinMap(m.ptr, p) })
	if err != nil {
		m.setPinPath(m.definedPin)
		return false, err
	}
	return true, nil
}

var errNoDefinedPin = fault.Invalidf("no path is given, and the definition has none")

// Unpin removes the pin at path; "" is the path at which the map is pinned (bpf_map__unpin). It does not remove the pin
// of another object, even if that comes there at the same time. errors.Is(err, [ErrInvalid]) when another object is
// pinned there, the path is a symbolic link, or the map is pinned at another path.
func (m *Map) Unpin(path string) error {
	return m.use("unpin", func() error { return m.unpin(path) })
}

func (m *Map) unpin(path string) error {
	at := m.pinnedAt()
	switch {
	case path == "" && at == "":
		return fault.Invalidf("no path is given, and the map is not pinned")
	case path == "":
		path = at
	case at != "" && path != at:
		return fault.Invalidf("the map is pinned at %q", at)
	}
	info, err := mapInfo(m.fd)
	if err != nil {
		return err
	}
	err = withdraw(path, PinnedMap, info.ID, m.unpinByLibbpf)
	switch {
	case err == nil:
		m.setPinPath(m.definedPin)
	case at != "" && errors.Is(err, os.ErrNotExist):
		err = cmp.Or(m.forgetPin(at), err)
	}
	return err
}

// unpinByLibbpf removes a pin of the map with libbpf, which then knows that the map has none.
func (m *Map) unpinByLibbpf(folder int, name string) error {
	before := mapPinPath(m.ptr)
	path := fmt.Sprintf("/proc/self/fd/%d/%s", folder, name)
	m.setPinPath(path)
	err := withString("path", path, func(p cString) cInt { return unpinMap(m.ptr, p) })
	if err != nil {
		m.setPinPath(before)
	}
	return err
}

// forgetPin tells libbpf that somebody else removed the pin. libbpf only forgets a pin that it removes itself, so
// forgetPin makes one for it to remove, beside the path, where somebody else's may be by now.
func (m *Map) forgetPin(at string) error {
	beside := filepath.Join(filepath.Dir(at), hiddenName())
	err := withString("path", beside, func(p cString) cInt {
		if ret := objPin(m.fd, p); ret < 0 {
			return ret
		}
		ret := setMapPinPath(m.ptr, p)
		if ret == 0 {
			ret = unpinMap(m.ptr, p)
		}
		if ret != 0 {
			_ = unix.Unlink(beside)
		}
		return ret
	})
	if err != nil {
		return fmt.Errorf("the pin at %q is gone, and libbpf still has its path: %w", at, err)
	}
	m.setPinPath(m.definedPin)
	return nil
}

// setPinPath sets where libbpf pins the map next.
func (m *Map) setPinPath(path string) {
	_ = withOptional("path", path, func(p cString) cInt { return setMapPinPath(m.ptr, p) })
}
