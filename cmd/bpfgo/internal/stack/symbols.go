package stack

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"path/filepath"
	"slices"
	"sync"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kallsyms"
	"github.com/libbpf-go/libbpf-go/internal/symbol"
)

// Symbols names addresses. What it keeps is bounded. It is safe for concurrent use.
type Symbols struct {
	mu        sync.Mutex
	kernel    kernel
	processes map[int]*process
	binaries  map[identity]*object
	files     int // how many of them may stay open
	names     int // bytes of the names of functions that the binaries have in memory
	byBuildID map[string]*object
	vdso      *symbol.Names
	vdsoSize  uint64
	vdsoRead  bool
	named     map[place]Frame
	clock     uint64 // counts uses
	warnings  []string
	warned    map[string]bool
}

// place is an address in the code of a process.
type place struct {
	in      *generation
	address uint64
	call    bool
}

// maxNamed is how many named addresses are kept.
const maxNamed = 1 << 16

// New returns Symbols that know nothing yet. Close it to close the files that it keeps.
func New() *Symbols {
	return &Symbols{processes: map[int]*process{}, binaries: map[identity]*object{}, byBuildID: map[string]*object{},
		files: filesToKeep(), named: map[place]Frame{}, warned: map[string]bool{}}
}

// Close forgets everything.
func (s *Symbols) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := range s.objects() {
		s.forget(b)
	}
	for _, p := range s.processes {
		p.close()
	}
	clear(s.binaries)
	clear(s.byBuildID)
	clear(s.processes)
	clear(s.named)
	return nil
}

// Warnings tell why names are missing.
func (s *Symbols) Warnings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.warnings)
}

// warn keeps a warning, one of each kind.
func (s *Symbols) warn(text, kind string) {
	if !s.warned[kind] {
		s.warned[kind] = true
		s.warnings = append(s.warnings, text)
	}
}

// Kernel names a stack of the kernel, innermost function first.
func (s *Symbols) Kernel(addresses []uint64) []Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	frames := make([]Frame, len(addresses))
	for i, address := range addresses {
		f, err := s.kernel.frame(address, i > 0)
		switch {
		case errors.Is(err, kallsyms.ErrHidden):
			s.warn(err.Error(), "kernel")
		case err != nil:
			s.warn("kernel functions have no names: "+err.Error(), "kernel")
		}
		frames[i] = f
	}
	return frames
}

// User names a stack of a process, innermost function first.
func (s *Symbols) User(pid int, addresses []uint64) []Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.remember(pid, fresh)
	frames := make([]Frame, len(addresses))
	for i, address := range addresses {
		frames[i] = s.user(p, address, i > 0)
	}
	return frames
}

// user names an address of a process. call says that it is that behind a call.
func (s *Symbols) user(p *process, address uint64, call bool) Frame {
	if p != nil {
		if f, ok := s.inGenerations(p, address, call); ok {
			return f
		}
		if s.remember(p.pid, hasty); len(p.generations) > 0 {
			if f, ok := s.inGenerations(p, address, call); ok {
				return f
			}
		}
	}
	return Frame{Address: address}
}

func (s *Symbols) inGenerations(p *process, address uint64, call bool) (Frame, bool) {
	at := instruction(address, call)
	for _, g := range p.generations {
		m := mappingAt(g.mappings, at)
		if m == nil {
			continue
		}
		key := place{g, address, call}
		if f, ok := s.named[key]; ok {
			return f, true
		}
		f, final := s.inMapping(p, m, g.objectOf(m), address, at)
		if final {
			if len(s.named) >= maxNamed {
				clear(s.named)
			}
			s.named[key] = f
		}
		return f, true
	}
	return Frame{}, false
}

// objectOf is the binary of one of the generation's mappings.
func (g *generation) objectOf(m *mapping) *object {
	i, _ := slices.BinarySearchFunc(g.mappings, m.start, func(m mapping, start uint64) int {
		switch {
		case m.start < start:
			return -1
		case m.start > start:
			return 1
		}
		return 0
	})
	return g.binaries[i]
}

