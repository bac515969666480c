package libbpf

import (
	"fmt"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// OpenProgram is a program of an [OpenObject], before Load. It can still be changed. It is a view: the OpenObject owns
// the program, and decides when it can be used.
type OpenProgram struct {
	o             *OpenObject
	ptr           *cProgram
	name, section string
	log           *kernelLog // its own buffer, or nil; guarded as ptr is
}

// String is such as `program "on_exec"`.
func (p *OpenProgram) String() string { return fmt.Sprintf("program %q", p.Name()) }

// Name is the program's name, which is the name of its C function.
func (p *OpenProgram) Name() string {
	if p == nil {
		return ""
	}
	return p.name
}

// Section is the name of the program's ELF section, such as "tp_btf/sys_enter". It determines the program's type and
// what it attaches to.
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
func (p *OpenProgram) set(property string, set func() cInt) error {
	return p.use("set "+property+" of", func() error { return clib.FromRet(int(set())) })
}

// Type is the program's type, which its section determines unless SetType was called (bpf_program__type).
func (p *OpenProgram) Type() (ProgramType, error) {
	return openProgramGet(p, "type", p.typ)
}

func (p *OpenProgram) typ() ProgramType { return programType(p.ptr) }

// SetType changes the program's type (bpf_program__set_type).
func (p *OpenProgram) SetType(t ProgramType) error {
	return p.set("type", func() cInt { return setProgramType(p.ptr, t) })
}

// AttachType is the program's expected attach type (bpf_program__expected_attach_type).
func (p *OpenProgram) AttachType() (ProgramAttachType, error) {
	return openProgramGet(p, "attach type", func() ProgramAttachType {
		return programAttachType(p.ptr)
	})
}

// SetAttachType changes the program's expected attach type (bpf_program__set_expected_attach_type).
func (p *OpenProgram) SetAttachType(t ProgramAttachType) error {
	return p.set("attach type", func() cInt {
		return setProgramAttachType(p.ptr, t)
	})
}

// SetAttachTarget sets the function that a tracing, LSM or extension program attaches to: a function of the kernel, or
// of another program (bpf_program__set_attach_target). target is the other program's fd, or 0 for the kernel. With a
// target, function may be empty, which selects the function that the section names. SetAttachTarget duplicates the
// descriptor.
func (p *OpenProgram) SetAttachTarget(target int, function string) error {
	return p.use("set attach target of", func() error {
		if err := checkFDNumber("target", target); err != nil {
			return err
		}
		set := func(fd int) error {
			return withOptional("function", function, func(name cString) cInt {
				return setProgramAttachTarget(p.ptr, fd, name)
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

// Autoload tells whether Load will load the program (bpf_program__autoload). By default it will, unless the section's
// name begins with "?".
func (p *OpenProgram) Autoload() (bool, error) {
	return openProgramGet(p, "autoload", p.autoload)
}

func (p *OpenProgram) autoload() bool { return programAutoload(p.ptr) }

// auto tells whether the program was loaded, and is to be attached with the object.
func (p *Program) auto() bool {
	return programAutoload(p.ptr) && programAutoattach(p.ptr)
}

// SetAutoload decides whether Load loads the program (bpf_program__set_autoload).
func (p *OpenProgram) SetAutoload(on bool) error {
	return p.set("autoload", func() cInt { return setProgramAutoload(p.ptr, on) })
}

// Autoattach tells whether [Object.Attach] will attach the program (bpf_program__autoattach).
func (p *OpenProgram) Autoattach() (bool, error) {
	return openProgramGet(p, "autoattach", func() bool { return programAutoattach(p.ptr) })
}

// SetAutoattach decides whether [Object.Attach] attaches the program (bpf_program__set_autoattach).
func (p *OpenProgram) SetAutoattach(on bool) error {
	return p.set("autoattach", func() cInt {
		setProgramAutoattach(p.ptr, on)
		return 0
	})
}

// SetIfIndex offloads the program to a network device (bpf_program__set_ifindex).
func (p *OpenProgram) SetIfIndex(index uint32) error {
	return p.set("ifindex", func() cInt {
		setProgramIfIndex(p.ptr, index)
		return 0
	})
}

// LogLevel is how much the verifier will log for this program, as in [ObjectBuilder.KernelLogLevel]
// (bpf_program__log_level).
func (p *OpenProgram) LogLevel() (uint32, error) {
	return openProgramGet(p, "log level", func() uint32 { return programLogLevel(p.ptr) })
}

// SetLogLevel changes how much the verifier will log for this program (bpf_program__set_log_level).
func (p *OpenProgram) SetLogLevel(level uint32) error {
	return p.set("log level", func() cInt { return setProgramLogLevel(p.ptr, level) })
}

// Flags are the BPF_F_ flags that the program will be loaded with (bpf_program__flags).
func (p *OpenProgram) Flags() (uint32, error) {
	return openProgramGet(p, "flags", func() uint32 { return programFlags(p.ptr) })
}

// SetFlags replaces the BPF_F_ flags that the program will be loaded with (bpf_program__set_flags).
func (p *OpenProgram) SetFlags(flags uint32) error {
	return p.set("flags", func() cInt { return setProgramFlags(p.ptr, flags) })
}

// LogSize is the size of the program's own buffer for the verifier's log, in bytes; 0 without a buffer
// (bpf_program__log_buf).
func (p *OpenProgram) LogSize() (int, error) {
	return openProgramGet(p, "log size", func() int { return programLogSize(p.ptr) })
}

// SetLogSize gives the program its own buffer for the verifier's log, of size bytes; 0 removes the buffer
// (bpf_program__set_log_buf). LogLevel decides what the verifier writes, and [Program.KernelLog] returns it. A log that
// does not fit fails the load with unix.ENOSPC. Without its own buffer, the program uses that of
// [ObjectBuilder.KernelLogSize], or one that grows as needed.
func (p *OpenProgram) SetLogSize(size int) error {
	return p.use("set log size of", func() error {
		if err := checkInt32("the size", size); err != nil {
			return err
		}
		var log *kernelLog
		if size > 0 {
			log = newKernelLog(size)
		}
		if err := clib.FromRet(int(setProgramLog(p.ptr, log, size))); err != nil {
			log.free()
			return err
		}
		p.log.free()
		p.log = log
		return nil
	})
}

// Instructions returns a copy of the program's instructions, as compiled, before relocation (bpf_program__insns).
func (p *OpenProgram) Instructions() ([]Instruction, error) {
	return openProgramGet(p, "instructions", func() []Instruction { return slices.Clone(programInstructions(p.ptr)) })
}

// SetInstructions replaces the program's instructions (bpf_program__set_insns). libbpf applies the old program's
// relocations to the new instructions, by position. So there must be at least as many instructions as before; otherwise
// the error is [ErrInvalid]. The object's types and source lines do not change.
func (p *OpenProgram) SetInstructions(insns []Instruction) error {
	return p.use("set instructions of", func() error {
		if old := len(programInstructions(p.ptr)); len(insns) < old {
			return fault.Invalidf("there are %d instructions and must be at least %d, as before", len(insns), old)
		}
		if len(insns) > 0 && insns[len(insns)-1].Code == loadImm64 {
			// Relocating it would write beyond the end.
			return fault.Invalidf("the last instruction needs two slots but has one")
		}
		return clib.FromRet(int(setProgramInstructions(p.ptr, insns)))
	})
}

// Program is a program of an [Object], in the kernel. It is a view: the Object owns the program, and after the Object's
// Close every operation returns [ErrClosed]. To keep a program longer, make a handle of it with [ProgramHandleFrom]. A
// Program is safe for concurrent use.
type Program struct {
	programCore
	o       *Object
	ptr     *cProgram
	section string
	log     *kernelLog // its own buffer, or nil; the object frees it
}

func newProgram(o *Object, from *OpenProgram) *Program {
	p := &Program{
		programCore: programCore{
			h: o.h, fd: -1, name: from.name, typ: from.typ(),
		},
		o: o, ptr: from.ptr, section: from.section, log: from.log,
	}
	attachType := programAttachType(from.ptr)
	p.attachType.Store(&attachType)
	p.readFD()
	return p
}

// readFD stores the program's descriptor once the program is loaded.
func (p *Program) readFD() {
	if fd := programFD(p.ptr); fd >= 0 && programAutoload(p.ptr) {
		p.fd = fd
	}
}

// Section is the name of the program's ELF section.
func (p *Program) Section() string {
	return p.section
}

// AttachType is the program's expected attach type.
func (p *Program) AttachType() ProgramAttachType {
	t, _ := p.loadedFor()
	return t
}

// Instructions returns a copy of the program's instructions as they were loaded, after relocation (bpf_program__insns).
func (p *Program) Instructions() ([]Instruction, error) {
	var insns []Instruction
	err := p.use("get instructions of", func() error {
		insns = slices.Clone(programInstructions(p.ptr))
		return nil
	})
	return insns, err
}

// FuncInfo returns the functions in Instructions, with their types in the object's BTF (bpf_program__func_info); nil
// for an object without types. [ProgramInfo] has the functions of the instructions after verification. errors.Is(err,
// [errors.ErrUnsupported]) before libbpf 1.6.
func (p *Program) FuncInfo() ([]FuncInfo, error) {
	return programRecords[FuncInfo](p, "bpf_program__func_info", programFuncInfo)
}

// LineInfo returns the source lines of Instructions (bpf_program__line_info); nil for an object without types.
// [ProgramInfo] has the lines of the instructions after verification. errors.Is(err, [errors.ErrUnsupported]) before
// libbpf 1.6.
func (p *Program) LineInfo() ([]LineInfo, error) {
	return programRecords[LineInfo](p, "bpf_program__line_info", programLineInfo)
}

// programRecords copies an array of libbpf. get returns its length and stores its address.
func programRecords[T any](p *Program, function string, get func(*cProgram, *unsafe.Pointer) cInt) ([]T, error) {
	var records []T
	err := p.use("get debug information of", func() error {
		if err := needs(function, 1, 6); err != nil {
			return err
		}
		var at unsafe.Pointer
		n := get(p.ptr, &at)
		if n < 0 || at == nil {
			return clib.FromRet(int(n))
		}
		records = slices.Clone(unsafe.Slice((*T)(at), int(n)))
		return nil
	})
	return records, err
}

// KernelLog is what the verifier wrote to the buffer of [OpenProgram.SetLogSize]; "" without that buffer, and after
// Close.
func (p *Program) KernelLog() string {
	var text string
	_ = p.UseFD(func(int) error {
		text = p.log.text()
		return nil
	})
	return text
}

// Pin pins the program at a path on a BPF file system, so that the kernel keeps it (bpf_program__pin). errors.Is(err,
// [os.ErrExist]) when the path is taken.
func (p *Program) Pin(path string) error {
	return p.use("pin", func() error { return p.pin(path) })
}

func (p *Program) pin(path string) error {
	return pinning(path, func(s cString) cInt { return pinProgram(p.ptr, s) })
}

// Unpin removes the pin at path, as bpf_program__unpin does, but not the pin of another object, even if it comes there at
// the same time: errors.Is(err, [ErrInvalid]).
func (p *Program) Unpin(path string) error {
	return p.use("unpin", func() error { return p.unpin(path) })
}

func (p *Program) unpin(path string) error {
	info, err := programInfo(p.fd, 0)
	if err != nil {
		return err
	}
	return unpin(path, PinnedProgram, info.ID)
}

// use runs a call into libbpf that may print, or change the object.
func (p *Program) use(op string, f func() error) error {
	return p.o.use(op, fmt.Sprintf("program %q", p.name), f)
}
