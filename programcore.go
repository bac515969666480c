package libbpf

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// ProgramCore is a program in the kernel: a [Program] of an object, or a [ProgramHandle]. Both have these methods,
// which are documented there. Functions that take any program take a ProgramCore. No other type can implement it.
//
// All methods are safe for concurrent use, also with Close. After Close of the object or the handle they return
// [ErrClosed].
type ProgramCore interface {
	Name() string
	Type() ProgramType
	FD() int
	UseFD(f func(fd int) error) error
	Info(include ProgramInfoParts) (ProgramInfo, error)
	FDInfo() (ProgramFDInfo, error)
	BTF() (*btf.BTF, error)
	SourceLines() ([]SourceLine, error)
	TestRun(options TestRunOptions) (TestRunResult, error)
	BindMap(m MapCore) error
	AssociateStructOps(m MapCore) error
	Stdout() io.Reader
	Stderr() io.Reader
	Pin(path string) error
	PinIn(directory int, path string) error
	Unpin(path string) error

	core() *programCore
}

var (
	_ ProgramCore = (*Program)(nil)
	_ ProgramCore = (*ProgramHandle)(nil)
)

// programCore is the part that [Program] and [ProgramHandle] share. They embed it, so its exported methods are theirs.
// The zero value is a closed program.
type programCore struct {
	h    *handle.Handle
	fd   int // -1 when the program was not loaded
	name string
	typ  ProgramType
	// The expected attach type with which it was loaded; nil if that is not known.
	attachType atomic.Pointer[ProgramAttachType]
}

// closedProgram stands for a nil ProgramCore.
var closedProgram = programCore{fd: -1}

// programCoreOf is the program's core. A nil program is a closed one, and so is a nil pointer to one.
func programCoreOf(p ProgramCore) *programCore {
	switch p := p.(type) {
	case *Program:
		if p != nil {
			return &p.programCore
		}
	case *ProgramHandle:
		if p != nil {
			return &p.programCore
		}
	case nil:
	default:
		return p.core()
	}
	return &closedProgram
}

func (p *programCore) core() *programCore { return p }

// Name is the program's name, which is the name of its C function. For a ProgramHandle that was opened by a pin, an id
// or a descriptor, it is only the first 15 characters if the program has no BTF, or the process can't open the BTF
// (CAP_SYS_ADMIN).
func (p *programCore) Name() string { return p.name }

// Type is the program's kind.
func (p *programCore) Type() ProgramType { return p.typ }

// String is such as `program "on_exec"`.
func (p *programCore) String() string {
	if p.h == nil {
		return "program"
	}
	return fmt.Sprintf("program %q", p.name)
}

func (p *programCore) fail(op string, err error) error {
	return &Error{Op: op, Object: p.String(), Err: err}
}

// useProgram runs f with the descriptor of a program that an operation on something else needs. The descriptor stays
// open during f. useProgram returns f's error unchanged.
func useProgram(op, object string, p ProgramCore, f func(fd int) error) error {
	c := programCoreOf(p)
	if err := c.h.Acquire(); err != nil {
		return &Error{Op: op, Object: object, Err: fmt.Errorf("program: %w", err)}
	}
	defer c.h.Drop()
	return f(c.fd)
}

// acquire begins an operation. When it returns nil, a Drop of the handle must follow.
func (p *programCore) acquire(op string) error {
	if err := p.h.Acquire(); err != nil {
		return p.fail(op, err)
	}
	return nil
}

// FD is the program's file descriptor, or -1 after Close. The program owns it: do not close it. After Close the number
// may be another file's; UseFD keeps it open during a call.
func (p *programCore) FD() int {
	if p.h.Acquire() != nil {
		return -1
	}
	defer p.h.Drop()
	return p.fd
}

// UseFD runs f with the program's file descriptor. The descriptor stays open until f returns, even if the program is
// closed meanwhile. UseFD returns f's error unchanged.
func (p *programCore) UseFD(f func(fd int) error) error {
	if err := p.acquire("use"); err != nil {
		return err
	}
	defer p.h.Drop()
	return f(p.fd)
}

// call runs a call into libbpf that may print, with the program's descriptor.
func (p *programCore) call(op string, f func(fd int) error) error {
	if err := p.acquire(op); err != nil {
		return err
	}
	defer p.h.Drop()
	return call(op, p.String(), func() error { return f(p.fd) })
}

// BindMap makes the program keep the map as long as the program exists, and lists the map in [ProgramInfo.MapIDs], even
// if no instruction uses the map (bpf_prog_bind_map, Linux 5.10). Binding a map again does nothing.
func (p *programCore) BindMap(m MapCore) error {
	return p.callWithMap("bind a map to", m, func(fd int, m *mapCore) error {
		return clib.FromRet(int(bindMap(fd, m.fd)))
	})
}

// AssociateStructOps associates the program with a struct_ops map (bpf_prog_assoc_struct_ops, Linux 7.0). Kernel
// functions that the program calls then know for which struct of callbacks they run. A program has at most one:
// errors.Is(err, unix.EBUSY) for another. errors.Is(err, [errors.ErrUnsupported]) before libbpf 1.7.
func (p *programCore) AssociateStructOps(m MapCore) error {
	return p.callWithMap("associate a struct_ops with", m, func(fd int, m *mapCore) error {
		switch {
		case p.typ == ProgramTypeStructOps:
			return fault.Invalidf("a program of type struct_ops can't be associated with a struct_ops")
		case m.typ != MapTypeStructOps:
			return fault.Invalidf("map %q is not a struct_ops but of type %s", m.name, m.typ)
		}
		if err := needs("bpf_prog_assoc_struct_ops", 1, 7); err != nil {
			return err
		}
		err := clib.FromRet(int(associateStructOps(fd, m.fd)))
		if errors.Is(err, unix.EINVAL) {
			return &lacking{"associating programs with a struct_ops", err}
		}
		return err
	})
}

// callWithMap is call with a map, which stays open during f.
func (p *programCore) callWithMap(op string, m MapCore, f func(fd int, m *mapCore) error) error {
	return useMap(op, p.String(), m, func(m *mapCore) error {
		return p.call(op, func(fd int) error { return f(fd, m) })
	})
}
