package cmem

import (
	"errors"
	"runtime"
	"testing"
	"unsafe"
	"weak"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// text is a C string's.
func text(p *int8) string {
	var b []byte
	for ; *p != 0; p = (*int8)(unsafe.Add(unsafe.Pointer(p), 1)) {
		b = append(b, byte(*p))
	}
	return string(b)
}

func TestArgs(t *testing.T) {
	var a Args[int8]
	defer a.Free()
	if s := text(a.Of("name", "text")); s != "text" {
		t.Errorf("the string is %q", s)
	}
	if a.Optional("name", "") != nil || a.Names("name", nil) != nil || Array[uint32](&a, "number", nil) != nil {
		t.Error("nothing is not NULL")
	}
	names := unsafe.Slice(a.Names("name", []string{"a", "bc"}), 2)
	if text(names[0]) != "a" || text(names[1]) != "bc" {
		t.Errorf("the names are %q and %q", text(names[0]), text(names[1]))
	}
	if n := unsafe.Slice(Array[uint32](&a, "number", []uint64{1, 1<<32 - 1}), 2); n[0] != 1 || n[1] != 1<<32-1 {
		t.Errorf("the numbers are %v", n)
	}
	if a.Err != nil {
		t.Error(a.Err)
	}
}

func TestArgsRefuse(t *testing.T) {
	for what, make := range map[string]func(a *Args[int8]){
		"a NUL":            func(a *Args[int8]) { a.Of("name", "a\x00b") },
		"a NUL in front":   func(a *Args[int8]) { a.Of("name", "\x00a") },
		"an empty name":    func(a *Args[int8]) { a.Name("name", "") },
		"one of the names": func(a *Args[int8]) { a.Names("name", []string{"a", ""}) },
		"a large number":   func(a *Args[int8]) { Array[uint32](a, "number", []uint64{1 << 32}) },
	} {
		var a Args[int8]
		if make(&a); !errors.Is(a.Err, fault.ErrInvalid) {
			t.Errorf("%s: %v", what, a.Err)
		}
		a.Free()
	}
}

func TestCheckName(t *testing.T) {
	if err := CheckName("name", "a"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"", "a\x00b"} {
		if err := CheckName("name", name); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// What is lent stays until Free, although only C refers to it.
func TestLentStays(t *testing.T) {
	var a Args[int8]
	first := weak.Make(Lend(&a, make([]uint64, 64)))
	runtime.GC()
	if first.Value() == nil {
		t.Error("it went before Free")
	}
	a.Free()
	runtime.GC()
	if first.Value() != nil {
		t.Error("it stays after Free")
	}
}
