package kallsyms

import (
	"errors"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

func TestParse(t *testing.T) {
	const text = `ffffffff81000000 T _stext
ffffffff81000000 t second
0000000000000100 A absolute
ffffffff81000100 t middle
ffffffffc0000000 t in_module	[some_module]
short
`
	symbols, err := parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[uint64]string{0x200: "", 0xffffffff81000000: "_stext", 0xffffffff810000ff: "_stext",
		0xffffffff81000100: "middle", 0xffffffff90000000: "", 0xffffffffc0000010: "in_module"} {
		s, _ := symbols.Find(address)
		if s.Name != want || (s.Module != "") != (want == "in_module") {
			t.Errorf("at %#x is %v, want %q", address, s, want)
		}
	}
	if address, found := symbols.Address("middle"); !found || address != 0xffffffff81000100 {
		t.Errorf("middle is at %#x", address)
	}
	if _, found := symbols.Address("absolute"); found {
		t.Error("what is absolute is a place")
	}
	if _, err := parse(strings.NewReader("0000000000000000 T _stext\n0000000000000000 T x\n")); !errors.Is(err, ErrHidden) {
		t.Errorf("%v is not %v", err, ErrHidden)
	}
}

// FuzzParse reads any text as the kernel's symbols, and finds each of them.
func FuzzParse(f *testing.F) {
	f.Add("ffffffff81000000 T _stext\nffffffffc0000000 t in_module\t[some_module]\n")
	f.Add("0 T hidden\n100 A absolute\nx\nffffffffffffffff t last\n")
	f.Fuzz(mutate.Target(f, 1, func(t *testing.T, text string) {
		symbols, err := parse(strings.NewReader(text))
		mutate.Ended(err)
		if err != nil && symbols != nil {
			t.Errorf("%d symbols beside %v", len(symbols), err)
		}
		for i, s := range symbols {
			if i > 0 && s.Address < symbols[i-1].Address || s.Address == 0 {
				t.Errorf("symbol %d at %#x", i, s.Address)
			}
			if found, ok := symbols.Find(s.Address); !ok || found.Address != s.Address {
				t.Errorf("at %#x is %+v", s.Address, found)
			}
		}
	}))
}
