package run

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// watchInterval is how often --watch redraws without --interval.
const watchInterval = time.Second

// rates compares counts with those of the time before.
type rates struct {
	at     time.Time
	events []uint64
	costs  map[string]cost
}

// programRate is what a program cost since the last look, as JSON.
type programRate struct {
	Program    string  `json:"program"`
	RunsPerSec float64 `json:"runs_per_second"`
	NSPerRun   float64 `json:"ns_per_run,omitempty"`
	CPU        float64 `json:"cpu_percent"` // of one CPU
}

// bufferRate is how many records a buffer had since the last look, as JSON.
type bufferRate struct {
	Map          string  `json:"map"`
	Events       uint64  `json:"events"`
	EventsPerSec float64 `json:"events_per_second"`
}

// rate is the change since the last look.
type rate struct {
	Watch    int           `json:"watch"`
	Seconds  float64       `json:"seconds"` // since the beginning
	Buffers  []bufferRate  `json:"buffers,omitempty"`
	Programs []programRate `json:"programs,omitempty"`
}

// rate looks at all counts.
func (s *session) rate() rate {
	now := time.Now()
	before := s.rates
	if before.at.IsZero() {
		before.at = s.events.began
	}
	elapsed := now.Sub(before.at).Seconds()
	s.rates = rates{at: now, costs: map[string]cost{}}
	r := rate{Watch: s.dumped + 1, Seconds: now.Sub(s.events.began).Seconds()}
	for i, stream := range s.events.streams {
		seen := stream.seen.Load()
		s.rates.events = append(s.rates.events, seen)
		last := uint64(0)
		if i < len(before.events) {
			last = before.events[i]
		}
		r.Buffers = append(r.Buffers, bufferRate{stream.name, seen, float64(seen-last) / elapsed})
	}
	for _, c := range s.costs() {
		s.rates.costs[c.name] = c
		last := before.costs[c.name]
		runs, spent := c.runs-last.runs, c.time-last.time
		p := programRate{
			Program: c.name, RunsPerSec: float64(runs) / elapsed, CPU: 100 * spent.Seconds() / elapsed,
		}
		if runs > 0 {
			p.NSPerRun = float64(spent.Nanoseconds()) / float64(runs)
		}
		r.Programs = append(r.Programs, p)
	}
	return r
}

// redraw shows rates and maps as they are now.
func (s *session) redraw() error {
	r := s.rate()
	if s.opts.json.On {
		if err := s.out.value(r); err != nil {
			return err
		}
		return s.show()
	}
	var picture strings.Builder
	heading := fmt.Sprintf("%s  %s  %s", s.opts.object, time.Now().Format(time.TimeOnly),
		time.Duration(r.Seconds*float64(time.Second)).Round(time.Second))
	picture.WriteString(s.env.Paint(cli.Bold, cli.Safe(heading)) + "\n")
	if len(r.Programs) > 0 {
		t := &table.Table{Columns: []table.Column{
			{Name: "program"}, {Name: "runs/s", Right: true}, {Name: "ns/run", Right: true}, {Name: "CPU %", Right: true},
		}}
		for _, p := range r.Programs {
			t.Add(p.Program, decimal(p.RunsPerSec), decimal(p.NSPerRun), strconv.FormatFloat(p.CPU, 'f', 2, 64))
		}
		picture.WriteString("\n" + t.Text(s.env, s.env.Width()))
	}
	if len(r.Buffers) > 0 {
		t := &table.Table{Columns: []table.Column{
			{Name: "buffer"}, {Name: "events", Right: true}, {Name: "events/s", Right: true},
		}}
		for _, b := range r.Buffers {
			t.Add(b.Map, strconv.FormatUint(b.Events, 10), decimal(b.EventsPerSec))
		}
		picture.WriteString("\n" + t.Text(s.env, s.env.Width()))
	}
	s.dumped++
	for i, v := range s.dumps {
		content, err := s.read(i, v)
		if err != nil {
			fmt.Fprintf(&picture, "\n%s: %s\n", cli.Safe(v.Name), cli.Safe(cli.OneLine(err.Error())))
			continue
		}
		picture.WriteString("\n" + v.text(s.env, content))
	}
	if err := s.events.flush(); err != nil {
		return err
	}
	return s.screen.Draw(picture.String())
}

func decimal(number float64) string { return strconv.FormatFloat(number, 'f', 0, 64) }

// watched are the maps that --watch shows if --dump names none: all that can be shown.
func watched(open *libbpf.OpenObject) ([]string, error) {
	var names []string
	for m := range open.Maps() {
		t, err := m.Type()
		if err != nil {
			return nil, err
		}
		internal, err := m.IsInternal()
		if err != nil {
			return nil, err
		}
		created, err := m.Autocreate()
		if err != nil {
			return nil, err
		}
		if created && !internal && view.Walkable(t) == nil {
			names = append(names, m.Name())
		}
	}
	return names, nil
}
