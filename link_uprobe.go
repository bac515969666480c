package libbpf

/*
#include <sys/types.h>
#include <errno.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

// Where libbpf's options have no such field, Go does not call this with anything to set.
static void lbg_set_uprobe_mode(struct bpf_uprobe_opts *opts, int mode)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 2
	opts->attach_mode = mode;
#endif
}

// The options as arguments: their struct came with the function.
static struct bpf_link *lbg_attach_uprobe_multi(const struct bpf_program *prog, pid_t pid, const char *path,
	const unsigned long *offsets, const unsigned long *ref_ctr_offsets, const __u64 *cookies, size_t cnt,
	bool retprobe, bool session)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts,
		.offsets = offsets,
		.ref_ctr_offsets = ref_ctr_offsets,
		.cookies = cookies,
		.cnt = cnt,
		.retprobe = retprobe,
	);

#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	opts.session = session;
#endif
	return bpf_program__attach_uprobe_multi(prog, pid, path, NULL, &opts);
#else
	return NULL;
#endif
}

static int lbg_link_uprobe_multi(int prog_fd, __u32 type, __u32 pid, const char *path, const unsigned long *offsets,
	const unsigned long *ref_ctr_offsets, const __u64 *cookies, __u32 cnt, bool retprobe)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		.uprobe_multi.pid = pid,
		.uprobe_multi.path = path,
		.uprobe_multi.offsets = offsets,
		.uprobe_multi.ref_ctr_offsets = ref_ctr_offsets,
		.uprobe_multi.cookies = cookies,
		.uprobe_multi.cnt = cnt,
		.uprobe_multi.flags = retprobe ? 1 : 0, // BPF_F_UPROBE_MULTI_RETURN
	);

	return bpf_link_create(prog_fd, 0, type, &opts);
#else
	return -EOPNOTSUPP;
#endif
}
*/
import "C"

