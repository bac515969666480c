package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// The same small tool three times (first/): it attaches a program and prints the first record. "make bench" builds them.
var firstTools = []struct{ name, file string }{
	{"C, libbpf", "c"}, {"libbpf-go, skeleton", "ours"}, {"cilium/ebpf", "cilium"},
}

// firstEvents compares the time from the start of a tool to its first record, and what the process needs for it.
func (s *session) firstEvents(folder string) error {
	c := sampled{
		group: "tools", title: "a tool's first record", rounds: 21,
		columns: []sampledColumn{{"time", "ms", true}, {"CPU time", "ms", true}, {"memory", "KiB", true}},
	}
	for _, tool := range firstTools {
		way := sampledWay{name: tool.name, measure: func() ([]float64, error) { return firstEvent(filepath.Join(folder, tool.file)) }}
		if tool.file == "ours" {
			way.peer, way.mostPeer = "cilium/ebpf", 1
		}
		c.ways = append(c.ways, way)
	}
	return s.sample(c)
}

func firstEvent(tool string) ([]float64, error) {
	cmd := exec.Command(tool)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	took := time.Since(start)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return nil, fmt.Errorf("%s: %w", tool, err)
	}
	var pid int
	if _, err := fmt.Sscan(line, &pid); err != nil || pid != cmd.Process.Pid {
		return nil, fmt.Errorf("%s: it printed %q", tool, line)
	}
	return append([]float64{milliseconds(took)}, usage(cmd)...), nil
}

// usage is what a process that has ended has needed: ms of CPU time, and KiB of memory at most.
func usage(cmd *exec.Cmd) []float64 {
	state := cmd.ProcessState
	peak := state.SysUsage().(*syscall.Rusage).Maxrss
	return []float64{milliseconds(state.UserTime() + state.SystemTime()), float64(peak)}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// sizes compares how large the tools are, also without what only debuggers need.
func (s *session) sizes(folder string) error {
	c := sampled{
		group: "tools", title: "a tool's binary", rounds: 1,
		columns: []sampledColumn{{"size", "KiB", true}, {"stripped", "KiB", true}},
	}
	for _, tool := range firstTools {
		c.ways = append(c.ways, sampledWay{name: tool.name, measure: func() ([]float64, error) {
			path := filepath.Join(folder, tool.file)
			size, err := sizeOf(path)
			if err != nil {
				return nil, err
			}
			stripped := path + ".stripped"
			if out, err := exec.Command("strip", "-o", stripped, path).CombinedOutput(); err != nil {
				return nil, fmt.Errorf("strip: %w: %s", err, out)
			}
			defer os.Remove(stripped)
			small, err := sizeOf(stripped)
			return []float64{size, small}, err
		}})
	}
	return s.sample(c)
}

// sizeOf is in KiB.
func sizeOf(path string) (float64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return float64(info.Size()) / 1024, nil
}
