package guest

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Inside tells whether this process is the first of a machine that Run has booted.
func Inside() bool {
	if os.Getpid() != 1 {
		return false
	}
	_, err := os.Stat(jobPath)
	return err == nil
}

// Main is what the first process of the machine does: it makes the machine ready, runs the command, and switches the
// machine off. It does not return.
func Main(run func(args []string, stdout, stderr io.Writer) int) {
	if err := work(run); err != nil {
		fmt.Fprintln(os.Stderr, "bpfgo:", err) // to the kernel's console
	}
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}

// mounts are the file systems that BPF needs. Some kernels lack some. There is none for /tmp: it would hide objects there.
var mounts = []struct{ kind, path string }{
	{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"bpf", "/sys/fs/bpf"},
	{"cgroup2", "/sys/fs/cgroup"}, {"tracefs", "/sys/kernel/tracing"}, {"securityfs", "/sys/kernel/security"},
}

func work(run func(args []string, stdout, stderr io.Writer) int) error {
	for _, m := range mounts {
		if err := unix.Mount(m.kind, m.path, m.kind, 0, ""); err != nil {
			fmt.Fprintf(os.Stderr, "bpfgo: mount %s: %v\n", m.path, err)
		}
	}
	text, err := os.ReadFile(jobPath)
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	stdout, err := openPort("/dev/ttyS0")
	if err != nil {
		return err
	}
	stderr, err := openPort("/dev/ttyS2")
	if err != nil {
		return err
	}
	if err := os.Chdir(j.Folder); err != nil {
		return err
	}
	// They are terminals by their kind only.
	status := run(j.Args, struct{ io.Writer }{stdout}, struct{ io.Writer }{stderr})
	fmt.Fprintf(stdout, "\x1e%s", j.End)
	fmt.Fprintf(stderr, "\x1e%s %d\n", j.End, status)
	for _, port := range []*os.File{stdout, stderr} {
		// Wait until all is sent.
		if err := unix.IoctlSetInt(int(port.Fd()), unix.TCSBRK, 1); err != nil {
			return err
		}
	}
	return nil
}

// openPort opens a serial port for bytes as they are.
func openPort(path string) (*os.File, error) {
	port, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	settings, err := unix.IoctlGetTermios(int(port.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	settings.Iflag &^= unix.IXON | unix.ICRNL
	settings.Oflag &^= unix.OPOST
	settings.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	return port, unix.IoctlSetTermios(int(port.Fd()), unix.TCSETS, settings)
}
