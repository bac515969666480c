// Package recording stores what a run has seen in a file, and reads it back.
//
// A recording is a line that says what it is, and frames. A frame is a byte for its kind, the length of its content,
// and the content. Numbers are varints, as of package encoding/binary. The first frame is the header, as JSON; then
// comes the BTF of the object, if it has any. A recording that was cut off has all frames before the cut.
package recording

import (
	"time"
)

// magic is the first line.
const magic = "bpfgo recording 1\n"

// Kinds of frames.
const (
	kindHeader = 'h'
	kindBTF    = 'b'
	kindEvent  = 'e' // buffer, CPU, nanoseconds since the beginning, the record
	kindMap    = 'm' // map, number of the snapshot, nanoseconds since the beginning, number of rows; the rows follow
	kindRow    = 'r' // CPU + 1, length of the key, the key, the value
	kindStacks = 's' // the stacks of the event or row that follows, as JSON
	kindEnd    = 'z' // the summary, as text
)

// limit is the size of the largest frame that is read.
const limit = 1 << 28

// Header says what was recorded.
type Header struct {
	Object  string    `json:"object"`
	Bpfgo   string    `json:"bpfgo,omitempty"`
	Kernel  string    `json:"kernel,omitempty"`
	Started time.Time `json:"started"`
	Buffers []Buffer  `json:"buffers,omitempty"`
	Maps    []Map     `json:"maps,omitempty"`
}

// Buffer is a ring buffer or perf buffer. Numbers of types are those in the object's BTF.
type Buffer struct {
	Name string `json:"name"`
	Perf bool   `json:"perf,omitempty"`
	Type uint32 `json:"type,omitempty"` // of its records, or 0
}

// Map is a map whose content was recorded.
type Map struct {
	Name      string `json:"name"`
	Type      uint32 `json:"type"`
	KeySize   uint32 `json:"key_size"`
	ValueSize uint32 `json:"value_size"`
	Key       uint32 `json:"key,omitempty"` // its type, or 0
	Value     uint32 `json:"value,omitempty"`
	PerCPU    bool   `json:"per_cpu,omitempty"` // a row is the value of one CPU; otherwise they are summed if they can be
}

// Event is a record of a buffer.
type Event struct {
	Buffer int // in Header.Buffers
	CPU    int
	At     time.Duration // since Header.Started
	Record []byte
	Stacks []byte // the stacks in it, with names, as JSON; nil for none
}

// Snapshot is the content of a map at one time.
type Snapshot struct {
	Map    int // in Header.Maps
	Number int // counted from 1
	At     time.Duration
	Rows   []Row
}

// Row is an element of a map, or the value of one CPU in it.
type Row struct {
	CPU        int // -1 for none
	Key, Value []byte
	Stacks     []byte // as those of an event
}

// End is the end of a recording that was not cut off.
type End struct{ Summary string }
