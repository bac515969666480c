package maps

import (
	"bufio"
	"fmt"
	"io"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// document is the answer about a map, as JSON, written while it is made: {"schema_version":1,"map":{...},NAME:[...]}.
type document struct {
	w       *bufio.Writer
	mode    *cli.JSON
	written int
}

// begin begins a document about a map. name is the member that has the elements.
func begin(w io.Writer, mode *cli.JSON, of identity, name string) (*document, error) {
	d := &document{w: bufio.NewWriterSize(w, 1<<16), mode: mode}
	about, err := cli.Marshal(of)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(d.w, `{"schema_version":%d,"map":%s,%q:[`, cli.SchemaVersion, about, name)
	return d, nil
}

// add adds an element, which is JSON: the members of an object, without braces. The error is that of writing.
func (d *document) add(members []byte) error {
	if d.mode.Strings {
		members = cli.QuoteLarge(members)
	}
	separator := ",\n{"
	if d.written == 0 {
		separator = "\n{"
	}
	d.written++
	_, _ = d.w.WriteString(separator)
	_, _ = d.w.Write(members)
	return d.w.WriteByte('}') // a bufio.Writer repeats its first error
}

// end ends the document, with why it is not complete.
func (d *document) end(warnings []string) error {
	if d.written > 0 {
		_ = d.w.WriteByte('\n')
	}
	_ = d.w.WriteByte(']')
	if len(warnings) > 0 {
		text, err := cli.Marshal(warnings)
		if err != nil {
			return err
		}
		fmt.Fprintf(d.w, `,"warnings":%s`, text)
	}
	_, _ = d.w.WriteString("}\n")
	return d.w.Flush()
}
