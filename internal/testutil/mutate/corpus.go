package mutate

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// The corpus of a target is the file testdata/corpus/NAME of its package: inputs that ended in new ways in long runs.
// They are seeds as others, but are not mutated so often. Each has a line with its arguments, of Go's syntax, between tabs.

// Longer inputs are not kept: objects, which are compiled anew on each machine.
const (
	maxKeptInput  = 1 << 10
	maxKeptCorpus = 8 << 10
)

func corpusPath(name string) string { return filepath.Join("testdata", "corpus", name) }

// readCorpus returns the inputs of the corpus.
func readCorpus(f *testing.F, fn reflect.Type) (all [][]reflect.Value) {
	text, err := os.ReadFile(corpusPath(f.Name()))
	if err != nil {
		return nil // it has none
	}
	for number, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		input, err := parseInput(fn, line)
		if err != nil {
			f.Fatalf("%s: line %d: %v", corpusPath(f.Name()), number+1, err)
		}
		all = append(all, input)
	}
	return all
}

// keepCorpus adds what ended in a new way to the corpus.
func (r *run) keepCorpus() error {
	path := corpusPath(r.name)
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	before := len(text)
	for _, input := range r.found {
		line := formatInput(input)
		if len(line) <= maxKeptInput && len(text)+len(line) <= maxKeptCorpus {
			text = append(text, line...)
		}
	}
	if len(text) == before {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// formatInput returns an input as a line.
func formatInput(input []reflect.Value) []byte {
	var line bytes.Buffer
	for i, v := range input {
		if i > 0 {
			line.WriteByte('\t')
		}
		switch v.Kind() {
		case reflect.String:
			line.WriteString(strconv.Quote(v.String()))
		case reflect.Slice:
			line.WriteString(strconv.Quote(string(v.Bytes())))
		default:
			fmt.Fprint(&line, v)
		}
	}
	line.WriteByte('\n')
	return line.Bytes()
}

// parseInput returns the arguments that a line has, for the parameters of a target behind its first.
func parseInput(fn reflect.Type, line string) ([]reflect.Value, error) {
	fields := strings.Split(line, "\t")
	if len(fields) != fn.NumIn()-1 {
		return nil, fmt.Errorf("%d arguments, and the target has %d", len(fields), fn.NumIn()-1)
	}
	var input []reflect.Value
	for i, field := range fields {
		v := reflect.New(fn.In(i + 1)).Elem()
		if err := parseArgument(v, field); err != nil {
			return nil, err
		}
		input = append(input, v)
	}
	return input, nil
}

func parseArgument(v reflect.Value, text string) (err error) {
	switch v.Kind() {
	case reflect.String, reflect.Slice:
		if text, err = strconv.Unquote(text); err == nil {
			v.Set(reflect.ValueOf(text).Convert(v.Type()))
		}
	case reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(text)
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		var n int64
		n, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		var n uint64
		n, err = strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(n)
	default:
		err = fmt.Errorf("arguments of type %v are not kept", v.Type())
	}
	return err
}
