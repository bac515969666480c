package libbpf

import "github.com/libbpf-go/libbpf-go/internal/fault"

// TraceOptions are the options for [Program.AttachTrace] and [Program.AttachLSM] (struct bpf_trace_opts).
type TraceOptions struct {
	Cookie uint64 // what bpf_get_attach_cookie returns in the program (Linux 5.19, for "tp_btf" 6.10)
}

// AttachTrace runs a tracing program, of section "fentry", "fexit", "fmod_ret", "fsession" or "tp_btf", at the function
// or tracepoint that it was loaded for (bpf_program__attach_trace_opts, Linux 5.5). [OpenProgram.SetAttachTarget]
// chooses that function.
//
// errors.Is(err, unix.EBUSY) when the function has as many programs as the kernel allows, or when this program is
// attached already and can't be attached twice. The link belongs to the caller; Close of the object closes it too.
func (p *Program) AttachTrace(opts TraceOptions) (*Link, error) {
	return p.attach("", func() (*cLink, error) {
		if err := p.checkForTrace(); err != nil {
			return nil, err
		}
		return attachTrace(p.ptr, opts.Cookie)
	})
}

// AttachLSM runs the program, of section "lsm", at the security hook that it was loaded for; the program can refuse the
// operation (bpf_program__attach_lsm, Linux 5.7). The kernel must have been booted with "bpf" among its security
// modules (lsm=). Otherwise AttachLSM succeeds, but the program never runs. Attach programs of section "lsm_cgroup"
// with [Program.AttachCgroup]. The link belongs to the caller; Close of the object closes it too.
func (p *Program) AttachLSM(opts TraceOptions) (*Link, error) {
	return p.attach("", func() (*cLink, error) {
		if err := p.checkForLSM(); err != nil {
			return nil, err
		}
		if opts.Cookie == 0 {
			return attachLSM(p.ptr)
		}
		// libbpf's function for LSM takes no cookie. The one for tracing programs does the same, with a cookie.
		return attachTrace(p.ptr, opts.Cookie)
	})
}

// AttachTrace is like [Program.AttachTrace] (bpf_link_create, or bpf_raw_tracepoint_open where the handle does not know
// the attach type). A cookie needs a known attach type: see [ProgramHandle.SetAttachType]. The result belongs to the
// caller.
func (p *ProgramHandle) AttachTrace(opts TraceOptions) (*Link, error) {
	return p.attach("", func(fd int) (int, error) {
		if err := p.checkForTrace(); err != nil {
			return -1, err
		}
		if _, known := p.loadedFor(); !known && opts.Cookie == 0 {
			return linkFD(linkLoadedPlace(fd))
		}
		attachType, err := p.mustAttachType()
		if err != nil {
			return -1, err
		}
		return linkFD(linkTracing(fd, attachType, opts.Cookie))
	})
}

// AttachLSM is like [Program.AttachLSM] (bpf_link_create). The result belongs to the caller.
func (p *ProgramHandle) AttachLSM(opts TraceOptions) (*Link, error) {
	return p.attach("", func(fd int) (int, error) {
		if err := p.checkForLSM(); err != nil {
			return -1, err
		}
		return linkFD(linkTracing(fd, AttachTypeLSMMac, opts.Cookie))
	})
}

// checkForTrace checks a program that AttachTrace is to attach.
func (p *programCore) checkForTrace() error {
	if err := p.checkType("tracing", ProgramTypeTracing); err != nil {
		return err
	}
	if t, _ := p.loadedFor(); t == AttachTypeTraceIter {
		return fault.Invalidf("AttachTrace does not attach iterators: use AttachIter")
	}
	return nil
}

// checkForLSM checks a program that is to be attached to a security hook.
func (p *programCore) checkForLSM() error {
	if err := p.checkType("LSM", ProgramTypeLSM); err != nil {
		return err
	}
	return p.checkAttachType("LSM", AttachTypeLSMMac)
}

// AttachFreplace replaces a global function of another program by this program, of section "freplace"
// (bpf_program__attach_freplace, Linux 5.6). With a nil target and an empty function, it replaces the function that the
// program was loaded for: see [OpenProgram.SetAttachTarget]. Otherwise it replaces function of target, which must have
// the same type (Linux 5.10).
//
// errors.Is(err, os.ErrNotExist) when target has no such function, unix.EINVAL when the function's type differs,
// unix.EBUSY when the function is replaced already. The link belongs to the caller; Close of the object closes it too.
func (p *Program) AttachFreplace(target ProgramCore, function string) (*Link, error) {
	return p.withTarget(target, func(fd int) (*Link, error) { return p.attachFreplace(fd, function) })
}

// attachFreplace is AttachFreplace with the target's descriptor, or 0 for none.
func (p *Program) attachFreplace(target int, function string) (*Link, error) {
	var c cArgs
	defer c.Free()
	name := c.Optional("function", function)
	return p.attach("", func() (*cLink, error) {
		if err := p.checkForFreplace(target, function, c.Err); err != nil {
			return nil, err
		}
		return attachFreplace(p.ptr, target, name)
	})
}

// AttachFreplace is like [Program.AttachFreplace] (bpf_link_create, or bpf_raw_tracepoint_open without a target). A
// target needs CAP_SYS_ADMIN, to read the target's BTF. The result belongs to the caller.
func (p *ProgramHandle) AttachFreplace(target ProgramCore, function string) (*Link, error) {
	return p.withTarget(target, func(fd int) (*Link, error) { return p.attachFreplace(fd, function) })
}

// attachFreplace is AttachFreplace with the target's descriptor, or 0 for none.
func (p *ProgramHandle) attachFreplace(target int, function string) (*Link, error) {
	var c cArgs
	defer c.Free()
	name := c.Optional("function", function)
	return p.attach("", func(fd int) (int, error) {
		if err := p.checkForFreplace(target, function, c.Err); err != nil {
			return -1, err
		}
		if target == 0 {
			return linkFD(linkLoadedPlace(fd))
		}
		info, err := programInfo(target, 0)
		if err != nil {
			return -1, err
		}
		if info.BTFID == 0 {
			return -1, fault.Invalidf("the target has no BTF, which is needed to find its function")
		}
		return linkFD(linkFreplace(fd, target, info.BTFID, name))
	})
}

// withTarget runs attach with the descriptor of the program whose function is replaced, or 0 for none.
func (p *programCore) withTarget(target ProgramCore, attach func(fd int) (*Link, error)) (link *Link, err error) {
	if target == nil {
		return attach(0)
	}
	err = useProgram("attach", p.String(), target, func(fd int) error {
		link, err = attach(fd)
		return err
	})
	return link, err
}

// checkForFreplace checks a program that is to replace a function. nameErr is what is wrong with the function's name,
// or nil.
func (p *programCore) checkForFreplace(target int, function string, nameErr error) error {
	if err := p.checkType("freplace", ProgramTypeExt); err != nil {
		return err
	}
	if (target == 0) != (function == "") {
		return fault.Invalidf("freplace needs both a target and its function, or neither")
	}
	return nameErr
}
