package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

// machine is where a run measured, and what.
type machine struct {
	Kernel    string `json:"kernel"`
	Arch      string `json:"arch"`
	CPU       string `json:"cpu"`
	CPUs      int    `json:"cpus"`
	Load      string `json:"load"` // when it began
	Go        string `json:"go"`
	Libbpf    string `json:"libbpf"`
	Cilium    string `json:"cilium"`
	Libbpfgo  string `json:"libbpfgo"`
	MediansOf string `json:"mediansOf"` // CPU time or wall time
}

func thisMachine(mediansOf string) machine {
	var uname unix.Utsname
	_ = unix.Uname(&uname)
	versions := make(map[string]string)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			versions[dep.Path] = dep.Version
		}
	}
	return machine{
		Kernel: unix.ByteSliceToString(uname.Release[:]), Arch: unix.ByteSliceToString(uname.Machine[:]),
		CPU:  strings.Join(strings.Fields(procField("/proc/cpuinfo", "model name")), " "),
		CPUs: runtime.NumCPU(), Load: loadAverage(), Go: runtime.Version(), Libbpf: libbpf.Version().String(),
		Cilium: versions["github.com/cilium/ebpf"], Libbpfgo: versions["github.com/aquasecurity/libbpfgo"],
		MediansOf: mediansOf,
	}
}

func (m machine) String() string {
	return fmt.Sprintf("kernel %s %s, %d CPUs (%s), load %s\n%s, libbpf %s, cilium/ebpf %s, libbpfgo %s, medians of %s, with quartiles",
		m.Kernel, m.Arch, m.CPUs, m.CPU, m.Load, m.Go, m.Libbpf, m.Cilium, m.Libbpfgo, m.MediansOf)
}

// procField is what a file of the form "name : value" says first about name.
func procField(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	load, _, _ := strings.Cut(string(text), " ")
	return load
}
