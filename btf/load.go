package btf

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// LoadOptions are options of [BTF.LoadIntoKernel].
type LoadOptions struct {
	// LogLevel is how much the kernel's verifier of types writes into the log of a [LoadError]: 1 or 2. With 0, the
	// kernel is asked for a log of level 1 after it refused the types without one.
	LogLevel uint32
	// TokenFD is a BPF token that grants the right to load types; 0 is none (libbpf 1.4, Linux 6.9).
	TokenFD int
}

// LoadError says that the kernel refused to load types. [errors.Is] finds the errno.
type LoadError struct {
	Log string // of the kernel's verifier of types; it ends with the reason
	Err error

	what string
}

// Error names the types, and returns the errno and the last line of the log.
func (e *LoadError) Error() string {
	text := fmt.Sprintf("btf: load %s into the kernel: %v", e.what, e.Err)
	lines := strings.Split(strings.TrimSpace(e.Log), "\n")
	if last := lines[len(lines)-1]; last != "" {
		text += ": " + last
	}
	return text
}

// Format writes Error. For %+v it also writes the whole log.
func (e *LoadError) Format(f fmt.State, verb rune) {
	switch {
	case verb == 'q':
		_, _ = fmt.Fprintf(f, "%q", e.Error())
	case verb == 'v' && f.Flag('+') && e.Log != "":
		_, _ = io.WriteString(f, e.Error()+"\n"+e.Log)
	default:
		_, _ = io.WriteString(f, e.Error())
	}
}

func (e *LoadError) Unwrap() error { return e.Err }

// LoadIntoKernel gives the types to the kernel, for maps and programs that are made with [BTF.FD] (bpf_btf_load, Linux
// 4.18). The kernel does not take types with a base. Close of b closes the descriptor.
//
// The kernel refuses kinds of types that came after it, which the methods of [Builder] name. If it refuses the types,
// the error is a [*LoadError].
//
// errors.Is: unix.EEXIST if they are loaded already, [os.ErrPermission], unix.EINVAL for types that the kernel refuses,
// [ErrClosed], [errors.ErrUnsupported] for a token before libbpf 1.4.
func (b *BTF) LoadIntoKernel(opts LoadOptions) error {
	if err := b.acquire(); err != nil {
		return err
	}
	defer b.h.Drop()
	fail := func(err error) error { return fmt.Errorf("btf: load %s into the kernel: %w", b.what, err) }
	if opts.TokenFD < 0 || opts.LogLevel > 2 {
		return fail(fault.Invalidf("TokenFD is %d, LogLevel %d", opts.TokenFD, opts.LogLevel))
	}
	if opts.TokenFD != 0 {
		if err := clib.Needs("bpf_btf_load with a token", 1, 4); err != nil {
			return fail(err)
		}
	}
	raw, err := b.nativeRaw()
	if err != nil {
		return fail(err)
	}
	b.fdMu.Lock()
	defer b.fdMu.Unlock()
	if fdOf(b.c) >= 0 {
		return fail(fault.New("it is loaded", unix.EEXIST))
	}
	fd, log := load(raw, opts)
	if fd < 0 {
		return &LoadError{log, clib.FromRet(int(fd)), b.what}
	}
	setFD(b.c, fd)
	return nil
}

// load asks for a log only when it must: a log that is too short makes the kernel refuse the types.
func load(raw []byte, opts LoadOptions) (fd cInt, log string) {
	const firstLog, lastLog = 64 << 10, 16 << 20
	if opts.LogLevel == 0 {
		if fd, _ := loadIntoKernel(raw, 0, nil, opts.TokenFD); fd >= 0 {
			return fd, ""
		}
		opts.LogLevel = 1
	}
	for size := firstLog; ; size *= 4 {
		fd, log = loadIntoKernel(raw, opts.LogLevel, make([]byte, size), opts.TokenFD)
		if fd >= 0 || !errors.Is(clib.FromRet(int(fd)), unix.ENOSPC) || size >= lastLog {
			return fd, log
		}
	}
}

// nativeRaw are the raw types in this machine's byte order, as the kernel wants them.
func (b *BTF) nativeRaw() ([]byte, error) {
	if b.order == nativeOrder {
		return b.raw()
	}
	swapped := b.Builder()
	defer swapped.Close()
	swapped.SetByteOrder(nativeOrder)
	return swapped.Raw()
}

// FD is the descriptor of the types in the kernel, or -1 if [BTF.LoadIntoKernel] did not load them, and after Close
// (btf__fd). b owns it: do not close it. After Close the number may be another file's; UseFD keeps it open during a
// call.
func (b *BTF) FD() int {
	if b.acquire() != nil {
		return -1
	}
	defer b.h.Drop()
	return b.fd()
}

func (b *BTF) fd() int {
	b.fdMu.Lock()
	defer b.fdMu.Unlock()
	return int(fdOf(b.c))
}

// UseFD runs f with the descriptor of the types in the kernel. The descriptor stays open until f returns, even if b is
// closed meanwhile. UseFD returns f's error unchanged.
//
// errors.Is: [ErrClosed], unix.EBADF if the types were not loaded.
func (b *BTF) UseFD(f func(fd int) error) error {
	if err := b.acquire(); err != nil {
		return err
	}
	defer b.h.Drop()
	fd := b.fd()
	if fd < 0 {
		return fmt.Errorf("btf: use the descriptor of %s: %w", b.what, fault.New("not in the kernel", unix.EBADF))
	}
	return f(fd)
}
