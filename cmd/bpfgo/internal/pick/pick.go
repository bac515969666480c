// Package pick finds the program, map, link or BTF in the kernel that the user names: by its id, its name, its pin or,
// for a program, its tag.
package pick

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
)

// Ways says in a command's help how to name a program, map or link.
const Ways = "by its id (42 or id:42), its name (counts or name:counts) or its pin (a path)"

// WaysOfProgram is Ways for programs.
const WaysOfProgram = "by its id (42 or id:42), its name (on_exec or name:on_exec), its pin (a path)\nor its tag " +
	"(tag:3b185187f1855c4c)"

// choice is what the user gave. One of the fields is set.
type choice struct {
	id   uint32
	name string
	path string
	tag  string
}

// parse reads what the user gave to name a program, map, link or BTF: kind says which.
func parse(kind, what string) (choice, error) {
	if strings.Contains(what, "/") {
		return choice{path: what}, nil
	}
	way, value, found := strings.Cut(what, ":")
	switch {
	case found && value != "" && way == "id":
		id, err := strconv.ParseUint(value, 10, 32)
		if err != nil || id == 0 {
			return choice{}, cli.Usagef("%s: an id is a whole number from 1 to 4294967295", what)
		}
		return choice{id: uint32(id)}, nil
	case found && value != "" && way == "name":
		return choice{name: value}, nil
	case found && value != "" && way == "tag" && kind == program:
		tag, err := hex.DecodeString(value)
		if err != nil || len(tag) != len(libbpf.ProgramTag{}) {
			return choice{}, cli.Usagef("%s: a tag has 16 hexadecimal digits", what)
		}
		return choice{tag: strings.ToLower(value)}, nil
	case what == "":
		return choice{}, cli.Usagef("the %s must not be empty", kind)
	}
	if strings.Trim(what, "0123456789") == "" {
		return parse(kind, "id:"+what)
	}
	return choice{name: what}, nil
}

// The kinds of objects, for messages.
const (
	program = "program"
	map_    = "map"
	link    = "link"
	types   = "BTF"
)

// candidate is an object that may be meant.
type candidate struct {
	id     uint32
	name   names.Name
	kernel string // the name that the kernel has, which may be cut
	tag    string
}

// Program opens the program that the user names. The caller closes it.
func Program(what string) (*libbpf.ProgramHandle, error) {
	c, err := parse(program, what)
	if err != nil {
		return nil, err
	}
	if c.path != "" {
		p, err := libbpf.ProgramHandleFromPinnedPath(c.path)
		return p, PinError(c.path, err)
	}
	id, err := c.find(program, programs)
	if err != nil {
		return nil, err
	}
	p, err := libbpf.ProgramHandleFromID(id)
	return p, privilege.Need(err, privilege.SysAdmin)
}

// Map opens the map that the user names. The caller closes it.
func Map(what string) (*libbpf.MapHandle, error) {
	c, err := parse(map_, what)
	if err != nil {
		return nil, err
	}
	if c.path != "" {
		m, err := libbpf.MapHandleFromPinnedPath(c.path)
		return m, PinError(c.path, err)
	}
	id, err := c.find(map_, maps)
	if err != nil {
		return nil, err
	}
	m, err := libbpf.MapHandleFromID(id)
	return m, privilege.Need(err, privilege.SysAdmin)
}

// Link opens the link that the user names. A link has no name: that of its program stands for it. The caller closes it.
func Link(what string) (*libbpf.Link, error) {
	c, err := parse(link, what)
	if err != nil {
		return nil, err
	}
	if c.path != "" {
		l, err := libbpf.LinkFromPinnedPath(c.path)
		return l, PinError(c.path, err)
	}
	id, err := c.find(link, links)
	if err != nil {
		return nil, err
	}
	l, err := libbpf.LinkFromID(id)
	return l, privilege.Need(err, privilege.SysAdmin)
}

// BTF is the id of the BTF in the kernel that the user names: by its id, or by its name, such as vmlinux or that of a
// module.
func BTF(what string) (uint32, error) {
	c, err := parse(types, what)
	if err != nil {
		return 0, err
	}
	if c.path != "" {
		return 0, cli.Usagef("%s: BTF has an id or a name, and no path", what)
	}
	return c.find(types, allTypes)
}

// PinError is the error of opening the pin at a path. Of a path that is no pin, the kernel says that it is not permitted.
func PinError(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	info, failed := os.Stat(path)
	var system unix.Statfs_t
	switch {
	case failed == nil && info.IsDir():
		return fmt.Errorf("%s is no pin, but a folder", path)
	case unix.Statfs(path, &system) == nil && uint32(system.Type) != unix.BPF_FS_MAGIC:
		return fmt.Errorf("%s is no pin: it is not on a BPF file system", path)
	}
	return privilege.Need(err, privilege.BPF)
}

// find is the id of the one object that is meant. all lists those of this kind.
func (c choice) find(kind string, all func() ([]candidate, error)) (uint32, error) {
	if c.id != 0 {
		return c.id, nil
	}
	candidates, err := all()
	if err != nil && len(candidates) == 0 {
		return 0, privilege.Need(err, privilege.SysAdmin)
	}
	if c.tag != "" {
		return only(kind, wording{"has the tag " + c.tag, "have the tag " + c.tag}, matching(candidates, func(o candidate) bool { return o.tag == c.tag }))
	}
	called := wording{fmt.Sprintf("is named %q", c.name), fmt.Sprintf("are named %q", c.name)}
	// A name that is whole goes before one that the kernel cut.
	found := matching(candidates, func(o candidate) bool { return o.name.Text == c.name })
	if len(found) == 0 {
		found = matching(candidates, func(o candidate) bool { return o.kernel == c.name })
	}
	if len(found) > 0 || len(c.name) <= names.Cut {
		return only(kind, called, found)
	}
	perhaps := matching(candidates, func(o candidate) bool { return !o.name.Whole && o.kernel == c.name[:names.Cut] })
	if len(perhaps) == 0 {
		return only(kind, called, nil)
	}
	return 0, fmt.Errorf("no %s is known to be named %q: the kernel has only the first %d characters of the name of %s; "+
		"use an id", kind, c.name, names.Cut, idList(kind, perhaps))
}

func matching(all []candidate, is func(candidate) bool) []candidate {
	var found []candidate
	for _, o := range all {
		if is(o) {
			found = append(found, o)
		}
	}
	return found
}

// wording says what was looked for, for one object and for several.
type wording struct{ one, several string }

// only is the id of the only one found.
func only(kind string, looked wording, found []candidate) (uint32, error) {
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("no %s %s: %w", kind, looked.one, os.ErrNotExist)
	case 1:
		return found[0].id, nil
	}
	return 0, fmt.Errorf("%d %s %s: %s; use an id", len(found), plural(kind), looked.several, idList(kind, found))
}

func plural(kind string) string {
	if kind == types {
		return "BTF objects"
	}
	return kind + "s"
}

// idList is such as "maps 3, 5 and 7".
func idList(kind string, found []candidate) string {
	if len(found) == 1 {
		return fmt.Sprintf("%s %d", kind, found[0].id)
	}
	var ids []string
	for _, o := range found {
		ids = append(ids, strconv.FormatUint(uint64(o.id), 10))
	}
	last := len(ids) - 1
	return plural(kind) + " " + strings.Join(ids[:last], ", ") + " and " + ids[last]
}
