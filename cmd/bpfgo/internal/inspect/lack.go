package inspect

import (
	"slices"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kernel"
)

// lack is something that the kernel lacks for an object, or of which nobody can tell.
type lack struct {
	What     string   `json:"what"`
	Why      string   `json:"why,omitempty"`
	Programs []string `json:"programs"` // that need it
}

// compare finds what the kernel lacks.
func (r *reader) compare() {
	o := &r.object
	for _, p := range o.Programs {
		r.need(r.kernel.ProgramType(p.typ), "programs of type "+p.Type, p.Name)
		if p.Attach.Here != nil {
			r.need(*p.Attach.Here, p.Attach.String(), p.Name)
		}
		for i, id := range p.helpers {
			r.need(r.kernel.Helper(p.typ, id), "helper "+p.Helpers[i], p.Name)
		}
	}
	for _, m := range o.Maps {
		if !m.Autocreate {
			continue
		}
		users := r.usersOf(m.Name)
		r.need(r.kernel.MapType(m.typ), "maps of type "+m.Type, users...)
		if m.typ == libbpf.MapTypeStructOps && m.ValueType != "" {
			name := m.ValueType[len("struct "):]
			r.need(r.kernel.StructOps(name), "callbacks of "+m.ValueType, users...)
		}
	}
	for _, e := range o.Externs {
		if e.Weak {
			continue
		}
		what := map[string]string{
			"kconfig": "setting ", "kfunc": "kernel function ", "variable": "kernel variable ", "symbol": "kernel symbol ",
		}[e.Kind]
		var users []string
		for _, p := range o.Programs {
			if slices.Contains(p.Externs, e.Name) {
				users = append(users, p.Name)
			}
		}
		r.need(e.Here, what+e.Name, users...)
	}
	if o.Relocations == nil {
		return
	}
	for _, one := range o.Relocations.All {
		if one.State == "failed" {
			r.need(kernel.Answer{State: kernel.No, Why: one.Error}, "type for "+one.Spec, one.Function)
		}
	}
	if o.Relocations.Total > 0 && r.kernel.Types() == nil {
		r.need(kernel.Answer{State: kernel.No, Why: r.kernel.NoTypes()}, "types for CO-RE relocations")
	}
}

func (r *reader) usersOf(name string) []string {
	var users []string
	for _, p := range r.object.Programs {
		if slices.Contains(p.Maps, name) {
			users = append(users, p.Name)
		}
	}
	return users
}

// need notes what a program needs, if the kernel lacks it or nobody can tell.
func (r *reader) need(answer kernel.Answer, what string, programs ...string) {
	list := &r.object.Lacks
	switch answer.State {
	case kernel.Yes:
		return
	case kernel.Unknown:
		list = &r.object.Unknown
	}
	at := slices.IndexFunc(*list, func(l lack) bool { return l.What == what && l.Why == answer.Why })
	if at < 0 {
		*list = append(*list, lack{What: what, Why: answer.Why, Programs: []string{}})
		at = len(*list) - 1
	}
	for _, p := range programs {
		if users := &(*list)[at].Programs; !slices.Contains(*users, p) {
			*users = append(*users, p)
		}
	}
}