import (
	"fmt"
	"math"
	"os"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Which processes a probe in user space is for, where it is not one that is named by its process id. Others that run
// the same code do not call the program.
const (
	AllProcesses = -1
	ThisProcess  = 0
)

// checkPID is pid as libbpf and the kernel take it. To perf events, 0 is the calling thread, of which Go has many and
// ends some: the probe would end with it.
func checkPID(pid int) (C.pid_t, error) {
	switch {
	case pid == ThisProcess:
		return C.pid_t(os.Getpid()), nil
	case pid < AllProcesses || pid > math.MaxInt32:
		return 0, fault.Invalidf("process id %d must be above 0, ThisProcess or AllProcesses, and at most %d", pid, math.MaxInt32)
	}
	return C.pid_t(pid), nil
}

// UprobeOptions are the options for [Program.AttachUprobe] (struct bpf_uprobe_opts).
type UprobeOptions struct {
	// Function is a function's name, to which the offset is then relative. "name@VERSION" chooses one of several versions
	// in a library, such as "fmemopen@GLIBC_2.22". It is looked for in the binary's symbols; then, for a stripped one, in
	// its separate debug file, by build id or .gnu_debuglink below /usr/lib/debug and beside the binary; then in the table
	// that Go programs have, where names are such as "main.(*Server).Serve".
	Function string
	Cookie   uint64 // what bpf_get_attach_cookie returns in the program (Linux 5.15)
	// RefCtrOffset is the offset in the file of a counter that the kernel increments while the probe is attached, as
	// USDT semaphores are; below 1<<32 (Linux 4.20).
	RefCtrOffset uint64
	Retprobe     bool // run when the function returns
	Mode         ProbeMode
}

func (o *UprobeOptions) check(offset uint64) error {
	switch {
	case offset > math.MaxInt:
		return fault.Invalidf("offset %#x is beyond the end of any file", offset)
	case o.RefCtrOffset > math.MaxUint32:
		return fault.Invalidf("offset %#x of a reference counter must be below 1<<32", o.RefCtrOffset)
	case o.RefCtrOffset != 0 && o.Mode == ProbeModeLegacy:
		return fault.Invalidf("a legacy probe takes no reference counter")
	case o.Retprobe && o.Function != "" && offset != 0:
		// The kernel would take what is on top of the stack there for the address to return to, and overwrite it.
		return fault.Invalidf("a return probe goes where a function begins, and not to offset %#x in %s", offset, o.Function)
	}
	return o.Mode.check(o.Cookie)
}

// placeInBinary is such as "/bin/sh:main+0x10", or "/bin/sh+0x1234".
func placeInBinary(binary, function string, offset uint64) string {
	if function != "" {
		binary += ":" + function
		if offset == 0 {
			return binary
		}
	}
	return fmt.Sprintf("%s+%#x", binary, offset)
}

// AttachUprobe runs the program, of section "uprobe" or "uretprobe", when a process of pid, which may be [AllProcesses] or
// [ThisProcess], runs the code at an offset in a binary file: a function where it begins, where it returns with
// Retprobe, or any instruction (bpf_program__attach_uprobe_opts).
//
// binary is a path, or a name without a slash: a library's, which has .so in it, is looked for where libraries usually
// are, another in the PATH. "archive.apk!/lib/lib.so" is a file that is stored uncompressed in a zip archive. offset is
// in bytes, from the beginning of opts.Function, or of the file.
//
// WARNING: a return probe on a function of Go's crashes the process it is in. It puts another return address on the stack,
// which Go's runtime does not know when it moves the stack or walks it. Nothing refuses that.
//
// errors.Is(err, os.ErrNotExist) when there is no such file, or it has no such function or only imports it; errors.Is(err,
// [ErrInvalid]) when it has several, of which the offset alone can choose; unix.ESRCH when there is no such process,
// [errors.ErrUnsupported] when the kernel lacks the Mode or cookies.
func (p *Program) AttachUprobe(pid int, binary string, offset uint64, opts UprobeOptions) (*Link, error) {
	var c cArgs
	defer c.Free()
	return p.attach(placeInBinary(binary, opts.Function, offset), func() (*C.struct_bpf_link, error) {
		if err := p.checkType("a uprobe", ProgramTypeKprobe); err != nil {
			return nil, err
		}
		cPID, err := checkPID(pid)
		if err != nil {
			return nil, err
		}
		if err := opts.check(offset); err != nil {
			return nil, err
		}
		file, err := binaryPath(binary)
		if err != nil {
			return nil, err
		}
		function := c.Optional("function", opts.Function)
		if function != nil && !inArchive(file) { // libbpf looks into archives itself
			found, err := functionOffsets(file, []string{opts.Function})
			if err != nil {
				return nil, err
			}
			function, offset = nil, offset+found[0]
		}
		path := c.Of("binary", file)
		if c.Err != nil {
			return nil, c.Err
		}
		var o C.struct_bpf_uprobe_opts
		o.sz = C.sizeof_struct_bpf_uprobe_opts
		o.ref_ctr_offset = C.size_t(opts.RefCtrOffset)
		o.bpf_cookie = C.__u64(opts.Cookie)
		o.retprobe = C.bool(opts.Retprobe)
		o.func_name = function
		C.lbg_set_uprobe_mode(&o, C.int(opts.Mode))
		link, errno := C.bpf_program__attach_uprobe_opts(p.ptr, cPID, path, C.size_t(offset), &o)
		return link, explainTracefs(errno, link == nil && legacyProbes("uprobe", opts.Mode))
	})
}

// UprobeMultiOptions say where in a binary [Program.AttachUprobeMulti] attaches, by one of Pattern, Symbols and Offsets,
// and how (struct bpf_uprobe_multi_opts).
type UprobeMultiOptions struct {
	// Pattern is a glob of the names of functions, in which * stands for any characters and ? for one. It takes those that
	// the binary has, not those that it imports, and each piece of code once, whatever the number of its names.
	Pattern string
	Symbols []string // names of functions, each as [UprobeOptions.Function]
	Offsets []uint64 // in bytes, from the beginning of the file
	// RefCtrOffsets are as [UprobeOptions.RefCtrOffset]: none, or one for each of Symbols or Offsets, 0 where it has none.
	RefCtrOffsets []uint64
	// Cookies are what bpf_get_attach_cookie returns in the program: none, or one for each of Symbols or Offsets.
	Cookies  []uint64
	Retprobe bool // run when the function returns
	// Session runs a program of section "uprobe.session" at both: at the beginning, where it returns 1 when it does
	// not want to see the end, and at the end (libbpf 1.6, Linux 6.13).
	Session bool
}

// attachType is the one that the program must have been loaded for.
func (o *UprobeMultiOptions) attachType() ProgramAttachType {
	if o.Session {
		return AttachTypeTraceUprobeSession
	}
	return AttachTypeTraceUprobeMulti
}

func (o *UprobeMultiOptions) explain(err error) error {
	return explainOld(err, o.attachType().String(), enumAttachType, uint32(o.attachType()))
}

func (o *UprobeMultiOptions) check(p *programCore) error {
	if err := p.checkType("uprobe.multi", ProgramTypeKprobe); err != nil {
		return err
	}
	if err := p.checkAttachType("uprobe.multi", o.attachType()); err != nil {
		return err
	}
	where := multi{
		pattern: o.Pattern, symbols: o.Symbols, numbers: o.Offsets, numbersAre: "offsets", cookies: o.Cookies,
		retprobe: o.Retprobe, session: o.Session,
	}
	if err := where.check(); err != nil {
		return err
	}
	if n := len(o.RefCtrOffsets); n > 0 && n != where.count() {
		return fault.Invalidf("there must be an offset of a reference counter for each function or none: %d for %d %s",
			n, where.count(), where.counted())
	}
	if o.Session {
		return needs("bpf_program__attach_uprobe_multi with session", 1, 6)
	}
	return needs("bpf_program__attach_uprobe_multi", 1, 3)
}

// AttachUprobeMulti runs the program, of section "uprobe.multi" or "uretprobe.multi", where any number of functions of one
// binary begin or return, through one link, which for many takes far less time than one by one
// (bpf_program__attach_uprobe_multi, libbpf 1.3, Linux 6.6).
//
// pid and binary are as for [Program.AttachUprobe], but pid is a process's and not a thread's, and binary not in an archive.
// It attaches to all functions or to none: the error names those that are missing, only imported, or named twice. Errors
// are the same, and [errors.ErrUnsupported] when the kernel or the linked libbpf lacks it.
func (p *Program) AttachUprobeMulti(pid int, binary string, opts UprobeMultiOptions) (*Link, error) {
	var u uprobes
	defer u.args.Free()
	return p.attach(binary, func() (*C.struct_bpf_link, error) {
		if err := u.find(&p.programCore, pid, binary, &opts); err != nil {
			return nil, err
		}
		link, errno := C.lbg_attach_uprobe_multi(p.ptr, u.pid, u.path, u.offsets, u.refCtrOffsets, u.cookies,
			C.size_t(u.count), C.bool(opts.Retprobe), C.bool(opts.Session))
		if link == nil {
			errno = opts.explain(errno)
		}
		return link, errno
	})
}

// AttachUprobeMulti is as [Program.AttachUprobeMulti] (bpf_link_create). The result belongs to the caller.
func (p *ProgramHandle) AttachUprobeMulti(pid int, binary string, opts UprobeMultiOptions) (*Link, error) {
	var u uprobes
	defer u.args.Free()
	return p.attach(binary, func(fd C.int) (int, error) {
		if err := u.find(&p.programCore, pid, binary, &opts); err != nil {
			return -1, err
		}
		link, err := linkFD(C.lbg_link_uprobe_multi(fd, C.__u32(opts.attachType()), C.__u32(max(u.pid, 0)), u.path,
			u.offsets, u.refCtrOffsets, u.cookies, C.__u32(u.count), C.bool(opts.Retprobe)))
		return link, opts.explain(err)
	})
}

// uprobes are where a program is to be attached in a binary, as C takes it.
type uprobes struct {
	args cArgs

	pid                    C.pid_t // below 0 for all processes
	path                   *C.char
	offsets, refCtrOffsets *C.ulong
	cookies                *C.__u64
	count                  int // of offsets
}

// find checks what is to be attached, and finds the functions.
func (u *uprobes) find(p *programCore, pid int, binary string, opts *UprobeMultiOptions) (err error) {
	if err := opts.check(p); err != nil {
		return err
	}
	if u.pid, err = checkPID(pid); err != nil {
		return err
	}
	file, err := binaryPath(binary)
	if err != nil {
		return err
	}
	// libbpf would resolve what the binary only imports to offset 0, and never run the program.
	found := opts.Offsets
	switch {
	case opts.Pattern != "":
		found, err = matchingOffsets(file, opts.Pattern)
	case len(opts.Symbols) > 0:
		found, err = functionOffsets(file, opts.Symbols)
	}
	if err != nil {
		return err
	}
	u.path = u.args.Of("binary", file)
	u.count = len(found)
	u.offsets = cmem.Array[C.ulong](&u.args, "offset", found)
	u.refCtrOffsets = cmem.Array[C.ulong](&u.args, "offset of a reference counter", opts.RefCtrOffsets)
	u.cookies = cmem.Array[C.__u64](&u.args, "cookie", opts.Cookies)
	return u.args.Err
}
