package flame

import (
	"bufio"
	_ "embed"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The picture, in pixels.
const (
	width     = 1200.0
	margin    = 10.0
	row       = 18.0
	heading   = 52.0
	footing   = 28.0
	character = 7.0  // of the font
	narrowest = 0.15 // what is narrower is not drawn
)

//go:embed flame.css
var styles string

// The script finds and enlarges boxes. Without it, the picture and the titles of the boxes are still there.
//
//go:embed flame.js
var script string

// WriteSVG writes a flame graph: a box for each function, as wide as its share of the counts, above the box of its
// caller. unit is what was counted, such as "samples". The same graph gives the same bytes.
func (g *Graph) WriteSVG(w io.Writer, title, unit string) error {
	p := &picture{out: bufio.NewWriter(w), unit: unit, all: g.root.total}
	if p.all > 0 {
		p.scale = (width - 2*margin) / float64(p.all)
		p.measure(&g.root, 0)
	}
	p.height = heading + float64(p.depth+1)*row + footing
	p.printf(`<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<svg version="1.1" xmlns="http://www.w3.org/2000/svg" width="%[1]g" height="%[2]g" viewBox="0 0 %[1]g %[2]g">
`, width, p.height)
	p.printf("<style>\n%s</style>\n", styles)
	p.printf("<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n")
	p.printf("<text class=\"title\" x=\"%g\" y=\"22\">%s</text>\n", width/2, escape(title))
	about := fmt.Sprintf("%d %s", p.all, unit)
	if p.hidden > 0 {
		about += fmt.Sprintf("; %d boxes are too narrow to be drawn", p.hidden)
	}
	p.printf("<text class=\"about\" x=\"%g\" y=\"40\">%s</text>\n", width/2, escape(about))
	p.printf("<text class=\"link\" id=\"reset\" x=\"%g\" y=\"40\"></text>\n", margin)
	p.printf("<text class=\"link end\" id=\"search\" x=\"%g\" y=\"40\"></text>\n", width-margin)
	p.printf("<text class=\"about end\" id=\"found\" x=\"%g\" y=\"%g\"></text>\n", width-margin, p.height-10)
	p.printf("<g id=\"frames\">\n")
	g.root.Name = "all"
	p.draw(&g.root, 0, margin)
	p.printf("</g>\n<script><![CDATA[\n%s]]></script>\n</svg>\n", script)
	return p.out.Flush()
}

type picture struct {
	out    *bufio.Writer
	unit   string
	all    uint64
	scale  float64 // pixels for a count
	depth  int
	hidden int
	height float64
}

func (p *picture) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }

// measure finds out how high the picture gets, and counts what is not drawn.
func (p *picture) measure(n *node, depth int) {
	if n.wide(p.scale) {
		p.depth = max(p.depth, depth)
	} else {
		p.hidden++
	}
	for _, b := range n.below {
		p.measure(b, depth+1)
	}
}

func (n *node) wide(scale float64) bool { return float64(n.total)*scale >= narrowest }

// draw draws a function, and above it those that it called.
func (p *picture) draw(n *node, depth int, x float64) {
	if !n.wide(p.scale) {
		return
	}
	w := float64(n.total) * p.scale
	y := p.height - footing - float64(depth+1)*row
	p.printf("<g><title>%s (%d %s, %s%%)</title>", escape(n.Name), n.total, escape(p.unit),
		strconv.FormatFloat(100*float64(n.total)/float64(p.all), 'f', 2, 64))
	p.printf(`<rect x="%.2f" y="%g" width="%.2f" height="%g" fill="%s"/>`, x, y, w, row-1, n.color())
	p.printf("<text x=\"%.2f\" y=\"%g\">%s</text></g>\n", x+3, y+row-5.5, escape(fitting(n.Name, w)))
	for _, b := range n.sorted() {
		p.draw(b, depth+1, x)
		x += float64(b.total) * p.scale
	}
}

// fitting is as much of a name as there is room for.
func fitting(name string, width float64) string {
	room := int((width - 6) / character)
	switch {
	case utf8.RuneCountInString(name) <= room:
		return name
	case room < 3:
		return ""
	}
	return string([]rune(name)[:room-2]) + ".."
}

// color is that of a function: warm for processes, blue for the kernel, and always the same for the same name.
func (n *node) color() string {
	sum := fnv.New32a()
	_, _ = io.WriteString(sum, n.Name)
	hash := sum.Sum32()
	a, b := int(hash&0xff), int(hash>>8&0xff)
	switch {
	case n.Kind == Kernel:
		return fmt.Sprintf("rgb(%d,%d,%d)", 110+a*50/255, 160+b*40/255, 225+a*25/255)
	case n.Kind == Other || strings.HasPrefix(n.Name, "["):
		return fmt.Sprintf("rgb(%[1]d,%[1]d,%[1]d)", 190+a*25/255)
	default:
		return fmt.Sprintf("rgb(%d,%d,%d)", 225+a*25/255, 120+b*85/255, 60+a*40/255)
	}
}

// escape is a text in XML.
func escape(text string) string {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(text))
	return escaped.String()
}
