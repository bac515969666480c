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

	// Until the headers are read, a piece of the file that small reads come from: debug/elf reads each header by itself.
	piece   []byte
	pieceAt int64
}

// pieceSize is enough for the headers of a hundred sections.
const pieceSize = 8 << 10

// readSmall is ReadAt from the piece of the file that has the bytes.
func (h *headers) readSmall(p []byte, offset int64) (int, error) {
	if at := offset - h.pieceAt; at >= 0 && at+int64(len(p)) <= int64(len(h.piece)) {
		return copy(p, h.piece[at:]), nil
	}
	if h.piece == nil {
		h.piece = make([]byte, pieceSize)
	}
	n, err := h.file.ReadAt(h.piece[:pieceSize], offset)
	h.piece, h.pieceAt = h.piece[:n], offset
	if copied := copy(p, h.piece); copied < len(p) {
		return copied, err
	}
	return len(p), nil
}

func (h *headers) ReadAt(p []byte, offset int64) (int, error) {
	if !h.read {
		if h.left -= int64(len(p)); h.left < 0 {
			return 0, errTooLarge
		}
	}
	read := h.file.ReadAt
	if !h.read && len(p) < pieceSize/8 {
		read = h.readSmall
	}
	n, err := read(p, offset)
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
