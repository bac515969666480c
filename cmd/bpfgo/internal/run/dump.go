package run

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
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
			d.Key, _ = types.Type(btf.TypeID(id))
		}
		if id, err := m.ValueTypeID(); err == nil && id != 0 {
			d.Value, _ = types.Type(btf.TypeID(id))
		}
	}
	return d, nil
}

func (s *session) prepareDumps(open *libbpf.OpenObject) error {
	opts := view.Options{PerCPU: s.opts.perCPU, Sort: s.opts.sort, Top: s.opts.top}
	var columns []string
	sorted := false
	names := s.opts.dumps
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
		s.dumps = append(s.dumps, v)
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

func (s *session) showOne(number int, v *view.View) error {
	content, err := s.read(number, v)
	if err != nil {
		return err
	}
	s.out.content(s.env, v, content, s.dumped, s.events.clock(time.Since(s.events.began), s.opts.interval > 0))
	return nil
}

// read reads the content of a map, and records it.
func (s *session) read(number int, v *view.View) (view.Content, error) {
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
		if err := s.events.recorder.Snapshot(recorded(number, s.dumped, at, content)); err != nil {
			return content, err
		}
	}
	v.Arrange(&content)
	return content, nil
}

// content shows the content of a map. number says how often the maps were shown; clock is the time, if it is wanted.
func (o *output) content(env *cli.Env, v *view.View, content view.Content, number int, clock string) {
	if !o.json.On {
		o.paragraph(clock + v.Text(env, content))
		return
	}
	for _, r := range content.Rows {
		line := strconv.AppendInt([]byte(`{"dump":`), int64(number), 10)
		line = append(decode.AppendJSONString(append(line, `,"map":`...), v.Name), ',')
		o.jsonLine(append(v.AppendJSON(line, r), '}'))
	}
}
