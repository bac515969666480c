// Package privilege tells why the kernel denies something: what the process lacks, and what else forbids it.
package privilege

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

// Capability is one of the kernel's capabilities.
type Capability int

// The capabilities that BPF needs, and those that show more of what is in the kernel.
const (
	BPF           Capability = unix.CAP_BPF
	Perfmon       Capability = unix.CAP_PERFMON
	NetAdmin      Capability = unix.CAP_NET_ADMIN
	SysAdmin      Capability = unix.CAP_SYS_ADMIN
	SysResource   Capability = unix.CAP_SYS_RESOURCE
	Syslog        Capability = unix.CAP_SYSLOG
	SysPtrace     Capability = unix.CAP_SYS_PTRACE
	DACReadSearch Capability = unix.CAP_DAC_READ_SEARCH
)

func (c Capability) String() string {
	switch c {
	case BPF:
		return "CAP_BPF"
	case Perfmon:
		return "CAP_PERFMON"
	case NetAdmin:
		return "CAP_NET_ADMIN"
	case SysAdmin:
		return "CAP_SYS_ADMIN"
	case SysResource:
		return "CAP_SYS_RESOURCE"
	case Syslog:
		return "CAP_SYSLOG"
	case SysPtrace:
		return "CAP_SYS_PTRACE"
	case DACReadSearch:
		return "CAP_DAC_READ_SEARCH"
	}
	return fmt.Sprintf("capability %d", int(c))
}

// need is an error of an operation that needs capabilities.
type need struct {
	error
	capabilities []Capability
}

func (n *need) Unwrap() error { return n.error }

// Need says which capabilities an operation needs that failed with err. Explain then tells which of them the process
// lacks. A nil error stays nil.
func Need(err error, capabilities ...Capability) error {
	var rejected *libbpf.VerifierError // which is a permission error, too
	if !errors.Is(err, fs.ErrPermission) || errors.As(err, &rejected) {
		return err
	}
	slices.Sort(capabilities)
	return &need{err, slices.Compact(capabilities)}
}

// ForProgram is what loading and attaching programs of a type needs.
func ForProgram(t libbpf.ProgramType) []Capability {
	switch t {
	case libbpf.ProgramTypeSocketFilter:
		return []Capability{BPF}
	case libbpf.ProgramTypeKprobe, libbpf.ProgramTypeTracepoint, libbpf.ProgramTypePerfEvent,
		libbpf.ProgramTypeRawTracepoint, libbpf.ProgramTypeRawTracepointWritable, libbpf.ProgramTypeTracing,
		libbpf.ProgramTypeLSM, libbpf.ProgramTypeStructOps, libbpf.ProgramTypeSyscall:
		return []Capability{BPF, Perfmon}
	case libbpf.ProgramTypeExt:
		return []Capability{BPF, Perfmon, NetAdmin}
	}
	return []Capability{BPF, NetAdmin}
}

// Explain adds to an error of an operation that the kernel denied what the process lacks, or else what may forbid it.
// Other errors stay as they are, such as that a file may not be read.
func Explain(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	var rejected *libbpf.VerifierError
	var path *fs.PathError
	var failed *libbpf.Error
	capabilities := []Capability{BPF, Perfmon}
	if n := (*need)(nil); errors.As(err, &n) {
		capabilities = n.capabilities
	} else if errors.As(err, &rejected) || errors.As(err, &path) || !errors.As(err, &failed) {
		return err
	}
	missing, unknown := Lacks(capabilities...)
	if unknown != nil {
		return err
	}
	if len(missing) == 0 {
		if others := obstacles(capabilities); len(others) > 0 {
			return fmt.Errorf("%w; the process has %s, but %s", err, list(capabilities), strings.Join(others, ", "))
		}
		return err
	}
	if errors.As(err, &failed) {
		// libbpf's message then is a guess about resource limits.
		err = &libbpf.Error{Op: failed.Op, Object: failed.Object, Err: failed.Err}
	}
	return fmt.Errorf("%w: the process lacks %s", err, list(missing))
}

func list(capabilities []Capability) string {
	var names []string
	for _, c := range capabilities {
		names = append(names, c.String())
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// Lacks tells which of these the process does not have in effect. CAP_SYS_ADMIN includes those that were split off it.
func Lacks(capabilities ...Capability) (missing []Capability, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var have [2]unix.CapUserData
	if err := unix.Capget(&header, &have[0]); err != nil {
		return nil, err
	}
	has := func(c Capability) bool { return have[c/32].Effective&(1<<(c%32)) != 0 }
	split := []Capability{BPF, Perfmon, Syslog}
	for _, c := range capabilities {
		if !has(c) && !(has(SysAdmin) && slices.Contains(split, c)) {
			missing = append(missing, c)
		}
	}
	return missing, nil
}

// obstacles are what forbids operations to a process that has the capabilities.
func obstacles(capabilities []Capability) []string {
	var found []string
	if missing, err := Lacks(SysAdmin); err == nil && len(missing) > 0 && slices.Contains(capabilities, Perfmon) {
		// Values above 2 are of distributions, and forbid perf events also to those who have CAP_PERFMON.
		text, err := os.ReadFile("/proc/sys/kernel/perf_event_paranoid")
		if value, notNumber := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && notNumber == nil && value > 2 {
			found = append(found, fmt.Sprintf("kernel.perf_event_paranoid is %d", value))
		}
	}
	if text, err := os.ReadFile("/sys/kernel/security/lockdown"); err == nil {
		if _, mode, ok := strings.Cut(string(text), "["); ok {
			if mode, _, _ = strings.Cut(mode, "]"); mode != "none" {
				found = append(found, "the kernel is locked down for "+mode)
			}
		}
	}
	if text, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "Seccomp:"); ok && strings.TrimSpace(value) == "2" {
				found = append(found, "it runs under a seccomp filter")
			}
		}
	}
	if text, err := os.ReadFile("/proc/self/uid_map"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) != 3 || fields[2] != "4294967295" {
			found = append(found, "it is in a user namespace")
		}
	}
	return found
}
