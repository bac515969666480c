package libbpf

/*
#include <bpf/libbpf.h>

// Where libbpf has no such function, it has no tokens.
static int lbg_object_token_fd(const struct bpf_object *obj)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	return bpf_object__token_fd(obj);
#else
	(void)obj;
	return -1;
#endif
}
*/
import "C"

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Pin pins all maps and programs under a folder on a bpf file system, by their names, in which a period becomes an
// underscore, as bpf_object__pin does. The folder is made if the one above it exists. When one of them can't be pinned,
// such as a program that was not loaded, nothing is that was not pinned before. errors.Is(err, [ErrInvalid]) when a map is
// pinned elsewhere.
func (o *Object) Pin(folder string) error {
	return o.pinning("pin", folder, func() error {
		return pinAll(slices.Concat(o.mapPins(folder), o.programPins(folder)))
	})
}

// Unpin removes what Pin made, but for the folder, as bpf_object__unpin does. What can't be removed does not keep it from
// removing the rest; the error is about the first of these.
func (o *Object) Unpin(folder string) error {
	return o.pinning("unpin", folder, func() error {
		return unpinAll(slices.Concat(o.programPins(folder), o.mapPins(folder)))
	})
}

// PinMaps is Pin for the maps alone, as bpf_object__pin_maps does. With "", it pins those that have a path of their own, by
// definition or by [OpenMap.SetPinPath], where Load did not.
func (o *Object) PinMaps(folder string) error {
	return o.use("pin maps of", o.String(), func() error { return pinAll(o.mapPins(folder)) })
}

// UnpinMaps removes what PinMaps made, as bpf_object__unpin_maps does. With "", it removes the pins of all maps. It goes on
// as Unpin does.
func (o *Object) UnpinMaps(folder string) error {
	return o.use("unpin maps of", o.String(), func() error { return unpinAll(o.mapPins(folder)) })
}

// PinPrograms is Pin for the programs alone, as bpf_object__pin_programs does.
func (o *Object) PinPrograms(folder string) error {
	return o.pinning("pin programs of", folder, func() error { return pinAll(o.programPins(folder)) })
}

// UnpinPrograms removes what PinPrograms made, as bpf_object__unpin_programs does. It goes on as Unpin does.
func (o *Object) UnpinPrograms(folder string) error {
	return o.pinning("unpin programs of", folder, func() error { return unpinAll(o.programPins(folder)) })
}

func (o *Object) pinning(op, folder string, f func() error) error {
	return o.use(op, o.String(), func() error {
		if folder == "" {
			return fault.Invalidf("a folder must be given")
		}
		return f()
	})
}

// objectPin is a pin that a map or a program of an object has, or is to have. libbpf's functions for all pins of an object
// do more than they should: where one pin can't be made they remove others that were there before, they end at a map that
// was not created, and they look for another folder where its name has a period.
type objectPin struct {
	what  string
	pin   func() (made bool, err error)
	unpin func() error
}

// mapPins are the pins of the maps that were created, in a folder, or, where that is "", those that maps have by
// themselves.
func (o *Object) mapPins(folder string) (pins []objectPin) {
	for _, m := range o.maps {
		path := ""
		if folder != "" {
			path = filepath.Join(folder, strings.ReplaceAll(m.name, ".", "_"))
		}
		if m.fd < 0 || path == "" && m.definedPin == "" && m.pinnedAt() == "" {
			continue
		}
		pins = append(pins, objectPin{m.String(), func() (bool, error) { return m.pin(path) }, func() error {
			if path == "" && m.pinnedAt() == "" {
				return nil
			}
			return m.unpin(path)
		}})
	}
	return pins
}

// programPins are the pins of the programs in a folder.
func (o *Object) programPins(folder string) (pins []objectPin) {
	for _, p := range o.programs {
		path := filepath.Join(folder, p.name)
		pins = append(pins, objectPin{p.String(), func() (bool, error) {
			if p.fd < 0 {
				return false, fault.Invalidf("it was not loaded")
			}
			err := p.pin(path)
			return err == nil, err
		}, func() error {
			if p.fd < 0 {
				return nil
			}
			return p.unpin(path)
		}})
	}
	return pins
}

// pinAll makes all pins, or none.
func pinAll(pins []objectPin) error {
	var undo []func() error
	for _, p := range pins {
		made, err := p.pin()
		if err != nil {
			for _, unpin := range slices.Backward(undo) {
				_ = unpin()
			}
			return fmt.Errorf("%s: %w", p.what, err)
		}
		if made {
			undo = append(undo, p.unpin)
		}
	}
	return nil
}

// unpinAll removes all pins that it can.
func unpinAll(pins []objectPin) (first error) {
	for _, p := range pins {
		if err := p.unpin(); err != nil && first == nil {
			first = fmt.Errorf("%s: %w", p.what, err)
		}
	}
	return first
}

// TokenFD is the descriptor of the BPF token that the object was loaded with, or -1 (bpf_object__token_fd). It remains
// the object's: it must not be closed, and may be another file's number after Close.
func (o *Object) TokenFD() int {
	fd := -1
	_ = o.use("get token of", o.String(), func() error {
		if token := int(C.lbg_object_token_fd(o.ptr)); token > 0 {
			fd = token
		}
		return nil
	})
	return fd
}

// object names the object in errors.
