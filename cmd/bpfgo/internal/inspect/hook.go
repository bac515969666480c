package inspect

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kernel"
	"github.com/libbpf-go/libbpf-go/internal/symbol"
)

// hook is what a program attaches to.
type hook struct {
	Kind   string         `json:"kind"`             // in words, such as "kernel function"
	Target string         `json:"target,omitempty"` // its name, where the section has one
	Binary string         `json:"binary,omitempty"` // that has the target
	Here   *kernel.Answer `json:"here,omitempty"`   // whether the kernel, or this machine, has the target
}

func (h hook) String() string {
	text := h.Kind
	if h.Target != "" {
		text += " " + h.Target
	}
	if h.Binary != "" {
		text += " of " + h.Binary
	}
	return text
}

// places are what programs attach to whose section names no target.
var places = map[libbpf.ProgramType]string{
	libbpf.ProgramTypeXDP:                   "network interface",
	libbpf.ProgramTypeSchedCls:              "traffic control",
	libbpf.ProgramTypeSchedAct:              "traffic control (action)",
	libbpf.ProgramTypeSocketFilter:          "socket",
	libbpf.ProgramTypePerfEvent:             "perf event",
	libbpf.ProgramTypeCgroupSKB:             "cgroup",
	libbpf.ProgramTypeCgroupSock:            "cgroup",
	libbpf.ProgramTypeCgroupDevice:          "cgroup",
	libbpf.ProgramTypeCgroupSockAddr:        "cgroup",
	libbpf.ProgramTypeCgroupSysctl:          "cgroup",
	libbpf.ProgramTypeCgroupSockopt:         "cgroup",
	libbpf.ProgramTypeSockOps:               "cgroup",
	libbpf.ProgramTypeSKSKB:                 "map of sockets",
	libbpf.ProgramTypeSKMsg:                 "map of sockets",
	libbpf.ProgramTypeSKLookup:              "network namespace",
	libbpf.ProgramTypeFlowDissector:         "network namespace",
	libbpf.ProgramTypeSKReuseport:           "sockets that share a port",
	libbpf.ProgramTypeNetfilter:             "netfilter hook",
	libbpf.ProgramTypeLWTIn:                 "route",
	libbpf.ProgramTypeLWTOut:                "route",
	libbpf.ProgramTypeLWTXmit:               "route",
	libbpf.ProgramTypeLWTSeg6Local:          "route",
	libbpf.ProgramTypeLircMode2:             "infrared device",
	libbpf.ProgramTypeSyscall:               "nothing: user space runs it",
	libbpf.ProgramTypeRawTracepointWritable: "writable tracepoint",
}

// hook reads the section of a program, as libbpf does when it attaches the program.
func (r *reader) hook(name, section string, typ libbpf.ProgramType, attachType libbpf.ProgramAttachType) hook {
	whole, target, _ := strings.Cut(section, "/")
	kind, _, _ := strings.Cut(whole, ".")
	k := r.kernel
	in := func(words string, ask func(string) kernel.Answer) hook {
		h := hook{Kind: words, Target: target}
		if target != "" && ask != nil {
			answer := ask(target)
			h.Here = &answer
		}
		return h
	}
	switch typ {
	case libbpf.ProgramTypeKprobe:
		return r.probe(kind, target)
	case libbpf.ProgramTypeTracepoint:
		return in("tracepoint", func(target string) kernel.Answer {
			category, event, _ := strings.Cut(target, "/")
			return k.Tracepoint(category, event)
		})
	case libbpf.ProgramTypeRawTracepoint, libbpf.ProgramTypeRawTracepointWritable:
		return in("raw tracepoint", k.RawTracepoint)
	case libbpf.ProgramTypeTracing:
		switch kind {
		case "tp_btf":
			return in("tracepoint", k.RawTracepoint)
		case "iter":
			return in("iterator", k.Iterator)
		}
		if _, function, inModule := strings.Cut(target, ":"); inModule {
			return in("kernel function", func(string) kernel.Answer { return k.Traced(function) })
		}
		return in("kernel function", k.Traced)
	case libbpf.ProgramTypeLSM:
		return in("LSM hook", k.LSMHook)
	case libbpf.ProgramTypeExt:
		return in("function of another program", nil)
	case libbpf.ProgramTypeStructOps:
		if callback := r.callbacks[name]; callback != "" {
			return hook{Kind: "callback", Target: callback}
		}
		return hook{Kind: "callback"}
	}
	h := hook{Kind: places[typ]}
	if h.Kind == "cgroup" && attachType.String() != typ.String() {
		h.Kind += ", " + strings.TrimPrefix(attachType.String(), "cgroup_")
	}
	if h.Kind == "" {
		h.Kind = "unknown"
	}
	return h
}

// probe is what a kprobe or its like attaches to.
func (r *reader) probe(kind, target string) hook {
	if target == "" {
		return hook{Kind: map[bool]string{true: "user function", false: "kernel function"}[kind == "uprobe" ||
			kind == "uretprobe" || kind == "usdt"]}
	}
	switch kind {
	case "ksyscall", "kretsyscall":
		answer := r.kernel.Syscall(target)
		return hook{Kind: "system call", Target: target, Here: &answer}
	case "uprobe", "uretprobe":
		binary, function, _ := cutLast(target, ":")
		answer := inBinary(binary, function)
		return hook{Kind: "user function", Target: function, Binary: binary, Here: &answer}
	case "usdt":
		binary, place, _ := strings.Cut(target, ":")
		answer := hasUSDT(binary, place)
		return hook{Kind: "USDT", Target: place, Binary: binary, Here: &answer}
	}
	function, _, _ := strings.Cut(target, "+")
	answer := r.kernel.Function(function)
	return hook{Kind: "kernel function", Target: target, Here: &answer}
}

func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}

// inBinary is whether a binary of this machine has a function.
func inBinary(binary, function string) kernel.Answer {
	path, err := symbol.Locate(binary)
	if err != nil {
		return kernel.Answer{State: kernel.No, Why: err.Error()}
	}
	file, err := symbol.Open(path)
	if err != nil {
		return fileAnswer(err)
	}
	defer file.Close()
	name, offset, _ := strings.Cut(function, "+")
	if _, err := strconv.ParseUint(name, 0, 64); err == nil && offset == "" || name == "" {
		return kernel.Answer{State: kernel.Yes}
	}
	if strings.ContainsAny(name, "*?") {
		_, err = file.Matching(name)
	} else {
		_, err = file.Offsets([]string{name})
	}
	if err != nil {
		return fileAnswer(err)
	}
	return kernel.Answer{State: kernel.Yes}
}

func fileAnswer(err error) kernel.Answer {
	if errors.Is(err, fs.ErrPermission) {
		return kernel.Answer{State: kernel.Unknown, Why: err.Error()}
	}
	return kernel.Answer{State: kernel.No, Why: err.Error()}
}
