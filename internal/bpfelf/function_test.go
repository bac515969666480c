package bpfelf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go/internal/place"
)

// Numbers of the sections and symbols of example.
const (
	text, program, maps, arena, data = 1, 2, 3, 4, 5
	sections                         = 14 // with the first one, the strings and the symbols

	helper1, helper2, counts, arenaVar, kfunc, textSection, dataVar, absolute, tooHigh, lastMap = 1, 2, 5, 6, 7, 8, 9, 12, 13, 15
)

// example has functions that refer to what there is in all ways, and much that must not count.
func example(order binary.ByteOrder) []byte {
	const call, load, exit = callCode, 0x18, 0x95
	in := func(code, source byte, immediate int32) []byte { return insn(order, code, source, immediate) }
	return object(order, []section{
		{".text", elf.SHT_PROGBITS, elf.SHF_EXECINSTR, 0, slices.Concat(
			// helper1
			in(exit, 0, 0), in(exit, 0, 0),
			// helper2
			in(call, pseudoCall, -3), // helper1
			in(call, 0, 11),
		)},
		{"tc", elf.SHT_PROGBITS, elf.SHF_EXECINSTR, 0, slices.Concat(
			// 0: main
			in(load, 1, 0), in(0, 0, 0), // counts
			in(call, 0, 5),
			in(call, pseudoCall, 5),     // second
			in(load, 0, 0), in(0, 0, 0), // dataVar
			in(call, pseudoCall, 2), // helper2, by its section and the second instruction
			// 56: no function's
			in(call, 0, 7),
			in(load, 0, 0), // counts
			// 72: second
			in(load, 0, 16), in(0, 0, 0), // helper2, by its section
			in(load, 0, 0), in(0, 0, 0), // arenaVar
			in(call, 2, -1),          // kfunc
			in(call, 0, 5),           // lastMap, and symbols that are in no section
			in(call, pseudoCall, 9),  // behind the end
			in(call, pseudoCall, -1), // helper1
		)},
		{".maps", elf.SHT_PROGBITS, 0, 0, make([]byte, 64)},
		{place.Arena, elf.SHT_PROGBITS, 0, 0, make([]byte, 8)},
		// It has what would be instructions, and what would be relocations of tc.
		{".data", elf.SHT_PROGBITS, elf.SHF_WRITE, program, append(in(call, 0, 9), relocations(order, 16, counts)...)},
		{".reltc", elf.SHT_REL, 0, program, relocations(order,
			0, counts, 32, dataVar, 48, textSection, 64, counts, 72, textSection, 88, arenaVar, 104, kfunc, 112, absolute, 112, tooHigh,
			112, lastMap, 112, 0, 112, lastMap+1, 132, counts, 136, counts, 128, helper1)},
		{".rel.maps", elf.SHT_REL, 0, maps, relocations(order,
			24, helper2, 32, helper1, 40, helper1, 16, counts, 48, lastMap, 40, textSection)},
		{".rel.none", elf.SHT_REL, 0, 0, relocations(order, 0, counts)},
		{"nobits", elf.SHT_NOBITS, elf.SHF_EXECINSTR, 0, nil},
		{"odd", elf.SHT_PROGBITS, elf.SHF_EXECINSTR, 0, make([]byte, 4)}, // half an instruction
		{"last", elf.SHT_PROGBITS, 0, 0, nil},
	}, []symbol{
		{"helper1", elf.STT_FUNC, text, 0, 16},
		{"helper2", elf.STT_FUNC, text, 16, 16},
		{"main", elf.STT_FUNC, program, 0, 56},
		{"second", elf.STT_FUNC, program, 72, 64},
		{"counts", elf.STT_OBJECT, maps, 24, 24},
		{"arena_var", elf.STT_OBJECT, arena, 0, 8},
		{"kfunc", elf.STT_FUNC, elf.SHN_UNDEF, 0, 8},
		{"", elf.STT_SECTION, text, 0, 0},
		{"data_var", elf.STT_OBJECT, data, 0, 8},
		{"no_code", elf.STT_FUNC, data, 0, 8},
		{"undefined", elf.STT_OBJECT, elf.SHN_UNDEF, 0, 8},
		{"absolute", elf.STT_FUNC, elf.SHN_ABS, 0, 8},
		{"too_high", elf.STT_FUNC, sections, 0, 8},
		{"not_a_map", elf.STT_FUNC, maps, 48, 8},
		{"last_map", elf.STT_OBJECT, maps, 56, 8},
	})
}

