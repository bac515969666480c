package features

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/holders"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
)

// Setting is a setting of the system that BPF depends on.
type Setting struct {
	Name    string `json:"name"`
	Value   string `json:"value"` // "?" if it can't be read
	Meaning string `json:"meaning,omitempty"`
}

// The values of settings that are missing.
const (
	notKnown   = "?"
	notBuilt   = "n"
	notMounted = "not mounted"
)

// isThere tells whether a setting is neither missing nor unknown.
func (s Setting) isThere() bool {
	return s.Value != notKnown && s.Value != notBuilt && s.Value != notMounted
}

// system reads the settings of the system, and the rights of the process.
func system() []Setting {
	all := []Setting{
		{"kernel", release(), ""},
		sysctl("net.core.bpf_jit_enable", map[string]string{
			"0": "programs are interpreted", "1": "programs become machine code", "2": "programs become machine code, which is in the kernel's log",
		}),
		sysctl("net.core.bpf_jit_harden", map[string]string{
			"0": "constants stay", "1": "constants of programs without privileges are blinded", "2": "all constants are blinded",
		}),
		sysctl("kernel.unprivileged_bpf_disabled", map[string]string{
			"0": "everybody may load socket filters", "1": "nobody without CAP_BPF may load programs, until the next boot",
			"2": "nobody without CAP_BPF may load programs",
		}),
		sysctl("kernel.bpf_stats_enabled", map[string]string{
			"0": "runs of programs are not counted", "1": "runs of programs are counted",
		}),
		sysctl("kernel.kptr_restrict", map[string]string{
			"0": "addresses are shown if kernel.perf_event_paranoid is below 2, or with CAP_SYSLOG",
			"1": "addresses are shown with CAP_SYSLOG", "2": "addresses are hidden",
		}),
		sysctl("kernel.perf_event_paranoid", map[string]string{
			"-1": "everybody may open perf events", "0": "everybody may open perf events, without raw tracepoints",
			"1": "everybody may open perf events of own processes",
			"2": "everybody may open perf events of own processes, without the kernel's part",
			"3": "perf events need CAP_PERFMON", "4": "perf events need CAP_SYS_ADMIN",
		}),
		lockdown(), memlock(),
		mount("bpf file system", "bpf", "mount -t bpf bpf /sys/fs/bpf"),
		mount("tracefs", "tracefs", "mount -t tracefs tracefs /sys/kernel/tracing"),
		mount("cgroups of version 2", "cgroup2", "mount -t cgroup2 none /sys/fs/cgroup"),
		capabilities(),
	}
	return all
}

func release() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return "?"
	}
	return unix.ByteSliceToString(name.Release[:]) + " " + unix.ByteSliceToString(name.Machine[:])
}

func sysctl(name string, meanings map[string]string) Setting {
	text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	if err != nil {
		why := "this kernel has no such setting"
		if os.IsPermission(err) {
			why = "it can't be read"
		}
		return Setting{name, notKnown, why}
	}
	value := strings.TrimSpace(string(text))
	return Setting{name, value, meanings[value]}
}

func lockdown() Setting {
	text, err := os.ReadFile("/sys/kernel/security/lockdown")
	if err != nil {
		return Setting{"lockdown", notKnown, "the kernel has none, or securityfs is not mounted"}
	}
	_, mode, _ := strings.Cut(string(text), "[")
	mode, _, _ = strings.Cut(mode, "]")
	meaning := ""
	switch mode {
	case "integrity":
		meaning = "programs may not write to the memory of users"
	case "confidentiality":
		meaning = "programs may not read the kernel's memory"
	}
	return Setting{"lockdown", mode, meaning}
}

func memlock() Setting {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return Setting{"memory lock limit", notKnown, err.Error()}
	}
	value := fmt.Sprintf("%d bytes", limit.Cur)
	if limit.Cur == unix.RLIM_INFINITY {
		value = "unlimited"
	}
	return Setting{"memory lock limit", value, "counts for maps and programs before Linux 5.11, and for perf buffers"}
}

func mount(name, fsType, how string) Setting {
	places, err := holders.Mounts(fsType)
	switch {
	case err != nil:
		return Setting{name, notKnown, err.Error()}
	case len(places) == 0:
		return Setting{name, notMounted, how}
	}
	return Setting{name, strings.Join(places, " "), ""}
}

// capabilities are those of the process that BPF asks for.
func capabilities() Setting {
	var in, out []string
	for _, c := range []privilege.Capability{
		privilege.BPF, privilege.Perfmon, privilege.NetAdmin, privilege.SysAdmin, privilege.SysResource, privilege.Syslog,
		privilege.SysPtrace, privilege.DACReadSearch,
	} {
		name := strings.ToLower(strings.TrimPrefix(c.String(), "CAP_"))
		missing, err := privilege.Lacks(c)
		switch {
		case err != nil:
			return Setting{"capabilities", notKnown, err.Error()}
		case len(missing) > 0:
			out = append(out, name)
		default:
			in = append(in, name)
		}
	}
	s := Setting{Name: "capabilities", Value: strings.Join(in, " ")}
	if s.Value == "" {
		s.Value = "none"
	}
	if len(out) > 0 {
		s.Meaning = "the process lacks " + strings.Join(out, " ")
	}
	return s
}

func splitComma(text string) []string { return strings.Split(strings.TrimSpace(text), ",") }
