package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/libbpf-go/libbpf-go"
)

// opening compares opening the objects in folders, and closing them again. Each run opens all of them.
func opening(dirs []string) ([]comparison, error) {
	var paths []string
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".o" && canOpen(path) {
				paths = append(paths, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	contents := make([][]byte, len(paths))
	for i, path := range paths {
		var err error
		if contents[i], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	all := func(open func(i int) error) func() (int, error) {
		return func() (int, error) {
			for i := range paths {
				if err := open(i); err != nil {
					return 0, fmt.Errorf("%s: %w", paths[i], err)
				}
			}
			return len(paths), nil
		}
	}
	const most = 1.1
	return []comparison{
		{title: fmt.Sprintf("opening one of %d object files", len(paths)), ops: len(paths), contenders: []contender{
			{name: "C", run: all(func(i int) error { return cOpenFile(paths[i]) })},
			{name: "OpenFile", mostC: most, run: all(func(i int) error {
				o, err := libbpf.OpenFile(paths[i])
				if err != nil {
					return err
				}
				return o.Close()
			})},
		}},
		{title: fmt.Sprintf("opening one of %d objects in memory", len(paths)), ops: len(paths), contenders: []contender{
			{name: "C", run: all(func(i int) error { return cOpenMemory(contents[i]) })},
			{name: "OpenMemory", mostC: most, run: all(func(i int) error {
				o, err := libbpf.OpenMemory(contents[i])
				if err != nil {
					return err
				}
				return o.Close()
			})},
		}},
	}, nil
}

// canOpen leaves out what is damaged, or made for tests of errors.
func canOpen(path string) bool {
	o, err := libbpf.ObjectBuilder{Print: func(libbpf.PrintLevel, string) {}}.OpenFile(path)
	if err == nil {
		_ = o.Close()
	}
	return err == nil
}
