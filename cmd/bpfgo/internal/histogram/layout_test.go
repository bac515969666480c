package histogram

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

// types are those of maps in tests: a counter, an array of counters, structs with them.
type types map[string]*decode.Type

func makeTypes(t *testing.T) types {
	t.Helper()
	b := btf.NewBuilder()
	number := b.AddInt("unsigned int", 4, 0)
	char := b.AddInt("char", 1, btf.IntChar)
	slots := b.AddArray(number, number, 4)
	comm := b.AddArray(char, number, 4)
	member := func(name string, typ btf.TypeID, at uint32) btf.Member {
		return btf.Member{Name: name, Type: typ, BitOffset: 8 * at}
	}
	ids := map[string]btf.TypeID{
		"number": number,
		"slots":  slots,
		"hist":   b.AddStruct("hist", 24, member("slots", slots, 0), member("comm", comm, 16), member("sum", number, 20)),
		"other":  b.AddStruct("other", 16, member("ids", slots, 0)),
		"two":    b.AddStruct("two", 32, member("slots", slots, 0), member("buckets", slots, 16)),
		"key":    b.AddStruct("key", 8, member("cpu", number, 0), member("bucket", number, 4)),
		"slot":   b.AddStruct("slot", 4, member("slot", number, 0)),
	}
	made, err := b.BTF()
	testutil.Check(t, err)
	testutil.Check(t, b.Close())
	t.Cleanup(func() { _ = made.Close() })
	all, err := decode.NewTypes(made)
	testutil.Check(t, err)
	found := types{"": nil}
	for name, id := range ids {
		found[name], err = all.Type(id)
		testutil.Check(t, err)
	}
	return found
}

func find(t *testing.T, m view.Map, wanted bool) (*Layout, error) {
	t.Helper()
	m.KeySize, m.ValueSize = max(uint32(m.Key.Size()), 4), uint32(m.Value.Size())
	v, err := view.New(m, view.Options{})
	testutil.Check(t, err)
	return Find(v, Scale{Kind: Log2}, wanted)
}

func TestFind(t *testing.T) {
	typ := makeTypes(t)
	for _, c := range []struct {
		name       string
		kind       libbpf.MapType
		key, value string
		found      bool // by convention
		possible   bool // if it is asked for
	}{
		{"latency_hist", libbpf.MapTypeArray, "number", "number", true, true},
		{"latency_hist", libbpf.MapTypeArray, "", "number", true, true},
		{"hist", libbpf.MapTypePerCPUArray, "number", "number", true, true},
		{"SLOTS", libbpf.MapTypeHash, "number", "number", true, true},
		{"history", libbpf.MapTypeArray, "number", "number", false, true},
		{"x", libbpf.MapTypeArray, "number", "slots", false, true},
		{"x_histogram", libbpf.MapTypeHash, "key", "slots", true, true},
		{"x", libbpf.MapTypeHash, "number", "hist", true, true},
		{"x", libbpf.MapTypeHash, "number", "other", false, true},
		{"x_hist", libbpf.MapTypeHash, "number", "two", false, false},
		{"x", libbpf.MapTypeHash, "key", "number", true, true},
		{"x", libbpf.MapTypeHash, "slot", "number", true, true},
		{"x", libbpf.MapTypeHash, "hist", "number", false, false},
		{"x_hist", libbpf.MapTypeHash, "", "", false, false},
	} {
		m := view.Map{Name: c.name, Type: c.kind, Key: typ[c.key], Value: typ[c.value]}
		for wanted, want := range map[bool]bool{false: c.found, true: c.possible} {
			l, err := find(t, m, wanted)
			if (l != nil) != want || (err != nil) != (wanted && !want) {
				t.Errorf("%+v, wanted %v: %v, %v", c, wanted, l, err)
			}
		}
	}
}

// bytesOf are 32-bit numbers as a map has them.
func bytesOf(numbers ...uint32) []byte {
	var all []byte
	for _, n := range numbers {
		all = binary.NativeEndian.AppendUint32(all, n)
	}
	return all
}

// contentOf is the content of a map with these rows.
func contentOf(rows ...view.Row) view.Content {
	return view.Content{Rows: rows, Entries: len(rows)}
}

