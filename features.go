package libbpf

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// probe runs one of libbpf's probes. They return 0 also when the process has no right to try.
func probe(what string, f func() cInt) (bool, error) {
	supported := false
	err := call("probe", what, func() error {
		ret := f()
		if ret != 0 {
			supported = ret > 0
			return clib.FromRet(int(ret))
		}
		if err := clib.FromRet(int(probeAny())); errors.Is(err, unix.EPERM) {
			return err
		}
		return nil
	})
	return supported, err
}

// IsSupported tells whether the running kernel can load programs of this type, by loading one
// (libbpf_probe_bpf_prog_type). errors.Is(err, [os.ErrPermission]) when the process can't load any program,
// errors.Is(err, [errors.ErrUnsupported]) for a type that the linked libbpf does not know. The result is for this
// process: with only some capabilities, such as CAP_BPF without CAP_NET_ADMIN, it may be false although the kernel
// supports the type.
func (t ProgramType) IsSupported() (bool, error) {
	return probe("program type "+t.String(), func() cInt {
		ret := probeProgramType(t)
		if ret == 0 && t == ProgramTypeTracing {
			// libbpf probes with fentry. Some kernels lack fentry, but have the other kinds of tracing programs.
			if strings.Contains(probeTracing(), "attach_btf_id 1 is not a typedef") {
				return 1
			}
		}
		return ret
	})
}

// IsSupported tells whether the running kernel can create maps of this type, by creating one
// (libbpf_probe_bpf_map_type). errors.Is(err, [os.ErrPermission]) when the process can't create them, errors.Is(err,
// [errors.ErrUnsupported]) for a type that neither the linked libbpf nor this package knows.
func (t MapType) IsSupported() (bool, error) {
	return probe("map type "+t.String(), func() cInt {
		ret := probeMapType(t)
		switch {
		case t == MapTypeStructOps && ret == 0:
			// libbpf's probe passes the fd of a module's BTF, which kernels before 6.9 do not support. Type 1 is not a
			// struct of callbacks.
			ret = probeMap(t, 4, 4, 0, 1)
			if syscall.Errno(-ret) == errNotSupp {
				return 1
			}
		case t == MapTypeArena && ret == -cInt(unix.EOPNOTSUPP):
			ret = probeMap(t, 0, 0, CreateMMapable, 0)
		case t == MapTypeInsnArray && ret == -cInt(unix.EOPNOTSUPP):
			ret = probeMap(t, 4, 16, 0, 0)
		default:
			return ret
		}
		if ret >= 0 {
			return 1
		}
		return 0
	})
}

// HelperSupported tells whether programs of a type can call a helper in the running kernel, by loading a program
// (libbpf_probe_bpf_helper). errors.Is(err, [os.ErrPermission]) when the process can't load any program, errors.Is(err,
// [errors.ErrUnsupported]) for the types that need something to attach to when they are loaded: tracing, ext, LSM and
// struct_ops.
func HelperSupported(t ProgramType, id HelperID) (bool, error) {
	what := fmt.Sprintf("helper %s in program type %s", id, t)
	supported, err := probe(what, func() cInt { return probeHelper(t, id) })
	if err != nil || !supported {
		return false, err
	}
	// libbpf's probe treats each failure that does not name the helper as success.
	return t.IsSupported()
}
