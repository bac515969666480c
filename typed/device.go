package typed

import (
	"errors"
	"iter"
	"math"

	"github.com/libbpf-go/libbpf-go"
)

// Device is a network device in a [DevMap] or [DevMapHash].
type Device struct {
	IfIndex   uint32 // in the network namespace of who put it there
	ProgramID uint32 // the kernel's id of the program that runs for packets on their way there, or 0
}

// pair is how the kernel has elements: something, and the fd or the id of a program. Old maps lack the second half.
type pair struct{ first, program uint32 }

func (a *access) getPair(key []byte, first, program *uint32) error {
	var p pair
	b := bytesOf(&p)
	if err := a.lookup(key, b[:min(a.mapCore().ValueSize(), 8)], libbpf.Any); err != nil {
		return err
	}
	*first, *program = p.first, p.program
	return nil
}

func (a *access) setPair(key []byte, p pair, flags libbpf.MapFlags) error {
	size := a.mapCore().ValueSize()
	if size == 4 && p.program != 0 {
		return a.refuse("its values have 4 bytes, which have no room for a program")
	}
	b := bytesOf(&p)
	return a.update(key, b[:min(size, 8)], flags)
}

func (a *access) setDevice(key []byte, ifIndex, programFD int, flags libbpf.MapFlags) error {
	// The kernel takes 0 as a wish to delete.
	if ifIndex < 1 || ifIndex > math.MaxInt32 {
		return a.refuse("%d is not the index of a network device", ifIndex)
	}
	return a.setPair(key, pair{uint32(ifIndex), uint32(programFD)}, flags)
}

// DevMap is an array of network devices, for XDP programs to redirect packets to: a map of type
// [libbpf.MapTypeDevMap]. A place may be empty, and is emptied when its device goes.
type DevMap struct{ a access }

// NewDevMap makes a typed view of a map of type [libbpf.MapTypeDevMap] (Linux 4.14).
func NewDevMap(m libbpf.MapCore) (*DevMap, error) {
	a, err := newIndexed(m, libbpf.MapTypeDevMap, 4, 8)
	if err != nil {
		return nil, err
	}
	return &DevMap{a}, nil
}

func (m *DevMap) access() *access {
	if m == nil {
		return &closed
	}
	return &m.a
}

// Map is the map behind it.
func (m *DevMap) Map() libbpf.MapCore { return m.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (m *DevMap) Pin(path string) error { return m.access().pin(path) }

// Len is the number of places.
func (m *DevMap) Len() int { return m.access().len() }

// Set puts a network device at index, by its index (bpf_map_update_elem): [libbpf.ErrIndexRange] beyond the end;
// errors.Is(err, unix.EINVAL) when there is no such device in this network namespace.
func (m *DevMap) Set(index uint32, ifIndex int) error {
	return m.access().setDevice(bytesOf(&index), ifIndex, 0, libbpf.Any)
}

// SetProgram is Set with a program that runs for each packet that is redirected to the device (Linux 5.8). It is an
// XDP program for attaching to devmaps, or errors.Is(err, unix.EINVAL). The map keeps it, and must have values of 8
// bytes: [libbpf.ErrInvalid].
func (m *DevMap) SetProgram(index uint32, ifIndex int, program *libbpf.Program) error {
	return program.UseFD(func(fd int) error {
		return m.access().setDevice(bytesOf(&index), ifIndex, fd, libbpf.Any)
	})
}

// Get is the device at index (bpf_map_lookup_elem): [libbpf.ErrKeyNotExist] when there is none.
func (m *DevMap) Get(index uint32) (Device, error) {
	var d Device
	err := m.access().getPair(bytesOf(&index), &d.IfIndex, &d.ProgramID)
	return d, err
}

// Delete empties the place at index, also when it is empty (bpf_map_delete_elem).
func (m *DevMap) Delete(index uint32) error { return m.access().delete(bytesOf(&index)) }

// All iterates over the devices, in the order of their indices, without the places that are empty. When the loop ends
// early because of an error, that is in *err; err may be nil.
func (m *DevMap) All(err *error) iter.Seq2[uint32, Device] { return present(m.access(), err, m.Get) }

// DevMapHash is a hash table of network devices, for XDP programs to redirect packets to: a map of type
// [libbpf.MapTypeDevMapHash]. An element goes with its device.
type DevMapHash struct{ a access }

// NewDevMapHash makes a typed view of a map of type [libbpf.MapTypeDevMapHash] (Linux 5.4).
func NewDevMapHash(m libbpf.MapCore) (*DevMapHash, error) {
	a, err := newIndexed(m, libbpf.MapTypeDevMapHash, 4, 8)
	if err != nil {
		return nil, err
	}
	return &DevMapHash{a}, nil
}

func (m *DevMapHash) access() *access {
	if m == nil {
		return &closed
	}
	return &m.a
}

// Map is the map behind it.
func (m *DevMapHash) Map() libbpf.MapCore { return m.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (m *DevMapHash) Pin(path string) error { return m.access().pin(path) }

// Capacity is the number of devices that there is room for.
func (m *DevMapHash) Capacity() int { return m.access().len() }

// Set puts a network device under key, by its index (bpf_map_update_elem): [libbpf.ErrMapFull] when there is no room;
// errors.Is(err, unix.EINVAL) when there is no such device in this network namespace.
func (m *DevMapHash) Set(key uint32, ifIndex int) error {
	return m.access().setDevice(bytesOf(&key), ifIndex, 0, libbpf.Any)
}

// SetProgram is Set with a program that runs for each packet that is redirected to the device (Linux 5.8). It is an
// XDP program for attaching to devmaps, or errors.Is(err, unix.EINVAL). The map keeps it, and must have values of 8
// bytes: [libbpf.ErrInvalid].
func (m *DevMapHash) SetProgram(key uint32, ifIndex int, program *libbpf.Program) error {
	return program.UseFD(func(fd int) error {
		return m.access().setDevice(bytesOf(&key), ifIndex, fd, libbpf.Any)
	})
}

// Get is the device under key (bpf_map_lookup_elem): [libbpf.ErrKeyNotExist] when there is none.
func (m *DevMapHash) Get(key uint32) (Device, error) {
	var d Device
	err := m.access().getPair(bytesOf(&key), &d.IfIndex, &d.ProgramID)
	return d, err
}

// Delete removes the device from the map (bpf_map_delete_elem): [libbpf.ErrKeyNotExist] when there is none.
func (m *DevMapHash) Delete(key uint32) error { return m.access().delete(bytesOf(&key)) }

// All iterates over the devices, in no order. When the loop ends early because of an error, that is in *err; err may
// be nil. Devices that come or go meanwhile may be missed or come twice.
func (m *DevMapHash) All(err *error) iter.Seq2[uint32, Device] {
	return func(yield func(uint32, Device) bool) {
		for key := range m.Keys(err) {
			switch device, failed := m.Get(key); {
			case errors.Is(failed, libbpf.ErrKeyNotExist): // gone meanwhile
			case failed != nil:
				if err != nil {
					*err = failed
				}
				return
			case !yield(key, device):
				return
			}
		}
	}
}

// Keys iterates over the keys, in no order, with a system call for each (bpf_map_get_next_key), as All does.
func (m *DevMapHash) Keys(err *error) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for b := range m.Map().Keys(err) {
			var key uint32
			copy(bytesOf(&key), b)
			if !yield(key) {
				return
			}
		}
	}
}

