package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// plug takes a CPU offline for a moment. CPU 0 has no such file.
func (s *soak) plug(r *rand.Rand) error {
	cpus, err := pluggable()
	if err != nil {
		return err
	}
	cpu := cpus[r.IntN(len(cpus))]
	if err := os.WriteFile(cpu, []byte("0"), 0); err != nil {
		return err
	}
	time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
	if err := os.WriteFile(cpu, []byte("1"), 0); err != nil {
		return err
	}
	time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
	return nil
}

func pluggable() ([]string, error) {
	cpus, err := filepath.Glob("/sys/devices/system/cpu/cpu[1-9]*/online")
	if err == nil && len(cpus) == 0 {
		err = errors.New("no CPU can be taken offline")
	}
	return cpus, err
}

// plugAll brings all CPUs back.
func plugAll() {
	cpus, _ := pluggable()
	for _, cpu := range cpus {
		if err := os.WriteFile(cpu, []byte("1"), 0); err != nil {
			fmt.Fprintln(os.Stderr, "soak:", err)
		}
	}
}
