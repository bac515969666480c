package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// tag makes a commit of HEAD and the sources in folder, and tags it with the version. The go command makes the same
// module of the tag as of the release. The sources get into no branch.
func (c clone) tag(r release, folder string) (string, error) {
	files := []string{upstream}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Name() == "libbpf_vendored.h" {
			path, err = filepath.Rel(folder, path)
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	gitDir, err := c.git("rev-parse", "--absolute-git-dir")
	if err != nil {
		return "", err
	}
	index, err := os.MkdirTemp("", "libbpf-go-index.")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(index)
	// With the name and the time of HEAD, each run makes the same commit.
	who, err := c.git("show", "-s", "--format=%cn\n%ce", "HEAD")
	if err != nil {
		return "", err
	}
	name, email, _ := strings.Cut(strings.TrimSpace(string(who)), "\n")
	when := r.time.Format(time.RFC3339)
	git := func(args ...string) string {
		if err != nil {
			return ""
		}
		// Line ends stay as they are: the release has them, too.
		cmd := exec.Command("git", append([]string{"-c", "core.autocrlf=false"}, args...)...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "GIT_DIR="+strings.TrimSpace(string(gitDir)), "GIT_WORK_TREE="+folder,
			"GIT_INDEX_FILE="+filepath.Join(index, "index"),
			"GIT_AUTHOR_NAME="+name, "GIT_AUTHOR_EMAIL="+email, "GIT_AUTHOR_DATE="+when,
			"GIT_COMMITTER_NAME="+name, "GIT_COMMITTER_EMAIL="+email, "GIT_COMMITTER_DATE="+when)
		var out []byte
		out, err = output(cmd)
		return strings.TrimSpace(string(out))
	}
	git("read-tree", "HEAD")
	git(append([]string{"add", "--force", "--"}, files...)...)
	tree := git("write-tree")
	commit := git("commit-tree", tree, "-p", "HEAD", "-m", "Release "+r.version+" with the sources of libbpf, libelf and zlib")
	if err != nil {
		return "", err
	}
	if there, err := c.git("rev-parse", "--verify", "--quiet", "refs/tags/"+r.version+"^{commit}"); err == nil {
		if tagged := strings.TrimSpace(string(there)); tagged != commit {
			return "", fmt.Errorf("%s is the tag of commit %s: a tag never moves", r.version, tagged)
		}
		return commit, nil
	}
	git("tag", r.version, commit)
	return commit, err
}

// mayBe checks a version that the user names. Once tagged, a version is that commit, or the one before it if tag made
// it.
func (c clone) mayBe(version, commit string) error {
	tagged, err := c.git("rev-parse", "--verify", "--quiet", "refs/tags/"+version+"^{commit}")
	if err != nil {
		return nil
	}
	before, _ := c.git("rev-parse", "--verify", "--quiet", "refs/tags/"+version+"^{commit}^")
	is := func(out []byte) bool { return strings.TrimSpace(string(out)) == commit }
	if is(tagged) || is(before) {
		return nil
	}
	return errors.New(version + " is the tag of another commit: " + strings.TrimSpace(string(tagged)))
}
