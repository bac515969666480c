package libbpf_test

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	linkCases = append(linkCases, linkCase{"iter", true, func(t *testing.T, as attachAs) attachedLink {
		o := loadIterators(t)
		link, err := as(t, findProgram(t, o, "dump_map")).AttachIter(libbpf.IterOptions{Map: findMap(t, o, "entries")})
		check(t, err)
		info, err := link.Info()
		check(t, err)
		return attachedLink{
			link: link, act: func(t *testing.T) {
				l, err := libbpf.LinkFromID(info.ID) // also works after the first Link is closed
				if errors.Is(err, os.ErrNotExist) {
					return
				}
				check(t, err)
				defer l.Close()
				walk(t, l)
			}, hits: counter(t, o, "elements"), kind: "iter",
			replacement: findProgram(t, o, "dump_map_2"), replacementHits: counter(t, o, "elements_2"),
		}
	}})
}

const iterEntries = 1000

// loadIterators loads iterators.bpf.o with a map of entries, the value of each three times its key.
func loadIterators(t testing.TB) *libbpf.Object {
	t.Helper()
	o := load(t, open(t, "iterators"))
	m := findMap(t, o, "entries")
	for i := range uint32(iterEntries) {
		check(t, m.Update(u32(i), u64(uint64(i)*3), libbpf.Any))
	}
	return o
}

// walk returns the output of an iterator as 8-byte numbers.
func walk(t testing.TB, link *libbpf.Link) []uint64 {
	t.Helper()
	it, err := libbpf.NewIter(link)
	check(t, err)
	defer it.Close()
	output, err := io.ReadAll(it)
	check(t, err)
	return numbers(output)
}

func numbers(output []byte) []uint64 {
	var all []uint64
	for ; len(output) >= 8; output = output[8:] {
		all = append(all, binary.NativeEndian.Uint64(output))
	}
	return all
}

// wantEntries checks that the output has all entries of the map, each once.
func wantEntries(t testing.TB, output []uint64) {
	t.Helper()
	seen := make(map[uint64]bool)
	for i := 0; i+1 < len(output); i += 2 {
		if output[i+1] != output[i]*3 || seen[output[i]] {
			t.Fatalf("entry %d: %d", output[i], output[i+1])
		}
		seen[output[i]] = true
	}
	if len(seen) != iterEntries {
		t.Errorf("%d entries", len(seen))
	}
}

func TestIterMap(t *testing.T) {
	o := loadIterators(t)
	elements := counter(t, o, "elements")
	link, err := findProgram(t, o, "dump_map").AttachIter(libbpf.IterOptions{Map: findMap(t, o, "entries")})
	check(t, err)
	if elements() != 0 {
		t.Error("it ran before it was read")
	}
	wantEntries(t, walk(t, link))
	wantEntries(t, walk(t, link)) // another walk
	if elements() != 2*iterEntries {
		t.Errorf("%d elements", elements())
	}

	// Read in small pieces, by an Iter that outlives its link and its object.
	it, err := libbpf.NewIter(link)
	check(t, err)
	defer it.Close()
	if n, err := it.Read(nil); n != 0 || err != nil {
		t.Errorf("read nothing: %d, %v", n, err)
	}
	if it.FD() < 0 {
		t.Errorf("fd %d", it.FD())
	}
	var output []byte
	for piece := make([]byte, 100); ; {
		n, err := it.Read(piece)
		output = append(output, piece[:n]...)
		if len(output) == 100 {
			check(t, link.Close())
			check(t, o.Close())
		}
		if err == io.EOF {
			break
		}
		check(t, err)
	}
	wantEntries(t, numbers(output))
	if n, err := it.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read at the end: %d, %v", n, err)
	}
	_, err = libbpf.NewIter(link)
	wantErr(t, err, libbpf.ErrClosed)
	check(t, it.Close())
	check(t, it.Close())
	_, err = it.Read(make([]byte, 1))
	wantErr(t, err, os.ErrClosed)
	if it.FD() != -1 {
		t.Errorf("fd %d after Close", it.FD())
	}
}

// A pinned iterator is a file, which any program can read.
func TestIterPinned(t *testing.T) {
	pins := testutil.BPFFS(t)
	path := filepath.Join(pins, "entries")
	o := loadIterators(t)
	link, err := findProgram(t, o, "dump_map").AttachIter(libbpf.IterOptions{Map: findMap(t, o, "entries")})
	check(t, err)
	check(t, link.Pin(path))
	check(t, o.Close())
	output, err := os.ReadFile(path)
	check(t, err)
	wantEntries(t, numbers(output))
	it, err := libbpf.IterFromPinnedPath(path)
	check(t, err)
	output, err = io.ReadAll(it)
	check(t, err)
	wantEntries(t, numbers(output))
	check(t, it.Close())
	check(t, os.Remove(path))
	_, err = libbpf.IterFromPinnedPath(path)
	wantErr(t, err, os.ErrNotExist)

	pipe := filepath.Join(t.TempDir(), "pipe")
	check(t, unix.Mkfifo(pipe, 0o600))
	_, err = libbpf.IterFromPinnedPath(pipe) // without waiting for a writer
	wantErr(t, err, libbpf.ErrInvalid)
}

