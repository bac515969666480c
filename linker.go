package libbpf

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	"github.com/libbpf-go/libbpf-go/internal/wholefile"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Linker joins compiled objects into one object, as a linker joins object files of C. Functions and variables that are
// extern in one object may be defined in another one. Types that several objects have become one, and debug information
// other than BTF is left out. Also a single object can be linked: its types are then without duplicates.
//
//	linker, err := libbpf.NewLinker("app.bpf.o")
//	if err != nil {
//		return err
//	}
//	defer linker.Close()
//	for _, unit := range []string{"trace.bpf.o", "filter.bpf.o"} {
//		if err := linker.AddFile(unit); err != nil {
//			return err
//		}
//	}
//	return linker.Link()
//
// The same objects, added in the same order, give the same bytes. All methods are safe for concurrent use.
type Linker struct {
	h     *handle.Handle
	what  string // for errors
	write func(object []byte) error

	mu    sync.Mutex
	ptr   *cLinker // owned; libbpf writes to out
	out   int
	units linkUnits
	ended error // why nothing more can be added or linked
}

// NewLinker makes a linker that writes a file (bpf_linker__new). [Linker.Link] makes the file, or replaces it, when
// everything is linked: an error leaves it as it was. The caller closes the linker.
func NewLinker(path string) (*Linker, error) {
	if err := cmem.CheckName("path", path); err != nil {
		return nil, &Error{Op: "link", Object: fmt.Sprintf("%q", path), Err: err}
	}
	return newLinker(fmt.Sprintf("%q", path), func(object []byte) error { return withoutPath(wholefile.Write(path, object)) })
}

// NewLinkerTo makes a linker that writes to w (bpf_linker__new_fd), such as an [os.File] or a [bytes.Buffer]. It writes
// once, when everything is linked. The caller closes the linker, and w.
func NewLinkerTo(w io.Writer) (*Linker, error) {
	return newLinker("object", func(object []byte) error {
		_, err := w.Write(object)
		return err
	})
}

// newLinker makes a linker whose output is in memory until write gets it.
func newLinker(what string, write func([]byte) error) (*Linker, error) {
	const op = "link"
	out, err := unix.MemfdCreate("linked", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, &Error{Op: op, Object: what, Err: err}
	}
	l := &Linker{what: what, write: write, out: out}
	l.h = handle.New(handle.Resource{Release: l.free})
	err = call(op, what, func() error {
		var errno error
		if l.ptr, errno = newCLinker(out); l.ptr == nil {
			return fromErrno(errno)
		}
		return nil
	})
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// free is called by the handle.
func (l *Linker) free() error {
	if l.ptr != nil {
		freeLinker(l.ptr)
	}
	return unix.Close(l.out)
}

// AddFile adds a compiled object (bpf_linker__add_file).
//
// errors.Is: unix.EINVAL for an object that does not fit the others, such as one that defines a variable that another
// one has defined; [ErrInvalid] for a damaged object; [os.ErrNotExist]. After an error, nothing can be added or linked.
func (l *Linker) AddFile(path string) error {
	return l.add(fmt.Sprintf("object %q", path), func() ([]byte, error) {
		if err := cmem.CheckName("path", path); err != nil {
			return nil, err
		}
		file, err := os.Open(path)
		if err != nil {
			return nil, withoutPath(err)
		}
		defer file.Close()
		return readUnit(file)
	})
}

// AddFD is [Linker.AddFile] for an open file (bpf_linker__add_fd), which it reads from the beginning. The descriptor
// stays open, and its position does not change.
func (l *Linker) AddFD(fd int) error {
	return l.add(fmt.Sprintf("object on fd %d", fd), func() ([]byte, error) {
		own, err := duplicate(fd)
		if err != nil {
			return nil, err
		}
		file := os.NewFile(uintptr(own), "object")
		defer file.Close()
		return readUnit(file)
	})
}

// AddMemory is [Linker.AddFile] for an object in memory (bpf_linker__add_buf). The name is for errors. AddMemory does
// not keep the bytes after it returns.
func (l *Linker) AddMemory(name string, object []byte) error {
	return l.add(fmt.Sprintf("object %q", name), func() ([]byte, error) { return object, nil })
}

// readUnit reads a regular file from its beginning.
func readUnit(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case info.IsDir():
		return nil, unix.EISDIR
	case !info.Mode().IsRegular():
		return nil, fault.Invalidf("not a regular file")
	}
	image, err := io.ReadAll(io.NewSectionReader(file, 0, math.MaxInt64))
	return image, withoutPath(err)
}

