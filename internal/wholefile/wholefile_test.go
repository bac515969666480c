package wholefile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/wholefile"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	testutil.Check(t, wholefile.Write(path, []byte("old")))
	testutil.Check(t, os.Chmod(path, 0o662))
	testutil.Check(t, os.Symlink("file", link))
	reader, err := os.Open(path)
	testutil.Check(t, err)
	defer reader.Close()
	testutil.Check(t, wholefile.Write(link, []byte("new")))
	if old, err := io.ReadAll(reader); string(old) != "old" {
		t.Errorf("who reads the old file finds %q, %v", old, err)
	}
	content, err := os.ReadFile(path)
	testutil.Check(t, err)
	info, err := os.Lstat(path)
	testutil.Check(t, err)
	if string(content) != "new" || info.Mode() != 0o662 {
		t.Errorf("it has %q and mode %v", content, info.Mode())
	}
	if target, err := os.Readlink(link); target != "file" {
		t.Errorf("the link leads to %q, %v", target, err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("in the folder are %v, %v", entries, err)
	}
}

func TestErrors(t *testing.T) {
	for path, want := range map[string]error{
		filepath.Join(t.TempDir(), "none", "file"): unix.ENOENT, t.TempDir(): unix.EISDIR, "/dev/full": unix.ENOSPC,
	} {
		err := wholefile.Write(path, []byte("x"))
		var at *os.PathError
		if !errors.Is(err, want) || !errors.As(err, &at) || at.Path != path {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}
