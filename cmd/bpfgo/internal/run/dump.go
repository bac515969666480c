package run

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/backtrace"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/histogram"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// describe is what has to be known of a map of the object to show its content.
func describe(name string, m *libbpf.OpenMap, types *decode.Types) (view.Map, error) {
	t, err := m.Type()
	if err != nil {
		return view.Map{}, err
	}
	if created, err := m.Autocreate(); err != nil {
		return view.Map{}, err
	} else if !created {
		return view.Map{}, fmt.Errorf("--dump %s: the object does not create the map", name)
	}
	d := view.Map{Name: name, Type: t}
	if d.KeySize, err = m.KeySize(); err != nil {
		return view.Map{}, err
	}
	if d.ValueSize, err = m.ValueSize(); err != nil {
		return view.Map{}, err
	}
	if types != nil {
		// If the type is not known, keys and values are shown in hexadecimal.
		if id, err := m.KeyTypeID(); err == nil && id != 0 {
			d.Key, _ = types.Type(id)
		}
		if id, err := m.ValueTypeID(); err == nil && id != 0 {
			d.Value, _ = types.Type(id)
		}
	}
	return d, nil
}

func (s *session) prepareDumps(open *libbpf.OpenObject) error {
	opts := view.Options{PerCPU: s.opts.perCPU, Sort: s.opts.sort, Top: s.opts.top}
	var columns []string
	sorted := false
	names := s.opts.dumped()
	if len(names) == 0 && s.opts.watch {
		var err error
		if names, err = watched(open); err != nil {
			return err
		}
	}
	for _, name := range names {
		m, err := open.Map(name)
		if err != nil {
			return fmt.Errorf("--dump %s: %w", name, s.noMap(open, name))
		}
		described, err := describe(name, m, s.types)
		if err != nil {
			return err
		}
		v, err := view.New(described, opts)
		if errors.Is(err, view.ErrNoColumn) { // another one may have it
			without := opts
			without.Sort.Column = ""
			v, err = view.New(described, without)
		} else if err == nil {
			sorted = true
		}
		if err != nil {
			return fmt.Errorf("--dump %s: %w", name, err)
		}
		d, err := s.newDump(v, m)
		if err != nil {
			return fmt.Errorf("map %s: %w", name, err)
		}
		s.dumps = append(s.dumps, d)
		columns = append(columns, v.Names()...)
	}
	if s.opts.sort.Column != "" && !sorted {
		return fmt.Errorf("--sort %s: %w; the columns are %s", s.opts.sort.Column, view.ErrNoColumn,
			strings.Join(columns, ", "))
	}
	return nil
}

// show reads the maps that --dump names, and shows them.
func (s *session) show() error {
	var failed error
	s.dumped++
	for i, v := range s.dumps {
		if err := s.showOne(i, v); err != nil && failed == nil {
			failed = fmt.Errorf("--dump %s: %w", v.Name, err)
		}
	}
	if err := s.events.flush(); failed == nil {
		failed = err
	}
	return failed
}

func (s *session) showOne(number int, d *dump) error {
	content, err := s.read(number, d)
	if err != nil {
		return err
	}
	s.out.content(s.env, d, content, s.dumped, s.events.clock(time.Since(s.events.began), s.opts.interval > 0))
	return nil
}

// read reads the content of a map, all of it and in no order, and records it.
func (s *session) read(number int, v *dump) (view.Content, error) {
	var content view.Content
	m, err := s.obj.Map(v.Name)
	if err != nil {
		return content, err
	}
	err = v.Rows(m, func(r view.Row) error {
		content.Add(r)
		return nil
	})
	if err != nil {
		return content, err
	}
	if s.events.recorder != nil {
		at := time.Since(s.events.began)
		if err := s.events.recorder.Snapshot(v.snapshot(number, s.dumped, at, content)); err != nil {
			return content, err
		}
	}
	return content, nil
}

// dump is a map, and how to show it.
type dump struct {
	*view.View
	hist    *histogram.Layout // nil if the map has no histograms
	keys    *backtrace.Binding
	values  *backtrace.Binding
	traces  *traces
	entries uint32 // that a hash has room for, 0 for others

	recorded map[row][]backtrace.Record // the stacks of a replay; nil if there are none
}

