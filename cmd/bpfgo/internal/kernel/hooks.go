package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
)

// Function is whether the kernel has a function for kprobes. The name may be a pattern with * and ?.
func (k *Kernel) Function(name string) Answer {
	symbols, err := k.symbols()
	if err != nil {
		// BTF has most functions, and not all: a negative answer says nothing.
		if k.types != nil && !strings.ContainsAny(name, "*?") && k.has(name, btf.KindFunc) {
			return yes
		}
		return unknown(err.Error())
	}
	if !strings.ContainsAny(name, "*?") {
		if symbols[name] {
			return yes
		}
		return no("there is no such function")
	}
	count := 0
	for symbol := range symbols {
		if ok, _ := path.Match(name, symbol); ok {
			count++
		}
	}
	if count == 0 {
		return no("no function has such a name")
	}
	return Answer{Yes, fmt.Sprintf("%d functions", count)}
}

// Syscall is whether the kernel has a function for a system call.
func (k *Kernel) Syscall(name string) Answer {
	prefix, ok := map[string]string{
		"386": "__ia32_", "amd64": "__x64_", "arm64": "__arm64_", "riscv64": "__riscv_", "s390x": "__s390x_",
	}[runtime.GOARCH]
	wrapped, plain := k.Function(prefix+"sys_"+name), k.Function("sys_"+name)
	if !ok || wrapped.State != Yes && plain.State == Yes {
		return plain
	}
	if wrapped.State == No {
		return no("there is no such system call")
	}
	return wrapped
}

// Traced is whether the kernel has a function for fentry and its like. It must be in BTF.
func (k *Kernel) Traced(function string) Answer {
	return k.typed(function, btf.KindFunc, "function in its BTF")
}

// RawTracepoint is whether the kernel has a tracepoint of that name, for tp_btf and raw_tp.
func (k *Kernel) RawTracepoint(name string) Answer {
	return k.typed("btf_trace_"+name, btf.KindTypedef, "tracepoint")
}

// Tracepoint is whether the kernel has an event of that name in tracefs.
func (k *Kernel) Tracepoint(category, name string) Answer {
	if k.other {
		if category != "syscalls" && k.RawTracepoint(name).State == Yes {
			return yes
		}
		return unknown(errOther.Error())
	}
	why := "tracefs is not mounted"
	for _, root := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		_, err := os.Stat(filepath.Join(root, "events", "enable"))
		if errors.Is(err, fs.ErrPermission) {
			why = "only root may look into tracefs"
		}
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, "events", category, name, "id")); err == nil {
			return yes
		}
		return no("there is no such event in " + root)
	}
	if category != "syscalls" && k.types != nil && k.RawTracepoint(name).State == Yes {
		return yes // of which category, is not said
	}
	return unknown(why)
}

// LSMHook is whether programs can attach to a hook of the security modules.
func (k *Kernel) LSMHook(name string) Answer {
	answer := k.typed("bpf_lsm_"+name, btf.KindFunc, "LSM hook")
	if answer.State != Yes || k.other {
		return answer
	}
	if active, err := os.ReadFile("/sys/kernel/security/lsm"); err == nil && !strings.Contains(string(active), "bpf") {
		return no("the security module bpf is not active (lsm= on the kernel's command line)")
	}
	return answer
}

// Iterator is whether the kernel has an iterator of that name.
func (k *Kernel) Iterator(name string) Answer {
	return k.typed("bpf_iter_"+name, btf.KindFunc, "iterator")
}
