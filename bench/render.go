package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// groups are the parts of docs/benchmarks.md.
var groups = []struct{ name, title, metric, text string }{
	{"maps", "Maps", "time", "Time for one element. \"C bpf_map_lookup_elem\" and the like are a loop in C around the function."},
	{"map types", "Types of maps", "time", "Time for one element."},
	{"buffers", "Ring and perf buffers", "time", "Time for one record of a buffer that is full of them."},
	{"live", "Live", "CPU time", "One process writes at a fixed rate, and another one reads. CPU time, the producer's system calls and latencies\n" +
		"are for one record; sleeps and losses for 1,000."},
	{"objects", "Objects", "time", "Time to open one object, or to open and load it, and to close it again."},
	{"memory", "Memory", "memory", "The most memory that a process needs."},
	{"tools", "Tools", "time", "A whole tool: its first record, its size, and what makes it."},
	{"attach", "Attaching", "time", "Time to attach one probe and to detach it again."},
	{"types", "Types", "time", "Work on the types of the running kernel (BTF)."},
}

// growth is the group of tables that are points of curves.
const growth = "growth"

const introduction = `# Benchmarks

What libbpf-go costs beside C's libbpf and other libraries for Go. ` + "`make bench`" + ` measures all contenders in turns and on the
same maps. ` + "`make bench-docs`" + ` writes this page from bench/results.json, and ` + "`make bench-check`" + ` compares a new run with it.

Ratios are medians over the rounds of what two took in the same round, with the quartiles in brackets: "x C" is the ratio
to C, "x peer" that to cilium/ebpf's way. Ratios hold on other machines; times do not. libbpf-rs is not measured: its
crates could not be had where this was made. The machine:

`

// render writes benchmarks.md and its charts.
func render(results, folder string) error {
	o, err := readOutcome(results)
	if err != nil {
		return err
	}
	charts := filepath.Join(folder, "benchmarks")
	if err := os.MkdirAll(charts, 0o755); err != nil {
		return err
	}
	var doc bytes.Buffer
	doc.WriteString(introduction)
	for line := range strings.Lines(o.Machine.String()) {
		fmt.Fprint(&doc, "    ", line)
	}
	fmt.Fprintln(&doc)
	if err := renderGroups(&doc, o, charts); err != nil {
		return err
	}
	if err := renderCurves(&doc, o, charts); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "benchmarks.md"), doc.Bytes(), 0o644)
}

func renderGroups(doc *bytes.Buffer, o *outcome, charts string) error {
	for _, g := range groups {
		points := pointsOf(o.Tables, g.name, g.metric)
		if len(points) == 0 {
			continue
		}
		file := strings.ReplaceAll(g.name, " ", "-")
		if err := chart(g.title+": "+g.metric, points, charts, file); err != nil {
			return err
		}
		fmt.Fprintf(doc, "\n## %s\n\n%s\n\n![%s of %s as multiples of C](benchmarks/%s.svg)\n", g.title, g.text, g.metric, g.name, file)
		for _, t := range o.Tables {
			if t.Group == g.name {
				t.markdown(doc)
			}
		}
	}
	return nil
}

func renderCurves(doc *bytes.Buffer, o *outcome, charts string) error {
	curves := curvesOf(o.Tables, growth)
	if len(curves) > 0 {
		fmt.Fprint(doc, "\n## How cost grows\n\nThe same with more and more of something. Behind a time is its ratio to C's.\n")
	}
	for _, c := range curves {
		if err := c.chart(charts); err != nil {
			return err
		}
		c.markdown(doc)
	}
	return nil
}

// markdown writes the table as Markdown.
func (t *table) markdown(w *bytes.Buffer) {
	fmt.Fprintf(w, "\n### %s\n\n%s %d rounds.\n\n|", t.Title, t.remark(), t.Rounds)
	columns := 1
	cell := func(text string) { fmt.Fprintf(w, " %s |", text) }
	cell("")
	for column, m := range t.Rows[0].Metrics {
		cell(strings.TrimSpace(m.Name + " " + m.Unit))
		columns++
		for _, ratio := range []struct {
			has  bool
			name string
		}{{t.hasC(column), "x C"}, {t.hasPeer(column), "x peer"}} {
			if ratio.has {
				cell(ratio.name)
				columns++
			}
		}
	}
	fmt.Fprint(w, "\n|---|", strings.Repeat("---:|", columns-1), "\n")
	for _, r := range t.Rows {
		fmt.Fprint(w, "|")
		cell(r.Name)
		for column, m := range r.Metrics {
			cell(m.value())
			if t.hasC(column) {
				cell(m.ToC.String())
			}
			if t.hasPeer(column) {
				cell(m.ToPeer.String())
			}
		}
		fmt.Fprintln(w)
	}
}
