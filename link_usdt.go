package libbpf

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// USDTOptions are the options for [Program.AttachUSDT] (struct bpf_usdt_opts).
type USDTOptions struct {
	Cookie uint64 // what bpf_usdt_cookie returns in the program, also before Linux 5.15
}

// AttachUSDT runs the program, of section "usdt", when a process reaches a statically defined probe of a binary
// (bpf_program__attach_usdt). A probe can be at several places in the binary. pid is the id of the process,
// [AllProcesses] or [ThisProcess]. binary is as for [Program.AttachUprobe], but must not be in an archive. The
// program's source must include bpf/usdt.bpf.h; the map of probes of that header limits how many probes can be attached
// at once. From Linux 6.6 on, the program may have section "uprobe.multi" instead of "usdt", but no other.
//
// The link has no descriptor: it can't be pinned, updated or detached other than by Close. It belongs to the caller;
// Close of the object closes it too.
//
// errors.Is(err, os.ErrNotExist) when there is no such file or probe, unix.ESRCH when the object lacks the map of
// probes or there is no such process, [ErrInvalid] when that map is of another libbpf's usdt.bpf.h, unix.E2BIG when
// that map is full, unix.EEXIST before Linux 5.15 when a program of the object is attached to the probe already.
func (p *Program) AttachUSDT(pid int, binary, provider, name string, opts USDTOptions) (*Link, error) {
	place := fmt.Sprintf("USDT probe %s:%s of %s", provider, name, binary)
	var c cArgs
	defer c.Free()
	path := c.Name("binary", binary)
	cProvider := c.Name("provider", provider)
	cName := c.Name("probe", name)
	link, err := p.attachLocking(place, p.usdtLock(), func() (*cLink, error) {
		if err := p.checkType("USDT", ProgramTypeKprobe); err != nil {
			return nil, err
		}
		pid, err := checkPID(pid)
		if err != nil {
			return nil, err
		}
		if c.Err != nil {
			return nil, c.Err
		}
		if err := p.o.checkUSDTSpecs(); err != nil {
			return nil, err
		}
		return attachUSDT(p.ptr, pid, path, cProvider, cName, opts.Cookie)
	})
	// libbpf prints a message when anything else is missing.
	if e, ok := err.(*Error); ok && e.Err == unix.ENOENT && len(e.Messages) == 0 {
		e.Err = fault.New("it has no such probe", unix.ENOENT)
	}
	return link, err
}

// checkUSDTSpecs refuses an object whose map of probes has another layout than libbpf's: the program would read wrong
// arguments, without any error.
func (o *Object) checkUSDTSpecs() error {
	const name = "__bpf_usdt_specs"
	size := clib.USDTSpecSize()
	for _, m := range o.maps {
		if m.name == name && size != 0 && int(m.valueSize) != size {
			return fault.Invalidf("map %q has values of %d bytes where libbpf %s writes %d: "+
				"compile the object with the bpf/usdt.bpf.h of that libbpf", name, m.valueSize, clib.VersionString(), size)
		}
	}
	return nil
}
