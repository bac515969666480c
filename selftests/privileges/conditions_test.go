//go:build !race && linux

package privileges

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// condition is what a process lacks. Without uid, capabilities and so on, it is a privileged process of the initial user
// namespace, as "root".
type condition struct {
	name string
	what string // for the page

	nobody       bool      // runs as the user nobody
	limited      bool      // has only these capabilities
	capabilities []uintptr // where limited
	container    bool      // runs under the filter of container runtimes, without their file systems for BPF
	namespace    bool      // is root of its own user namespace
	token        bool      // and has a BPF token
	memlock      uint64    // the limit for locked memory; 0 is 8 MiB, the default of the kernel and of systemd
	memory       string    // the limit of its cgroup
	covered      []string  // folders that are empty
	unprivileged string    // kernel.unprivileged_bpf_disabled, which only disposable machines set
}

const (
	capBPF, capPerfmon, capNetAdmin = unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_NET_ADMIN
	smallMemlock                    = 64 << 10
)

// containerCapabilities are those that container runtimes give by default.
var containerCapabilities = []uintptr{
	unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FSETID, unix.CAP_FOWNER, unix.CAP_MKNOD, unix.CAP_NET_RAW,
	unix.CAP_SETGID, unix.CAP_SETUID, unix.CAP_SETFCAP, unix.CAP_SETPCAP, unix.CAP_NET_BIND_SERVICE,
	unix.CAP_SYS_CHROOT, unix.CAP_KILL, unix.CAP_AUDIT_WRITE,
}

// conditions are all that are measured. Those that set kernel.unprivileged_bpf_disabled come last, and the value that
// can't be changed again at the very end.
var conditions = []condition{
	{name: "root", what: "user 0 with all capabilities"},
	{
		name: "bpf+perfmon+net_admin", what: "another user with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN",
		nobody: true, limited: true, capabilities: []uintptr{capBPF, capPerfmon, capNetAdmin},
	},
	{
		name: "bpf+perfmon", what: "another user with CAP_BPF and CAP_PERFMON",
		nobody: true, limited: true, capabilities: []uintptr{capBPF, capPerfmon},
	},
	{
		name: "bpf+net_admin", what: "another user with CAP_BPF and CAP_NET_ADMIN",
		nobody: true, limited: true, capabilities: []uintptr{capBPF, capNetAdmin},
	},
	{
		name: "bpf", what: "another user with CAP_BPF alone", nobody: true, limited: true,
		capabilities: []uintptr{capBPF},
	},
	{
		name: "sys_admin", what: "another user with CAP_SYS_ADMIN alone", nobody: true, limited: true,
		capabilities: []uintptr{unix.CAP_SYS_ADMIN},
	},
	{name: "none", what: "another user without capabilities", nobody: true, limited: true},
	{name: "user namespace", what: "root of its own user namespace", namespace: true},
	{
		name: "token", what: "root of its own user namespace, with a BPF token that delegates everything",
		namespace: true, token: true,
	},
	{
		name:    "container",
		what:    "user 0 in a container: the default capabilities and seccomp filter of Docker, containerd and Podman",
		limited: true, capabilities: containerCapabilities, container: true,
	},
	{
		name: "container+caps", what: "the same, with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN added", limited: true,
		capabilities: append(slices.Clone(containerCapabilities), capBPF, capPerfmon, capNetAdmin), container: true,
	},
	{
		name:   "small memlock",
		what:   "as bpf+perfmon+net_admin, and at most 64 KiB of locked memory (RLIMIT_MEMLOCK)",
		nobody: true, limited: true, capabilities: []uintptr{capBPF, capPerfmon, capNetAdmin}, memlock: smallMemlock,
	},
	{name: "memory limit", what: "root in a cgroup with at most 64 MiB of memory", memory: "67108864"},
	{name: "no /proc", what: "root without /proc", covered: []string{"/proc"}},
	{name: "no /sys", what: "root without /sys", covered: []string{"/sys"}},
	{name: "no bpffs", what: "root without a bpf file system at /sys/fs/bpf", covered: []string{"/sys/fs/bpf"}},
	{
		name: "no tracefs", what: "root without tracefs at /sys/kernel/tracing and /sys/kernel/debug/tracing",
		covered: []string{"/sys/kernel/tracing", "/sys/kernel/debug"},
	},
	{
		name: "none, sysctl 0", what: "another user without capabilities, kernel.unprivileged_bpf_disabled=0",
		nobody: true, limited: true, unprivileged: "0",
	},
	{
		name: "none, sysctl 2", what: "the same, kernel.unprivileged_bpf_disabled=2 (the default of most distributions)",
		nobody: true, limited: true, unprivileged: "2",
	},
	{
		name: "none, sysctl 1", what: "the same, kernel.unprivileged_bpf_disabled=1", nobody: true, limited: true,
		unprivileged: "1",
	},
}

// brief are the conditions of a short test, as in QEMU, where each takes four seconds.
var brief = []string{"root", "bpf+perfmon+net_admin", "none", "container", "token", "memory limit"}

const unprivilegedSysctl = "/proc/sys/kernel/unprivileged_bpf_disabled"

// lockdowns are the conditions that are measured again on a kernel that is locked down. It stays so until it reboots.
var lockdowns = []string{"root", "bpf+perfmon+net_admin"}

// lockdown is how the running kernel is locked down: "none", "integrity" or "confidentiality".
func lockdown() string {
	text, err := os.ReadFile("/sys/kernel/security/lockdown")
	if err != nil {
		return "none"
	}
	_, mode, _ := strings.Cut(string(text), "[")
	mode, _, _ = strings.Cut(mode, "]")
	return mode
}

