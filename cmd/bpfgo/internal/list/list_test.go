package list

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/holders"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/inventory"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

var tool = clitest.Tool{Command}

// sample is a snapshot with names that would harm a terminal.
func sample() *inventory.Snapshot {
	held := inventory.Holding{
		Holders: []holders.Process{{PID: 812, Comm: "a\x1b[31mb\nc", FDs: []int{5, 7}}},
		Pins:    []string{"/sys/fs/bpf/with space/\u202eevil"}, HeldBy: []string{"link 3", "link 4", "map 9"},
	}
	return &inventory.Snapshot{
		Programs: []*inventory.Program{
			{ID: 7, Type: "xdp", Name: "drop_everything_that_is_bad", Tag: "3b185187f1855c4c", MemoryBytes: 4096,
				RunTimeNS: 61_250_000, RunCount: 1_000_000, AverageNS: 61, Instructions: 120, UID: 1000,
				Attached: []string{"XDP of eth0", "XDP of eth1"}, Holding: held,
				LoadedAt: time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC)},
			{ID: 12, Type: "tracing", Name: "on_exec_of_a_pr", NameCut: true, Tag: "0011223344556677", MemoryBytes: 8192,
				Instructions: 40, Function: "do_unlinkat", LoadedAt: time.Date(2022, 3, 4, 5, 6, 7, 0, time.UTC)},
		},
		Maps: []*inventory.Map{
			{ID: 3, Type: "hash", Name: "counts", KeySize: 4, ValueSize: 8, MaxEntries: 1024, MemoryBytes: 81920,
				KeyType: "__u32", ValueType: "__u64", Holding: held},
			{ID: 5, Type: "array", Name: "app.rodata", KeySize: 4, ValueSize: 64, MaxEntries: 1, Frozen: true,
				Flags: []string{"rdonly_prog", "mmapable"}, MemoryBytes: 12 << 20},
		},
		Links: []*inventory.Link{{ID: 3, Type: "xdp", ProgramID: 7, ProgramName: "drop_everything_that_is_bad",
			Target: inventory.Target{Words: "XDP of eth0"}}},
		BTFs: []*inventory.BTF{{ID: 1, Name: "vmlinux", Kind: "kernel", Bytes: 5 << 20}, {ID: 90, Kind: "program", Bytes: 900}},
	}
}

func TestTables(t *testing.T) {
	for _, width := range []int{0, 80, 200} {
		l := lister{env: cli.Quiet(nil, nil), wanted: kinds}
		text := l.tables(sample(), width)
		clitest.Golden(t, fmt.Sprintf("all-%d.txt", width), text)
		for line := range strings.Lines(text) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); width > 0 && n > width {
				t.Errorf("%d characters on a line of %d: %s", n, width, line)
			}
		}
	}
	measured := sample()
	measured.Programs[1].Rates = &inventory.Rates{CPUPercent: 12.345, RunsPerSecond: 1800.4, NSPerRun: 213.6}
	measured.Programs[0].Rates = &inventory.Rates{CPUPercent: 0.004, RunsPerSecond: 0.5, NSPerRun: 90}
	l := lister{env: cli.Quiet(nil, nil), wanted: []string{"programs"}, alone: true}
	l.choose(measured)
	clitest.Golden(t, "measured.txt", l.tables(measured, 100))
	l.wanted = []string{"links"}
	clitest.Golden(t, "none.txt", l.tables(&inventory.Snapshot{}, 0))
}

func TestChoose(t *testing.T) {
	for name, tt := range map[string]struct {
		options
		programs, maps []uint32
	}{
		"all":     {options{}, []uint32{7, 12}, []uint32{3, 5}},
		"type":    {options{typ: "x*"}, []uint32{7}, nil},
		"name":    {options{name: "on_*"}, []uint32{12}, nil},
		"pid":     {options{process: "812"}, []uint32{7}, []uint32{3}},
		"comm":    {options{process: "a\x1b[31mb\nc"}, []uint32{7}, []uint32{3}},
		"nobody":  {options{process: "813"}, nil, nil},
		"sorted":  {options{sort: "memory"}, []uint32{12, 7}, []uint32{5, 3}},
		"by name": {options{sort: "name"}, []uint32{7, 12}, []uint32{5, 3}},
		"top":     {options{sort: "memory", top: 1}, []uint32{12}, []uint32{5}},
	} {
		s := sample()
		l := lister{options: tt.options}
		l.choose(s)
		var programs, maps []uint32
		for _, p := range s.Programs {
			programs = append(programs, p.ID)
		}
		for _, m := range s.Maps {
			maps = append(maps, m.ID)
		}
		if !slices.Equal(programs, tt.programs) || !slices.Equal(maps, tt.maps) {
			t.Errorf("%s: programs %v, maps %v", name, programs, maps)
		}
	}
}

