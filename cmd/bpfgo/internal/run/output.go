package run

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/backtrace"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/filter"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// output writes events and maps to standard output, as text or as JSON lines. It is safe for concurrent use.
type output struct {
	json *cli.JSON

	mu    sync.Mutex
	w     *bufio.Writer
	line  []byte
	err   error // the first error of writing
	began bool
}

func newOutput(w io.Writer, json *cli.JSON) *output {
	return &output{json: json, w: bufio.NewWriterSize(w, 1<<16)}
}

func (o *output) write(text []byte) {
	o.began = true
	if o.json.Strings {
		text = cli.QuoteLarge(text)
	}
	if _, err := o.w.Write(text); err != nil && o.err == nil {
		o.err = err
	}
}

// flush writes what was collected. It returns the first error that writing ever had.
func (o *output) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.w.Flush(); err != nil && o.err == nil {
		o.err = err
	}
	return o.err
}

// stream is a ring buffer or perf buffer, and how to show its events.
type stream struct {
	name    string
	typ     *decode.Type // nil if it is not known
	perf    bool
	label   int // the width of the longest name of a stream; 0 for a single stream
	columns []decode.Column

	number     int // in the recording
	seen       atomic.Uint64
	tests      []*filter.Test
	unfiltered bool // a condition names a member that its records don't have
	stacks     *backtrace.Binding
}

// event shows one event. cpu is only used for perf buffers.
func (o *output) event(s *stream, cpu int, data []byte, stacks []backtrace.Record) error {
	fit := s.typ.Fit(data)
	if s.perf && len(fit.Extra) < 8 && len(bytes.Trim(fit.Extra, "\x00")) == 0 {
		// The kernel pads the records of a perf buffer to a multiple of 8 bytes.
		fit.Extra = nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.json.On {
		o.line = s.appendJSON(o.line[:0], cpu, data, fit)
		if len(stacks) > 0 {
			o.line = appendJSON(append(o.line, `,"stacks":`...), stacks)
		}
		o.line = append(o.line, "}\n"...)
	} else {
		o.line = s.appendText(o.line[:0], cpu, data, fit)
		o.line = backtrace.AppendText(o.line, stacks)
	}
	o.write(o.line)
	return o.err
}

func (s *stream) appendJSON(dst []byte, cpu int, data []byte, fit decode.Fit) []byte {
	dst = decode.AppendJSONString(append(dst, `{"map":`...), s.name)
	if s.typ != nil {
		dst = decode.AppendJSONString(append(dst, `,"type":`...), s.typ.Name())
	}
	if s.perf {
		dst = strconv.AppendInt(append(dst, `,"cpu":`...), int64(cpu), 10)
	}
	dst = s.typ.AppendJSON(append(dst, `,"data":`...), data)
	return view.AppendFitJSON(dst, fit)
}

func (s *stream) appendText(dst []byte, cpu int, data []byte, fit decode.Fit) []byte {
	var cells []string
	if s.perf {
		cells = append(cells, strconv.Itoa(cpu))
	}
	cells = append(cells, s.typ.Cells(data)...)
	cells = append(cells, fitText(s.typ, data, fit)...)
	if s.columns == nil {
		s.columns = s.makeColumns()
		if s.typ != nil {
			dst = s.appendLabel(dst)
			dst = appendRow(dst, names(s.columns), s.columns)
		}
	}
	return appendRow(s.appendLabel(dst), cells, s.columns)
}

func (s *stream) makeColumns() []decode.Column {
	var columns []decode.Column
	if s.perf {
		columns = append(columns, decode.Column{Name: "cpu", Width: 3, Right: true})
	}
	for _, c := range s.typ.Columns() {
		if c.Name == "" {
			c.Name = s.typ.Name()
		}
		columns = append(columns, c)
	}
	for i := range columns {
		columns[i].Width = max(columns[i].Width, width(columns[i].Name))
	}
	return columns
}

func (s *stream) appendLabel(dst []byte) []byte {
	if s.label == 0 {
		return dst
	}
	return fmt.Appendf(dst, "%-*s  ", s.label, cli.Safe(s.name))
}

// fitText is what a line adds if the data and the type do not have the same size.
func fitText(typ *decode.Type, data []byte, fit decode.Fit) []string {
	switch {
	case fit.Truncated:
		return []string{fmt.Sprintf("(%d of %d bytes)", len(data), typ.Size())}
	case len(fit.Extra) > 0:
		return []string{"+" + decode.Hex(fit.Extra)}
	}
	return nil
}

func names(columns []decode.Column) []string {
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

// maxWidth is the width up to which a column grows with its cells.
const maxWidth = 40

func width(cell string) int { return utf8.RuneCountInString(cell) }

// appendRow appends a line of cells in columns, and widens the columns as needed. Cells without a column follow.
func appendRow(dst []byte, cells []string, columns []decode.Column) []byte {
	for i, cell := range cells {
		cell = cli.Safe(cell) // members and enumerators have the names that the object gives them
		if i > 0 {
			dst = append(dst, "  "...)
		}
		var c decode.Column
		if i < len(columns) {
			columns[i].Width = max(columns[i].Width, min(width(cell), maxWidth))
			c = columns[i]
		}
		padding := max(0, c.Width-width(cell))
		if c.Right {
			dst = append(append(dst, strings.Repeat(" ", padding)...), cell...)
		} else {
			dst = append(append(dst, cell...), strings.Repeat(" ", padding)...)
		}
	}
	return append(bytes.TrimRight(dst, " "), '\n')
}

// paragraph shows a text of several lines, apart from what is before it.
func (o *output) paragraph(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.began {
		text = "\n" + text
	}
	o.write([]byte(text))
}

// jsonLine writes a line.
func (o *output) jsonLine(line []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.write(append(line, '\n'))
}

// value writes a value as a line of JSON.
func (o *output) value(value any) error {
	line, err := cli.Marshal(value)
	if err != nil {
		return err
	}
	o.jsonLine(line)
	return nil
}
