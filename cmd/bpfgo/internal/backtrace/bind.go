// Package backtrace finds stacks in records and in the elements of maps: ids of stack maps, and stacks that programs
// have copied. It shows them with names.
package backtrace

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf/decode"
)

// Map is a stack map of an object.
type Map struct {
	Name     string
	BuildIDs bool // its stacks are build ids with offsets (BPF_F_STACK_BUILD_ID)
	// Lookup reads the stack of an id, when the object is loaded.
	Lookup func(id uint32) ([]byte, error)
}

// Option is what the user says about a member: that it is an id of a stack map, or a stack of the kernel or a user.
type Option struct {
	Member string
	Source string // the name of a map, or one of those below
	bound  bool
}

// What a member can be that is no id.
const (
	sourceKernel = "kernel"
	sourceUser   = "user"
)

// ParseOption reads MEMBER=MAP, MEMBER=kernel or MEMBER=user.
func ParseOption(text string) (*Option, error) {
	member, source, ok := strings.Cut(text, "=")
	if !ok || member == "" || source == "" {
		return nil, errors.New("must be MEMBER=MAP, MEMBER=kernel or MEMBER=user")
	}
	return &Option{Member: member, Source: source}, nil
}

// Finder finds the stacks in types.
type Finder struct {
	Maps    []*Map
	Options []*Option
	// Untold are members that look like ids, while it is not clear of which map.
	Untold []string
}

// Convention describes in help texts which members are stacks.
const Convention = "an integer member is an id of a stack map if its name has stack and id, or is such as ustack or kern_stack; " +
	"an array of u64 of such a name is a stack, with its size in NAME_size, NAME_sz or NAME_len"

// kind is whose code a stack is of.
type kind int

const (
	mixed  kind = iota // the addresses tell
	user               // that of a process
	kernel             // that of the kernel
)

// member is a stack in a type.
type member struct {
	name  string
	kind  kind
	value *decode.Type // the id, or the array
	in    *Map         // nil if the stack itself is there
	size  *decode.Type // the member with the size of the stack in bytes or a negative errno, or nil
}

// Binding is the stacks in a type.
type Binding struct {
	stacks []member
	pid    *decode.Type // of the process that the stacks are of, or nil
	comm   *decode.Type // its name, or nil
}

// Find finds the stacks in a type, nil if there are none.
func (f *Finder) Find(t *decode.Type) (*Binding, error) {
	if t == nil || t.Kind() != decode.KindStruct {
		return nil, nil
	}
	b := &Binding{}
	told := map[string]bool{}
	for _, o := range f.Options {
		value, err := t.Field(o.Member)
		if err != nil {
			continue // another type has it
		}
		told[o.Member] = true
		m := member{name: o.Member, value: value, kind: kindOf(o.Member)}
		switch o.Source {
		case sourceKernel, sourceUser:
			m.kind = map[string]kind{sourceKernel: kernel, sourceUser: user}[o.Source]
			if !isStack(value) {
				return nil, fmt.Errorf("--stack %s=%s: the member is no array of 64-bit integers", o.Member, o.Source)
			}
			m.size = sizeOf(t, o.Member)
		default:
			i := slices.IndexFunc(f.Maps, func(m *Map) bool { return m.Name == o.Source })
			if i < 0 {
				return nil, fmt.Errorf("--stack %s=%s: the object has no such stack map%s", o.Member, o.Source, f.names())
			}
			if value.Kind() != decode.KindInt {
				return nil, fmt.Errorf("--stack %s=%s: the member is no integer", o.Member, o.Source)
			}
			m.in = f.Maps[i]
		}
		o.bound = true
		b.stacks = append(b.stacks, m)
	}
	for _, c := range t.Columns() {
		if c.Name == "" || told[c.Name] {
			continue
		}
		value, err := t.Field(c.Name)
		if err != nil {
			continue
		}
		switch {
		case value.Kind() == decode.KindInt && looksLikeID(c.Name) && len(f.Maps) > 0:
			in := f.mapOf(c.Name)
			if in == nil {
				f.Untold = append(f.Untold, c.Name)
				continue
			}
			b.stacks = append(b.stacks, member{name: c.Name, kind: kindOf(c.Name), value: value, in: in})
		case isStack(value) && looksLikeStack(c.Name):
			b.stacks = append(b.stacks, member{name: c.Name, kind: kindOf(c.Name), value: value, size: sizeOf(t, c.Name)})
		case value.Kind() == decode.KindInt && (c.Name == "tgid" || c.Name == "pid" && b.pid == nil):
			b.pid = value
		case value.Kind() == decode.KindString && c.Name == "comm":
			b.comm = value
		}
	}
	if len(b.stacks) == 0 {
		return nil, nil
	}
	return b, nil
}

// Check returns an error if no type has a member that the user has named.
func (f *Finder) Check() error {
	for _, o := range f.Options {
		if !o.bound {
			return fmt.Errorf("--stack %s=%s: no record, key or value has such a member", o.Member, o.Source)
		}
	}
	return nil
}

// names lists the stack maps, for an error.
func (f *Finder) names() string {
	if len(f.Maps) == 0 {
		return ": it has none"
	}
	var names []string
	for _, m := range f.Maps {
		names = append(names, m.Name)
	}
	return "; it has " + strings.Join(names, ", ")
}

// shortNames are common names of members for stacks, without underscores.
var shortNames = []string{"ustack", "kstack", "userstack", "kernstack", "kernelstack", "stack", "stacktrace"}

func looksLikeStack(name string) bool {
	return slices.Contains(shortNames, strings.ReplaceAll(strings.ToLower(name), "_", ""))
}

func looksLikeID(name string) bool {
	name = strings.ToLower(name)
	before, after, found := strings.Cut(name, "stack")
	return looksLikeStack(name) || found && (strings.HasSuffix(after, "id") || strings.HasSuffix(before, "id_"))
}

// kindOf tells by the name of a member whose stack it is.
func kindOf(name string) kind {
	name = strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	switch {
	case strings.Contains(name, "kern") || strings.HasPrefix(name, "k"):
		return kernel
	case strings.Contains(name, "user") || strings.HasPrefix(name, "u"):
		return user
	}
	return mixed
}

// mapOf is the stack map that a member is most likely an id of: the one of its name, or the only one. Maps with build ids
// are another form of what a usual one has.
func (f *Finder) mapOf(name string) *Map {
	name = strings.TrimSuffix(strings.TrimSuffix(name, "id"), "_")
	var usual []*Map
	for _, m := range f.Maps {
		if name == m.Name || name+"s" == m.Name {
			return m
		}
		if !m.BuildIDs {
			usual = append(usual, m)
		}
	}
	switch {
	case len(usual) == 1:
		return usual[0]
	case len(f.Maps) == 1:
		return f.Maps[0]
	}
	return nil
}

// isStack tells whether a member is an array of addresses.
func isStack(t *decode.Type) bool {
	if t.Kind() != decode.KindArray {
		return false
	}
	first, err := t.Field("[0]")
	return err == nil && (first.Kind() == decode.KindInt || first.Kind() == decode.KindPtr) && first.Size() == 8
}

// sizeOf is the member with the size of a stack, or nil.
func sizeOf(t *decode.Type, name string) *decode.Type {
	for _, suffix := range []string{"_size", "_sz", "_len"} {
		for _, base := range []string{name, strings.TrimSuffix(name, "_stack")} {
			if size, err := t.Field(base + suffix); err == nil && size.Kind() == decode.KindInt {
				return size
			}
		}
	}
	return nil
}
