package libbpf

import (
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// slotSize is the size of one CPU's value in the kernel's layout of a per-CPU element, in bytes.
func (m *mapCore) slotSize() int { return (int(m.valueSize) + 7) &^ 7 }

// elementSize is how many bytes the kernel copies for one element.
func (m *mapCore) elementSize() int {
	if m.cpus > 0 {
		return m.cpus * m.slotSize()
	}
	return int(m.valueSize)
}

// perCPUValues splits a per-CPU element, in the kernel's layout, into the values of the CPUs.
func (m *mapCore) perCPUValues(image []byte) [][]byte {
	values := make([][]byte, m.cpus)
	for i := range values {
		at := i * m.slotSize()
		values[i] = image[at : at+int(m.valueSize) : at+int(m.valueSize)]
	}
	return values
}

// beginPerCPU is begin for an operation on the values of all CPUs.
func (m *mapCore) beginPerCPU(op string, key, values []byte, flags MapFlags) error {
	if err := m.begin(op, key, flags, false, nil); err != nil {
		return err
	}
	switch {
	case flags.oneValue():
		m.h.Drop()
		return m.fail(op, errOneValue)
	case m.cpus == 0:
		return m.refuse(op, "the map is not per-CPU but of type %s", m.typ)
	case len(values) != m.elementSize():
		return m.refuse(op, "values have %d bytes and must have %d", len(values), m.elementSize())
	}
	return nil
}

// oneValueKnown remembers whether the kernel knows the flags for one value of a per-CPU map: 1 yes, -1 no.
var oneValueKnown atomic.Int32

var errNoOneValue = fmt.Errorf("this kernel has no flags for one CPU's value: %w", errors.ErrUnsupported)

// takesOneValue asks the kernel whether it knows the flags for one CPU's value: a kernel that does not would copy the
// values of all CPUs. The caller has acquired the map.
func (m *mapCore) takesOneValue() error {
	if m.cpus == 0 {
		return fault.Invalidf("the map is not per-CPU but of type %s", m.typ)
	}
	if oneValueKnown.Load() == 0 {
		key, image := make([]byte, m.keySize), make([]byte, m.elementSize())
		if m.lookupElement(key, image, OnCPU(0)) == unix.EINVAL {
			oneValueKnown.Store(-1)
		} else {
			oneValueKnown.Store(1)
		}
	}
	if oneValueKnown.Load() < 0 {
		return errNoOneValue
	}
	return nil
}

// errOneValue refuses the flags for one value in an operation that has one value for each CPU.
var errOneValue = fault.Invalidf("the flags for one CPU's value can be used with Lookup and Update only")

// LookupPerCPU returns a copy of the values of all possible CPUs, in order, from a per-CPU map
// (bpf_map_lookup_elem_flags). The error is [ErrKeyNotExist] when there is no such key.
func (m *mapCore) LookupPerCPU(key []byte, flags MapFlags) ([][]byte, error) {
	image := make([]byte, m.elementSize())
	if err := m.LookupPerCPUInto(key, image, flags); err != nil {
		return nil, err
	}
	return m.perCPUValues(image), nil
}

// LookupPerCPUInto is LookupPerCPU into the caller's buffer. The buffer must have the exact size of the values of all
// possible CPUs, each padded to a multiple of 8 bytes. It does not allocate.
func (m *mapCore) LookupPerCPUInto(key, values []byte, flags MapFlags) error {
	if err := m.beginPerCPU("lookup in", key, values, flags); err != nil {
		return err
	}
	errno := m.lookupElement(key, values, flags)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingLookup, errno)
	}
	return nil
}

// LookupAndDeletePerCPU is LookupAndDelete for a per-CPU map. It returns the values of all possible CPUs.
func (m *mapCore) LookupAndDeletePerCPU(key []byte) ([][]byte, error) {
	image := make([]byte, m.elementSize())
	if err := m.LookupAndDeletePerCPUInto(key, image); err != nil {
		return nil, err
	}
	return m.perCPUValues(image), nil
}

// LookupAndDeletePerCPUInto is LookupAndDeletePerCPU into the caller's buffer, with the layout of LookupPerCPUInto. It
// does not allocate.
func (m *mapCore) LookupAndDeletePerCPUInto(key, values []byte) error {
	if err := m.beginPerCPU(opTake, key, values, Any); err != nil {
		return err
	}
	errno := m.takeElement(key, values)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingTake, errno)
	}
	return nil
}

// UpdatePerCPU sets the values of all possible CPUs (bpf_map_update_elem). values must have [PossibleCPUs] elements of
// ValueSize bytes; otherwise the error is [ErrInvalid].
func (m *mapCore) UpdatePerCPU(key []byte, values [][]byte, flags MapFlags) error {
	// Checked first, so that a closed map returns ErrClosed.
	if err := m.h.Acquire(); err != nil {
		return m.fail("update", err)
	}
	defer m.h.Drop()
	image := make([]byte, m.elementSize())
	if m.cpus > 0 {
		if err := m.fillImage(image, values); err != nil {
			return m.fail("update", err)
		}
	}
	return m.UpdatePerCPUFrom(key, image, flags)
}

// fillImage copies the values into a per-CPU element in the kernel's layout.
func (m *mapCore) fillImage(image []byte, values [][]byte) error {
	if len(values) != m.cpus {
		return fault.Invalidf("%d values given for %d possible CPUs", len(values), m.cpus)
	}
	for cpu, value := range values {
		if uint64(len(value)) != uint64(m.valueSize) {
			return fault.Invalidf("value of CPU %d has %d bytes and must have %d", cpu, len(value), m.valueSize)
		}
		copy(image[cpu*m.slotSize():], value)
	}
	return nil
}

// UpdatePerCPUFrom is UpdatePerCPU from a buffer with the layout of LookupPerCPUInto. It does not allocate.
func (m *mapCore) UpdatePerCPUFrom(key, values []byte, flags MapFlags) error {
	if err := m.beginPerCPU("update", key, values, flags); err != nil {
		return err
	}
	errno := m.updateElement(key, values, flags)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingUpdate, errno)
	}
	return nil
}
