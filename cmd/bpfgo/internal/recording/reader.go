package recording

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Reader reads a recording.
type Reader struct {
	Header Header
	BTF    []byte // the object's, as in a file; nil if it has none

	r       *bufio.Reader
	content []byte
	next    byte // the kind of a frame that was read ahead, or 0
	stacks  []byte
}

// errDamaged is for a recording that nobody has written so.
var errDamaged = errors.New("the recording is damaged")

// NewReader reads the header of a recording.
func NewReader(r io.Reader) (*Reader, error) {
	reader := &Reader{r: bufio.NewReaderSize(r, 1<<16)}
	line := make([]byte, len(magic))
	if _, err := io.ReadFull(reader.r, line); err != nil || string(line) != magic {
		if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("this is not a recording of bpfgo")
		}
		return nil, err
	}
	kind, err := reader.frame()
	if err != nil {
		return nil, atEnd(err)
	}
	if kind != kindHeader {
		return nil, errDamaged
	}
	if err := json.Unmarshal(reader.content, &reader.Header); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	switch kind, err := reader.frame(); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, atEnd(err)
	case kind == kindBTF:
		reader.BTF = append([]byte{}, reader.content...)
	default:
		reader.next = kind
	}
	return reader, nil
}

// atEnd makes the end of a file within the header an error.
func atEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends in its header", errDamaged)
	}
	return err
}

// frame reads the next frame into r.content.
func (r *Reader) frame() (kind byte, err error) {
	if kind, r.next = r.next, 0; kind != 0 {
		return kind, nil
	}
	if kind, err = r.r.ReadByte(); err != nil {
		return 0, err
	}
	length, err := binary.ReadUvarint(r.r)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return 0, io.ErrUnexpectedEOF
	case err != nil, length > limit:
		return 0, errDamaged
	}
	// The length may be wrong: memory is for what is there.
	r.content = r.content[:0]
	for uint64(len(r.content)) < length {
		step := min(length-uint64(len(r.content)), 1<<16)
		at := len(r.content)
		r.content = append(r.content, make([]byte, step)...)
		if _, err := io.ReadFull(r.r, r.content[at:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
	}
	return kind, nil
}

// Next reads the next Event, Snapshot or End. The memory of an event is valid until the next call. The error is
// io.ErrUnexpectedEOF where the recording was cut off. Frames of a kind that is not known are left out.
func (r *Reader) Next() (any, error) {
	for {
		kind, err := r.frame()
		if errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		p := parts{content: r.content}
		switch kind {
		case kindEvent:
			e := Event{Buffer: p.index(len(r.Header.Buffers)), CPU: p.number(), At: p.duration()}
			e.Record, e.Stacks = p.content, r.takeStacks()
			return e, p.err
		case kindStacks:
			r.stacks = bytes.Clone(r.content)
		case kindMap:
			snapshot := Snapshot{Map: p.index(len(r.Header.Maps)), Number: p.number(), At: p.duration()}
			rows := p.number()
			if p.err != nil {
				return nil, p.err
			}
			for range rows {
				row, err := r.row()
				if err != nil {
					return nil, err
				}
				snapshot.Rows = append(snapshot.Rows, row)
			}
			return snapshot, nil
		case kindEnd:
			return End{Summary: string(r.content)}, nil
		}
	}
}

// takeStacks are the stacks of what was read now.
func (r *Reader) takeStacks() []byte {
	stacks := r.stacks
	r.stacks = nil
	return stacks
}

// row reads a row of a snapshot.
func (r *Reader) row() (Row, error) {
	for {
		kind, err := r.frame()
		switch {
		case errors.Is(err, io.EOF):
			return Row{}, io.ErrUnexpectedEOF
		case err != nil:
			return Row{}, err
		case kind == kindStacks:
			r.stacks = bytes.Clone(r.content)
		case kind == kindRow:
			p := parts{content: bytes.Clone(r.content)}
			row := Row{CPU: p.number() - 1, Stacks: r.takeStacks()}
			row.Key, row.Value = p.split()
			return row, p.err
		default:
			return Row{}, errDamaged
		}
	}
}

// parts takes a frame apart.
type parts struct {
	content []byte
	err     error
}

func (p *parts) uvarint(below uint64) uint64 {
	n, size := binary.Uvarint(p.content)
	if size <= 0 || n >= below {
		p.err, p.content = errDamaged, nil
		return 0
	}
	p.content = p.content[size:]
	return n
}

func (p *parts) index(count int) int { return int(p.uvarint(uint64(count))) }

func (p *parts) number() int { return int(p.uvarint(math.MaxInt32)) }

func (p *parts) duration() time.Duration { return time.Duration(p.uvarint(math.MaxInt64)) }

// split takes a part with its length in front, and the rest.
func (p *parts) split() (part, rest []byte) {
	n := p.uvarint(uint64(len(p.content)) + 1)
	if n > uint64(len(p.content)) {
		p.err = errDamaged
		return nil, nil
	}
	return p.content[:n], p.content[n:]
}
