package config

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// reader turns nodes of YAML into settings, and collects what is wrong.
type reader struct {
	file   string
	errors []error
}

func (r *reader) at(n *yaml.Node) Place { return Place{r.file, n.Line} }

func (r *reader) errorf(n *yaml.Node, format string, args ...any) {
	r.errors = append(r.errors, r.at(n).Errorf(format, args...))
}

func (r *reader) err() error { return errors.Join(r.errors...) }

// settings are what a mapping may have, and what reads them.
type settings map[string]func(*yaml.Node)

// mapping reads a mapping. what names it in errors.
func (r *reader) mapping(n *yaml.Node, what string, known settings) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "%s must have settings (%s), and is %s", what, strings.Join(names(known), ", "), kind(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if line, ok := seen[name.Value]; ok {
			r.errorf(name, "%s has %q twice, the first time on line %d", what, name.Value, line)
			continue
		}
		seen[name.Value] = name.Line
		read, ok := known[name.Value]
		if !ok {
			r.errorf(name, "%s has no setting %q; %s", what, name.Value, Instead("setting", names(known)))
			continue
		}
		read(value)
	}
}

// has tells whether a mapping has a setting, good or not.
func has(n *yaml.Node, name string) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return true
		}
	}
	return false
}

func names(known settings) []string { return slices.Sorted(maps.Keys(known)) }

// list reads a sequence.
func (r *reader) list(what string, item func(*yaml.Node)) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.SequenceNode {
			r.errorf(n, "%s must be a list, and is %s", what, kind(n))
			return
		}
		for _, child := range n.Content {
			if child.Kind == yaml.AliasNode {
				child = child.Alias
			}
			item(child)
		}
	}
}

func (r *reader) scalar(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.errorf(n, "%s must be a single value, and is %s", what, kind(n))
		return "", false
	}
	return n.Value, true
}

func (r *reader) text(to *string, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if text, ok := r.scalar(n, what); ok {
			*to = text
		}
	}
}

// place reads text, and keeps its place.
func (r *reader) place(to *Text, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if text, ok := r.scalar(n, what); ok {
			*to = Text{r.at(n), text}
		}
	}
}

func (r *reader) boolean(to *bool, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if text, ok := r.scalar(n, what); ok {
			if n.Tag != "!!bool" || n.Decode(to) != nil {
				r.errorf(n, "%s must be true or false, and is %q", what, text)
			}
		}
	}
}

// number reads an integer that is least or more.
func (r *reader) number(to *int, what string, least int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if text, ok := r.scalar(n, what); ok {
			number, err := strconv.Atoi(text)
			if err != nil || number < least || number > math.MaxInt32 {
				r.errorf(n, "%s must be a number from %d on, and is %q", what, least, text)
				return
			}
			*to = number
		}
	}
}

func (r *reader) float(to *float64, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if text, ok := r.scalar(n, what); ok {
			number, err := strconv.ParseFloat(text, 64)
			if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
				r.errorf(n, "%s must be a number, and is %q", what, text)
				return
			}
			*to = number
		}
	}
}

// duration reads a time of least or more.
func (r *reader) duration(to *time.Duration, what string, least time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if text, ok := r.scalar(n, what); ok {
			d, err := time.ParseDuration(text)
			if err != nil || d <= 0 {
				r.errorf(n, "%s must be a time such as 10s, and is %q", what, text)
				return
			}
			if d < least {
				r.errorf(n, "%s must be %s at least, and is %s", what, least, text)
				return
			}
			*to = d
		}
	}
}

func (r *reader) scale(to *Scale) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if text, ok := r.scalar(n, "scale"); ok {
			scale, ok := parseScale(text)
			if !ok {
				r.errorf(n, "scale must be a positive factor, such as 1e-9 or 2^-20, and is %q", text)
				return
			}
			*to = scale
		}
	}
}

// oneOf reads a word of several.
func (r *reader) oneOf(to *string, what string, words ...string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if text, ok := r.scalar(n, what); ok {
			if !slices.Contains(words, text) {
				r.errorf(n, "%s can't be %q; there is: %s", what, text, strings.Join(words, ", "))
				return
			}
			*to = text
		}
	}
}

// kind says what a node is.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "empty"
		}
		return strconv.Quote(n.Value)
	}
	return "something else"
}
