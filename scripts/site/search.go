package main

import (
	"encoding/json"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// An entry is what a search can find: a heading with the text below it.
type entry struct {
	URL     string `json:"u"`
	Page    string `json:"p"`
	Heading string `json:"h,omitempty"`
	Text    string `json:"t"`
}

// index is a script with all entries: pages that are files can load scripts, but no data.
func (b *book) index() ([]byte, error) {
	var entries []entry
	for _, p := range b.order {
		entries = append(entries, p.entries()...)
	}
	data, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	return append(append([]byte("bookIndex("), data...), ");\n"...), nil
}

func (p *page) entries() []entry {
	entries := []entry{{URL: p.output(), Page: p.title}}
	headings := p.headings
	for node := p.tree.FirstChild(); node != nil; node = node.NextSibling() {
		if len(headings) > 0 && headings[0].node == node {
			if h := headings[0]; h.level > 1 {
				entries = append(entries, entry{URL: p.output() + "#" + h.name, Page: p.title, Heading: h.text})
			}
			headings = headings[1:]
			continue
		}
		if node.Kind() == ast.KindHTMLBlock {
			continue
		}
		last := &entries[len(entries)-1]
		last.Text = strings.TrimSpace(last.Text + " " + strings.Join(strings.Fields(plain(node, p.source)), " "))
	}
	return entries
}
