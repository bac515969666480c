package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// program is a test binary with mutants.
type program struct{ path, dir, scratch string }

// cost is how long tests took.
type cost struct{ wall, cpu time.Duration }

func (c cost) plus(d cost) cost { return cost{c.wall + d.wall, c.cpu + d.cpu} }

// limit is more than the same tests take on a machine with much else to do. A loop without an end is found by the time
// of the CPU, which others do not change.
func (c cost) limit() cost { return cost{10*time.Second + 10*c.wall, 3*time.Second + 5*c.cpu} }

var noLimit = cost{time.Hour, time.Hour}

// run runs tests. The process has limits and mounts of its own, and leaves no process behind.
func (p *program) run(ctx context.Context, tests []string, limit cost, env ...string) (output []byte, took cost, err error) {
	const memory = 5 << 30 // bytes
	tmp := filepath.Join(p.scratch, "tmp")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return nil, took, err
	}
	defer os.RemoveAll(tmp)
	out, err := os.CreateTemp(p.scratch, "output")
	if err != nil {
		return nil, took, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	ctx, cancel := context.WithTimeout(ctx, limit.wall)
	defer cancel()
	cmd := exec.CommandContext(ctx, "prlimit", fmt.Sprintf("--data=%d", memory), fmt.Sprintf("--cpu=%d", int(limit.cpu/time.Second)), "--core=0",
		"unshare", "--mount", "--propagation", "private",
		p.path, "-test.failfast", "-test.timeout=0", "-test.run="+pattern(tests))
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, out, out
	cmd.Env = append(append(os.Environ(), "TMPDIR="+tmp, "LIBBPF_GO_FAULTS=all"), env...) // all faults of TestFaults
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	began := time.Now()
	err = cmd.Run()
	took.wall = time.Since(began)
	if cmd.ProcessState != nil {
		took.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	endOrphans()
	output, readErr := os.ReadFile(out.Name())
	return output, took, errors.Join(err, readErr)
}

// pattern matches tests, such as TestA, and tests in tests, such as TestA/some.
func pattern(tests []string) string {
	var all []string
	for _, name := range tests {
		all = append(all, "^"+strings.ReplaceAll(name, "/", "$/^")+"$")
	}
	return strings.Join(all, "|")
}

// adoptOrphans makes this process the parent of those that lose theirs.
func adoptOrphans() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// endOrphans ends the processes that tests have left.
func endOrphans() {
	for {
		var children []string
		threads, _ := filepath.Glob("/proc/self/task/*/children")
		for _, thread := range threads {
			list, _ := os.ReadFile(thread)
			children = append(children, strings.Fields(string(list))...)
		}
		if len(children) == 0 {
			return
		}
		for _, child := range children {
			pid, err := strconv.Atoi(child)
			if err == nil && unix.Kill(pid, unix.SIGKILL) == nil {
				_, _ = unix.Wait4(pid, nil, 0, nil)
			}
		}
	}
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

// failedIn returns the test that failed, or "".
func failedIn(output []byte) string {
	if match := failed.FindSubmatch(output); match != nil {
		return string(match[1])
	}
	return ""
}
