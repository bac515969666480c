package config

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// one is a configuration with one metric, which has these lines.
func one(lines ...string) string {
	return "objects:\n  - file: a.bpf.o\n    metrics:\n      - name: a_total\n        " + strings.Join(lines, "\n        ") + "\n"
}

// What is wrong is said with its line and with what there is instead.
func TestErrors(t *testing.T) {
	histogram := []string{"type: histogram", "map: m", "buckets:"}
	buckets := func(lines ...string) string {
		var all []string
		for _, line := range lines {
			all = append(all, "  "+line)
		}
		return one(append(append([]string(nil), histogram...), all...)...)
	}
	decoder := func(lines ...string) string {
		all := []string{"type: counter", "map: m", "labels:", "  - name: l", "    key: k", "    decoders:"}
		for _, line := range lines {
			all = append(all, "      "+line)
		}
		return one(all...)
	}
	for _, c := range []struct{ text, want string }{
		{"", "x.yml:1: the file is empty"},
		{"a: [", "x.yml:1: no YAML: did not find expected node content"},
		{"[]", "x.yml:1: the configuration must have settings (deadline, interval, max_series, objects, strict), and is a list"},
		{"interval: 10s", "x.yml:1: the configuration has no objects"},
		{"interval: 10", `x.yml:1: interval must be a time such as 10s, and is "10"`},
		{"objects: 3", `x.yml:1: objects must be a list, and is "3"`},
		{"objcts: []", `x.yml:1: the configuration has no setting "objcts"; there is: deadline, interval, max_series, objects, strict`},
		{"strict: yes please", `x.yml:1: strict must be true or false, and is "yes please"`},
		{"max_series: 0", `x.yml:1: max_series must be a number from 1 on, and is "0"`},
		{"strict: true\nstrict: true", `x.yml:2: the configuration has "strict" twice, the first time on line 1`},
		{"objects:\n  - name: a", "x.yml:2: an object needs a file"},
		{"objects:\n  - file: a\n    attach: [{cgroup: /x}]", "x.yml:3: attach needs a program"},
		{"objects:\n  - file: a\n    attach: [{program: p, cgroup: /x, interface: y}]", "x.yml:3: a program attaches to a cgroup or to an interface"},
		{"objects:\n  - file: a.o\n  - file: b/a.o", `x.yml:3: object "a" is on line 2, too`},
		{"objects:\n  - file: a\n    set: 3", `x.yml:3: set must have names of variables and their values, and is "3"`},
		{"strict: ~\nobjects: []", "x.yml:1: strict must be a single value, and is empty"},
		{"interval: 1ns", "x.yml:1: interval must be 10ms at least, and is 1ns"},
		{"objects: [{file: a}]\n---\nobjects: []", "x.yml:2: the file has a second document: there must be one"},
		{"objects:\n  - file: a\n    set: {a: ~}", "x.yml:3: the value of a must be a single value, and is empty"},
		{"objects:\n  - file: a\n    set: {a: 1, a: 2}", `x.yml:3: set has "a" twice`},
		{"objects:\n  - {file: a, pin: /x}\n  - {file: b, pin: /x/}", `x.yml:3: object "b" pins its maps to /x/, as that on line 2 does: each needs a folder`},
		{"objects:\n  - file: a\n    attach: []", "x.yml:3: attach is an empty list: leave it out to attach all programs"},
		{"objects:\n  - file: a\n    attach: [a, {program: a, cgroup: b}, a]", `x.yml:3: program "a" is attached there on line 3, too`},
		{one("type: counter", "map: m", "vlaue: x"), `x.yml:7: a metric has no setting "vlaue"; there is: allow_lru, buckets, combine, exemplar, help, labels, map, max_series, name, per_cpu, scale, skip_zero, type, value`},
		{one("type: count"), `x.yml:5: type can't be "count"; there is: counter, gauge, histogram`},
		{one("map: m"), `x.yml:4: metric "a_total" needs a type: counter, gauge or histogram`},
		{one("type: counter"), `x.yml:4: metric "a_total" needs a map`},
		{one("type: counter", "map: m", "scale: -1"), `x.yml:7: scale must be a positive factor, such as 1e-9 or 2^-20, and is "-1"`},
		{one("type: counter", "map: m", "combine: max"), `x.yml:4: metric "a_total" is a counter: only gauges are combined in other ways than by their sum`},
		{one("type: histogram", "map: m"), `x.yml:4: metric "a_total" is a histogram: it needs buckets`},
		{one("type: gauge", "map: m", "buckets: {type: exp2, array: a, sum: none}"), `x.yml:4: metric "a_total" is a gauge: only histograms have buckets`},
		{one("type: gauge", "map: m", "exemplar: {value: a, labels: [{name: a, value: b}]}"), `x.yml:4: metric "a_total" is a gauge: only counters and histograms have exemplars`},
		{one("type: counter", "map: m", "labels: [{name: le, key: a}]"), `x.yml:7: a label needs a name of letters, digits and underscores, not le, quantile; "le" is none`},
		{one("type: counter", "map: m", "labels: [{name: a, key: a, value: b}]"), `x.yml:7: label "a" needs a field: key or value`},
		{one("type: counter", "map: m", "labels: [{name: a, key: a}, {name: a, key: b}]"), `x.yml:7: metric "a_total" has label "a" twice`},
		{one("type: counter", "map: m", "per_cpu: label", "labels: [{name: cpu, key: a}]"), `x.yml:8: metric "a_total" has label "cpu" twice`},
		{strings.ReplaceAll(one("type: counter", "map: m"), "a_total", "a"), `x.yml:4: metric "a" is a counter: its name must end with _total`},
		{strings.ReplaceAll(one("type: counter", "map: m"), "a_total", "bpf_exporter_x_total"), `x.yml:4: metric "bpf_exporter_x_total": names with bpf_exporter_ are those of the exporter itself`},
		{strings.ReplaceAll(one("type: gauge", "map: m"), "a_total", "go_goroutines"), `x.yml:4: metric "go_goroutines": names with go_, process_, promhttp_ are those of Prometheus' library`},
		{one("type: counter", "map: m") + "      - {name: a, type: gauge, map: m}", `x.yml:7: metric "a" has lines named a, as "a_total" on line 4 has`},
		{strings.ReplaceAll(one("type: histogram", "map: m", "buckets: {type: exp2, array: a, sum: none}"), "a_total", "h") + "      - {name: h_count, type: gauge, map: m}", `x.yml:8: metric "h_count" has lines named h_count, as "h" on line 4 has`},
		{decoder("- static_map: {values: {a: b, a: c}}"), `x.yml:11: values have "a" twice`},
		{decoder("- static_map: {values: {a: [b], c: d}}"), "x.yml:11: what a becomes must be a single value, and is a list"},
		{decoder("- ksyms"), `x.yml:11: there is no decoder "ksyms"; there is: cgroup, device, errno, hex, ifname, int, ip, ksym, pod, regexp, static_map, string, syscall`},
		{decoder("- static_map"), "x.yml:11: decoder static_map needs values"},
		{decoder("- regexp: {match: '('}"), "x.yml:11: decoder regexp: error parsing regexp: missing closing ): `(`"},
		{decoder("- ksym: {otherwise: x}"), `x.yml:11: decoder ksym has no setting "otherwise"; there is no setting`},
		{decoder("- cgroup: {otherwise: x, drop: true}"), "x.yml:11: decoder cgroup has drop and otherwise: one of them"},
		{buckets("array: a", "sum: none"), "x.yml:8: buckets need a type: exp2, exp2_zero, linear or fixed"},
		{buckets("type: exp2", "sum: none"), "x.yml:8: buckets need one of array, the field of the value that has the counts, and key, the field of the key that has the bucket's number"},
		{buckets("type: exp2", "array: a"), "x.yml:8: buckets need one of sum, the field of the value that has the sum or none, and sum_at, the number of the bucket that has it"},
		{buckets("type: exp2", "key: k", "sum: none"), "x.yml:8: buckets by key need a size: how many there are"},
		{buckets("type: exp2", "key: k", "size: 8", "sum_at: 3"), "x.yml:8: sum_at is 3, which is one of the 8 buckets: the sum must be behind them"},
		{buckets("type: fixed", "key: k", "bounds: [1, 2]", "sum_at: 2"), "x.yml:8: sum_at is 2, which is one of the 3 buckets: the sum must be behind them"},
		{buckets("type: linear", "array: a", "sum: none"), "x.yml:8: linear buckets need a width"},
		{buckets("type: fixed", "array: a", "sum: none"), "x.yml:8: fixed buckets need bounds"},
		{buckets("type: fixed", "array: a", "sum: none", "bounds: [2, 1]"), "x.yml:8: bounds must ascend"},
		{buckets("type: linear", "array: a", "sum: none", "width: 1", "native: true"), "x.yml:8: native histograms have buckets of powers of two: exp2 or exp2_zero"},
		{one("type: histogram", "map: m", "scale: 1e-9", "buckets: {type: exp2, array: a, sum: none, native: true}"), `x.yml:4: metric "a_total": the buckets of native histograms are powers of two, so the scale must be one, such as 2^-20`},
	} {
		_, err := parse("x.yml", []byte(c.text))
		if err == nil || err.Error() != c.want {
			t.Errorf("of\n%s\ngot  %v\nwant %s", c.text, err, c.want)
		}
		var at *Error
		if err != nil && !errors.As(err, &at) {
			t.Errorf("%v has no place", err)
		}
	}
}

