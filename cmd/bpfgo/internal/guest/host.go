// Package guest runs bpfgo itself on another kernel, in a virtual machine. The machine has no disk and no network: bpfgo
// is its first process, and all files are in memory.
package guest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/initramfs"
)

// limit is how long a machine may run.
const limit = 15 * time.Minute

// Result is what a command in the machine has said.
type Result struct {
	Stdout, Stderr string
	Status         int
}

// job is what the first process of the machine reads.
type job struct {
	Args   []string `json:"args"`
	Folder string   `json:"folder"`
	End    string   `json:"end"` // is written after all output
}

// jobPath is where the job is in the machine.
const jobPath = "/bpfgo.json"

// ErrNoQEMU: there is no QEMU for this architecture.
var ErrNoQEMU = errors.New("qemu-system-x86_64 is not installed")

// Run boots a kernel, and runs bpfgo with these arguments there. It has the files of this machine that files names, under
// the same paths, and the same current folder.
func Run(ctx context.Context, k Kernel, args, files []string) (Result, error) {
	if runtime.GOARCH != "amd64" {
		return Result{}, fmt.Errorf("other kernels can be booted on x86-64 only: %w", errors.ErrUnsupported)
	}
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		return Result{}, ErrNoQEMU
	}
	folder, err := os.MkdirTemp("", "bpfgo-guest")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(folder)
	here, err := os.Getwd()
	if err != nil {
		return Result{}, err
	}
	j := job{Args: args, Folder: here, End: rand.Text()}
	image := filepath.Join(folder, "initramfs")
	if err := writeImage(image, k, j, files); err != nil {
		return Result{}, err
	}
	return boot(ctx, qemu, k, image, j.End)
}

func writeImage(path string, k Kernel, j job, files []string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	a := initramfs.New(file)
	a.Console()
	for _, f := range []string{"/proc", "/sys", "/tmp", "/run", j.Folder} {
		a.Folder(f)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := a.File(self, "/init"); err != nil {
		return err
	}
	if err := a.Libraries(self); err != nil {
		return err
	}
	if k.config != "" {
		if err := a.File(k.config, "/boot/config-"+k.release); err != nil {
			return err
		}
	}
	for _, f := range files {
		to := f
		if !filepath.IsAbs(f) {
			to = j.Folder + "/" + f
		}
		// The machine has no symbolic links, so there f is what it reads as. Here it may be another file.
		if err := a.File(f, to); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err // bpfgo tells of files that are not there
		}
		for at := range to { // such as a in a/../b
			if to[at] == '/' {
				a.Folder(to[:at+1])
			}
		}
	}
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	a.Text(jobPath, string(text))
	if err := a.End(); err != nil {
		return err
	}
	return file.Close()
}

// boot runs the machine until it ends. Its serial ports are the command's output, the kernel's log, and the command's
// errors.
func boot(ctx context.Context, qemu string, k Kernel, image, end string) (Result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it did not end within %v", limit))
	defer cancel()
	// One processor, emulated by one thread: with more, QEMU 7 hangs guests that patch code. KVM fails on some machines
	// although it is there.
	cmd := exec.CommandContext(ctx, qemu,
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "q35", "-accel", "tcg,thread=single",
		"-cpu", "max", "-smp", "1", "-m", "1G", "-kernel", k.image, "-initrd", image, "-append",
		"console=ttyS1 loglevel=5 oops=panic panic=-1 rdinit=/init cryptomgr.notests lsm=landlock,bpf mitigations=off "+
			"nowatchdog no_timer_check")
	var ports [3]*os.File
	for i := range ports {
		r, w, err := os.Pipe()
		if err != nil {
			return Result{}, err
		}
		defer r.Close()
		defer w.Close()
		ports[i] = r
		cmd.ExtraFiles = append(cmd.ExtraFiles, w)
		cmd.Args = append(cmd.Args, "-chardev", fmt.Sprintf("file,id=port%d,path=/dev/fd/%d", i, 3+i),
			"-serial", fmt.Sprintf("chardev:port%d", i))
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	// ^C is for bpfgo, which ends QEMU. The kernel does that if bpfgo is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return Result{}, err
	}
	for _, w := range cmd.ExtraFiles {
		_ = w.Close()
	}
	var read [3]bytes.Buffer
	var wait sync.WaitGroup
	for i, port := range ports {
		wait.Go(func() { _, _ = io.Copy(&read[i], port) })
	}
	wait.Wait()
	err := cmd.Wait()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return parse(k, read[0].String(), read[2].String(), read[1].String()+complaints.String(), end, err)
}

// parse takes the output apart. The end mark, with the status, shows that it is complete.
func parse(k Kernel, stdout, stderr, log, end string, failed error) (Result, error) {
	errors, mark, complete := strings.Cut(stderr, "\x1e"+end+" ")
	var r Result
	if complete {
		_, err := fmt.Sscanf(mark, "%d", &r.Status)
		complete = err == nil
	}
	stdout, whole := strings.CutSuffix(stdout, "\x1e"+end)
	if complete && whole {
		r.Stdout, r.Stderr = stdout, errors
		return r, nil
	}
	if failed == nil {
		failed = fmt.Errorf("it ended before the command did")
	}
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(log, "\r", "")), "\n")
	last := slices.DeleteFunc(lines[max(0, len(lines)-3):], func(l string) bool { return l == "" })
	if len(last) > 0 {
		failed = fmt.Errorf("%w; the last that its kernel said: %s", failed, strings.Join(last, "; "))
	}
	return r, fmt.Errorf("the machine with Linux %s: %w", k.Name, failed)
}
