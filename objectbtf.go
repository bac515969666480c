package libbpf

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// setCustomBTF gives libbpf [ObjectBuilder.BTFCustom] as a file, which o owns: libbpf reads it when it loads the object.
// The types are checked before, because libbpf trusts them: with damaged ones it never ends.
func (b ObjectBuilder) setCustomBTF(c *cArgs, opts *cOpenOpts, o *OpenObject) error {
	path := b.BTFCustomPath
	switch {
	case b.BTFCustom == nil && path == "":
		return nil
	case b.BTFCustom != nil && path != "":
		return fault.Invalidf("BTFCustom and BTFCustomPath exclude one another")
	case b.BTFCustom != nil && len(b.BTFCustom) == 0:
		return fault.Invalidf("BTFCustom is empty")
	case b.BTFCustom != nil:
		fd, err := unix.MemfdCreate("btf", unix.MFD_CLOEXEC)
		if err != nil {
			return fmt.Errorf("custom BTF: %w", os.NewSyscallError("memfd_create", err))
		}
		o.lentFDs = append(o.lentFDs, fd)
		for rest := b.BTFCustom; len(rest) > 0; {
			n, err := unix.Write(fd, rest)
			if err != nil {
				return fmt.Errorf("custom BTF: %w", os.NewSyscallError("write", err))
			}
			rest = rest[n:]
		}
		path = fmt.Sprintf("/proc/self/fd/%d", fd)
		setOpenBTF(opts, c.Of("custom BTF path", path))
	case strings.HasPrefix(path, "/sys/kernel/btf/"):
		return nil // the kernel has checked it
	default:
		// What can be read only once is libbpf's to read.
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return nil
		}
	}
	types, err := btf.Parse(path)
	switch {
	case err != nil && b.BTFCustom == nil:
		return nil // Load returns what libbpf says about it
	case err != nil:
		return fmt.Errorf("custom BTF: %w", err)
	}
	defer types.Close()
	if err := types.Check(); err != nil {
		return fmt.Errorf("custom BTF: %w", err)
	}
	return nil
}
