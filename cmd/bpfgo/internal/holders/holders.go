// Package holders finds out who keeps programs, maps, links and BTF in the kernel: processes by their descriptors, and
// pins on BPF file systems.
package holders

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

// Kind is a kind of object.
type Kind uint8

// The kinds of objects that can be held.
const (
	Program Kind = iota
	Map
	Link
	BTF
)

// Object is an object in the kernel. Each kind has its own ids.
type Object struct {
	Kind Kind
	ID   uint32
}

// Process is a process that holds an object.
type Process struct {
	PID  int    `json:"pid"`
	Comm string `json:"comm"` // of any content
	FDs  []int  `json:"fds"`
}

// String is such as "systemd(1), descriptors 5 7".
func (p Process) String() string {
	text := fmt.Sprintf("%s(%d), descriptor", p.Comm, p.PID)
	if len(p.FDs) != 1 {
		text += "s"
	}
	for _, fd := range p.FDs {
		text += fmt.Sprintf(" %d", fd)
	}
	return text
}

// PerfEvent is a descriptor of a process by which a program runs, without a link.
type PerfEvent struct {
	PID, FD int
	libbpf.TaskFDInfo
}

// Found is who holds what.
type Found struct {
	Processes  map[Object][]Process
	Pins       map[Object][]string
	PerfEvents map[uint32][]PerfEvent // by the id of the program

	// Warnings say what could not be read. What is in it may hold objects, too.
	Warnings []string
}

// Find looks into all processes and all BPF file systems. It finds also what the calling process has open.
func Find() *Found {
	f := &Found{
		Processes:  map[Object][]Process{},
		Pins:       map[Object][]string{},
		PerfEvents: map[uint32][]PerfEvent{},
	}
	f.findProcesses()
	f.findPins()
	return f
}

func (f *Found) warn(format string, args ...any) {
	f.Warnings = append(f.Warnings, fmt.Sprintf(format, args...))
}

// firstPIDNamespace is the inode of the kernel's first PID namespace.
const firstPIDNamespace = "pid:[4026531836]"

func (f *Found) findProcesses() {
	if namespace, err := os.Readlink("/proc/self/ns/pid"); err == nil && namespace != firstPIDNamespace {
		f.warn("holders outside of this PID namespace are not seen")
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		f.warn("holders are not known: %v", err)
		return
	}
	denied, perfDenied := 0, false
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		switch err := f.findIn(pid, &perfDenied); {
		case errors.Is(err, fs.ErrPermission):
			denied++
		case err != nil && !gone(err):
			f.warn("process %d: %v", pid, err)
		}
	}
	if denied > 0 {
		f.warn("the descriptors of %d processes can't be read: the process lacks CAP_SYS_PTRACE", denied)
	}
	if perfDenied {
		f.warn("programs of perf events are not known: the process lacks CAP_SYS_ADMIN")
	}
	for object, processes := range f.Processes {
		slices.SortFunc(processes, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
		f.Processes[object] = processes
	}
}

// gone tells whether an error means that a process or a descriptor has gone meanwhile.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
}

// idFields are the lines in a descriptor's info that have the id, by the name of the descriptor.
var idFields = map[string]struct {
	kind  Kind
	field string
}{
	"anon_inode:bpf-prog": {Program, "prog_id:"},
	"anon_inode:bpf-map":  {Map, "map_id:"},
	"anon_inode:bpf_link": {Link, "link_id:"},
	"anon_inode:bpf-link": {Link, "link_id:"},
	"anon_inode:btf":      {BTF, "btf_id:"},
}

// findIn looks at all descriptors of a process.
func (f *Found) findIn(pid int, perfDenied *bool) error {
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	comm := ""
	for _, entry := range fds {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		name, err := os.Readlink(folder + "/" + entry.Name())
		if err != nil {
			continue // closed meanwhile
		}
		var object Object
		if name == "anon_inode:[perf_event]" {
			info, err := libbpf.QueryTaskFD(pid, fd)
			if err != nil {
				*perfDenied = *perfDenied || errors.Is(err, fs.ErrPermission)
				continue // without a program
			}
			f.PerfEvents[info.ProgramID] = append(f.PerfEvents[info.ProgramID], PerfEvent{pid, fd, info})
			object = Object{Program, info.ProgramID}
		} else {
			field, known := idFields[name]
			if !known {
				continue
			}
			id, ok := infoID(pid, fd, field.field)
			if !ok {
				continue
			}
			object = Object{field.kind, id}
		}
		if comm == "" {
			comm = readComm(pid)
		}
		f.add(object, pid, comm, fd)
	}
	return nil
}

func (f *Found) add(object Object, pid int, comm string, fd int) {
	all := f.Processes[object]
	if last := len(all) - 1; last >= 0 && all[last].PID == pid {
		all[last].FDs = append(all[last].FDs, fd)
		return
	}
	f.Processes[object] = append(all, Process{PID: pid, Comm: comm, FDs: []int{fd}})
}

// infoID is the id in a descriptor's info.
func infoID(pid, fd int, field string) (uint32, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, field); found {
			id, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
			return uint32(id), err == nil
		}
	}
	return 0, false
}

func readComm(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return "?"
	}
	return strings.TrimSuffix(string(text), "\n")
}
