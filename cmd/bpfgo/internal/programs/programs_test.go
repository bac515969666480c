package programs

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/holders"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/inventory"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

var tool = clitest.Tool{Command}

// load loads one program of an object, and returns its id.
func load(t *testing.T, object, name string) string {
	t.Helper()
	p, err := needs.Load(t, object, name).Program(name)
	testutil.Check(t, err)
	info, err := p.Info(0)
	testutil.Check(t, err)
	return fmt.Sprint(info.ID)
}

func TestShow(t *testing.T) {
	id := load(t, "longname", "a_program_with_a_long_name")
	stdout, _ := tool.Must(t, "prog", "show", id)
	for _, want := range []string{
		"a_program_with_a_long_name\n", "compatible with the GPL", "a_map_with_a_long_name (array)",
		"longname.bpf.c\n", "a_program_with_a_long_name at instruction 0", fmt.Sprintf("(%d), descriptor", os.Getpid()),
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing:\n%s", want, stdout)
		}
	}
	stdout, _ = tool.Must(t, "prog", "show", id, "--json")
	var got struct{ Program map[string]any }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Program["name"] != "a_program_with_a_long_name" ||
		len(got.Program["maps"].([]any)) != 1 || len(got.Program["functions"].([]any)) != 1 {
		t.Errorf("%v: %s", err, stdout)
	}
}

// What others gave names to reaches the terminal as escapes.
func TestDescribe(t *testing.T) {
	d := &detail{
		Program: &inventory.Program{
			ID: 7, Type: "xdp", Name: "drop", Tag: "3b185187f1855c4c", Instructions: 8, MemoryBytes: 4096,
			Attached: []string{"XDP of a\x1b[2Jb"},
			Holding: inventory.Holding{
				Holders: []holders.Process{{PID: 3, Comm: "x\x07y", FDs: []int{4}}}, HeldBy: []string{"link 5", "map 6"},
				Pins: []string{"/sys/fs/bpf/\u202eevil"},
			},
		},
		SourceFiles: []string{"a\nb.c"}, SourceLines: 3,
		Functions: []function{{Name: "drop", Address: "0xffff", JITedBytes: 12}, {Instruction: 4}},
	}
	text := describe(cli.Quiet(nil, nil), d)
	clitest.Golden(t, "show.txt", regexp.MustCompile(`loaded .*`).ReplaceAllString(text, "loaded       WHEN"))
}

func TestDump(t *testing.T) {
	id := load(t, "longname", "a_program_with_a_long_name")
	stdout, _ := tool.Must(t, "prog", "dump", id)
	for _, want := range []string{"a_program_with_a_long_name:\n", "] a_map_with_a_long_name\n", "  longname.bpf.c:", "exit\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing:\n%s", want, stdout)
		}
	}
	with, _ := tool.Must(t, "prog", "dump", id, "--opcodes")
	if !strings.Contains(with, "95 00 00 00 00 00 00 00") {
		t.Errorf("the bytes of exit are missing:\n%s", with)
	}
	stdout, _ = tool.Must(t, "prog", "dump", id, "--json")
	var got struct {
		Program struct{ Instructions []line }
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Program.Instructions) < 4 ||
		got.Program.Instructions[0].Function != "a_program_with_a_long_name" {
		t.Errorf("%v: %s", err, stdout)
	}
	graph, _ := tool.Must(t, "prog", "dump", id, "--cfg")
	if !strings.HasPrefix(graph, "digraph \"a_program_with_a_long_name\" {\n") || !strings.Contains(graph, "n0 [label=") {
		t.Errorf("%s", graph)
	}
}

// The calls of a program's own functions have their names.
func TestDumpCalls(t *testing.T) {
	id := load(t, "freplace", "replaced")
	stdout, _ := tool.Must(t, "prog", "dump", id)
	if !strings.Contains(stdout, "call replaceable  # ") || !strings.Contains(stdout, "\nreplaceable:\n") {
		t.Errorf("%s", stdout)
	}
}

func TestDumpJITed(t *testing.T) {
	id := load(t, "freplace", "replaced")
	stdout, stderr, status := tool.Run("prog", "dump", id, "--jited", "--opcodes")
	if status == cli.StatusUnsupported || status == cli.StatusPermission {
		clitest.WantLine(t, stderr)
		testutil.Skip(t, "machine-code", fmt.Errorf("%s", strings.TrimSpace(stderr)))
	}
	if status != cli.StatusOK || !strings.Contains(stdout, "replaceable:  0x") || !strings.Contains(stdout, " 0:  ") {
		t.Errorf("exit status %d, %s\n%s", status, stderr, stdout)
	}
}

