package holders

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

func check(t *testing.T, err error) {
	t.Helper()
	testutil.Check(t, err)
}

func TestFind(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeArray, "held", 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	second, err := libbpf.MapHandleFrom(m)
	check(t, err)
	defer second.Close()
	p, err := libbpf.LoadProgram(libbpf.ProgramTypeSocketFilter, "held", "GPL",
		[]libbpf.Instruction{{Code: 0xb7}, {Code: 0x95}}, libbpf.ProgramLoadOptions{})
	check(t, err)
	defer p.Close()
	folder := testutil.BPFFS(t)
	mapPin, programPin := filepath.Join(folder, "a map"), filepath.Join(folder, "program")
	check(t, m.Pin(mapPin))
	check(t, p.Pin(programPin))
	mapInfo, err := m.Info()
	check(t, err)
	programInfo, err := p.Info(0)
	check(t, err)

	f := Find()
	theMap, theProgram := Object{Map, mapInfo.ID}, Object{Program, programInfo.ID}
	for object, fds := range map[Object][]int{theMap: {m.FD(), second.FD()}, theProgram: {p.FD()}} {
		processes := f.Processes[object]
		if len(processes) != 1 || processes[0].PID != os.Getpid() || !sameFDs(processes[0].FDs, fds) ||
			processes[0].Comm == "" {
			t.Errorf("%+v is held by %+v", object, processes)
		}
	}
	want := map[Object][]string{theMap: {mapPin}, theProgram: {programPin}}
	got := map[Object][]string{theMap: f.Pins[theMap], theProgram: f.Pins[theProgram]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func sameFDs(a, b []int) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

func TestMounts(t *testing.T) {
	const text = `22 1 0:20 / /sys/fs/bpf rw,nosuid shared:5 - bpf bpf rw,mode=700
23 1 0:21 /sub /srv/a\040b rw - bpf none rw
24 1 0:21 / /srv/all rw - bpf none rw
25 1 0:20 / /again rw - bpf bpf rw
26 1 0:22 / /proc rw - proc proc rw
27 1 0:23 /x /with\134back\040slash rw - bpf none rw
broken
`
	want := []string{"/sys/fs/bpf", "/srv/all", `/with\back slash`}
	if diff := cmp.Diff(want, mounts(text, "bpf")); diff != "" {
		t.Error(diff)
	}
}

// A name that a process gave itself is kept as it is: who shows it makes it safe.
func TestComm(t *testing.T) {
	const name = "a\x1b[31m\nb"
	before := readComm(os.Getpid())
	check(t, setComm(name))
	defer func() { check(t, setComm(before)) }()
	if got := readComm(os.Getpid()); got != name {
		t.Errorf("%q", got)
	}
}

func setComm(name string) error { return os.WriteFile("/proc/self/comm", []byte(name), 0) }
