package libbpf_test

import (
	"iter"
	"os"
	"sync"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// find returns the one wanted element of an iteration. Every error of the iteration fails the test.
func find[T any](t *testing.T, walk func(err *error) iter.Seq[T], wanted func(T) bool) (found T) {
	t.Helper()
	n := 0
	var err error
	for info := range walk(&err) {
		if wanted(info) {
			found = info
			n++
		}
	}
	check(t, err)
	if n != 1 {
		t.Fatalf("found %d times", n)
	}
	return found
}

func TestQuery(t *testing.T) {
	o := loadAttach(t, nil)
	p := findProgram(t, o, "on_exit")
	link, err := p.Attach()
	check(t, err)
	wantProgram, err := p.Info(libbpf.IncludeAll)
	check(t, err)
	wantMap, err := findMap(t, o, ".bss").Info()
	check(t, err)
	wantLink, err := link.Info()
	check(t, err)

	program := find(t, programInfos(libbpf.IncludeMapIDs),
		func(i libbpf.ProgramInfo) bool { return i.ID == wantProgram.ID })
	if program.Name != "on_exit" || len(program.MapIDs) == 0 || program.LineInfo != nil {
		t.Errorf("program %+v", program)
	}
	if m := find(t, libbpf.MapInfos, func(i libbpf.MapInfo) bool { return i.ID == wantMap.ID }); m != wantMap {
		t.Errorf("map %+v, want %+v", m, wantMap)
	}
	types := find(t, libbpf.BTFInfos, func(i libbpf.BTFInfo) bool { return i.ID == wantProgram.BTFID })
	if types.Size == 0 || types.Kernel || types.Name != "" {
		t.Errorf("BTF %+v", types)
	}
	if kernelHasMember(t, "bpf_btf_info", "kernel_btf") { // otherwise the kernel's own has no id
		kernel := find(t, libbpf.BTFInfos, func(i libbpf.BTFInfo) bool { return i.Name == "vmlinux" })
		image, err := os.Stat("/sys/kernel/btf/vmlinux")
		check(t, err)
		if int64(kernel.Size) != image.Size() || !kernel.Kernel {
			t.Errorf("the kernel's BTF %+v", kernel)
		}
	}
	if l := find(t, libbpf.LinkInfos, func(i libbpf.LinkInfo) bool { return i.ID == wantLink.ID }); l != wantLink {
		t.Errorf("link %+v, want %+v", l, wantLink)
	}
	for range libbpf.ProgramInfos(0, nil) {
		break // leaves no descriptor, which TestMain checks
	}
}

func TestIDs(t *testing.T) {
	o := loadAttach(t, nil)
	p := findProgram(t, o, "on_exit")
	link, err := p.Attach()
	check(t, err)
	program, err := p.Info(0)
	check(t, err)
	info, err := link.Info()
	check(t, err)
	for _, c := range []struct {
		name string
		ids  func(*error) iter.Seq[uint32]
		want uint32
	}{
		{"programs", libbpf.ProgramIDs, program.ID},
		{"links", libbpf.LinkIDs, info.ID},
		{"BTF objects", libbpf.BTFIDs, program.BTFID},
	} {
		var failed error
		var last uint32
		found := false
		for id := range c.ids(&failed) {
			if id <= last {
				t.Errorf("%s: %d after %d", c.name, id, last)
			}
			last = id
			found = found || id == c.want
		}
		check(t, failed)
		if !found {
			t.Errorf("%s: %d was not found", c.name, c.want)
		}
	}
}

// An iteration has no error for what others close during it.
func TestQueryWhileThingsVanish(t *testing.T) {
	needs.ToLoadFile(t, testutil.Object(t, "attach"))
	stop := make(chan struct{})
	var wait sync.WaitGroup
	defer wait.Wait()
	defer close(stop)
	wait.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			o, err := libbpf.OpenFile(testutil.Object(t, "attach"))
			if err != nil {
				t.Error(err)
				return
			}
			loaded, err := o.Load()
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := loaded.Attach(); err != nil {
				t.Error(err)
			}
			_ = loaded.Close()
		}
	})
	var err error
	for range 100 {
		for range libbpf.ProgramInfos(libbpf.IncludeAll, &err) {
		}
		check(t, err)
		for range libbpf.MapInfos(&err) {
		}
		check(t, err)
		for range libbpf.BTFInfos(&err) {
		}
		check(t, err)
		for range libbpf.LinkInfos(&err) {
		}
		check(t, err)
	}
}

func TestQueryUnprivileged(t *testing.T) {
	if os.Getenv("LIBBPF_GO_UNPRIVILEGED") == "" {
		testutil.Root(t)
		runUnprivileged(t, "TestQueryUnprivileged")
		return
	}
	wantOnlyPermission(t, programInfos(0))
	wantOnlyPermission(t, libbpf.MapInfos)
	wantOnlyPermission(t, libbpf.BTFInfos)
	wantOnlyPermission(t, libbpf.LinkInfos)
}

func wantOnlyPermission[T any](t *testing.T, walk func(err *error) iter.Seq[T]) {
	t.Helper()
	var err error
	for range walk(&err) {
		t.Error("an info without the permission")
	}
	wantErr(t, err, os.ErrPermission)
}

func programInfos(include libbpf.ProgramInfoParts) func(err *error) iter.Seq[libbpf.ProgramInfo] {
	return func(err *error) iter.Seq[libbpf.ProgramInfo] { return libbpf.ProgramInfos(include, err) }
}