// All that is wrong is said at once.
func TestAllErrors(t *testing.T) {
	_, err := parse("x.yml", []byte("interval: 1\ndeadline: 2\nobjects: [{}]\n"))
	if err == nil || len(strings.Split(err.Error(), "\n")) != 3 {
		t.Error(err)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.yml")
	testutil.Check(t, os.WriteFile(path, []byte(`
interval: 1m
strict: FALSE
objects:
  - file: sub/a.bpf.o
    set: {i: -3, u: 18446744073709551615, f: 1.5, b: true, s: text, t: True, inf: .inf, hex: 0x1F, mine: !!str 5}
    attach: [one, {program: two, interface: lo}]
    metrics:
      - {name: a_total, type: counter, map: m, scale: 2^-20, max_series: 7}
      - {name: b, type: gauge, map: m, value: x.y}
`), 0o600))
	c, err := Read(path)
	testutil.Check(t, err)
	o := c.Objects[0]
	if c.Interval != time.Minute || c.Deadline != 5*time.Second || c.Strict || o.Name != "a" || o.File.Text != dir+"/sub/a.bpf.o" {
		t.Errorf("%+v %+v", c, o)
	}
	for i, want := range []any{int64(-3), uint64(1<<64 - 1), 1.5, true, "text", true, math.Inf(1), int64(31), "5"} {
		if o.Set[i].Value != want {
			t.Errorf("%s is %v, not %v", o.Set[i].Name, o.Set[i].Value, want)
		}
	}
	if len(o.Attach) != 2 || o.Attach[0].Program.Text != "one" || o.Attach[1].Interface != "lo" {
		t.Errorf("%+v", o.Attach)
	}
	a, b := o.Metrics[0], o.Metrics[1]
	if a.Scale != (Scale{1.0 / (1 << 20), -20, true}) || a.MaxSeries != 7 || a.Value.Text != "." {
		t.Errorf("%+v", a)
	}
	if b.MaxSeries != 10000 || b.Value.Text != "x.y" || b.Value.Line != 10 {
		t.Errorf("%+v", b)
	}
	if _, err := Read(filepath.Join(dir, "none.yml")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
