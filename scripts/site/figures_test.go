package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The figures in the tables of docs/performance.md are those of docs/benchmarks.md, in the section that the row's link
// leads to.
func TestFiguresAreMeasured(t *testing.T) {
	page, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	measured, err := readPage("../..", "docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\(benchmarks\.md#([^)]+)\)`)
	figure := regexp.MustCompile(`^[0-9][0-9.,]*$`)
	found := 0
	for row := range strings.Lines(string(page)) {
		match := link.FindStringSubmatch(row)
		if !strings.HasPrefix(row, "|") || match == nil {
			continue
		}
		section := sectionText(measured, match[1])
		for cell := range strings.SplitSeq(row, "|") {
			cell = strings.ReplaceAll(strings.TrimSpace(cell), ",", "")
			if !figure.MatchString(cell) {
				continue
			}
			found++
			if !strings.Contains(section, " "+cell+" ") && !strings.Contains(section, " "+cell+",") {
				t.Errorf("%s: docs/benchmarks.md has no %s there", match[1], cell)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d figures", found)
	}
}

// sectionText is what a page has below a heading, up to the next one.
func sectionText(p *page, name string) string {
	for i, h := range p.headings {
		if h.name != name {
			continue
		}
		begin, end := h.node.Lines().At(0).Start, len(p.source)
		if i+1 < len(p.headings) {
			end = p.headings[i+1].node.Lines().At(0).Start
		}
		return string(p.source[begin:end])
	}
	return ""
}
