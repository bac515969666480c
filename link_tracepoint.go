package libbpf

// TracepointOptions are the options for [Program.AttachTracepoint] (struct bpf_tracepoint_opts).
type TracepointOptions struct {
	Cookie uint64 // what bpf_get_attach_cookie returns in the program (Linux 5.15)
}

// AttachTracepoint runs the program, of section "tp" or "tracepoint", at a tracepoint of the kernel, given by its
// category, such as "syscalls", and its name (bpf_program__attach_tracepoint_opts). Both are as in tracefs, which must
// be mounted at its default place. errors.Is(err, os.ErrNotExist) when there is no such tracepoint. The link belongs to
// the caller; Close of the object closes it too.
func (p *Program) AttachTracepoint(category, name string, opts TracepointOptions) (*Link, error) {
	var c cArgs
	defer c.Free()
	cCategory := c.Name("category", category)
	cName := c.Name("tracepoint", name)
	return p.attach("tracepoint "+category+"/"+name, func() (*cLink, error) {
		if err := p.checkType("a tracepoint", ProgramTypeTracepoint); err != nil {
			return nil, err
		}
		if c.Err != nil {
			return nil, c.Err
		}
		link, errno := attachTracepoint(p.ptr, cCategory, cName, opts.Cookie)
		return link, explainTracefs(errno, link == nil)
	})
}

// RawTracepointOptions are the options for [Program.AttachRawTracepoint] (struct bpf_raw_tracepoint_opts).
type RawTracepointOptions struct {
	Cookie uint64 // what bpf_get_attach_cookie returns in the program (libbpf 1.4, Linux 6.10)
}

// AttachRawTracepoint runs the program, of section "raw_tp" or "raw_tp.w", at a tracepoint of the kernel, given by its
// name alone (bpf_program__attach_raw_tracepoint, bpf_program__attach_raw_tracepoint_opts, Linux 4.17). The program
// gets the tracepoint's raw arguments. errors.Is(err, os.ErrNotExist) when there is no such tracepoint. For programs of
// section "tp_btf" use [Program.AttachTrace]. The link belongs to the caller; Close of the object closes it too.
func (p *Program) AttachRawTracepoint(name string, opts RawTracepointOptions) (*Link, error) {
	var c cArgs
	defer c.Free()
	cName := c.Name("tracepoint", name)
	return p.attach("tracepoint "+name, func() (*cLink, error) {
		if err := p.checkForRawTracepoint(opts, c.Err); err != nil {
			return nil, err
		}
		return attachRawTracepoint(p.ptr, cName, opts.Cookie)
	})
}

// AttachRawTracepoint is like [Program.AttachRawTracepoint] (bpf_raw_tracepoint_open_opts, or bpf_raw_tracepoint_open
// before libbpf 1.4). The result belongs to the caller.
func (p *ProgramHandle) AttachRawTracepoint(name string, opts RawTracepointOptions) (*Link, error) {
	var c cArgs
	defer c.Free()
	cName := c.Name("tracepoint", name)
	return p.attach("tracepoint "+name, func(fd int) (int, error) {
		if err := p.checkForRawTracepoint(opts, c.Err); err != nil {
			return -1, err
		}
		return linkFD(linkRawTracepoint(fd, cName, opts.Cookie))
	})
}

// checkForRawTracepoint checks a program that is to be attached to a raw tracepoint. nameErr is what is wrong with the
// tracepoint's name, or nil.
func (p *programCore) checkForRawTracepoint(opts RawTracepointOptions, nameErr error) error {
	err := p.checkType("a raw tracepoint", ProgramTypeRawTracepoint, ProgramTypeRawTracepointWritable)
	if err == nil && opts.Cookie != 0 {
		err = needs("bpf_program__attach_raw_tracepoint_opts", 1, 4)
	}
	if err != nil {
		return err
	}
	return nameErr
}