// inMapping names an address. at is in the instruction. final says that the name stays the same.
func (s *Symbols) inMapping(p *process, m *mapping, b *object, address, at uint64) (f Frame, final bool) {
	f = Frame{Address: address}
	offset := at - m.start + m.offset
	if m.path == vdsoName {
		f.Module, f.Offset = vdsoName, address-m.start
		if !s.vdsoRead {
			s.vdsoRead = true
			s.vdso, s.vdsoSize = ownVDSO()
		}
		if s.vdso == nil || s.vdsoSize != m.end-m.start {
			return f, true
		}
		if name, into, ok := s.vdso.At(at - m.start); ok {
			f.Name, f.Offset = name, into+address-at
		}
		return f, true
	}
	if b != nil {
		name, into, ok := s.nameAt(b, offset)
		if ok {
			f.Name, f.Module, f.Offset = demangled(name), m.path, into+address-at
			return f, true
		}
	}
	if b == nil || b.notELF {
		if function, ok := p.compiled(at); ok {
			f.Name, f.Offset = function.name, address-function.start
			return f, false
		}
	}
	if m.inode != 0 {
		f.Module, f.Offset = m.path, offset+address-at
	}
	return f, b != nil && !b.notELF
}

// BuildID is an entry of a stack with BPF_F_STACK_BUILD_ID (struct bpf_stack_build_id).
type BuildID struct {
	Status int32
	ID     [buildIDSize]byte
	Offset uint64 // in the file; or the address, if there is no build id
}

const (
	buildIDSize      = 20
	buildIDEntry     = 32 // bytes
	buildIDValid     = 1  // BPF_STACK_BUILD_ID_VALID
	buildIDIsAddress = 2  // BPF_STACK_BUILD_ID_IP
)

// ParseBuildIDs reads a stack of a stack map with BPF_F_STACK_BUILD_ID, up to its end.
func ParseBuildIDs(data []byte) []BuildID {
	var all []BuildID
	for ; len(data) >= buildIDEntry; data = data[buildIDEntry:] {
		entry := BuildID{Status: int32(binary.NativeEndian.Uint32(data)), Offset: binary.NativeEndian.Uint64(data[24:])}
		if entry.Status != buildIDValid && entry.Status != buildIDIsAddress {
			break
		}
		copy(entry.ID[:], data[4:])
		all = append(all, entry)
	}
	return all
}

// ParseAddresses reads a stack of addresses, up to its end.
func ParseAddresses(data []byte) []uint64 {
	var all []uint64
	for ; len(data) >= 8; data = data[8:] {
		address := binary.NativeEndian.Uint64(data)
		if address == 0 {
			break
		}
		all = append(all, address)
	}
	return all
}

// BuildIDs names a stack of build ids and offsets, with the binaries that were seen and those that the system lists by
// build id. The process is needed for entries that have an address only.
func (s *Symbols) BuildIDs(pid int, entries []BuildID) []Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.remember(pid, fresh)
	frames := make([]Frame, len(entries))
	for i, entry := range entries {
		if entry.Status == buildIDIsAddress {
			frames[i] = s.user(p, entry.Offset, i > 0)
			continue
		}
		f := Frame{BuildID: hex.EncodeToString(entry.ID[:]), Offset: entry.Offset}
		if b := s.withBuildID(entry.ID); b != nil {
			f.Module = b.path
			at := instruction(entry.Offset, i > 0)
			if name, into, ok := s.nameAt(b, at); ok {
				f.Name, f.Offset = demangled(name), into+entry.Offset-at
			}
		}
		frames[i] = f
	}
	return frames
}

// withBuildID finds a binary, or returns nil.
func (s *Symbols) withBuildID(id [buildIDSize]byte) *object {
	// The kernel pads shorter ids with zeros.
	same := func(own []byte) bool {
		return len(own) > 0 && len(own) <= len(id) && bytes.Equal(own, id[:len(own)]) &&
			len(bytes.Trim(id[len(own):], "\x00")) == 0
	}
	for _, b := range s.binaries {
		if !b.indexed {
			b.indexed = true
			if f := b.open(); f != nil {
				b.buildID = f.BuildID()
			}
		}
		if same(b.buildID) {
			return b
		}
	}
	key := string(id[:])
	if b, ok := s.byBuildID[key]; ok {
		return b
	}
	if len(s.byBuildID) >= s.files {
		return nil
	}
	s.byBuildID[key] = nil
	name := hex.EncodeToString(id[:])
	for _, root := range buildIDRoots {
		f, err := symbol.OpenRegular("/", filepath.Join(root, name[:2], name[2:]))
		if err != nil {
			continue
		}
		path, err := filepath.EvalSymlinks(f.Name())
		if err != nil {
			path = f.Name()
		}
		b := &object{path: path, root: "/", file: f}
		if e := b.open(); e != nil && same(e.BuildID()) {
			s.byBuildID[key] = b
			return b
		}
		b.close()
	}
	return nil
}

// buildIDRoots are folders in which systems list their binaries by build id. Tests replace them. The debug files there are
// not enough: they do not tell where code is in the binary.
var buildIDRoots = []string{"/usr/lib/.build-id", "/usr/lib/debug/.build-id"}
