package typed

import "github.com/libbpf-go/libbpf-go"

// CPUQueue is a CPU's queue in a [CPUMap], as Lookup returns it.
type CPUQueue struct {
	Size      uint32 // in packets
	ProgramID uint32 // the kernel's id of the program that runs on the CPU for each packet, or 0
}

// CPUMap is an array of queues of CPUs, for XDP programs to redirect packets to: a map of type
// [libbpf.MapTypeCPUMap]. Keys are the numbers of the CPUs, of type uint32; a CPU can have no queue.
type CPUMap struct{ slots[uint32, CPUQueue] }

// NewCPUMap returns a typed view of a map of type [libbpf.MapTypeCPUMap] (Linux 4.15), whose values have 4 or 8 bytes.
// The error matches [libbpf.ErrInvalid] when the map is another one.
func NewCPUMap(m libbpf.MapCore) (*CPUMap, error) {
	c := new(CPUMap)
	return orNil(c, c.open(m, libbpf.MapTypeCPUMap))
}

// Update makes a queue for queueSize packets, from 1 to 16384, for a CPU, in place of the one that it has, and starts a
// kernel thread on the CPU (bpf_map_update_elem). flags is [libbpf.Any] or [libbpf.Exist].
//
// The error matches [libbpf.ErrIndexRange] when cpu is beyond the end of the array, [libbpf.ErrInvalid] when queueSize
// is 0, unix.EOVERFLOW when it is too large, and unix.ENODEV when there is no such CPU.
func (m *CPUMap) Update(cpu, queueSize uint32, flags libbpf.MapFlags) error {
	return m.updateQueue(cpu, queueSize, 0, flags)
}

// UpdateWithProgram is Update with an XDP program that runs on the CPU for each packet (Linux 5.9). The map keeps the
// program. It must have been loaded for attaching to cpumaps ([libbpf.AttachTypeXDPCPUMap]); otherwise the error
// matches unix.EINVAL, in kernels before Linux 7 unix.ENOMEM. The error matches [libbpf.ErrClosed] when the program is
// closed or nil, and [libbpf.ErrInvalid] when the map's values have 4 bytes, which have no room for a program.
func (m *CPUMap) UpdateWithProgram(
	cpu, queueSize uint32, program libbpf.ProgramCore, flags libbpf.MapFlags,
) error {
	return m.useProgram(program, func(fd int) error { return m.updateQueue(cpu, queueSize, fd, flags) })
}

func (m *CPUMap) updateQueue(cpu, queueSize uint32, programFD int, flags libbpf.MapFlags) error {
	// The kernel would delete a queue with the size 0.
	if queueSize == 0 {
		return m.refuse("a queue must have room for packets")
	}
	return m.updateTarget(cpu, target{queueSize, uint32(programFD)}, flags)
}
