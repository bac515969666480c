package libbpf

import (
	"fmt"
	"math"
	"os"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// The values of pid that do not name a process. The program does not run for processes other than those that pid
// selects.
const (
	AllProcesses = -1
	ThisProcess  = 0
)

// checkPID converts pid for libbpf and the kernel. To perf events, 0 is the calling thread. Go has many threads and
// ends some; the probe would end with the thread.
func checkPID(pid int) (int, error) {
	switch {
	case pid == ThisProcess:
		return os.Getpid(), nil
	case pid < AllProcesses || pid > math.MaxInt32:
		return 0, fault.Invalidf("process id %d must be above 0, ThisProcess or AllProcesses, and at most %d", pid, math.MaxInt32)
	}
	return pid, nil
}

// UprobeOptions are the options for [Program.AttachUprobe] (struct bpf_uprobe_opts).
type UprobeOptions struct {
	// Function is the name of the function that the offset is relative to. "name@VERSION" chooses one of several
	// versions in a library, such as "fmemopen@GLIBC_2.22".
	//
	// The function is looked up first in the binary's symbols. For a stripped binary, it is then looked up in the
	// separate debug file, which is found by build id or .gnu_debuglink, below /usr/lib/debug and beside the binary.
	// Last, it is looked up in the function table of a Go program, with names such as "main.(*Server).Serve".
	Function string
	Cookie   uint64 // what bpf_get_attach_cookie returns in the program (Linux 5.15)
	// RefCtrOffset is the file offset of a counter that the kernel increments while the probe is attached, such as a
	// USDT semaphore; below 1<<32 (Linux 4.20).
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
		// The kernel would take the top of the stack for the return address, and overwrite it.
		return fault.Invalidf("a return probe needs the start of a function, not offset %#x in %s", offset, o.Function)
	}
	return o.Mode.check(o.Cookie)
}

// placeInBinary returns names such as "/bin/sh:main+0x10", or "/bin/sh+0x1234".
func placeInBinary(binary, function string, offset uint64) string {
	if function != "" {
		binary += ":" + function
		if offset == 0 {
			return binary
		}
	}
	return fmt.Sprintf("%s+%#x", binary, offset)
}

// AttachUprobe runs the program, of section "uprobe" or "uretprobe", when a process runs the code at an offset in a
// binary file (bpf_program__attach_uprobe_opts). That code is where a function begins, where it returns (with
// Retprobe), or any instruction. pid is the id of the process, [AllProcesses] or [ThisProcess].
//
// binary is a path, or a name without a slash. A name with ".so" is looked up in the default library folders, other
// names in the PATH. "archive.apk!/lib/lib.so" is a file that is stored uncompressed in a zip archive. offset is in
// bytes, from the beginning of opts.Function, or of the file.
//
// WARNING: a return probe on a Go function crashes the process that runs the function. The probe puts another return
// address on the stack. Go's runtime does not know this address when it moves or walks the stack. AttachUprobe does not
// refuse such probes.
//
// errors.Is(err, os.ErrNotExist) when there is no such file, or when the file lacks the function or only imports it;
// errors.Is(err, [ErrInvalid]) when the file has several functions of this name, and an offset in the file must be
// given instead; unix.ESRCH when there is no such process, [errors.ErrUnsupported] when the kernel lacks the Mode or
// cookies. The link belongs to the caller; Close of the object closes it too.
func (p *Program) AttachUprobe(pid int, binary string, offset uint64, opts UprobeOptions) (*Link, error) {
	var c cArgs
	defer c.Free()
	return p.attach(placeInBinary(binary, opts.Function, offset), func() (*cLink, error) {
		if err := p.checkType("a uprobe", ProgramTypeKprobe); err != nil {
			return nil, err
		}
		pid, err := checkPID(pid)
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
		if function != nil && !inArchive(file) { // libbpf looks functions up in archives itself
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
		link, errno := attachUprobe(p.ptr, pid, path, function, offset, &opts)
		return link, explainTracefs(errno, link == nil && legacyProbes("uprobe", opts.Mode))
	})
}

// UprobeMultiOptions say where in a binary and how [Program.AttachUprobeMulti] attaches (struct bpf_uprobe_multi_opts).
// Exactly one of Pattern, Symbols and Offsets must be given.
type UprobeMultiOptions struct {
	// Pattern is a glob of the names of functions: * stands for any characters and ? for one. It matches functions that
	// the binary defines, not those that it imports. A function with several names is attached to once.
	Pattern string
	Symbols []string // names of functions, each as [UprobeOptions.Function]
	Offsets []uint64 // in bytes, from the beginning of the file
	// RefCtrOffsets are as [UprobeOptions.RefCtrOffset]: empty, or one for each of Symbols or Offsets, with 0 for none.
	RefCtrOffsets []uint64
	// Cookies are what bpf_get_attach_cookie returns in the program: empty, or one for each of Symbols or Offsets.
	Cookies  []uint64
	Retprobe bool // run when the function returns
	// Session runs a program of section "uprobe.session" at the beginning and at the end of a function (libbpf 1.6,
	// Linux 6.13). When the program returns 1 at the beginning, it does not run at the end.
	Session bool
}

// attachType is the attach type that the program must have been loaded with.
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
		return fault.Invalidf("give one offset of a reference counter for each function, or none, not %d for %d %s",
			n, where.count(), where.counted())
	}
	if o.Session {
		return needs("bpf_program__attach_uprobe_multi with session", 1, 6)
	}
	return needs("bpf_program__attach_uprobe_multi", 1, 3)
}

