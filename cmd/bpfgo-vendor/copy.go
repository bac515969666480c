package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What a build of libbpf-go as a dependency does not need.
var notCopied = []string{"bench", "bpf", "docs", "examples", "internal/testutil", "scripts", "selftests"}

// copyTo copies the module to a folder of what uses it, and adds a replace directive for it.
func (m *module) copyTo(folder string, say func(string, ...any)) error {
	user, err := findUser()
	if err != nil {
		return err
	}
	if folder == "" {
		folder = filepath.Join(filepath.Dir(user.file), "libbpf-go")
	} else if folder, err = filepath.Abs(folder); err != nil {
		return err
	}
	relative, err := user.inFolder(folder)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(folder); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: remove it, or name another folder with -copy", folder)
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o777); err != nil {
		return err
	}
	// A copy that is not complete must not be used.
	partial, err := os.MkdirTemp(filepath.Dir(folder), ".libbpf-go.")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	if err := os.Chmod(partial, 0o755); err != nil {
		return err
	}
	if err := copyModule(m.tree.root, partial); err != nil {
		return err
	}
	if err := os.Rename(partial, folder); err != nil {
		return err
	}
	// This also removes directives that replace one version.
	if _, err := goCommand(user.command, "edit", "-replace="+libraryPath+"="+relative, user.file); err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	say("%s is copied to %s, and %s has a replace directive for it", m.tree.root, relative, filepath.Base(user.file))
	m.tree = tree{folder}
	return nil
}

func copyModule(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case relative == ".":
			return nil
		case entry.IsDir() && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") ||
			slices.Contains(notCopied, filepath.ToSlash(relative))):
			return filepath.SkipDir
		case entry.IsDir():
			return os.Mkdir(target, 0o755)
		case !entry.Type().IsRegular() || strings.HasPrefix(entry.Name(), ".") || strings.HasSuffix(path, "_test.go"):
			return nil // with .gitignore, the user's git would leave out the sources
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}
