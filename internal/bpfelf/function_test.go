package bpfelf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go/internal/place"
	"github.com/libbpf-go/libbpf-go/internal/testutil/elfobject"
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
	in := func(code, source byte, immediate int32) []byte { return elfobject.Insn(order, code, source, immediate) }
	return elfobject.Build(order, []elfobject.Section{
		{Name: ".text", Type: elf.SHT_PROGBITS, Flags: elf.SHF_EXECINSTR, Info: 0, Data: slices.Concat(
			// helper1
			in(exit, 0, 0), in(exit, 0, 0),
			// helper2
			in(call, pseudoCall, -3), // helper1
			in(call, 0, 11),
		)},
		{Name: "tc", Type: elf.SHT_PROGBITS, Flags: elf.SHF_EXECINSTR, Info: 0, Data: slices.Concat(
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
		{Name: ".maps", Type: elf.SHT_PROGBITS, Flags: 0, Info: 0, Data: make([]byte, 64)},
		{Name: place.Arena, Type: elf.SHT_PROGBITS, Flags: 0, Info: 0, Data: make([]byte, 8)},
		// It has what would be instructions, and what would be relocations of tc.
		{Name: ".data", Type: elf.SHT_PROGBITS, Flags: elf.SHF_WRITE, Info: program, Data: append(in(call, 0, 9), elfobject.Relocations(order, 16, counts)...)},
		{Name: ".reltc", Type: elf.SHT_REL, Flags: 0, Info: program, Data: elfobject.Relocations(order,
			0, counts, 32, dataVar, 48, textSection, 64, counts, 72, textSection, 88, arenaVar, 104, kfunc, 112, absolute, 112, tooHigh,
			112, lastMap, 112, 0, 112, lastMap+1, 132, counts, 136, counts, 128, helper1)},
		{Name: ".rel.maps", Type: elf.SHT_REL, Flags: 0, Info: maps, Data: elfobject.Relocations(order,
			24, helper2, 32, helper1, 40, helper1, 16, counts, 48, lastMap, 40, textSection)},
		{Name: ".rel.none", Type: elf.SHT_REL, Flags: 0, Info: 0, Data: elfobject.Relocations(order, 0, counts)},
		{Name: "nobits", Type: elf.SHT_NOBITS, Flags: elf.SHF_EXECINSTR, Info: 0, Data: nil},
		{Name: "odd", Type: elf.SHT_PROGBITS, Flags: elf.SHF_EXECINSTR, Info: 0, Data: make([]byte, 4)}, // half an instruction
		{Name: "last", Type: elf.SHT_PROGBITS, Flags: 0, Info: 0, Data: nil},
	}, []elfobject.Symbol{
		{Name: "helper1", Type: elf.STT_FUNC, Section: text, Value: 0, Size: 16},
		{Name: "helper2", Type: elf.STT_FUNC, Section: text, Value: 16, Size: 16},
		{Name: "main", Type: elf.STT_FUNC, Section: program, Value: 0, Size: 56},
		{Name: "second", Type: elf.STT_FUNC, Section: program, Value: 72, Size: 64},
		{Name: "counts", Type: elf.STT_OBJECT, Section: maps, Value: 24, Size: 24},
		{Name: "arena_var", Type: elf.STT_OBJECT, Section: arena, Value: 0, Size: 8},
		{Name: "kfunc", Type: elf.STT_FUNC, Section: elf.SHN_UNDEF, Value: 0, Size: 8},
		{Name: "", Type: elf.STT_SECTION, Section: text, Value: 0, Size: 0},
		{Name: "data_var", Type: elf.STT_OBJECT, Section: data, Value: 0, Size: 8},
		{Name: "no_code", Type: elf.STT_FUNC, Section: data, Value: 0, Size: 8},
		{Name: "undefined", Type: elf.STT_OBJECT, Section: elf.SHN_UNDEF, Value: 0, Size: 8},
		{Name: "absolute", Type: elf.STT_FUNC, Section: elf.SHN_ABS, Value: 0, Size: 8},
		{Name: "too_high", Type: elf.STT_FUNC, Section: sections, Value: 0, Size: 8},
		{Name: "not_a_map", Type: elf.STT_FUNC, Section: maps, Value: 48, Size: 8},
		{Name: "last_map", Type: elf.STT_OBJECT, Section: maps, Value: 56, Size: 8},
	})
}

func mustRead(t *testing.T, data []byte) *File {
	t.Helper()
	f, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
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
	if f := mustRead(t, elfobject.Build(binary.LittleEndian, []elfobject.Section{{Name: "x", Type: elf.SHT_PROGBITS}}, nil)); len(f.Symbols) != 0 {
		t.Errorf("symbols of none: %v", f.Symbols)
	}
}
