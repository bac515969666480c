package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"
)

// outcome is all that a run of bench has measured. With -json it is written to a file, which render and check read.
type outcome struct {
	Machine machine `json:"machine"`
	Tables  []table `json:"tables"`
}

// table is what one comparison has measured. Its first row is C's.
type table struct {
	Group  string `json:"group"` // what it is about, in a word: a chart shows all of a group
	Title  string `json:"title"`
	Rounds int    `json:"rounds"`
	Rows   []row  `json:"rows"`
	// Curve is the title of the curve that the table is a point of, and At is where.
	Curve string  `json:"curve,omitempty"`
	At    float64 `json:"at,omitempty"`
}

// row is what a contender needed.
type row struct {
	Name    string   `json:"name"`
	Metrics []metric `json:"metrics"`
}

// metric is one thing that was measured in each round, of one operation. The ratios are of two contenders in the same
// round.
type metric struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit,omitempty"`
	Value spread  `json:"value"`
	ToC   *spread `json:"toC,omitempty"`
	MostC float64 `json:"mostC,omitempty"` // the goal; 0: there is none

	Peer     string  `json:"peer,omitempty"`
	ToPeer   *spread `json:"toPeer,omitempty"`
	MostPeer float64 `json:"mostPeer,omitempty"`
}

func (m *metric) compareToC(ratios []float64, most float64) {
	s := spreadOf(ratios)
	m.ToC, m.MostC = &s, most
}

func (m *metric) compareToPeer(peer string, ratios []float64, most float64) {
	s := spreadOf(ratios)
	m.Peer, m.ToPeer, m.MostPeer = peer, &s, most
}

// spread is the median of rounds, with the quartiles as a measure of the noise.
type spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

func spreadOf(values []float64) spread {
	return spread{quantile(values, 0.5), quantile(values, 0.25), quantile(values, 0.75)}
}

// exactly is a value that is the same in each round.
func exactly(v float64) spread { return spread{v, v, v} }

// quantile of values, which it sorts a copy of.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

// ratios of the same rounds. Where both are 0, they are the same.
func ratios(of, to []float64) []float64 {
	all := make([]float64, len(of))
	for i := range of {
		if all[i] = of[i] / to[i]; of[i] == to[i] {
			all[i] = 1
		}
	}
	return all
}

// print prints the table.
func (t *table) print(w io.Writer) error {
	fmt.Fprintf(w, "\n%s (%d rounds)\n", t.Title, t.Rounds)
	lines := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	for i, r := range t.Rows {
		if i == 0 {
			t.printHeader(lines)
		}
		fmt.Fprint(lines, r.Name, "\t")
		for column, m := range r.Metrics {
			fmt.Fprint(lines, m.value(), "\t")
			if t.hasC(column) {
				fmt.Fprint(lines, m.ToC.String(), "\t", goal(m.ToC, m.MostC), "\t")
			}
			if t.hasPeer(column) {
				fmt.Fprint(lines, m.ToPeer.String(), "\t", goal(m.ToPeer, m.MostPeer), "\t")
			}
		}
		fmt.Fprintln(lines)
	}
	return lines.Flush()
}

func (t *table) printHeader(w io.Writer) {
	fmt.Fprint(w, "\t")
	for column, m := range t.Rows[0].Metrics {
		fmt.Fprint(w, m.Name, " ", m.Unit, "\t")
		if t.hasC(column) {
			fmt.Fprint(w, "x C\tgoal\t")
		}
		if t.hasPeer(column) {
			fmt.Fprint(w, "x peer\tgoal\t")
		}
	}
	fmt.Fprintln(w)
}

// hasC and hasPeer report whether any row has such a ratio of a metric.
func (t *table) hasC(column int) bool {
	return slices.ContainsFunc(t.Rows, func(r row) bool { return r.Metrics[column].ToC != nil })
}

func (t *table) hasPeer(column int) bool {
	return slices.ContainsFunc(t.Rows, func(r row) bool { return r.Metrics[column].ToPeer != nil })
}

func (m *metric) value() string {
	if m.Unit == "" {
		return strconv.FormatFloat(math.Round(m.Value.Median*1000)/1000, 'g', -1, 64)
	}
	return number(m.Value.Median)
}

// String is such as "1.02 (0.98-1.10)".
func (s *spread) String() string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s-%s)", number(s.Median), number(s.Low), number(s.High))
}

// goal is the most that a ratio should be, with a mark where it is more.
func goal(ratio *spread, most float64) string {
	switch {
	case ratio == nil || most == 0:
		return ""
	case ratio.Median > most:
		return "> " + number(most)
	default:
		return number(most)
	}
}

// number has three digits, or those before the point.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// count is such as "10,000".
func count(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

func readOutcome(path string) (*outcome, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var o outcome
	return &o, json.Unmarshal(text, &o)
}

func (o *outcome) write(path string) error {
	text, err := json.MarshalIndent(o, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