func TestIterTasks(t *testing.T) {
	o := loadIterators(t)
	dump := findProgram(t, o, "dump_tasks")
	self := uint32(os.Getpid())
	// threads returns the numbers of the threads that were seen. With mine, all must be this process's.
	threads := func(opts libbpf.IterOptions, mine bool) []uint32 {
		t.Helper()
		link, err := dump.AttachIter(opts)
		if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, unix.E2BIG) {
			testutil.Skip(t, "iter-task-options", err)
		}
		check(t, err)
		defer link.Close()
		var seen []uint32
		for _, line := range walk(t, link) {
			b := u64(line)
			if tgid := binary.NativeEndian.Uint32(b); tgid == self {
				seen = append(seen, binary.NativeEndian.Uint32(b[4:]))
			} else if mine {
				t.Errorf("%+v: a thread of process %d", opts, tgid)
			}
		}
		return seen
	}
	if all := threads(libbpf.IterOptions{}, false); !slices.Contains(all, self) {
		t.Errorf("threads %v without the first", all)
	}
	if one := threads(libbpf.IterOptions{TID: int(self)}, true); !slices.Equal(one, []uint32{self}) {
		t.Errorf("threads %v", one)
	}
	if all := threads(libbpf.IterOptions{PID: int(self)}, true); len(all) < 2 || !slices.Contains(all, self) {
		t.Errorf("threads %v", all)
	}
	pidfd, err := unix.PidfdOpen(int(self), 0)
	check(t, err)
	defer unix.Close(pidfd)
	if all := threads(libbpf.IterOptions{PIDFD: pidfd}, true); len(all) < 2 {
		t.Errorf("threads %v", all)
	}
}

func TestIterCgroups(t *testing.T) {
	top := testutil.NewCgroup(t)
	middle := top.NewChild(t)
	low := middle.NewChild(t)
	loaded, err := open(t, "iter_cgroup").Load()
	if err != nil && testutil.Refused(err) {
		testutil.Skip(t, "iter-cgroup", err)
	}
	check(t, err)
	defer loaded.Close()
	dump := findProgram(t, loaded, "dump_cgroups")
	ids := func(opts libbpf.IterOptions) []uint64 {
		t.Helper()
		link, err := dump.AttachIter(opts)
		check(t, err)
		defer link.Close()
		info, err := link.Info()
		check(t, err)
		over := info.Detail.(libbpf.IterLinkInfo)
		if over.Target != "cgroup" || over.CgroupOrder != opts.CgroupOrder || over.CgroupID == 0 {
			t.Errorf("info %+v", info)
		}
		return walk(t, link)
	}
	fd := int(middle.Fd())
	for _, c := range []struct {
		opts libbpf.IterOptions
		want []uint64
	}{
		{libbpf.IterOptions{CgroupOrder: libbpf.CgroupIterSelfOnly, CgroupFD: fd}, []uint64{middle.ID()}},
		{libbpf.IterOptions{CgroupOrder: libbpf.CgroupIterSelfOnly, CgroupID: low.ID()}, []uint64{low.ID()}},
		{libbpf.IterOptions{CgroupOrder: libbpf.CgroupIterDescendantsPre, CgroupFD: fd}, []uint64{middle.ID(), low.ID()}},
		{libbpf.IterOptions{CgroupOrder: libbpf.CgroupIterDescendantsPost, CgroupFD: fd}, []uint64{low.ID(), middle.ID()}},
	} {
		if got := ids(c.opts); !slices.Equal(got, c.want) {
			t.Errorf("%+v: cgroups %v, want %v", c.opts, got, c.want)
		}
	}
	up := ids(libbpf.IterOptions{CgroupOrder: libbpf.CgroupIterAncestorsUp, CgroupFD: fd})
	if len(up) < 3 || up[0] != middle.ID() || up[1] != top.ID() {
		t.Errorf("ancestors %v", up)
	}
	all := ids(libbpf.IterOptions{CgroupOrder: libbpf.CgroupIterDescendantsPre}) // from the root on
	for _, c := range []*testutil.Cgroup{top, middle, low} {
		if !slices.Contains(all, c.ID()) {
			t.Errorf("all cgroups without %d", c.ID())
		}
	}
	link, err := dump.AttachIter(libbpf.IterOptions{CgroupOrder: libbpf.CgroupIterChildren, CgroupFD: int(top.Fd())})
	if errors.Is(err, unix.EINVAL) {
		return // before Linux 6.18
	}
	check(t, err)
	defer link.Close()
	if got := walk(t, link); !slices.Equal(got, []uint64{middle.ID()}) {
		t.Errorf("children %v", got)
	}
}

