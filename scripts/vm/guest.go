package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// guest is a machine to boot. It runs a kernel from Debian in memory, without disk and network.
type guest struct {
	machine *machine
	kernel  string // the folder with vmlinuz, release and lib/modules
	memory  string // as qemu has it: 2G
	cpus    int
	boot    string        // what the kernel's command line has besides the machine's
	limit   time.Duration // how long the machine may run
	log     io.Writer     // gets the kernel's log while it is written, where not nil
}

// job is a program to run in the guest. Its folder and arguments are the same as on the host.
type job struct {
	dir  string
	argv []string
	env  []string
	// Files that the program needs besides its libraries and the source tree: programs, with their libraries, and
	// folders.
	with []string
	// Files and folders that the program writes and that are copied to the host; absolute paths.
	bring []string
}

// outcome is how a job ended. If the job did not end, or its output is incomplete, it has an error instead of a status.
type outcome struct {
	status  int
	elapsed time.Duration
	err     error
}

// tailSize is how many bytes of the kernel's log are in the error of a machine that died.
const tailSize = 8 << 10

// run boots the machine, runs the jobs one after the other, and writes their output to out(0), out(1), ...
func (g *guest) run(ctx context.Context, jobs []job, out func(int) io.Writer) ([]outcome, error) {
	dir, err := os.MkdirTemp("", "vm")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	end := rand.Text()
	image := filepath.Join(dir, "initramfs")
	if err := writeInitramfs(image, g.machine, g.kernel, end, jobs); err != nil {
		return nil, err
	}

	ctx, cancel := context.WithTimeoutCause(ctx, g.limit, fmt.Errorf("it hung: no end within %v", g.limit))
	defer cancel()
	args := append([]string{"-m", g.memory, "-kernel", filepath.Join(g.kernel, "vmlinuz"), "-initrd", image,
		"-append", strings.TrimSpace(g.machine.commandLine() + " " + g.boot)}, g.machine.machineArgs(g.cpus)...)
	cmd := exec.CommandContext(ctx, g.machine.qemu)
	var ports [4]*os.File
	for i := range ports {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		defer r.Close()
		defer w.Close()
		ports[i] = r
		cmd.ExtraFiles = append(cmd.ExtraFiles, w)
		cmd.Args = append(cmd.Args, "-chardev", fmt.Sprintf("file,id=port%d,path=/dev/fd/%d", i, 3+i))
	}
	cmd.Args = append(cmd.Args, args...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	for _, w := range cmd.ExtraFiles {
		_ = w.Close()
	}

	outcomes := make([]outcome, len(jobs))
	for i := range outcomes {
		outcomes[i].err = errors.New("it did not begin")
	}
	var (
		readers sync.WaitGroup
		kernel  = tail{log: g.log}
		said    int // how many jobs' output is complete
		files   bytes.Buffer
	)
	readers.Go(func() { said = split(ports[0], end, len(jobs), out) })
	readers.Go(func() { _, _ = io.Copy(&kernel, ports[1]) })
	readers.Go(func() { readStatus(ports[2], outcomes) })
	readers.Go(func() { _, _ = io.Copy(&files, ports[3]) })
	readers.Wait()
	err = cmd.Wait()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	var failed error
	for i := range outcomes {
		if outcomes[i].err == nil && i >= said {
			outcomes[i].err = errors.New("its output is cut short")
		}
		if outcomes[i].err == nil || failed != nil {
			continue
		}
		failed = outcomes[i].err
		if err != nil {
			failed = err
		}
		outcomes[i].err = fmt.Errorf("Linux %s: %w%s%s", g.release(), failed, complaints.String(), kernel.quote())
	}
	if failed == nil && err != nil {
		return outcomes, fmt.Errorf("Linux %s: all is done, but %w%s", g.release(), err, kernel.quote())
	}
	return outcomes, unpackFiles(&files, jobs)
}

func (g *guest) release() string {
	release, err := os.ReadFile(filepath.Join(g.kernel, "release"))
	if err != nil {
		return filepath.Base(g.kernel)
	}
	return strings.TrimSpace(string(release))
}

// readStatus reads the port that reports when jobs begin and end: lines "begin 0", "end 0 1". Only this shows success,
// because qemu always exits with 0.
func readStatus(port io.Reader, outcomes []outcome) {
	var began time.Time
	lines := bufio.NewScanner(port)
	for lines.Scan() {
		var job, status int
		if _, err := fmt.Sscanf(lines.Text(), "begin %d", &job); err == nil && job < len(outcomes) {
			began = time.Now()
			outcomes[job].err = errors.New("the machine ended before it did")
		} else if _, err := fmt.Sscanf(lines.Text(), "end %d %d", &job, &status); err == nil && job < len(outcomes) {
			outcomes[job] = outcome{status: status, elapsed: time.Since(began)}
		}
	}
}

// split writes the output of each job to its writer, and returns for how many jobs it saw the end mark.
func split(port io.Reader, end string, jobs int, out func(int) io.Writer) int {
	var pending []byte
	buffer := make([]byte, 64<<10)
	job := 0
	write := func(text []byte) {
		if job < jobs && len(text) > 0 {
			_, _ = out(job).Write(text)
		}
	}
	for {
		n, err := port.Read(buffer)
		pending = append(pending, buffer[:n]...)
		for job < jobs {
			before, after, found := bytes.Cut(pending, fmt.Appendf(nil, "\036%s %d\036", end, job))
			if !found {
				break
			}
			write(before)
			pending = append([]byte(nil), after...)
			job++
		}
		// Part of a mark may have arrived.
		keep := bytes.LastIndexByte(pending, '\036')
		if keep < 0 || len(pending)-keep > len(end)+16 || err != nil {
			keep = len(pending)
		}
		write(pending[:keep])
		pending = pending[keep:]
		if err != nil {
			return job
		}
	}
}

// tail keeps the last bytes that are written to it.
type tail struct {
	log  io.Writer
	kept []byte
}

func (t *tail) Write(text []byte) (int, error) {
	if t.log != nil {
		_, _ = t.log.Write(text)
	}
	t.kept = append(t.kept, text...)
	if len(t.kept) > 2*tailSize {
		t.kept = append([]byte(nil), t.kept[len(t.kept)-tailSize:]...)
	}
	return len(text), nil
}

func (t *tail) quote() string {
	text := strings.TrimSpace(strings.ReplaceAll(string(t.kept), "\r", ""))
	if text == "" {
		return ""
	}
	return "\nthe kernel's last words:\n    " + strings.ReplaceAll(text, "\n", "\n    ")
}
