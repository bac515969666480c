package inspect

import (
	"debug/elf"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kernel"
)

// extern is what an object expects of the kernel by name.
type extern struct {
	Name  string        `json:"name"`
	Kind  string        `json:"kind"` // kconfig, kfunc, variable or symbol
	Type  string        `json:"type,omitempty"`
	Weak  bool          `json:"weak"` // it may be missing
	Value string        `json:"value,omitempty"`
	Here  kernel.Answer `json:"here"`
}

// readExterns reads the externs from the types in the file: libbpf changes those that it has opened.
func (r *reader) readExterns(path string) {
	types, err := btf.Parse(path)
	if err != nil {
		return // it has no types, so its externs are errors of libbpf's
	}
	defer types.Close()
	weak := make(map[string]bool)
	for i := range r.file.Symbols {
		if s := &r.file.Symbols[i]; s.Section == elf.SHN_UNDEF && elf.ST_BIND(s.Info) == elf.STB_WEAK {
			weak[s.Name] = true
		}
	}
	for _, name := range []string{".kconfig", ".ksyms"} {
		section, err := types.TypeByName(name, btf.KindDatasec)
		if err != nil {
			continue
		}
		for _, v := range section.(*btf.Datasec).Vars {
			t, err := types.TypeByID(v.Type)
			if err != nil {
				continue
			}
			one := extern{Name: t.Name(), Weak: weak[t.Name()]}
			switch t := t.(type) {
			case *btf.Func:
				one.Kind = "kfunc"
				one.Here = r.kernel.Kfunc(essential(t.Name()))
			case *btf.Var:
				one.Type = typeName(types, t.Type)
				r.variableExtern(&one, name, types, t)
			default:
				continue
			}
			r.object.Externs = append(r.object.Externs, one)
		}
	}
}

// variableExtern looks up a variable of the kernel, or a setting.
func (r *reader) variableExtern(one *extern, section string, types *btf.BTF, v *btf.Var) {
	if section == ".kconfig" {
		one.Kind = "kconfig"
		one.Value, one.Here = r.setting(one.Name)
		return
	}
	// Without a type, libbpf takes the address from the symbols. With one, it needs BTF.
	if t, err := types.Resolve(v.Type); err == nil && t.Kind() == btf.KindVoid {
		one.Kind = "symbol"
		one.Here = r.kernel.Symbol(essential(one.Name))
		return
	}
	one.Kind = "variable"
	one.Here = r.kernel.Variable(essential(one.Name))
}

// essential is a name without what an object puts behind three underscores to tell versions apart.
func essential(name string) string {
	for i := len(name) - 5; i >= 0; i-- {
		if name[i+1:i+4] == "___" && name[i] != '_' && name[i+4] != '_' {
			return name[:i+1]
		}
	}
	return name
}

// setting is the value of an extern in .kconfig. Some are no settings: libbpf finds them out itself.
func (r *reader) setting(name string) (string, kernel.Answer) {
	switch name {
	case "LINUX_KERNEL_VERSION":
		var uts unix.Utsname
		if err := unix.Uname(&uts); err != nil || r.kernel.Other() {
			return "", kernel.Answer{State: kernel.Yes}
		}
		return unix.ByteSliceToString(uts.Release[:]), kernel.Answer{State: kernel.Yes}
	case "LINUX_HAS_BPF_COOKIE", "LINUX_HAS_SYSCALL_WRAPPER":
		return "", kernel.Answer{State: kernel.Yes, Why: "libbpf finds it out when it loads the object"}
	}
	return r.kernel.Setting(name)
}