// More output for one element than the kernel's buffer holds is an error, not the end.
func TestIterOverflow(t *testing.T) {
	o := loadIterators(t)
	link, err := findProgram(t, o, "flood").AttachIter(libbpf.IterOptions{})
	check(t, err)
	it, err := libbpf.NewIter(link)
	check(t, err)
	defer it.Close()
	_, err = io.ReadAll(it)
	wantErr(t, err, unix.E2BIG)
}

// The options are a union: options for another kind of iterator must be refused, not misinterpreted.
func TestIterRefusals(t *testing.T) {
	o := loadIterators(t)
	dumpMap, dumpTasks := findProgram(t, o, "dump_map"), findProgram(t, o, "dump_tasks")
	entries := findMap(t, o, "entries")
	self := os.Getpid()
	for _, opts := range []libbpf.IterOptions{
		{Map: entries, TID: self},
		{Map: entries, CgroupOrder: libbpf.CgroupIterSelfOnly},
		{PID: self, CgroupOrder: libbpf.CgroupIterSelfOnly},
		{TID: self, PID: self},
		{PID: self, PIDFD: 3},
		{TID: -1},
		{PID: beyondInt32},
		{CgroupFD: 3},
		{CgroupID: 1},
		{CgroupOrder: libbpf.CgroupIterChildren + 1},
		{CgroupOrder: libbpf.CgroupIterSelfOnly, CgroupFD: 3, CgroupID: 1},
		{CgroupOrder: libbpf.CgroupIterSelfOnly, CgroupFD: -1},
	} {
		for _, p := range []*libbpf.Program{dumpMap, dumpTasks} {
			_, err := p.AttachIter(opts)
			wantErr(t, err, libbpf.ErrInvalid)
		}
	}
	_, err := dumpMap.AttachIter(libbpf.IterOptions{}) // it needs a map
	if err == nil {
		t.Error("attached without a map")
	}
	if _, err := dumpTasks.AttachIter(libbpf.IterOptions{Map: entries}); err == nil {
		t.Error("a map's descriptor was taken for a thread's number")
	}
	if _, err := dumpMap.AttachIter(libbpf.IterOptions{TID: entries.FD()}); err == nil {
		t.Error("a thread's number was taken for a map's descriptor")
	}
	if _, err := findProgram(t, o, "flood").AttachIter(libbpf.IterOptions{TID: self}); err == nil {
		t.Error("a thread's number was ignored")
	}
	_, err = dumpMap.AttachIter(libbpf.IterOptions{Map: new(libbpf.Map)})
	wantErr(t, err, libbpf.ErrClosed)
	small, err := libbpf.CreateMap(libbpf.MapTypeArray, "small", 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	defer small.Close()
	_, err = dumpMap.AttachIter(libbpf.IterOptions{Map: small}) // the program reads more
	wantErr(t, err, unix.EACCES)

	// A link that is not an iterator's, and nil.
	link, err := findProgram(t, load(t, open(t, "sockets")), "dissect").AttachNetns(testutil.NewNetwork(t).FD())
	check(t, err)
	_, err = libbpf.NewIter(link)
	wantErr(t, err, errors.ErrUnsupported)
	_, err = libbpf.NewIter(nil)
	wantErr(t, err, libbpf.ErrClosed)
	var none *libbpf.Iter
	check(t, none.Close())
	_, err = none.Read(make([]byte, 1))
	wantErr(t, err, libbpf.ErrClosed)
	if none.FD() != -1 {
		t.Errorf("fd %d", none.FD())
	}
	check(t, o.Close())
	_, err = dumpTasks.AttachIter(libbpf.IterOptions{})
	wantErr(t, err, libbpf.ErrClosed)
}

// Close during reads ends the iteration for the readers. They read nothing from another file.
func TestIterConcurrentClose(t *testing.T) {
	o := loadIterators(t)
	link, err := findProgram(t, o, "dump_map").AttachIter(libbpf.IterOptions{Map: findMap(t, o, "entries")})
	check(t, err)
	for range 50 {
		it, err := libbpf.NewIter(link)
		check(t, err)
		var readers sync.WaitGroup
		begun := make(chan struct{})
		for range 4 {
			readers.Go(func() {
				b := make([]byte, 16)
				for i := 0; ; i++ {
					n, err := it.Read(b)
					if i == 0 {
						begun <- struct{}{}
					}
					if err == io.EOF || errors.Is(err, libbpf.ErrClosed) {
						return
					}
					if err != nil || n != 16 || binary.NativeEndian.Uint64(b[8:]) != 3*binary.NativeEndian.Uint64(b) {
						t.Errorf("%d bytes, %v, %v", n, b, err)
						return
					}
				}
			})
		}
		for range 4 {
			<-begun
		}
		check(t, it.Close())
		readers.Wait()
	}
}
