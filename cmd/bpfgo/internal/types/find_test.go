package types

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// made writes the types that add adds into a file.
func made(t *testing.T, add func(b *btf.Builder)) string {
	t.Helper()
	b := btf.NewBuilder()
	defer b.Close()
	add(b)
	raw, err := b.Raw()
	testutil.Check(t, err)
	path := filepath.Join(t.TempDir(), "made.btf")
	testutil.Check(t, os.WriteFile(path, raw, 0o600))
	return path
}

// first and second are the types of two versions of something.
func first(b *btf.Builder) {
	number := b.AddInt("int", 4, btf.IntSigned)
	long := b.AddInt("long", 8, btf.IntSigned)
	name := b.AddPtr(b.AddConst(b.AddInt("char", 1, btf.IntSigned)))
	inner := b.AddUnion("", 8, btf.Member{Name: "raw", Type: long}, btf.Member{Name: "low", Type: number})
	b.AddStruct("task", 32,
		btf.Member{Name: "pid", Type: number},
		btf.Member{Name: "state", Type: number, BitOffset: 32, BitfieldSize: 3},
		btf.Member{Name: "flag", Type: number, BitOffset: 35, BitfieldSize: 1},
		btf.Member{Type: inner, BitOffset: 64},
		btf.Member{Name: "name", Type: name, BitOffset: 128},
		btf.Member{Name: "old", Type: long, BitOffset: 192},
	)
	b.AddEnum("color", 4, btf.EnumValue{Name: "RED", Value: -1}, btf.EnumValue{Name: "GREEN", Value: 1},
		btf.EnumValue{Name: "GONE", Value: 2})
	b.AddTypedef("number_t", number)
	b.AddFunc("run_task", btf.LinkageGlobal, b.AddFuncProto(number, btf.Param{Name: "pid", Type: number}))
	b.AddFunc("same_task", btf.LinkageGlobal, b.AddFuncProto(0, btf.Param{Name: "pid", Type: number}))
	b.AddStruct("two", 4, btf.Member{Name: "a", Type: number})
	b.AddStruct("two", 8, btf.Member{Name: "b", Type: long})
	b.AddStruct("gone", 4, btf.Member{Name: "x\x1b", Type: number})
}

func second(b *btf.Builder) {
	long := b.AddInt("long", 8, btf.IntSigned) // in another order
	number := b.AddInt("int", 4, btf.IntSigned)
	name := b.AddPtr(b.AddConst(b.AddInt("char", 1, btf.IntSigned)))
	inner := b.AddUnion("", 8, btf.Member{Name: "raw", Type: long}, btf.Member{Name: "low", Type: long})
	b.AddStruct("task", 40,
		btf.Member{Name: "pid", Type: number},
		btf.Member{Name: "state", Type: number, BitOffset: 32, BitfieldSize: 4},
		btf.Member{Name: "flag", Type: number, BitOffset: 36, BitfieldSize: 1},
		btf.Member{Name: "new", Type: long, BitOffset: 64},
		btf.Member{Type: inner, BitOffset: 128},
		btf.Member{Name: "name", Type: name, BitOffset: 192},
	)
	b.AddEnum("color", 4, btf.EnumValue{Name: "RED", Value: -1}, btf.EnumValue{Name: "GREEN", Value: 2},
		btf.EnumValue{Name: "BLUE", Value: 3})
	b.AddTypedef("number_t", long)
	b.AddFunc("run_task", btf.LinkageGlobal, b.AddFuncProto(number, btf.Param{Name: "pid", Type: long}))
	b.AddFunc("same_task", btf.LinkageGlobal, b.AddFuncProto(0, btf.Param{Name: "other_name", Type: number}))
	b.AddFunc("new_task", btf.LinkageGlobal, b.AddFuncProto(0))
	b.AddStruct("two", 8, btf.Member{Name: "b", Type: long})
	b.AddStruct("two", 4, btf.Member{Name: "c", Type: number})
}

func TestFind(t *testing.T) {
	t.Chdir(t.TempDir())
	const path = "made.btf"
	testutil.Check(t, os.Rename(made(t, first), path))
	for args, want := range map[string]string{
		"task": `/* made.btf, type 7, 32 bytes */
struct task {
    int pid;           /*    0     4 */
    int state : 3;     /*  4:0 3 bits */
    int flag : 1;      /*  4:3 1 bit */
    union {
        long raw;
        int low;
    };                 /*    8     8 */
    const char *name;  /*   16     8 */
    long old;          /*   24     8 */
};
`,
		"*_task": `where     type  declaration
made.btf  func  int run_task(int pid)
made.btf  func  void same_task(int pid)
`,
		"struct t*": `where     size  type
made.btf    32  struct task
made.btf     4  struct two
made.btf     8  struct two
`,
		"task.*l*": `where     offset   size  type         declaration
made.btf     4:3  1 bit  struct task  int flag : 1
made.btf       8      4  struct task  int low
made.btf      24      8  struct task  long old
`,
		"GREEN": `/* made.btf, type 8, 4 bytes */
enum color { GREEN = 1 }
`,
		"typedef *": `where     size  type     declaration
made.btf     4  typedef  int number_t
`,
		"color --kind enum": `/* made.btf, type 8, 4 bytes */
enum color {
    RED = -1,
    GREEN = 1,
    GONE = 2,
};
`,
		"gone": `/* made.btf, type 16, 4 bytes */
struct gone {
    int x\x1b;  /*    0     4 */
};
`,
	} {
		words := strings.Fields(args)
		if words[0] == "struct" || words[0] == "typedef" {
			words = []string{args}
		}
		stdout, _ := tool.Must(t, append([]string{"btf", "find", "--file", path}, words...)...)
		if diff := cmp.Diff(want, stdout); diff != "" {
			t.Errorf("%s (-want +got):\n%s", args, diff)
		}
	}
	stdout, _ := tool.Must(t, "btf", "find", "--file", path, "task.flag", "--json")
	var answer struct{ Types []finding }
	testutil.Check(t, json.Unmarshal([]byte(stdout), &answer))
	if len(answer.Types) != 1 || answer.Types[0].Member == nil || answer.Types[0].Member.BitOffset != 35 ||
		answer.Types[0].Member.Bits != 1 || answer.Types[0].Where != path || *answer.Types[0].Size != 32 {
		t.Errorf("%s", stdout)
	}
	_, stderr, status := tool.Run("btf", "find", "--file", path, "nosuch")
	if status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "nothing of this name")
	for _, args := range [][]string{
		{"find"}, {"find", "class x"}, {"find", "[x"}, {"find", ""}, {"find", "x", "--kind", "class"},
		{"find", "x", "--all-modules", "--file", path}, {"diff", path}, {"diff", path, path, "--type", "a.b"},
	} {
		if _, _, status := tool.Run(append([]string{"btf"}, args...)...); status != cli.StatusUsage {
			t.Errorf("%q: exit status %d", args, status)
		}
	}
}

