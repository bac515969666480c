package libbpf

/*
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

// Returns whether this process can create BPF maps at all: every kernel has this map type.
static int lbg_may_probe(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, NULL, 8, 8, 1, &opts);

	if (fd >= 0)
		close(fd);
	return fd;
}

// Loads a program for a tracepoint, with a BTF type that is not a tracepoint's. Only a verifier that supports such
// programs reports this.
static int lbg_probe_tracing(char *log, size_t size)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		.expected_attach_type = BPF_TRACE_RAW_TP,
		.attach_btf_id = 1,
		.log_buf = log,
		.log_size = size,
		.log_level = 1,
	);
	int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL", insns, 2, &opts);

	if (fd >= 0)
		close(fd);
	return fd;
}

// Creates a map, and returns the error if it fails.
static int lbg_probe_map(__u32 type, __u32 key_size, __u32 value_size, __u32 flags, __u32 vmlinux_value_type_id)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		.map_flags = flags,
		.btf_vmlinux_value_type_id = vmlinux_value_type_id,
	);
	int fd = bpf_map_create(type, NULL, key_size, value_size, 1, &opts);

	if (fd >= 0)
		close(fd);
	return fd;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// probe runs one of libbpf's probes. They return 0 also when the process has no right to try.
func probe(what string, f func() C.int) (bool, error) {
	supported := false
	err := call("probe", what, func() error {
		ret := f()
		if ret != 0 {
			supported = ret > 0
			return clib.FromRet(int(ret))
		}
		if err := clib.FromRet(int(C.lbg_may_probe())); errors.Is(err, unix.EPERM) {
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
	return probe("program type "+t.String(), func() C.int {
		ret := C.libbpf_probe_bpf_prog_type(uint32(t), nil)
		if ret == 0 && t == ProgramTypeTracing {
			// libbpf probes with fentry. Some kernels lack fentry, but have the other kinds of tracing programs.
			var log [4096]C.char
			C.lbg_probe_tracing(&log[0], C.size_t(len(log)))
			if strings.Contains(C.GoString(&log[0]), "attach_btf_id 1 is not a typedef") {
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
	return probe("map type "+t.String(), func() C.int {
		ret := C.libbpf_probe_bpf_map_type(uint32(t), nil)
		switch {
		case t == MapTypeStructOps && ret == 0:
			// libbpf's probe passes the fd of a module's BTF, which kernels before 6.9 do not support. Type 1 is not a
			// struct of callbacks.
			ret = C.lbg_probe_map(C.__u32(t), 4, 4, 0, 1)
			if syscall.Errno(-ret) == errNotSupp {
				return 1
			}
		case t == MapTypeArena && ret == -C.int(unix.EOPNOTSUPP):
			ret = C.lbg_probe_map(C.__u32(t), 0, 0, C.__u32(CreateMMapable), 0)
		case t == MapTypeInsnArray && ret == -C.int(unix.EOPNOTSUPP):
			ret = C.lbg_probe_map(C.__u32(t), 4, 16, 0, 0)
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
	supported, err := probe(what, func() C.int { return C.libbpf_probe_bpf_helper(uint32(t), uint32(id), nil) })
	if err != nil || !supported {
		return false, err
	}
	// libbpf's probe treats each failure that does not name the helper as success.
	return t.IsSupported()
}
