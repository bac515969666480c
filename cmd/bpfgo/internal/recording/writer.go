package recording

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"sync"
)

// Writer writes a recording. It is safe for concurrent use. An error of writing is the result of all later calls, too.
type Writer struct {
	mu    sync.Mutex
	w     *bufio.Writer
	frame []byte
	err   error
}

// NewWriter begins a recording. btf is the object's BTF as in a file, or nil.
func NewWriter(w io.Writer, header Header, btf []byte) (*Writer, error) {
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	r := &Writer{w: bufio.NewWriterSize(w, 1<<16)}
	_, r.err = r.w.WriteString(magic)
	r.write(kindHeader, text)
	if btf != nil {
		r.write(kindBTF, btf)
	}
	return r, r.Flush()
}

// write writes a frame whose content is the parts.
func (w *Writer) write(kind byte, parts ...[]byte) {
	length := 0
	for _, part := range parts {
		length += len(part)
	}
	head := binary.AppendUvarint([]byte{kind}, uint64(length))
	for _, part := range append([][]byte{head}, parts...) {
		if _, err := w.w.Write(part); err != nil && w.err == nil {
			w.err = err
		}
	}
}

// stacks writes the stacks of what follows.
func (w *Writer) stacks(stacks []byte) {
	if stacks != nil {
		w.write(kindStacks, stacks)
	}
}

// Event writes a record.
func (w *Writer) Event(e Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frame = binary.AppendUvarint(w.frame[:0], uint64(e.Buffer))
	w.frame = binary.AppendUvarint(w.frame, uint64(e.CPU))
	w.frame = binary.AppendUvarint(w.frame, uint64(e.At))
	w.stacks(e.Stacks)
	w.write(kindEvent, w.frame, e.Record)
	return w.err
}

// Snapshot writes the content of a map.
func (w *Writer) Snapshot(s Snapshot) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frame = binary.AppendUvarint(w.frame[:0], uint64(s.Map))
	w.frame = binary.AppendUvarint(w.frame, uint64(s.Number))
	w.frame = binary.AppendUvarint(w.frame, uint64(s.At))
	w.frame = binary.AppendUvarint(w.frame, uint64(len(s.Rows)))
	w.write(kindMap, w.frame)
	for _, r := range s.Rows {
		w.frame = binary.AppendUvarint(w.frame[:0], uint64(r.CPU+1))
		w.frame = binary.AppendUvarint(w.frame, uint64(len(r.Key)))
		w.stacks(r.Stacks)
		w.write(kindRow, w.frame, r.Key, r.Value)
	}
	return w.err
}

// End writes the end.
func (w *Writer) End(e End) error {
	w.mu.Lock()
	w.write(kindEnd, []byte(e.Summary))
	w.mu.Unlock()
	return w.Flush()
}

// Flush writes what was collected.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.w.Flush(); err != nil && w.err == nil {
		w.err = err
	}
	return w.err
}
