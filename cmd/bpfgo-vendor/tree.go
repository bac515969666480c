package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A tree is the folder of a libbpf-go module. These are the states of its sources:
//
//   - whole: libbpf/upstream has the sources, and each cgo package has the marker libbpf_vendored.h,
//   - none: neither is there,
//   - half: a run was interrupted.
//
// The command may be killed at any moment, and Go's build cache may have anything in it. No build may succeed with a
// half tree. Hence this order:
//
//  1. upstream is prepared elsewhere and renamed into place, with guards in it. interrupted.h makes libbpf/vendor.h fail
//     to compile. The archives in lib ask for a missing file, and so fail the link of what Go compiled earlier.
//  2. The markers are renamed into the folders of the cgo packages.
//  3. Empty archives are renamed over the guards in lib, and interrupted.h is removed.
//
// Removing does the same in reverse order.
type tree struct{ root string }

const (
	upstream    = "libbpf/upstream"
	markerName  = "libbpf_vendored.h"
	interrupted = upstream + "/interrupted.h"
	emptyLib    = "!<arch>\n"
	missingLib  = "INPUT(\"vendoring libbpf was interrupted, run make vendor again\")\n"
)

// libs are the archives in upstream/lib, which make the linker flags of package clib and of users add nothing.
var libs = []string{"libbpf.a", "libbpf_go.a"}

// beforeChange is called before each change of the tree. Tests kill the process in it.
var beforeChange = func() {}

func (t tree) path(name string) string { return filepath.Join(t.root, filepath.FromSlash(name)) }

// vendor brings the tree to the state that the user asks for.
func (t tree) vendor(r request, say func(string, ...any)) error {
	unlock, err := lock(t.path("libbpf"), say)
	if err != nil {
		return err
	}
	defer unlock()
	stage, err := newStage(t.path("libbpf"))
	if err != nil {
		return err
	}
	defer stage.close()
	if r.remove {
		return t.remove(stage)
	}
	pins, err := readPins(t.path("libbpf/upstream.lock"))
	if err != nil {
		return err
	}
	sources, err := newSources(pins, r)
	if err != nil {
		return err
	}
	have, err := t.version()
	if err == nil && sources.wants(have) {
		if !t.finished(have) {
			if err := t.finish(stage, have); err != nil {
				return err
			}
		}
		say("%s are in place", versions(have))
		return nil
	}
	tarballs, err := sources.get(stage, say)
	if err != nil {
		if len(have) > 0 {
			err = fmt.Errorf("%w\n%s stay in place", err, versions(have))
		}
		return err
	}
	prepared := stage.path("tree")
	if err := t.unpack(tarballs, prepared); err != nil {
		return err
	}
	if err := putGuards(stage, prepared); err != nil {
		return err
	}
	flush()
	if err := t.remove(stage); err != nil {
		return err
	}
	beforeChange()
	if err := os.Rename(prepared, t.path(upstream)); err != nil {
		return err
	}
	laid := make([]pin, len(tarballs))
	for i, tarball := range tarballs {
		laid[i] = tarball.pin
	}
	if err := t.finish(stage, laid); err != nil {
		return err
	}
	say("%s are in place", versions(laid))
	return nil
}

// version returns what is in place: the pins of sources that are all there and unchanged, whether or not the rest of the
// tree is complete.
func (t tree) version() ([]pin, error) {
	pins, err := readPins(t.path("libbpf/upstream.lock"))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(t.path(upstream + "/PIN"))
	if err != nil {
		return nil, err
	}
	var have []pin
	for line := range strings.Lines(string(text)) {
		i := slices.IndexFunc(pins, func(p pin) bool { return pinLine(p) == line })
		if i < 0 {
			return nil, fmt.Errorf("%s is not pinned", strings.TrimSpace(line))
		}
		have = append(have, pins[i])
	}
	want, err := os.ReadFile(t.path(upstream + "/SHA256SUMS"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(want)) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		got, err := sumOf(t.path(upstream + "/" + name))
		switch {
		case err != nil:
			return nil, err
		case got != sum:
			return nil, fmt.Errorf("%s was changed", name)
		}
	}
	if len(have) != len(libraries) {
		return nil, errors.New("not all libraries are there")
	}
	return have, nil
}

