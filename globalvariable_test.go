package libbpf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// openGlobals opens globals.bpf.o. Linking has put several static variables with one name into it.
func openGlobals(t testing.TB) *libbpf.OpenObject {
	t.Helper()
	image := readObject(t, "globals")
	for _, name := range []string{"twin", "kin"} {
		image = bytes.ReplaceAll(image, []byte(name+"_b\x00"), []byte(name+"_a\x00"))
	}
	o, err := libbpf.ObjectBuilder{Name: "globals", Kconfig: "CONFIG_HZ=123\n"}.OpenMemory(image)
	check(t, err)
	t.Cleanup(func() { check(t, o.Close()) })
	return o
}

// wantText is wantErr for an error that also says something.
func wantText(t *testing.T, err, target error, texts ...string) {
	t.Helper()
	wantErr(t, err, target)
	for _, text := range texts {
		if err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
}

func TestSetPartOfGlobal(t *testing.T) {
	o := openGlobals(t)
	type point struct{ X, Y int32 }
	points := []point{{1, 2}, {3, 4}, {5, 6}, {7, 8}}
	allPoints := make([]byte, 0, 32)
	for _, p := range points {
		allPoints = append(append(allPoints, u32(uint32(p.X))...), u32(uint32(p.Y))...)
	}
	sixth := append(u32(5), u32(6)...)
	matrix := []byte{1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0}
	if u32(1)[0] == 0 {
		matrix = []byte{0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6}
	}
	for _, c := range []struct {
		name  string
		value any
		want  []byte
	}{
		{"config.mode", 3, u32(3)},
		{"config.whole", uint32(0xffffffff), u32(0xffffffff)},
		{"config.low", 0, []byte{0, 0}},
		{"config.corners[1].y", -1, u32(math.MaxUint32)},
		{"config.corners[0]", point{5, 6}, sixth},
		{"config.corners[0]", &point{5, 6}, sixth},
		{"config.name", "seven..", []byte("seven..\x00")},
		{"config.name", new([8]byte), make([]byte, 8)},
		{"config.ratio", 1.5, u64(math.Float64bits(1.5))},
		{"config.on", true, []byte{1}},
		{"config.level", 7, []byte{7}},
		{"config.level", []byte{6}, []byte{6}},
		{"config.shift", -8, []byte{0xf8}},
		{"config.shift", int8(7), []byte{7}},
		{"points", points, allPoints},
		{"points", &points, allPoints},
		{"points", []any{point{1, 2}, &points[1], [2]int32{5, 6}, allPoints[24:]}, allPoints},
		{"points[3]", sixth, sixth},
		{"points[3].x", new(int32), u32(0)},
		{"matrix", [][]int{{1, 2, 3}, {4, 5, 6}}, matrix},
		{"matrix", [2][3]uint64{{1, 2, 3}, {4, 5, 6}}, matrix},
		{"matrix[1]", []uint16{4, 5, 6}, matrix[6:]},
		{"matrix[1][2]", 6, matrix[10:]},
		{"count.calls", 4, u32(4)},
		{".data:config.mode", 0, u32(0)},
		{"connections", 8, u32(8)},
		{"dashed", 9, u32(9)},
		{"rodata_other", 10, u32(10)},
	} {
		check(t, o.SetGlobal(c.name, c.value))
		got, err := o.Global(c.name)
		check(t, err)
		if !bytes.Equal(got, c.want) {
			t.Errorf("%s = %v: bytes %v, want %v", c.name, c.value, got, c.want)
		}
	}

	// Setting a bit field does not change the others.
	check(t, o.SetGlobal("config.level", 5))
	check(t, o.SetGlobal("config.shift", -3))
	level, err := o.Global("config.level")
	check(t, err)
	if level[0] != 5 {
		t.Errorf("level %d", level[0])
	}

	type circle *circle
	var round circle
	round = &round
	for _, c := range []struct {
		name  string
		value any
		is    error
		text  string
	}{
		{"config.level", 8, libbpf.ErrInvalid, "8 does not fit into 3 bits"},
		{"config.level", -1, libbpf.ErrInvalid, "-1 does not fit"},
		{"config.shift", 8, libbpf.ErrInvalid, "8 does not fit into 4 bits"},
		{"config.shift", -9, libbpf.ErrInvalid, "-9 does not fit into 4 bits"},
		{"config.low", 65536, libbpf.ErrInvalid, "65536 does not fit into 2 bytes"},
		{"config.no", 1, libbpf.ErrNotFound, "struct config config has no member no"},
		{"config.", 1, libbpf.ErrNotFound, "has no member"},
		{"config.corners.x", 1, libbpf.ErrNotFound, "struct point config.corners[2] is not a struct"},
		{"config.corners[2]", 1, libbpf.ErrInvalid, "has no element 2"},
		{"config.corners[-1]", 1, libbpf.ErrInvalid, "must be an index"},
		{"config.corners[4294967296]", 1, libbpf.ErrInvalid, "must be an index"},
		{"config.corners[0", 1, libbpf.ErrInvalid, "must be an index"},
		{"counter[0]", 1, libbpf.ErrNotFound, "int counter is not an array"},
		{"points", points[:3], libbpf.ErrInvalid, "3 elements and must have 4"},
		{"points", []int{1, 2, 3, 4}, libbpf.ErrInvalid, "element 0: "},
		{"points", (*point)(nil), libbpf.ErrInvalid, "nil pointer"},
		{"matrix", [][]int{{1, 2, 3}, {4, 5, 65536}}, libbpf.ErrInvalid, "element 1: element 2: 65536"},
		{"counter", round, libbpf.ErrInvalid, "can't be"},
		{"counter", []int{1}, libbpf.ErrInvalid, "does not take a value of type []int"},
		{"count", 1, libbpf.ErrNotFound, "no such global variable"},
		{"LICENSE2", 1, libbpf.ErrNotFound, "no such global variable"},
		{".bss:config", 1, libbpf.ErrNotFound, "no such global variable"},
		{"CONFIG_HZ", 7, libbpf.ErrInvalid, "ObjectBuilder.Kconfig"},
		{"CONFIG_NOT_THERE", false, libbpf.ErrInvalid, "ObjectBuilder.Kconfig"},
		{"LINUX_KERNEL_VERSION", 7, libbpf.ErrInvalid, "whose value libbpf sets at Load"},
		{"no_such_symbol", 7, libbpf.ErrNotFound, "extern, which the kernel defines"},
		{"twin_a", 1, libbpf.ErrInvalid, ".data+"},
		{"kin_a", 1, libbpf.ErrInvalid, "use one of the names "},
	} {
		wantText(t, o.SetGlobal(c.name, c.value), c.is, c.text)
	}
	_, err = o.Global("CONFIG_HZ")
	wantText(t, err, libbpf.ErrInvalid, "ObjectBuilder.Kconfig")
	wantText(t, openMaps(t, "").SetGlobal("hash", 1), libbpf.ErrNotFound, "it is a map")
	wantText(t, open(t, "uprobe").SetGlobal("nope", 1), libbpf.ErrNotFound)
}

// A resized section has a longer variable, even if the types were read before.
func TestSetGlobalThatGrew(t *testing.T) {
	o := openMaps(t, "")
	check(t, o.SetGlobal("growing[1]", 5))
	m, err := o.Map(".data.growing")
	check(t, err)
	err = m.SetValueSize(16)
	if errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "libbpf-1.3", err)
	}
	check(t, err)
	check(t, o.SetGlobal("growing[3]", 7))
	value, err := o.Global("growing")
	check(t, err)
	if want := slices.Concat(u32(1), u32(5), u32(0), u32(7)); !bytes.Equal(value, want) {
		t.Errorf("it is %v, want %v", value, want)
	}
}

