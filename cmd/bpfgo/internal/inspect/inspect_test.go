package inspect

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kernel"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) {
	libbpf.SetPrint(libbpf.PrintWarn, nil) // as in bpfgo
	os.Exit(testutil.Main(m))
}

var tool = clitest.Tool{Command}

// document is what --json writes.
type document struct {
	SchemaVersion int       `json:"schema_version"`
	Objects       []*object `json:"objects"`
	Warnings      []string  `json:"warnings"`
}

func inspect(t *testing.T, args ...string) document {
	t.Helper()
	stdout, _ := tool.Must(t, append([]string{"inspect", "--json"}, args...)...)
	var d document
	if err := json.Unmarshal([]byte(stdout), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func find[T any](t *testing.T, all []T, is func(T) bool) T {
	t.Helper()
	i := slices.IndexFunc(all, is)
	if i < 0 {
		t.Fatalf("not in %+v", all)
	}
	return all[i]
}

func TestText(t *testing.T) {
	no, dont := kernel.Answer{State: kernel.No, Why: "there is no such tracepoint"}, kernel.Answer{State: kernel.Unknown}
	value := uint64(24)
	poisoned := relocation{Function: "on_exec", Instruction: 3, Kind: "byte_off", Spec: "struct s.x", State: "poisoned"}
	changed := poisoned
	changed.State, changed.Old, changed.New = "changed", 16, &value
	o := &object{
		File: "evil\x1b[2J.o", Size: 5000, ByteOrder: "little-endian", License: "GPL\n", Types: 7,
		Programs: []program{
			{Name: "on_exec", Type: "raw_tracepoint", Instructions: 12, Autoload: true, Autoattach: true,
				Attach: hook{Kind: "raw tracepoint", Target: "ex\x07ec", Here: &no}},
			{Name: "on_read", Type: "kprobe", Instructions: 345, Flags: []string{"multi"},
				Attach: hook{Kind: "user function", Target: "read", Binary: "libc.so.6", Here: &dont}},
			{Name: "filter", Type: "xdp", Instructions: 2, Autoload: true, Autoattach: true,
				Attach: hook{Kind: "network interface"}},
		},
		Maps: []mapping{
			{Name: "counts\u202e", Type: "hash", KeySize: 4, KeyType: "int", ValueSize: 16, ValueType: "struct count",
				MaxEntries: 100, Flags: []string{"no_prealloc"}, PinPath: "/sys/fs/bpf/counts", Autocreate: true},
			{Name: "events", Type: "ringbuf", RecordType: "struct event", MaxEntries: 4096, Autocreate: true},
			{Name: "x.bss", Type: "array", Internal: true, Autocreate: true},
			{Name: "tcp", Type: "struct_ops", ValueType: "struct tcp_congestion_ops", Autocreate: true,
				Callbacks: []callback{{"init", "filter"}}},
		},
		Variables: []variable{{Section: ".rodata", Name: "limit", Type: "const int", text: "5"}},
		Externs: []extern{
			{Name: "CONFIG_HZ", Kind: "kconfig", Value: "250", Here: kernel.Answer{State: kernel.Yes}},
			{Name: "bpf_new", Kind: "kfunc", Weak: true, Here: no},
		},
		Relocations: &relocations{Total: 2, Changed: 1, Poisoned: 1,
			All: []relocation{changed, poisoned}, bad: []relocation{poisoned}},
		Lacks:   []lack{{What: "raw tracepoint ex\x07ec", Why: no.Why, Programs: []string{"on_exec"}}},
		Unknown: []lack{{What: "helper bpf_loop", Why: "asking needs CAP_BPF", Programs: []string{"on_exec", "filter"}}},
	}
	for name, opts := range map[string]*options{"text": {}, "relocations": {relocations: true}} {
		clitest.Golden(t, name+".golden", o.text(cli.Quiet(nil, nil), opts))
	}
}

func TestPrograms(t *testing.T) {
	d := inspect(t, testutil.Object(t, "attach"))
	if d.SchemaVersion != cli.SchemaVersion || len(d.Objects) != 1 || len(d.Warnings) != 0 {
		t.Fatalf("%+v", d)
	}
	o := d.Objects[0]
	if o.License != "GPL" || len(o.Programs) != 4 || o.Types == 0 {
		t.Errorf("%+v", o)
	}
	nowhere := find(t, o.Programs, func(p program) bool { return p.Name == "nowhere" })
	if nowhere.Autoload || nowhere.Type != "raw_tracepoint" || nowhere.Attach.Target != "no_such_tracepoint" ||
		nowhere.Attach.Here.State != kernel.No {
		t.Errorf("%+v", nowhere)
	}
	exit := find(t, o.Programs, func(p program) bool { return p.Name == "on_exit" })
	if !slices.Equal(exit.Helpers, []string{"bpf_get_current_pid_tgid"}) || exit.Attach.Here.State != kernel.Yes {
		t.Errorf("%+v", exit)
	}
	missing := find(t, o.Lacks, func(l lack) bool { return l.What == "raw tracepoint no_such_tracepoint" })
	if !slices.Equal(missing.Programs, []string{"nowhere"}) {
		t.Errorf("%+v", missing)
	}
}

func TestVariablesAndExterns(t *testing.T) {
	o := inspect(t, "--raw", testutil.Object(t, "globals")).Objects[0]
	for name, want := range map[string][2]string{
		"limit":  {"7", ""},
		"points": {`[{"x":1,"y":2},{"x":0,"y":0},{"x":0,"y":0},{"x":0,"y":0}]`, ""},
		"twin_b": {"12", ""},
	} {
		v := find(t, o.Variables, func(v variable) bool { return v.Name == name })
		var compact bytes.Buffer
		if err := json.Compact(&compact, v.Value); err != nil || compact.String() != want[0] || v.Raw == "" {
			t.Errorf("%s: %s, %v, want %s", name, &compact, err, want[0])
		}
	}
	if e := find(t, o.Externs, func(e extern) bool { return e.Name == "CONFIG_NOT_THERE" }); e.Here.State == kernel.Yes ||
		!e.Weak || e.Kind != "kconfig" {
		t.Errorf("%+v", e)
	}
	if e := find(t, o.Externs, func(e extern) bool { return e.Name == "no_such_symbol" }); e.Here.State != kernel.No ||
		!e.Weak || e.Kind != "variable" {
		t.Errorf("%+v", e)
	}
}

func TestRecordTypesAndInnerMaps(t *testing.T) {
	for name, want := range map[string]string{"typed": "records: ", "mapinmap": "of "} {
		object, err := testutil.FindObject(name)
		if err != nil {
			continue
		}
		stdout, _ := tool.Must(t, "inspect", object)
		if !strings.Contains(stdout, want) {
			t.Errorf("%s lacks %q:\n%s", name, want, stdout)
		}
	}
}

// Another kernel, which has nearly nothing.
func TestKernelBTF(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	b.AddEnum("bpf_prog_type", 4, btf.EnumValue{Name: "BPF_PROG_TYPE_RAW_TRACEPOINT", Value: 17})
	b.AddEnum("bpf_map_type", 4, btf.EnumValue{Name: "BPF_MAP_TYPE_ARRAY", Value: 2})
	b.AddEnum("bpf_func_id", 4, btf.EnumValue{Name: "BPF_FUNC_get_current_pid_tgid", Value: 14})
	raw, err := b.Raw()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "old.btf")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	o := inspect(t, "--kernel-btf", path, testutil.Object(t, "attach")).Objects[0]
	var lacks []string
	for _, l := range o.Lacks {
		lacks = append(lacks, l.What)
	}
	for what, want := range map[string]bool{
		"programs of type xdp": true, "programs of type raw_tracepoint": false, "maps of type array": false,
		"tracepoint sys_enter": true, "helper bpf_get_current_pid_tgid": false,
	} {
		if slices.Contains(lacks, what) != want {
			t.Errorf("%s is wrong in %q", what, lacks)
		}
	}
	stdout, _ := tool.Must(t, "inspect", "--kernel-btf", path, testutil.Object(t, "attach"))
	if !strings.Contains(stdout, "\nTHAT KERNEL LACKS\n") {
		t.Error(stdout)
	}
	_, stderr, status := tool.Run("inspect", "--kernel-btf", "/no/such/file", testutil.Object(t, "attach"))
	if status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "/no/such/file")
}

