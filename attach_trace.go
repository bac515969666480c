package libbpf

/*
#include <bpf/libbpf.h>
*/
import "C"

// TraceOptions are the options for [Program.AttachTrace] and [Program.AttachLSM] (struct bpf_trace_opts).
type TraceOptions struct {
	Cookie uint64 // what bpf_get_attach_cookie returns in the program (Linux 5.19, for "tp_btf" 6.10)
}

// AttachTrace runs a tracing program, of section "fentry", "fexit", "fmod_ret", "fsession" or "tp_btf", at the function or
// tracepoint that it was loaded for (bpf_program__attach_trace_opts, Linux 5.5). To choose that, see
// [OpenProgram.SetAttachTarget].
//
// errors.Is(err, unix.EBUSY) when the function has as many programs as the kernel allows, or a program is attached
// already that can't be twice.
func (p *Program) AttachTrace(opts TraceOptions) (*Link, error) {
	return p.attach("", func() (*C.struct_bpf_link, error) {
		if err := p.checkType("tracing", ProgramTypeTracing); err != nil {
			return nil, err
		}
		if p.attachType == AttachTypeTraceIter {
			return nil, invalidf("an iterator is not attached by tracing")
		}
		link, errno := p.attachBTF(opts)
		return link, errno
	})
}

// AttachLSM runs the program, of section "lsm", at the security hook that it was loaded for, whose operation it can refuse
// (bpf_program__attach_lsm, Linux 5.7). The kernel must have been booted with "bpf" among its security modules
// (lsm=); otherwise this succeeds and the program is never run. Programs of section "lsm_cgroup" attach to cgroups.
func (p *Program) AttachLSM(opts TraceOptions) (*Link, error) {
	return p.attach("", func() (*C.struct_bpf_link, error) {
		if err := p.checkType("LSM", ProgramTypeLSM); err != nil {
			return nil, err
		}
		if err := p.checkAttachType("LSM", AttachTypeLSMMac); err != nil {
			return nil, err
		}
		if opts.Cookie == 0 {
			link, errno := C.bpf_program__attach_lsm(p.ptr)
			return link, errno
		}
		// libbpf's function for LSM takes no cookie; the one for tracing does the same with one.
		return p.attachBTF(opts)
	})
}

func (p *Program) attachBTF(opts TraceOptions) (*C.struct_bpf_link, error) {
	var o C.struct_bpf_trace_opts
	o.sz = C.sizeof_struct_bpf_trace_opts
	o.cookie = C.__u64(opts.Cookie)
	link, errno := C.bpf_program__attach_trace_opts(p.ptr, &o)
	return link, errno
}

// AttachFreplace makes the program, of section "freplace", take the place of a global function of another program
// (bpf_program__attach_freplace, Linux 5.6). With a nil target and no function, that is the one that it was loaded for,
// see [OpenProgram.SetAttachTarget]; otherwise function of target, which must have the same type (Linux 5.10).
//
// errors.Is(err, os.ErrNotExist) when target has no such function, unix.EINVAL when its type differs, unix.EBUSY when the
// function is replaced already.
func (p *Program) AttachFreplace(target ProgramCore, function string) (link *Link, err error) {
	if target == nil {
		return p.attachFreplace(0, function)
	}
	err = useProgram("attach", p.core().object(), target, func(fd int) error {
		link, err = p.attachFreplace(fd, function)
		return err
	})
	return link, err
}

// attachFreplace is AttachFreplace with the target's descriptor, 0 for none.
func (p *Program) attachFreplace(target int, function string) (*Link, error) {
	var c cStrings
	defer c.free()
	name := c.optional("function", function)
	return p.attach("", func() (*C.struct_bpf_link, error) {
		if err := p.checkType("freplace", ProgramTypeExt); err != nil {
			return nil, err
		}
		if (target == 0) != (function == "") {
			return nil, invalidf("freplace takes a target and its function, or neither")
		}
		if c.err != nil {
			return nil, c.err
		}
		link, errno := C.bpf_program__attach_freplace(p.ptr, C.int(target), name)
		return link, errno
	})
}
