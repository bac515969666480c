package inspect

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// relocations are the CO-RE relocations of an object, and what they become.
type relocations struct {
	Total    int          `json:"total"`
	Same     int          `json:"same"`     // the value is that of the object's own types
	Changed  int          `json:"changed"`  // the kernel's is another
	Absent   int          `json:"absent"`   // the answer is that there is no such thing
	Poisoned int          `json:"poisoned"` // nothing matches: the program must not reach the instruction
	Failed   int          `json:"failed"`   // libbpf would refuse the object
	All      []relocation `json:"all,omitempty"`

	bad []relocation // those that are poisoned or failed
}

type relocation struct {
	Function    string  `json:"function"`
	Instruction int     `json:"instruction"`
	Kind        string  `json:"kind"`
	Spec        string  `json:"spec"`
	State       string  `json:"state"`
	Old         uint64  `json:"old"`
	New         *uint64 `json:"new,omitempty"`
	Target      string  `json:"target,omitempty"` // what matched
	Error       string  `json:"error,omitempty"`
}

func (r *reader) readRelocations(path string) {
	own, err := btf.RelocationsInFile(path)
	switch {
	case errors.Is(err, btf.ErrNoBTF):
		return
	case errors.Is(err, unix.EINVAL) && place.OrderOf(r.file.Order) != place.Native:
		r.warn("its relocations are not resolved: it has the other byte order")
		return
	case err != nil:
		r.warn("its relocations can't be read: %v", err)
		return
	}
	defer own.Close()
	found := &relocations{}
	found.Total = len(own.All())
	r.object.Relocations = found
	if found.Total == 0 {
		return
	}
	if r.kernel.Types() == nil {
		r.warn("its relocations are not resolved: %s", r.kernel.NoTypes())
		return
	}
	resolved, err := own.Resolve(r.kernel.Types(), r.kernel.Modules()...)
	if err != nil {
		r.warn("its relocations are not resolved: %v", err)
		return
	}
	for _, one := range resolved {
		found.add(one)
	}
}

func (f *relocations) add(r btf.Resolution) {
	one := relocation{
		Function: r.Function, Instruction: r.Instruction, Kind: r.Kind.String(), Spec: r.Spec, Old: r.Old,
		Target: r.TargetSpec,
	}
	switch {
	case r.Err != nil:
		f.Failed++
		one.State, one.Error = "failed", cli.OneLine(r.Err.Error())
	case r.Poisoned:
		f.Poisoned++
		one.State = "poisoned"
	case r.In == nil && r.Kind != btf.RelocateTypeIDLocal:
		f.Absent++
		one.State, one.New = "absent", &r.New
	case r.New != r.Old:
		f.Changed++
		one.State, one.New = "changed", &r.New
	default:
		f.Same++
		one.State, one.New = "same", &r.New
	}
	f.All = append(f.All, one)
	if one.State == "poisoned" || one.State == "failed" {
		f.bad = append(f.bad, one)
	}
}
