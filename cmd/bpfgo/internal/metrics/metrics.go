// Package metrics serves numbers to Prometheus, in its text format.
//
// It writes the format itself, in a page of code: Prometheus's own library brings ten modules, which "go get -tool" would
// add to the go.mod of everyone who uses bpfgo gen.
package metrics

import (
	"bufio"
	"io"
	"math"
	"strconv"
	"strings"
)

// Kinds of families.
const (
	Counter   = "counter"
	Gauge     = "gauge"
	Histogram = "histogram"
	Untyped   = "untyped" // a number of which nobody knows whether it only grows
)

// Family is all samples of one name.
type Family struct {
	Name    string // see Name
	Help    string
	Kind    string
	Samples []Sample
}

// Sample is one number.
type Sample struct {
	Suffix string // behind the name, such as _bucket of a histogram
	Labels []Label
	Value  float64
}

// Label is a name and a value. The value may be any text.
type Label struct{ Name, Value string }

// Name makes a name for a family or a label of texts, which it joins by underscores.
func Name(parts ...string) string {
	name := []byte(strings.Join(parts, "_"))
	for i, c := range name {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			name[i] = '_'
		}
	}
	if len(name) == 0 {
		return "_"
	}
	return string(name)
}

// Text is the value of a label as Prometheus has it: what is not UTF-8 becomes U+FFFD.
func Text(value string) string { return strings.ToValidUTF8(value, "\uFFFD") }

// Write writes families. Those of one name must be one family.
func Write(w io.Writer, families []Family) error {
	out := bufio.NewWriter(w)
	for _, f := range families {
		if len(f.Samples) == 0 {
			continue
		}
		out.WriteString("# HELP " + f.Name + " " + helpEscapes.Replace(f.Help) + "\n")
		out.WriteString("# TYPE " + f.Name + " " + f.Kind + "\n")
		for _, s := range f.Samples {
			out.WriteString(f.Name + s.Suffix)
			before := "{"
			for _, l := range s.Labels {
				out.WriteString(before + l.Name + `="` + labelEscapes.Replace(Text(l.Value)) + `"`)
				before = ","
			}
			if len(s.Labels) > 0 {
				out.WriteByte('}')
			}
			out.WriteString(" " + number(s.Value) + "\n")
		}
	}
	return out.Flush()
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// number is a number as Prometheus reads it.
func number(value float64) string {
	switch {
	case math.IsInf(value, 1):
		return "+Inf"
	case math.IsInf(value, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}