func TestFindInKernel(t *testing.T) {
	stdout, _ := tool.Must(t, "btf", "find", "struct bpf_map.map_t*", "--json")
	if !strings.Contains(stdout, `"declaration": "enum bpf_map_type map_type"`) {
		t.Error(stdout)
	}
	testutil.Root(t)
	tool.Must(t, "btf", "find", "bpf_map", "--all-modules", "--json")
}

func TestDiff(t *testing.T) {
	before, after := made(t, first), made(t, second)
	want := `+ func void new_task(void)
- struct gone
~ struct task: 32 -> 40 bytes
    ~ state: int : 3 -> int : 4
    ~ low: int -> long
    - old: long at 24
    + new: long at 8
    3 members moved
~ struct two
    - a: int at 0
    + c: int at 0
~ enum color
    ~ GREEN = 1 -> 2
    - GONE = 2
    + BLUE = 3
~ typedef number_t
    - typedef int number_t
    + typedef long number_t
~ func run_task
    - int run_task(int pid)
    + int run_task(long pid)
1 added, 1 removed, 5 changed
`
	stdout, _ := tool.Must(t, "btf", "diff", before, after)
	if diff := cmp.Diff(want, stdout); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	want = `~ struct task: 32 -> 40 bytes
    ~ state: int : 3 -> int : 4
    ~ flag moved from 4:3 to 4:4
    ~ raw moved from 8 to 16
    ~ low: int -> long
    ~ name moved from 16 to 24
    - old: long at 24
    + new: long at 8
0 added, 0 removed, 1 changed
`
	stdout, _, status := tool.Run("btf", "diff", before, after, "--type", "struct ta*", "--verbose", "--exit-code")
	if diff := cmp.Diff(want, stdout); diff != "" || status != cli.StatusRejected {
		t.Errorf("exit status %d, -want +got:\n%s", status, diff)
	}
	stdout, _ = tool.Must(t, "btf", "diff", before, before, "--exit-code", "--json")
	var answer struct{ Diff difference }
	testutil.Check(t, json.Unmarshal([]byte(stdout), &answer))
	if len(answer.Diff.Added)+len(answer.Diff.Removed)+len(answer.Diff.Changed) != 0 || answer.Diff.Added == nil {
		t.Error(stdout)
	}
	stdout, _ = tool.Must(t, "btf", "diff", before, after, "--type", "color", "--json")
	testutil.Check(t, json.Unmarshal([]byte(stdout), &answer))
	if len(answer.Diff.Changed) != 1 || len(answer.Diff.Changed[0].Parts) != 3 || answer.Diff.Changed[0].OldSize != nil {
		t.Error(stdout)
	}
	if _, stderr, status := tool.Run("btf", "diff", before, "/no/such/file"); status != cli.StatusFailed ||
		!strings.Contains(stderr, "/no/such/file") {
		t.Errorf("%d, %q", status, stderr)
	}
}

// Of types that refer to others, only those are found that the others do not have.
func TestFindInSplitTypes(t *testing.T) {
	base := btf.NewBuilder()
	defer base.Close()
	base.AddInt("int", 4, btf.IntSigned)
	base.AddStruct("last", 0)
	of, err := base.BTF()
	testutil.Check(t, err)
	defer of.Close()
	added := btf.NewSplitBuilder(of)
	defer added.Close()
	added.AddStruct("added", 0)
	types, err := added.BTF()
	testutil.Check(t, err)
	defer types.Close()
	var f finder
	testutil.Check(t, f.search(types, "module", []pattern{{name: "*"}}))
	if len(f.found) != 1 || f.found[0].Name != "added" {
		t.Errorf("%+v", f.found)
	}
}

// A small file can have structs of more members than memory has room for.
func TestEndlessMembers(t *testing.T) {
	path := made(t, func(b *btf.Builder) {
		inner := b.AddInt("int", 4, btf.IntSigned)
		for range maxDepth {
			inner = b.AddStruct("", 4, slices.Repeat([]btf.Member{{Type: inner}}, 9)...)
		}
		b.AddStruct("outer", 4, btf.Member{Type: inner}, btf.Member{Name: "tail", Type: 1})
	})
	other := made(t, func(b *btf.Builder) { b.AddStruct("outer", 4) })
	tool.Must(t, "btf", "find", "--file", path, "outer")
	tool.Must(t, "btf", "find", "--file", path, "outer.x*", "outer")
	tool.Must(t, "btf", "diff", path, other)
}