func TestRun(t *testing.T) {
	id := load(t, "testrun", "grow_packet")
	stdout, _ := tool.Must(t, "prog", "run", id, "--data", "0x000102030405060708090a0b0c0d0e0f", "--json")
	var got struct{ Run testRun }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Run.ReturnName != "XDP_TX" || got.Run.Data == nil ||
		*got.Run.Data != hex.EncodeToString([]byte("grow"))+"000102030405060708090a0b0c0d0e0f" {
		t.Errorf("%v: %s", err, stdout)
	}
	stdout, _ = tool.Must(t, "prog", "run", id)
	if !strings.Contains(stdout, "3 XDP_TX\n") || !strings.Contains(stdout, "data, 68 bytes\n") || !strings.Contains(stdout, "|grow....") {
		t.Errorf("%s", stdout)
	}
	path := filepath.Join(t.TempDir(), "packet")
	testutil.Check(t, os.WriteFile(path, make([]byte, 20), 0o600))
	if stdout, _ = tool.Must(t, "prog", "run", id, "--data", "@"+path); !strings.Contains(stdout, "data, 24 bytes\n") {
		t.Errorf("%s", stdout)
	}
}

// Members of the context by their names, and repeated runs.
func TestRunContext(t *testing.T) {
	id := load(t, "testrun", "change_mark")
	stdout, _ := tool.Must(t, "prog", "run", id, "--ctx", "mark=7", "--repeat", "10", "--json")
	var got struct{ Run testRun }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Run.ReturnValue != 1234 || got.Run.Repeat != 10 ||
		got.Run.Context == nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	context, err := hex.DecodeString(*got.Run.Context)
	testutil.Check(t, err)
	if mark := context[8]; mark != 17 && context[11] != 17 {
		t.Errorf("the mark is %d after ten runs", mark)
	}
	_, stderr, status := tool.Run("prog", "run", id, "--ctx", "nothing=7")
	if status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "--ctx nothing=7", "nothing")
}

func TestRunArguments(t *testing.T) {
	id := load(t, "testrun", "add_arguments")
	stdout, _ := tool.Must(t, "prog", "run", id, "--ctx", "arg0=0x10", "--ctx", "arg1=-6", "--cpu", "0")
	if !strings.HasPrefix(stdout, "returned  10\n") {
		t.Errorf("%s", stdout)
	}
}

func TestPin(t *testing.T) {
	id := load(t, "testrun", "count_packet")
	path := filepath.Join(testutil.BPFFS(t), "p")
	stdout, _ := tool.Must(t, "prog", "pin", id, path)
	if want := "pinned program " + id + " at " + path + "\n"; stdout != want {
		t.Errorf("%q, want %q", stdout, want)
	}
	if stdout, _ = tool.Must(t, "prog", "show", path); !strings.Contains(stdout, path) {
		t.Errorf("%s", stdout)
	}
	stdout, _ = tool.Must(t, "prog", "unpin", path, "--json")
	var got struct {
		Unpinned struct {
			Kind, Path string
			ID         uint32
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Unpinned.Path != path || got.Unpinned.Kind != "program" {
		t.Errorf("%v: %s", err, stdout)
	}
}

func TestUsage(t *testing.T) {
	id := load(t, "testrun", "count_packet")
	for args, want := range map[string]string{
		"prog show":                          "give one program",
		"prog run " + id + " --data xyz":     "--data xyz: not hexadecimal bytes",
		"prog run " + id + " --data=":        "must not be empty",
		"prog run " + id + " --ctx=":         "must not be empty",
		"prog run " + id + " --repeat 0":     "must be a whole number from 1",
		"prog run " + id + " --cpu x":        "must be the number of a CPU",
		"prog dump " + id + " --cfg --json":  "exclude each other",
		"prog dump " + id + " --cfg --jited": "jited",
		"prog pin " + id:                     "give a program and a path",
		"prog frobnicate":                    `unknown command "prog frobnicate"`,
	} {
		_, stderr, status := tool.Run(strings.Fields(args)...)
		if status != cli.StatusUsage {
			t.Errorf("bpfgo %s: exit status %d", args, status)
		}
		clitest.WantLine(t, stderr, want)
	}
}
