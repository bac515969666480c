package backtrace

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/flame"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/stack"
)

// Trace is a stack, or why there is none.
type Trace struct {
	Member string // that it comes from
	Frames []stack.Frame
	Err    error
	kind   kind
}

// PID is the process that the stacks in data are of, or 0.
func (b *Binding) PID(data []byte) int {
	pid, _ := b.pid.Int(data)
	return int(pid)
}

// Traces are the stacks in data. pid is the process that they are of, if data does not tell it.
func (b *Binding) Traces(symbols *stack.Symbols, data []byte, pid int) []Trace {
	if own := b.PID(data); own != 0 {
		pid = own
	}
	if pid != 0 {
		symbols.Remember(pid)
	}
	traces := make([]Trace, len(b.stacks))
	for i, m := range b.stacks {
		traces[i] = Trace{Member: m.name, kind: m.kind}
		traces[i].Frames, traces[i].Err = m.frames(symbols, data, pid)
	}
	return traces
}

// frames are the frames of a stack, innermost first.
func (m *member) frames(symbols *stack.Symbols, data []byte, pid int) ([]stack.Frame, error) {
	if m.in == nil {
		bytes := m.value.Bytes(data)
		if m.size != nil {
			size, _ := m.size.Int(data)
			if size < 0 {
				return nil, unix.Errno(-size)
			}
			bytes = bytes[:min(int64(len(bytes)), size)]
		}
		return m.named(symbols, stack.ParseAddresses(bytes), pid), nil
	}
	id, ok := m.value.Int(data)
	if id = int64(int32(id)); !ok || id < 0 {
		return nil, unix.Errno(-id)
	}
	bytes, err := m.in.Lookup(uint32(id))
	switch {
	case errors.Is(err, libbpf.ErrKeyNotExist):
		return nil, unix.ENOENT
	case err != nil:
		return nil, err
	case m.in.BuildIDs:
		return symbols.BuildIDs(pid, stack.ParseBuildIDs(bytes)), nil
	}
	return m.named(symbols, stack.ParseAddresses(bytes), pid), nil
}

// named names addresses.
func (m *member) named(symbols *stack.Symbols, addresses []uint64, pid int) []stack.Frame {
	kind := m.kind
	if kind == mixed {
		// Kernels are in the upper half of the address space, where they share it with processes.
		kind = user
		if len(addresses) > 0 && int64(addresses[0]) < 0 {
			kind = kernel
		}
	}
	if kind == kernel {
		return symbols.Kernel(addresses)
	}
	return symbols.User(pid, addresses)
}

// meaning is why there is no stack: the name of an errno, and what that means here, or a text.
func meaning(err error) (name, why string) {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return cli.OneLine(err.Error()), ""
	}
	name = unix.ErrnoName(errno)
	switch errno {
	case unix.EEXIST:
		return name, "another stack has its place in the map"
	case unix.EFAULT:
		return name, "there is no such stack"
	case unix.ENOENT:
		return name, "the map does not have it any more"
	case 0:
		return "the record ends before it", ""
	}
	return name, errno.Error()
}

// Record is a stack that has names: as it is shown, and in a recording.
type Record struct {
	Member string  `json:"member"`
	Frames []frame `json:"frames,omitempty"`
	Error  string  `json:"error,omitempty"`  // the name of the errno, or a text
	Reason string  `json:"reason,omitempty"` // what the errno means
}

// frame is a frame of a stack.
type frame struct {
	Address  string `json:"address,omitempty"`
	Kernel   bool   `json:"kernel,omitempty"`
	Function string `json:"function,omitempty"`
	Offset   uint64 `json:"offset"`
	Module   string `json:"module,omitempty"`
	BuildID  string `json:"build_id,omitempty"`
}

// String is the frame as people read it.
func (f frame) String() string {
	address, _ := strconv.ParseUint(f.Address, 0, 64) // 0 if there is none
	return stack.Frame{
		Address: address, Kernel: f.Kernel, Name: f.Function, Offset: f.Offset, Module: f.Module, BuildID: f.BuildID,
	}.String()
}

// Records are the stacks as they are shown.
func Records(traces []Trace) []Record {
	records := make([]Record, len(traces))
	for i, t := range traces {
		records[i].Member = t.Member
		if t.Err != nil {
			records[i].Error, records[i].Reason = meaning(t.Err)
		}
		for _, f := range t.Frames {
			shown := frame{Kernel: f.Kernel, Function: f.Name, Offset: f.Offset, Module: f.Module, BuildID: f.BuildID}
			if f.Address != 0 {
				shown.Address = "0x" + strconv.FormatUint(f.Address, 16)
			}
			records[i].Frames = append(records[i].Frames, shown)
		}
	}
	return records
}

// AppendText appends stacks to dst, a line for each frame.
func AppendText(dst []byte, records []Record) []byte {
	for _, r := range records {
		dst = append(dst, "    "+cli.Safe(r.Member)+":"...)
		if r.Error != "" {
			dst = append(dst, " "+cli.Safe(r.Error)...)
		}
		if r.Reason != "" {
			dst = append(dst, " ("+cli.Safe(r.Reason)+")"...)
		}
		dst = append(dst, '\n')
		for _, f := range r.Frames {
			dst = append(dst, "        "+cli.Safe(f.String())+"\n"...)
		}
	}
	return dst
}

// Comm is the name of the process in data, or "".
func (b *Binding) Comm(data []byte) string {
	if b.comm == nil {
		return ""
	}
	return string(b.comm.Bytes(data))
}

// Flame is the traces as one stack of a flame graph, outermost function first: the process, its functions, those of the
// kernel. lost says that one of them was not kept.
func Flame(comm string, traces []Trace) (frames []flame.Frame, lost bool) {
	if comm != "" {
		frames = append(frames, flame.Frame{Name: comm})
	}
	for _, wanted := range []kind{user, mixed, kernel} {
		for _, t := range traces {
			if t.kind != wanted {
				continue
			}
			// A sample of a process has no stack of the kernel, and a thread of the kernel none of a user.
			if t.Err != nil && !errors.Is(t.Err, unix.EFAULT) {
				lost = true
				frames = append(frames, flame.Frame{Name: "[" + strings.ToLower(t.Member) + " lost]"})
			}
			for i := len(t.Frames) - 1; i >= 0; i-- {
				f := flame.Frame{Name: t.Frames[i].Function(), Kind: flame.User}
				if t.Frames[i].Kernel {
					f.Kind = flame.Kernel
				}
				frames = append(frames, f)
			}
		}
	}
	return frames, lost
}
