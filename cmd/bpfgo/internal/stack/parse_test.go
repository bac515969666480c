package stack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

func TestParseMaps(t *testing.T) {
	const text = `00400000-00401000 r--p 00000000 fe:01 17                                 /bin/a
00401000-00402000 r-xp 00001000 fe:01 17                                 /bin/a
7f0000003000-7f0000004000 rwxp 00000000 00:00 0 
7f0000001000-7f0000002000 r-xp 00000000 fe:01 18                         /tmp/with two  spaces\012and a line (deleted)
7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0                          [vdso]
junk
7ffc00000000-7ffc00000000 r-xp 00000000 00:00 0                          [empty]
x-y r-xp 0 0 0
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
`
	got, err := parseMaps(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []mapping{
		{0x401000, 0x402000, 0x1000, "fe:01", 17, "/bin/a"},
		{0x7f0000001000, 0x7f0000002000, 0, "fe:01", 18, "/tmp/with two  spaces\nand a line (deleted)"},
		{0x7f0000003000, 0x7f0000004000, 0, "00:00", 0, ""},
		{0x7ffc00000000, 0x7ffc00002000, 0, "00:00", 0, "[vdso]"},
		{0xffffffffff600000, 0xffffffffff601000, 0, "00:00", 0, "[vsyscall]"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mapping{})); diff != "" {
		t.Error(diff)
	}
	for address, path := range map[uint64]string{0x401000: "/bin/a", 0x401fff: "/bin/a", 0x7ffc00001fff: "[vdso]"} {
		if m := mappingAt(got, address); m == nil || m.path != path {
			t.Errorf("at %#x is %v", address, m)
		}
	}
	for _, nowhere := range []uint64{0, 0x400fff, 0x402000, 1<<64 - 1} {
		if m := mappingAt(got, nowhere); m != nil {
			t.Errorf("at %#x is %v", nowhere, m)
		}
	}
}

func TestParsePerfMap(t *testing.T) {
	const text = "7f00 10 old\n0x7f20 0x8 LazyCompile:~f /a b.js:1\n7f00 10 new\nbad line\n7f40 0 empty\nffffffffffffffff 2 over\n7f50 10\n"
	got := parsePerfMap(strings.NewReader(text))
	want := []jitted{{0x7f00, 0x7f10, "new"}, {0x7f20, 0x7f28, "LazyCompile:~f /a b.js:1"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(jitted{})); diff != "" {
		t.Error(diff)
	}
	for address, name := range map[uint64]string{0x7eff: "", 0x7f00: "new", 0x7f0f: "new", 0x7f10: "", 0x7f27: want[1].name} {
		if f, _ := jittedAt(got, address); f.name != name {
			t.Errorf("at %#x is %q", address, f.name)
		}
	}
	long := parsePerfMap(strings.NewReader("1 1 " + strings.Repeat("x", 2*maxJitName) + "\n2 1 " + strings.Repeat("x", 2<<20)))
	if len(long) != 1 || len(long[0].name) != maxJitName {
		t.Errorf("%d functions", len(long))
	}
}

func FuzzParseMaps(f *testing.F) {
	f.Add("00401000-00402000 r-xp 00001000 fe:01 17                                 /bin/a\n")
	f.Fuzz(mutate.Target(f, 1, func(t *testing.T, text string) {
		all, _ := parseMaps(strings.NewReader(text))
		for _, m := range all {
			if m.start >= m.end || mappingAt(all, m.start) == nil {
				t.Errorf("%#v", m)
			}
		}
	}))
}

func FuzzParsePerfMap(f *testing.F) {
	f.Add("7f00 10 a name\n")
	f.Fuzz(mutate.Target(f, 1, func(t *testing.T, text string) {
		all := parsePerfMap(strings.NewReader(text))
		for _, j := range all {
			if found, ok := jittedAt(all, j.start); !ok || found.start > j.start || found.end <= j.start {
				t.Errorf("%#v", j)
			}
		}
	}))
}
