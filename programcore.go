package libbpf

/*
#include <bpf/bpf.h>

// Where libbpf has no such function, Go does not call this.
static int lbg_prog_assoc_struct_ops(int prog_fd, int map_fd)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 7
	return bpf_prog_assoc_struct_ops(prog_fd, map_fd, NULL);
#else
	(void)prog_fd;
	(void)map_fd;
	return 0;
#endif
}
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// ProgramCore is a program in the kernel: a [Program] of an object, or a [ProgramHandle]. Both have these methods, which are
// documented there. Functions that take any program take a ProgramCore. No other type can implement it.
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

// programCore is the part that [Program] and [ProgramHandle] share. They embed it, so its exported methods are theirs. The
// zero value is a closed program.
type programCore struct {
	h    *handle.Handle
	fd   int // -1 when the program was not loaded
	name string
	typ  ProgramType
	// What it was loaded to be attached to; nil where that is not known.
	attachType atomic.Pointer[ProgramAttachType]
}

// closedProgram stands for a nil ProgramCore.
var closedProgram = programCore{fd: -1}

// programCoreOf is the program's core, or that of a closed one for a nil program.
func programCoreOf(p ProgramCore) *programCore {
	if p == nil {
		return &closedProgram
	}
	return p.core()
}

func (p *programCore) core() *programCore { return p }

// Name is the program's name: its C function's. Of a ProgramHandle that was opened by a pin, an id or a descriptor it
// is the first 15 characters, if the program has no BTF or the process may not open that (CAP_SYS_ADMIN).
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

// useProgram runs f with the descriptor of a program that an operation on something else needs, and that remains open
// meanwhile. f's error is returned as it is.
func useProgram(op, object string, p ProgramCore, f func(fd int) error) error {
	c := programCoreOf(p)
	if err := c.h.Acquire(); err != nil {
		return &Error{Op: op, Object: object, Err: fmt.Errorf("program: %w", err)}
	}
	defer c.h.Drop()
	return f(c.fd)
}

// acquire begins an operation; a drop of the handle must follow when it returns nil.
func (p *programCore) acquire(op string) error {
	if err := p.h.Acquire(); err != nil {
		return p.fail(op, err)
	}
	return nil
}

// FD is the program's file descriptor, or -1 after Close. It remains the program's: it must not be closed, and may
// be another file's number after Close.
func (p *programCore) FD() int {
	if p.h.Acquire() != nil {
		return -1
	}
	defer p.h.Drop()
	return p.fd
}

// UseFD runs f with the program's file descriptor, which remains open and the program's until f returns, also when
// it is closed meanwhile. f's error is returned as it is.
func (p *programCore) UseFD(f func(fd int) error) error {
	if err := p.acquire("use"); err != nil {
		return err
	}
	defer p.h.Drop()
	return f(p.fd)
}

// call runs one call into libbpf that may print, with the program's descriptor.
func (p *programCore) call(op string, f func(fd int) error) error {
	if err := p.acquire(op); err != nil {
		return err
	}
	defer p.h.Drop()
	return call(op, p.String(), func() error { return f(p.fd) })
}

// BindMap makes the map live as long as the program, and be in its list of maps, also if it uses the map by no
// instruction (bpf_prog_bind_map, Linux 5.10). A second time does nothing.
func (p *programCore) BindMap(m MapCore) error {
	return p.callWithMap("bind a map to", m, func(fd int, m *mapCore) error {
		return clib.FromRet(int(C.bpf_prog_bind_map(C.int(fd), C.int(m.fd), nil)))
	})
}

// AssociateStructOps tells the functions of the kernel's that the program calls which struct of callbacks they are
// called for (bpf_prog_assoc_struct_ops, Linux 7.0). A program has one at most: unix.EBUSY for another one.
// errors.Is(err, [errors.ErrUnsupported]) before libbpf 1.7.
func (p *programCore) AssociateStructOps(m MapCore) error {
	return p.callWithMap("associate a struct_ops with", m, func(fd int, m *mapCore) error {
		switch {
		case p.typ == ProgramTypeStructOps:
			return fault.Invalidf("the program is of a struct_ops itself, and only others can be associated with one")
		case m.typ != MapTypeStructOps:
			return fault.Invalidf("map %q is not a struct_ops but of type %s", m.name, m.typ)
		}
		if err := needs("bpf_prog_assoc_struct_ops", 1, 7); err != nil {
			return err
		}
		err := clib.FromRet(int(C.lbg_prog_assoc_struct_ops(C.int(fd), C.int(m.fd))))
		if errors.Is(err, unix.EINVAL) {
			return &lacking{"associating programs with a struct_ops", err}
		}
		return err
	})
}

// callWithMap is call with a map that can't be closed meanwhile.
func (p *programCore) callWithMap(op string, m MapCore, f func(fd int, m *mapCore) error) error {
	return useMap(op, p.String(), m, func(m *mapCore) error {
		return p.call(op, func(fd int) error { return f(fd, m) })
	})
}
