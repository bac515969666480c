package libbpf

/*
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"os"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// libbpf knows one pin of each map of an object. It remembers the path before it pins there, whether it can or not, and
// after it has removed the pin. What follows puts the path that the map was defined with back, or none.

// IsPinned tells whether the map was pinned by this object, by Load or by Pin (bpf_map__is_pinned). False after Close.
func (m *Map) IsPinned() bool { return m.PinPath() != "" }

// PinPath is where this object, by Load or by Pin, pinned the map, or "" (bpf_map__pin_path). "" after Close.
func (m *Map) PinPath() string {
	var path string
	_ = m.use("get pin of", func() error {
		path = m.pinnedAt()
		return nil
	})
	return path
}

// pinnedAt is PinPath while the object is locked, as what follows is.
func (m *Map) pinnedAt() string {
	if !C.bpf_map__is_pinned(m.ptr) {
		return ""
	}
	return C.GoString(C.bpf_map__pin_path(m.ptr))
}

// Pin makes the map last under a path on a bpf file system; "" is the path it was defined with
// (bpf_map__pin). errors.Is(err, os.ErrExist) when the path is taken. A map of an object has one pin: errors.Is(err,
// [ErrInvalid]) when it is pinned elsewhere. For more, pin a handle of [MapHandleFrom].
func (m *Map) Pin(path string) error {
	return m.use("pin", func() error {
		_, err := m.pin(path)
		return err
	})
}

// pin tells whether it made a pin, or the map had that pin before.
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
			m.forgetPin(at)
		case at == path && err == nil:
			return false, nil
		case err == nil:
			return false, fault.Invalidf("it is pinned at %q", at)
		default:
			return false, fmt.Errorf("where it was pinned: %w", err)
		}
	}
	m.setPinPath("")
	err = pinning(path, func(p *C.char) C.int { return C.bpf_map__pin(m.ptr, p) })
	if err != nil {
		m.setPinPath(m.definedPin)
		return false, err
	}
	return true, nil
}

var errNoDefinedPin = fault.Invalidf("no path is given, and the map was defined without one")

// Unpin removes the pin; "" is the path it was pinned at (bpf_map__unpin). errors.Is(err, [ErrInvalid]) when what is pinned
// there is not this map.
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
		return fault.Invalidf("it is pinned at %q", at)
	}
	info, err := mapInfo(m.fd)
	if err != nil {
		return err
	}
	if err := checkPin(path, PinnedMap, info.ID); err != nil {
		if at != "" && errors.Is(err, os.ErrNotExist) {
			m.forgetPin(at)
		}
		return err
	}
	m.setPinPath(path)
	err = withString("path", path, func(p *C.char) C.int { return C.bpf_map__unpin(m.ptr, p) })
	if err == nil || at == "" {
		m.setPinPath(m.definedPin)
	}
	return err
}

// forgetPin makes libbpf see that somebody else removed the pin. It believes in the pin until it removes it itself, so
// there has to be one.
func (m *Map) forgetPin(at string) {
	_ = withString("path", at, func(p *C.char) C.int {
		if ret := C.bpf_obj_pin(C.int(m.fd), p); ret < 0 {
			return ret
		}
		return C.bpf_map__unpin(m.ptr, p)
	})
	if m.pinnedAt() == "" {
		m.setPinPath(m.definedPin)
	}
}

// setPinPath is where libbpf pins the map next.
func (m *Map) setPinPath(path string) {
	_ = withOptional("path", path, func(p *C.char) C.int { return C.bpf_map__set_pin_path(m.ptr, p) })
}
