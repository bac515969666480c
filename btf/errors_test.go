package btf_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
)

// libbpf's warnings about a failure are in the error, and are not printed.
func TestWarningsAreInTheError(t *testing.T) {
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	defer slog.SetDefault(before)

	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte("not an ELF file, and longer than a header\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := btf.Parse(path)
	if err == nil || !strings.Contains(err.Error(), " (failed to ") {
		t.Errorf("error %v", err)
	}
	_, err = btf.Parse(filepath.Join(t.TempDir(), "nope"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	bad := []byte{0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0}
	if _, err = btf.ParseRaw(bad); !errors.Is(err, unix.EINVAL) {
		t.Errorf("error %v", err)
	}
	if logged.Len() > 0 {
		t.Errorf("logged: %s", logged.String())
	}
}
