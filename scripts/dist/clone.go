package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// A clone is the git repository of the current folder.
type clone struct{ root string }

// A release is a version of a module.
type release struct {
	path, version string
	time          time.Time
}

func findClone() (clone, error) {
	root, err := clone{"."}.git("rev-parse", "--show-toplevel")
	return clone{strings.TrimSpace(string(root))}, err
}

// git sets what decides about the bytes of text files, as the go command does.
func (c clone) git(args ...string) ([]byte, error) {
	cmd := exec.Command("git", append([]string{"-c", "core.autocrlf=input", "-c", "core.eol=lf"}, args...)...)
	cmd.Dir = c.root
	return output(cmd)
}

// output runs a command. Its error has what the command says.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, err
}

func (c clone) changed() (bool, error) {
	out, err := c.git("status", "--porcelain")
	return len(out) > 0, err
}

// head names the release that HEAD is. Its time is the commit's, so that it is the same in each run.
func (c clone) head(version string) (release, error) {
	gomod, err := c.git("show", "HEAD:go.mod")
	if err != nil {
		return release{}, err
	}
	out, err := c.git("show", "-s", "--format=%H %ct", "HEAD")
	if err != nil {
		return release{}, err
	}
	var commit string
	var seconds int64
	if _, err := fmt.Sscan(string(out), &commit, &seconds); err != nil {
		return release{}, err
	}
	r := release{modfile.ModulePath(gomod), version, time.Unix(seconds, 0).UTC()}
	tagged, err := c.newest("--points-at", "HEAD")
	if err != nil {
		return release{}, err
	}
	switch {
	case version != "":
		if module.CanonicalVersion(version) != version {
			return release{}, fmt.Errorf("%q is not a version, such as v0.1.0", version)
		}
		if err := c.mayBe(version, commit); err != nil {
			return release{}, err
		}
	case tagged != "":
		r.version = tagged
	default:
		before, err := c.newest("--merged", "HEAD")
		if err != nil {
			return release{}, err
		}
		r.version = module.PseudoVersion("v0", before, r.time, commit[:12])
	}
	return r, module.Check(r.path, r.version)
}

// newest returns the newest version among git's tags; empty if there is none.
func (c clone) newest(filter ...string) (string, error) {
	out, err := c.git(append([]string{"tag"}, filter...)...)
	newest := ""
	for _, tag := range strings.Fields(string(out)) {
		if module.CanonicalVersion(tag) == tag && semver.Compare(tag, newest) > 0 {
			newest = tag
		}
	}
	return newest, err
}

// export writes what is committed at HEAD to a folder. It leaves out what is not a regular file, as the go command does.
func (c clone) export(to string) error {
	packed, err := c.git("archive", "--format=tar", "HEAD")
	if err != nil {
		return err
	}
	for archive := tar.NewReader(bytes.NewReader(packed)); ; {
		header, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case header.Typeflag != tar.TypeReg:
			continue
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(to, filepath.FromSlash(header.Name)), text); err != nil {
			return err
		}
	}
}

// write writes a file, and makes its folder.
func write(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o666)
}
