// Package mutate runs a fuzz target many times in one process, without the coverage that go test -fuzz looks at. For
// targets that take a microsecond that is a hundred times as fast.
//
// LIBBPF_GO_FUZZ sets how often each seed is mutated; LIBBPF_GO_FUZZ_SEED repeats a run. Inputs that end in another way
// than all before are mutated too: see [Ended]. With LIBBPF_GO_FUZZ_KEEP, they are added to the corpus. An input that
// fails goes to testdata/fuzz, where go test finds it. So does one that ends the process, when the same target runs
// again.
package mutate

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil/leaks"
)

// Target is what f.Fuzz gets: fn, or with LIBBPF_GO_FUZZ a function that calls fn with each seed and with what becomes
// of it. slow is how many times fewer executions the target gets, because one takes so much longer than a microsecond.
func Target[F any](f *testing.F, slow int, fn F) F {
	corpus := readCorpus(f, reflect.TypeFor[F]())
	each, err := strconv.Atoi(os.Getenv("LIBBPF_GO_FUZZ"))
	if err != nil {
		for _, input := range corpus {
			f.Add(interfaces(input)...)
		}
		return fn
	}
	seed, err := strconv.ParseUint(os.Getenv("LIBBPF_GO_FUZZ_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	r := newRun(f.Name(), reflect.ValueOf(fn), max(each/slow, 1), seed)
	r.corpus = corpus
	if err := r.openLast(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(r.report)
	return reflect.MakeFunc(r.fn.Type(), func(args []reflect.Value) []reflect.Value {
		r.mutate(args[0].Interface().(*testing.T), args[1:])
		return nil
	}).Interface().(F)
}

// Ended tells how an execution ended, by an error or other text. Numbers and quoted names do not make a difference.
func Ended(how any) {
	if current != nil {
		current.ended(how)
	}
}

// current is the run in progress. Targets run one after the other.
var current *run

// maxKept is how many inputs are kept beside the seeds.
const maxKept = 4096

// maxLength is how long a text or a byte slice may become by mutations.
const maxLength = 1 << 16

// run is what is known about a target.
type run struct {
	name    string
	fn      reflect.Value
	each    int
	seed    uint64
	random  *rand.Rand
	pool    [][]reflect.Value // seeds, the corpus, and found
	corpus  [][]reflect.Value // what was found before, and is not in the pool yet
	found   [][]reflect.Value // inputs that ended in a new way
	endings map[uint64]bool
	isNew   bool
	files   map[int]string // descriptors at the beginning

	executions, seeds, faults int
	last                      lastInput
}

func newRun(name string, fn reflect.Value, each int, seed uint64) *run {
	// The runtime opens its poller with the first pipe.
	if r, w, err := os.Pipe(); err == nil {
		_ = r.Close()
		_ = w.Close()
	}
	return &run{
		name: name, fn: fn, each: each, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), endings: make(map[uint64]bool),
		files: leaks.Descriptors(),
	}
}

// mutate runs a seed and what becomes of it. The test fails with the first input that does.
func (r *run) mutate(t *testing.T, seed []reflect.Value) {
	current = r
	defer func() { current = nil }()
	r.seeds++
	r.pool = append(r.pool, clone(seed))
	r.execute(t, seed)
	for _, input := range r.corpus {
		r.execute(t, input)
		r.pool = append(r.pool, input)
	}
	r.corpus = nil
	for range r.each {
		from := seed
		if r.random.IntN(2) == 0 {
			from = r.pool[r.random.IntN(len(r.pool))]
		}
		input := r.change(from)
		r.execute(t, input)
		if r.isNew && len(r.found) < maxKept {
			r.found = append(r.found, clone(input))
			r.pool = append(r.pool, r.found[len(r.found)-1])
		}
	}
	r.checkFiles(t)
}

// execute runs one input. If that fails the test or panics, the input is written.
func (r *run) execute(t *testing.T, input []reflect.Value) {
	r.isNew = false
	r.executions++
	r.last.store(input)
	done := false
	defer func() {
		r.last.clear()
		if !done || t.Failed() {
			r.faults++
			path, err := r.write(input)
			t.Fatalf("LIBBPF_GO_FUZZ_SEED=%d, execution %d: %s, %v, %v", r.seed, r.executions, path, err, recover())
		}
	}()
	r.fn.Call(append([]reflect.Value{reflect.ValueOf(t)}, input...))
	done = true
	const often = 1 << 12
	if r.executions%often == 0 {
		r.checkFiles(t)
	}
}

// checkFiles fails the test if there are descriptors that were not there at the beginning.
func (r *run) checkFiles(t *testing.T) {
	for fd, file := range leaks.Descriptors() {
		if _, known := r.files[fd]; !known {
			t.Errorf("descriptor %d is open: %s", fd, file)
		}
	}
}

func (r *run) ended(how any) {
	if sum := maphash.String(hashSeed, ending(fmt.Sprint(how))); !r.endings[sum] {
		r.endings[sum] = true
		r.isNew = true
	}
}

// ending leaves out what is quoted, and words that begin with a digit, such as 0x7f.
func ending(text string) string {
	var kept strings.Builder
	var quote, before byte
	number := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		isWord := c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
		number = isWord && (number || c <= '9' && before == 0)
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0 || number:
		case c == '"' || c == '\'' && before == 0:
			quote = c
		default:
			kept.WriteByte(c)
		}
		before = 0
		if isWord {
			before = c
		}
	}
	return kept.String()
}

var hashSeed = maphash.MakeSeed()

// report prints a line of the table, and keeps what was found.
func (r *run) report() {
	r.last.close()
	if os.Getenv("LIBBPF_GO_FUZZ_KEEP") != "" {
		if err := r.keepCorpus(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	fmt.Printf("fuzzed %-24s %12d executions %6d seeds %6d new %4d faults, seed %d\n",
		r.name, r.executions, r.seeds, len(r.found), r.faults, r.seed)
}

// write writes an input as go test reads it.
func (r *run) write(input []reflect.Value) (string, error) {
	var text bytes.Buffer
	text.WriteString("go test fuzz v1\n")
	for _, v := range input {
		switch x := v.Interface().(type) {
		case []byte:
			fmt.Fprintf(&text, "[]byte(%q)\n", x)
		case string:
			fmt.Fprintf(&text, "string(%q)\n", x)
		default:
			fmt.Fprintf(&text, "%T(%v)\n", x, x)
		}
	}
	dir := filepath.Join("testdata", "fuzz", r.name)
	path := filepath.Join(dir, fmt.Sprintf("%.8x", sha256.Sum256(text.Bytes())))
	return path, errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, text.Bytes(), 0o644))
}

func interfaces(input []reflect.Value) (all []any) {
	for _, v := range input {
		all = append(all, v.Interface())
	}
	return all
}

func clone(input []reflect.Value) []reflect.Value {
	same := make([]reflect.Value, len(input))
	for i, v := range input {
		same[i] = v
		switch x := v.Interface().(type) {
		case []byte:
			same[i] = reflect.ValueOf(bytes.Clone(append([]byte{}, x...)))
		case string:
			same[i] = reflect.ValueOf(strings.Clone(x))
		}
	}
	return same
}
