package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// SchemaVersion is the version of bpfgo's JSON. It grows when a member changes its meaning or goes away, and not when
// one is added.
const SchemaVersion = 1

// JSON is the flag --json: whether a command writes JSON, and how.
type JSON struct {
	On      bool
	Strings bool // integers that a float64 can't hold are strings
}

// JSONFlag gives a command the flag --json.
func (e *Env) JSONFlag(cmd *cobra.Command, what string) *JSON {
	mode := &JSON{}
	flag := cmd.Flags().VarPF((*jsonFlag)(mode), "json", "", what+"; with --json=strings, integers beyond ±2^53 are strings")
	flag.NoOptDefVal = "true"
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		e.json = mode
		if before != nil {
			return before(cmd, args)
		}
		return nil
	}
	return mode
}

type jsonFlag JSON

func (f *jsonFlag) String() string { return "" }

func (f *jsonFlag) Type() string { return "bool" } // so that the help shows it without a value

func (f *jsonFlag) Set(text string) error {
	if text == "strings" {
		*f = jsonFlag{On: true, Strings: true}
		return nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return errors.New("must be true, false or strings")
	}
	*f = jsonFlag{On: on}
	return nil
}

// Document is the one JSON object that answers a query.
type Document struct {
	Name     string // the member that has the answer, such as "programs"
	Value    any
	Warnings []string // why the answer is not complete
}

// WriteDocument writes a document: {"schema_version": 1, NAME: VALUE, "warnings": [...]}.
func (e *Env) WriteDocument(mode *JSON, d Document) error {
	value, err := Marshal(d.Value)
	if err != nil {
		return err
	}
	name, err := Marshal(d.Name)
	if err != nil {
		return err
	}
	text := strconv.AppendInt([]byte(`{"schema_version":`), SchemaVersion, 10)
	text = append(append(append(append(text, ','), name...), ':'), value...)
	if len(d.Warnings) > 0 {
		warnings, err := Marshal(d.Warnings)
		if err != nil {
			return err
		}
		text = append(append(text, `,"warnings":`...), warnings...)
	}
	text = append(text, '}')
	if mode.Strings {
		text = QuoteLarge(text)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		return err
	}
	indented.WriteByte('\n')
	_, err = e.Stdout.Write(indented.Bytes())
	return err
}

// Answer writes the answer to a query: as a document if the user wants JSON, and else as a text, with the warnings as
// notes behind it.
func (e *Env) Answer(mode *JSON, d Document, text func() string) error {
	if mode.On {
		return e.WriteDocument(mode, d)
	}
	if _, err := io.WriteString(e.Stdout, text()); err != nil {
		return err
	}
	for _, warning := range d.Warnings {
		e.Note("%s", warning)
	}
	return nil
}

// WriteLine writes a value as one line of JSON, as for one record of many.
func (m *JSON) WriteLine(w io.Writer, value any) error {
	text, err := Marshal(value)
	if err != nil {
		return err
	}
	if m.Strings {
		text = QuoteLarge(text)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// Marshal is json.Marshal with other escapes: none for HTML, and all control characters, also those beyond ASCII, which a
// terminal may obey.
func Marshal(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	text := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	if !bytes.ContainsFunc(text, isControl) {
		return text, nil
	}
	var escaped []byte
	for _, r := range string(text) {
		if isControl(r) { // which is within a string
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		} else {
			escaped = utf8.AppendRune(escaped, r)
		}
	}
	return escaped, nil
}

// isControl tells whether JSON needs no escape for a control character.
func isControl(r rune) bool { return 0x7f <= r && r < 0xa0 }

// QuoteLarge makes strings of the integers in a JSON text that a float64 can't hold.
func QuoteLarge(text []byte) []byte {
	var quoted []byte
	inString := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case inString && c == '\\':
			quoted = append(quoted, c)
			i++
			c = text[i]
		case c == '"':
			inString = !inString
		case !inString && (c == '-' || '0' <= c && c <= '9'):
			end := i + 1
			for end < len(text) && bytes.IndexByte([]byte("0123456789+-.eE"), text[end]) >= 0 {
				end++
			}
			number := text[i:end]
			if isLarge(string(number)) {
				quoted = append(append(append(quoted, '"'), number...), '"')
			} else {
				quoted = append(quoted, number...)
			}
			i = end - 1
			continue
		}
		quoted = append(quoted, c)
	}
	return quoted
}

// isLarge tells whether an integer is beyond what each float64 up to it can tell apart.
func isLarge(number string) bool {
	const limit = 1 << 53
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		return n > limit || n < -limit
	}
	_, err := strconv.ParseUint(number, 10, 64)
	return err == nil
}

// writeError writes an error as the last line of JSON.
func (e *Env) writeError(err error, status int) {
	type failure struct {
		Message string `json:"message"`
		Status  int    `json:"status"`
		Errno   string `json:"errno,omitempty"`
	}
	f := failure{Message: OneLine(err.Error()), Status: status}
	var errno unix.Errno
	if errors.As(err, &errno) {
		f.Errno = unix.ErrnoName(errno)
	}
	_ = e.json.WriteLine(e.Stdout, struct {
		SchemaVersion int     `json:"schema_version"`
		Error         failure `json:"error"`
	}{SchemaVersion, f})
}
