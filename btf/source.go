package btf

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Parse reads the type information in the file at path (btf__parse); the caller closes it. The file is an ELF file with
// a .BTF section, such as a compiled BPF object, or has raw BTF, as the file /sys/kernel/btf/vmlinux does. A kernel
// module may have the types that it needs of the kernel in its section .BTF.base (libbpf 1.5): they are then the
// [BTF.Base].
//
// errors.Is: [ErrNoBTF] for an ELF file without type information, [os.ErrNotExist], [os.ErrPermission], unix.EINVAL for
// damaged type information, and for kinds of types that the linked libbpf does not know.
func Parse(path string) (*BTF, error) {
	return parseAt(path, func(p cString) (*BTF, error) {
		return newBTF("parse", path, nil, func(ret *cInt) *cBTF { return parseFile(p, ret) })
	})
}

// ParseSplit is [Parse] for types that refer to those of base, such as a module's to the kernel's (btf__parse_split).
// Their numbers come after those of base. If the file has a section .BTF.base (libbpf 1.5), its types are relocated to
// base: see [Builder.Relocate]. base may be closed before the result.
//
// errors.Is: as for [Parse], [ErrClosed] for base.
func ParseSplit(path string, base *BTF) (*BTF, error) {
	return parseAt(path, func(p cString) (*BTF, error) {
		return newSplitBTF("parse", path, base, func(base *cBTF, ret *cInt) *cBTF { return parseFileSplit(p, base, ret) })
	})
}

func parseAt(path string, parse func(path cString) (*BTF, error)) (*BTF, error) {
	var c cArgs
	defer c.Free()
	p := c.Name("path", path)
	if c.Err != nil {
		return nil, fmt.Errorf("btf: parse %q: %w", path, c.Err)
	}
	b, err := parse(p)
	switch {
	case lacksBTF(path, err):
		return nil, fmt.Errorf("btf: parse %s: %w", path, ErrNoBTF)
	case err != nil:
		return nil, err
	}
	return b.trustOrCheck()
}

// lacksBTF reports whether the error means an ELF file without type information. Older versions of libbpf return the
// errno of a missing file for it.
func lacksBTF(path string, err error) bool {
	if errors.Is(err, unix.ENOENT) {
		_, err := os.Stat(path)
		return err == nil
	}
	return errors.Is(err, unix.ENODATA)
}

const rawWhat = "raw data"

// ParseRaw reads raw type information, which is the content of a .BTF section (btf__new); the caller closes it.
// ParseRaw copies data.
//
// errors.Is: unix.EINVAL for data that is not type information, is damaged, or has kinds of types that the linked
// libbpf does not know.
func ParseRaw(data []byte) (*BTF, error) {
	if err := checkRaw(data); err != nil {
		return nil, err
	}
	b, err := newBTF("parse", rawWhat, nil, func(ret *cInt) *cBTF { return parseRaw(data, nil, ret) })
	if err != nil {
		return nil, err
	}
	return b.trustOrCheck()
}

// ParseRawSplit is [ParseRaw] for types that refer to those of base (btf__new_split). Their numbers come after those of
// base. base may be closed before the result.
//
// errors.Is: as for [ParseRaw], [ErrClosed] for base.
func ParseRawSplit(data []byte, base *BTF) (*BTF, error) {
	if err := checkRaw(data); err != nil {
		return nil, err
	}
	b, err := newSplitBTF("parse", rawWhat, base, func(base *cBTF, ret *cInt) *cBTF { return parseRaw(data, base, ret) })
	if err != nil {
		return nil, err
	}
	return b.trustOrCheck()
}

func checkRaw(data []byte) error {
	if len(data) == 0 || uint64(len(data)) > math.MaxUint32 {
		return fmt.Errorf("btf: parse %s of %d bytes: %w", rawWhat, len(data), fault.Invalidf("it must have from 1 byte to 4 GiB"))
	}
	return nil
}

// LoadKernel reads the running kernel's type information (btf__load_vmlinux_btf); the caller closes it. It reads
// /sys/kernel/btf/vmlinux or, if that does not exist, the kernel image where distributions install it. It needs Linux
// 5.4, built with CONFIG_DEBUG_INFO_BTF.
//
// errors.Is: [os.ErrNotExist] when there is none.
func LoadKernel() (*BTF, error) {
	return newBTF("load", "the kernel's types", nil, loadKernelTypes)
}

// LoadModule reads the type information of a kernel module (btf__load_module_btf, Linux 5.11); the caller closes it.
// The module's types are numbered after the kernel's, and refer to them. kernel may be closed before the result.
//
// errors.Is: [os.ErrNotExist] when the module does not exist or is not loaded; [ErrClosed] for kernel.
func LoadModule(name string, kernel *BTF) (*BTF, error) {
	if name == "" || strings.ContainsAny(name, "/\x00") || strings.HasPrefix(name, ".") {
		return nil, fmt.Errorf("btf: load types of module %q: %w", name, fault.Invalidf("not a valid module name"))
	}
	var c cArgs
	defer c.Free()
	p := c.Of("name", name)
	return newSplitBTF("load", "types of module "+name, kernel, func(kernel *cBTF, ret *cInt) *cBTF {
		return loadModuleTypes(p, kernel, ret)
	})
}

// FromID reads type information that is in the kernel: its own, or that of a module, a program or a map
// (btf__load_from_kernel_by_id, Linux 4.18); the caller closes it. It needs CAP_SYS_ADMIN. A module's types refer to
// the kernel's: FromID reads these too, and they are the [BTF.Base].
//
// errors.Is: [os.ErrNotExist] when there is none with that id, [os.ErrPermission].
func FromID(id uint32) (*BTF, error) {
	what := fmt.Sprintf("types with id %d", id)
	module := isModule(id)
	switch {
	case module < 0:
		return nil, fmt.Errorf("btf: load %s: %w", what, clib.FromRet(int(module)))
	case module == 0:
		return newBTF("load", what, nil, func(ret *cInt) *cBTF { return loadByID(id, nil, ret) })
	}
	kernel, err := LoadKernel()
	if err != nil {
		return nil, fmt.Errorf("btf: load %s, a module's: %w", what, err)
	}
	b, err := FromIDSplit(id, kernel)
	if err != nil {
		_ = kernel.Close()
		return nil, err
	}
	b.ownsBase = true
	return b, nil
}

// FromIDSplit reads the type information of a module, by the id that the kernel gave it
// (btf__load_from_kernel_by_id_split, Linux 5.11); the caller closes it. base are the kernel's types. It may be closed
// before the result.
//
// errors.Is: as for [FromID], [ErrClosed] for base; unix.EINVAL for types that are not a module's.
func FromIDSplit(id uint32, base *BTF) (*BTF, error) {
	return newSplitBTF("load", fmt.Sprintf("a module's types with id %d", id), base, func(base *cBTF, ret *cInt) *cBTF {
		// libbpf would take the numbers and names of other types for those of base.
		if *ret = isModule(id); *ret == 0 {
			*ret = -cInt(unix.EINVAL)
		}
		if *ret < 0 {
			return nil
		}
		return loadByID(id, base, ret)
	})
}
