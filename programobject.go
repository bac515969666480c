package libbpf

/*
#include <bpf/libbpf.h>
*/
import "C"

import (
	"fmt"
	"io"
)

// Program is a program of an [Object], verified and in the kernel. It is a view: the Object owns the program, and after
// its Close every operation returns [ErrClosed]. Safe for concurrent use.
type Program struct {
	programCore
	o          *Object
	ptr        *C.struct_bpf_program
	section    string
	attachType ProgramAttachType
}

func newProgram(o *Object, from *OpenProgram) *Program {
	p := &Program{
		programCore: programCore{
			h: o.h, fd: -1, name: from.name, typ: ProgramType(C.bpf_program__type(from.ptr)),
		},
		o: o, ptr: from.ptr, section: from.section,
		attachType: ProgramAttachType(C.bpf_program__expected_attach_type(from.ptr)),
	}
	if C.bpf_program__autoload(p.ptr) {
		p.fd = int(C.bpf_program__fd(p.ptr))
	}
	return p
}

func (p *Program) core() *programCore {
	if p == nil {
		return &closedProgram
	}
	return &p.programCore
}

// Name is as in [ProgramCore].
func (p *Program) Name() string { return p.core().name }

// Type is as in [ProgramCore].
func (p *Program) Type() ProgramType { return p.core().typ }

// FD is as in [ProgramCore] (bpf_program__fd).
func (p *Program) FD() int { return p.core().currentFD() }

// UseFD is as in [ProgramCore].
func (p *Program) UseFD(f func(fd int) error) error { return p.core().useFD(f) }

// Info is as in [ProgramCore].
func (p *Program) Info(include ProgramInfoParts) (ProgramInfo, error) { return p.core().info(include) }

// TestRun is as in [ProgramCore].
func (p *Program) TestRun(options TestRunOptions) (TestRunResult, error) {
	return p.core().testRun(options)
}

// BindMap is as in [ProgramCore].
func (p *Program) BindMap(m MapCore) error { return p.core().bindMap(m) }

// Stdout is as in [ProgramCore].
func (p *Program) Stdout() io.Reader { return p.core().stream(streamStdout) }

// Stderr is as in [ProgramCore].
func (p *Program) Stderr() io.Reader { return p.core().stream(streamStderr) }

// Section is the name of the ELF section that the program came from.
func (p *Program) Section() string {
	if p == nil {
		return ""
	}
	return p.section
}

// AttachType is what the program expects to be attached to.
func (p *Program) AttachType() ProgramAttachType {
	if p == nil {
		return 0
	}
	return p.attachType
}

// Instructions is a copy of the program's instructions as they were loaded, relocations applied (bpf_program__insns).
func (p *Program) Instructions() ([]Instruction, error) {
	var insns []Instruction
	err := p.use("get instructions of", func() error {
		insns = instructions(p.ptr)
		return nil
	})
	return insns, err
}

// Pin makes the program last under a path on a bpf file system (bpf_program__pin). errors.Is(err, os.ErrExist) when
// the path is taken.
func (p *Program) Pin(path string) error {
	return p.use("pin", func() error {
		return withString("path", path, func(s *C.char) C.int { return C.bpf_program__pin(p.ptr, s) })
	})
}

// Unpin removes the pin (bpf_program__unpin).
func (p *Program) Unpin(path string) error {
	return p.use("unpin", func() error {
		return withString("path", path, func(s *C.char) C.int { return C.bpf_program__unpin(p.ptr, s) })
	})
}

// use runs one call into libbpf that may print, or change the object.
func (p *Program) use(op string, f func() error) error {
	if p == nil {
		return &Error{Op: op, Object: "program", Err: ErrClosed}
	}
	return p.o.use(op, fmt.Sprintf("program %q", p.name), f)
}
