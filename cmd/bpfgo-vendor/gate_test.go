package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// Each cgo package of libbpf-go goes through the gate, or a half tree could be linked with it.
func TestGate(t *testing.T) {
	folders, err := tree{"../.."}.cgoFolders()
	if err != nil || len(folders) < 4 {
		t.Fatal(folders, err)
	}
	gate := regexp.MustCompile(`(?m)^#include "[./a-z]*vendor\.h"$`)
	for _, folder := range folders {
		files, _ := filepath.Glob(filepath.Join(folder, "*.[gh]*"))
		passes := false
		for _, file := range files {
			text, err := os.ReadFile(file)
			passes = passes || err == nil && gate.Match(text)
		}
		if !passes {
			t.Errorf("no file of %s includes libbpf/vendor.h", folder)
		}
	}
}
