package libbpf

/*
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

// Attaches without a cookie by a function that every libbpf has, and otherwise by one with options. Go passes no cookie
// where libbpf lacks the options.
static struct bpf_link *lbg_attach_raw_tracepoint(const struct bpf_program *prog, const char *name, __u64 cookie)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	LIBBPF_OPTS(bpf_raw_tracepoint_opts, opts, .cookie = cookie);

	return bpf_program__attach_raw_tracepoint_opts(prog, name, &opts);
#else
	return bpf_program__attach_raw_tracepoint(prog, name);
#endif
}

static int lbg_open_raw_tracepoint(int prog_fd, const char *name, __u64 cookie)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	LIBBPF_OPTS(bpf_raw_tp_opts, opts, .tp_name = name, .cookie = cookie);

	return bpf_raw_tracepoint_open_opts(prog_fd, &opts);
#else
	return bpf_raw_tracepoint_open(name, prog_fd);
#endif
}
*/
import "C"

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
	return p.attach("tracepoint "+category+"/"+name, func() (*C.struct_bpf_link, error) {
		if err := p.checkType("a tracepoint", ProgramTypeTracepoint); err != nil {
			return nil, err
		}
		if c.Err != nil {
			return nil, c.Err
		}
		var o C.struct_bpf_tracepoint_opts
		o.sz = C.sizeof_struct_bpf_tracepoint_opts
		o.bpf_cookie = C.__u64(opts.Cookie)
		link, errno := C.bpf_program__attach_tracepoint_opts(p.ptr, cCategory, cName, &o)
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
	return p.attach("tracepoint "+name, func() (*C.struct_bpf_link, error) {
		if err := p.checkForRawTracepoint(opts, c.Err); err != nil {
			return nil, err
		}
		link, errno := C.lbg_attach_raw_tracepoint(p.ptr, cName, C.__u64(opts.Cookie))
		return link, errno
	})
}

// AttachRawTracepoint is like [Program.AttachRawTracepoint] (bpf_raw_tracepoint_open_opts, or bpf_raw_tracepoint_open
// before libbpf 1.4). The result belongs to the caller.
func (p *ProgramHandle) AttachRawTracepoint(name string, opts RawTracepointOptions) (*Link, error) {
	var c cArgs
	defer c.Free()
	cName := c.Name("tracepoint", name)
	return p.attach("tracepoint "+name, func(fd C.int) (int, error) {
		if err := p.checkForRawTracepoint(opts, c.Err); err != nil {
			return -1, err
		}
		return linkFD(C.lbg_open_raw_tracepoint(fd, cName, C.__u64(opts.Cookie)))
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