func pinLine(p pin) string { return fmt.Sprintf("%s %s %s\n", p.library, p.version, p.sha256) }

func sumOf(file string) (string, error) {
	data, err := os.ReadFile(file)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), err
}

// finished reports whether a tree with sources is whole.
func (t tree) finished(pins []pin) bool {
	if _, err := os.Lstat(t.path(interrupted)); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	for _, lib := range libs {
		if text, err := os.ReadFile(t.path(upstream + "/lib/" + lib)); err != nil || string(text) != emptyLib {
			return false
		}
	}
	marker, err := t.marker(pins)
	if err != nil {
		return false
	}
	folders, err := t.cgoFolders()
	if err != nil {
		return false
	}
	for _, folder := range folders {
		if text, err := os.ReadFile(filepath.Join(folder, markerName)); err != nil || !bytes.Equal(text, marker) {
			return false
		}
	}
	return true
}

// finish makes a tree with sources whole.
func (t tree) finish(stage *stage, pins []pin) error {
	if err := putGuards(stage, t.path(upstream)); err != nil {
		return err
	}
	marker, err := t.marker(pins)
	if err != nil {
		return err
	}
	folders, err := t.cgoFolders()
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if err := stage.put(filepath.Join(folder, markerName), marker); err != nil {
			return err
		}
	}
	for _, lib := range libs {
		if err := stage.put(t.path(upstream+"/lib/"+lib), []byte(emptyLib)); err != nil {
			return err
		}
	}
	beforeChange()
	return os.Remove(t.path(interrupted))
}

// marker is the text of libbpf_vendored.h. It names the sources by their hash, because Go's build cache does not look
// at the files that other folders have.
func (t tree) marker(pins []pin) ([]byte, error) {
	sum, err := sumOf(t.path(upstream + "/SHA256SUMS"))
	version := pins[0].version
	return fmt.Appendf(nil, "#define LIBBPF_GO_VENDORED \"%s\"\n#define LIBBPF_GO_BUILD libbpf_go_vendored_%s\n/* %s: %s */\n",
		version, strings.ReplaceAll(version, ".", "_"), versions(pins), sum), err
}

// putGuards makes a folder with sources one that nothing can be built with.
func putGuards(stage *stage, folder string) error {
	if err := os.MkdirAll(filepath.Join(folder, "lib"), 0o777); err != nil {
		return err
	}
	if err := stage.put(filepath.Join(folder, "interrupted.h"), nil); err != nil {
		return err
	}
	for _, lib := range libs {
		if err := stage.put(filepath.Join(folder, "lib", lib), []byte(missingLib)); err != nil {
			return err
		}
	}
	return nil
}

// remove removes the sources and all markers, also those of folders that have no cgo package any more.
func (t tree) remove(stage *stage) error {
	_, err := os.Stat(t.path(upstream))
	laid := err == nil
	if laid {
		if err := putGuards(stage, t.path(upstream)); err != nil {
			return err
		}
	}
	err = t.walk(func(path string, entry fs.DirEntry) error {
		if entry.Name() != markerName {
			return nil
		}
		beforeChange()
		return os.Remove(path)
	})
	if err != nil || !laid {
		return err
	}
	beforeChange()
	return os.Rename(t.path(upstream), stage.path("removed"))
}

// cgoFolders returns the folders of the module's packages that import "C".
func (t tree) cgoFolders() ([]string, error) {
	var folders []string
	err := t.walk(func(path string, entry fs.DirEntry) error {
		folder := filepath.Dir(path)
		if filepath.Ext(path) != ".go" || slices.Contains(folders, folder) {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			if spec.Path.Value == `"C"` {
				folders = append(folders, folder)
				break
			}
		}
		return nil
	})
	slices.Sort(folders)
	return folders, err
}

// walk calls visit for the files in the folders of the module that Go looks at, except the sources.
func (t tree) walk(visit func(path string, entry fs.DirEntry) error) error {
	return filepath.WalkDir(t.root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !entry.IsDir():
			return visit(path, entry)
		case path == t.root:
			return nil
		case path == t.path(upstream) || entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") ||
			strings.HasPrefix(entry.Name(), "_"):
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil { // another module
			return filepath.SkipDir
		}
		return nil
	})
}
