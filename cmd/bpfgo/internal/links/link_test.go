package links

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

var tool = clitest.Tool{Command}

func TestLink(t *testing.T) {
	out := filepath.Join(t.TempDir(), "app.bpf.o")
	main, library := testutil.Object(t, "link_main"), testutil.Object(t, "link_library")
	if stdout, stderr := tool.Must(t, "link", main, "-o", out, library); stdout+stderr != "" {
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
	text := filepath.Join(t.TempDir(), "text")
	testutil.Check(t, os.WriteFile(text, []byte("text\n"), 0o600))
	for path, want := range map[string]string{
		"/no/such/file": "no such file",
		text:            "not a BPF object",
		library:         "conflicting non-weak symbol",
	} {
		failed := filepath.Join(t.TempDir(), "failed.bpf.o")
		_, stderr, status := tool.Run("link", "-o", failed, library, path)
		if status != cli.StatusFailed {
			t.Errorf("exit status %d", status)
		}
		clitest.WantLine(t, stderr, path, want)
		if _, err := os.Stat(failed); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("something was written: %v", err)
		}
	}
}
