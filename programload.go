package libbpf

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// ProgramLoadOptions are the less common properties of a program that is loaded from instructions (struct
// bpf_prog_load_opts). The zero value of a field is its default.
type ProgramLoadOptions struct {
	ExpectedAttachType ProgramAttachType
	Flags              uint32 // BPF_F_ flags, such as unix.BPF_F_SLEEPABLE
	IfIndex            uint32 // the network device to offload the program to; 0 for none
	KernelVersion      uint32 // for kprobe programs before Linux 5.0; 0 is the running kernel's

	// AttachBTFID is the function, struct or hook that the program is for: a type id in the BTF whose fd is
	// AttachBTFObjectFD (0 is vmlinux), or, if AttachProgram is set, in the BTF of that program.
	AttachBTFID       btf.TypeID
	AttachBTFObjectFD int
	AttachProgram     ProgramCore

	// BTFFD is the fd of the BTF to which FuncInfo and LineInfo refer; 0 is none.
	BTFFD    int
	FuncInfo []FuncInfo
	LineInfo []LineInfo

	// FDArray has descriptors of maps and of modules' BTF, to which instructions refer by index. With BindFDArray, the
	// kernel checks all of them, and binds the maps to the program (libbpf 1.6, Linux 6.14).
	FDArray     []int
	BindFDArray bool

	// TokenFD is a BPF token that grants the right to load the program; 0 is none (libbpf 1.4, Linux 6.9).
	TokenFD int
	// Attempts is how often libbpf tries to load while the kernel returns unix.EAGAIN; 0 is 5.
	Attempts int
	// LogLevel makes the verifier write a log also when nothing fails: 1 for its decisions, 2 for each state as well, 4
	// for statistics. Log receives the log; it may be nil.
	LogLevel uint32
	Log      *string
}

// check returns an error for the first option that is wrong.
func (o *ProgramLoadOptions) check() error {
	switch {
	case o.AttachProgram != nil && o.AttachBTFObjectFD != 0:
		return fault.Invalidf("AttachProgram and AttachBTFObjectFD exclude one another")
	case o.BindFDArray && len(o.FDArray) == 0:
		return fault.Invalidf("BindFDArray needs an FDArray")
	case o.Attempts < 0 || o.Attempts > math.MaxInt32:
		return fault.Invalidf("the number of attempts is %d and must not be negative", o.Attempts)
	case o.BTFFD == 0 && (len(o.FuncInfo) > 0 || len(o.LineInfo) > 0):
		return fault.Invalidf("FuncInfo and LineInfo need BTFFD")
	}
	for what, fd := range map[string]int{
		"AttachBTFObjectFD": o.AttachBTFObjectFD, "BTFFD": o.BTFFD, "TokenFD": o.TokenFD,
	} {
		if fd < 0 || fd > math.MaxInt32 {
			return fmt.Errorf("%s is %d, which is not a file descriptor: %w", what, fd, unix.EBADF)
		}
	}
	for i, fd := range o.FDArray {
		if fd < 0 || fd > math.MaxInt32 {
			return fmt.Errorf("FDArray[%d] is %d, which is not a file descriptor: %w", i, fd, unix.EBADF)
		}
	}
	if o.TokenFD != 0 {
		if err := needs("bpf_prog_load with a token", 1, 4); err != nil {
			return err
		}
	}
	if o.BindFDArray {
		return needs("bpf_prog_load with fd_array_cnt", 1, 6)
	}
	return nil
}

// The buffer for the verifier's log has the first size, and grows up to the last size, which is the maximum of kernels
// before 5.2.
const (
	firstLogSize = 64 << 10
	lastLogSize  = math.MaxUint32 >> 8
)

// LoadProgram loads a program from instructions, which refer to maps by their descriptors (bpf_prog_load). It is for
// programs that are made at run time; [OpenObject.Load] loads the programs of an object. The caller closes the result.
// license is the source's license, such as "GPL". name may be empty; the kernel keeps its first 15 characters.
//
// The error is a [*VerifierError] when the verifier rejects the program. errors.Is(err, [os.ErrPermission]) without the
// right to load programs.
func LoadProgram(
	typ ProgramType, name, license string, insns []Instruction, options ProgramLoadOptions,
) (*ProgramHandle, error) {
	const op = "load"
	object := fmt.Sprintf("program %q", name)
	fail := func(err error) (*ProgramHandle, error) { return nil, &Error{Op: op, Object: object, Err: err} }
	var c cArgs
	defer c.Free()
	cName, cLicense := c.Optional("name", name), c.Name("license", license)
	switch {
	case c.Err != nil:
		return fail(c.Err)
	case len(insns) == 0:
		return fail(fault.Invalidf("there are no instructions"))
	}
	if err := options.check(); err != nil {
		return fail(err)
	}
	if options.AttachProgram == nil {
		return loadProgram(typ, object, name, &c, cName, cLicense, insns, &options, 0)
	}
	var p *ProgramHandle
	err := useProgram(op, object, options.AttachProgram, func(fd int) (err error) {
		p, err = loadProgram(typ, object, name, &c, cName, cLicense, insns, &options, fd)
		return err
	})
	return p, err
}

func loadProgram(
	typ ProgramType, object, name string, c *cArgs, cName, license cString, insns []Instruction, o *ProgramLoadOptions,
	attachProgram int,
) (*ProgramHandle, error) {
	opts := programLoadOpts(c, o, attachProgram)
	var log *kernelLog
	defer func() { log.free() }()
	var fd cInt
	try := func(level uint32, size int) error {
		log.free()
		log = nil
		if size > 0 {
			log = newKernelLog(size)
		}
		setLoadLog(&opts, level, log, size)
		return call("load", object, func() error {
			fd = progLoad(typ, cName, license, insns, &opts)
			return clib.FromRet(int(fd))
		})
	}
	var err error
	if o.LogLevel == 0 {
		if err = try(0, 0); err == nil {
			return ownLoaded(int(fd), name, o.ExpectedAttachType)
		}
	}
	// A second try gets the log, because writing it costs the verifier more than the check.
	level := max(o.LogLevel, 1)
	logged := try(level, firstLogSize)
	for size := 4 * firstLogSize; errors.Is(logged, unix.ENOSPC) && size < 4*lastLogSize; size *= 4 {
		logged = try(level, min(size, lastLogSize))
	}
	if o.Log != nil && o.LogLevel != 0 {
		*o.Log = log.text()
	}
	switch {
	case logged == nil: // the first failure was temporary, such as a lack of memory
		return ownLoaded(int(fd), name, o.ExpectedAttachType)
	case err == nil || !errors.Is(logged, unix.ENOSPC):
		err = logged
	}
	var failed *Error
	if text := log.text(); text != "" && errors.As(err, &failed) {
		return nil, &VerifierError{Program: name, Log: text, Err: failed.Err, Messages: failed.Messages}
	}
	return nil, err
}

// ownLoaded is ownProgram for a program whose attach type is known.
func ownLoaded(fd int, name string, attachType ProgramAttachType) (*ProgramHandle, error) {
	p, err := ownProgram(fd, name)
	if err == nil {
		p.attachType.Store(&attachType)
	}
	return p, err
}
