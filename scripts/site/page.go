package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// A page is a Markdown file of the repository.
type page struct {
	path     string // in the repository, with slashes
	source   []byte
	tree     ast.Node
	title    string // of its first heading, or its path
	headings []heading
	anchors  anchors
	links    []link
	children []*page // the pages that belong to it, in the order of its links
}

type heading struct {
	level      int
	text, name string
	node       ast.Node
}

// A link is a link or an image, as it is written.
type link struct {
	destination string
	line        int
}

var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM))

func readPage(root, name string) (*page, error) {
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	return parsePage(name, source), nil
}

func parsePage(name string, source []byte) *page {
	p := &page{path: name, source: source, title: name, anchors: make(anchors)}
	p.tree = markdown.Parser().Parse(text.NewReader(source))
	walk(p.tree, func(node ast.Node) {
		switch node := node.(type) {
		case *ast.Heading:
			h := heading{level: node.Level, text: plain(node, source), node: node}
			h.name = p.anchors.add(h.text)
			node.SetAttributeString("id", []byte(h.name))
			if len(p.headings) == 0 {
				p.title = h.text
			}
			p.headings = append(p.headings, h)
		case *ast.Link:
			p.link(node, node.Destination)
		case *ast.Image:
			p.link(node, node.Destination)
		case *ast.RawHTML:
			p.html(node.Segments)
		case *ast.HTMLBlock:
			p.html(node.Lines())
		}
	})
	return p
}

func (p *page) link(node ast.Node, destination []byte) {
	// Goldmark knows the lines of blocks only.
	block := node
	for block.Type() == ast.TypeInline {
		block = block.Parent()
	}
	line := 1
	if lines := block.Lines(); lines != nil && lines.Len() > 0 {
		line += strings.Count(string(p.source[:lines.At(0).Start]), "\n")
	}
	p.links = append(p.links, link{string(destination), line})
}

var named = regexp.MustCompile(`\s(?:id|name)="([^"]+)"`)

// html finds the anchors in HTML that is part of the page.
func (p *page) html(lines *text.Segments) {
	for _, match := range named.FindAllSubmatch(lines.Value(p.source), -1) {
		p.anchors[string(match[1])] = true
	}
}

// folder is where the page's links begin.
func (p *page) folder() string { return path.Dir(p.path) }

// output is the page's place in the site: the README of a folder is its index.
func (p *page) output() string {
	if path.Base(p.path) == "README.md" {
		return path.Join(p.folder(), "index.html")
	}
	return strings.TrimSuffix(p.path, ".md") + ".html"
}

// walk calls visit for each node below the tree, in the order of the text.
func walk(tree ast.Node, visit func(ast.Node)) {
	for node := tree.FirstChild(); node != nil; node = node.NextSibling() {
		visit(node)
		walk(node, visit)
	}
}

// plain is the text of a node, without markup.
func plain(node ast.Node, source []byte) string {
	var out strings.Builder
	if node.Type() == ast.TypeBlock && !node.HasChildren() {
		out.Write(node.Lines().Value(source))
	}
	walk(node, func(node ast.Node) {
		switch node := node.(type) {
		case *ast.Text:
			out.Write(node.Segment.Value(source))
			if node.SoftLineBreak() || node.HardLineBreak() {
				out.WriteByte(' ')
			}
		case *ast.String:
			out.Write(node.Value)
		case *ast.AutoLink:
			out.Write(node.Label(source))
		default:
			if node.Type() != ast.TypeBlock {
				return
			}
			if out.Len() > 0 {
				out.WriteByte(' ')
			}
			if !node.HasChildren() {
				out.Write(node.Lines().Value(source))
			}
		}
	})
	return out.String()
}
