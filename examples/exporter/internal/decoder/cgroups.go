package decoder

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
)

// Cgroups are cgroups by their id, which is the inode of their folder.
type Cgroups struct {
	root  string
	mu    sync.Mutex
	found bool
	whole bool // root is that of the whole machine
	paths map[uint64]string
	gone  map[uint64]bool // ids without a folder: those don't come back
	limit limit
	warn  sync.Once
}

// path is the path of a cgroup within the hierarchy, such as "/system.slice". The answer is None for one that is gone.
func (t *Cgroups) path(id uint64) (string, Answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if path, ok := t.paths[id]; ok {
		return path, Known
	}
	if t.gone[id] {
		return "", None
	}
	switch t.limit.ask(id) {
	case wait:
		return "", Later
	case look:
		t.scan()
	}
	path, ok := t.paths[id]
	if !ok && t.found {
		t.gone[id] = true
	}
	return answer(path, ok)
}

// alive tells whether a cgroup that had a path is still there.
func (t *Cgroups) alive(id uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	path, ok := t.paths[id]
	if !ok {
		return false
	}
	var stat syscall.Stat_t
	if syscall.Stat(filepath.Join(t.root, path), &stat) == nil && stat.Ino == id {
		return true
	}
	delete(t.paths, id)
	t.gone[id] = true
	return false
}

// isGone tells whether a cgroup is gone from the machine. It is never sure where only a part of the hierarchy is seen,
// such as in a container.
func (t *Cgroups) isGone(id uint64) bool {
	if _, known := t.path(id); known == Known {
		return !t.alive(id) && t.isGone(id)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.whole && t.gone[id]
}

// isWhole tells whether a folder is the root of the machine's hierarchy of version 2, which has the inode 1.
func isWhole(root string) bool {
	var stat unix.Stat_t
	return isCgroup2(root) && unix.Stat(root, &stat) == nil && stat.Ino == 1
}

func isCgroup2(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC
}

// scan reads the names of all folders.
func (t *Cgroups) scan() {
	if t.root == "" {
		t.root = cgroupRoot("/proc/self/mountinfo")
	}
	if below := filepath.Join(t.root, "unified"); !isCgroup2(t.root) && isCgroup2(below) { // both versions are mounted
		t.root = below
	}
	if !isCgroup2(t.root) {
		t.warn.Do(func() {
			slog.Warn("the folder of cgroups is none of version 2: their names may be missing or wrong", "folder", t.root)
		})
	}
	t.paths = map[uint64]string{}
	if t.gone == nil || len(t.gone) > 1<<16 {
		t.gone = map[uint64]bool{}
	}
	t.found = false
	var root syscall.Stat_t
	_ = syscall.Stat(t.root, &root)
	t.whole = isWhole(t.root)
	_ = filepath.WalkDir(t.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil { // it has been removed meanwhile, or can't be read
			if entry != nil && entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.IsDir() {
			return nil
		}
		var stat syscall.Stat_t
		if syscall.Stat(path, &stat) == nil {
			if stat.Dev != root.Dev { // another hierarchy, whose numbers mean other cgroups
				return filepath.SkipDir
			}
			t.found = true
			t.paths[stat.Ino] = "/" + strings.TrimPrefix(strings.TrimPrefix(path, t.root), "/")
		}
		return nil
	})
}

// cgroupRoot is where the hierarchy of version 2 is mounted.
func cgroupRoot(mountinfo string) string {
	text, err := os.ReadFile(mountinfo)
	if err == nil {
		for line := range strings.Lines(string(text)) {
			before, after, ok := strings.Cut(line, " - ")
			fields := strings.Fields(before)
			if ok && strings.HasPrefix(after, "cgroup2 ") && len(fields) > 4 {
				return fields[4]
			}
		}
	}
	return "/sys/fs/cgroup"
}

// unknown is the text for cgroups without a folder: one text for all, so that they don't become a series each.
const unknown = "unknown"

func (t *Cgroups) decoder(d config.Decoder) (first, func(Field) bool) {
	decode := func(f Field) (string, Answer) {
		path, known := t.path(f.Number)
		if known == None {
			return answer(rest(d, unknown))
		}
		return path, known
	}
	return decode, mortal(d, t)
}

// mortal tells that a label of a cgroup ends with it, if those that are unknown have no series.
func mortal(d config.Decoder, t *Cgroups) func(Field) bool {
	if !d.Drop {
		return nil
	}
	return func(f Field) bool { return t.alive(f.Number) }
}
