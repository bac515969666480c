package histogram

import (
	"encoding/binary"
	"os"
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