// An object of the other byte order shows the same values.
func TestOtherOrder(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "x.bpf.c")
	text := `int number __attribute__((section(".data"))) = 0x01020304;
char _license[] __attribute__((section("license"), used)) = "GPL";
static long (*pid)(void) = (void *)14;
__attribute__((section("xdp"), used)) int f(void *ctx) { number++; return pid(); }
`
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"bpfel", "bpfeb"} {
		object := filepath.Join(dir, target+".o")
		out, err := exec.Command("clang", "-target", target, "-g", "-O2", "-c", source, "-o", object).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		o := inspect(t, object).Objects[0]
		if len(o.Variables) != 1 || string(o.Variables[0].Value) != "16909060" || o.License != "GPL" ||
			len(o.Programs) != 1 || !slices.Equal(o.Programs[0].Helpers, []string{"bpf_get_current_pid_tgid"}) {
			t.Errorf("%s: %+v", target, o)
		}
	}
}

func TestFailures(t *testing.T) {
	object := testutil.Object(t, "attach")
	_, stderr, status := tool.Run("inspect", "/no/such/file")
	if status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "/no/such/file", "no such file")
	// The others are shown.
	stdout, stderr, status := tool.Run("inspect", "/no/such/file", object)
	if status != cli.StatusFailed || !strings.Contains(stdout, "on_enter") || !strings.Contains(stderr, "/no/such/file") {
		t.Errorf("exit status %d\n%s%s", status, stdout, stderr)
	}
}

