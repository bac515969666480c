package libbpf

/*
#include <bpf/libbpf.h>
#include <errno.h>

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

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// OpenProgram is a program of an [OpenObject], which may still be changed. It is a view; the OpenObject owns the
// program, and says when it may be used.
type OpenProgram struct {
	o             *OpenObject
	ptr           *C.struct_bpf_program
	name, section string
	log           *kernelLog // its own, or nil; guarded as ptr is
}

// String is such as `program "on_exec"`.
func (p *OpenProgram) String() string { return fmt.Sprintf("program %q", p.Name()) }

// Name is the program's name: its C function's.
func (p *OpenProgram) Name() string {
	if p == nil {
		return ""
	}
	return p.name
}

// Section is the name of the ELF section that the program is in, which says what it is and where it attaches, such as
// "tp_btf/sys_enter".
func (p *OpenProgram) Section() string {
	if p == nil {
		return ""
	}
	return p.section
}

func (p *OpenProgram) use(op string, f func() error) error {
	if p == nil {
		return &Error{Op: op, Object: "program", Err: ErrClosed}
	}
	return p.o.use(op, fmt.Sprintf("program %q", p.name), f)
}

// openProgramGet asks libbpf for a property.
func openProgramGet[T any](p *OpenProgram, property string, get func() T) (T, error) {
	var value T
	err := p.use("get "+property+" of", func() error {
		value = get()
		return nil
	})
	return value, err
}

// set runs one of libbpf's setters.
func (p *OpenProgram) set(property string, set func() C.int) error {
	return p.use("set "+property+" of", func() error { return clib.FromRet(int(set())) })
}

// Type is the program's kind, by its section unless it was set (bpf_program__type).
func (p *OpenProgram) Type() (ProgramType, error) {
	return openProgramGet(p, "type", func() ProgramType { return ProgramType(C.bpf_program__type(p.ptr)) })
}

// SetType changes the program's kind (bpf_program__set_type).
func (p *OpenProgram) SetType(t ProgramType) error {
	return p.set("type", func() C.int { return C.bpf_program__set_type(p.ptr, uint32(t)) })
}

// AttachType is what the program expects to be attached to (bpf_program__expected_attach_type).
func (p *OpenProgram) AttachType() (ProgramAttachType, error) {
	return openProgramGet(p, "attach type", func() ProgramAttachType {
		return ProgramAttachType(C.bpf_program__expected_attach_type(p.ptr))
	})
}

// SetAttachType changes what the program expects to be attached to (bpf_program__set_expected_attach_type).
func (p *OpenProgram) SetAttachType(t ProgramAttachType) error {
	return p.set("attach type", func() C.int {
		return C.bpf_program__set_expected_attach_type(p.ptr, uint32(t))
	})
}

// SetAttachTarget says which kernel function, or which function of another program, a tracing, LSM or extension program
// attaches to. target is that other program's fd, or 0 for the kernel; an empty function, with a target, takes the one
// of the section (bpf_program__set_attach_target). The descriptor is duplicated.
func (p *OpenProgram) SetAttachTarget(target int, function string) error {
	return p.use("set attach target of", func() error {
		if err := checkFDNumber("target", target); err != nil {
			return err
		}
		set := func(fd int) error {
			return withOptional("function", function, func(name *C.char) C.int {
				return C.bpf_program__set_attach_target(p.ptr, C.int(fd), name)
			})
		}
		if target == 0 {
			return set(0)
		}
		fd, err := duplicate(target)
		if err != nil {
			return err
		}
		if err := set(fd); err != nil {
			_ = unix.Close(fd)
			return err
		}
		p.o.lentFDs = append(p.o.lentFDs, fd)
		return nil
	})
}

// Autoload tells whether Load will load the program; it won't if the section's name begins with "?"
// (bpf_program__autoload).
func (p *OpenProgram) Autoload() (bool, error) {
	return openProgramGet(p, "autoload", func() bool { return bool(C.bpf_program__autoload(p.ptr)) })
}

// SetAutoload makes Load load the program, or not (bpf_program__set_autoload).
func (p *OpenProgram) SetAutoload(on bool) error {
	return p.set("autoload", func() C.int { return C.bpf_program__set_autoload(p.ptr, C.bool(on)) })
}

// Autoattach tells whether [Object.Attach] will attach the program (bpf_program__autoattach).
func (p *OpenProgram) Autoattach() (bool, error) {
	return openProgramGet(p, "autoattach", func() bool { return bool(C.bpf_program__autoattach(p.ptr)) })
}

// SetAutoattach makes [Object.Attach] attach the program, or not (bpf_program__set_autoattach).
func (p *OpenProgram) SetAutoattach(on bool) error {
	return p.set("autoattach", func() C.int {
		C.bpf_program__set_autoattach(p.ptr, C.bool(on))
		return 0
	})
}

// SetIfIndex offloads the program to a network device (bpf_program__set_ifindex).
func (p *OpenProgram) SetIfIndex(index uint32) error {
	return p.set("ifindex", func() C.int {
		C.bpf_program__set_ifindex(p.ptr, C.__u32(index))
		return 0
	})
}

// LogLevel is how much the verifier will log: see [ObjectBuilder.KernelLogLevel] (bpf_program__log_level).
func (p *OpenProgram) LogLevel() (uint32, error) {
	return openProgramGet(p, "log level", func() uint32 { return uint32(C.bpf_program__log_level(p.ptr)) })
}

// SetLogLevel changes how much the verifier will log for this program (bpf_program__set_log_level).
func (p *OpenProgram) SetLogLevel(level uint32) error {
	return p.set("log level", func() C.int { return C.bpf_program__set_log_level(p.ptr, C.__u32(level)) })
}

// Flags are the BPF_F_ flags that the program will be loaded with (bpf_program__flags).
func (p *OpenProgram) Flags() (uint32, error) {
	return openProgramGet(p, "flags", func() uint32 { return uint32(C.bpf_program__flags(p.ptr)) })
}

// SetFlags replaces the BPF_F_ flags that the program will be loaded with (bpf_program__set_flags).
func (p *OpenProgram) SetFlags(flags uint32) error {
	return p.set("flags", func() C.int { return C.bpf_program__set_flags(p.ptr, C.__u32(flags)) })
}

// LogSize is the size in bytes of the program's own buffer for the verifier's log, 0 for none (bpf_program__log_buf).
func (p *OpenProgram) LogSize() (int, error) {
	return openProgramGet(p, "log size", func() int {
		var size C.size_t
		C.bpf_program__log_buf(p.ptr, &size)
		return int(size)
	})
}

// SetLogSize gives the program a buffer of its own for the verifier's log, which is in [Program.KernelLog] then; 0 takes
// it away (bpf_program__set_log_buf). It is filled as LogLevel asks, and a log that doesn't fit fails the load with
// unix.ENOSPC. Without one, libbpf takes a buffer that grows, or that of [ObjectBuilder.KernelLogSize].
func (p *OpenProgram) SetLogSize(size int) error {
	return p.use("set log size of", func() error {
		if err := checkInt32("the size", size); err != nil {
			return err
		}
		var log *kernelLog
		if size > 0 {
			log = newKernelLog(size)
		}
		if err := clib.FromRet(int(C.bpf_program__set_log_buf(p.ptr, log.buffer(), C.size_t(size)))); err != nil {
			log.free()
			return err
		}
		p.log.free()
		p.log = log
		return nil
	})
}

// Instructions is a copy of the program's instructions, as compiled, before relocation (bpf_program__insns).
func (p *OpenProgram) Instructions() ([]Instruction, error) {
	return openProgramGet(p, "instructions", func() []Instruction { return instructions(p.ptr) })
}

// SetInstructions replaces the program's instructions (bpf_program__set_insns). Relocations, which are by the position of
// the instruction, will be applied to the new ones: there must be as many at least. The object's types and source lines
// remain those of the old ones.
func (p *OpenProgram) SetInstructions(insns []Instruction) error {
	return p.use("set instructions of", func() error {
		if old := int(C.bpf_program__insn_cnt(p.ptr)); len(insns) < old {
			return fault.Invalidf("there are %d instructions and must be %d at least, as many as before", len(insns), old)
		}
		if len(insns) > 0 && insns[len(insns)-1].Code == loadImm64 {
			return fault.Invalidf("the last instruction takes two slots and has one") // relocating would write to the other
		}
		return clib.FromRet(int(C.bpf_program__set_insns(p.ptr,
			(*C.struct_bpf_insn)(unsafe.Pointer(unsafe.SliceData(insns))), C.size_t(len(insns)))))
	})
}

func instructions(p *C.struct_bpf_program) []Instruction {
	n := int(C.bpf_program__insn_cnt(p))
	if n == 0 {
		return nil
	}
	return append([]Instruction(nil), unsafe.Slice((*Instruction)(unsafe.Pointer(C.bpf_program__insns(p))), n)...)
}

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