// AttachUprobeMulti runs the program, of section "uprobe.multi" or "uretprobe.multi", where functions of one binary
// begin or return (bpf_program__attach_uprobe_multi, libbpf 1.3, Linux 6.6). It makes one link for any number of
// functions, which takes far less time than a link for each.
//
// pid and binary are as for [Program.AttachUprobe], but pid must be a process, not a thread, and binary must not be in
// an archive. AttachUprobeMulti attaches to all functions or to none: the error names those that are missing, only
// imported, or ambiguous. Errors are as for [Program.AttachUprobe], and [errors.ErrUnsupported] when the kernel or the
// linked libbpf lacks uprobe.multi. The link belongs to the caller; Close of the object closes it too.
func (p *Program) AttachUprobeMulti(pid int, binary string, opts UprobeMultiOptions) (*Link, error) {
	var u uprobes
	defer u.args.Free()
	return p.attach(binary, func() (*cLink, error) {
		if err := u.find(&p.programCore, pid, binary, &opts); err != nil {
			return nil, err
		}
		link, errno := attachUprobeMulti(p.ptr, &u, &opts)
		if link == nil {
			errno = opts.explain(errno)
		}
		return link, errno
	})
}

// AttachUprobeMulti is like [Program.AttachUprobeMulti] (bpf_link_create). The result belongs to the caller.
func (p *ProgramHandle) AttachUprobeMulti(pid int, binary string, opts UprobeMultiOptions) (*Link, error) {
	var u uprobes
	defer u.args.Free()
	return p.attach(binary, func(fd int) (int, error) {
		if err := u.find(&p.programCore, pid, binary, &opts); err != nil {
			return -1, err
		}
		link, err := linkFD(linkUprobeMulti(fd, &u, &opts))
		return link, opts.explain(err)
	})
}

// uprobes are the places in a binary where a program is to be attached, in C memory.
type uprobes struct {
	args cArgs

	pid                    int // below 0 for all processes
	path                   cString
	offsets, refCtrOffsets *cULong
	cookies                *cU64
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
	// libbpf would resolve functions that the binary only imports to offset 0, and the program would never run there.
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
	u.offsets = cmem.Array[cULong](&u.args, "offset", found)
	u.refCtrOffsets = cmem.Array[cULong](&u.args, "offset of a reference counter", opts.RefCtrOffsets)
	u.cookies = cmem.Array[cU64](&u.args, "cookie", opts.Cookies)
	return u.args.Err
}