// The error for an ambiguous name lists names for the variables. Each of them finds a different variable.
func TestGlobalsOfOneName(t *testing.T) {
	o := openGlobals(t)
	for name, want := range map[string]map[uint32]bool{"twin_a": {11: true, 12: true}, "kin_a": {21: true, 22: true}} {
		_, err := o.Global(name)
		wantText(t, err, libbpf.ErrInvalid, "there are 2 variables of that name")
		_, list, _ := strings.Cut(err.Error(), "use one of the names ")
		for _, one := range strings.Split(list, ", ") {
			value, err := o.Global(one)
			check(t, err)
			number := binary.NativeEndian.Uint32(value)
			if !want[number] {
				t.Errorf("%s is %d", one, number)
			}
			delete(want, number)
		}
		if len(want) != 0 {
			t.Errorf("%v were not offered in %q", want, err)
		}
	}
	check(t, o.SetGlobal(".data.kin:kin_a", 5))

	value, err := o.Global(".data.kin:kin_a")
	check(t, err)
	if !bytes.Equal(value, u32(5)) {
		t.Errorf("value %v", value)
	}
}

// The name of a static variable of a function may begin with another variable's name. Both are found, in either order.
func TestGlobalsWithDots(t *testing.T) {
	for _, c := range []struct{ variable, renamed, short, long string }{
		{"dashed", "count\x00", "count", "count.calls"},
		{"data_stats", "dashed.abc", "dashed", "dashed.abc"},
	} {
		image := bytes.ReplaceAll(readObject(t, "globals"), []byte(c.variable+"\x00"), []byte(c.renamed+"\x00"))
		o, err := libbpf.OpenMemory(image)
		check(t, err)
		check(t, o.SetGlobal(c.short, 1))
		check(t, o.SetGlobal(c.long, 2))
		for name, want := range map[string]uint32{c.short: 1, c.long: 2} {
			got, err := o.Global(name)
			check(t, err)
			if !bytes.Equal(got, u32(want)) {
				t.Errorf("%s is %v, want %d", name, got, want)
			}
		}
		check(t, o.Close())
	}
}