// attach loads and attaches an object for the time of the test.
func attach(t *testing.T) {
	t.Helper()
	p, err := needs.Load(t, "attach").Program("on_exit")
	testutil.Check(t, err)
	_, err = p.AttachRawTracepoint("sys_exit", libbpf.RawTracepointOptions{})
	testutil.Check(t, err)
}

func TestKernel(t *testing.T) {
	attach(t)
	stdout, _ := tool.Must(t, "list", "--process", fmt.Sprint(os.Getpid()), "--json")
	var got struct {
		SchemaVersion int `json:"schema_version"`
		Objects       struct {
			Programs []inventory.Program
			Maps     []inventory.Map
			Links    []inventory.Link
			BTF      []inventory.BTF
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	programs := got.Objects.Programs
	i := slices.IndexFunc(programs, func(p inventory.Program) bool { return p.Name == "on_exit" })
	if i < 0 || got.SchemaVersion != 1 {
		t.Fatalf("the program is missing:\n%s", stdout)
	}
	p := programs[i]
	if !slices.Contains(p.Attached, "raw tracepoint sys_exit") || len(p.LinkIDs) != 1 || len(p.Holders) != 1 ||
		p.Holders[0].PID != os.Getpid() || p.MemoryBytes == 0 || time.Since(p.LoadedAt) > time.Hour {
		t.Errorf("%+v", p)
	}
	i = slices.IndexFunc(got.Objects.Links, func(l inventory.Link) bool { return l.ID == p.LinkIDs[0] })
	if i < 0 || got.Objects.Links[i].Target.Tracepoint != "sys_exit" || got.Objects.Links[i].ProgramID != p.ID {
		t.Errorf("links %+v", got.Objects.Links)
	}
}

// Lines of JSON, with rates, and the kernel stops counting afterwards.
func TestWatch(t *testing.T) {
	attach(t)
	stdout, _ := tool.Must(t, "list", "programs", "--process", fmt.Sprint(os.Getpid()), "--name", "on_exit",
		"--watch=20ms", "--count", "3", "--json") // other tests have programs of this name, too
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) < 3 {
		t.Fatalf("%d lines:\n%s", len(lines), stdout)
	}
	for _, line := range lines {
		var got struct {
			Time    time.Time
			Program inventory.Program
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.Program.Rates == nil || got.Time.IsZero() {
			t.Errorf("%v: %s", err, line)
		}
	}
	stdout, _ = tool.Must(t, "list", "programs", "--watch=20ms", "--count", "2")
	if n := strings.Count(stdout, " of a CPU"); n != 2 {
		t.Errorf("%d blocks:\n%s", n, stdout)
	}
	if stdout, _ = tool.Must(t, "list", "links", "--watch=20ms", "--count", "1"); strings.Contains(stdout, " of a CPU") {
		t.Errorf("links take no time:\n%s", stdout)
	}
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"list nonsense":          `"nonsense" is none of programs, maps, links and btf`,
		"list maps links":        `unexpected argument "links"`,
		"list --sort x":          "the columns are id, type, name",
		"list links --sort cpu":  "the columns are id, type, program, target, held by",
		"list --count 3":         "--count needs --watch",
		"list --stats --watch":   "exclude each other",
		"list --name [":          "a [ has no ]",
		"list --watch=0s":        "must be a duration above 0",
		"list programs --top -1": "must be a whole number from 1",
	} {
		_, stderr, status := tool.Run(strings.Fields(args)...)
		if status != cli.StatusUsage {
			t.Errorf("bpfgo %s: exit status %d", args, status)
		}
		clitest.WantLine(t, stderr, want)
	}
}

func TestSort(t *testing.T) {
	for by, want := range map[string]string{
		"id": "123", "id:desc": "321", "id:asc": "123", "name": "231", "name:desc": "132", "nosuch": "231", "max": "213", "max:asc": "312",
	} {
		all := []*inventory.Map{}
		for id, name := range map[uint32]string{1: "c", 2: "a", 3: "b"} {
			all = append(all, &inventory.Map{ID: id, Name: name, MaxEntries: map[uint32]uint32{1: 5, 2: 9, 3: 1}[id]})
		}
		if by == "nosuch" {
			all = order(all, mapColumns, "name", 0)
		}
		var got strings.Builder
		for _, m := range order(all, mapColumns, by, 0) {
			fmt.Fprint(&got, m.ID)
		}
		if got.String() != want {
			t.Errorf("by %s: %s, want %s", by, &got, want)
		}
	}
}
