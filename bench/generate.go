package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// generating compares making Go code of an object, and measures making it of a type of the kernel and all that this leads to.
// The commands run clang for the object, which is in what they need.
func (s *session) generating(folder string) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	source := filepath.Join(here, "first/first.bpf.c")
	compiled := filepath.Join(here, "first/first.bpf.o")
	flags := []string{"--", "-I" + filepath.Join(here, "../bpf/generated"), "-I" + filepath.Join(here, "../libbpf/upstream/api")}
	way := func(name string, command ...string) sampledWay {
		return sampledWay{name: name, measure: func() (values []float64, err error) {
			argument, err := json.Marshal(append(command, flags...))
			if err != nil {
				return nil, err
			}
			return values, inChild("generate", string(argument), syscall.SysProcAttr{}, &values)
		}}
	}
	bpfgo := []string{filepath.Join(here, folder, "../bpfgo"), "gen", "--package", "main"}
	bpf2go := way("bpf2go", filepath.Join(here, folder, "bpf2go"), "-go-package", "main", "-target", "bpfel", "-no-strip", "first", source)
	ours := way("bpfgo gen", append(bpfgo, source)...)
	ours.peer, ours.mostPeer = bpf2go.name, 1
	for _, of := range []struct {
		title string
		ways  []sampledWay
	}{
		{"generate Go code of an object", []sampledWay{bpf2go, ours, way("bpfgo gen, what is compiled", append(bpfgo, compiled)...)}},
		{"generate Go code of an object and of all that struct task_struct leads to", []sampledWay{
			way("bpfgo gen", append(bpfgo, "--type", "struct task_struct", source)...),
		}},
	} {
		c := sampled{group: "tools", title: of.title, rounds: 5, ways: of.ways, columns: []sampledColumn{
			{"time", "ms", false, true}, {"CPU time", "ms", false, true}, {"memory", "KiB", false, true},
		}}
		if err := s.sample(c); err != nil {
			return err
		}
	}
	return nil
}

// generateChild runs a command in an empty folder. It is a small process: the kernel counts the memory of who starts a
// command as the command's.
func generateChild(argument string) (any, error) {
	var command []string
	if err := json.Unmarshal([]byte(argument), &command); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = folder
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", command[0], err, out)
	}
	took := time.Since(start)
	made, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err == nil && len(made) == 0 {
		err = fmt.Errorf("%s made nothing", command[0])
	}
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	return []float64{milliseconds(took), milliseconds(cpuTimeOf(cmd)), float64(peak)}, err
}
