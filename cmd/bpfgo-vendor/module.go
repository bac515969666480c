package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const libraryPath = "github.com/libbpf-go/libbpf-go"

// A module is the libbpf-go that the current folder's module uses.
type module struct {
	tree   tree
	cached bool // in Go's module cache
}

// findModule asks the go command.
func findModule() (module, error) {
	type listed struct {
		Dir     string
		Main    bool
		Replace *struct{ Version string }
	}
	// A vendor folder has no say in what is to be vendored.
	if _, err := goCommand("mod", "download", libraryPath); err != nil && !mainModule() {
		return module{}, notUsed(err)
	}
	out, err := goCommand("list", "-m", "-mod=mod", "-json", libraryPath)
	if err != nil {
		return module{}, notUsed(err)
	}
	var m listed
	if err := json.Unmarshal(out, &m); err != nil {
		return module{}, fmt.Errorf("go list: %w", err)
	}
	if m.Dir == "" {
		return module{}, fmt.Errorf("go list: %s is not in the module cache", libraryPath)
	}
	cached := !m.Main && (m.Replace == nil || m.Replace.Version != "")
	return module{tree{m.Dir}, cached}, nil
}

// mainModule reports whether the current folder is in libbpf-go itself.
func mainModule() bool {
	out, err := goCommand("list", "-m")
	return err == nil && strings.TrimSpace(string(out)) == libraryPath
}

func notUsed(err error) error {
	return fmt.Errorf("the module of this folder does not use libbpf-go: run \"go get %s\" first (%w)", libraryPath, err)
}

func goCommand(args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && stderr.Len() > 0 {
		err = fmt.Errorf("go %s: %s", args[0], bytes.TrimSpace(stderr.Bytes()))
	}
	return out, err
}

// What a build of libbpf-go as a dependency does not need.
var notCopied = []string{"bench", "bpf", "docs", "examples", "scripts", "selftests"}

// copyTo copies the module to a folder of the current module, and adds a replace directive for it.
func (m *module) copyTo(folder string, say func(string, ...any)) error {
	out, err := goCommand("env", "GOMOD")
	if err != nil {
		return err
	}
	gomod := strings.TrimSpace(string(out))
	if folder == "" {
		folder = filepath.Join(filepath.Dir(gomod), "libbpf-go")
	} else if folder, err = filepath.Abs(folder); err != nil {
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
	relative, err := filepath.Rel(filepath.Dir(gomod), folder)
	if err != nil {
		return err
	}
	relative = filepath.ToSlash(relative)
	if !strings.HasPrefix(relative, "../") {
		relative = "./" + relative
	}
	if _, err := goCommand("mod", "edit", "-replace="+libraryPath+"="+relative, gomod); err != nil {
		return err
	}
	say("%s is copied to %s, and go.mod has a replace directive for it", m.tree.root, relative)
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
		case entry.IsDir() && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") || isNotCopied(relative)):
			return filepath.SkipDir
		case entry.IsDir():
			return os.Mkdir(target, 0o755)
		case !entry.Type().IsRegular() || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}

func isNotCopied(folder string) bool {
	for _, name := range notCopied {
		if folder == name {
			return true
		}
	}
	return false
}
