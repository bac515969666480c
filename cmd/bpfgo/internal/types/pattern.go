package types

import (
	"path"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// kinds are the words for the kinds of types that have names of their own.
var kinds = []string{"struct", "union", "enum", "typedef", "func", "var", "int"}

const kindWords = "struct, union, enum, typedef, func, var and int"

// word is the word for the kind of a type, or "" for a kind whose types have no names of their own.
func word(t btf.Type) string {
	switch t.Kind() {
	case btf.KindStruct:
		return "struct"
	case btf.KindUnion:
		return "union"
	case btf.KindEnum, btf.KindEnum64:
		return "enum"
	case btf.KindTypedef:
		return "typedef"
	case btf.KindFunc:
		return "func"
	case btf.KindVar:
		return "var"
	case btf.KindInt, btf.KindFloat:
		return "int"
	}
	return ""
}

// pattern is what types are looked for by: "struct *sk*.sk_err*", for example.
type pattern struct {
	kind   string // "" for any
	name   string // a glob
	member string // a glob, or "" for the type itself
}

// parsePattern reads a pattern: an optional kind, a name and, behind a dot, the name of a member.
func parsePattern(text string) (pattern, error) {
	var p pattern
	p.name = strings.TrimSpace(text)
	if kind, name, ok := strings.Cut(p.name, " "); ok {
		if !slices.Contains(kinds, kind) {
			return p, cli.Usagef("%q: the kinds are %s", text, kindWords)
		}
		p.kind, p.name = kind, strings.TrimSpace(name)
	}
	p.name, p.member, _ = strings.Cut(p.name, ".")
	for _, glob := range []string{p.name, p.member} {
		if _, err := path.Match(glob, ""); err != nil {
			return p, cli.Usagef("%q is no pattern: %v", text, err)
		}
	}
	if p.name == "" {
		return p, cli.Usagef("%q has no name", text)
	}
	return p, nil
}

// isGlob tells whether a pattern stands for several names.
func (p pattern) isGlob() bool { return strings.ContainsAny(p.name+p.member, "*?[") }

func matches(glob, name string) bool {
	ok, err := path.Match(glob, name)
	return ok && err == nil
}

// members are the members of a struct or union, with those of its members without a name. The offsets are those in the
// outermost one.
func members(types *btf.BTF, t *btf.Composite) []btf.Member {
	var all []btf.Member
	left := maxMembers
	var add func(t *btf.Composite, offset uint32, depth int)
	add = func(t *btf.Composite, offset uint32, depth int) {
		for _, m := range t.Members {
			if left--; left < 0 {
				return
			}
			m.BitOffset += offset
			if m.Name == "" && depth < maxDepth {
				if inner, err := types.Resolve(m.Type); err == nil {
					if inner, ok := inner.(*btf.Composite); ok {
						add(inner, m.BitOffset, depth+1)
					}
				}
				continue
			}
			all = append(all, m)
		}
	}
	add(t, 0, 0)
	return all
}

// Bounds for structs that contain themselves, or others again and again, as damaged ones can.
const (
	maxDepth   = 16
	maxMembers = 1 << 17
)
