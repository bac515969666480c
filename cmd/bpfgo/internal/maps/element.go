package maps

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// imageSize is the number of bytes of a value, or of those of all CPUs as the kernel lays them out.
func (t *target) imageSize() (int, error) {
	if !t.desc.Type.IsPerCPU() {
		return int(t.desc.ValueSize), nil
	}
	cpus, err := libbpf.PossibleCPUs()
	return cpus * t.slot(), err
}

// stored is the key of the element that a lookup of this key finds. They differ in an LPM trie only, whose lookup finds the
// longest prefix of the key. It is nil if there is none.
func (t *target) stored(key []byte) ([]byte, error) {
	if t.desc.Type != libbpf.MapTypeLPMTrie {
		return key, nil
	}
	var longest []byte
	var err error
	for k := range t.m.Keys(&err) {
		if view.PrefixContains(k, key) && (longest == nil || view.PrefixLength(k) > view.PrefixLength(longest)) {
			longest = bytes.Clone(k)
		}
	}
	return longest, err
}

// exact is lookup for the element with this very key, as it is updated and deleted.
func (t *target) exact(key []byte) ([]byte, error) {
	stored, err := t.stored(key)
	if err != nil || stored == nil {
		return nil, err
	}
	if t.desc.Type == libbpf.MapTypeLPMTrie && view.PrefixLength(stored) != view.PrefixLength(key) {
		return nil, nil
	}
	return t.lookup(key)
}

// slot is the number of bytes from the value of a CPU to that of the next one.
func (t *target) slot() int { return (int(t.desc.ValueSize) + 7) &^ 7 }

// lookup is the value of a key, or nil if it has none.
func (t *target) lookup(key []byte) ([]byte, error) {
	size, err := t.imageSize()
	if err != nil {
		return nil, err
	}
	image := make([]byte, size)
	if t.desc.Type.IsPerCPU() {
		err = t.m.LookupPerCPUInto(key, image, libbpf.Any)
	} else {
		err = t.m.LookupInto(key, image, libbpf.Any)
	}
	if errors.Is(err, libbpf.ErrKeyNotExist) {
		return nil, nil
	}
	return image, err
}

// unreadable tells whether an error of lookup says that user space can't read the values of such maps. It can see the
// keys, and delete elements.
func (t *target) unreadable(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || view.IsSocketMap(t.desc.Type) && errors.Is(err, unix.ENOSPC)
}

// write writes a value. before is what is there, or nil.
func (t *target) write(key, before, image []byte, flags libbpf.MapFlags) error {
	switch {
	case t.desc.Type.IsPerCPU():
		return t.m.UpdatePerCPUFrom(key, image, flags)
	case t.desc.Type == libbpf.MapTypeArray && t.info.Flags&libbpf.CreateMMapable != 0 && before != nil:
		if flags == libbpf.NoExist {
			break // the kernel says what is wrong
		}
		return t.writeMemory(key, before, image)
	}
	return t.m.Update(key, image, flags)
}

// writeMemory writes the words that differ. An update would also write the rest of a value anew, and with it undo what
// programs do to other variables meanwhile.
func (t *target) writeMemory(key, before, image []byte) error {
	memory, err := t.m.Memory()
	if err != nil {
		return err
	}
	defer memory.Close()
	start := int(binary.NativeEndian.Uint32(key)) * t.slot()
	for at := 0; at < len(image); {
		size := 4
		if at%8 == 0 && differ(before, image, at, 4) && differ(before, image, at+4, 4) {
			size = 8
		}
		end := min(at+size, len(image))
		if differ(before, image, at, size) {
			if _, err := memory.WriteAt(image[at:end], int64(start+at)); err != nil {
				return fmt.Errorf("write to map %q: %w", t.desc.Name, err)
			}
		}
		at = end
	}
	return nil
}

func differ(a, b []byte, at, size int) bool {
	start, end := min(at, len(a)), min(at+size, len(a))
	return !bytes.Equal(a[start:end], b[start:end])
}

// noElement says that the map has no element with this key. It is an error of its own, without the words of the kernel.
func (t *target) noElement(key string) error {
	return cli.WithStatus(fmt.Errorf("map %s has no element with the key %s", t.desc.Name, key), cli.StatusFailed)
}