// newDump prepares to show a map of the object.
func (s *session) newDump(v *view.View, m *libbpf.OpenMap) (*dump, error) {
	d := &dump{View: v, traces: &s.traces}
	var err error
	if d.hist, err = s.opts.hists.layout(v); err != nil {
		return nil, err
	}
	if d.keys, err = s.traces.finder.Find(v.Key); err != nil {
		return nil, err
	}
	if d.values, err = s.traces.finder.Find(v.Value); err != nil {
		return nil, err
	}
	if v.Type == libbpf.MapTypeHash || v.Type == libbpf.MapTypePerCPUHash {
		if d.entries, err = m.MaxEntries(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// full tells, in a note, that a map has no room: what programs would have added is not there.
func (d *dump) full(content view.Content) string {
	if d.entries == 0 || content.Entries < int(d.entries) {
		return ""
	}
	return fmt.Sprintf("%s is full: it lacks what came after its %d entries", d.Name, d.entries)
}

// stacks are the stacks in a row.
func (d *dump) stacks(r view.Row) []backtrace.Record {
	if d.recorded != nil {
		return d.recorded[rowOf(r)]
	}
	var all []backtrace.Trace
	if d.keys != nil {
		all = d.keys.Traces(d.traces.symbols, r.Key, d.traces.pid)
	}
	if d.values != nil {
		pid := d.traces.pid
		if d.keys != nil {
			pid = cmp.Or(d.keys.PID(r.Key), pid)
		}
		all = append(all, d.values.Traces(d.traces.symbols, r.Value, pid)...)
	}
	return backtrace.Records(all)
}

// row names a row of a map.
type row struct {
	key string
	cpu int
}

func rowOf(r view.Row) row { return row{string(r.Key), r.CPU} }

// hasStacks tells whether rows can have stacks.
func (d *dump) hasStacks() bool { return d.keys != nil || d.values != nil || d.recorded != nil }

// text shows the content as text.
func (d *dump) text(env *cli.Env, content view.Content) string {
	full := d.full(content)
	if full != "" {
		full = cli.Safe(full) + "\n"
	}
	if d.hist != nil {
		return cli.Safe(d.Heading(content.Entries)) + "\n" + d.histograms(env, content) + full
	}
	d.Arrange(&content)
	text := d.Text(env, content)
	if !d.hasStacks() {
		return text
	}
	// The heading of the map and that of the columns, then the rows.
	var with []byte
	number := 0
	for line := range strings.Lines(text) {
		with = append(with, line...)
		if row := number - 2; row >= 0 && row < len(content.Rows) {
			with = backtrace.AppendText(with, d.stacks(content.Rows[row]))
		}
		number++
	}
	return string(with) + full
}

// histograms draws the histograms of the map.
func (d *dump) histograms(env *cli.Env, content view.Content) string {
	all := d.hist.Histograms(content)
	var text strings.Builder
	shown := all
	if top := d.Rank(); top > 0 {
		shown = all[:min(len(all), top)]
	}
	for _, h := range shown {
		text.WriteString("\n" + h.Text(env, env.Width()))
	}
	if left := len(all) - len(shown); left > 0 {
		fmt.Fprintf(&text, "... and %d more\n", left)
	}
	return text.String()
}

// content shows the content of a map. number says how often the maps were shown; clock is the time, if it is wanted.
func (o *output) content(env *cli.Env, d *dump, content view.Content, number int, clock string) {
	if !o.json.On {
		o.paragraph(clock + d.text(env, content))
		return
	}
	begin := func() []byte {
		line := strconv.AppendInt([]byte(`{"dump":`), int64(number), 10)
		return append(decode.AppendJSONString(append(line, `,"map":`...), d.Name), ',')
	}
	full := []byte{}
	if d.full(content) != "" {
		full = []byte(`,"full":true`)
	}
	if d.hist != nil {
		for _, h := range d.hist.Histograms(content) {
			line := begin()
			if h.Key != nil {
				line = append(append(append(line, `"of":`...), h.Key...), ',')
			}
			line = appendJSON(append(line, `"histogram":`...), h.Record())
			o.jsonLine(append(append(line, full...), '}'))
		}
		return
	}
	d.Arrange(&content)
	for _, r := range content.Rows {
		line := d.AppendJSON(begin(), r)
		if stacks := d.stacks(r); len(stacks) > 0 {
			line = appendJSON(append(line, `,"stacks":`...), stacks)
		}
		o.jsonLine(append(line, '}'))
	}
}

// appendJSON appends a value, which has nothing that JSON can't hold.
func appendJSON(dst []byte, value any) []byte {
	text, err := cli.Marshal(value)
	if err != nil {
		return append(dst, "null"...)
	}
	return append(dst, text...)
}
