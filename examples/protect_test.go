//go:build !race

package examples

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestProtect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, other := filepath.Join(dir, "file"), filepath.Join(dir, "other")
	for _, path := range []string{file, other} {
		testutil.Check(t, os.WriteFile(path, []byte("content"), 0o600))
	}
	e := start(t, "protect", file)
	e.waitFor("^1 files are protected")
	for what, act := range map[string]func(path string) error{
		"write to": func(path string) error { return os.WriteFile(path, []byte("changed"), 0o600) },
		"rename":   func(path string) error { return os.Rename(path, path+".new") },
		"remove":   os.Remove,
	} {
		testutil.WantErr(t, act(file), unix.EPERM)
		e.waitFor(fmt.Sprintf(`^\S+ \(%d\) may not %s %s$`, os.Getpid(), what, file))
	}
	testutil.WantErr(t, os.Rename(other, file), unix.EPERM)
	content, err := os.ReadFile(file) // reading is allowed
	testutil.Check(t, err)
	if string(content) != "content" {
		t.Errorf("it has %q", content)
	}
	testutil.Check(t, os.WriteFile(other, nil, 0o600)) // as is all with other files
	testutil.Check(t, os.Remove(other))
	e.interrupt()
	testutil.Check(t, os.Remove(file))
}
