package stack

import (
	"bytes"
	"fmt"
	"iter"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/symbol"
)

// object is a file with code. It stays open, so that its functions can be read when all who use it have ended, and when
// it was deleted.
type object struct {
	path    string   // as the process has it that it was found with
	root    string   // what is / for that process
	file    *os.File // nil if there is none
	names   *symbol.Names
	tried   bool // to read the names
	notELF  bool
	buildID []byte
	indexed bool // buildID was read
	used    uint64
}

// identity is that of a file.
type identity struct {
	device string
	inode  uint64
}

// Limits for what is kept.
const (
	maxBinaries = 1024      // each is an open file
	maxNames    = 256 << 20 // bytes of memory of the names of functions; those of one binary may have more
)

// filesToKeep is how many binaries may stay open: most files are for the rest of bpfgo.
func filesToKeep() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return maxBinaries
	}
	return int(min(maxBinaries, limit.Cur/4))
}

// openMapped opens the file of a mapping, even if it was deleted. It returns nil if that is not possible.
func openMapped(pid int, m *mapping) *os.File {
	// This leads to the file itself, but takes CAP_CHECKPOINT_RESTORE.
	file, err := symbol.OpenRegular("/", fmt.Sprintf("/proc/%d/map_files/%x-%x", pid, m.start, m.end))
	if err != nil {
		if file, err = openInRoot(pid, m.path); err != nil {
			return nil
		}
	}
	// Another file may have taken the path, and another one the place in memory.
	var about unix.Stat_t
	if unix.Fstat(int(file.Fd()), &about) != nil || about.Ino != m.inode {
		_ = file.Close()
		return nil
	}
	return file
}

// openInRoot opens a regular file by its path in a process's mount namespace.
func openInRoot(pid int, path string) (*os.File, error) {
	return symbol.OpenRegular(fmt.Sprintf("/proc/%d/root", pid), path)
}

// rootOf is the path under which this process sees what is / for another one.
func rootOf(pid int) string {
	own, err := os.Readlink("/proc/self/ns/mnt")
	if other, otherErr := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid)); err == nil && otherErr == nil && own == other {
		if root, err := os.Readlink(fmt.Sprintf("/proc/%d/root", pid)); err == nil && root == "/" {
			return "/"
		}
	}
	return fmt.Sprintf("/proc/%d/root", pid)
}

// open is the file as symbols are read from it, or nil.
func (b *object) open() *symbol.File {
	if b.file == nil {
		return nil
	}
	f, err := symbol.New(b.file, b.root, strings.TrimSuffix(b.path, deleted))
	if err != nil {
		b.notELF = true
		return nil
	}
	return f
}

// at is the function at an offset of the file.
func (b *object) at(offset uint64) (name string, into uint64, ok bool) {
	if !b.tried {
		b.tried = true
		if f := b.open(); f != nil {
			b.names = f.Names()
		}
	}
	if b.names == nil {
		return "", 0, false
	}
	return b.names.At(offset)
}

func (b *object) close() {
	if b.file != nil {
		_ = b.file.Close()
		b.file = nil
	}
}

// objectOf is the binary of a mapping, nil if there is none.
func (s *Symbols) objectOf(pid int, m *mapping) *object {
	if m.inode == 0 {
		return nil
	}
	key := identity{m.device, m.inode}
	if known := s.binaries[key]; known != nil {
		s.use(known)
		return known
	}
	file := openMapped(pid, m)
	if file == nil {
		return nil
	}
	b := &object{path: m.path, root: rootOf(pid), file: file}
	s.use(b)
	s.binaries[key] = b
	if len(s.binaries) > s.files {
		oldest := key
		for other, candidate := range s.binaries {
			if candidate.used < s.binaries[oldest].used {
				oldest = other
			}
		}
		s.forget(s.binaries[oldest])
		delete(s.binaries, oldest)
	}
	return b
}

// objects are all binaries.
func (s *Symbols) objects() iter.Seq[*object] {
	return func(yield func(*object) bool) {
		for _, b := range s.binaries {
			if !yield(b) {
				return
			}
		}
		for _, b := range s.byBuildID {
			if b != nil && !yield(b) {
				return
			}
		}
	}
}

func (s *Symbols) forgetNames(b *object) {
	if b.names != nil {
		s.names -= b.names.Size()
		b.names, b.tried = nil, false
	}
}

func (s *Symbols) forget(b *object) {
	s.forgetNames(b)
	b.close()
}

// use notes that a binary was used.
func (s *Symbols) use(b *object) {
	s.clock++
	b.used = s.clock
}

// nameAt is the function at an offset of a binary. It forgets those of other binaries if there are too many.
func (s *Symbols) nameAt(b *object, offset uint64) (name string, into uint64, ok bool) {
	s.use(b)
	first := !b.tried
	name, into, ok = b.at(offset)
	if !first || b.names == nil {
		return name, into, ok
	}
	s.names += b.names.Size()
	for s.names > maxNames {
		var oldest *object
		for other := range s.objects() {
			if other != b && other.names != nil && (oldest == nil || other.used < oldest.used) {
				oldest = other
			}
		}
		if oldest == nil {
			break
		}
		s.forgetNames(oldest)
	}
	return name, into, ok
}

// vdsoName is the mapping of code that the kernel gives to each process.
const vdsoName = "[vdso]"

// ownVDSO reads the functions of this process's vDSO. Those of other processes are the same if they are as large: a
// 32-bit process has another one.
func ownVDSO() (names *symbol.Names, size uint64) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil, 0
	}
	defer maps.Close()
	all, err := parseMaps(maps)
	if err != nil {
		return nil, 0
	}
	for _, m := range all {
		if m.path != vdsoName {
			continue
		}
		memory, err := os.Open("/proc/self/mem")
		if err != nil {
			return nil, 0
		}
		defer memory.Close()
		image := make([]byte, m.end-m.start)
		if _, err := memory.ReadAt(image, int64(m.start)); err != nil {
			return nil, 0
		}
		f, err := symbol.New(bytes.NewReader(image), "/", vdsoName)
		if err != nil {
			return nil, 0
		}
		return f.Names(), m.end - m.start
	}
	return nil, 0
}
