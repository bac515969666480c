package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
)

const libraryPath = "github.com/libbpf-go/libbpf-go"

// A module is the libbpf-go that the current folder's module uses.
type module struct {
	tree   tree
	cached bool // in Go's module cache
}

// findModule asks the go command.
func findModule() (module, error) {
	m, err := listModule()
	if err == nil && m.Dir == "" {
		if _, err = goCommand("mod", "download", libraryPath); err == nil {
			m, err = listModule()
		}
	}
	if err != nil {
		return module{}, fmt.Errorf("the module of this folder does not use libbpf-go: run \"go get %s\" first (%w)",
			libraryPath, err)
	}
	cached := !m.Main && (m.Replace == nil || m.Replace.Version != "")
	return module{tree{m.Dir}, cached}, nil
}

// listed is what the go command knows about the module.
type listed struct {
	Dir     string // empty if it is not in the module cache yet
	Main    bool
	Replace *struct{ Version string }
}

// listModule ignores a vendor folder: its copy of libbpf-go is not the one to change. Of the other modes, only readonly
// works in a workspace.
func listModule() (listed, error) {
	var m listed
	out, err := goCommand("list", "-m", "-mod=readonly", "-json", libraryPath)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(out, &m)
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
