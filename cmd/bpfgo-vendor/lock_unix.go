//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// lock makes this command the only one that works on the folder. The lock is on the folder itself, so no lock file can
// stay behind.
func lock(folder string, say func(string, ...any)) (unlock func(), err error) {
	file, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		say("another one is at work, waiting for it")
		for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
			err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		}
	}
	if err != nil {
		file.Close()
		return nil, &os.PathError{Op: "flock", Path: folder, Err: err}
	}
	return func() { file.Close() }, nil
}

// flush writes to the disk what was prepared, before it is renamed into place.
var flush = syscall.Sync
