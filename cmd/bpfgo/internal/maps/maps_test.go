package maps

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

var tool = clitest.Tool{Command}

// content is bpf/content.bpf.c in the kernel, and the pins of its maps and programs by name.
func content(t *testing.T) map[string]string {
	t.Helper()
	dir := testutil.BPFFS(t)
	obj := needs.Load(t, "content")
	pins := map[string]string{}
	for m := range obj.Maps() {
		name := strings.TrimPrefix(m.Name(), "content") // of variables
		pins[name] = filepath.Join(dir, strings.ReplaceAll(name, ".", "section-"))
		testutil.Check(t, m.Pin(pins[name]))
	}
	for p := range obj.Programs() {
		pins[p.Name()] = filepath.Join(dir, p.Name())
		testutil.Check(t, p.Pin(pins[p.Name()]))
	}
	return pins
}

// split splits a line as a shell does, with quotes only.
func split(line string) []string {
	var all []string
	for _, w := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(line, -1) {
		all = append(all, strings.Trim(w, "'"))
	}
	return all
}

// ids finds what differs from one time to the next.
var ids = []struct {
	at   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`("(?:id|map_id|program_id)":)\d+`), "${1}ID"},
	{regexp.MustCompile(`(\(id |is map )\d+`), "${1}ID"},
	{regexp.MustCompile(` +(map_id|program_id)`), "  $1"},
	{regexp.MustCompile(`(?m) +\d+  (use|first|second)$`), "  ID  $1"},
	{regexp.MustCompile(`\d+ (use|first|second)\n`), "ID $1\n"},
	{regexp.MustCompile(`\n\n`), "\n.\n"},
}