// Damaged objects are errors, or are shown in part.
func TestDamage(t *testing.T) {
	good, err := os.ReadFile(testutil.Object(t, "attach"))
	if err != nil {
		t.Fatal(err)
	}
	k := kernel.Running()
	defer k.Close()
	path := filepath.Join(t.TempDir(), "bad.o")
	for i := 0; i < len(good); i += 97 {
		for _, bad := range [][]byte{good[:i], slices.Concat(good[:i], []byte{good[i] ^ 0xff}, good[i+1:])} {
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if o, err := read(path, k); err == nil {
				_ = o.text(cli.Quiet(nil, nil), &options{})
			}
		}
	}
}

// Types may be in themselves.
func TestEndlessTypes(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	index := b.AddInt("int", 4, btf.IntSigned)
	array := b.AddArray(b.NextID(), index, 2)
	constant := b.AddConst(b.NextID())
	types, err := b.BTF()
	if err != nil {
		t.Fatal(err)
	}
	defer types.Close()
	for _, id := range []btf.TypeID{array, constant} {
		if name := typeName(types, id); len(name) > 1000 {
			t.Errorf("%d: %s", id, name)
		}
	}
}

// The section of a program may name anything as a binary. To look at it must not wait.
func TestBinaryThatBlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, answer := range []kernel.Answer{hasUSDT(path, "a:b"), inBinary(path, "f")} {
		if answer.State != kernel.No || !strings.Contains(answer.Why, path) {
			t.Errorf("%+v", answer)
		}
	}
}

func TestEssential(t *testing.T) {
	for name, want := range map[string]string{
		"bpf_new": "bpf_new", "bpf_new___v2": "bpf_new", "___x": "___x", "a____b": "a____b", "a___": "a___", "a___b": "a",
		"": "",
	} {
		if got := essential(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
