package features

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kernel"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
)

// Feature is something that a kernel may have.
type Feature struct {
	Name  string       `json:"name"`
	State kernel.State `json:"state"`
	Why   string       `json:"why,omitempty"`
	Since string       `json:"since,omitempty"` // the version of Linux that brought it
	What  string       `json:"what,omitempty"`
}

func feature(name, version string, answer kernel.Answer) Feature {
	return Feature{Name: name, State: answer.State, Why: answer.Why, Since: version}
}

func mapTypes(k *kernel.Kernel) []Feature {
	var all []Feature
	for t := libbpf.MapTypeHash; mapTypeVersions[t] != ""; t++ {
		all = append(all, feature(t.String(), mapTypeVersions[t], k.MapType(t)))
	}
	return all
}

func programTypes(k *kernel.Kernel) []Feature {
	var all []Feature
	for t := libbpf.ProgramTypeSocketFilter; programTypeVersions[t] != ""; t++ {
		all = append(all, feature(t.String(), programTypeVersions[t], k.ProgramType(t)))
	}
	return all
}

func linkTypes(k *kernel.Kernel) []Feature {
	var all []Feature
	for t := libbpf.LinkTypeRawTracepoint; linkTypeVersions[t] != ""; t++ {
		all = append(all, feature(t.String(), linkTypeVersions[t], k.LinkType(t)))
	}
	return all
}

// helpers are those that programs of a type can call.
func helpers(k *kernel.Kernel, t libbpf.ProgramType) []Feature {
	var all []Feature
	for id := libbpf.HelperMapLookupElem; id <= lastHelper; id++ {
		all = append(all, feature("bpf_"+id.String(), helperVersion(id), k.Helper(t, id)))
	}
	return all
}

// general are the features of the system call and of the verifier.
func general(k *kernel.Kernel) []Feature {
	var all []Feature
	types := kernel.Answer{State: kernel.Yes}
	if k.Types() == nil {
		types = kernel.Answer{State: kernel.No, Why: k.NoTypes()}
	}
	f := feature("btf", "5.4", types)
	f.What = "the kernel's types, for CO-RE and vmlinux.h"
	all = append(all, f)
	for _, c := range commands {
		f := feature(c.name, c.version, k.Command(c.number))
		f.What = c.what
		all = append(all, f)
	}
	for _, p := range instructionProbes {
		f := feature(p.name, p.version, p.try())
		f.What = p.what
		all = append(all, f)
	}
	return all
}

// instructionProbe is a feature that a kernel has if it loads a program.
type instructionProbe struct {
	name, version, what string
	instructions        []libbpf.Instruction
}

// The instructions of the probes, by their opcodes in the kernel's documentation of the instruction set.
const (
	movImmediate = 0xb7 // r0 = 0
	exit         = 0x95
	jumpLess     = 0xa5 // if r0 < 1 goto
	jumpEqual32  = 0x16 // if w0 == 0 goto
	byteSwap     = 0xd7 // r0 = bswap16 r0
	addImmediate = 0x07
	storeImm     = 0x7a // *(u64 *)(r10 - 8) = 0
	atomic       = 0xdb
	fetchAdd     = 0x01
	framePointer = 10
	mayGoto      = 0xe5
)

var instructionProbes = []instructionProbe{
	{"isa_v2", "4.14", "jumps if less", []libbpf.Instruction{{Code: movImmediate}, {Code: jumpLess, Immediate: 1}, {Code: exit}}},
	{"isa_v3", "5.1", "jumps on 32 bits", []libbpf.Instruction{{Code: movImmediate}, {Code: jumpEqual32}, {Code: exit}}},
	{"isa_v4", "6.6", "swaps of bytes, signed loads, long jumps", []libbpf.Instruction{
		{Code: movImmediate}, {Code: byteSwap, Immediate: 16}, {Code: exit},
	}},
	{"large_programs", "5.2", "more than 4096 instructions", large()},
	{"loops", "5.3", "loops with a bound", []libbpf.Instruction{
		{Code: movImmediate}, {Code: addImmediate, Immediate: 1}, {Code: jumpLess, Offset: -2, Immediate: 4}, {Code: exit},
	}},
	{"atomics", "5.12", "atomic operations that return the value before", []libbpf.Instruction{
		{Code: movImmediate},
		{Code: storeImm, Registers: libbpf.MakeRegisters(framePointer, 0), Offset: -8},
		{Code: atomic, Registers: libbpf.MakeRegisters(framePointer, 0), Offset: -8, Immediate: fetchAdd},
		{Code: movImmediate}, {Code: exit},
	}},
	{"may_goto", "6.9", "loops that the kernel bounds", []libbpf.Instruction{
		{Code: movImmediate}, {Code: mayGoto, Offset: 1}, {Code: 0x05, Offset: -2}, {Code: exit},
	}},
}

// large is a program that older kernels found too long.
func large() []libbpf.Instruction {
	insns := make([]libbpf.Instruction, 4200)
	for i := range insns {
		insns[i] = libbpf.Instruction{Code: movImmediate}
	}
	insns[len(insns)-1].Code = exit
	return insns
}

func (p *instructionProbe) try() kernel.Answer {
	program, err := libbpf.LoadProgram(libbpf.ProgramTypeSocketFilter, "probe", "GPL", p.instructions,
		libbpf.ProgramLoadOptions{})
	if err == nil {
		_ = program.Close()
		return kernel.Answer{State: kernel.Yes}
	}
	var rejected *libbpf.VerifierError
	missing, _ := privilege.Lacks(privilege.BPF)
	switch {
	case errors.As(err, &rejected) && len(missing) == 0:
		return kernel.Answer{State: kernel.No, Why: "the verifier rejects it"}
	case errors.Is(err, fs.ErrPermission) || len(missing) > 0: // who may load a little may not load all that there is
		return kernel.Answer{State: kernel.Unknown, Why: fmt.Sprintf("asking needs %s", privilege.BPF)}
	}
	return kernel.Answer{State: kernel.No, Why: err.Error()}
}

// bpfLSM is whether programs can be LSM programs: whether the kernel asks BPF among its security modules.
func bpfLSM() kernel.Answer {
	text, err := os.ReadFile("/sys/kernel/security/lsm")
	if err != nil {
		return kernel.Answer{State: kernel.Unknown, Why: "securityfs is not mounted, or can't be read"}
	}
	for _, name := range splitComma(string(text)) {
		if name == "bpf" {
			return kernel.Answer{State: kernel.Yes}
		}
	}
	return kernel.Answer{State: kernel.No, Why: "bpf is not in the kernel's parameter lsm="}
}