// play runs the command lines of a golden file, which stand behind "$ ". The file has what they write. <name> stands for
// the pin of a map or a program.
func play(t *testing.T, name string, pins map[string]string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	golden, err := os.ReadFile(path)
	testutil.Check(t, err)
	var played strings.Builder
	for line := range strings.Lines(string(golden)) {
		command, ok := strings.CutPrefix(line, "$ bpfgo ")
		if !ok {
			if line == "\n" {
				played.WriteString(line)
			}
			continue
		}
		played.WriteString(line)
		for name, pin := range pins {
			command = strings.ReplaceAll(command, "<"+name+">", pin)
		}
		stdout, stderr, status := tool.Run(split(command)...)
		output := stdout + stderr
		for name, pin := range pins {
			output = regexp.MustCompile(regexp.QuoteMeta(pin)+`\b`).ReplaceAllString(output, "<"+name+">")
		}
		for _, id := range ids {
			output = id.at.ReplaceAllString(output, id.with)
		}
		played.WriteString(output)
		if status != cli.StatusOK {
			fmt.Fprintf(&played, "exit status %d\n", status)
		}
	}
	if *clitest.Update {
		testutil.Check(t, os.WriteFile(path, []byte(played.String()), 0o666))
		return
	}
	if diff := cmp.Diff(string(golden), played.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestElements(t *testing.T) { play(t, "elements.txt", content(t)) }

func TestKinds(t *testing.T) { play(t, "kinds.txt", content(t)) }

func TestVariables(t *testing.T) { play(t, "variables.txt", content(t)) }

func TestShow(t *testing.T) {
	pins := content(t)
	stdout, _ := tool.Must(t, "map", "show", pins["flows"], "--json")
	var answer struct{ Map description }
	testutil.Check(t, json.Unmarshal([]byte(stdout), &answer))
	m := answer.Map
	if m.ID == 0 || m.BTF == 0 || m.Memory == nil || m.Frozen == nil || *m.Frozen {
		t.Errorf("%+v", m)
	}
	m.ID, m.BTF, m.Memory, m.Frozen = 0, 0, nil, nil
	want := description{
		Name: "flows", Type: "hash", KeySize: 8, ValueSize: 24, MaxEntries: 8, Flags: []string{},
		KeyType: "struct flow {\n\tunsigned int src;\n\tunsigned short port;\n\tunsigned char proto;\n}",
		ValueType: "struct stats {\n\tunsigned long long count;\n\tunsigned long long bytes;\n\tenum verdict last;\n" +
			"\tunsigned char tag[4];\n}",
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	stdout, _ = tool.Must(t, "map", "show", pins[".rodata"])
	for _, want := range []string{"\nfrozen ", "\nflags        rdonly_prog, mmapable\n", "4 bytes, .rodata"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}

// Setting a variable does not undo what programs do to others meanwhile.
func TestOtherVariablesStay(t *testing.T) {
	pins := content(t)
	target, err := typeFlags{}.open(pins[".data"])
	testutil.Check(t, err)
	defer target.close()
	key := make([]byte, 4)
	before, err := target.lookup(key)
	testutil.Check(t, err)
	variable := func(name string) *decode.Type {
		field, err := target.desc.Value.Field(name)
		testutil.Check(t, err)
		return field
	}
	// A program counts after bpfgo has read the variables.
	meanwhile := bytes.Clone(before)
	testutil.Check(t, variable("counter").SetInt(meanwhile, 100))
	testutil.Check(t, target.m.Update(key, meanwhile, libbpf.Any))

	image := bytes.Clone(before)
	testutil.Check(t, variable("config.limits[2]").SetInt(image, 9))
	testutil.Check(t, target.write(key, before, image, libbpf.Any))
	after, err := target.lookup(key)
	testutil.Check(t, err)
	for name, want := range map[string]int64{"counter": 100, "config.limits[2]": 9} {
		if got, _ := variable(name).Int(after); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
}

// The values of all CPUs, or of one.
func TestPerCPU(t *testing.T) {
	pins := content(t)
	cpus, err := libbpf.PossibleCPUs()
	testutil.Check(t, err)
	value := func(want ...int) {
		t.Helper()
		stdout, _ := tool.Must(t, "map", "dump", pins["per_cpu"], "--per-cpu", "--json")
		var answer struct {
			Entries []struct {
				Key, CPU int
				Value    struct{ Count, Bytes int }
			}
		}
		testutil.Check(t, json.Unmarshal([]byte(stdout), &answer))
		if len(answer.Entries) != 2*cpus {
			t.Fatalf("%d rows, want %d", len(answer.Entries), 2*cpus)
		}
		last := answer.Entries[2*cpus-1]
		if last.Key != 1 || last.CPU != cpus-1 || !cmp.Equal([]int{last.Value.Count, last.Value.Bytes}, want) {
			t.Errorf("%+v, want %v", last, want)
		}
	}
	tool.Must(t, "map", "set", pins["per_cpu"], "1", "count=3", "bytes=4")
	value(3, 4)
	stdout, _ := tool.Must(t, "map", "set", pins["per_cpu"], "1", "count=5", "--cpu", fmt.Sprint(cpus-1))
	value(5, 4)
	if want := fmt.Sprintf("per_cpu[1] on CPU %d: count 3 -> 5\n", cpus-1); stdout != want {
		t.Errorf("%q, want %q", stdout, want)
	}
	stdout, _ = tool.Must(t, "map", "set", pins["numbers"], "7", "2")
	if got := strings.Count(stdout, "added 2\n"); got != cpus {
		t.Errorf("%d CPUs added, want %d", got, cpus)
	}
	stdout, _ = tool.Must(t, "map", "dump", pins["numbers"])
	want := fmt.Sprintf("numbers: percpu_hash, 1 entry, values of all CPUs summed\nkey  value\n  7  %5d\n", 2*cpus)
	if stdout != want {
		t.Errorf("%q, want %q", stdout, want)
	}
	// Standard input is read once for all CPUs.
	env := cli.Quiet(io.Discard, io.Discard)
	env.In = strings.NewReader("12345678")
	if status := tool.Execute(env, "map", "set", pins["per_cpu"], "1", "value.bytes=file:-"); status != cli.StatusOK {
		t.Errorf("exit status %d", status)
	}
	value(5, int(binary.NativeEndian.Uint64([]byte("12345678"))))
	_, stderr, status := tool.Run("map", "set", pins["counts"], "1", "file:/dev/zero")
	if status != cli.StatusUsage {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "file:/dev/zero has more than 8 bytes")
	for args, want := range map[string]string{
		pins["per_cpu"] + " 1 count=5 --cpu " + fmt.Sprint(cpus): "the CPUs are 0 to",
		pins["counts"] + " 1 5 --cpu 0":                          "is not per-CPU but of type hash",
	} {
		_, stderr, status := tool.Run(append([]string{"map", "set"}, strings.Fields(args)...)...)
		if status != cli.StatusUsage {
			t.Errorf("%s: exit status %d", args, status)
		}
		clitest.WantLine(t, stderr, want)
	}
}

// A map with more rows than are sorted is shown whole, in any order.
func TestLarge(t *testing.T) {
	testutil.Root(t)
	const n = sortedRows + 500
	m, err := libbpf.CreateMap(libbpf.MapTypeHash, "bpfgo_large", 4, 8, n, libbpf.MapCreateOptions{})
	testutil.Check(t, err)
	defer m.Close()
	keys, values := make([]byte, 4*n), make([]byte, 8*n)
	for i := range n {
		binary.NativeEndian.PutUint32(keys[4*i:], uint32(i))
		binary.NativeEndian.PutUint64(values[8*i:], uint64(n-i))
	}
	_, err = m.UpdateBatch(keys, values, libbpf.Any)
	testutil.Check(t, err)
	info, err := m.Info()
	testutil.Check(t, err)
	id := fmt.Sprint(info.ID)
	types := []string{"--key-type", "unsigned int", "--value-type", "unsigned long"}
	stdout, _ := tool.Must(t, append([]string{"map", "dump", id}, types...)...)
	seen := map[string]bool{}
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	for _, line := range lines[2:] {
		seen[strings.Fields(line)[0]] = true
	}
	if lines[0] != "bpfgo_large: hash" || len(lines) != n+2 || len(seen) != n {
		t.Errorf("%q, %d lines, %d keys", lines[0], len(lines), len(seen))
	}
	stdout, _ = tool.Must(t, append([]string{"map", "dump", id, "--sort", "value", "--top", "2"}, types...)...)
	want := fmt.Sprintf("bpfgo_large: hash, %d entries\n  key  value\n%d      1\n%d      2\n... and %d more\n", n, n-1, n-2, n-2)
	if stdout != want {
		t.Errorf("%q, want %q", stdout, want)
	}
	stdout, _ = tool.Must(t, append([]string{"map", "dump", id, "--json"}, types...)...)
	var answer struct{ Entries []struct{ Key, Value int } }
	testutil.Check(t, json.Unmarshal([]byte(stdout), &answer))
	if len(answer.Entries) != n {
		t.Errorf("%d entries", len(answer.Entries))
	}
	stdout, _ = tool.Must(t, "map", "delete", id, "--all", "--yes")
	if want := fmt.Sprintf("bpfgo_large: removed %d elements\n", n); stdout != want {
		t.Errorf("%q, want %q", stdout, want)
	}
}

// Sockets are deleted, and their keys shown, also where values have no room for a cookie. Slots that are empty are none
// that were removed.
func TestSlots(t *testing.T) {
	testutil.Root(t)
	sockets, err := libbpf.CreateMap(libbpf.MapTypeSockMap, "bpfgo_sockets", 4, 4, 3, libbpf.MapCreateOptions{})
	testutil.Check(t, err)
	defer sockets.Close()
	bound, err := net.ListenPacket("udp", "127.0.0.1:0")
	testutil.Check(t, err)
	defer bound.Close()
	file, err := bound.(*net.UDPConn).File()
	testutil.Check(t, err)
	defer file.Close()
	socket := binary.NativeEndian.AppendUint32(nil, uint32(file.Fd()))
	for i := range uint32(2) {
		key := binary.NativeEndian.AppendUint32(nil, i)
		testutil.Check(t, sockets.Update(key, socket, libbpf.Any))
	}
	cpus, err := libbpf.CreateMap(libbpf.MapTypeCPUMap, "bpfgo_cpus", 4, 4, 2, libbpf.MapCreateOptions{})
	testutil.Check(t, err)
	defer cpus.Close()
	id := func(m *libbpf.MapHandle) string {
		info, err := m.Info()
		testutil.Check(t, err)
		return fmt.Sprint(info.ID)
	}
	for _, c := range []struct{ args, want string }{
		{"dump " + id(sockets), "bpfgo_sockets: sockmap, 3 entries\nkey  value\n"},
		{"delete " + id(sockets) + " 0", "bpfgo_sockets[0]: removed "},
		{"delete " + id(sockets) + " 0", "map bpfgo_sockets has no element with the key 0"},
		{"delete " + id(sockets) + " --all --yes", "bpfgo_sockets: removed 1 element\n"},
		{"set " + id(cpus) + " 0 64", "bpfgo_cpus[0]: added 64\n"},
		{"delete " + id(cpus) + " --all --yes", "bpfgo_cpus: removed 1 element\n"},
		{"delete " + id(cpus) + " 0", "map bpfgo_cpus has no element with the key 0"},
	} {
		stdout, stderr, _ := tool.Run(append([]string{"map"}, strings.Fields(c.args)...)...)
		if !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("map %s: %q, want %q", c.args, stdout+stderr, c.want)
		}
	}
}

// Names come from others.
func TestNames(t *testing.T) {
	testutil.Root(t)
	dir := testutil.BPFFS(t)
	pin := filepath.Join(dir, "a\x1b[1mb")
	tool.Must(t, "map", "create", pin, "--type", "hash", "--key", "4", "--value", "4", "--name", "bpfgo_x", "--flags", "no_prealloc")
	stdout, _ := tool.Must(t, "map", "show", pin, "--json")
	var answer struct {
		Map struct {
			Name  string
			Flags []string
		}
	}
	testutil.Check(t, json.Unmarshal([]byte(stdout), &answer))
	if answer.Map.Name != "bpfgo_x" || !cmp.Equal(answer.Map.Flags, []string{"no_prealloc"}) {
		t.Errorf("%+v", answer)
	}
	second := filepath.Join(dir, "second")
	tool.Must(t, "map", "pin", pin, second)
	for _, args := range [][]string{
		{"show", pin}, {"set", pin, "hex:01000000", "02000000"}, {"dump", pin}, {"get", pin, "hex:01000001"},
		{"freeze", pin, "--yes"}, {"unpin", pin}, {"unpin", pin}, {"unpin", second},
	} {
		stdout, stderr, _ := tool.Run(append([]string{"map"}, args...)...)
		if strings.Contains(stdout+stderr, "\x1b") {
			t.Errorf("%q writes %q", args, stdout+stderr)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "[as]*")); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
	for _, args := range []string{
		"create x --type nosuch", "create x --type hash --flags nosuch", "create x", "pin 1", "unpin", "freeze", "dump",
		"set", "dump 0", "dump x --top 0", "watch x --interval 0s", "dump x --btf y",
	} {
		if _, stderr, status := tool.Run(append([]string{"map"}, strings.Fields(args)...)...); status == cli.StatusOK ||
			!strings.HasPrefix(stderr, "bpfgo: ") {
			t.Errorf("map %s: exit status %d, %q", args, status, stderr)
		}
	}
}
