package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

// A user is what uses the module: the current folder's module or, outside of one, the workspace.
type user struct {
	command string // "mod" or "work"
	file    string // go.mod or go.work
}

func findUser() (user, error) {
	out, err := goCommand("env", "GOMOD", "GOWORK")
	if err != nil {
		return user{}, err
	}
	gomod, gowork, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if gomod == os.DevNull {
		return user{"work", gowork}, nil
	}
	return user{"mod", gomod}, nil
}

// inFolder writes a path as a replace directive has it.
func (u user) inFolder(path string) (string, error) {
	relative, err := filepath.Rel(filepath.Dir(u.file), path)
	if relative = filepath.ToSlash(relative); !strings.HasPrefix(relative, "../") {
		relative = "./" + relative
	}
	return relative, err
}

// tellVendorFolder tells the user if a vendor folder has the library in another state than the module.
func (m *module) tellVendorFolder(say func(string, ...any)) error {
	user, err := findUser()
	if err != nil {
		return err
	}
	copied := filepath.Join(filepath.Dir(user.file), "vendor", libraryPath, "libbpf")
	if _, err := os.Stat(copied); err != nil {
		return nil
	}
	// No marker is a state, too.
	want, _ := os.ReadFile(m.tree.path("libbpf/" + markerName))
	has, _ := os.ReadFile(filepath.Join(copied, markerName))
	if !bytes.Equal(want, has) {
		say("run \"go %s vendor\" now: the vendor folder has another state", user.command)
	}
	return nil
}
