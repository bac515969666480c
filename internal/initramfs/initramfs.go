// Package initramfs writes the files of a virtual machine: an archive that the kernel unpacks into memory when it boots.
package initramfs

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Archive is an archive in the kernel's format, "newc". Paths are absolute. Folders are made as needed, and what is
// there already is not added again. End tells about errors of the writer.
type Archive struct {
	w    *bufio.Writer
	seen map[string]bool
	next int
	at   int64
}

// New begins an archive.
func New(w io.Writer) *Archive {
	return &Archive{w: bufio.NewWriterSize(w, 1<<20), seen: make(map[string]bool)}
}

// End ends the archive.
func (a *Archive) End() error {
	a.header("TRAILER!!!", 0, 0, 0, 0)
	return a.w.Flush()
}

func (a *Archive) header(name string, mode uint32, size int64, major, minor int) {
	a.next++
	n, _ := fmt.Fprintf(a.w, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		a.next, mode, 0, 0, 1, 0, size, 0, 0, major, minor, len(name)+1, 0, name)
	a.at += int64(n)
	a.pad()
}

func (a *Archive) pad() {
	for ; a.at%4 != 0; a.at++ {
		_ = a.w.WriteByte(0)
	}
}

// Has tells whether the archive has a path.
func (a *Archive) Has(path string) bool { return a.seen[filepath.Clean(path)] }

// Add adds anything, with the mode that the kernel has for it.
func (a *Archive) Add(path string, mode uint32, content []byte) {
	path = filepath.Clean(path)
	if path == "/" || a.seen[path] {
		return
	}
	a.seen[path] = true
	a.Folder(filepath.Dir(path))
	a.header(path[1:], mode, int64(len(content)), 0, 0)
	_, _ = a.w.Write(content)
	a.at += int64(len(content))
	a.pad()
}

// Text adds a file.
func (a *Archive) Text(path, text string) { a.Add(path, 0o100644, []byte(text)) }

// Script adds a file that can be executed.
func (a *Archive) Script(path, text string) { a.Add(path, 0o100755, []byte(text)) }

// Folder adds a folder.
func (a *Archive) Folder(path string) { a.Add(path, 0o040755, nil) }

// Symlink adds a link.
func (a *Archive) Symlink(path, dest string) { a.Add(path, 0o120777, []byte(dest)) }

// Console adds the device that the first process has as its streams.
func (a *Archive) Console() {
	a.Folder("/dev")
	a.header("dev/console", 0o020600, 0, 5, 1)
}

// File adds a file of this machine, which may be a link here, under the name to.
func (a *Archive) File(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	a.Add(to, 0o100000|uint32(info.Mode().Perm()), content)
	return nil
}

// Libraries adds the libraries that a program of this machine needs.
func (a *Archive) Libraries(program string) error {
	out, err := exec.Command("ldd", program).Output()
	if err != nil {
		return nil // not a dynamic executable
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "not found") {
			return fmt.Errorf("%s: %s", program, strings.TrimSpace(line))
		}
		for _, field := range strings.Fields(line) {
			if strings.HasPrefix(field, "/") {
				if err := a.File(field, field); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
