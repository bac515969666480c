package libbpf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// checkPin returns an error if something other than the given kind and id is pinned at path, or path is a symbolic link:
// to remove a link would leave the pin behind it.
func checkPin(path string, kind PinKind, id uint32) error {
	if err := checkPinPath(path); err != nil {
		return err
	}
	return checkPinIn(unix.AT_FDCWD, path, path, kind, id)
}

func checkPinPath(path string) error {
	if path == "" {
		return errNoPinPath
	}
	return cmem.CheckString("path", path)
}

// checkPinIn is checkPin of a name in a folder. path is what errors call it.
func checkPinIn(folder int, name, path string, kind PinKind, id uint32) error {
	file, err := unix.Openat(folder, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fault.Newf(err, "%q: %s", path, errorText(err))
	}
	defer unix.Close(file)
	pin, err := heldPin(path, file)
	switch {
	case err != nil:
		return fault.Newf(err, "%q: %s", path, errorText(err))
	case pin.Kind != kind || pin.ID() != id:
		return fault.Invalidf("%q is the pin of something else: %s", path, pin)
	}
	return nil
}

// heldPin tells what is pinned by the file that a descriptor of the kind O_PATH holds.
func heldPin(path string, file int) (Pin, error) {
	if _, err := pinStatus(file); err != nil {
		return Pin{}, err
	}
	fd, err := getHeld(file, 0)
	if err == unix.EACCES {
		// It may be a map that this process can only read. Only maps can be opened so.
		if readable, again := getHeld(file, CreateReadOnly); again == nil {
			fd, err = readable, nil
		}
	}
	if err != nil {
		return Pin{}, err
	}
	defer unix.Close(fd)
	return describePin(path, fd)
}

// unpin removes a pin of the given kind and id, and no other. The kernel removes by name only, and somebody may put
// another pin at the name between a check and the removal. So unpin moves the pin to a name that nobody else knows,
// checks it there, and moves it back if it is another one. What it removes was checked under the name that it removes.
func unpin(path string, kind PinKind, id uint32) error {
	return withdraw(path, kind, id, func(folder int, name string) error { return unix.Unlinkat(folder, name, 0) })
}

// withdraw moves a pin of the given kind and id away, and runs remove with its new place.
func withdraw(path string, kind PinKind, id uint32, remove func(folder int, name string) error) error {
	if err := checkPinPath(path); err != nil {
		return err
	}
	parent, name := filepath.Split(path)
	if parent == "" {
		parent = "."
	}
	folder, err := unix.Open(parent, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fault.Newf(err, "%q: %s", path, errorText(err))
	}
	defer unix.Close(folder)
	if err := checkPinIn(folder, name, path, kind, id); err != nil {
		return err
	}
	hidden := hiddenName()
	if err := unix.Renameat2(folder, name, folder, hidden, unix.RENAME_NOREPLACE); err != nil {
		return fault.Newf(err, "%q: %s", path, errorText(err))
	}
	err = checkPinIn(folder, hidden, path, kind, id)
	if err == nil {
		err = remove(folder, hidden)
	}
	if err == nil {
		return nil
	}
	if back := unix.Renameat2(folder, hidden, folder, name, unix.RENAME_NOREPLACE); back != nil {
		if errors.Is(back, os.ErrNotExist) {
			return err // it was removed there
		}
		return fmt.Errorf("%w; it is now at %q: %w", err, filepath.Join(parent, hidden), back)
	}
	return err
}

// hiddenName is a name for a pin that nobody else knows. It is made without crypto/rand, which brings 20 packages into
// every program.
func hiddenName() string {
	var random [16]byte
	for n := 0; n < len(random); {
		got, err := unix.Getrandom(random[n:], 0)
		if err != nil && err != unix.EINTR {
			panic(fmt.Sprintf("getrandom: %v", err)) // which the kernel does not do
		}
		n += max(got, 0)
	}
	return fmt.Sprintf("libbpf-go-unpin-%x", random)
}