// A section is found by its name, whatever name libbpf gives its map.
func TestSectionsByName(t *testing.T) {
	o := openGlobals(t)
	variables := map[string]string{
		".bss.connection_stats": "connections", ".bss.connection_other": "contexts", ".bss.da-sh": "dashed",
		".data.connection_stats": "data_stats", ".data.connection_other": "data_other",
		".rodata.connection_stats": "rodata_stats", ".rodata.connection_other": "rodata_other",
	}
	number := uint32(100)
	values := make(map[string]uint32)
	for section, variable := range variables {
		m, err := o.Map(section)
		check(t, err)
		if m.Name() != section {
			t.Errorf("section %s is called %s", section, m.Name())
		}
		number++
		values[section] = number
		check(t, o.SetGlobal(variable, number))
	}
	for _, name := range []string{".bss", ".data", ".rodata", ".kconfig", "globals.bss", "globals.data"} {
		_, err := o.Map(name)
		check(t, err)
	}
	for _, name := range []string{".bss.connection", ".bss.da_sh", ".bss\x00", ".bss.nope", ""} {
		_, err := o.Map(name)
		wantErr(t, err, libbpf.ErrNotFound)
	}
	loaded := load(t, o)
	seen := make(map[string]bool)
	for m := range loaded.Maps() {
		if seen[m.Name()] {
			t.Errorf("two maps are called %s", m.Name())
		}
		seen[m.Name()] = true
		if found := findMap(t, loaded, m.Name()); found != m {
			t.Errorf("%s leads to another map", m.Name())
		}
	}
	for section, want := range values {
		value, err := findMap(t, loaded, section).Lookup(u32(0), libbpf.Any)
		check(t, err)
		if !bytes.Equal(value, u32(want)) {
			t.Errorf("%s holds %v, want %d", section, value, want)
		}
		memory, offset, err := loaded.GlobalMemory(variables[section])
		check(t, err)
		place, err := libbpf.MemoryAt[uint32](memory, offset)
		check(t, err)
		if *place != want {
			t.Errorf("%s is %d in memory, want %d", variables[section], *place, want)
		}
		check(t, memory.Close())
	}
}

