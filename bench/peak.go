package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"

	"github.com/libbpf-go/libbpf-go"
)

// peakRun says what a process does before it tells how much memory it had at most.
type peakRun struct {
	Of   string // the contender
	Path string // of the object
	Load bool   // or only open it
}

// peaks compares the memory of fresh processes that open or load an object. All of them are this program: C's has Go's
// runtime in it, too, and the last row shows what a process has that does nothing.
func (s *session) peaks() error {
	for _, object := range []struct {
		title, path string
		load        bool
	}{
		{"opening a small object", smallObject, false},
		{"opening an object of 200 programs", manyObject, false},
		{"loading a small object", smallObject, true},
		{"loading an object of one program with CO-RE relocations", coreObject, true},
		{"loading an object of 200 programs with CO-RE relocations", manyObject, true},
	} {
		c := sampled{
			group: "memory", title: "peak memory of " + object.title, rounds: leastRounds,
			columns: []sampledColumn{{"memory", "KiB", true, true}},
		}
		for _, name := range []string{"C", "libbpf-go", "cilium/ebpf", "a process that does nothing"} {
			way := sampledWay{name: name, measure: func() ([]float64, error) {
				argument, err := json.Marshal(peakRun{name, object.path, object.load})
				if err != nil {
					return nil, err
				}
				var kib float64
				err = inChild("peak", string(argument), syscall.SysProcAttr{}, &kib)
				return []float64{kib}, err
			}}
			if name == "libbpf-go" {
				way.peer, way.mostPeer = "cilium/ebpf", 1
			}
			c.ways = append(c.ways, way)
		}
		if err := s.sample(c); err != nil {
			return err
		}
	}
	return nil
}

func peakChild(argument string) (any, error) {
	var run peakRun
	if err := json.Unmarshal([]byte(argument), &run); err != nil {
		return nil, err
	}
	image, err := os.ReadFile(run.Path)
	if err != nil {
		return nil, err
	}
	switch run.Of {
	case "C":
		if run.Load {
			err = cLoad(image, "")
		} else {
			err = cOpenMemory(image)
		}
	case "libbpf-go":
		if run.Load {
			err = load1(image, "")
		} else {
			err = open1(image)
		}
	case "cilium/ebpf":
		if run.Load {
			err = ciliumLoad(image, nil)
		} else {
			_, err = ebpf.LoadCollectionSpecFromReader(bytes.NewReader(image))
		}
	}
	if err != nil {
		return nil, err
	}
	return peakMemory("self")
}

func open1(image []byte) error {
	o, err := libbpf.OpenMemory(image)
	if err != nil {
		return err
	}
	return o.Close()
}

// peakMemory is the most memory that a process has had, in KiB.
func peakMemory(pid string) (float64, error) {
	text, unit, _ := strings.Cut(procField("/proc/"+pid+"/status", "VmHWM"), " ")
	if unit != "kB" {
		return 0, fmt.Errorf("VmHWM in %q", unit)
	}
	return strconv.ParseFloat(text, 64)
}
