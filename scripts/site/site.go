package main

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"os"
	"path/filepath"

	"github.com/yuin/goldmark/ast"
)

//go:embed assets
var assets embed.FS

var layout = template.Must(template.ParseFS(assets, "assets/page.html"))

// A view is what the layout shows of a page.
type view struct {
	Title, Description string
	Root               string // the way to the site's folder
	Content            template.HTML
	Sections           []navigation
	Headings           []tocEntry
	Previous, Next     *navigationEntry
	Contents, Source   string
}

type navigation struct {
	Title string
	Pages []navigationEntry
}

type navigationEntry struct {
	Title, URL string
	Current    bool
	Children   []navigationEntry
}

type tocEntry struct {
	Text, Name string
	Level      int
}

// write writes the site to a folder.
func (b *book) write(out string) error {
	if err := errors.Join(b.left(), b.broken()); err != nil {
		return err
	}
	if err := b.writeAssets(out); err != nil {
		return err
	}
	if err := b.writeImages(out); err != nil {
		return err
	}
	for i := range b.order {
		if err := b.writePage(out, i); err != nil {
			return err
		}
	}
	return nil
}

func (b *book) writeAssets(out string) error {
	css, err := assets.ReadFile("assets/site.css")
	if err != nil {
		return err
	}
	script, err := assets.ReadFile("assets/site.js")
	if err != nil {
		return err
	}
	code, err := colors()
	if err != nil {
		return err
	}
	index, err := b.index()
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"assets/site.css": append(css, code...), "assets/site.js": script, "assets/index.js": index,
	} {
		if err := writeFile(filepath.Join(out, filepath.FromSlash(name)), data); err != nil {
			return err
		}
	}
	return nil
}

func (b *book) writeImages(out string) error {
	for _, p := range b.order {
		for _, link := range p.links {
			to, err := b.resolve(p, link.destination)
			if err != nil {
				return err
			}
			if to.image == "" {
				continue
			}
			name := filepath.FromSlash(to.image)
			data, err := os.ReadFile(filepath.Join(b.root, name))
			if err != nil {
				return err
			}
			if err := writeFile(filepath.Join(out, name), data); err != nil {
				return err
			}
		}
	}
	return nil
}

// writePage writes the i-th page.
func (b *book) writePage(out string, i int) error {
	p := b.order[i]
	content, err := b.content(p)
	if err != nil {
		return err
	}
	v := view{
		Title: p.title, Description: p.description(), Content: content, Root: relative(p, "."),
		Contents: relative(p, b.pages[contents].output()), Source: repository + "/blob/main/" + p.path,
	}
	if i > 0 {
		v.Previous = entryOf(p, b.order[i-1])
	}
	if i+1 < len(b.order) {
		v.Next = entryOf(p, b.order[i+1])
	}
	for _, section := range b.sections {
		v.Sections = append(v.Sections, navigation{section.title, entriesOf(p, section.pages)})
	}
	for _, h := range p.headings {
		if h.level == 2 || h.level == 3 {
			v.Headings = append(v.Headings, tocEntry{h.text, h.name, h.level})
		}
	}
	var html bytes.Buffer
	if err := layout.Execute(&html, v); err != nil {
		return err
	}
	return writeFile(filepath.Join(out, filepath.FromSlash(p.output())), html.Bytes())
}

func entriesOf(from *page, pages []*page) []navigationEntry {
	var entries []navigationEntry
	for _, p := range pages {
		e := entryOf(from, p)
		// Examples are shown where one is read: there are many.
		if p == from || p.above(from) {
			e.Children = entriesOf(from, p.children)
		}
		entries = append(entries, *e)
	}
	return entries
}

func entryOf(from, to *page) *navigationEntry {
	return &navigationEntry{Title: to.title, URL: relative(from, to.output()), Current: from == to}
}

// above reports whether other belongs to p, or to a page that does.
func (p *page) above(other *page) bool {
	for _, child := range p.children {
		if child == other || child.above(other) {
			return true
		}
	}
	return false
}

// description is the first paragraph.
func (p *page) description() string {
	for node := p.tree.FirstChild(); node != nil; node = node.NextSibling() {
		if node.Kind() == ast.KindParagraph {
			return plain(node, p.source)
		}
	}
	return p.title
}

func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}
