package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// contents is the page that tells which pages there are: its second headings are the sections, and the links below each
// of them its pages.
const contents = "docs/README.md"

// A book is the pages of a repository.
type book struct {
	root     string
	sections []section
	pages    map[string]*page // by path
	order    []*page          // as they are read
}

type section struct {
	title string
	pages []*page
}

// readBook reads all pages of the repository at root.
func readBook(root string) (*book, error) {
	b := &book{root: root, pages: make(map[string]*page)}
	if err := b.readSections(); err != nil {
		return nil, err
	}
	if err := b.readChildren(); err != nil {
		return nil, err
	}
	for _, section := range b.sections {
		b.arrange(section.pages)
	}
	return b, nil
}

// read reads a page, if it is not in the book.
func (b *book) read(name string) (*page, error) {
	if b.pages[name] != nil {
		return nil, nil
	}
	p, err := readPage(b.root, name)
	if err == nil {
		b.pages[name] = p
	}
	return p, err
}

func (b *book) readSections() error {
	readme, err := b.read("README.md")
	if err != nil {
		return err
	}
	index, err := b.read(contents)
	if err != nil {
		return err
	}
	b.sections = []section{{pages: []*page{readme, index}}}
	return walkErr(index.tree, func(node ast.Node) error {
		switch node := node.(type) {
		case *ast.Heading:
			if node.Level == 2 {
				b.sections = append(b.sections, section{title: plain(node, index.source)})
			}
		case *ast.Link:
			name := b.pageAt(index, string(node.Destination))
			if name == "" {
				return nil
			}
			p, err := b.read(name)
			if p != nil {
				last := &b.sections[len(b.sections)-1]
				last.pages = append(last.pages, p)
			}
			return err
		}
		return nil
	})
}

// readChildren reads the pages that pages link to, and that belong to the README of the nearest folder above.
func (b *book) readChildren() error {
	var todo []*page
	for _, section := range b.sections {
		todo = append(todo, section.pages...)
	}
	for ; len(todo) > 0; todo = todo[1:] {
		for _, link := range todo[0].links {
			name := b.pageAt(todo[0], link.destination)
			if name == "" {
				continue
			}
			parent := b.parent(name)
			if parent == nil || b.pages[name] != nil {
				continue
			}
			p, err := b.read(name)
			if err != nil {
				return err
			}
			parent.children = append(parent.children, p)
			todo = append(todo, p)
		}
	}
	return nil
}

// parent is the page of the nearest folder above, but for the folders that the contents have to name.
func (b *book) parent(name string) *page {
	folder := path.Dir(name)
	if path.Base(name) == "README.md" {
		folder = path.Dir(folder)
	}
	for ; folder != "." && folder != "docs"; folder = path.Dir(folder) {
		if p := b.pages[path.Join(folder, "README.md")]; p != nil {
			return p
		}
	}
	return nil
}

// pageAt is the path of the page that a link leads to, or "".
func (b *book) pageAt(from *page, destination string) string {
	name, _, _ := strings.Cut(destination, "#")
	if name == "" || external(destination) {
		return ""
	}
	name = path.Join(from.folder(), name)
	if strings.HasPrefix(name, "../") {
		return ""
	}
	if !strings.HasSuffix(name, ".md") {
		name = path.Join(name, "README.md")
	}
	if info, err := os.Stat(filepath.Join(b.root, filepath.FromSlash(name))); err != nil || info.IsDir() {
		return ""
	}
	return name
}

func (b *book) arrange(pages []*page) {
	for _, p := range pages {
		b.order = append(b.order, p)
		b.arrange(p.children)
	}
}

// left is an error for each page in docs and at the top that the contents do not name.
func (b *book) left() error {
	var errs []error
	for _, folder := range []string{".", "docs"} {
		files, err := filepath.Glob(filepath.Join(b.root, folder, "*.md"))
		if err != nil {
			return err
		}
		for _, file := range files {
			name := path.Join(folder, filepath.Base(file))
			if b.pages[name] == nil {
				errs = append(errs, fmt.Errorf("%s does not lead to %s", contents, name))
			}
		}
	}
	return errors.Join(errs...)
}

// walkErr is walk that ends with the first error.
func walkErr(tree ast.Node, visit func(ast.Node) error) error {
	return ast.Walk(tree, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		return ast.WalkContinue, visit(node)
	})
}