func TestHistograms(t *testing.T) {
	typ := makeTypes(t)
	type result struct {
		Label, Key string
		Counts     []uint64
		Beyond     uint64
	}
	for name, c := range map[string]struct {
		m    view.Map
		rows []view.Row
		want []result
	}{
		"keys": {view.Map{Name: "hist", Type: libbpf.MapTypeArray, Key: typ["number"], Value: typ["number"]},
			[]view.Row{{Key: bytesOf(0), Value: bytesOf(5)}, {Key: bytesOf(2), Value: bytesOf(7)},
				{Key: bytesOf(70), Value: bytesOf(3)}},
			[]result{{"", "", []uint64{5, 0, 7}, 3}}},
		"one": {view.Map{Name: "hist", Type: libbpf.MapTypeArray, Key: typ["number"], Value: typ["slots"]},
			[]view.Row{{Key: bytesOf(0), Value: bytesOf(1, 2, 3, 4)}}, []result{{"", "", []uint64{1, 2, 3, 4}, 0}}},
		"several, and one without values": {
			view.Map{Name: "hist", Type: libbpf.MapTypeArray, Key: typ["number"], Value: typ["slots"]},
			[]view.Row{{Key: bytesOf(0), Value: bytesOf(1, 2, 3, 4)}, {Key: bytesOf(1), Value: bytesOf(0, 0, 0, 0)},
				{Key: bytesOf(2), Value: bytesOf(9, 9, 9, 9)}},
			[]result{{"2", `{"key":2}`, []uint64{9, 9, 9, 9}, 0}, {"0", `{"key":0}`, []uint64{1, 2, 3, 4}, 0}}},
		"with a text": {view.Map{Name: "x", Type: libbpf.MapTypeHash, Key: typ["number"], Value: typ["hist"]},
			[]view.Row{{Key: bytesOf(12), Value: append(append(bytesOf(1, 0, 0, 1), "cat\x00"...), bytesOf(99)...)}},
			[]result{{`12 comm=cat`, `{"key":12,"comm":"cat"}`, []uint64{1, 0, 0, 1}, 0}}},
		"slots in keys": {view.Map{Name: "x", Type: libbpf.MapTypeHash, Key: typ["key"], Value: typ["number"]},
			[]view.Row{{Key: bytesOf(1, 0), Value: bytesOf(5)}, {Key: bytesOf(0, 1), Value: bytesOf(1)},
				{Key: bytesOf(1, 1), Value: bytesOf(6)}},
			[]result{{"cpu=1", `{"cpu":1}`, []uint64{5, 6}, 0}, {"cpu=0", `{"cpu":0}`, []uint64{0, 1}, 0}}},
	} {
		l, err := find(t, c.m, false)
		if err != nil || l == nil {
			t.Errorf("%s: %v, %v", name, l, err)
			continue
		}
		var got []result
		for _, h := range l.Histograms(contentOf(c.rows...)) {
			got = append(got, result{h.Label, string(h.Key), h.counts, h.beyond})
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// The last slot of a hash is not the last that programs can count in.
func TestOpenSlot(t *testing.T) {
	typ := makeTypes(t)
	for kind, want := range map[libbpf.MapType]string{libbpf.MapTypeArray: "[4, ...)", libbpf.MapTypeHash: "[4, 8)"} {
		l, err := find(t, view.Map{Name: "hist", Type: kind, Key: typ["number"], Value: typ["number"]}, false)
		testutil.Check(t, err)
		h := l.Histograms(contentOf(view.Row{Key: bytesOf(2), Value: bytesOf(1)}))
		if got := h[0].text(2); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
}

func TestError(t *testing.T) {
	m := view.Map{Name: "x", Type: libbpf.MapTypeHash, Key: makeTypes(t)["hist"], Value: makeTypes(t)["number"]}
	if _, err := find(t, m, true); err == nil || !strings.Contains(err.Error(), Convention) {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"hist": true, "hists": true, "histogram": true, "histograms": true, "slots": true, "buckets": true, "a_hist": true,
		"LATENCY_HIST": true, "ahist": false, "hist_a": false, "history": false, "slot": false, "bucket": false, "": false, "_slots": true,
	} {
		if got := isName(name); got != want {
			t.Errorf("%q is a name: %v", name, got)
		}
	}
	for name, want := range map[string]bool{"slot": true, "bucket": true, "slots": false, "Slot": false, "": false} {
		if got := isSlot(name); got != want {
			t.Errorf("%q is a slot: %v", name, got)
		}
	}
}

// oddTypes are more types of maps.
func oddTypes(t *testing.T) types {
	t.Helper()
	b := btf.NewBuilder()
	number, signed, char := b.AddInt("unsigned int", 4, 0), b.AddInt("int", 4, btf.IntSigned), b.AddInt("char", 1, btf.IntChar)
	array := func(elem btf.TypeID, n uint32) btf.TypeID { return b.AddArray(elem, number, n) }
	member := func(name string, typ btf.TypeID, at uint32) btf.Member {
		return btf.Member{Name: name, Type: typ, BitOffset: 8 * at}
	}
	comm, slots := array(char, 4), array(number, 4)
	empty := b.AddStruct("", 0)
	ids := map[string]btf.TypeID{
		"number": number, "signed": signed, "comm": comm, "slots": slots,
		"one": array(number, 1), "none": array(number, 0), "two": array(number, 2), "texts": array(comm, 2),
		"bytes":        array(b.AddInt("unsigned char", 1, 0), 3),
		"huge":         array(number, maxSlots+4),
		"named":        b.AddStruct("named", 40, member("ids", slots, 0), member("a_hist", slots, 16), member("name", comm, 32), member("n", number, 36)),
		"unnamed":      b.AddStruct("unnamed", 20, member("name", comm, 0), member("ids", slots, 4)),
		"both":         b.AddStruct("both", 32, member("ids", slots, 0), member("others", slots, 16)),
		"single":       b.AddStruct("single", 8, member("slots", array(number, 1), 0), member("n", number, 4)),
		"labels":       b.AddStruct("labels", 24, member("a", comm, 0), member("slots", slots, 4), member("b", comm, 20)),
		"textslot":     b.AddStruct("textslot", 8, member("slot", comm, 0), member("bucket", number, 4)),
		"twoslots":     b.AddStruct("twoslots", 8, member("slot", number, 0), member("bucket", number, 4)),
		"namelessslot": b.AddStruct("namelessslot", 8, member("slot", number, 0), member("", number, 4)),
		"signslot":     b.AddStruct("signslot", 8, member("slot", signed, 0), member("", empty, 4), member("cpu", number, 4)),
	}
	made, err := b.BTF()
	testutil.Check(t, err)
	testutil.Check(t, b.Close())
	t.Cleanup(func() { _ = made.Close() })
	all, err := decode.NewTypes(made)
	testutil.Check(t, err)
	found := types{"": nil}
	for name, id := range ids {
		found[name], err = all.Type(id)
		testutil.Check(t, err)
	}
	return found
}

// Where the counts are, by names and types.
func TestFindOdd(t *testing.T) {
	typ := oddTypes(t)
	for _, c := range []struct {
		name       string
		kind       libbpf.MapType
		key, value string
		found      bool // by convention
		possible   bool // if it is asked for
	}{
		{"hist", libbpf.MapTypeArray, "number", "one", false, false},
		{"hist", libbpf.MapTypeArray, "number", "none", false, false},
		{"hist", libbpf.MapTypeArray, "number", "two", true, true},
		{"hist", libbpf.MapTypeArray, "number", "bytes", true, true},
		{"hist", libbpf.MapTypeArray, "number", "texts", false, false},
		{"hist", libbpf.MapTypeArray, "number", "comm", false, false},
		{"hist", libbpf.MapTypeHash, "comm", "number", false, false},
		{"hist", libbpf.MapTypeHash, "", "number", false, false},
		{"x", libbpf.MapTypeHash, "number", "named", true, true},
		{"x", libbpf.MapTypeHash, "number", "unnamed", false, true},
		{"hist", libbpf.MapTypeHash, "number", "unnamed", true, true},
		{"hist", libbpf.MapTypeHash, "number", "both", false, false},
		{"hist", libbpf.MapTypeHash, "number", "single", false, false},
		{"x", libbpf.MapTypeHash, "textslot", "number", true, true},
		{"x", libbpf.MapTypeHash, "textslot", "comm", false, false},
		{"x", libbpf.MapTypeHash, "twoslots", "number", true, true},
	} {
		m := view.Map{Name: c.name, Type: c.kind, Key: typ[c.key], Value: typ[c.value]}
		for wanted, want := range map[bool]bool{false: c.found, true: c.possible} {
			l, err := find(t, m, wanted)
			if (l != nil) != want || (err != nil) != (wanted && !want) {
				t.Errorf("%+v, wanted %v: %v, %v", c, wanted, l, err)
			}
		}
	}
	if _, err := find(t, view.Map{Name: "hist", Type: libbpf.MapTypeArray}, true); err == nil || !strings.Contains(err.Error(), "not known") {
		t.Errorf("no types: %v", err)
	}
	// The key of an array without BTF is a slot if it has the size of one.
	for size, want := range map[uint32]bool{4: true, 8: false} {
		v, err := view.New(view.Map{Name: "hist", Type: libbpf.MapTypeArray, KeySize: size, ValueSize: 4, Value: typ["number"]}, view.Options{})
		testutil.Check(t, err)
		if l, err := Find(v, Scale{Kind: Log2}, false); err != nil || (l != nil) != want {
			t.Errorf("a key of %d bytes: %v, %v", size, l, err)
		}
	}
}

func TestHistogramsOdd(t *testing.T) {
	typ := oddTypes(t)
	text := func(s string) []byte { return append([]byte(s), make([]byte, 4-len(s))...) }
	join := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	negative := bytesOf(1<<32 - 1)
	for name, c := range map[string]struct {
		m    view.Map
		rows []view.Row
		want string // of each: label, key, counts, and what is beyond
	}{
		"keys without types": {view.Map{Name: "hist", Type: libbpf.MapTypeArray, Value: typ["number"]},
			[]view.Row{{Key: bytesOf(1), Value: bytesOf(5)}}, ` [0 5] 0;`},
		"no slot": {view.Map{Name: "hist", Type: libbpf.MapTypeHash, Key: typ["signed"], Value: typ["number"]},
			[]view.Row{{Key: negative, Value: bytesOf(5)}, {Key: bytesOf(maxSlots + 1), Value: bytesOf(6)}, {Key: bytesOf(1), Value: bytesOf(1)},
				{Key: []byte{1}, Value: bytesOf(20)}}, ` [0 1] 31;`},
		"slots of the value": {view.Map{Name: "x", Type: libbpf.MapTypeHash, Key: typ["number"], Value: typ["named"]},
			[]view.Row{{Key: bytesOf(7), Value: join(bytesOf(9, 9, 9, 9, 1, 2, 3, 4), text("a"), bytesOf(5))}},
			`7 name=a{"key":7,"name":"a"} [1 2 3 4] 0;`},
		"several texts": {view.Map{Name: "x", Type: libbpf.MapTypeArray, Key: typ["number"], Value: typ["labels"]},
			[]view.Row{{Key: bytesOf(0), Value: join(text("x"), bytesOf(1, 0, 0, 0), text("y"))}},
			`0 a=x b=y{"key":0,"a":"x","b":"y"} [1 0 0 0] 0;`},
		"a slot that is a text": {view.Map{Name: "x", Type: libbpf.MapTypeHash, Key: typ["textslot"], Value: typ["number"]},
			[]view.Row{{Key: join(text("a"), bytesOf(2)), Value: bytesOf(3)}}, `slot=a{"slot":"a"} [0 0 3] 0;`},
		"two slots": {view.Map{Name: "x", Type: libbpf.MapTypeHash, Key: typ["twoslots"], Value: typ["number"]},
			[]view.Row{{Key: bytesOf(1, 9), Value: bytesOf(3)}}, `bucket=9{"bucket":9} [0 3] 0;`},
		"by total and label": {view.Map{Name: "x", Type: libbpf.MapTypeHash, Key: typ["twoslots"], Value: typ["number"]},
			[]view.Row{{Key: bytesOf(0, 3), Value: bytesOf(1)}, {Key: bytesOf(0, 2), Value: bytesOf(1)}, {Key: bytesOf(0, 1), Value: bytesOf(2)},
				{Key: bytesOf(0, 4), Value: bytesOf(0)}},
			`bucket=1{"bucket":1} [2] 0;bucket=2{"bucket":2} [1] 0;bucket=3{"bucket":3} [1] 0;`},
		"one element of a hash": {view.Map{Name: "hist", Type: libbpf.MapTypeHash, Key: typ["number"], Value: typ["two"]},
			[]view.Row{{Key: bytesOf(5), Value: bytesOf(1, 2)}}, `5{"key":5} [1 2] 0;`},
		"two elements of an array": {view.Map{Name: "hist", Type: libbpf.MapTypeArray, Key: typ["number"], Value: typ["two"]},
			[]view.Row{{Key: bytesOf(0), Value: bytesOf(1, 2)}, {Key: bytesOf(1), Value: bytesOf(0, 0)}}, `0{"key":0} [1 2] 0;`},
		"a slot and bytes without a name": {view.Map{Name: "x", Type: libbpf.MapTypeHash, Key: typ["namelessslot"], Value: typ["number"]},
			[]view.Row{{Key: bytesOf(1, 5), Value: bytesOf(1)}, {Key: bytesOf(0, 6), Value: bytesOf(2)}}, ` [2 1] 0;`},
		"a slot with a sign": {view.Map{Name: "x", Type: libbpf.MapTypeHash, Key: typ["signslot"], Value: typ["number"]},
			[]view.Row{{Key: join(negative, bytesOf(3)), Value: bytesOf(1)}, {Key: bytesOf(1, 3), Value: bytesOf(2)}}, `cpu=3{"cpu":3} [0 2] 1;`},
	} {
		l, err := find(t, c.m, false)
		if err != nil || l == nil {
			t.Errorf("%s: %v, %v", name, l, err)
			continue
		}
		var got string
		for _, h := range l.Histograms(contentOf(c.rows...)) {
			got += fmt.Sprintf("%s%s %d %d;", h.Label, h.Key, h.counts, h.beyond)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	// No histogram has more slots than can be drawn.
	l, err := find(t, view.Map{Name: "hist", Type: libbpf.MapTypeArray, Key: typ["number"], Value: typ["huge"]}, false)
	testutil.Check(t, err)
	if len(l.slots) != maxSlots {
		t.Errorf("%d slots", len(l.slots))
	}
}
