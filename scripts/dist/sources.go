package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const upstream = "libbpf/upstream"

// addSources adds the vendored sources of a clone to a folder that has its committed files. It takes only the files
// that vendoring lists, with the content that they had then. HEAD's own bpfgo-vendor adds the rest, such as the
// markers: the working tree may have others.
func addSources(root, to string) error {
	const list = upstream + "/SHA256SUMS"
	sums, err := os.ReadFile(filepath.Join(root, list))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(`libbpf is not vendored here, and a release carries its sources: run "make vendor" first`)
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		name = upstream + "/" + name
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != want {
			return fmt.Errorf(`%s was changed: run "make vendor" again`, name)
		}
		if err := write(filepath.Join(to, name), text); err != nil {
			return err
		}
	}
	if err := write(filepath.Join(to, list), sums); err != nil {
		return err
	}
	for _, text := range licences {
		if _, err := os.Stat(filepath.Join(to, upstream, text)); err != nil {
			return fmt.Errorf(`%w: run "make unvendor vendor"`, err)
		}
	}
	if err := checkPins(to); err != nil {
		return err
	}
	return finish(to)
}

// licences are the texts that docs/licences.md names. Sources that an older make vendor laid down may lack one.
var licences = []string{"libbpf/LICENSE", "libbpf/LICENSE.BSD-2-Clause", "libbpf/LICENSE.LGPL-2.1", "libelf/COPYING",
	"libelf/COPYING-GPLV2", "libelf/COPYING-LGPLV3", "zlib/LICENSE"}

// checkPins checks that the sources are the preferred ones of HEAD's lock: a release is not built with what happened to
// be in place.
func checkPins(folder string) error {
	lock, err := os.ReadFile(filepath.Join(folder, "libbpf/upstream.lock"))
	if err != nil {
		return err
	}
	has, err := os.ReadFile(filepath.Join(folder, upstream, "PIN"))
	if err != nil {
		return err
	}
	preferred := make(map[string]bool)
	var want bytes.Buffer
	for line := range strings.Lines(string(lock)) {
		fields := strings.Fields(line)
		if len(fields) != 4 || strings.HasPrefix(line, "#") || preferred[fields[0]] {
			continue
		}
		preferred[fields[0]] = true
		fmt.Fprintln(&want, fields[0], fields[1], fields[3])
	}
	if !bytes.Equal(has, want.Bytes()) {
		return fmt.Errorf("vendored is\n%sand libbpf/upstream.lock prefers\n%srun \"make unvendor vendor\"", has, want.Bytes())
	}
	return nil
}

func finish(folder string) error {
	_, err := output(goCommand(folder, "run", "-buildvcs=false", "./cmd/bpfgo-vendor"))
	return err
}

// goCommand runs the go command for this machine, whatever the release is built for.
func goCommand(folder string, args ...string) *exec.Cmd {
	cmd := exec.Command("go", args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOOS=", "GOARCH=", "CGO_ENABLED=0")
	return cmd
}
