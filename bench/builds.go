package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// builds compares building the tools in Go: with nothing in Go's build cache, and once more. The first takes minutes.
func (s *session) builds() error {
	c := sampled{
		group: "tools", title: "building a tool", rounds: 1,
		columns: []sampledColumn{{"cold", "s", false, true}, {"cold, CPU time", "s", false, true}, {"warm", "s", false, true}},
	}
	for _, tool := range firstTools[1:] {
		way := sampledWay{name: tool.name, measure: func() ([]float64, error) { return build("./first/" + tool.file) }}
		if tool.file == "ours" {
			way.peer = "cilium/ebpf"
		}
		c.ways = append(c.ways, way)
	}
	return s.sample(c)
}

// build builds a package twice.
func build(folder string) ([]float64, error) {
	cache, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(cache)
	run := func() (took time.Duration, cpu float64, err error) {
		cmd := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(cache, "tool"), folder)
		cmd.Env = append(os.Environ(), "GOCACHE="+filepath.Join(cache, "cache"))
		start := time.Now()
		out, err := cmd.CombinedOutput()
		if err != nil {
			return 0, 0, fmt.Errorf("go build %s: %w: %s", folder, err, out)
		}
		return time.Since(start), cpuTimeOf(cmd).Seconds(), nil
	}
	cold, cpu, err := run()
	if err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(cache, "tool")); err != nil {
		return nil, err
	}
	warm, _, err := run()
	return []float64{cold.Seconds(), cpu, warm.Seconds()}, err
}
