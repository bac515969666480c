package types

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func needVendored(t *testing.T) {
	t.Helper()
	if !libbpf.Version().Vendored {
		_, err := btf.RelocationsInMemory(nil)
		testutil.Skip(t, "vendored-libbpf", err)
	}
}

func TestBTFMin(t *testing.T) {
	needVendored(t)
	object, dir := testutil.Object(t, "core"), t.TempDir()
	minimal := filepath.Join(dir, "minimal.btf")
	if err := os.WriteFile(minimal, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(minimal)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	tool.Must(t, "btf", "min", "-o", minimal, object)
	if old, err := io.ReadAll(reader); string(old) != "old" {
		t.Errorf("who reads the old file finds %q, %v", old, err)
	}
	info, err := os.Stat(minimal)
	if err != nil || info.Size() > 4096 {
		t.Errorf("%v, %v", info, err)
	}
	stdout, _ := tool.Must(t, "btf", "relocations", object)
	again, _ := tool.Must(t, "btf", "relocations", "--file", minimal, object)
	if stdout != again {
		t.Errorf("the relocations with the minimal types differ:\n%s\n%s", again, stdout)
	}
	for _, want := range []string{
		": type_exists struct no_such_struct___x: 1 -> 0\n",
		": byte_off struct no_such_struct___x.member: not there\n",
		": enumval_value enum sock_type::SOCK_RAW = 3: 3 -> 3\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	_, stderr, status := tool.Run("btf", "min", "-o", filepath.Join(dir, "x"), "/no/such/file")
	if status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "/no/such/file", "no such file")
	if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
		t.Error("something was written")
	}
}
