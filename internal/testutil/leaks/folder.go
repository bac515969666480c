package leaks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// makeFolder makes the folder for the temporary files of this process, so that its own are told from those of others.
// Where that is not possible, as for a test that runs as another user, there is none.
func makeFolder() (string, error) {
	folder, err := os.MkdirTemp("", "libbpf-go")
	if os.IsPermission(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	// Tests start processes of other users.
	if err := os.Chmod(folder, os.ModeSticky|0o777); err != nil {
		return "", err
	}
	return folder, os.Setenv(tmpdir, folder)
}

const tmpdir = "TMPDIR"

// filesLeft are the mounts and the files in the folder.
func (w *Watch) filesLeft() []Leak {
	if w.folder == "" {
		return nil
	}
	var leaked []Leak
	for _, m := range mounts() {
		if strings.HasPrefix(m.point, w.folder+"/") {
			leaked = append(leaked, Leak{What: fmt.Sprintf("mount of %s at %s", m.kind, m.point)})
		}
	}
	entries, err := os.ReadDir(w.folder)
	if err != nil {
		return append(leaked, Leak{What: fmt.Sprintf("temporary files: %v", err)})
	}
	for _, entry := range entries {
		leaked = append(leaked, Leak{What: "temporary file " + filepath.Join(w.folder, entry.Name())})
	}
	return leaked
}

// removeFolder removes the folder, with what was left in it.
func removeFolder(folder string) error {
	if folder == "" {
		return nil
	}
	for _, m := range slices.Backward(mounts()) {
		if strings.HasPrefix(m.point, folder+"/") {
			_ = unix.Unmount(m.point, unix.MNT_DETACH)
		}
	}
	return errors.Join(os.Setenv(tmpdir, filepath.Dir(folder)), os.RemoveAll(folder))
}
