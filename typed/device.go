package typed

import (
	"math"

	"github.com/libbpf-go/libbpf-go"
)

// Device is a network device in a [DevMap] or a [DevMapHash], as Lookup returns it.
type Device struct {
	IfIndex   uint32 // the device's index, in the network namespace of the process that put it there
	ProgramID uint32 // the kernel's id of the program that runs for packets on their way to the device, or 0
}

// target is what user space writes for a redirect's target: what it is, and the descriptor of a program. Old maps have
// the first half only.
type target struct{ what, program uint32 }

func (v *view) updateTarget(key uint32, t target, flags libbpf.MapFlags) error {
	value := v.value.room(bytesOf(&t))
	if len(value) == 4 && t.program != 0 {
		return v.refuse("its values have 4 bytes, which have no room for a program")
	}
	return v.update(bytesOf(&key), value, flags)
}

// devices is a view of a map of network devices.
type devices struct{ slots[uint32, Device] }

// Update puts a network device, named by its index in the caller's network namespace, under key
// (bpf_map_update_elem). flags is [libbpf.Any], [libbpf.NoExist] or [libbpf.Exist]; the indices of a [DevMap] always
// exist, so that NoExist fails there. The kernel removes the device from the map when the device is gone. It does not
// allocate.
//
// The error matches [libbpf.ErrKeyExist] or [libbpf.ErrKeyNotExist] as the flags ask, [libbpf.ErrIndexRange] when the
// index of a DevMap is beyond the end, [libbpf.ErrMapFull] when a DevMapHash has no room, [libbpf.ErrInvalid] when
// ifIndex is below 1, and unix.EINVAL when there is no such device.
func (m *devices) Update(key uint32, ifIndex int, flags libbpf.MapFlags) error {
	return m.updateDevice(key, ifIndex, 0, flags)
}

// UpdateWithProgram is Update with an XDP program that runs for each packet on its way to the device (Linux 5.8). The
// map keeps the program, which must have been loaded for attaching to devmaps ([libbpf.AttachTypeXDPDevMap]), or the
// error matches unix.EINVAL. The error matches [libbpf.ErrClosed] when the program is closed or nil, and
// [libbpf.ErrInvalid] when the map's values have 4 bytes, which have no room for a program.
func (m *devices) UpdateWithProgram(
	key uint32, ifIndex int, program libbpf.ProgramCore, flags libbpf.MapFlags,
) error {
	return m.useProgram(program, func(fd int) error { return m.updateDevice(key, ifIndex, fd, flags) })
}

func (m *devices) updateDevice(key uint32, ifIndex, programFD int, flags libbpf.MapFlags) error {
	// The kernel would delete a device with the index 0.
	if ifIndex < 1 || ifIndex > math.MaxInt32 {
		return m.refuse("%d is not the index of a network device", ifIndex)
	}
	return m.updateTarget(key, target{uint32(ifIndex), uint32(programFD)}, flags)
}

// DevMap is an array of network devices, for XDP programs to redirect packets to: a map of type
// [libbpf.MapTypeDevMap]. Keys are the indices, of type uint32; an index can hold nothing.
type DevMap struct{ devices }

// NewDevMap returns a typed view of a map of type [libbpf.MapTypeDevMap] (Linux 4.14), whose values have 4 or 8 bytes.
// The error matches [libbpf.ErrInvalid] when the map is another one.
func NewDevMap(m libbpf.MapCore) (*DevMap, error) {
	d := new(DevMap)
	return orNil(d, d.open(m, libbpf.MapTypeDevMap))
}

// DevMapHash is a hash table of network devices under uint32s, for XDP programs to redirect packets to: a map of type
// [libbpf.MapTypeDevMapHash].
type DevMapHash struct{ devices }

// NewDevMapHash returns a typed view of a map of type [libbpf.MapTypeDevMapHash] (Linux 5.4), whose values have 4 or 8
// bytes. The error matches [libbpf.ErrInvalid] when the map is another one.
func NewDevMapHash(m libbpf.MapCore) (*DevMapHash, error) {
	d := new(DevMapHash)
	return orNil(d, d.open(m, libbpf.MapTypeDevMapHash))
}
