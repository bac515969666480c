package libbpf_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil/threads"
)

// Without tracefs, the error says that tracefs is not mounted, not only that a file is missing.
func TestWithoutTracefs(t *testing.T) {
	attach := func(p *libbpf.Program) error {
		link, err := p.AttachTracepoint("syscalls", "sys_enter_getpgid", libbpf.TracepointOptions{})
		if err == nil {
			err = link.Close()
		}
		return err
	}
	_, byName := loadSeen(t, "tracepoint", "tracepoint", "on_tracepoint", nil)
	o, bySection := loadSeen(t, "tracepoint", "tracepoint", "on_getpgid", nil)
	_, uprobe := loadSeen(t, "uprobe", "uprobe", "on_entry", nil)
	if err := attach(byName); err != nil { // libbpf remembers where it found tracefs
		skipMissing(t, "tracepoint", err)
	}
	_, err := byName.AttachTracepoint("syscalls", "no_such_tracepoint", libbpf.TracepointOptions{})
	wantErrSaying(t, err, os.ErrNotExist, "tracepoint syscalls/no_such_tracepoint: no such file or directory")

	threads.Run(func() {
		for _, err := range []error{
			unix.Unshare(unix.CLONE_NEWNS),
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("none", "/sys/kernel", "tmpfs", unix.MS_RDONLY, ""),
		} {
			if err != nil {
				t.Error(err)
				return
			}
		}
		const missing = "tracefs is not mounted"
		wantErrSaying(t, attach(byName), os.ErrNotExist, missing, "mount -t tracefs", "syscalls/sys_enter_getpgid")
		_, err := bySection.Attach()
		wantErrSaying(t, err, os.ErrNotExist, missing)
		_, err = o.Attach()
		wantErrSaying(t, err, os.ErrNotExist, missing)
		_, err = uprobe.AttachUprobe(libbpf.ThisProcess, self, 0,
			libbpf.UprobeOptions{Function: targetOne, Mode: libbpf.ProbeModeLegacy})
		wantErrSaying(t, err, os.ErrNotExist, missing)
		_, err = uprobe.AttachUprobe(libbpf.ThisProcess, self, 0, libbpf.UprobeOptions{Function: "no_such_function"})
		wantErrSaying(t, err, os.ErrNotExist, "no_such_function")
	})
}

// A user who can't read tracefs is told so. By default, only root can.
func TestTracefsOfRoot(t *testing.T) {
	_, p := loadSeen(t, "tracepoint", "tracepoint", "on_tracepoint", nil)
	threads.Run(func() {
		for _, err := range []error{
			unix.Unshare(unix.CLONE_NEWNS),
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("none", "/sys/kernel/tracing", "tmpfs", 0, "mode=700"),
		} {
			if err != nil {
				t.Error(err)
				return
			}
		}
		const nobody = 65534
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), nobody, ^uintptr(0)); errno != 0 {
			t.Error(errno)
			return
		}
		_, err := p.AttachTracepoint("syscalls", "sys_enter_getpgid", libbpf.TracepointOptions{})
		wantErrSaying(t, err, os.ErrPermission, "this user can't read tracefs at /sys/kernel/tracing")
	})
}