func TestGlobalVariable(t *testing.T) {
	o := openGlobals(t)
	check(t, o.SetGlobal("points[2].y", 77))
	loaded := load(t, o)
	v, err := loaded.GlobalVariable("points[2].y")
	check(t, err)
	if v.Size != 4 || v.Map != findMap(t, loaded, ".data") {
		t.Errorf("%+v", v)
	}
	section, err := v.Map.Lookup(u32(0), libbpf.Any)
	check(t, err)
	if !bytes.Equal(section[v.Offset:][:v.Size], u32(77)) {
		t.Errorf("it is %v", section[v.Offset:][:v.Size])
	}

	// Values from the kernel's configuration can be read but not written.
	memory, offset, err := loaded.GlobalMemory("CONFIG_HZ")
	check(t, err)
	defer memory.Close()
	hz, err := libbpf.MemoryAt[int32](memory, offset)
	check(t, err)
	if *hz != 123 || memory.Writable() {
		t.Errorf("CONFIG_HZ is %d, writable %t", *hz, memory.Writable())
	}

	for name, want := range map[string]struct {
		is   error
		text string
	}{
		"nope":           {libbpf.ErrNotFound, "no such"},
		"config.nope":    {libbpf.ErrNotFound, "no member nope"},
		"config.level":   {libbpf.ErrInvalid, "bit field"},
		"points[4]":      {libbpf.ErrInvalid, "no element 4"},
		"twin_a":         {libbpf.ErrInvalid, "2 variables"},
		"no_such_symbol": {libbpf.ErrNotFound, "extern"},
	} {
		_, _, err := loaded.GlobalMemory(name)
		wantText(t, err, want.is, want.text, name)
	}
	check(t, loaded.Close())
	_, err = loaded.GlobalVariable("counter")
	wantErr(t, err, libbpf.ErrClosed)
}

// libbpf makes a section of static variables mappable only if the user sets the flag.
func TestMemoryOfStaticVariables(t *testing.T) {
	loaded := load(t, openGlobals(t))
	_, _, err := loaded.GlobalMemory("hidden")
	wantText(t, err, libbpf.ErrInvalid, "hidden", "static", "CreateMMapable")
	_, err = findMap(t, loaded, ".data.hidden").Memory()
	wantText(t, err, libbpf.ErrInvalid, ".data.hidden", "CreateMMapable")

	o := openGlobals(t)
	m, err := o.Map(".data.hidden")
	check(t, err)
	flags, err := m.Flags()
	check(t, err)
	check(t, m.SetFlags(flags|libbpf.CreateMMapable))
	check(t, o.SetGlobal("hidden", 50))
	memory, offset, err := load(t, o).GlobalMemory("hidden")
	check(t, err)
	defer memory.Close()
	hidden, err := libbpf.MemoryAt[int32](memory, offset)
	check(t, err)
	if *hidden != 50 {
		t.Errorf("it is %d", *hidden)
	}
}

func TestMapMemoryReadWrite(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeArray, "mapped", 4, 64, 1, libbpf.MapCreateOptions{Flags: libbpf.CreateMMapable})
	check(t, err)
	defer m.Close()
	memory, err := m.Memory()
	check(t, err)
	for offset := range int64(24) {
		for size := range 17 {
			want := bytes.Repeat([]byte{byte(offset) + 1, byte(size) + 2}, 9)[:size]
			_, err := memory.WriteAt(want, offset)
			check(t, err)
			got := make([]byte, size)
			n, err := memory.ReadAt(got, offset)
			check(t, err)
			if n != size || !bytes.Equal(got, want) || !bytes.Equal(memory.Bytes()[offset:][:size], want) {
				t.Fatalf("%d bytes at %d: %v, want %v", n, offset, got, want)
			}
		}
	}
	for _, c := range []struct {
		size   int
		offset int64
	}{{4, -1}, {4, 61}, {65, 0}, {1, 64}, {8, math.MaxInt64}, {0, 65}} {
		_, err := memory.ReadAt(make([]byte, c.size), c.offset)
		wantErr(t, err, libbpf.ErrInvalid)
		_, err = memory.WriteAt(make([]byte, c.size), c.offset)
		wantErr(t, err, libbpf.ErrInvalid)
	}
	check(t, memory.Close())
	_, err = memory.ReadAt(make([]byte, 4), 0)
	wantErr(t, err, libbpf.ErrClosed)
	_, err = memory.WriteAt(make([]byte, 4), 0)
	wantErr(t, err, libbpf.ErrClosed)
	var none *libbpf.MapMemory
	_, err = none.ReadAt(nil, 0)
	wantErr(t, err, libbpf.ErrClosed)

	constant, offset, err := load(t, openGlobals(t)).GlobalMemory("limit")
	check(t, err)
	defer constant.Close()
	_, err = constant.WriteAt(make([]byte, 8), int64(offset))
	wantErr(t, err, unix.EPERM)
}