var orders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

func TestFunctions(t *testing.T) {
	type uses struct {
		Maps, Externs, Calls, Reached []string
		Helpers                       []uint32
	}
	want := map[string]uses{
		"helper1": {Reached: []string{"helper1"}},
		"helper2": {Calls: []string{"helper1"}, Reached: []string{"helper2", "helper1"}, Helpers: []uint32{11}},
		"main": {
			Maps: []string{"counts"}, Helpers: []uint32{5}, Calls: []string{"helper2", "second"},
			Reached: []string{"main", "helper2", "second", "helper1"},
		},
		"second": {
			Maps: []string{"last_map", "the arena"}, Externs: []string{"kfunc"}, Calls: []string{"helper2", "helper1"},
			Reached: []string{"second", "helper2", "helper1"},
		},
		"no_code":   {Reached: []string{"no_code"}},
		"not_a_map": {Reached: []string{"not_a_map"}},
	}
	names := func(functions []*Function) (all []string) {
		for _, f := range functions {
			all = append(all, f.Name)
		}
		return all
	}
	for _, order := range orders {
		file := mustRead(t, example(order))
		if len(file.Sections) != sections {
			t.Fatalf("%d sections", len(file.Sections))
		}
		functions, err := file.Functions("the arena")
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]uses)
		for _, f := range functions {
			got[f.Name] = uses{keys(f.Maps), keys(f.Externs), names(f.Calls), names(f.Reached()), keys(f.Helpers)}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", order, diff)
		}
		// Without an arena, its variables are of no map.
		if functions, err = file.Functions(""); err != nil {
			t.Fatal(err)
		}
		if i := slices.Index(names(functions), "second"); len(functions[i].Maps) != 1 {
			t.Errorf("%v: %v", order, functions[i].Maps)
		}
	}
}

// keys are those of a map, in order, or nil.
func keys[K interface{ ~string | ~uint32 }](of map[K]bool) (all []K) {
	for k := range of {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func TestHolds(t *testing.T) {
	want := map[string][]string{"counts": {"helper1", "helper2"}}
	for _, order := range orders {
		got, err := mustRead(t, example(order)).Holds(".none", ".maps", "last")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", order, diff)
		}
	}
}

// What can't be read is an error.
func TestTruncated(t *testing.T) {
	good := example(binary.LittleEndian)
	file := mustRead(t, good)
	// tooLong lets a section go on behind the end of the file.
	tooLong := func(name string) *File {
		_, number := file.Find(name)
		bad := bytes.Clone(good)
		at := binary.LittleEndian.Uint64(bad[40:]) + 64*uint64(number)
		binary.LittleEndian.PutUint64(bad[at+32:], uint64(len(good)))
		return mustRead(t, bad)
	}
	for _, name := range []string{"tc", ".reltc"} {
		if functions, err := tooLong(name).Functions(""); err == nil {
			t.Errorf("%s: %d functions", name, len(functions))
		}
	}
	if holds, err := tooLong(".rel.maps").Holds(".maps"); err == nil {
		t.Errorf("maps hold %v", holds)
	}
	symbols := len(file.Sections) - 1
	bad := bytes.Clone(good)
	at := binary.LittleEndian.Uint64(bad[40:]) + 64*uint64(symbols)
	binary.LittleEndian.PutUint64(bad[at+32:], elf.Sym64Size+1)
	if _, err := Read(bad); err == nil {
		t.Error("half a symbol is read")
	}
	if f := mustRead(t, object(binary.LittleEndian, []section{{name: "x", typ: elf.SHT_PROGBITS}}, nil)); len(f.Symbols) != 0 {
		t.Errorf("symbols of none: %v", f.Symbols)
	}
}
