package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// All links in the book lead somewhere, and docs/README.md leads to all pages.
func TestLinks(t *testing.T) {
	b, err := readBook("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.left(); err != nil {
		t.Error(err)
	}
	if err := b.broken(); err != nil {
		t.Error(err)
	}
	links := 0
	for _, p := range b.order {
		links += len(p.links)
	}
	if len(b.order) < 30 || links < 100 {
		t.Errorf("only %d pages with %d links", len(b.order), links)
	}
}

// Each kind of broken link is found, with its place, and nothing else is.
func TestBrokenLinks(t *testing.T) {
	b, err := readBook("testdata/broken")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`docs/README.md does not lead to docs/left.md`,
		`docs/README.md:10: missing.md: there is no docs/missing.md`,
		`docs/README.md:11: ../../outside.md: outside of the repository`,
		`docs/page.md:5: #nowhere: docs/page.md has no heading "nowhere"`,
		`docs/page.md:5: ../README.md#absent: README.md has no heading "absent"`,
		`docs/page.md:12: none.svg: there is no docs/none.svg`,
		`docs/page.md:14: /docs/page.md: no link that works everywhere`,
		`docs/page.md:15: ../bin/tool: bin is not in the repository`,
		`docs/page.md:19: ref.md: there is no docs/ref.md`,
	}
	var got []string
	for _, err := range []error{b.left(), b.broken()} {
		if err == nil {
			t.Error("no error")
			continue
		}
		got = append(got, strings.Split(err.Error(), "\n")...)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := b.write(t.TempDir()); err == nil {
		t.Error("a site with broken links is written")
	}
}

// The names of headings are those of GitHub.
func TestAnchors(t *testing.T) {
	p := parsePage("page.md", []byte("# `bpfgo run`: an *object*, [runs](x)\n\n## Größe_x & 2.5 %\n\n## Same\n\n## Same\n\n"+
		"<a id=\"by-hand\"></a>\n\n### Same-1\n"))
	var got []string
	for _, h := range p.headings {
		got = append(got, h.name)
	}
	want := "bpfgo-run-an-object-runs größe_x--25- same same-1 same-1-1"
	if strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", strings.Join(got, " "), want)
	}
	if !p.anchors["by-hand"] {
		t.Error("an anchor in HTML is not found")
	}
}

// All links in what is written lead to a file and an anchor of the site, and no page needs anything from elsewhere.
func TestSite(t *testing.T) {
	out := t.TempDir()
	if err := build("../..", out); err != nil {
		t.Fatal(err)
	}
	site := readSite(t, out)
	links := 0
	for file, page := range site {
		for _, link := range page.links {
			links++
			checkLink(t, site, out, file, link)
		}
	}
	if len(site) < 30 || links < 1000 {
		t.Errorf("only %d pages with %d links", len(site), links)
	}
	css, err := os.ReadFile(filepath.Join(out, "assets/site.css"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"@import", "url("} {
		if strings.Contains(string(css), text) {
			t.Errorf("the style sheet has %s", text)
		}
	}
	// Code has colours of its own on light and on dark pages: some of the one can't be read on the other.
	before, _, _ := strings.Cut(string(css), "@media (prefers-color-scheme: light)")
	if strings.Contains(before, ".chroma .k {") {
		t.Error("the colours of light pages are also those of dark ones")
	}
	if n := strings.Count(string(css), ".chroma .k {"); n != 2 {
		t.Errorf("%d colours of keywords", n)
	}
}

// A reference is an attribute that leads somewhere, or brings something to the page.
type reference struct {
	element, value string
}

type written struct {
	links []reference
	ids   map[string]bool
}

func readSite(t *testing.T, folder string) map[string]written {
	site := make(map[string]written)
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".html" {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		tree, err := html.Parse(file)
		if err != nil {
			return err
		}
		page := written{ids: make(map[string]bool)}
		for node := range tree.Descendants() {
			for _, attribute := range node.Attr {
				switch attribute.Key {
				case "href", "src":
					page.links = append(page.links, reference{node.Data, attribute.Val})
				case "id":
					if page.ids[attribute.Val] {
						t.Errorf("%s: two elements are %q", path, attribute.Val)
					}
					page.ids[attribute.Val] = true
				}
			}
		}
		site[path] = page
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return site
}

func checkLink(t *testing.T, site map[string]written, out, file string, link reference) {
	if link.value == "data:," {
		return
	}
	if external(link.value) {
		if link.element != "a" {
			t.Errorf("%s: %s needs %s", file, link.element, link.value)
		}
		return
	}
	name, anchor, _ := strings.Cut(link.value, "#")
	target := file
	if name != "" {
		target = filepath.Join(filepath.Dir(file), name)
	}
	if inside, err := filepath.Rel(out, target); err != nil || strings.HasPrefix(inside, "..") {
		t.Errorf("%s: %s is outside of the site", file, link.value)
	}
	if info, err := os.Stat(target); err != nil || info.IsDir() {
		t.Errorf("%s: %s is no file", file, link.value)
	}
	if anchor != "" && !site[target].ids[anchor] {
		t.Errorf("%s: %s: there is no such anchor", file, link.value)
	}
}