func TestArenaGlobals(t *testing.T) {
	check(t, createArena(t, libbpf.MapCreateOptions{}).Close())
	o := open(t, "arena_globals")
	check(t, o.SetGlobal("total", 100))
	check(t, o.SetGlobal("spans[1].to", 11))
	value, err := o.Global("spans[0]")
	check(t, err)
	if !bytes.Equal(value, append(u32(1), u32(2)...)) {
		t.Errorf("spans[0] is %v", value)
	}
	loaded := load(t, o)
	_, err = findProgram(t, loaded, "add").TestRun(libbpf.TestRunOptions{})
	check(t, err)
	at := func(name string) (*libbpf.MapMemory, int64) {
		memory, offset, err := loaded.GlobalMemory(name)
		check(t, err)
		return memory, int64(offset)
	}
	memory, offset := at("total")
	total := make([]byte, 8)
	_, err = memory.ReadAt(total, offset)
	check(t, err)
	if got := binary.NativeEndian.Uint64(total); got != 111 {
		t.Errorf("total is %d, want 111", got)
	}
	memory, offset = at("spans[1].from")
	_, err = memory.ReadAt(total[:4], offset)
	check(t, err)
	if got := binary.NativeEndian.Uint32(total); got != 9 {
		t.Errorf("spans[1].from is %d, want 9", got)
	}
	check(t, loaded.Close())
	_, err = memory.ReadAt(total, offset)
	wantErr(t, err, libbpf.ErrClosed)
}

// A reused arena does not hold libbpf's copy of the initial values of its global variables.
func TestReusedArena(t *testing.T) {
	check(t, createArena(t, libbpf.MapCreateOptions{}).Close())
	for _, object := range []string{"arena", "arena_globals"} {
		arena, err := libbpf.CreateMap(libbpf.MapTypeArena, "arena", 0, 0, 4,
			libbpf.MapCreateOptions{Flags: libbpf.CreateMMapable})
		check(t, err)
		o := open(t, object)
		m, err := o.Map("arena")
		check(t, err)
		check(t, m.Reuse(arena))
		// Programs can't be loaded with an arena that has no address yet.
		for p := range o.Programs() {
			check(t, p.SetAutoload(false))
		}
		loaded := load(t, o)
		memory, err := findMap(t, loaded, "arena").Memory()
		check(t, err)
		memory.Bytes()[len(memory.Bytes())-1] = 1
		check(t, memory.Close())
		check(t, loaded.Close())
		check(t, arena.Close())
	}
}

func TestSectionMemory(t *testing.T) {
	obj := load(t, openGlobals(t))
	memory, offset, err := obj.SectionMemory(".bss.connection_stats")
	check(t, err)
	defer memory.Close()
	_, err = memory.WriteAt(u32(9), int64(offset))
	check(t, err)
	value, err := findMap(t, obj, ".bss.connection_stats").Lookup(u32(0), libbpf.Any)
	check(t, err)
	if !bytes.Equal(value[:4], u32(9)) {
		t.Errorf("the variable is %v", value)
	}
	for name, want := range map[string]error{
		".data.hidden":  libbpf.ErrInvalid, // all of its variables are static
		".data.none":    libbpf.ErrNotFound,
		".addr_space.1": libbpf.ErrNotFound,
	} {
		memory, _, err := obj.SectionMemory(name)
		wantErr(t, err, want)
		if memory != nil {
			t.Errorf("%s: memory beside the error", name)
		}
	}
	check(t, obj.Close())
	_, _, err = obj.SectionMemory(".bss.connection_stats")
	wantErr(t, err, libbpf.ErrClosed)
}
