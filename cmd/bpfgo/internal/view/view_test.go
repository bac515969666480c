package view

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// described is a map with a key and a value of structs, which have a member of one name.
func described(t *testing.T) Map {
	t.Helper()
	b := btf.NewBuilder()
	number := b.AddInt("unsigned char", 1, 0)
	second := func(name string) []btf.Member {
		return []btf.Member{{Name: "a", Type: number}, {Name: name, Type: number, BitOffset: 8}}
	}
	key := b.AddStruct("key", 2, second("k")...)
	value := b.AddStruct("value", 2, second("v")...)
	made, err := b.BTF()
	testutil.Check(t, err)
	testutil.Check(t, b.Close())
	t.Cleanup(func() { _ = made.Close() })
	types, err := decode.NewTypes(made)
	testutil.Check(t, err)
	m := Map{Name: "m\x1b", Type: libbpf.MapTypeHash, KeySize: 2, ValueSize: 2}
	m.Key, err = types.Type(key)
	testutil.Check(t, err)
	m.Value, err = types.Type(value)
	testutil.Check(t, err)
	return m
}

func TestSort(t *testing.T) {
	m := described(t)
	for sort, want := range map[string]string{
		"":            "1111 1222 2133",
		"key:desc":    "2133 1222 1111",
		"key.a:desc":  "2133 1111 1222",
		"k":           "1111 2133 1222",
		"value.a":     "1111 1222 2133",
		"value:desc":  "2133 1222 1111",
		"v:desc":      "2133 1222 1111",
		"value.v:asc": "1111 1222 2133",
	} {
		v, err := New(m, Options{Sort: ParseSort(sort)})
		if err != nil {
			t.Errorf("%s: %v", sort, err)
			continue
		}
		var c Content
		for _, r := range []string{"\x02\x01\x03\x03", "\x01\x01\x01\x01", "\x01\x02\x02\x02"} {
			c.Add(Row{[]byte(r[:2]), []byte(r[2:]), -1})
		}
		v.Arrange(&c)
		var got []string
		for _, r := range c.Rows {
			text := ""
			for _, b := range append(bytes.Clone(r.Key), r.Value...) {
				text += string('0' + b)
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("--sort %s: %s, want %s", sort, got, want)
		}
	}
	_, err := New(m, Options{Sort: ParseSort("a:desc")})
	if cli.Status(err) != cli.StatusUsage || !strings.Contains(err.Error(), "use key.a or value.a") {
		t.Errorf("--sort a: %v", err)
	}
	if _, err := New(m, Options{Sort: ParseSort("b")}); !errors.Is(err, ErrNoColumn) || cli.Status(err) != cli.StatusUsage {
		t.Errorf("--sort b: %v", err)
	}
}

func TestText(t *testing.T) {
	env := cli.Quiet(&bytes.Buffer{}, &bytes.Buffer{})
	v, err := New(described(t), Options{Raw: true, Top: 1})
	testutil.Check(t, err)
	var c Content
	c.Add(Row{[]byte{1, 2}, []byte{3, 4}, -1})
	c.Add(Row{[]byte{0, 2}, []byte{30, 4}, -1})
	v.Arrange(&c)
	want := `m\x1b: hash, 2 entries
a  k   a  v  key bytes  value bytes
0  2  30  4  0002       1e04
... and 1 more
`
	if got := v.Text(env, c); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	line := append(v.AppendJSON([]byte("{"), c.Rows[0]), '}')
	if want := `{"key":{"a":0,"k":2},"value":{"a":30,"v":4},"raw_key":"0002","raw_value":"1e04"}`; string(line) != want ||
		!json.Valid(line) {
		t.Errorf("%s, want %s", line, want)
	}
}

func TestFormats(t *testing.T) {
	key := append(binary.NativeEndian.AppendUint32(nil, 16), 10, 1, 0, 0)
	shorter := append(binary.NativeEndian.AppendUint32(nil, 8), 10, 1, 0, 0)
	m := Map{Type: libbpf.MapTypeLPMTrie, KeySize: 8, ValueSize: 4}
	v, err := New(m, Options{})
	testutil.Check(t, err)
	if order := v.key.Compare(key, shorter); order <= 0 {
		t.Errorf("Compare = %d", order)
	}
	if got := v.Cells(Row{Key: key, Value: []byte{1, 2, 3, 4}}); strings.Join(got, " ") != "10.1.0.0/16 01020304" {
		t.Errorf("%q", got)
	}
	m = Map{
		Type: libbpf.MapTypeProgArray, KeySize: 4, ValueSize: 4,
		ProgramName: func(id uint32) string { return map[uint32]string{0: "zero"}[id] },
	}
	v, err = New(m, Options{})
	testutil.Check(t, err)
	line := string(v.AppendJSON(nil, Row{Key: []byte{0, 0, 0, 0}, Value: []byte{0, 0, 0, 0}}))
	if want := `"key":0,"value":{"program_id":0,"program_name":"zero"}`; line != want {
		t.Errorf("%s, want %s", line, want)
	}
	if got := strings.Join(v.Names(), " "); got != "key program_id program_name" {
		t.Error(got)
	}
	for _, typ := range []libbpf.MapType{libbpf.MapTypeRingBuf, libbpf.MapTypeQueue, libbpf.MapTypeArena} {
		if _, err := New(Map{Type: typ}, Options{}); err == nil || !strings.Contains(err.Error(), typ.String()) {
			t.Errorf("%s: %v", typ, err)
		}
	}
}
