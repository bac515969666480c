package mutate

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// Each kind of argument changes, and what a run changes depends on its seed only.
func TestChange(t *testing.T) {
	seed := []reflect.Value{
		reflect.ValueOf(uint32(7)), reflect.ValueOf(-7), reflect.ValueOf(true), reflect.ValueOf("text"), reflect.ValueOf([]byte{1, 2, 3}),
	}
	show := func(input []reflect.Value) string {
		text := ""
		for _, v := range input {
			text += fmt.Sprintf("%v;", v)
		}
		return text
	}
	changes := func() string {
		r := newRun("", reflect.Value{}, 0, 42)
		r.pool = append(r.pool, clone(seed))
		changed := make([]bool, len(seed))
		var all bytes.Buffer
		for range 10000 {
			input := r.change(seed)
			all.WriteString(show(input))
			for i := range seed {
				changed[i] = changed[i] || fmt.Sprint(input[i]) != fmt.Sprint(seed[i])
			}
		}
		for i, ok := range changed {
			if !ok {
				t.Errorf("argument %d never changes", i)
			}
		}
		return all.String()
	}
	before := show(seed)
	if first, second := changes(), changes(); first != second {
		t.Error("the same seed makes other inputs")
	}
	if after := show(seed); after != before {
		t.Errorf("the seed became %s", after)
	}
}

// An input that ended the process is there for the next one.
func TestLast(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LIBBPF_GO_FUZZ_DIR", dir)
	t.Chdir(dir)
	fn := reflect.ValueOf(func(*testing.T, []byte, string, uint8, int64, bool) {})
	input := []reflect.Value{
		reflect.ValueOf([]byte("\x00\xff")), reflect.ValueOf("a\nb"), reflect.ValueOf(uint8(200)), reflect.ValueOf(int64(-5)), reflect.ValueOf(true),
	}
	first := newRun("FuzzX", fn, 0, 0)
	if err := first.openLast(); err != nil {
		t.Fatal(err)
	}
	first.last.store(input)
	next := newRun("FuzzX", fn, 0, 0)
	if err := next.openLast(); err == nil {
		t.Error("nothing is said of the input")
	}
	next.last.store(input)
	if got := fmt.Sprint(next.last.load(fn.Type())); got != fmt.Sprint(input) {
		t.Errorf("%s, not %v", got, input)
	}
	next.last.close()
	first.last.close()
}

func TestEnding(t *testing.T) {
	for text, want := range map[string]string{
		`map "a\"b'c": 12 of 0xfe, e2e don't 3`: `map :  of , e2e don't `, `'x' is "\\" 7f`: ` is  `, "-1": "-", "": "",
	} {
		if got := ending(text); got != want {
			t.Errorf("%q, not %q, of %q", got, want, text)
		}
	}
}

// What is kept is a seed of the next run, and is not kept again.
func TestCorpus(t *testing.T) {
	t.Chdir(t.TempDir())
	fn := reflect.TypeFor[func(*testing.T, []byte, string, uint8, int64, bool)]()
	input := []reflect.Value{
		reflect.ValueOf([]byte("\x00\xff\t")), reflect.ValueOf("a\nb\t\""), reflect.ValueOf(uint8(200)), reflect.ValueOf(int64(-5)), reflect.ValueOf(true),
	}
	long := append([]reflect.Value{reflect.ValueOf(make([]byte, maxKeptInput))}, input[1:]...)
	r := newRun("FuzzX", reflect.Value{}, 0, 0)
	r.found = [][]reflect.Value{input, long, input}
	for range 2 {
		if err := r.keepCorpus(); err != nil {
			t.Fatal(err)
		}
		r.found = nil
	}
	text, err := os.ReadFile("testdata/corpus/FuzzX")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %s", len(lines), text)
	}
	for _, line := range lines {
		got, err := parseInput(fn, line)
		if err != nil || !reflect.DeepEqual(interfaces(got), interfaces(input)) {
			t.Errorf("%v, %v, not %v", got, err, input)
		}
	}
	for _, line := range []string{"", lines[0] + "\ttrue", strings.Replace(lines[0], "200", "256", 1), lines[0][1:]} {
		if got, err := parseInput(fn, line); err == nil {
			t.Errorf("%q is %v", line, got)
		}
	}
}

func TestFill(t *testing.T) {
	var options struct {
		Number uint32
		On     bool
		Text   string
		List   []uint16
		Parts  []struct{ A int8 }
		Any    any
	}
	Fill(&options, []byte{2, 0x34, 0x12, 1, 1, 1, 2, 'h', 'i', 1, 2, 1, 5, 2, 1, 1})
	if options.Number != 0x1234 || !options.On || options.Text != "hi" || len(options.List) != 2 || options.List[0] != 5 ||
		options.List[1] != 0x101 || options.Parts != nil {
		t.Errorf("%+v", options)
	}
	Fill(&options, nil)
	if options.Number != 0 {
		t.Errorf("%+v", options)
	}
}
