package libbpf

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Pin pins all maps and programs in a folder on a BPF file system, as bpf_object__pin does. Each pin has the name of
// its map or program, with "_" for each period. Pin creates the folder if its parent exists. If one of them can't be
// pinned, such as a program that was not loaded, Pin removes the pins that it has made. errors.Is(err, [ErrInvalid])
// when a map is pinned elsewhere.
func (o *Object) Pin(folder string) error {
	return o.pinning("pin", folder, func() error {
		return pinAll(slices.Concat(o.mapPins(folder), o.programPins(folder)))
	})
}

// Unpin removes the pins that Pin made, but not the folder, as bpf_object__unpin does. If it can't remove a pin, it
// continues with the rest; the error is the first one.
func (o *Object) Unpin(folder string) error {
	return o.pinning("unpin", folder, func() error {
		return unpinAll(slices.Concat(o.programPins(folder), o.mapPins(folder)))
	})
}

// PinMaps is Pin for the maps only, as bpf_object__pin_maps does. With "", it pins the maps that have a pin path, by
// definition or by [OpenMap.SetPinPath], and that Load did not pin.
func (o *Object) PinMaps(folder string) error {
	return o.use("pin maps of", o.String(), func() error { return pinAll(o.mapPins(folder)) })
}

// UnpinMaps removes the pins that PinMaps made, as bpf_object__unpin_maps does. With "", it removes the pins of all
// maps. If it can't remove a pin, it continues with the rest; the error is the first one.
func (o *Object) UnpinMaps(folder string) error {
	return o.use("unpin maps of", o.String(), func() error { return unpinAll(o.mapPins(folder)) })
}

// PinPrograms is Pin for the programs only, as bpf_object__pin_programs does.
func (o *Object) PinPrograms(folder string) error {
	return o.pinning("pin programs of", folder, func() error { return pinAll(o.programPins(folder)) })
}

// UnpinPrograms removes the pins that PinPrograms made, as bpf_object__unpin_programs does. If it can't remove a pin,
// it continues with the rest; the error is the first one.
func (o *Object) UnpinPrograms(folder string) error {
	return o.pinning("unpin programs of", folder, func() error { return unpinAll(o.programPins(folder)) })
}

func (o *Object) pinning(op, folder string, f func() error) error {
	return o.use(op, o.String(), func() error {
		if folder == "" {
			return fault.Invalidf("no folder is given")
		}
		return f()
	})
}

// objectPin is a pin of an object's map or program, existing or to be made. This package does not use libbpf's
// functions for all pins of an object: after a failure they remove pins that were there before, they stop at a map that
// was not created, and they use another folder if its name has a period.
type objectPin struct {
	what  string
	pin   func() (made bool, err error)
	unpin func() error
}

// mapPins returns the pins, in a folder, of the maps that were created. If folder is "", it returns the pins at the
// maps' own paths.
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

// programPins returns the pins of the programs in a folder.
func (o *Object) programPins(folder string) (pins []objectPin) {
	for _, p := range o.programs {
		path := filepath.Join(folder, p.name)
		pins = append(pins, objectPin{p.String(), func() (bool, error) {
			if p.fd < 0 {
				return false, fault.Invalidf("the program was not loaded")
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

// pinAll makes all pins or none.
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
