package guest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LIBBPF_GO_CACHE", dir)
	write := func(path, text string) string {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	image := write("kernels/6.1/vmlinuz", "")
	write("kernels/6.1/release", "6.1.0-test\n")
	config := write("kernels/6.1/config", "")
	other := write("build/bzImage", "")
	named := write("boot/vmlinuz-5.4.0-x", "")
	namedConfig := write("boot/config-5.4.0-x", "")
	for text, want := range map[string]Kernel{
		"6.1":               {"6.1", image, config, "6.1.0-test"},
		filepath.Dir(image): {"6.1", image, config, "6.1.0-test"},
		named:               {"5.4.0-x", named, namedConfig, "5.4.0-x"},
		image:               {"6.1", image, config, "6.1.0-test"},
		other:               {"bzImage", other, "", "bzImage"},
	} {
		if got, err := Find(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"4.9", dir, "", "../6.1"} {
		if got, err := Find(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

// Only the mark after all output shows that a command has ended.
func TestParse(t *testing.T) {
	k := Kernel{Name: "6.1"}
	r, err := parse(k, "out\x1eEND", "err\x1eEND 5\n", "log", "END", nil)
	if err != nil || r != (Result{"out", "err", 5}) {
		t.Errorf("%+v, %v", r, err)
	}
	died := errors.New("it died")
	for name, tt := range map[string]struct {
		stdout, stderr string
		failed         error
		want           string
	}{
		"nothing":        {"", "", nil, "it ended before the command did"},
		"output cut off": {"out", "\x1eEND 0\n", nil, "it ended before the command did"},
		"no status":      {"out\x1eEND", "", nil, "it ended before the command did"},
		"half a status":  {"out\x1eEND", "\x1eEND ", nil, "it ended before the command did"},
		"another mark":   {"out\x1eDNE", "\x1eDNE 0\n", died, "it died"},
	} {
		_, err := parse(k, tt.stdout, tt.stderr, "1\r\n2\r\n3\r\nKernel panic\r\n", "END", tt.failed)
		if err == nil || !strings.Contains(err.Error(), "Linux 6.1: "+tt.want+"; the last that its kernel said: 2; 3; Kernel panic") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNotInside(t *testing.T) {
	if Inside() {
		t.Error("this is no machine of Run's")
	}
}

// The machine has the files that relative paths lead to here, where it looks for them.
func TestFilesOfMachine(t *testing.T) {
	dir := t.TempDir()
	wanted, other := rand.Text(), rand.Text() // the machine has this test too, and so what it says
	for path, content := range map[string]string{"a/wanted": wanted, "wanted": other} {
		if err := os.MkdirAll(filepath.Join(dir, "a/b"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a/b", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	t.Chdir(link) // and PWD has the link
	image := filepath.Join(dir, "image")
	if err := writeImage(image, Kernel{}, job{Folder: link}, []string{"../wanted", "c/../nothing"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(got, []byte(wanted)) || bytes.Contains(got, []byte(other)) {
		t.Error("the machine has another file")
	}
	if !bytes.Contains(got, []byte(link[1:]+"/c\x00")) {
		t.Error("there is no folder c to go through")
	}
}

// A file system over a folder hides the objects in it.
func TestTemporaryFilesStay(t *testing.T) {
	for _, m := range mounts {
		if strings.HasPrefix(os.TempDir()+"/", m.path+"/") {
			t.Errorf("%s hides what is in %s", m.kind, m.path)
		}
	}
}