func conditionNamed(name string) condition {
	for _, c := range conditions {
		if c.name == name {
			return c
		}
	}
	panic("no condition " + name)
}

// enter makes the calling thread, and the program that it starts next, a process of this condition.
func (c condition) enter() error {
	if err := c.mount(); err != nil {
		return err
	}
	limit := c.memlock
	if limit == 0 {
		limit = 8 << 20
	}
	if !c.namespace { // which can't raise it
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("limit locked memory: %w", err)
		}
	}
	if c.container {
		if err := containerFilter(c.capabilities); err != nil {
			return fmt.Errorf("set the seccomp filter: %w", err)
		}
	}
	return c.drop()
}

// mount gives the process its own view of the file system, with bpf file systems of its own.
func (c condition) mount() error {
	if c.namespace {
		return nil // its file system is the one that the token is for
	}
	type mount struct{ at, system, options string }
	mounts := []mount{{writableFS(), "bpf", "mode=1777"}}
	// A kernel that is locked down does not show what is in it.
	var system unix.Statfs_t
	if err := unix.Statfs("/sys/kernel/tracing", &system); err != nil || system.Type != unix.TRACEFS_MAGIC {
		mounts = append(mounts, mount{"/sys/kernel/tracing", "tracefs", ""})
	}
	mounts = append(mounts, mount{"/sys/fs/bpf", "bpf", ""})
	covered := c.covered
	if c.container {
		covered = []string{"/sys/fs/bpf", "/sys/kernel/tracing", "/sys/kernel/debug"}
	}
	for _, folder := range covered {
		mounts = append(mounts, mount{folder, "tmpfs", "mode=755"})
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	for _, m := range mounts {
		if err := unix.Mount(m.system, m.at, m.system, 0, m.options); err != nil {
			return fmt.Errorf("mount %s at %s: %w", m.system, m.at, err)
		}
	}
	return nil
}

// drop keeps only the capabilities of the condition, also for programs that the process starts.
func (c condition) drop() error {
	if !c.limited {
		return nil
	}
	for capability := uintptr(0); capability <= unix.CAP_LAST_CAP; capability++ {
		if slices.Contains(c.capabilities, capability) {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
		if err != nil && !errors.Is(err, unix.EINVAL) { // which an old kernel does not know
			return fmt.Errorf("drop capability %d: %w", capability, err)
		}
	}
	if c.nobody {
		const nobody = 65534
		if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("keep the capabilities: %w", err)
		}
		// Of this thread only: the standard library would change the other threads too, which do not matter.
		for _, call := range []struct{ number, a, b, c uintptr }{
			{unix.SYS_SETGROUPS, 0, 0, 0}, {unix.SYS_SETRESGID, nobody, nobody, nobody},
			{unix.SYS_SETRESUID, nobody, nobody, nobody},
		} {
			if _, _, errno := unix.RawSyscall(call.number, call.a, call.b, call.c); errno != 0 {
				return fmt.Errorf("become another user: %w", errno)
			}
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	for _, capability := range c.capabilities {
		bit := uint32(1) << (capability % 32)
		sets[capability/32].Effective |= bit
		sets[capability/32].Permitted |= bit
		sets[capability/32].Inheritable |= bit
	}
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return fmt.Errorf("set the capabilities: %w", err)
	}
	if !c.nobody {
		return nil
	}
	for _, capability := range c.capabilities {
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, capability, 0, 0); err != nil {
			return fmt.Errorf("give the capabilities to the next program: %w", err)
		}
	}
	return nil
}

// containerFilter refuses the system calls that the documentation of Docker's default profile names, and that are not
// for one of the capabilities. The profiles of containerd and Podman refuse the same ones.
func containerFilter(capabilities []uintptr) error {
	refused := []uint32{
		unix.SYS_ACCT, unix.SYS_ADD_KEY, unix.SYS_CLOCK_SETTIME, unix.SYS_DELETE_MODULE, unix.SYS_FINIT_MODULE,
		unix.SYS_INIT_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEYCTL, unix.SYS_MOUNT, unix.SYS_MOVE_MOUNT,
		unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_FSCONFIG, unix.SYS_OPEN_TREE, unix.SYS_OPEN_BY_HANDLE_AT,
		unix.SYS_PIVOT_ROOT, unix.SYS_QUOTACTL, unix.SYS_REBOOT, unix.SYS_REQUEST_KEY, unix.SYS_SETNS,
		unix.SYS_SETTIMEOFDAY, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_UMOUNT2, unix.SYS_UNSHARE,
		unix.SYS_USERFAULTFD,
	}
	if !slices.Contains(capabilities, capBPF) {
		refused = append(refused, unix.SYS_BPF)
	}
	if !slices.Contains(capabilities, capPerfmon) {
		refused = append(refused, unix.SYS_PERF_EVENT_OPEN)
	}
	const retAllow, retErrno = 0x7fff0000, 0x00050000
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}} // the call's number
	for i, number := range refused {
		filter = append(filter, unix.SockFilter{
			Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: number, Jt: uint8(len(refused) - i),
		})
	}
	filter = append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: retAllow},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: retErrno | uint32(unix.EPERM)})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}

// The folder of a measurement has a copy of the test's binary, which every user can start, and mount points.

func folder() string     { return os.Getenv("LIBBPF_GO_PRIVILEGES_FOLDER") }
func writableFS() string { return filepath.Join(folder(), "bpf") }
func binary() string     { return filepath.Join(folder(), "privileges") }
