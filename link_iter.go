package libbpf

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// CgroupIterOrder is the order in which an iterator visits cgroups.
type CgroupIterOrder uint32

// The orders, from the cgroup where the iteration begins.
const (
	CgroupIterSelfOnly        CgroupIterOrder = iota + 1 // the cgroup itself
	CgroupIterDescendantsPre                             // it and those below, parents first
	CgroupIterDescendantsPost                            // it and those below, children first
	CgroupIterAncestorsUp                                // it and those above, up to the root
	CgroupIterChildren                                   // its children, without itself (Linux 6.18)
)

// String returns names such as "descendants_pre".
func (o CgroupIterOrder) String() string {
	names := [...]string{"unspecified", "self_only", "descendants_pre", "descendants_post", "ancestors_up", "children"}
	if o < CgroupIterOrder(len(names)) {
		return names[o]
	}
	return "order(" + strconv.FormatUint(uint64(o), 10) + ")"
}

// IterOptions limit an iterator to a map, to cgroups, or to tasks; the program's section decides which of them apply.
// The zero value is no limit.
type IterOptions struct {
	// Map is the map whose elements the iterator visits (Linux 5.9). Programs of the sections "iter/bpf_map_elem",
	// "iter/bpf_sk_storage_map" and "iter/sockmap" need it.
	Map MapCore

	// CgroupOrder is the order in which "iter/cgroup" visits cgroups (Linux 6.1). It begins at the cgroup of CgroupFD,
	// a descriptor of the cgroup's folder, or of CgroupID. If both are 0, it begins at the root cgroup of version 2.
	CgroupOrder CgroupIterOrder
	CgroupFD    int
	CgroupID    uint64

	// TID is a thread. PID is a process with all its threads, by its number; PIDFD is one by its descriptor
	// (pidfd_open). At most one of them may be given, for "iter/task", "iter/task_file" and "iter/task_vma" (Linux
	// 6.1).
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
		return fault.Invalidf("the options must be only for a map, only for cgroups or only for tasks")
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

// AttachIter makes an iterator of the program (bpf_program__attach_iter, Linux 5.8). To run it and read its output,
// call [NewIter] with the link, or pin the link and open its path as a file. The program does not run before its output
// is read.
//
// errors.Is(err, [ErrInvalid]) when the limit in opts does not fit the program's kind of iterator, errors.Is(err,
// [errors.ErrUnsupported]) when the kernel is too old for the limit. The link belongs to the caller; Close of the
// object closes it too.
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

// attachIter is AttachIter with the map of opts.
func (p *Program) attachIter(opts IterOptions, m *mapCore) (*Link, error) {
	link, err := p.attach("", func() (link *cLink, err error) {
		_, err = p.linkIter(p.ptr, opts, m, &link)
		return link, err
	})
	return checkedIter(link, opts, err)
}

// AttachIter is like [Program.AttachIter] (bpf_link_create). The result belongs to the caller.
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

// attachIter is AttachIter with the map of opts.
func (p *ProgramHandle) attachIter(opts IterOptions, m *mapCore) (*Link, error) {
	link, err := p.attach("", func(int) (int, error) { return p.linkIter(nil, opts, m, nil) })
	return checkedIter(link, opts, err)
}

// linkIter makes a link of libbpf's for prog, or returns the descriptor of a link when prog is nil. The program is
// acquired.
func (p *programCore) linkIter(
	program *cProgram, opts IterOptions, m *mapCore, link **cLink,
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
	switch {
	case m != nil:
		return linkFD(attachIterMap(program, p.fd, m.fd, link))
	case opts.cgroups():
		return linkFD(attachIterCgroup(program, p.fd, &opts, link))
	case opts.tasks():
		return linkFD(attachIterTask(program, p.fd, &opts, link))
	}
	return linkFD(attachIter(program, p.fd, link))
}

// checkedIter returns the new link if it iterates over what opts ask for. Otherwise it closes the link.
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

// checkIter checks that the iterator is over what opts ask for. The kernel does not check that. The options are a
// union, and the kernel reads them as those of the program's kind of iterator: it may take a map's fd for a thread's
// number. It ignores options that it does not know.
func (l *Link) checkIter(opts IterOptions) error {
	info, err := linkInfo(int(l.fd()))
	if err != nil {
		return err
	}
	over, _ := info.Detail.(IterLinkInfo)
	switch {
	case opts.Map != nil && over.Target == "":
		return nil // Linux 5.9 does not report the target
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

// Iter reads the output of an iterator's program. It is an [io.ReadCloser]. One Iter is one iteration. At its end Read
// returns [io.EOF]; to iterate again, make another Iter.
//
// It is safe for concurrent use. Each part of the output goes to only one of several concurrent readers.
type Iter struct {
	h    *handle.Handle
	fd   int
	what string
}

var _ io.ReadCloser = (*Iter)(nil)

// NewIter begins an iteration (bpf_iter_create, Linux 5.8). errors.Is(err, [errors.ErrUnsupported]) when the link is
// not an iterator. The Iter belongs to the caller, who must close it. It stays usable when the link or the object is
// closed.
func NewIter(l *Link) (*Iter, error) {
	var fd cInt
	err := l.onLink("create an iterator of", isIter, func(link cInt) cInt {
		fd = createIter(int(link))
		return fd
	})
	if err != nil {
		return nil, err
	}
	return newIter(int(fd), "iterator of "+l.what)
}

// IterFromPinnedPath begins an iteration of the iterator whose link is pinned at path. Any program can also open the
// path as a file and read that; [Iter.Read] additionally retries for programs that skip many elements. errors.Is(err,
// os.ErrNotExist) when nothing is pinned there, errors.Is(err, [ErrInvalid]) when the path is not on a bpf file system.
func IterFromPinnedPath(path string) (*Iter, error) {
	const op = "open"
	object := fmt.Sprintf("pinned iterator %q", path)
	if err := cmem.CheckName("path", path); err != nil {
		return nil, &Error{Op: op, Object: object, Err: err}
	}
	// O_NONBLOCK: if the path is a pipe, do not wait for a writer.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &Error{Op: op, Object: object, Err: err}
	}
	var fs unix.Statfs_t
	if err = unix.Fstatfs(fd, &fs); err == nil && uint32(fs.Type) != unix.BPF_FS_MAGIC {
		err = fault.Invalidf("it is not on a bpf file system, but an iterator's pin must be")
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, &Error{Op: op, Object: object, Err: err}
	}
	return newIter(fd, object)
}

func isIter(t LinkType) bool { return t == LinkTypeIter }

// newIter takes ownership of the descriptor.
func newIter(fd int, what string) (*Iter, error) {
	return &Iter{ownFD(fd), fd, what}, nil
}

// Read reads the program's output, and runs the program for more. errors.Is(err, unix.E2BIG) when the program wrote
// more for one element than fits the kernel's buffer of 8 pages.
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
			continue // the kernel stops a read after a million skipped elements in a row, to free the CPU
		}
		return 0, &Error{Op: op, Object: it.what, Err: err}
	}
}

// FD is the iteration's file descriptor, or -1 after Close. The Iter owns the descriptor: do not close it. After Close
// the number may be another file's.
func (it *Iter) FD() int {
	if it == nil || it.h.Acquire() != nil {
		return -1
	}
	defer it.h.Drop()
	return it.fd
}

// Close ends the iteration. It is idempotent.
func (it *Iter) Close() error {
	if it == nil {
		return nil
	}
	return closing(it.String(), it.h.Close())
}

// String is such as `link of program "dump_tasks"`, or the path of the pin.
func (it *Iter) String() string {
	if it == nil {
		return "iterator"
	}
	return it.what
}