// IsEmpty tells whether there is no device, which takes one step of an iteration. It allocates.
func (m *DevMapHash) IsEmpty() (bool, error) { return m.access().isEmpty() }

// CPUQueue is the queue of a CPU in a [CPUMap].
type CPUQueue struct {
	Size      uint32 // in packets
	ProgramID uint32 // the kernel's id of the program that runs there for each packet, or 0
}

// CPUMap is an array of CPUs, for XDP programs to redirect packets to, each with a queue: a map of type
// [libbpf.MapTypeCPUMap]. A place may be empty.
type CPUMap struct{ a access }

// NewCPUMap makes a typed view of a map of type [libbpf.MapTypeCPUMap] (Linux 4.15).
func NewCPUMap(m libbpf.MapCore) (*CPUMap, error) {
	a, err := newIndexed(m, libbpf.MapTypeCPUMap, 4, 8)
	if err != nil {
		return nil, err
	}
	return &CPUMap{a}, nil
}

func (m *CPUMap) access() *access {
	if m == nil {
		return &closed
	}
	return &m.a
}

// Map is the map behind it.
func (m *CPUMap) Map() libbpf.MapCore { return m.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (m *CPUMap) Pin(path string) error { return m.access().pin(path) }

// Len is the number of places.
func (m *CPUMap) Len() int { return m.access().len() }

// Set makes a queue for so many packets, at most 16384, for a CPU, and starts a kernel thread there
// (bpf_map_update_elem): [libbpf.ErrIndexRange] beyond the end.
func (m *CPUMap) Set(cpu, queueSize uint32) error { return m.set(cpu, queueSize, 0) }

// SetProgram is Set with a program that runs there for each packet (Linux 5.9). It is an XDP program for attaching to
// cpumaps, or errors.Is(err, unix.EINVAL). The map keeps it, and must have values of 8 bytes: [libbpf.ErrInvalid].
func (m *CPUMap) SetProgram(cpu, queueSize uint32, program *libbpf.Program) error {
	return program.UseFD(func(fd int) error { return m.set(cpu, queueSize, fd) })
}

func (m *CPUMap) set(cpu, queueSize uint32, programFD int) error {
	a := m.access()
	// The kernel takes 0 as a wish to delete.
	if queueSize == 0 {
		return a.refuse("a queue must have room for packets")
	}
	return a.setPair(bytesOf(&cpu), pair{queueSize, uint32(programFD)}, libbpf.Any)
}

// Get is the queue of a CPU (bpf_map_lookup_elem): [libbpf.ErrKeyNotExist] when it has none.
func (m *CPUMap) Get(cpu uint32) (CPUQueue, error) {
	var q CPUQueue
	err := m.access().getPair(bytesOf(&cpu), &q.Size, &q.ProgramID)
	return q, err
}

// Delete removes the queue of a CPU, also when it has none (bpf_map_delete_elem).
func (m *CPUMap) Delete(cpu uint32) error { return m.access().delete(bytesOf(&cpu)) }

// All iterates over the CPUs that have a queue, in order. When the loop ends early because of an error, that is in
// *err; err may be nil.
func (m *CPUMap) All(err *error) iter.Seq2[uint32, CPUQueue] { return present(m.access(), err, m.Get) }
