package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/backtrace"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/recording"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// events shows the records of buffers, those that the user wants to see, and writes them to a recording.
type events struct {
	opts     *eventOptions
	out      *output
	streams  []*stream
	began    time.Time
	recorder *recording.Writer // nil if there is none
	traces   *traces           // nil if stacks have no names any more

	shown atomic.Uint64
}

// bind finds the members that the conditions name. Each must be a member of some buffer's records.
func (e *events) bind() error {
	for _, c := range e.opts.filters {
		bound := false
		for _, s := range e.streams {
			test, err := c.Bind(s.typ)
			switch {
			case errors.Is(err, btf.ErrNotFound):
				s.unfiltered = true
			case err != nil:
				return fmt.Errorf("--filter %s: %w", c, err)
			default:
				bound = true
				s.tests = append(s.tests, test)
			}
		}
		if !bound {
			return fmt.Errorf("--filter %s: no record has a member %s%s", c, c.Member, e.members())
		}
	}
	return nil
}

// members lists the members of records, for an error.
func (e *events) members() string {
	var all []string
	for _, s := range e.streams {
		for _, c := range s.typ.Columns() {
			if c.Name != "" && !slices.Contains(all, c.Name) {
				all = append(all, c.Name)
			}
		}
	}
	if len(all) == 0 {
		return "; no type of records is known: --event can tell it"
	}
	return "; they have " + strings.Join(all, ", ")
}

// event takes a record that is seen now. The records of one buffer must come one by one.
func (e *events) event(s *stream, cpu int, record []byte) error {
	var at time.Duration
	if e.opts.window.set() || e.recorder != nil { // the clock costs as much as showing a small record
		at = time.Since(e.began)
	}
	if !e.takes(s, at, record) {
		return nil
	}
	if e.opts.quiet && e.recorder == nil && !e.traces.wantsEvents() {
		return nil
	}
	stacks := e.traces.ofEvent(s, record)
	if e.recorder != nil {
		recorded := recording.Event{Buffer: s.number, CPU: cpu, At: at, Record: record, Stacks: stacksJSON(stacks)}
		if err := e.recorder.Event(recorded); err != nil {
			return fmt.Errorf("--record: %w", err)
		}
	}
	return e.show(s, cpu, record, stacks)
}

// takes counts a record that was seen so long after the beginning, and tells whether the user wants it.
func (e *events) takes(s *stream, at time.Duration, record []byte) bool {
	s.seen.Add(1)
	if !e.opts.window.has(at, e.began) || !s.wants(record) {
		return false
	}
	e.shown.Add(1)
	return true
}

// show shows a record with its stacks.
func (e *events) show(s *stream, cpu int, record []byte, stacks []backtrace.Record) error {
	if e.opts.quiet {
		return nil
	}
	return e.out.event(s, cpu, record, stacks)
}

// wants tells whether a record fulfils all conditions. Records without a member that a condition names do not.
func (s *stream) wants(record []byte) bool {
	if s.unfiltered {
		return false
	}
	for _, test := range s.tests {
		if !test.Match(record) {
			return false
		}
	}
	return true
}

// clock is the time so long after the beginning, before a text, or nothing if it is not wanted.
func (e *events) clock(at time.Duration, wanted bool) string {
	if !wanted {
		return ""
	}
	return e.began.Add(at).Local().Format("15:04:05 ")
}

// flush writes what was collected.
func (e *events) flush() error {
	if e.recorder != nil {
		if err := e.recorder.Flush(); err != nil {
			return fmt.Errorf("--record: %w", err)
		}
	}
	return e.out.flush()
}

// counts says how many events there were.
func (e *events) counts() string {
	seen, shown := uint64(0), e.shown.Load()
	for _, s := range e.streams {
		seen += s.seen.Load()
	}
	text := fmt.Sprintf("%d %s", seen, view.Plural(int(seen), "event", "events"))
	if seen != shown {
		text += fmt.Sprintf(", %d of them shown", shown)
	}
	return text
}

// label makes the lines of several buffers begin with their names.
func (e *events) label() {
	if len(e.streams) < 2 {
		return
	}
	label := 0
	for _, s := range e.streams {
		label = max(label, width(s.name))
	}
	for _, s := range e.streams {
		s.label = label
	}
}
