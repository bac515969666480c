package typed

import (
	"iter"

	"github.com/libbpf-go/libbpf-go"
)

// StackTrace holds stack traces under the ids that bpf_get_stackid returned to programs: a map of type
// [libbpf.MapTypeStackTrace]. A trace is the instruction addresses of the frames, innermost first.
type StackTrace struct{ a access }

// NewStackTrace makes a typed view of a map of type [libbpf.MapTypeStackTrace] (Linux 4.6). One that was created with
// [libbpf.StackBuildID] has no addresses: [libbpf.ErrInvalid].
func NewStackTrace(m libbpf.MapCore) (*StackTrace, error) {
	a, err := newAccess(m, libbpf.MapTypeStackTrace)
	if err != nil {
		return nil, err
	}
	if err := a.wantSize("key", m.KeySize(), 4); err != nil {
		return nil, err
	}
	info, err := m.Info()
	switch {
	case err != nil:
		return nil, err
	case info.Flags&libbpf.StackBuildID != 0:
		return nil, a.refuse("it has build ids and offsets, and must have addresses")
	case m.ValueSize()%8 != 0:
		return nil, a.refuse("its values have %d bytes, which is no multiple of 8", m.ValueSize())
	}
	return &StackTrace{a}, nil
}

func (m *StackTrace) access() *access {
	if m == nil {
		return &closed
	}
	return &m.a
}

// Map is the map behind it.
func (m *StackTrace) Map() libbpf.MapCore { return m.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (m *StackTrace) Pin(path string) error { return m.access().pin(path) }

// Capacity is the number of traces that there is room for.
func (m *StackTrace) Capacity() int { return m.access().len() }

// Depth is the number of frames that a trace can have.
func (m *StackTrace) Depth() int { return int(m.access().mapCore().ValueSize() / 8) }

// Get is the trace with an id, in a new slice (bpf_map_lookup_elem): [libbpf.ErrKeyNotExist] when there is none.
func (m *StackTrace) Get(id uint32) ([]uint64, error) {
	frames := make([]uint64, m.Depth())
	n, err := m.GetInto(id, frames)
	if err != nil {
		return nil, err
	}
	return frames[:n], nil
}

// GetInto is Get into the caller's slice, which has Depth elements. It returns how many frames there are, and does not
// allocate.
func (m *StackTrace) GetInto(id uint32, frames []uint64) (int, error) {
	if err := m.access().lookup(bytesOf(&id), bytesOfSlice(frames), libbpf.Any); err != nil {
		return 0, err
	}
	return depth(frames), nil
}

// depth is the number of frames in front of the zeroes.
func depth(frames []uint64) int {
	for i, frame := range frames {
		if frame == 0 {
			return i
		}
	}
	return len(frames)
}

// Delete removes a trace, and makes room for others (bpf_map_delete_elem): [libbpf.ErrKeyNotExist] when there is none.
func (m *StackTrace) Delete(id uint32) error { return m.access().delete(bytesOf(&id)) }

// All iterates over the traces and their ids, in no order. The slice is valid until the next step. When the loop ends
// early because of an error, that is in *err; err may be nil. Traces that come or go meanwhile may be missed.
func (m *StackTrace) All(err *error) iter.Seq2[uint32, []uint64] {
	return func(yield func(uint32, []uint64) bool) {
		a, size := m.access(), m.Depth()
		n := a.batch(4 + 8*size)
		ids, frames := make([]uint32, n), make([]uint64, n*size)
		var cursor libbpf.MapCursor
		for {
			got, more := a.read(&cursor, bytesOfSlice(ids), bytesOfSlice(frames), err)
			for i, id := range ids[:got] {
				trace := frames[i*size : (i+1)*size]
				end := depth(trace)
				if !yield(id, trace[:end:end]) {
					return
				}
			}
			if !more {
				return
			}
		}
	}
}

// Keys is All without the traces.
func (m *StackTrace) Keys(err *error) iter.Seq[uint32] { return keysOf(m.All(err)) }
