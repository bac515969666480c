package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A network that is down, or a wrong file, never leads to another version.
func TestArchive(t *testing.T) {
	l := newLab(t)
	const down = "http://127.0.0.1:1/debian/"
	here := "file:" + filepath.Dir(l.pool) + "/"
	laid := func(want string, r request, texts ...string) {
		t.Helper()
		said := l.vendor(r)
		for _, text := range texts {
			if !strings.Contains(said, text) {
				t.Errorf("it does not say %q: %s", text, said)
			}
		}
		if have, err := l.version(); err != nil || have[0].version != want {
			t.Fatalf("there is %v, want %s: %s", have, want, said)
		}
		l.vendor(request{remove: true})
	}

	l.apt(down)
	l.refuses(request{}, "onnect", "FROM=FOLDER")
	laid("9.1.0", request{archive: here})
	l.apt(down, here)
	laid("9.1.0", request{}, "onnect", "libbpf 9.1.0, libelf 0.9, zlib 0.8 are in place")
	laid("9.0.0", request{libbpf: "9.0.0"})
	l.apt(strings.TrimSuffix(here, "/") + "-security/")
	laid("9.1.0", request{})
	mirrors := filepath.Join(t.TempDir(), "mirrors")
	l.write(mirrors, "# mirrors\n"+down+"\tpriority:1\n"+strings.TrimSuffix(here, "/")+"\n")
	l.apt("mirror+file:" + mirrors + "/")
	laid("9.1.0", request{})
	l.apt("file:" + t.TempDir() + "/")
	l.refuses(request{}, "not there", "IS GONE", "FROM=FOLDER")

	l.apt(here)
	good, err := os.ReadFile(l.tarball("libbpf", "9.1.0"))
	l.check(err)
	l.write(l.tarball("libbpf", "9.1.0"), string(good)+"damaged")
	l.refuses(request{}, "has not the sha256")
	l.check(os.Remove(l.tarball("libbpf", "9.1.0")))
	l.refuses(request{libbpf: "9.1.0"}, "not there")
	laid("9.0.0", request{}, "libbpf 9.1.0 IS GONE FROM THE ARCHIVE: falling back to libbpf 9.0.0")
	l.check(os.Remove(l.tarball("zlib", "0.8")))
	laid("9.0.0", request{}, "libbpf 9.0.0, libelf 0.9, zlib 0.7 are in place")
}

// Without apt, other programs download.
func TestDownloaders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	for _, test := range []struct {
		program, script string
		want            answer
	}{
		{"curl", `for last; do :; done; echo "$last" >"${10}"`, answered},
		{"curl", `echo "curl: (22) The requested URL returned error: 404" >&2; exit 22`, absent},
		{"curl", `echo "curl: (6) Could not resolve host: x" >&2; exit 6`, failed},
		{"wget", `echo "$5" >"$4"`, answered},
		{"wget", `echo "wget: server returned error: HTTP/1.1 404 Not Found" >&2; exit 1`, absent},
		{"wget", `echo "wget: bad address 'x'" >&2; exit 1`, failed},
	} {
		folder := t.TempDir()
		script := "#!/bin/sh\n" + test.script + "\n"
		if err := os.WriteFile(filepath.Join(folder, test.program), []byte(script), 0o777); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", folder)
		_ = os.Remove(file)
		got, said := downloadBy(downloaders[1:], "http://x/y", file)
		if got != test.want || (got == failed) != (said != "") {
			t.Errorf("%s, %s: %v, %q", test.program, test.script, got, said)
		}
		if text, _ := os.ReadFile(file); got == answered && string(text) != "http://x/y\n" {
			t.Errorf("%s wrote %q", test.program, text)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if got, said := downloadBy(downloaders[1:], "http://x/y", file); got != failed || !strings.Contains(said, "curl") {
		t.Errorf("with no program: %v, %q", got, said)
	}
}