func (l *Linker) add(object string, read func() ([]byte, error)) error {
	const op = "link"
	return l.use(op, object, func() error {
		image, err := read()
		if err != nil {
			return err
		}
		if err := l.units.check(object, image); err != nil {
			return err
		}
		return l.addImage(op, object, image)
	})
}

// addImage gives libbpf a copy that nobody else can change after it was checked.
func (l *Linker) addImage(op, object string, image []byte) error {
	fd, err := unix.MemfdCreate("object", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(fd), "object")
	defer file.Close()
	if _, err := file.Write(image); err != nil {
		return withoutPath(err)
	}
	var ret cInt
	err = call(op, object, func() error {
		ret = addToLinker(l.ptr, fd)
		return clib.FromRet(int(ret))
	})
	if failed, ok := err.(*Error); ok {
		// libbpf knows the object by its descriptor.
		for i, text := range failed.Messages {
			for _, name := range linkerNames(fd) {
				text = strings.ReplaceAll(text, name, object)
			}
			failed.Messages[i] = text
		}
	}
	return err
}

// use runs f, which ends the linker if it fails.
func (l *Linker) use(op, object string, f func() error) error {
	if l == nil {
		return &Error{Op: op, Object: object, Err: ErrClosed}
	}
	if err := l.h.Acquire(); err != nil {
		return &Error{Op: op, Object: object, Err: err}
	}
	defer l.h.Drop()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != nil {
		return &Error{Op: op, Object: object, Err: l.ended}
	}
	err := f()
	if err == nil {
		return nil
	}
	l.ended = fault.Newf(err, "an earlier step failed: %v", err)
	if failed, ok := err.(*Error); ok {
		return failed
	}
	return &Error{Op: op, Object: object, Err: err}
}

// Link joins what was added, and writes the result (bpf_linker__finalize). Afterwards nothing can be added or linked.
func (l *Linker) Link() error {
	const op = "link"
	what := ""
	if l != nil {
		what = l.what
	}
	return l.use(op, what, func() error {
		if l.units.added == 0 {
			return fault.Invalidf("no object was added")
		}
		err := call(op, what, func() error { return clib.FromRet(int(finalizeLinker(l.ptr))) })
		if err != nil {
			return err
		}
		l.ended = fault.Invalidf("already linked")
		object, err := readDescriptor(l.out)
		if err == nil && l.units.added > 1 {
			object, err = relink(l.what, object)
		}
		if err != nil {
			return err
		}
		return l.write(object)
	})
}

// relink links a linked object alone. In its BTF, libbpf has left each variable or map that is extern in one unit, and
// is defined in a later one, at offset 0, and does not open such an object. In what it reads, it corrects the offsets.
func relink(what string, object []byte) ([]byte, error) {
	var again []byte
	l, err := newLinker(what, func(object []byte) error {
		again = object
		return nil
	})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	if err := l.AddMemory("what was linked", object); err != nil {
		return nil, err
	}
	err = l.Link()
	return again, err
}

// readDescriptor reads all of an open file.
func readDescriptor(fd int) ([]byte, error) {
	var all bytes.Buffer
	part := make([]byte, 1<<16)
	for {
		n, err := unix.Pread(fd, part, int64(all.Len()))
		if n <= 0 {
			return all.Bytes(), err
		}
		all.Write(part[:n])
	}
}

// Close frees the linker (bpf_linker__free). Without Link before, nothing is written. It is idempotent.
func (l *Linker) Close() error {
	if l == nil {
		return nil
	}
	return closing(l.what, l.h.Close())
}

// withoutPath is the cause of an error of package os: the path is in this package's error already.
func withoutPath(err error) error {
	if at, ok := err.(*os.PathError); ok {
		return at.Err
	}
	return err
}
