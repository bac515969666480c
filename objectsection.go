package libbpf

import (
	"fmt"
	"strings"
)

// newSections are the sections that libbpf supports only since a version after 1.1, with the minor version of 1.x. As
// in libbpf, a "+" at the end of a name means that the section may continue after a slash.
var newSections = []struct {
	name  string
	minor int
}{
	{"struct_ops.s+", 2},
	{"cgroup/connect_unix", 3},
	{"cgroup/getpeername_unix", 3},
	{"cgroup/getsockname_unix", 3},
	{"cgroup/recvmsg_unix", 3},
	{"cgroup/sendmsg_unix", 3},
	{"netfilter", 3},
	{"netkit/peer", 3},
	{"netkit/primary", 3},
	{"tc/egress", 3},
	{"tc/ingress", 3},
	{"tcx/egress", 3},
	{"tcx/ingress", 3},
	{"uprobe.multi+", 3},
	{"uprobe.multi.s+", 3},
	{"uretprobe.multi+", 3},
	{"uretprobe.multi.s+", 3},
	{"usdt.s+", 3},
	{"sk_skb/verdict", 4},
	{"kprobe.session+", 5},
	{"uprobe.session+", 6},
	{"uprobe.session.s+", 6},
	{"fsession+", 7},
	{"fsession.s+", 7},
}

// sectionMinor is the minor version of the first libbpf 1.x that supports a section; 0 if 1.1 supports it, or none
// does.
func sectionMinor(section string) int {
	for _, s := range newSections {
		rest, found := strings.CutPrefix(section, strings.TrimSuffix(s.name, "+"))
		if found && (rest == "" || rest[0] == '/' && strings.HasSuffix(s.name, "+")) {
			return s.minor
		}
	}
	return 0
}

// checkSections returns a [VersionError] if a program was not loaded because the linked libbpf is too old to support
// its section.
func (o *OpenObject) checkSections() error {
	for _, p := range o.programs {
		if !p.autoload() || p.typ() != ProgramTypeUnspec {
			continue
		}
		if err := needs(fmt.Sprintf("section %q", p.section), 1, sectionMinor(p.section)); err != nil {
			return err
		}
	}
	return nil
}
