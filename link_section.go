package libbpf

import (
	"strconv"
	"strings"
)

// attachSection attaches, for all processes, a program whose section names a place in user space, such as
// "uprobe//bin/sh:readline". It uses the program's methods, which find more functions than libbpf does for sections.
// named is false for all other sections, and for sections that name no place.
func (p *Program) attachSection() (link *Link, named bool, err error) {
	if p.typ != ProgramTypeKprobe {
		return nil, false, nil
	}
	kind, place, _ := strings.Cut(p.section, "/")
	binary, what, _ := strings.Cut(place, ":")
	if binary == "" || what == "" {
		return nil, false, nil
	}
	kind = strings.TrimSuffix(kind, ".s") // sleepable
	switch kind {
	case "uprobe", "uretprobe":
		function, offset := cutOffset(what)
		opts := UprobeOptions{Function: function, Retprobe: kind == "uretprobe"}
		link, err = p.AttachUprobe(AllProcesses, binary, offset, opts)
	case "uprobe.multi", "uretprobe.multi", "uprobe.session":
		link, err = p.AttachUprobeMulti(AllProcesses, binary, UprobeMultiOptions{
			Pattern: what, Retprobe: kind == "uretprobe.multi", Session: kind == "uprobe.session",
		})
	case "usdt":
		provider, name, _ := strings.Cut(what, ":")
		link, err = p.AttachUSDT(AllProcesses, binary, provider, name, USDTOptions{})
	default:
		return nil, false, nil
	}
	return link, true, err
}

// sectionNeedsTracefs reports whether libbpf uses files of tracefs when it attaches the program by its section.
func (p *Program) sectionNeedsTracefs() bool {
	switch p.typ {
	case ProgramTypeTracepoint:
		return true
	case ProgramTypeKprobe:
		_, what, _ := strings.Cut(p.section, "/")
		return legacyProbes("kprobe", ProbeModeDefault) ||
			p.AttachType() == AttachTypeTraceKprobeMulti && strings.ContainsAny(what, "*?")
	}
	return false
}

// cutOffset splits a place such as "main+0x10".
func cutOffset(where string) (function string, offset uint64) {
	if plus := strings.LastIndexByte(where, '+'); plus >= 0 {
		if offset, err := strconv.ParseUint(where[plus+1:], 0, 64); err == nil {
			return where[:plus], offset
		}
	}
	return where, 0
}
