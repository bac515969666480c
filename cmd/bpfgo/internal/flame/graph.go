// Package flame counts stacks, and writes them folded, a line each, or as a flame graph.
package flame

import (
	"bufio"
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// Kind is where code runs.
type Kind byte

// The kinds of code.
const (
	Other  Kind = iota // such as the name of a process
	User               // a process
	Kernel             // the kernel
)

// Frame is a box of a flame graph.
type Frame struct {
	Name string
	Kind Kind
}

// Graph is stacks and how often each was seen. The zero value has none.
type Graph struct {
	root node
}

type node struct {
	Frame
	total, self uint64
	below       map[Frame]*node // the functions that this one called
}

// Add counts a stack, outermost function first.
func (g *Graph) Add(frames []Frame, count uint64) {
	at := &g.root
	at.total += count
	for _, f := range frames {
		f.Name = cli.Safe(f.Name)
		next := at.below[f]
		if next == nil {
			if at.below == nil {
				at.below = map[Frame]*node{}
			}
			next = &node{Frame: f}
			at.below[f] = next
		}
		at = next
		at.total += count
	}
	at.self += count
}

// Total is how often stacks were counted.
func (g *Graph) Total() uint64 { return g.root.total }

// sorted are the functions that one called, by name.
func (n *node) sorted() []*node {
	all := make([]*node, 0, len(n.below))
	for _, b := range n.below {
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b *node) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind)) })
	return all
}

// WriteFolded writes a line for each stack: "outer;inner 12". Tools for flame graphs read this format.
func (g *Graph) WriteFolded(w io.Writer) error {
	out := bufio.NewWriter(w)
	var write func(n *node, prefix string)
	write = func(n *node, prefix string) {
		if n.self > 0 {
			_, _ = out.WriteString(cmp.Or(prefix, "[no stack]") + " " + strconv.FormatUint(n.self, 10) + "\n")
		}
		if prefix != "" {
			prefix += ";"
		}
		for _, b := range n.sorted() {
			write(b, prefix+folded(b.Name))
		}
	}
	write(&g.root, "")
	return out.Flush()
}

// folded is a name in which no semicolon ends it.
func folded(name string) string { return strings.ReplaceAll(cmp.Or(name, "[unknown]"), ";", ":") }
