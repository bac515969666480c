package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// generating compares making Go code of an object and of one type of the kernel, with all that this type leads to. Both
// commands run clang for the object; its CPU time is in, its memory is not.
func (s *session) generating(folder string) error {
	const source, typ = "first/first.bpf.c", "task_struct"
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	flags := []string{"-I" + filepath.Join(here, "../bpf/generated"), "-I" + filepath.Join(here, "../libbpf/upstream/api")}
	bpfgo, bpf2go := filepath.Join(here, folder, "../bpfgo"), filepath.Join(here, folder, "bpf2go")
	way := func(name string, command ...string) sampledWay {
		return sampledWay{name: name, measure: func() ([]float64, error) { return generate(command) }}
	}
	path := filepath.Join(here, source)
	ways := []sampledWay{
		way("bpf2go", append([]string{bpf2go, "-go-package", "main", "-target", "bpfel", "-type", typ, "first", path, "--"}, flags...)...),
		way("bpfgo gen", append([]string{bpfgo, "gen", "--package", "main", "--type", "struct " + typ, path, "--"}, flags...)...),
	}
	ways[1].peer, ways[1].mostPeer = "bpf2go", 1
	return s.sample(sampled{
		group: "tools", title: "generate Go code of an object and of struct task_struct", rounds: leastRounds,
		columns: []sampledColumn{{"time", "ms", false}, {"CPU time", "ms", false}, {"memory", "KiB", false}}, ways: ways,
	})
}

// generate runs a command in an empty folder.
func generate(command []string) ([]float64, error) {
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
	return append([]float64{milliseconds(took)}, usage(cmd)...), err
}
