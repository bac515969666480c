package libbpf

/*
#include <errno.h>
#include <bpf/libbpf.h>

// Where libbpf has no such functions, Go does not call these.
static int lbg_program_func_info(const struct bpf_program *prog, void **at)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	errno = 0;
	*at = bpf_program__func_info(prog);
	return *at ? (int)bpf_program__func_info_cnt(prog) : -errno;
#else
	(void)prog;
	(void)at;
	return 0;
#endif
}

static int lbg_program_line_info(const struct bpf_program *prog, void **at)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	errno = 0;
	*at = bpf_program__line_info(prog);
	return *at ? (int)bpf_program__line_info_cnt(prog) : -errno;
#else
	(void)prog;
	(void)at;
	return 0;
#endif
}
*/
import "C"

import (
	"fmt"
	"slices"
	"unsafe"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Program is a program of an [Object], verified and in the kernel. It is a view: the Object owns the program, and after
// its Close every operation returns [ErrClosed]. Safe for concurrent use.
type Program struct {
	programCore
	o       *Object
	ptr     *C.struct_bpf_program
	section string
	log     *kernelLog // its own, or nil; the object frees it
}

func newProgram(o *Object, from *OpenProgram) *Program {
	p := &Program{
		programCore: programCore{
			h: o.h, fd: -1, name: from.name, typ: ProgramType(C.bpf_program__type(from.ptr)),
		},
		o: o, ptr: from.ptr, section: from.section, log: from.log,
	}
	attachType := ProgramAttachType(C.bpf_program__expected_attach_type(from.ptr))
	p.attachType.Store(&attachType)
	p.readFD()
	return p
}

// readFD takes the program's descriptor down, once it was loaded.
func (p *Program) readFD() {
	if fd := int(C.bpf_program__fd(p.ptr)); fd >= 0 && bool(C.bpf_program__autoload(p.ptr)) {
		p.fd = fd
	}
}

// Section is the name of the ELF section that the program came from.
func (p *Program) Section() string {
	return p.section
}

// AttachType is what the program expects to be attached to.
func (p *Program) AttachType() ProgramAttachType {
	t, _ := p.loadedFor()
	return t
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

// FuncInfo are the functions of Instructions and their types in the object's BTF (bpf_program__func_info), nil for an
// object without types. errors.Is(err, [errors.ErrUnsupported]) before libbpf 1.6. [ProgramInfo] has those of the
// instructions that the verifier left.
func (p *Program) FuncInfo() ([]FuncInfo, error) {
	return programRecords[FuncInfo](p, "bpf_program__func_info", func(at *unsafe.Pointer) C.int {
		return C.lbg_program_func_info(p.ptr, at)
	})
}

// LineInfo are the source lines of Instructions (bpf_program__line_info), nil for an object without types.
// errors.Is(err, [errors.ErrUnsupported]) before libbpf 1.6. [ProgramInfo] has those of the instructions that the
// verifier left.
func (p *Program) LineInfo() ([]LineInfo, error) {
	return programRecords[LineInfo](p, "bpf_program__line_info", func(at *unsafe.Pointer) C.int {
		return C.lbg_program_line_info(p.ptr, at)
	})
}

// programRecords copies an array of libbpf's, of which get tells the place and the length.
func programRecords[T any](p *Program, function string, get func(at *unsafe.Pointer) C.int) ([]T, error) {
	var records []T
	err := p.use("get debug information of", func() error {
		if err := needs(function, 1, 6); err != nil {
			return err
		}
		var at unsafe.Pointer
		n := get(&at)
		if n < 0 || at == nil {
			return clib.FromRet(int(n))
		}
		records = slices.Clone(unsafe.Slice((*T)(at), int(n)))
		return nil
	})
	return records, err
}

// KernelLog is what the verifier wrote into the buffer that [OpenProgram.SetLogSize] asked for; "" where none was asked
// for.
func (p *Program) KernelLog() string {
	var text string
	_ = p.UseFD(func(int) error {
		text = p.log.text()
		return nil
	})
	return text
}

// Pin makes the program last under a path on a bpf file system (bpf_program__pin). errors.Is(err, os.ErrExist) when
// the path is taken.
func (p *Program) Pin(path string) error {
	return p.use("pin", func() error { return p.pin(path) })
}

func (p *Program) pin(path string) error {
	return pinning(path, func(s *C.char) C.int { return C.bpf_program__pin(p.ptr, s) })
}

// Unpin removes the pin (bpf_program__unpin). errors.Is(err, [ErrInvalid]) when what is pinned there is not this program.
func (p *Program) Unpin(path string) error {
	return p.use("unpin", func() error { return p.unpin(path) })
}

func (p *Program) unpin(path string) error {
	info, err := programInfo(p.fd, 0)
	if err != nil {
		return err
	}
	if err := checkPin(path, PinnedProgram, info.ID); err != nil {
		return err
	}
	return withString("path", path, func(s *C.char) C.int { return C.bpf_program__unpin(p.ptr, s) })
}

// use runs one call into libbpf that may print, or change the object.
func (p *Program) use(op string, f func() error) error {
	return p.o.use(op, fmt.Sprintf("program %q", p.name), f)
}
