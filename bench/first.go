package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
		columns: []sampledColumn{{"time", "ms", true, true}, {"CPU time", "ms", true, true}, {"memory", "KiB", true, true}},
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
	// It ends when its standard input does.
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	took := time.Since(start)
	memory, peakErr := peakMemory(strconv.Itoa(cmd.Process.Pid))
	if err := errors.Join(err, peakErr, in.Close(), cmd.Wait()); err != nil {
		return nil, fmt.Errorf("%s: %w", tool, err)
	}
	var pid int
	if _, err := fmt.Sscan(line, &pid); err != nil || pid != cmd.Process.Pid {
		return nil, fmt.Errorf("%s: it printed %q", tool, line)
	}
	return []float64{milliseconds(took), milliseconds(cpuTimeOf(cmd)), memory}, nil
}

// cpuTimeOf is that of a process that has ended, and of those that it has waited for.
func cpuTimeOf(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// sizes compares how large the tools are, also without what only debuggers need.
func (s *session) sizes(folder string) error {
	c := sampled{
		group: "tools", title: "a tool's binary", rounds: 1,
		columns: []sampledColumn{{"size", "KiB", true, false}, {"stripped", "KiB", true, false}},
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
