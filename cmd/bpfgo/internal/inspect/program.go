package inspect

import (
	"maps"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go"
)

// program is a program of an object.
type program struct {
	Name         string   `json:"name"`
	Section      string   `json:"section"`
	Type         string   `json:"type"`
	AttachType   string   `json:"attach_type,omitempty"`
	Attach       hook     `json:"attach"`
	Instructions int      `json:"instructions"` // its own, without functions that it calls
	Flags        []string `json:"flags"`
	Autoload     bool     `json:"autoload"`
	Autoattach   bool     `json:"autoattach"`
	Maps         []string `json:"maps"` // what it and its functions use
	Helpers      []string `json:"helpers"`
	Externs      []string `json:"externs"`

	typ     libbpf.ProgramType
	helpers []libbpf.HelperID
}

func (r *reader) readPrograms() error {
	for p := range r.open.Programs() {
		read, err := r.readProgram(p)
		if err != nil {
			return err
		}
		r.object.Programs = append(r.object.Programs, read)
	}
	return nil
}

func (r *reader) readProgram(p *libbpf.OpenProgram) (program, error) {
	one := program{Name: p.Name(), Section: p.Section(), Flags: []string{}}
	var err error
	if one.typ, err = p.Type(); err != nil {
		return one, err
	}
	one.Type = one.typ.String()
	attachType, err := p.AttachType()
	if err != nil {
		return one, err
	}
	if attachType != 0 || strings.HasPrefix(one.Type, "cgroup_skb") {
		one.AttachType = attachType.String()
	}
	if one.Autoload, err = p.Autoload(); err != nil {
		return one, err
	}
	if one.Autoattach, err = p.Autoattach(); err != nil {
		return one, err
	}
	insns, err := p.Instructions()
	if err != nil {
		return one, err
	}
	one.Instructions = len(insns)
	flags, err := p.Flags()
	if err != nil {
		return one, err
	}
	one.Flags = programFlags(p.Section(), flags)
	one.Attach = r.hook(p.Name(), p.Section(), one.typ, attachType)

	used, helpers, externs := make(map[string]bool), make(map[uint32]bool), make(map[string]bool)
	if f := r.functions[p.Name()]; f != nil {
		for _, reached := range f.Reached() {
			maps.Copy(used, reached.Maps)
			maps.Copy(helpers, reached.Helpers)
			maps.Copy(externs, reached.Externs)
		}
	}
	one.Maps, one.Externs = sorted(used), sorted(externs)
	one.Helpers = []string{}
	for _, id := range slices.Sorted(maps.Keys(helpers)) {
		one.helpers = append(one.helpers, libbpf.HelperID(id))
		one.Helpers = append(one.Helpers, helperName(libbpf.HelperID(id)))
	}
	return one, nil
}

func helperName(id libbpf.HelperID) string {
	name := id.String()
	if strings.HasPrefix(name, "helper(") {
		return name
	}
	return "bpf_" + name
}

func sorted(set map[string]bool) []string {
	names := slices.Sorted(maps.Keys(set))
	if names == nil {
		return []string{}
	}
	return names
}

// programFlags are the names of a program's flags. libbpf sets those of the section when it loads the program.
func programFlags(section string, flags uint32) []string {
	kind, _, _ := strings.Cut(section, "/")
	names := []string{}
	for i, name := range []string{
		"strict_alignment", "any_alignment", "test_rnd_hi32", "test_state_freq", "sleepable", "xdp_has_frags",
		"xdp_dev_bound_only", "test_reg_invariants",
	} {
		if flags&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	for _, part := range strings.Split(kind, ".")[1:] {
		switch part {
		case "s":
			names = append(names, "sleepable")
		case "multi", "session":
			names = append(names, part)
		case "frags":
			names = append(names, "xdp_has_frags")
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
