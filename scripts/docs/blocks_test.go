package docs_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// root is the folder of the module.
const root = "../.."

// block is a piece of code on a page.
type block struct {
	page string // from the root
	line int    // of its first line
	lang string // go, c and others
	text string
	// kind and argument are of the comment before the block, which readers do not see:
	//
	//	<!-- snippet: KIND ARGUMENT -->
	//
	//	body    statements of a function, in C; in Go they are recognized
	//	user    C of a process instead of a BPF program
	//	gen F   the file F, a BPF program: "bpfgo gen" makes Go code of it, which the page's later blocks use,
	//	        and which do not see those before
	//	new     no declarations of the page's blocks before are seen
	//	peer    Go code on other libraries: it is compiled if their modules are in the module cache
	//	skip R  not compiled, for the reason R
	//	hidden  the comment goes on with a block: code that the page's later blocks use, and that is not shown
	kind, argument string
}

var kinds = []string{"", "body", "user", "gen", "new", "peer", "skip", "hidden"}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// blocks finds the blocks of a page, in Markdown.
func blocks(page, text string) ([]block, error) {
	var all []block
	const comment = "<!-- snippet: "
	next := block{page: page}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if words, ok := strings.CutPrefix(line, comment); ok {
			words, _ = strings.CutSuffix(words, "-->")
			next.kind, next.argument, _ = strings.Cut(strings.TrimSpace(words), " ")
			if !slices.Contains(kinds, next.kind) {
				return nil, fmt.Errorf("%s:%d: %q is no kind of snippets", page, i+1, next.kind)
			}
			continue
		}
		indent := len(line) - len(strings.TrimLeft(line, " "))
		lang, ok := strings.CutPrefix(line[indent:], "```")
		if !ok {
			if strings.TrimSpace(line) != "" {
				if next.kind != "" {
					return nil, fmt.Errorf("%s:%d: no block comes after the comment", page, i+1)
				}
				next = block{page: page}
			}
			continue
		}
		next.lang, next.line = lang, i+2
		var text strings.Builder
		for i++; ; i++ {
			if i == len(lines) {
				return nil, fmt.Errorf("%s:%d: the block has no end", page, next.line)
			}
			if strings.TrimSpace(lines[i]) == "```" {
				break
			}
			text.WriteString(lines[i][min(indent, len(lines[i])):] + "\n")
		}
		next.text = text.String()
		all = append(all, next)
		if next.kind == "hidden" {
			if i+1 == len(lines) || lines[i+1] != "-->" {
				return nil, fmt.Errorf("%s:%d: the comment does not end after the block", page, i+2)
			}
			i++
		}
		next = block{page: page}
	}
	return all, nil
}

// The code of these pages is compared with programs that are tested, by docs_test.go in the root.
var elsewhere = []string{"docs/interop.md"}

var onlyPage = flag.String("page", "", "the only page to look at, from the root")

// pages are the Markdown files that have code, from the root.
func pages() ([]string, error) {
	if *onlyPage != "" {
		return []string{*onlyPage}, nil
	}
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			if page := path[len(root)+1:]; !slices.Contains(elsewhere, page) {
				all = append(all, page)
			}
		}
	}
	return all, nil
}

func pageBlocks(page string) ([]block, error) {
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		return nil, err
	}
	return blocks(page, string(text))
}
