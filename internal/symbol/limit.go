package symbol

import (
	"debug/elf"
	"errors"
	"io"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Limits for binaries. Anyone can make one that claims anything, and fill it with holes that take no space on the disk.
// bpfgo reads those of all processes.
const (
	maxHeaders = 16 << 20  // bytes of the headers, and of the names of sections
	maxTable   = 512 << 20 // bytes of a table of symbols or of their names; binaries of a gigabyte have smaller ones
	maxNotes   = 1 << 20   // bytes of all notes
	maxLink    = 4096      // bytes of what names the debug file
	maxDebug   = 8 << 30   // bytes of a debug file that only a checksum identifies
	maxCode    = 128       // mappings with code
	maxName    = 16 << 10  // bytes of a function's name
	maxGo      = 1 << 20   // functions in the table of Go's runtime
	maxNames   = 4 << 20   // functions that Names has
	maxShown   = 4096      // bytes of a function's name that Names has
)

var errTooLarge = errors.New("it is too large")

// headers reads a file. Until its headers are read, it is an error to read too much: elf.NewFile believes their sizes.
// It also notes the first error of reading, as debug/elf does not tell it from damage: a table that could not be read is
// not one without functions.
type headers struct {
	file   io.ReaderAt
	left   int64
	read   bool
	failed atomic.Pointer[error]
}

func (h *headers) ReadAt(p []byte, offset int64) (int, error) {
	if !h.read {
		if h.left -= int64(len(p)); h.left < 0 {
			return 0, errTooLarge
		}
	}
	n, err := h.file.ReadAt(p, offset)
	// Folders and pipes are no ELF files.
	if errno := unix.Errno(0); errors.As(err, &errno) && errno != unix.EISDIR && errno != unix.ESPIPE {
		h.failed.CompareAndSwap(nil, &err)
	}
	return n, err
}

// err is the first error of reading.
func (h *headers) err() error {
	if failed := h.failed.Load(); failed != nil {
		return *failed
	}
	return nil
}

// content is the content of a section, if it is not larger than a limit.
func content(s *elf.Section, limit uint64) ([]byte, error) {
	if s.Size > limit {
		return nil, errTooLarge
	}
	return s.Data()
}
