package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

// mostAttach is what attaching probes may take, as multiples of C's time.
const mostAttach = 1.1

// probed is a binary that nobody runs, and functions in it.
type probed struct {
	path    string
	names   []string
	offsets []uint64
}

// newProbed makes a copy of this program: probes in what runs would cost something.
func newProbed(folder string, n int) (*probed, error) {
	p := &probed{path: filepath.Join(folder, "probed")}
	image, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.path, image, 0o700); err != nil {
		return nil, err
	}
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, err
	}
	symbols, err := file.Symbols()
	if err != nil {
		return nil, err
	}
	seen := make(map[string]int)
	for _, s := range symbols {
		seen[s.Name]++
	}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Size < 64 || seen[s.Name] > 1 || int(s.Section) >= len(file.Sections) {
			continue
		}
		in := file.Sections[s.Section]
		p.names = append(p.names, s.Name)
		p.offsets = append(p.offsets, s.Value-in.Addr+in.Offset)
		if len(p.names) == n {
			return p, nil
		}
	}
	return nil, fmt.Errorf("there are %d functions", len(p.names))
}

// attaching compares attaching probes to functions of a binary, and detaching them.
func attaching(*libbpf.Object) (comparisons []comparison, err error) {
	const most = 1000
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	all, err := newProbed(folder, most)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Open(all.path, unix.O_RDONLY|unix.O_CLOEXEC, 0) // which keeps the file to the end
	if err != nil {
		return nil, err
	}
	all.path = fmt.Sprintf("/proc/self/fd/%d", fd)
	image, err := os.ReadFile("bpf/probe.bpf.o")
	if err != nil {
		return nil, err
	}
	c, err := newCProbes(image, all)
	if err != nil {
		return nil, err
	}
	o, err := libbpf.OpenMemory(image)
	if err != nil {
		return nil, err
	}
	loaded, err := o.Load()
	if err != nil {
		return nil, err
	}
	single, err := loaded.Program("single")
	if err != nil {
		return nil, err
	}
	multi, err := loaded.Program("multi")
	if err != nil {
		return nil, err
	}
	theirs, err := newCiliumProbes(image, all.path)
	if err != nil {
		return nil, err
	}
	for _, n := range []int{1, 10} {
		comparisons = append(comparisons, comparison{
			title: fmt.Sprintf("attach %d uprobes by offset, a link for each", n), ops: n, contenders: []contender{
				{name: "C", run: func() (int, error) { return c.single(n, false) }},
				{name: "AttachUprobe", mostC: mostAttach, peer: "cilium Uprobe", mostPeer: 1, run: func() (int, error) {
					return attachAll(n, func(i int) (io.Closer, error) {
						return single.AttachUprobe(libbpf.ThisProcess, all.path, all.offsets[i], libbpf.UprobeOptions{})
					})
				}},
				{name: "cilium Uprobe", run: func() (int, error) {
					return attachAll(n, func(i int) (io.Closer, error) {
						return theirs.binary.Uprobe("", theirs.single, &link.UprobeOptions{Address: all.offsets[i], PID: os.Getpid()})
					})
				}},
			},
		})
	}
	const few = 10
	comparisons = append(comparisons, comparison{
		title: fmt.Sprintf("attach %d uprobes by name, a link for each", few), ops: few, contenders: []contender{
			{name: "C", run: func() (int, error) { return c.single(few, true) }},
			{name: "AttachUprobe", mostC: mostAttach, run: func() (int, error) {
				return attachAll(few, func(i int) (io.Closer, error) {
					return single.AttachUprobe(libbpf.ThisProcess, all.path, 0, libbpf.UprobeOptions{Function: all.names[i]})
				})
			}},
			{name: "cilium Uprobe, of one Executable", run: func() (int, error) {
				return attachAll(few, func(i int) (io.Closer, error) {
					return theirs.binary.Uprobe(all.names[i], theirs.single, &link.UprobeOptions{PID: os.Getpid()})
				})
			}},
		},
	})
	for _, n := range []int{100, most} {
		comparisons = append(comparisons, comparison{
			title: fmt.Sprintf("attach %d uprobes by name, one link", n), ops: n, contenders: []contender{
				{name: "C", run: func() (int, error) { return c.multi(n) }},
				{name: "AttachUprobeMulti", mostC: mostAttach, peer: "cilium UprobeMulti", mostPeer: 1, run: func() (int, error) {
					_, err := attachAll(1, func(int) (io.Closer, error) {
						return multi.AttachUprobeMulti(libbpf.ThisProcess, all.path, libbpf.UprobeMultiOptions{Symbols: all.names[:n]})
					})
					return n, err
				}},
				{name: "cilium UprobeMulti", run: func() (int, error) {
					_, err := attachAll(1, func(int) (io.Closer, error) {
						return theirs.binary.UprobeMulti(all.names[:n], theirs.multi, &link.UprobeMultiOptions{PID: uint32(os.Getpid())})
					})
					return n, err
				}},
			},
		})
	}
	return comparisons, nil
}

// attachAll attaches n probes, and then closes the links.
func attachAll(n int, attach func(i int) (io.Closer, error)) (int, error) {
	links := make([]io.Closer, 0, n)
	var err error
	for i := 0; i < n && err == nil; i++ {
		var l io.Closer
		if l, err = attach(i); err == nil {
			links = append(links, l)
		}
	}
	for _, l := range links {
		err = errors.Join(err, l.Close())
	}
	return len(links), err
}

type ciliumProbes struct {
	single, multi *ebpf.Program
	binary        *link.Executable
}

func newCiliumProbes(image []byte, path string) (*ciliumProbes, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(image))
	if err != nil {
		return nil, err
	}
	collection, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, err
	}
	binary, err := link.OpenExecutable(path)
	return &ciliumProbes{collection.Programs["single"], collection.Programs["multi"], binary}, err
}
