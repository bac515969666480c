package libbpf

/*
#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

// union bpf_iter_link_info, of which the installed kernel headers may know a part.
union lbg_iter_link_info {
	struct {
		__u32 map_fd;
	} map;
	struct {
		__u32 order;
		__u32 cgroup_fd;
		__u64 cgroup_id;
	} cgroup;
	struct {
		__u32 tid;
		__u32 pid;
		__u32 pid_fd;
	} task;
};

// Attaches a program of an object, or, where prog is NULL, makes a link of the program with the descriptor fd.
static int lbg_attach_iter(const struct bpf_program *prog, int fd, const union lbg_iter_link_info *info,
			   struct bpf_link **link)
{
	LIBBPF_OPTS(bpf_iter_attach_opts, opts);
	LIBBPF_OPTS(bpf_link_create_opts, create_opts);

	if (info) {
		opts.link_info = create_opts.iter_info = (union bpf_iter_link_info *)info;
		opts.link_info_len = create_opts.iter_info_len = sizeof(*info);
	}
	if (!prog)
		return bpf_link_create(fd, 0, BPF_TRACE_ITER, &create_opts);
	*link = bpf_program__attach_iter(prog, &opts);
	return *link ? 0 : -errno;
}

static int lbg_attach_iter_map(const struct bpf_program *prog, int fd, __u32 map_fd, struct bpf_link **link)
{
	union lbg_iter_link_info info;

	memset(&info, 0, sizeof(info));
	info.map.map_fd = map_fd;
	return lbg_attach_iter(prog, fd, &info, link);
}

static int lbg_attach_iter_cgroup(const struct bpf_program *prog, int fd, __u32 order, __u32 cgroup_fd, __u64 id,
				  struct bpf_link **link)
{
	union lbg_iter_link_info info;

	memset(&info, 0, sizeof(info));
	info.cgroup.order = order;
	info.cgroup.cgroup_fd = cgroup_fd;
	info.cgroup.cgroup_id = id;
	return lbg_attach_iter(prog, fd, &info, link);
}

static int lbg_attach_iter_task(const struct bpf_program *prog, int fd, __u32 tid, __u32 pid, __u32 pid_fd,
				struct bpf_link **link)
{
	union lbg_iter_link_info info;

	memset(&info, 0, sizeof(info));
	info.task.tid = tid;
	info.task.pid = pid;
	info.task.pid_fd = pid_fd;
	return lbg_attach_iter(prog, fd, &info, link);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// CgroupIterOrder is the way that an iterator takes through the cgroups.
type CgroupIterOrder uint32

// The ways from a cgroup on.
const (
	CgroupIterSelfOnly        CgroupIterOrder = iota + 1 // the cgroup itself
	CgroupIterDescendantsPre                             // it and those below, each before what is below it
	CgroupIterDescendantsPost                            // it and those below, each after what is below it
	CgroupIterAncestorsUp                                // it and those above, up to the root
	CgroupIterChildren                                   // those right below it, without it (Linux 6.18)
)

// String is such as "descendants_pre".
func (o CgroupIterOrder) String() string {
	names := [...]string{"unspecified", "self_only", "descendants_pre", "descendants_post", "ancestors_up", "children"}
	if int(o) < len(names) {
		return names[o]
	}
	return "order(" + strconv.FormatUint(uint64(o), 10) + ")"
}

// IterOptions limit what an iterator is over: a map, or cgroups, or tasks, as the program is made for. The zero value is
// no limit.
type IterOptions struct {
	// Map is the map whose elements the iterator is over, which programs of such iterators need: "iter/bpf_map_elem",
	// "iter/bpf_sk_storage_map" and "iter/sockmap" (Linux 5.9).
	Map MapCore

	// CgroupOrder is the way through the cgroups, from the one on that CgroupFD, a descriptor of its folder, or CgroupID
	// say, or from the root of version 2 where both are 0: for "iter/cgroup" (Linux 6.1).
	CgroupOrder CgroupIterOrder
	CgroupFD    int
	CgroupID    uint64

	// TID is a thread, PID a process with all its threads, by its number or by a descriptor (pidfd_open). One of them
	// may be given for "iter/task", "iter/task_file" and "iter/task_vma" (Linux 6.1).
	TID   int
	PID   int
	PIDFD int
}

func (o IterOptions) cgroups() bool { return o.CgroupOrder != 0 || o.CgroupFD != 0 || o.CgroupID != 0 }

func (o IterOptions) tasks() bool { return o.TID != 0 || o.PID != 0 || o.PIDFD != 0 }

func (o IterOptions) check() error {
	kinds := 0
	for _, given := range []bool{o.Map != nil, o.cgroups(), o.tasks()} {
		if given {
			kinds++
		}
	}
	tasks := 0
	for _, number := range []struct {
		name  string
		value int
		task  bool
	}{{"TID", o.TID, true}, {"PID", o.PID, true}, {"PIDFD", o.PIDFD, true}, {"CgroupFD", o.CgroupFD, false}} {
		if err := checkInt32(number.name, number.value); err != nil {
			return err
		}
		if number.value != 0 && number.task {
			tasks++
		}
	}
	switch {
	case kinds > 1:
		return fault.Invalidf("the options are for a map, for cgroups and for tasks: an iterator is over one of them")
	case tasks > 1:
		return fault.Invalidf("TID, PID and PIDFD exclude one another")
	case o.cgroups() && o.CgroupOrder == 0:
		return fault.Invalidf("an iterator over cgroups needs a CgroupOrder")
	case o.CgroupOrder > CgroupIterChildren:
		return fault.Invalidf("there is no CgroupOrder %d", o.CgroupOrder)
	case o.CgroupFD != 0 && o.CgroupID != 0:
		return fault.Invalidf("CgroupFD and CgroupID exclude one another")
	}
	return nil
}

// AttachIter makes an iterator of the program, whose output a [NewIter] of the link reads, or who opens the path at which
// the link is pinned (bpf_program__attach_iter, Linux 5.8). The program runs when the output is read, and not before.
//
// errors.Is(err, [ErrInvalid]) when the limit in opts is not one for the program's kind of iterator,
// errors.Is(err, [errors.ErrUnsupported]) when the kernel is too old for it. The result belongs to the caller, and to the
// object, whose Close closes it.
func (p *Program) AttachIter(opts IterOptions) (link *Link, err error) {
	if opts.Map == nil {
		return p.attachIter(opts, nil)
	}
	err = useMap("attach", p.String(), opts.Map, func(m *mapCore) error {
		link, err = p.attachIter(opts, m)
		return err
	})
	return link, err
}

// attachIter is AttachIter with the map that opts name.
func (p *Program) attachIter(opts IterOptions, m *mapCore) (*Link, error) {
	link, err := p.attach("", func() (link *C.struct_bpf_link, err error) {
		_, err = p.linkIter(p.ptr, opts, m, &link)
		return link, err
	})
	return checkedIter(link, opts, err)
}

// AttachIter is as [Program.AttachIter] (bpf_link_create). The result belongs to the caller.
func (p *ProgramHandle) AttachIter(opts IterOptions) (link *Link, err error) {
	if opts.Map == nil {
		return p.attachIter(opts, nil)
	}
	err = useMap("attach", p.String(), opts.Map, func(m *mapCore) error {
		link, err = p.attachIter(opts, m)
		return err
	})
	return link, err
}

// attachIter is AttachIter with the map that opts name.
func (p *ProgramHandle) attachIter(opts IterOptions, m *mapCore) (*Link, error) {
	link, err := p.attach("", func(C.int) (int, error) { return p.linkIter(nil, opts, m, nil) })
	return checkedIter(link, opts, err)
}

// linkIter makes libbpf's link of its program, or, where that is nil, the descriptor of one. The program is acquired.
func (p *programCore) linkIter(
	program *C.struct_bpf_program, opts IterOptions, m *mapCore, link **C.struct_bpf_link,
) (int, error) {
	const place = "an iterator"
	if err := p.checkType(place, ProgramTypeTracing); err != nil {
		return -1, err
	}
	if err := p.checkAttachType(place, AttachTypeTraceIter); err != nil {
		return -1, err
	}
	if err := opts.check(); err != nil {
		return -1, err
	}
	fd := C.int(p.fd)
	switch {
	case m != nil:
		return linkFD(C.lbg_attach_iter_map(program, fd, C.__u32(m.fd), link))
	case opts.cgroups():
		return linkFD(C.lbg_attach_iter_cgroup(program, fd, C.__u32(opts.CgroupOrder), C.__u32(opts.CgroupFD),
			C.__u64(opts.CgroupID), link))
	case opts.tasks():
		return linkFD(C.lbg_attach_iter_task(program, fd, C.__u32(opts.TID), C.__u32(opts.PID), C.__u32(opts.PIDFD),
			link))
	}
	return linkFD(C.lbg_attach_iter(program, fd, nil, link))
}

// checkedIter is the new link, if it is over what opts ask for.
func checkedIter(link *Link, opts IterOptions, err error) (*Link, error) {
	if err != nil || opts == (IterOptions{}) {
		return link, err
	}
	if err := link.use("get info of", func() error { return link.checkIter(opts) }); err != nil {
		discard(link.Close(), PrintWarn)
		return nil, err
	}
	return link, nil
}

// checkIter checks that the iterator is over what was asked for. The kernel does not: it takes the options, which are a
// union, for those of the program's kind of iterator, a map's fd for a thread's number, and ignores those it doesn't know.
func (l *Link) checkIter(opts IterOptions) error {
	info, err := linkInfo(int(l.fd()))
	if err != nil {
		return err
	}
	over, _ := info.Detail.(IterLinkInfo)
	switch {
	case opts.Map != nil && over.Target == "":
		return nil // Linux 5.9 does not tell
	case opts.Map != nil && over.MapID == 0:
		return fault.Invalidf("the iterator is over %s, not over a map's elements", over.Target)
	case opts.cgroups() && over.Target != "cgroup":
		return fault.Invalidf("the iterator is over %s, not over cgroups", over.Target)
	case opts.tasks() && !strings.HasPrefix(over.Target, "task"):
		return fault.Invalidf("the iterator is over %s, not over tasks", over.Target)
	case opts.tasks() && over.TID == 0 && over.PID == 0:
		return fmt.Errorf("an iterator over the tasks of one process: %w", errors.ErrUnsupported)
	}
	return nil
}

// Iter reads what an iterator's program writes: an [io.ReadCloser]. One Iter is one walk, at whose end Read returns
// [io.EOF]; for another one make another Iter.
//
// It is safe for concurrent use, but who reads takes what others would have read.
type Iter struct {
	h    *handle.Handle
	fd   int
	what string
}

var _ io.ReadCloser = (*Iter)(nil)

// NewIter begins a walk of an iterator (bpf_iter_create, Linux 5.8). errors.Is(err, [errors.ErrUnsupported]) when the link
// is not an iterator's. The Iter belongs to the caller, who closes it. It lives on when the link or the object is closed.
func NewIter(l *Link) (*Iter, error) {
	var fd C.int
	err := l.onLink("create an iterator of", isIter, func(link C.int) C.int {
		fd = C.bpf_iter_create(link)
		return fd
	})
	if err != nil {
		return nil, err
	}
	return newIter(int(fd), "iterator of "+l.what)
}

// IterFromPinnedPath begins a walk of the iterator whose link is pinned at path. It is like opening the path as a file and
// reading that, as any program can, but for what [Iter.Read] does for programs that have a lot to skip.
// errors.Is(err, os.ErrNotExist) when nothing is pinned there, errors.Is(err, [ErrInvalid]) when it is not on a bpf file
// system.
func IterFromPinnedPath(path string) (*Iter, error) {
	const op = "open"
	object := fmt.Sprintf("pinned iterator %q", path)
	// Without waiting for a writer, if it is a pipe.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &Error{Op: op, Object: object, Err: err}
	}
	var fs unix.Statfs_t
	if err = unix.Fstatfs(fd, &fs); err == nil && fs.Type != unix.BPF_FS_MAGIC {
		err = fault.Invalidf("it is not on a bpf file system, as the pin of an iterator is")
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, &Error{Op: op, Object: object, Err: err}
	}
	return newIter(fd, object)
}

func isIter(t LinkType) bool { return t == LinkTypeIter }

// newIter takes the descriptor over.
func newIter(fd int, what string) (*Iter, error) {
	return &Iter{ownFD(fd), fd, what}, nil
}

// Read reads what the program wrote, and runs it for more. errors.Is(err, unix.E2BIG) when the program wrote more for one
// element than the kernel has room for, which is 8 pages.
func (it *Iter) Read(b []byte) (int, error) {
	const op = "read"
	if it == nil {
		return 0, &Error{Op: op, Object: "iterator", Err: ErrClosed}
	}
	if err := it.h.Acquire(); err != nil {
		return 0, &Error{Op: op, Object: it.what, Err: err}
	}
	defer it.h.Drop()
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, err := unix.Read(it.fd, b)
		switch {
		case n > 0:
			return n, nil
		case err == nil:
			return 0, io.EOF
		case it.h.IsClosed():
			err = ErrClosed
		case err == unix.EAGAIN || err == unix.EINTR:
			continue // the program skipped a million elements in a row, and others want the CPU
		}
		return 0, &Error{Op: op, Object: it.what, Err: err}
	}
}

// FD is the walk's file descriptor, or -1 after Close. It remains the Iter's: it must not be closed, and may be another
// file's number after Close.
func (it *Iter) FD() int {
	if it == nil || it.h.Acquire() != nil {
		return -1
	}
	defer it.h.Drop()
	return it.fd
}

// Close ends the walk. It is idempotent.
func (it *Iter) Close() error {
	if it == nil {
		return nil
	}
	return it.h.Close()
}

// String is such as `link of program "dump_tasks"`, or the path of the pin.
func (it *Iter) String() string {
	if it == nil {
		return "iterator"
	}
	return it.what
}
