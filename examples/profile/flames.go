package main

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"html"
	"io"
	"maps"
	"slices"
	"strings"
)

// frame is a function that was met below the same callers.
type frame struct {
	count    uint64
	children map[string]*frame
}

func (f *frame) child(name string) *frame {
	if f.children[name] == nil {
		f.children[name] = &frame{children: make(map[string]*frame)}
	}
	return f.children[name]
}

func (f *frame) depth() int {
	deepest := 0
	for _, child := range f.children {
		deepest = max(deepest, child.depth())
	}
	return deepest + 1
}

const (
	width  = 1200
	height = 17 // of a frame
)

// drawFlames draws a flame graph: callers are below what they call, and as wide as their time.
func drawFlames(to io.Writer, counts map[string]uint64) error {
	all := &frame{children: make(map[string]*frame)}
	for stack, count := range counts {
		all.count += count
		f := all
		for name := range strings.SplitSeq(stack, ";") {
			f = f.child(name)
			f.count += count
		}
	}
	w := bufio.NewWriter(to)
	bottom := all.depth() * height
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" `, width, bottom)
	fmt.Fprintln(w, `font-family="monospace" font-size="12">`)
	drawFrame(w, "all", all, all.count, 0, float64(bottom-height))
	fmt.Fprintln(w, "</svg>")
	return w.Flush()
}

func drawFrame(w io.Writer, name string, f *frame, all uint64, x, y float64) {
	if all == 0 {
		return
	}
	wide := float64(f.count) / float64(all) * width
	if wide < 0.3 {
		return // nobody sees it
	}
	hash := fnv.New32a()
	_, _ = io.WriteString(hash, name)
	hue := hash.Sum32() % 50 // the same name, the same colour
	percent := 100 * float64(f.count) / float64(all)
	fmt.Fprintf(w, `<g><title>%s: %d samples, %.1f%%</title>`, html.EscapeString(name), f.count, percent)
	fmt.Fprintf(w, `<rect x="%.1f" y="%.0f" width="%.1f" height="%d" fill="hsl(%d,85%%,62%%)"/>`,
		x, y, wide-0.2, height-1, hue)
	if letters := int(wide / 7.3); letters >= 3 {
		short := name
		if len(short) > letters {
			short = short[:letters-2] + ".."
		}
		fmt.Fprintf(w, `<text x="%.1f" y="%.0f">%s</text>`, x+2, y+height-4, html.EscapeString(short))
	}
	fmt.Fprintln(w, "</g>")
	for _, child := range slices.Sorted(maps.Keys(f.children)) {
		drawFrame(w, child, f.children[child], all, x, y-height)
		x += float64(f.children[child].count) / float64(all) * width
	}
}
