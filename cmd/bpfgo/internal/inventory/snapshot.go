// Package inventory describes the programs, maps, links and BTF that are in the kernel, for people and for JSON.
package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/holders"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kallsyms"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
)

// Snapshot is what was in the kernel when it was read. What changed meanwhile may be missing. Records refer to one
// another by their ids.
type Snapshot struct {
	Programs []*Program
	Maps     []*Map
	Links    []*Link
	BTFs     []*BTF

	// Warnings say what could not be read.
	Warnings []string
}

// Reader reads snapshots. Close it when done.
type Reader struct {
	types   names.Types
	memory  map[uint32]uint64 // of programs, which does not change
	symbols *kallsyms.Table   // nil if not yet read
}

// Close frees what the reader keeps.
func (r *Reader) Close() { r.types.Close() }

// Read reads a snapshot. If there is nothing that can be read, there is an error.
func (r *Reader) Read() (*Snapshot, error) {
	s := &Snapshot{}
	var err error
	s.Programs, err = r.programs()
	if err != nil && len(s.Programs) == 0 {
		return nil, privilege.Need(err, privilege.SysAdmin)
	}
	s.warn(err)
	s.Maps, err = r.maps()
	s.warn(err)
	s.Links, err = r.links(s)
	s.warn(err)
	s.BTFs, err = readBTFs()
	s.warn(err)
	r.hold(s, holders.Find())
	inUse := map[uint32]bool{}
	for _, b := range s.BTFs {
		inUse[b.ID] = true
	}
	r.types.Keep(inUse)
	return s, nil
}

// warn notes an error. Errors that were joined are several warnings.
func (s *Snapshot) warn(err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			s.warn(err)
		}
		return
	}
	s.Warnings = append(s.Warnings, err.Error())
}

// Gone tells whether an error means that an object was removed meanwhile, or is not ready yet.
func Gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EAGAIN)
}

// bootTime is when the kernel booted.
func bootTime() time.Time {
	var since unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &since); err != nil {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(since.Nano()))
}

// Program is the program with this id, or nil.
func (s *Snapshot) Program(id uint32) *Program {
	return find(s.Programs, id, func(p *Program) uint32 { return p.ID })
}

// Map is the map with this id, or nil.
func (s *Snapshot) Map(id uint32) *Map {
	return find(s.Maps, id, func(m *Map) uint32 { return m.ID })
}

// Link is the link with this id, or nil.
func (s *Snapshot) Link(id uint32) *Link {
	return find(s.Links, id, func(l *Link) uint32 { return l.ID })
}

// find finds the one with an id. The kernel lists them by ascending ids.
func find[T any](all []*T, id uint32, idOf func(*T) uint32) *T {
	i, found := slices.BinarySearchFunc(all, id, func(one *T, id uint32) int { return cmp.Compare(idOf(one), id) })
	if !found {
		return nil
	}
	return all[i]
}

// called is "kind 7 (name)", or without a name that is not known.
func called(kind string, id uint32, name string) string {
	if name == "" {
		return fmt.Sprintf("%s %d", kind, id)
	}
	return fmt.Sprintf("%s %d (%s)", kind, id, name)
}
