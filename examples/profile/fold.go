package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go"
)

// folder makes text of samples.
type folder struct {
	profile   *Profile
	kernel    kernelSymbols
	processes map[int32]*process
	files     map[string]*fileSymbols
}

func newFolder(profile *Profile) *folder {
	return &folder{profile, nil, make(map[int32]*process), make(map[string]*fileSymbols)}
}

// learn reads where the files of the processes are in memory, while they are there. A process maps more with time.
func (f *folder) learn() error {
	own, err := os.Stat("/")
	if err != nil {
		return err
	}
	read := make(map[int32]bool)
	for sample := range f.profile.Maps.Counts.Keys(&err) {
		if read[sample.PID] {
			continue
		}
		read[sample.PID] = true
		if now := readProcess(sample.PID, own); len(now.mappings) > 0 || f.processes[sample.PID] == nil {
			f.processes[sample.PID] = now
		}
	}
	return err
}

// fold returns how often each stack was met. A stack is the names of its functions, the outermost first, with
// semicolons.
func (f *folder) fold() (map[string]uint64, error) {
	if err := f.learn(); err != nil {
		return nil, err
	}
	var err error
	if f.kernel, err = readKernelSymbols(); err != nil {
		return nil, err
	}
	counts := make(map[string]uint64)
	for sample, count := range f.profile.Maps.Counts.All(&err) {
		user, err := f.frames(sample.User)
		if err != nil {
			return nil, err
		}
		kernel, err := f.frames(sample.Kernel)
		if err != nil {
			return nil, err
		}
		var names []string // the innermost first
		for _, address := range kernel {
			names = append(names, f.kernel.name(address)+"_[k]")
		}
		for i, address := range user {
			if i > 0 {
				address-- // a return address is behind the call
			}
			names = append(names, f.processes[sample.PID].name(address, f.files))
		}
		names = append(names, sample.Comm.String())
		slices.Reverse(names)
		counts[strings.Join(names, ";")] += count
	}
	return counts, err
}

// frames returns the addresses of a stack; an id below 0 says why there is none.
func (f *folder) frames(id int32) ([]uint64, error) {
	if id < 0 {
		return nil, nil
	}
	frames, err := f.profile.Maps.Stacks.Lookup(uint32(id), libbpf.Any)
	if errors.Is(err, libbpf.ErrKeyNotExist) {
		return nil, nil
	}
	return frames, err
}

func printFolded(to io.Writer, counts map[string]uint64) error {
	w := bufio.NewWriter(to)
	for _, stack := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintln(w, stack, counts[stack])
	}
	return w.Flush()
}

func writeSVG(path string, counts map[string]uint64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = drawFlames(f, counts)
	return errors.Join(err, f.Close())
}
