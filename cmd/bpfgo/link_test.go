package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestLink(t *testing.T) {
	out := filepath.Join(t.TempDir(), "app.bpf.o")
	main, library := testutil.Object(t, "link_main"), testutil.Object(t, "link_library")
	if stdout, stderr := mustRun(t, "link", main, "-o", out, library); stdout+stderr != "" {
		t.Errorf("it says %q, %q", stdout, stderr)
	}
	o, err := libbpf.OpenFile(out)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for _, name := range []string{"total", "other"} {
		if _, err := o.Program(name); err != nil {
			t.Error(err)
		}
	}
	for path, want := range map[string]string{
		"/no/such/file": "no such file",
		"/etc/hostname": "not a BPF object",
		library:         "conflicting non-weak symbol",
	} {
		failed := filepath.Join(t.TempDir(), "failed.bpf.o")
		_, stderr, status := bpfgo("link", "-o", failed, library, path)
		if status != exitFailure {
			t.Errorf("exit status %d", status)
		}
		wantLine(t, stderr, path, want)
		if _, err := os.Stat(failed); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("something was written: %v", err)
		}
	}
}
