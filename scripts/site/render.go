package main

import (
	"bytes"
	"fmt"
	"html/template"
	"path/filepath"
	"strings"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	gmhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// content is the HTML of a page. Its links lead to the pages of the site, or to the sources.
func (b *book) content(p *page) (template.HTML, error) {
	err := walkErr(p.tree, func(node ast.Node) error {
		switch node := node.(type) {
		case *ast.Link:
			return b.redirect(p, &node.Destination)
		case *ast.Image:
			return b.redirect(p, &node.Destination)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = renders.Renderer().Render(&out, p.source, p.tree)
	return template.HTML(out.String()), err
}

func (b *book) redirect(p *page, destination *[]byte) error {
	href, err := b.href(p, string(*destination))
	if err != nil {
		return fmt.Errorf("%s: %s: %w", p.path, *destination, err)
	}
	*destination = []byte(href)
	return nil
}

// href is what a link of a page becomes in the site.
func (b *book) href(from *page, destination string) (string, error) {
	to, err := b.resolve(from, destination)
	switch {
	case err != nil:
		return "", err
	case to.url != "":
		return to.url, nil
	case to.image != "":
		return relative(from, to.image), nil
	case to.anchor == "":
		return relative(from, to.page.output()), nil
	case to.page == from:
		return "#" + to.anchor, nil
	}
	return relative(from, to.page.output()) + "#" + to.anchor, nil
}

// relative is the way from a page to a file of the site.
func relative(from *page, to string) string {
	way, err := filepath.Rel(filepath.Dir(from.output()), to)
	if err != nil {
		panic(err) // both are below the site's folder
	}
	return filepath.ToSlash(way)
}

var renders = goldmark.New(
	goldmark.WithExtensions(extension.GFM),
	goldmark.WithRendererOptions(
		gmhtml.WithUnsafe(), // it is our own
		renderer.WithNodeRenderers(util.Prioritized(nodes{}, 100)),
	),
)

// nodes writes what goldmark writes otherwise.
type nodes struct{}

func (nodes) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, writeHeading)
	r.Register(ast.KindFencedCodeBlock, writeCode)
	r.Register(ast.KindCodeBlock, writeCode)
	r.Register(ast.KindHTMLBlock, writeHTML)
	r.Register(extast.KindTable, writeTable)
}

func writeHeading(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	level := node.(*ast.Heading).Level
	id, _ := node.AttributeString("id")
	if entering {
		fmt.Fprintf(w, "<h%d id=\"%s\">", level, id)
		return ast.WalkContinue, nil
	}
	if level > 1 {
		fmt.Fprintf(w, ` <a class="anchor" href="#%s" aria-label="Link to this heading">#</a>`, id)
	}
	fmt.Fprintf(w, "</h%d>\n", level)
	return ast.WalkContinue, nil
}

// A table that is wider than the page moves inside its own box.
func writeTable(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, err := w.WriteString("<div class=\"table\" tabindex=\"0\"><table>\n")
		return ast.WalkContinue, err
	}
	_, err := w.WriteString("</table></div>\n")
	return ast.WalkContinue, err
}

// Comments are for those who read the source.
func writeHTML(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	block := node.(*ast.HTMLBlock)
	if !entering || block.HTMLBlockType == ast.HTMLBlockType2 {
		return ast.WalkSkipChildren, nil
	}
	_, err := w.Write(block.Lines().Value(source))
	if err == nil && block.HasClosure() {
		_, err = w.Write(block.ClosureLine.Value(source))
	}
	return ast.WalkSkipChildren, err
}

// The classes have their colours in the style sheets.
var formatter = html.New(html.WithClasses(true), html.WithPreWrapper(bare{}))

type bare struct{}

func (bare) Start(bool, string) string { return "" }
func (bare) End(bool) string           { return "" }

func writeCode(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	code := string(node.Lines().Value(source))
	language := ""
	if block, ok := node.(*ast.FencedCodeBlock); ok {
		language = string(block.Language(source))
	}
	lexer := lexers.Get(language)
	if language == "" || lexer == nil {
		lexer = lexers.Fallback
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, code)
	if err != nil {
		return ast.WalkStop, err
	}
	if _, err := w.WriteString("<pre class=\"chroma\" tabindex=\"0\"><code>"); err != nil {
		return ast.WalkStop, err
	}
	if err := formatter.Format(w, styles.Fallback, tokens); err != nil {
		return ast.WalkStop, err
	}
	_, err = w.WriteString("</code></pre>\n")
	return ast.WalkSkipChildren, err
}

// colors are the style sheets of code: for light and for dark pages.
func colors() (string, error) {
	light, err := sheet("github")
	if err != nil {
		return "", err
	}
	dark, err := sheet("github-dark")
	return only("light", light) + only("dark", dark), err
}

// only makes a style sheet one for light or for dark pages: what one leaves as it is, the other may colour.
func only(scheme, css string) string {
	return "@media (prefers-color-scheme: " + scheme + ") {\n" + css + "}\n"
}

// sheet is a style sheet of chroma, without its own class for dark or light: the browser knows which it is.
func sheet(style string) (string, error) {
	var out strings.Builder
	err := formatter.WriteCSS(&out, styles.Get(style))
	return strings.NewReplacer(".chroma.light", ".chroma", ".chroma.dark", ".chroma").Replace(out.String()), err
}
