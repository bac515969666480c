package libbpf

import (
	"fmt"
	"math"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// ProbeMode says how libbpf makes a kprobe or uprobe (enum probe_attach_mode).
type ProbeMode int

// The ways to make a probe.
const (
	ProbeModeDefault ProbeMode = iota // the newest that the kernel supports
	ProbeModeLegacy                   // an event in tracefs, which must be mounted; no cookies
	ProbeModePerf                     // a perf event, without a link in the kernel (Linux 4.17); no cookies
	ProbeModeLink                     // a perf event and a link (Linux 5.15)
)

// check refuses a mode that libbpf does not know or support, and a cookie in a mode without cookies.
func (m ProbeMode) check(cookie uint64) error {
	switch {
	case m < ProbeModeDefault || m > ProbeModeLink:
		return fault.Invalidf("probe mode %d is not a ProbeMode constant", m)
	case cookie != 0 && (m == ProbeModeLegacy || m == ProbeModePerf):
		return fault.Invalidf("a cookie needs a link, which the probe mode excludes")
	case m != ProbeModeDefault:
		return needs("a probe mode", 1, 2)
	}
	return nil
}

// KprobeOptions are the options for [Program.AttachKprobe] (struct bpf_kprobe_opts).
type KprobeOptions struct {
	Cookie   uint64 // what bpf_get_attach_cookie returns in the program (Linux 5.15)
	Offset   uint64 // in bytes, from the function's beginning; without a function, an address in the kernel
	Retprobe bool   // run when the function returns
	Mode     ProbeMode
}

func (o *KprobeOptions) check(function string) error {
	switch {
	case o.Offset > math.MaxUint:
		return fault.Invalidf("offset %#x has more bits than an address on this machine", o.Offset)
	case function != "" && o.Offset > math.MaxInt32:
		// The kernel would accept it, but the program would never run.
		return fault.Invalidf("offset %#x is beyond the end of any function", o.Offset)
	case function == "" && o.Offset == 0:
		return fault.Invalidf("a kprobe needs a function, or an address in Offset")
	case function == "" && o.Mode == ProbeModeLegacy:
		return fault.Invalidf("a legacy probe needs a function, not only an address")
	}
	return o.Mode.check(o.Cookie)
}

// kernelFunction returns names such as "do_exit+0x10", or an address.
func kernelFunction(function string, offset uint64) string {
	switch {
	case function == "":
		return fmt.Sprintf("%#x", offset)
	case offset == 0:
		return function
	}
	return fmt.Sprintf("%s+%#x", function, offset)
}

// AttachKprobe runs the program, of section "kprobe" or "kretprobe", at a kernel function: where it begins, at an
// offset in it, or, with Retprobe, when it returns (bpf_program__attach_kprobe_opts). Retprobe decides that, not the
// section. With an empty function, Offset is an address, as in /proc/kallsyms.
//
// errors.Is(err, os.ErrNotExist) when the kernel has no such function or no kprobes, unix.EADDRNOTAVAIL or unix.EINVAL
// when the kernel allows no probe there, [errors.ErrUnsupported] when it lacks the Mode or cookies. The link belongs to
// the caller; Close of the object closes it too.
func (p *Program) AttachKprobe(function string, opts KprobeOptions) (*Link, error) {
	var c cArgs
	defer c.Free()
	name := c.Optional("function", function)
	return p.attach(kernelFunction(function, opts.Offset), func() (*cLink, error) {
		if err := p.checkType("a kprobe", ProgramTypeKprobe); err != nil {
			return nil, err
		}
		if err := opts.check(function); err != nil {
			return nil, err
		}
		if c.Err != nil {
			return nil, c.Err
		}
		link, errno := attachKprobe(p.ptr, name, &opts)
		return link, explainTracefs(errno, link == nil && legacyProbes("kprobe", opts.Mode))
	})
}

// KsyscallOptions are the options for [Program.AttachKsyscall] (struct bpf_ksyscall_opts).
type KsyscallOptions struct {
	Cookie   uint64 // what bpf_get_attach_cookie returns in the program (Linux 5.15)
	Retprobe bool   // run when the system call returns
}

// AttachKsyscall runs the program, of section "ksyscall" or "kretsyscall", at a system call such as "openat"
// (bpf_program__attach_ksyscall). libbpf finds the kernel's function for the system call. The program does not see
// compat system calls, those of 32-bit programs on a 64-bit kernel. Errors are as for [Program.AttachKprobe].
func (p *Program) AttachKsyscall(syscall string, opts KsyscallOptions) (*Link, error) {
	var c cArgs
	defer c.Free()
	name := c.Name("system call", syscall)
	return p.attach("system call "+syscall, func() (*cLink, error) {
		if err := p.checkType("a ksyscall", ProgramTypeKprobe); err != nil {
			return nil, err
		}
		// libbpf would truncate the function's name, and might find another function.
		if len(syscall) > 100 {
			return nil, fault.Invalidf("%q has %d characters, and a system call at most 100", syscall, len(syscall))
		}
		if c.Err != nil {
			return nil, c.Err
		}
		link, errno := attachKsyscall(p.ptr, name, &opts)
		return link, explainTracefs(errno, link == nil && legacyProbes("kprobe", ProbeModeDefault))
	})
}

// KprobeMultiOptions say where and how [Program.AttachKprobeMulti] attaches (struct bpf_kprobe_multi_opts). Exactly one
// of Pattern, Symbols and Addresses must be given.
type KprobeMultiOptions struct {
	// Pattern is a glob of the names of kernel functions: * stands for any characters and ? for one. A pattern with *
	// or ? needs tracefs mounted at its default place.
	Pattern   string
	Symbols   []string // names of kernel functions
	Addresses []uint64 // of kernel functions, as in /proc/kallsyms
	// Cookies are what bpf_get_attach_cookie returns in the program: empty, or one for each of Symbols or Addresses.
	Cookies  []uint64
	Retprobe bool // run when the function returns
	// Session runs a program of section "kprobe.session" at the beginning and at the end of a function (libbpf 1.5,
	// Linux 6.10). When the program returns 1 at the beginning, it does not run at the end.
	Session bool
	// UniqueMatch refuses a Pattern that matches more than one function (libbpf 1.6).
	UniqueMatch bool
}

// attachType is the attach type that the program must have been loaded with.
func (o *KprobeMultiOptions) attachType() ProgramAttachType {
	if o.Session {
		return AttachTypeTraceKprobeSession
	}
	return AttachTypeTraceKprobeMulti
}

func (o *KprobeMultiOptions) explain(err error) error {
	return explainOld(err, o.attachType().String(), enumAttachType, uint32(o.attachType()))
}

func (o *KprobeMultiOptions) check(p *programCore) error {
	if err := p.checkType("kprobe.multi", ProgramTypeKprobe); err != nil {
		return err
	}
	if err := p.checkAttachType("kprobe.multi", o.attachType()); err != nil {
		return err
	}
	where := multi{
		pattern: o.Pattern, symbols: o.Symbols, numbers: o.Addresses, numbersAre: "addresses", cookies: o.Cookies,
		retprobe: o.Retprobe, session: o.Session,
	}
	if err := where.check(); err != nil {
		return err
	}
	if o.UniqueMatch && o.Pattern == "" {
		return fault.Invalidf("UniqueMatch needs a Pattern")
	}
	if o.Session {
		if err := needs("bpf_program__attach_kprobe_multi_opts with session", 1, 5); err != nil {
			return err
		}
	}
	if o.UniqueMatch {
		return needs("bpf_program__attach_kprobe_multi_opts with unique_match", 1, 6)
	}
	return nil
}

// AttachKprobeMulti runs the program, of section "kprobe.multi" or "kretprobe.multi", where kernel functions begin or
// return (bpf_program__attach_kprobe_multi_opts, Linux 5.18). It makes one link for any number of functions, which
// takes far less time than a link for each.
//
// errors.Is(err, os.ErrNotExist) when the kernel has no such function, [errors.ErrUnsupported] when it has no
// kprobe.multi. The link belongs to the caller; Close of the object closes it too.
func (p *Program) AttachKprobeMulti(opts KprobeMultiOptions) (*Link, error) {
	var at kprobes
	defer at.args.Free()
	return p.attach("functions of the kernel", func() (*cLink, error) {
		if err := at.set(&p.programCore, &opts); err != nil {
			return nil, err
		}
		link, errno := attachKprobeMulti(p.ptr, &at, &opts)
		if link == nil {
			errno = explainTracefs(opts.explain(errno), strings.ContainsAny(opts.Pattern, "*?"))
		}
		return link, errno
	})
}

// AttachKprobeMulti is like [Program.AttachKprobeMulti] (bpf_link_create), but takes no Pattern, which libbpf resolves
// only for its own programs: give Symbols or Addresses. The result belongs to the caller.
func (p *ProgramHandle) AttachKprobeMulti(opts KprobeMultiOptions) (*Link, error) {
	var at kprobes
	defer at.args.Free()
	return p.attach("functions of the kernel", func(fd int) (int, error) {
		if err := at.set(&p.programCore, &opts); err != nil {
			return -1, err
		}
		if opts.Pattern != "" {
			return -1, fault.Invalidf("a ProgramHandle takes Symbols or Addresses, not a Pattern")
		}
		link, err := linkFD(linkKprobeMulti(fd, &at, &opts))
		return link, opts.explain(err)
	})
}

// kprobes are the functions of the kernel where a program is to be attached, in C memory.
type kprobes struct {
	args cArgs

	pattern   cString
	symbols   *cString
	addresses *cULong
	cookies   *cU64
	count     int // of symbols or addresses
}

// set checks what is to be attached, and lends it to C.
func (k *kprobes) set(p *programCore, opts *KprobeMultiOptions) error {
	if err := opts.check(p); err != nil {
		return err
	}
	k.pattern = k.args.Optional("pattern", opts.Pattern)
	k.symbols = k.args.Names("symbol", opts.Symbols)
	k.addresses = cmem.Array[cULong](&k.args, "address", opts.Addresses)
	k.cookies = cmem.Array[cU64](&k.args, "cookie", opts.Cookies)
	k.count = len(opts.Symbols) + len(opts.Addresses)
	return k.args.Err
}
