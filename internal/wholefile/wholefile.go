// Package wholefile writes files as a whole: who reads one finds the old or the new content.
package wholefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write replaces the content of a file, or makes the file. After an error it is as it was before. A symbolic link stays,
// and so do the permissions of the file that it leads to. What is no regular file, such as a pipe, can't be replaced and
// is written to.
//
// The error is a *os.PathError with path.
func Write(path string, content []byte) error {
	if err := write(path, content); err != nil {
		var at *os.PathError
		var between *os.LinkError
		switch {
		case errors.As(err, &at):
			err = at.Err
		case errors.As(err, &between):
			err = between.Err
		}
		return &os.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}

func write(path string, content []byte) error {
	mode := os.FileMode(0o666)
	info, err := os.Stat(path)
	if err == nil {
		if !info.Mode().IsRegular() {
			return os.WriteFile(path, content, mode)
		}
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
		mode = info.Mode().Perm()
	}
	partial := fmt.Sprintf("%s.%d.partial", path, os.Getpid())
	file, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if info != nil && err == nil {
		err = file.Chmod(mode) // which the umask has cut
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(partial, path)
	}
	if err != nil {
		_ = os.Remove(partial)
	}
	return err
}
