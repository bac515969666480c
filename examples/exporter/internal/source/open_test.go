package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// open opens testdata/shapes.bpf.o with a configuration of one object, which has these lines.
func open(t *testing.T, lines string) (*Opened, error) {
	t.Helper()
	object, err := filepath.Abs("../../testdata/shapes.bpf.o")
	testutil.Check(t, err)
	path := filepath.Join(t.TempDir(), "x.yml")
	testutil.Check(t, os.WriteFile(path, []byte("objects:\n  - file: "+object+"\n"+lines), 0o600))
	conf, err := config.Read(path)
	testutil.Check(t, err)
	return Open(conf.Objects[0], decoder.NewTables(decoder.DefaultPlaces))
}

func metric(lines ...string) string {
	return "    metrics:\n      - name: a_total\n        " + strings.Join(lines, "\n        ") + "\n"
}

// What the object has not is said with its line, and with what it has instead. That takes no privileges.
func TestErrors(t *testing.T) {
	const fields = "there is: count, sum, level, small, ratio, slots, with_sum, example, trace_id, inner"
	for _, c := range []struct{ lines, want string }{
		{metric("type: counter", "map: plian"), `x.yml:6: shapes.bpf.o has no map "plian"; there is: counted, packets, plain, percpu, lru, sizes_only, ring, changing, .rodata, .bss`},
		{metric("type: counter", "map: ring"), `x.yml:6: map "ring" is a ringbuf, which has no elements to export; there is: `},
		{metric("type: counter", "map: sizes_only"), `x.yml:6: map "sizes_only": its definition does not tell the types; write __type(key, ...) and __type(value, ...) instead of sizes`},
		{metric("type: counter", "map: lru"), `x.yml:6: map "lru" is a lru_hash: the kernel removes elements with their counts, so metric "a_total" would lose some; use a hash, or accept it with allow_lru: true`},
		{metric("type: counter", "map: plain", "value: count", "per_cpu: label"), `x.yml:6: map "plain" is a hash, which has no values for each CPU: metric "a_total" can't have the CPU as a label`},
		{metric("type: counter", "map: plain", "value: cuont"), `x.yml:7: the values of map "plain" have no "cuont"; ` + fields},
		{metric("type: counter", "map: plain", "value: inner"), `x.yml:7: "inner" of map "plain" is no number, but a struct of 8 bytes; there is: deep`},
		{metric("type: counter", "map: plain", "value: ratio"), `x.yml:7: "ratio" of map "plain" is a float: only gauges can be`},
		{metric("type: counter", "map: plain", "value: count", "labels:", "  - name: l", "    key: nubmer"), `x.yml:10: the keys of map "plain" have no "nubmer"; there is: number, name, mode, bucket`},
		{metric("type: counter", "map: plain", "value: count", "labels:", "  - name: l", "    key: name", "    decoders:", "      - ksym"), `x.yml:12: decoder ksym reads an integer, and the field is text of 12 bytes`},
		{metric("type: counter", "map: .bss", "value: total", "labels:", "  - name: l", "    key: ."), `x.yml:10: map ".bss" has no key of a known type`},
		{metric("type: histogram", "map: plain", "buckets:", "  type: exp2", "  array: count", "  sum: none"), `x.yml:9: "count" of map "plain" is no array, but an integer of 8 bytes; ` + fields},
		{metric("type: histogram", "map: plain", "buckets:", "  type: exp2", "  array: slots", "  sum: ratio"), `x.yml:10: "ratio" of map "plain" is a float: only gauges can be`},
		{metric("type: histogram", "map: plain", "buckets:", "  type: exp2", "  size: 3", "  key: bucket", "  value: ratio", "  sum: none"), `x.yml:11: "ratio" of map "plain" is a float: only gauges can be`},
		{metric("type: histogram", "map: plain", "buckets:", "  type: fixed", "  array: slots", "  bounds: [1]", "  sum: none"), `x.yml:9: buckets of metric "a_total": there are 1 bounds and 5 buckets: there must be one bucket more, for what is larger`},
		{metric("type: histogram", "map: plain", "buckets:", "  type: exp2", "  array: with_sum", "  sum_at: 2"), `x.yml:8: sum_at is 2, and the last of the 4 elements of "with_sum" is 3`},
		{"    set: {pdi: 1}\n", `x.yml:3: set pdi: `},
		{"    set: {unused: text}\n", `x.yml:3: set unused: `},
		{"    attach: [cuont]\n", `x.yml:3: shapes.bpf.o has no program "cuont"; there is: count, egress, pass`},
		{"    btf: \"\"\n    attach: [count, a, b]\n", `x.yml:4: shapes.bpf.o has no program "a"; there is: count, egress, pass`},
	} {
		opened, err := open(t, c.lines)
		if err == nil {
			opened.Close()
			t.Errorf("no error of\n%s", c.lines)
			continue
		}
		if text := err.Error(); !strings.HasPrefix(text[strings.LastIndex(text, "/x.yml")+1:], c.want) && !strings.Contains(text, "/"+c.want) {
			t.Errorf("of\n%s\ngot  %v\nwant %s", c.lines, err, c.want)
		}
	}
}

// An object is another one if anything of it is other in the kernel, and not if only its metrics are.
func TestIdentity(t *testing.T) {
	identity := func(lines string) string {
		opened, err := open(t, lines)
		testutil.Check(t, err)
		defer opened.Close()
		return opened.Identity
	}
	same := identity(metric("type: counter", "map: plain", "value: count"))
	if identity("") != same {
		t.Error("metrics make another object")
	}
	for _, lines := range []string{"    set: {pid: 7}\n", "    attach: [count]\n", "    pin: /x\n", "    name: other\n"} {
		if identity(lines) == same {
			t.Errorf("%q makes no other object", lines)
		}
	}
}
